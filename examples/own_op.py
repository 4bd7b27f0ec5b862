"""An op of one's own, and how gradcheck finds what is wrong with it.

python examples/own_op.py
"""

import argparse

import airi
from airi.autograd import Function, gradcheck, gradgradcheck


class Softplus(Function):
    """out = log(1 + e**x);  dx = g / (1 + e**-x)"""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (1 + x.exp()).log()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g / (1 + (-x).exp())


class Forgetful(Softplus):
    """The same with a slip in its backward: the gradient that arrives is left out."""

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 / (1 + (-x).exp())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="this example is always quick")
    parser.parse_args()

    airi.manual_seed(0)
    x = airi.randn(2, 3, dtype=airi.float64, requires_grad=True)
    print("Softplus, first derivative: ", gradcheck(Softplus.apply, x))
    print("Softplus, second derivative:", gradgradcheck(Softplus.apply, x))
    try:
        gradcheck(Forgetful.apply, x)
    except RuntimeError as error:
        print(f"\nForgetful:\n{error}")


if __name__ == "__main__":
    main()
