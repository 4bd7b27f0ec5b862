"""Each pass of each convolution: forward, gradient of the input, gradient of the weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.row import Step, add_row


@dataclass(frozen=True)
class Convolution:
    """Sizes of a convolution of square filters."""

    batch: int
    channels: int
    height: int
    width: int
    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    transposed: bool = False
    dtype: str = "float32"

    def __str__(self) -> str:
        text = f"{self.batch}x{self.channels}x{self.height}x{self.width}"
        text += f", {self.filters} filters {self.kernel}x{self.kernel}"
        for name in ("stride", "padding", "groups", "dtype"):
            if getattr(self, name) != getattr(Convolution, name):
                text += f", {name} {getattr(self, name)}"
        return text + ", transposed" * self.transposed

    def tensors(self, torch: Any) -> tuple[Any, Any, Any]:
        """Input, weight and bias."""
        if self.transposed:
            pairs = (self.channels, self.filters // self.groups)
        else:
            pairs = (self.filters, self.channels // self.groups)
        dtype = getattr(torch, self.dtype)
        x = torch.randn(self.batch, self.channels, self.height, self.width, dtype=dtype)
        weight = torch.randn(*pairs, self.kernel, self.kernel, dtype=dtype)
        return x, weight, torch.randn(self.filters, dtype=dtype)

    @property
    def tiny(self) -> Convolution:
        """The same on a small image of few channels."""
        few = {name: min(getattr(self, name), 4) for name in ("channels", "filters", "groups")}
        return replace(self, batch=2, height=8, width=8, **few)

    def apply(self, torch: Any, x: Any, weight: Any, bias: Any = None) -> Any:
        functional = torch.nn.functional
        convolve = functional.conv_transpose2d if self.transposed else functional.conv2d
        return convolve(
            x, weight, bias, stride=self.stride, padding=self.padding, groups=self.groups
        )

    def flops(self, y: Any) -> int:
        """A multiplication and an addition for each weight that meets each pixel."""
        pixels = self.height * self.width if self.transposed else y.shape[2] * y.shape[3]
        weights = self.channels * self.filters // self.groups * self.kernel**2
        return 2 * self.batch * pixels * weights


def forward(torch: Any, case: Convolution) -> Step:
    """The convolution with its bias, nothing recorded."""
    x, weight, bias = case.tensors(torch)
    flops = case.flops(case.apply(torch, x, weight, bias))
    return Step(lambda: case.apply(torch, x, weight, bias), flops=flops)


def input_gradient(torch: Any, case: Convolution) -> Step:
    """Backward to the input alone."""
    x, weight, _ = case.tensors(torch)
    y = case.apply(torch, x.requires_grad_(), weight)
    g = torch.randn_like(y)
    return Step(lambda: torch.autograd.grad(y, x, g, retain_graph=True)[0], flops=case.flops(y))


def weight_gradient(torch: Any, case: Convolution) -> Step:
    """Backward to the weight alone."""
    x, weight, _ = case.tensors(torch)
    y = case.apply(torch, x, weight.requires_grad_())
    g = torch.randn_like(y)
    return Step(
        lambda: torch.autograd.grad(y, weight, g, retain_graph=True)[0], flops=case.flops(y)
    )


def both_ways(torch: Any, case: Convolution) -> Step:
    """Forward, and backward to the input and the weight."""
    x, weight, _ = case.tensors(torch)
    x.requires_grad_()
    weight.requires_grad_()
    y = case.apply(torch, x, weight)
    g = torch.randn_like(y)
    return Step(
        lambda: torch.autograd.grad(case.apply(torch, x, weight), (x, weight), g),
        flops=3 * case.flops(y),
    )


DENSE = {
    "course1": Convolution(128, 3, 32, 32, 16, 5),
    "course2": Convolution(128, 16, 28, 28, 16, 5),
    "stem": Convolution(32, 3, 224, 224, 64, 7, stride=2, padding=3),
    "64ch": Convolution(32, 64, 56, 56, 64, 3, padding=1),
    "1x1": Convolution(32, 64, 56, 56, 256, 1),
    "stride2": Convolution(32, 128, 28, 28, 128, 3, stride=2, padding=1),
    "256ch": Convolution(32, 256, 14, 14, 256, 3, padding=1),
    "512ch": Convolution(8, 512, 7, 7, 512, 3, padding=1),
    "1to32": Convolution(64, 1, 28, 28, 32, 3, padding=1),
    "32to64": Convolution(64, 32, 26, 26, 64, 3),
    "transposed": Convolution(64, 64, 14, 14, 32, 4, stride=2, padding=1, transposed=True),
}
PASSES = {"forward": forward, "input": input_gradient, "weight": weight_gradient}


def add(build: Callable[..., Step], name: str, case: Convolution, **facts: Any) -> None:
    add_row(build, name, sizes={"case": case}, tiny={"case": case.tiny}, **facts)


for shape, case in DENSE.items():
    for direction, build in PASSES.items():
        add(build, f"conv-{shape}-{direction}", case, floor=1.0, aim=2.0)

depthwise = Convolution(32, 96, 56, 56, 96, 3, padding=1, groups=96)
add(forward, "depthwise-forward", depthwise, floor=5.0, aim=12.0)
add(both_ways, "depthwise-both", depthwise, floor=4.0, aim=8.0)

# float64 has no aim: it is to be right, and PyTorch is slow at it.
in_float64 = replace(DENSE["course2"], dtype="float64")
for direction, build in PASSES.items():
    add(build, f"conv-float64-{direction}", in_float64, floor=1.0, aim=None)
