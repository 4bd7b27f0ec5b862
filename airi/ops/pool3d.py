"""Pooling of volumes, built on that of images.

The largest element, the mean and the norm of a box are found along height and width first and
along the depth then. The place of a maximum is a flat position ``(z * H + y) * W + x``: a volume is
an image of D * H rows where elements are gathered and put back.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule
from airi.ops import comparison, elementwise, kernels, transcendental
from airi.ops.adaptive_pool import AdaptiveAvgPool2d, adaptive_size, adaptive_windows, part_of
from airi.ops.pool import (
    AvgPool2d,
    GatherInPlanes,
    MaxUnpool2d,
    PoolWindows,
    unpooled_size,
)
from airi.ops.spatial import like_input, numbers, with_batch
from airi.ops.views import reshape, shape_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airi.ops.adaptive_pool import SomeSizes
    from airi.ops.spatial import Sizes
    from airi.tensor import Tensor

__all__ = [
    "adaptive_avg_pool3d",
    "adaptive_max_pool3d",
    "avg_pool3d",
    "lp_pool3d",
    "max_pool3d",
    "max_unpool3d",
]


class MaxPool3dPlaces(Rule):
    """out = the flat position of the largest element of each box"""

    @staticmethod
    def forward(x, *, kernel, stride, padding, dilation, output_size):
        batch, channels, depth, height, width = x.shape
        x = x.astype(np.float64) if x.dtype.kind in "iu" else x
        out_depth, *plane = output_size
        values, in_plane = kernels.max_pool2d_forward(
            x.reshape(batch, channels * depth, height, width),
            kernel[1:], stride[1:], padding[1:], dilation[1:], tuple(plane),
        )  # fmt: skip
        columns = (batch, channels, depth, math.prod(plane))
        _, in_columns = kernels.max_pool2d_forward(
            values.reshape(columns), (kernel[0], 1), (stride[0], 1), (padding[0], 0),
            (dilation[0], 1), (out_depth, columns[3]),
        )  # fmt: skip
        flat = in_columns.reshape(batch, channels, out_depth * columns[3])
        plane_places = in_plane.reshape(batch, channels, depth * columns[3])
        places = np.take_along_axis(plane_places, flat, 2)
        places += flat // columns[3] * (height * width)
        return places.reshape(batch, channels, *output_size)


class AdaptiveMaxPool3dPlaces(Rule):
    """out = the flat position of the largest element of each of the windows of AdaptiveMaxPool2d"""

    @staticmethod
    def forward(x, *, output_size):
        size = x.shape[2:]
        places = np.broadcast_to(np.arange(math.prod(size)).reshape(size), x.shape)
        for axis, count in zip((4, 3, 2), output_size[::-1]):
            values, found = [], []
            for each in adaptive_windows(x.shape[axis], count):
                window = x[part_of(axis, each)]
                largest = window.argmax(axis, keepdims=True)
                values.append(np.take_along_axis(window, largest, axis))
                found.append(np.take_along_axis(places[part_of(axis, each)], largest, axis))
            x, places = np.concatenate(values, axis), np.concatenate(found, axis)
        return places


def taken_at(input: Tensor, places: Tensor) -> Tensor:
    """The elements of images or volumes (N, C, ...) at flat positions."""
    batch, channels, *_, width = shape_of(input)
    shape = shape_of(places)
    images = reshape(input, (batch, channels, math.prod(input.shape[2:-1]), width))
    wanted = reshape(places, (batch, channels, math.prod(shape[2:-1]), shape[-1]))
    return reshape(GatherInPlanes.apply(images, wanted), shape)


def max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of every box of (N, C, D, H, W) or (C, D, H, W), see `max_pool2d`.

    With `return_indices` also the int64 places ``(z * H + y) * W + x``.
    Example: ``max_pool3d(x, 2)``. Source: ``torch.nn.functional.max_pool3d``.
    """
    windows = PoolWindows("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode)
    volumes = with_batch(input, 3)
    places = MaxPool3dPlaces.apply(
        volumes, kernel=windows.kernel, stride=windows.stride, padding=windows.padding,
        dilation=windows.dilation, output_size=windows.output_size,
    )  # fmt: skip
    out = like_input(taken_at(volumes, places), input, 3)
    return (out, like_input(places, input, 3)) if return_indices else out


def adaptive_max_pool3d(input: Tensor, output_size: SomeSizes, return_indices: bool = False) -> Any:
    """`adaptive_max_pool2d` of volumes (N, C, D, H, W) or (C, D, H, W).

    With `return_indices` also the int64 places ``(z * H + y) * W + x``.
    Source: ``torch.nn.functional.adaptive_max_pool3d``.
    """
    size = adaptive_size("adaptive_max_pool3d", 3, input, output_size)
    volumes = with_batch(input, 3)
    places = AdaptiveMaxPool3dPlaces.apply(volumes, output_size=size)
    out = like_input(taken_at(volumes, places), input, 3)
    return (out, like_input(places, input, 3)) if return_indices else out


def avg_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of every box of volumes (N, C, D, H, W) or (C, D, H, W), see `avg_pool2d`.

    Example: ``avg_pool3d(x, 3, stride=2)``. Source: ``torch.nn.functional.avg_pool3d``.
    """
    if divisor_override == 0:
        raise RuntimeError("avg_pool3d: divisor_override must not be 0")
    windows = PoolWindows("avg_pool3d", 3, input, kernel_size, stride, padding, 1, ceil_mode)
    batch, channels, depth, height, width = shape_of(with_batch(input, 3))
    (kd, *kernel), (sd, *stride2d) = windows.kernel, windows.stride
    (pd, *padding2d), (od, *plane) = windows.padding, windows.output_size
    how = {
        "count_include_pad": bool(count_include_pad),
        "divisor_override": None if divisor_override is None else 1,
    }
    out = AvgPool2d.apply(
        reshape(input, (batch, channels * depth, height, width)),
        kernel=tuple(kernel), stride=tuple(stride2d), padding=tuple(padding2d),
        output_size=tuple(plane), **how,
    )  # fmt: skip
    area = math.prod(plane)
    out = AvgPool2d.apply(
        reshape(out, (batch, channels, depth, area)), kernel=(kd, 1), stride=(sd, 1),
        padding=(pd, 0), output_size=(od, area), **how,
    )  # fmt: skip
    if divisor_override is not None:
        out = out / divisor_override
    return like_input(reshape(out, (batch, channels, od, *plane)), input, 3)


def adaptive_avg_pool3d(input: Tensor, output_size: SomeSizes) -> Tensor:
    """`adaptive_avg_pool2d` of volumes (N, C, D, H, W) or (C, D, H, W).

    Source: ``torch.nn.functional.adaptive_avg_pool3d``.
    """
    size = adaptive_size("adaptive_avg_pool3d", 3, input, output_size)
    batch, channels, depth, height, width = shape_of(with_batch(input, 3))
    images = reshape(input, (batch, channels * depth, height, width))
    means = AdaptiveAvgPool2d.apply(images, output_size=size[1:])
    columns = reshape(means, (batch, channels, depth, size[1] * size[2]))
    out = AdaptiveAvgPool2d.apply(columns, output_size=(size[0], size[1] * size[2]))
    return like_input(reshape(out, (batch, channels, *size)), input, 3)


def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """`lp_pool2d` of volumes (N, C, D, H, W) or (C, D, H, W).

    Source: ``torch.nn.functional.lp_pool3d``.
    """
    kernel = numbers("lp_pool3d", "kernel_size", kernel_size, 3, 1)
    means = avg_pool3d(transcendental.pow(input, norm_type), kernel, stride, 0, ceil_mode)
    # A sum of 0 is a constant, or the root's infinite slope there would make NaNs of zeros.
    sums = elementwise.where(comparison.ne(means, 0), means * math.prod(kernel), 0.0)
    return transcendental.pow(sums, 1 / norm_type)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """`max_unpool2d` of volumes (N, C, D, H, W) or (C, D, H, W).

    Source: ``torch.nn.functional.max_unpool3d``.
    """
    size = unpooled_size(
        "max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size
    )
    batch, channels, *_, last = shape_of(with_batch(input, 3))
    images = (batch, channels, math.prod(input.shape[-3:-1]), last)
    out = MaxUnpool2d.apply(
        reshape(input, images), reshape(indices, images), size=(size[0] * size[1], size[2])
    )
    return like_input(reshape(out, (batch, channels, *size)), input, 3)
