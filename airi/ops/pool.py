"""Pooling: the largest element, the mean or a norm of every window of an image.

A maximum sends its gradient to one place: the places are constants of the graph, and scattering to
them and gathering from them are each other's derivative. Windows that divide an image into so many
parts are in `adaptive_pool.py`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule
from airi.ops import comparison, conv_shapes, elementwise, kernels, transcendental
from airi.ops.spatial import as_images, check_dimensions, from_images, numbers, plane
from airi.ops.views import shape_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airi.ops.spatial import Sizes
    from airi.tensor import Tensor

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "lp_pool1d",
    "lp_pool2d",
    "max_pool1d",
    "max_pool2d",
    "max_unpool1d",
    "max_unpool2d",
]


class MaxPool2d(Rule):
    """out = the largest element of each window, where = its place;  dx = g at these places.

    Places are flat positions in the plane, or with `in_window` the number of the window's element,
    in a single byte.
    """

    outputs = ("out", "where")

    @staticmethod
    def forward(x, *, kernel, stride, padding, dilation, output_size, in_window):
        windows = (kernel, stride, padding, dilation, output_size)
        if x.dtype.kind not in "iu":
            return kernels.max_pool2d_forward(x, *windows, in_window)
        _, where = kernels.max_pool2d_forward(x.astype(np.float64), *windows, in_window)
        indices = where
        if in_window:
            indices = conv_shapes.indices_of_places(where, x.shape[2:], *windows[:4])
        return GatherInPlanes.forward(x, indices), where

    @staticmethod
    def backward(g, where, x_shape, kernel, stride, padding, dilation, in_window):
        size = x_shape[2:]
        if not in_window:
            return ScatterInPlanes.apply(g[0], where, size=size)
        return ScatterInWindows.apply(
            g[0], where, size=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation
        )


class ScatterInWindows(Rule):
    """out = 0 with y added at the places `where` of its windows;  dy = g gathered there"""

    @staticmethod
    def forward(y, where, *, size, kernel, stride, padding, dilation):
        return kernels.max_pool2d_backward_by_places(
            y, where, size, kernel, stride, padding, dilation
        )

    @staticmethod
    def backward(g, where, size, kernel, stride, padding, dilation):
        indices = PlacesInPlanes.apply(
            where, size=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation
        )
        return GatherInPlanes.apply(g, indices), None


class PlacesInPlanes(Rule):
    """out = the flat positions of places in windows"""

    @staticmethod
    def forward(where, *, size, kernel, stride, padding, dilation):
        return conv_shapes.indices_of_places(where, size, kernel, stride, padding, dilation)


class ScatterInPlanes(Rule):
    """out = 0 with y added at the flat positions `indices` of its plane;  dy = g gathered there"""

    @staticmethod
    def forward(y, indices, *, size):
        return kernels.max_pool2d_backward(y, indices, size)

    @staticmethod
    def backward(g, indices):
        return GatherInPlanes.apply(g, indices), None


class GatherInPlanes(Rule):
    """out = x at the flat positions `indices` of its plane;  dx = g scattered there"""

    @staticmethod
    def forward(x, indices):
        flat = x.reshape(*x.shape[:2], math.prod(x.shape[2:]))
        places = indices.reshape(*x.shape[:2], math.prod(indices.shape[2:]))
        return np.take_along_axis(flat, places, 2).reshape(indices.shape)

    @staticmethod
    def backward(g, indices, x_shape):
        return ScatterInPlanes.apply(g, indices, size=x_shape[2:]), None


class MaxUnpool2d(Rule):
    """out = 0 with y put at the flat positions `indices` of its plane;  dy = g gathered there

    Where windows overlap one element may be the largest of several: it is put back once.
    """

    @staticmethod
    def forward(y, indices, *, size):
        count = math.prod(size)
        if indices.size and not 0 <= indices.min() <= indices.max() < count:
            raise ValueError(f"indices must lie in 0 to {count - 1}")
        out = np.zeros((*y.shape[:2], count), y.dtype)
        planes = (*y.shape[:2], -1)
        np.put_along_axis(out, indices.reshape(planes), y.reshape(planes), 2)
        return out.reshape(*y.shape[:2], *size)

    @staticmethod
    def backward(g, indices):
        return GatherInPlanes.apply(g, indices), None


class AvgPool2d(Rule):
    """out = the sum of each window over a divisor;  dx = AvgPool2dInputGrad(g)"""

    @staticmethod
    def forward(x, *, kernel, stride, padding, output_size, count_include_pad, divisor_override):
        out = kernels.avg_pool2d_forward(
            x.astype(np.float64) if x.dtype == np.int64 else x,
            kernel, stride, padding, output_size, count_include_pad, divisor_override,
        )  # fmt: skip
        return out.astype(x.dtype, copy=False)  # the mean of integers is truncated

    @staticmethod
    def backward(g, x_shape, kernel, stride, padding, count_include_pad, divisor_override):
        return AvgPool2dInputGrad.apply(
            g, input_size=x_shape[2:], kernel=kernel, stride=stride, padding=padding,
            count_include_pad=count_include_pad, divisor_override=divisor_override,
        )  # fmt: skip


class AvgPool2dInputGrad(Rule):
    """out = each element of y over its divisor, added to all of its window;  dy = AvgPool2d(g)"""

    @staticmethod
    def forward(y, *, input_size, kernel, stride, padding, count_include_pad, divisor_override):
        return kernels.avg_pool2d_backward(
            y, input_size, kernel, stride, padding, count_include_pad, divisor_override
        )

    @staticmethod
    def backward(g, y_shape, kernel, stride, padding, count_include_pad, divisor_override):
        return AvgPool2d.apply(
            g, output_size=y_shape[2:], kernel=kernel, stride=stride, padding=padding,
            count_include_pad=count_include_pad, divisor_override=divisor_override,
        )  # fmt: skip


def max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of every window; the gradient goes to the first of equal ones.

    Shapes: input (N, C, H, W) or (C, H, W); result (N, C, OH, OW) with ``OH = floor((H + 2 *
    padding - dilation * (kernel_size - 1) - 1) / stride) + 1``, rounded up with `ceil_mode`.
    `stride` is `kernel_size` where left out; padding never wins. With `return_indices` also the
    int64 places ``y * W + x``. Raises RuntimeError where no window fits.
    Example: ``max_pool2d(x, 2)``. Source: ``torch.nn.functional.max_pool2d``.
    """
    return _max_pool(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of every window of signals (N, C, L) or (C, L), see `max_pool2d`.

    Example: ``max_pool1d(x, 3, stride=2)``. Source: ``torch.nn.functional.max_pool1d``.
    """
    return _max_pool(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def _max_pool(
    function: str,
    dims: int,
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    windows = PoolWindows(function, dims, input, kernel_size, stride, padding, dilation, ceil_mode)
    out, indices = MaxPool2d.apply(
        as_images(input, dims), kernel=windows.kernel, stride=windows.stride,
        padding=windows.padding, dilation=windows.dilation, output_size=windows.output_size,
        in_window=by_places(windows.kernel, return_indices),
    )  # fmt: skip
    out = from_images(out, input, dims)
    return (out, from_images(indices, input, dims)) if return_indices else out


def by_places(kernel: tuple[int, ...], return_indices: bool) -> bool:
    """Whether a byte for each window says enough of where its maximum is."""
    return not return_indices and math.prod(kernel) <= conv_shapes.MOST_PLACES


def avg_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of every window.

    Shapes as in `max_pool2d`. Zeros of the padding count in the mean unless `count_include_pad`
    is False; `divisor_override` divides by that number instead. Raises RuntimeError where no
    window fits or the divisor is 0. Example: ``avg_pool2d(x, 3, stride=2, padding=1)``.
    Source: ``torch.nn.functional.avg_pool2d``.
    """
    if divisor_override == 0:
        raise RuntimeError("avg_pool2d: divisor_override must not be 0")
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode,
        count_include_pad, divisor_override,
    )  # fmt: skip


def avg_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of every window of signals (N, C, L) or (C, L), see `avg_pool2d`.

    Example: ``avg_pool1d(x, 3, stride=2)``. Source: ``torch.nn.functional.avg_pool1d``.
    """
    return _avg_pool(
        "avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None
    )


def _avg_pool(
    function: str,
    dims: int,
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    windows = PoolWindows(function, dims, input, kernel_size, stride, padding, 1, ceil_mode)
    out = AvgPool2d.apply(
        as_images(input, dims), kernel=windows.kernel, stride=windows.stride,
        padding=windows.padding, output_size=windows.output_size,
        count_include_pad=bool(count_include_pad), divisor_override=divisor_override,
    )  # fmt: skip
    return from_images(out, input, dims)


class PoolWindows:
    """The arguments of a pooling as pairs, and the size of its output, checked."""

    def __init__(
        self,
        function: str,
        dims: int,
        input: Tensor,
        kernel_size: Sizes,
        stride: Sizes | None,
        padding: Sizes,
        dilation: Sizes,
        ceil_mode: bool,
    ) -> None:
        check_dimensions(function, input, dims)
        if 0 in input.shape[-dims - 1 :]:
            raise RuntimeError(
                f"{function}: only the batch may be empty, got an input of shape {shape_of(input)}"
            )
        if stride is None or (isinstance(stride, (list, tuple)) and not stride):
            stride = kernel_size
        kernel = numbers(function, "kernel_size", kernel_size, dims, 1)
        steps = numbers(function, "stride", stride, dims, 1)
        pad = numbers(function, "padding", padding, dims, 0)
        gaps = numbers(function, "dilation", dilation, dims, 1)
        size = shape_of(input)[-dims:]
        output = []
        for n, k, s, p, d in zip(size, kernel, steps, pad, gaps):
            extent = d * (k - 1) + 1
            if 2 * p > extent:
                raise RuntimeError(
                    f"{function}: padding must be at most half of the window, got padding={p} for "
                    f"kernel_size={k} and dilation={d}"
                )
            output.append(_window_count(n + 2 * p - extent, s, n + p, ceil_mode))
        if min(output) < 1:
            raise RuntimeError(
                f"{function}: an input of shape {shape_of(input)} gives the output size "
                f"{tuple(output)}, which is too small"
            )
        self.kernel = plane(kernel, 1)
        self.stride = plane(steps, 1)
        self.padding = plane(pad, 0)
        self.dilation = plane(gaps, 1)
        self.output_size = plane(tuple(output), 1)


def _window_count(room: int, stride: int, end: int, ceil_mode: bool) -> int:
    """How many windows start where there is `room`; none may start at `end` or behind it."""
    if not ceil_mode:
        return room // stride + 1
    count = -(room // -stride) + 1
    return count - 1 if (count - 1) * stride >= end else count


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The elements of a `max_pool2d` put back to their places, 0 elsewhere.

    `indices` are those of ``return_indices=True``, no two alike in a plane; `output_size` is
    ``(input - 1) * stride - 2 * padding + kernel_size`` where left out. Raises RuntimeError where
    the shapes differ. Example: ``max_unpool2d(*max_pool2d(x, 2, return_indices=True), 2)``.
    Source: ``torch.nn.functional.max_unpool2d``.
    """
    return _unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """`max_unpool2d` of signals (N, C, L) or (C, L).

    Source: ``torch.nn.functional.max_unpool1d``.
    """
    return _unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def _unpool(
    function: str,
    dims: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    output_size: Sequence[int] | None,
) -> Tensor:
    size = unpooled_size(function, dims, input, indices, kernel_size, stride, padding, output_size)
    images, places = as_images(input, dims), as_images(indices, dims)
    out = MaxUnpool2d.apply(images, places, size=plane(size, 1))
    return from_images(out, input, dims)


def unpooled_size(
    function: str,
    dims: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    output_size: Sequence[int] | None,
) -> tuple[int, ...]:
    """The size that an unpooling gives, once its arguments are checked."""
    check_dimensions(function, input, dims)
    if shape_of(indices) != shape_of(input):
        raise RuntimeError(
            f"{function}: input and indices must have one shape, got {shape_of(input)} and "
            f"{shape_of(indices)}"
        )
    if output_size is not None:
        return numbers(function, "output_size", tuple(output_size)[-dims:], dims, 1)
    kernel = numbers(function, "kernel_size", kernel_size, dims, 1)
    steps = numbers(function, "stride", kernel_size if stride is None else stride, dims, 1)
    pad = numbers(function, "padding", padding, dims, 0)
    have = shape_of(input)[-dims:]
    return tuple([(n - 1) * s - 2 * p + k for n, k, s, p in zip(have, kernel, steps, pad)])


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The norm of every window: ``(sum of x ** norm_type) ** (1 / norm_type)``.

    Where the sum is 0 the gradient is 0. Example: ``lp_pool2d(x, 2, kernel_size=3)``.
    Source: ``torch.nn.functional.lp_pool2d``.
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """`lp_pool2d` of signals (N, C, L) or (C, L). Source: ``torch.nn.functional.lp_pool1d``."""
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(
    function: str,
    dims: int,
    input: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None,
    ceil_mode: bool,
) -> Tensor:
    powers = transcendental.pow(input, norm_type)
    kernel = numbers(function, "kernel_size", kernel_size, dims, 1)
    means = _avg_pool(function, dims, powers, kernel, stride, 0, ceil_mode, True, None)
    # A sum of 0 is a constant, or the root's infinite slope there would make NaNs of zeros.
    sums = elementwise.where(comparison.ne(means, 0), means * math.prod(kernel), 0.0)
    return transcendental.pow(sums, 1 / norm_type)
