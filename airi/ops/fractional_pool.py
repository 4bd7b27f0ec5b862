"""Fractional max pooling: windows at random places, so that an image shrinks by any factor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule
from airi.ops.pool3d import taken_at
from airi.ops.random import rand
from airi.ops.spatial import check_dimensions, like_input, numbers, with_batch
from airi.ops.views import narrow, shape_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airi.ops.spatial import Sizes
    from airi.tensor import Tensor

__all__ = ["fractional_max_pool2d", "fractional_max_pool3d"]


class FractionalMaxPoolPlaces(Rule):
    """out = the flat position of the largest element of each window; `samples` says where they are

    Window i of n begins at floor(alpha * (i + u)) - floor(alpha * u) with alpha = (size - kernel) /
    (n - 1), the last one at size - kernel.
    """

    @staticmethod
    def forward(x, samples, *, kernel, output_size):
        dims = len(kernel)
        size = x.shape[2:]
        order = (1, 0) if dims == 2 else (0, 1, 2)  # PyTorch draws the width first, in an image
        places = np.zeros((*x.shape[:2], *(1,) * (2 * dims)), np.int64)
        for axis in range(dims):
            starts = _starts(samples[..., order[axis]], size[axis], kernel[axis], output_size[axis])
            shape = [*x.shape[:2], *(1,) * (2 * dims)]
            shape[2 + axis], shape[2 + dims + axis] = output_size[axis], kernel[axis]
            inside = starts[..., None] + np.arange(kernel[axis])
            places = places * size[axis] + inside.reshape(shape)
        planes, area = x.shape[:2], math.prod(kernel)
        flat = places.reshape(*planes, math.prod(output_size) * area)
        places = places.reshape(*planes, *output_size, area)
        elements = x.reshape(*planes, math.prod(size))
        windows = np.take_along_axis(elements, flat, 2).reshape(places.shape)
        largest = windows.argmax(-1)
        return np.take_along_axis(places, largest[..., None], -1)[..., 0]


def _starts(samples: np.ndarray, size: int, kernel: int, count: int) -> np.ndarray:
    """Where the windows of a dimension begin, (N, C, count)."""
    last = size - kernel
    starts = np.full((*samples.shape, count), last, np.int64)
    if count > 1:
        alpha = last / (count - 1)
        u = samples[..., None]
        within = np.floor((np.arange(count - 1) + u) * alpha) - np.floor(u * alpha)
        starts[..., :-1] = within
    return starts


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The largest elements of windows at random places, `output_size` of them.

    Shapes: input (N, C, H, W) or (C, H, W). The size is given, or as a fraction of the input's by
    `output_ratio`. `_random_samples` (N, C, 2) from [0, 1) fixes the places. With `return_indices`
    also the int64 places ``y * W + x``. Raises ValueError where neither size nor ratio is given,
    RuntimeError where the windows do not fit. Example: ``fractional_max_pool2d(x, 3, (13, 12))``.
    Source: Graham 2014, "Fractional max-pooling"; ``torch.nn.functional.fractional_max_pool2d``.
    """
    return _fractional_max_pool(
        2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """`fractional_max_pool2d` of volumes (N, C, D, H, W) or (C, D, H, W); samples are (N, C, 3).

    Source: ``torch.nn.functional.fractional_max_pool3d``.
    """
    return _fractional_max_pool(
        3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )


def _fractional_max_pool(
    dims: int,
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None,
    output_ratio: float | Sequence[float] | None,
    return_indices: bool,
    samples: Tensor | None,
) -> Any:
    function = f"fractional_max_pool{dims}d"
    check_dimensions(function, input, dims)
    have = shape_of(input)[-dims:]
    if output_size is None:
        if output_ratio is None:
            raise ValueError(f"{function}: give output_size or output_ratio")
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * dims
        if len(ratios) != dims:
            raise ValueError(
                f"{function}: output_ratio must have {dims} values, got {output_ratio}"
            )
        output_size = [int(n * ratio) for n, ratio in zip(have, ratios)]
    wanted = numbers(function, "output_size", output_size, dims, 1)
    kernel = numbers(function, "kernel_size", kernel_size, dims, 1)
    if any(o + k - 1 > n for n, k, o in zip(have, kernel, wanted)) or 0 in input.shape[-dims - 1 :]:
        raise RuntimeError(
            f"{function}: {wanted} windows of size {kernel} do not fit into an input of shape "
            f"{shape_of(input)}"
        )
    images = with_batch(input, dims)
    shape = (*images.shape[:2], dims)
    if samples is None:
        samples = rand(shape, dtype=input.dtype)
    else:
        samples = narrow(samples, 0, 0, min(samples.shape[0], shape[0]))  # more are allowed
        if shape_of(samples) != shape or samples.dtype != input.dtype:
            raise RuntimeError(
                f"{function}: _random_samples must have shape {shape} and dtype {input.dtype}, got "
                f"{shape_of(samples)}, {samples.dtype}"
            )
    places = FractionalMaxPoolPlaces.apply(images, samples, kernel=kernel, output_size=wanted)
    out = like_input(taken_at(images, places), input, dims)
    return (out, like_input(places, input, dims)) if return_indices else out
