"""Adaptive pooling: the windows divide an image into as many parts as are asked for.

Where they are all of one size it is an ordinary pooling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule
from airi.ops.pool import AvgPool2d, MaxPool2d, ScatterInPlanes, by_places
from airi.ops.reduction import mean
from airi.ops.spatial import as_images, check_dimensions, from_images, numbers, plane
from airi.ops.views import shape_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airi.tensor import Tensor

    SomeSizes = int | Sequence[int | None]

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
]


class AdaptiveMaxPool2d(Rule):
    """MaxPool2d whose window o of n covers floor(o * size / n) to ceil((o + 1) * size / n)"""

    outputs = ("out", "indices")

    @staticmethod
    def forward(x, *, output_size):
        height, width = x.shape[2:]
        out = np.empty((*x.shape[:2], *output_size), x.dtype)
        indices = np.empty(out.shape, np.int64)
        for i, (top, bottom) in enumerate(adaptive_windows(height, output_size[0])):
            for j, (left, right) in enumerate(adaptive_windows(width, output_size[1])):
                area = (bottom - top) * (right - left)
                window = x[:, :, top:bottom, left:right].reshape(*x.shape[:2], area)
                place = window.argmax(2)
                out[:, :, i, j] = np.take_along_axis(window, place[..., None], 2)[..., 0]
                row, column = np.divmod(place, right - left)
                indices[:, :, i, j] = (row + top) * width + column + left
        return out, indices

    @staticmethod
    def backward(g, indices, x_shape):
        return ScatterInPlanes.apply(g[0], indices, size=x_shape[2:])


class AdaptiveAvgPool2d(Rule):
    """out = the mean of window (i, j), for windows as in AdaptiveMaxPool2d

    The mean of a window is the mean over its rows of the means over its columns.
    dx = AdaptiveAvgPool2dInputGrad(g)
    """

    @staticmethod
    def forward(x, *, output_size):
        out = x
        for axis, count in zip((3, 2), output_size[::-1]):
            if out.shape[axis] == count:
                continue
            windows = adaptive_windows(out.shape[axis], count)
            means = [out[part_of(axis, each)].mean(axis, keepdims=True) for each in windows]
            out = np.concatenate(means, axis) if means else out[part_of(axis, (0, 0))]
        return x.copy() if out is x else out

    @staticmethod
    def backward(g, x_shape):
        return AdaptiveAvgPool2dInputGrad.apply(g, input_size=x_shape[2:])


class AdaptiveAvgPool2dInputGrad(Rule):
    """out = each element of y over its window's size, added to that window

    dy = AdaptiveAvgPool2d(g)
    """

    @staticmethod
    def forward(y, *, input_size):
        out = y
        for axis, size in zip((2, 3), input_size):
            if out.shape[axis] == size:
                continue
            spread = np.zeros((*out.shape[:axis], size, *out.shape[axis + 1 :]), y.dtype)
            for i, (start, stop) in enumerate(adaptive_windows(size, out.shape[axis])):
                part = out[part_of(axis, (i, i + 1))] / (stop - start)
                spread[part_of(axis, (start, stop))] += part
            out = spread
        return y.copy() if out is y else out

    @staticmethod
    def backward(g, y_shape):
        return AdaptiveAvgPool2d.apply(g, output_size=y_shape[2:])


def adaptive_windows(size: int, count: int) -> list[tuple[int, int]]:
    """First and one past last element of each of `count` adaptive windows."""
    return [(i * size // count, -((i + 1) * size // -count)) for i in range(count)]


def part_of(axis: int, ends: tuple[int, int]) -> tuple[slice, ...]:
    """The index of the elements from the first to before the second end along the axis."""
    return (*(slice(None),) * axis, slice(*ends))


def adaptive_avg_pool2d(input: Tensor, output_size: SomeSizes) -> Tensor:
    """Means over windows that divide the image into `output_size` parts, overlapping if need be.

    Window i of n covers rows ``floor(i * H / n)`` to ``ceil((i + 1) * H / n)``. None in
    `output_size` keeps a size. Shapes: input (N, C, H, W) or (C, H, W). Raises RuntimeError for an
    empty image. Example: ``adaptive_avg_pool2d(x, 1)`` is the mean of each channel.
    Source: ``torch.nn.functional.adaptive_avg_pool2d``.
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool1d(input: Tensor, output_size: SomeSizes) -> Tensor:
    """`adaptive_avg_pool2d` of signals (N, C, L) or (C, L).

    Source: ``torch.nn.functional.adaptive_avg_pool1d``.
    """
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def _adaptive_avg_pool(function: str, dims: int, input: Tensor, output_size: SomeSizes) -> Tensor:
    size = adaptive_size(function, dims, input, output_size)
    images = as_images(input, dims)
    if size == (1, 1):
        out = mean(images, (2, 3), keepdim=True)
    elif kernel := _even_kernel(images, size):
        out = AvgPool2d.apply(
            images, kernel=kernel, stride=kernel, padding=(0, 0), output_size=size,
            count_include_pad=True, divisor_override=None,
        )  # fmt: skip
    else:
        out = AdaptiveAvgPool2d.apply(images, output_size=size)
    return from_images(out, input, dims)


def adaptive_max_pool2d(input: Tensor, output_size: SomeSizes, return_indices: bool = False) -> Any:
    """The largest elements of the windows of `adaptive_avg_pool2d`.

    With `return_indices` also the int64 places ``y * W + x``.
    Example: ``adaptive_max_pool2d(x, (5, 7))``.
    Source: ``torch.nn.functional.adaptive_max_pool2d``.
    """
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool1d(input: Tensor, output_size: SomeSizes, return_indices: bool = False) -> Any:
    """`adaptive_max_pool2d` of signals (N, C, L) or (C, L).

    Source: ``torch.nn.functional.adaptive_max_pool1d``.
    """
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


def _adaptive_max_pool(
    function: str, dims: int, input: Tensor, output_size: SomeSizes, return_indices: bool
) -> Any:
    size = adaptive_size(function, dims, input, output_size)
    images = as_images(input, dims)
    if kernel := _even_kernel(images, size):
        out, indices = MaxPool2d.apply(
            images, kernel=kernel, stride=kernel, padding=(0, 0), dilation=(1, 1),
            output_size=size, in_window=by_places(kernel, return_indices),
        )  # fmt: skip
    else:
        out, indices = AdaptiveMaxPool2d.apply(images, output_size=size)
    out = from_images(out, input, dims)
    return (out, from_images(indices, input, dims)) if return_indices else out


def adaptive_size(
    function: str, dims: int, input: Tensor, output_size: SomeSizes
) -> tuple[int, ...]:
    check_dimensions(function, input, dims)
    have = shape_of(input)[-dims:]
    if 0 in input.shape[-dims - 1 :]:
        raise RuntimeError(
            f"{function}: only the batch may be empty, got an input of shape {shape_of(input)}"
        )
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * dims
    wanted = tuple([n if each is None else each for n, each in zip(have, given)])
    if len(given) != dims:
        raise RuntimeError(f"{function}: output_size must have {dims} ints, got {output_size!r}")
    return plane(numbers(function, "output_size", wanted, dims, 0), 1)


def _even_kernel(images: Tensor, size: tuple[int, ...]) -> tuple[int, int] | None:
    """The kernel of the ordinary pooling that this is where the windows are equal, else None."""
    height, width = shape_of(images)[2:]
    if 0 in size or height % size[0] or width % size[1]:
        return None
    return height // size[0], width // size[1]
