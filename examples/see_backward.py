"""Backward of the course's ConvNet as a page, a wrong rule found, and the birthplace of a NaN.

python examples/see_backward.py        writes convnet.html, fault.html and nan.html
"""

import argparse
import tempfile
from pathlib import Path

import airi
from airi import viz
from airi.autograd import Function
from airi.datasets import FashionMNISTSample
from airi.nn import functional
from airi.train import convnet as course_convnet


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
    model = course_convnet(channels=1, height=28, width=28, classes=10)
    clothes = FashionMNISTSample(train=True)
    images, labels = clothes.data[:8].unsqueeze(1) / 255, clothes.targets[:8]
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
