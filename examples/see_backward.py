"""Backward of a small ConvNet as a page, a wrong rule found, and the birthplace of a NaN.

python examples/see_backward.py        writes convnet.html, fault.html and nan.html
"""

import argparse
import tempfile
from pathlib import Path

import airi
from airi import nn, viz
from airi.autograd import Function
from airi.nn import functional


class Cube(Function):
    """out = x**3;  dx = 3 * g * x**2"""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3.03 * g * x**2  # a slip of 1 %


def convnet(folder):
    airi.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 10)
    )
    images, labels = airi.randn(8, 3, 16, 16), airi.randint(0, 10, (8,))
    replay = viz.trace(lambda: functional.cross_entropy(model(images), labels))
    print(replay)
    print(replay.profile())
    print("saved", replay.save(folder / "convnet.html"))


def fault(folder):
    x = airi.randn(4, 3, requires_grad=True)
    replay = viz.trace(lambda: (Cube.apply(x.sin()) + x).mean())
    print(replay.check())
    print("saved", replay.save(folder / "fault.html"))


def not_a_number(folder):
    x = airi.tensor([0.0, 4.0], requires_grad=True)
    replay = viz.trace(lambda: (x.sqrt() * 0.0).sum())
    print(replay.birthplace)
    print("saved", replay.save(folder / "nan.html"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="write the pages to a temporary folder"
    )
    quick = parser.parse_args().quick
    folder = Path(tempfile.mkdtemp() if quick else ".")
    for show in (convnet, fault, not_a_number):
        print(f"\n== {show.__name__}")
        show(folder)


if __name__ == "__main__":
    main()
