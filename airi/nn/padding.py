"""Layers that add a border to one to three dimensions."""

from __future__ import annotations

from typing import ClassVar

from airi.nn import functional as F
from airi.nn.module import Module
from airi.nn.sizes import per_dimension
from airi.ops.spatial import Sizes
from airi.tensor import Tensor


class _Pad(Module):
    """`padding`: one width, or left, right (and top, bottom); negative widths crop."""

    dimensions: ClassVar[int]
    mode: ClassVar[str] = "constant"
    value: float = 0.0

    def __init__(self, padding: Sizes) -> None:
        super().__init__()
        self.padding = per_dimension(type(self).__name__, "padding", padding, 2 * self.dimensions)

    def forward(self, input: Tensor) -> Tensor:
        if self.mode == "constant":
            return F.pad(input, self.padding, "constant", self.value)
        if input.ndim not in (self.dimensions + 1, self.dimensions + 2):
            raise ValueError(
                f"{type(self).__name__}: expected an input of {self.dimensions + 1} (unbatched) or "
                f"{self.dimensions + 2} (batched) dimensions, got shape {tuple(input.shape)}"
            )
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantPad1d(_Pad):
    """A border of one value. Source: ``torch.nn.ConstantPad1d``."""

    dimensions = 1

    def __init__(self, padding: Sizes, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad2d(ConstantPad1d):
    """A border of one value round images. Source: ``torch.nn.ConstantPad2d``."""

    dimensions = 2


class ConstantPad3d(ConstantPad1d):
    """A border of one value round volumes. Source: ``torch.nn.ConstantPad3d``."""

    dimensions = 3


class ZeroPad1d(_Pad):
    """A border of zeros. Source: ``torch.nn.ZeroPad1d``."""

    dimensions = 1


class ZeroPad2d(_Pad):
    """A border of zeros round images. Source: ``torch.nn.ZeroPad2d``."""

    dimensions = 2


class ZeroPad3d(_Pad):
    """A border of zeros round volumes. Source: ``torch.nn.ZeroPad3d``."""

    dimensions = 3


class ReflectionPad1d(_Pad):
    """A border that mirrors the inside, the edge itself not repeated.

    Example: ``nn.ReflectionPad1d(2)`` makes 1 2 3 into 3 2 1 2 3 2 1.
    Source: ``torch.nn.ReflectionPad1d``.
    """

    dimensions = 1
    mode = "reflect"


class ReflectionPad2d(ReflectionPad1d):
    """A border that mirrors images. Source: ``torch.nn.ReflectionPad2d``."""

    dimensions = 2


class ReflectionPad3d(ReflectionPad1d):
    """A border that mirrors volumes. Source: ``torch.nn.ReflectionPad3d``."""

    dimensions = 3


class ReplicationPad1d(_Pad):
    """A border that repeats the edge. Source: ``torch.nn.ReplicationPad1d``."""

    dimensions = 1
    mode = "replicate"


class ReplicationPad2d(ReplicationPad1d):
    """A border that repeats the edge of images. Source: ``torch.nn.ReplicationPad2d``."""

    dimensions = 2


class ReplicationPad3d(ReplicationPad1d):
    """A border that repeats the edge of volumes. Source: ``torch.nn.ReplicationPad3d``."""

    dimensions = 3


class CircularPad1d(_Pad):
    """A border that goes on at the other end. Source: ``torch.nn.CircularPad1d``."""

    dimensions = 1
    mode = "circular"


class CircularPad2d(CircularPad1d):
    """A border that goes on at the other side of images. Source: ``torch.nn.CircularPad2d``."""

    dimensions = 2


class CircularPad3d(CircularPad1d):
    """A border that goes on at the other side of volumes. Source: ``torch.nn.CircularPad3d``."""

    dimensions = 3
