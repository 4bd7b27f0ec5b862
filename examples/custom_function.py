"""A network whose hidden units say only yes or no, trained through an op of one's own.

The sign of a number has no useful gradient; the op pretends that it had one (a straight-through
estimator):  python examples/custom_function.py

Source: Y. Bengio, N. Leonard and A. Courville, "Estimating or propagating gradients through
stochastic neurons for conditional computation" (2013).
"""

import argparse

import airi as torch
import airi.nn as nn
import airi.nn.functional as F
from airi.autograd import Function, gradcheck


class Binarize(Function):
    """out = sign(x);  dx = g where |x| <= 1, else 0"""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sign()

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * (x.abs() <= 1).to(grad_output.dtype)


class ScaledExp(Function):
    """out = scale * e**x, with its true gradient: this one passes gradcheck."""

    @staticmethod
    def forward(ctx, x, scale):
        out = scale * x.exp()
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, grad_output):
        (out,) = ctx.saved_tensors
        return grad_output * out, None


class BinaryNet(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.norm = nn.BatchNorm1d(hidden)
        self.fc2 = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.fc2(Binarize.apply(self.norm(self.fc1(x)))).squeeze(-1)


def two_moons(count):
    """Points on two half circles that reach into each other."""
    angle = torch.rand(count) * torch.pi
    label = torch.randint(0, 2, (count,))
    side = 1 - 2 * label
    x = torch.cos(angle) * side + label
    y = torch.sin(angle) * side + 0.5 * label
    points = torch.stack((x, y), dim=1)
    return points + 0.1 * torch.randn(count, 2), label.to(points.dtype)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--quick", action="store_true", help="40 steps")
    args = parser.parse_args(argv)
    steps = 40 if args.quick else args.steps

    torch.manual_seed(0)
    x = torch.randn(4, dtype=torch.double, requires_grad=True)
    print("gradcheck of ScaledExp:", gradcheck(ScaledExp.apply, (x, 3.0)))

    points, labels = two_moons(400)
    model = BinaryNet(32)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-2)
    losses = []
    for step in range(1, steps + 1):
        loss = F.binary_cross_entropy_with_logits(model(points), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 100 == 0 or step == steps:
            right = ((model(points) > 0) == (labels > 0.5)).to(points.dtype).mean().item()
            print(f"step {step}: loss {loss.item():.4f}, {right:.1%} right")
    return losses


if __name__ == "__main__":
    main()
