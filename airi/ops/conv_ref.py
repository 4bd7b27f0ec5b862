"""Convolution and pooling in plain NumPy: what the compiled kernels must compute.

Every function here has a twin of the same name in ``conv_ext.pyx``; both pass the same tests.
Here each one is written so that it can be read off against its formula, one kernel tap at a time.

A *tap* is one position (i, j) of the kernel. Tap (i, j) multiplies, for the output pixel (y, x),
the input pixel ``(y * stride + i * dilation - padding, x * stride + j * dilation - padding)``: for
all output pixels at once that is a strided slice of the padded input.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from airi.ops import conv_shapes
from airi.ops.conv_shapes import Convolution, Pair

Array = np.ndarray


def conv2d_forward(
    x: Array,
    w: Array,
    bias: Array | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """``out[n, f, y, x] = bias[f] + sum over c, i, j of w[f, c, i, j] * input[n, c, ...]``.

    Shapes: x (N, C, H, W), w (F, C / groups, KH, KW), bias (F,); result (N, F, OH, OW).
    """
    conv = conv_shapes.check_conv_forward(x, w, bias, stride, padding, dilation, groups)
    padded = _pad(x, conv.padding)
    weights = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    out = np.zeros(_grouped(conv.output_shape, groups), x.dtype)
    for i, j, patch in _taps(conv):
        out += weights[..., i, j] @ _columns(padded[patch], groups)
    out = out.reshape(conv.output_shape)
    if bias is not None:
        out += bias[:, None, None]
    return out


def conv2d_input_grad(
    g: Array,
    w: Array,
    input_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """The gradient of ``sum(g * conv2d_forward(x, w))`` to x; also the transposed convolution.

    Shapes: g (N, F, OH, OW), w (F, C / groups, KH, KW); result (N, C, *input_size).
    """
    conv = conv_shapes.check_conv_input_grad(g, w, input_size, stride, padding, dilation, groups)
    height, width = conv.input_size
    top, left = conv.padding
    weights = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    columns = _columns(g, groups)
    padded = np.zeros((conv.batch, conv.channels, height + 2 * top, width + 2 * left), g.dtype)
    for i, j, patch in _taps(conv):
        tap = weights[..., i, j].swapaxes(1, 2) @ columns
        padded[patch] += tap.reshape(conv.batch, conv.channels, *conv.output_size)
    return np.ascontiguousarray(padded[:, :, top : top + height, left : left + width])


def conv2d_weight_grad(
    g: Array,
    x: Array,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """The gradient of ``sum(g * conv2d_forward(x, w))`` to w.

    Shapes: g (N, F, OH, OW), x (N, C, H, W); result (F, C / groups, *kernel_size).
    """
    conv = conv_shapes.check_conv_weight_grad(g, x, kernel_size, stride, padding, dilation, groups)
    padded = _pad(x, conv.padding)
    columns = _columns(g, groups)
    grad = np.zeros(conv.weight_shape, x.dtype)
    for i, j, patch in _taps(conv):
        tap = columns @ _columns(padded[patch], groups).swapaxes(2, 3)
        grad[:, :, i, j] = tap.sum(0).reshape(conv.weight_shape[:2])
    return grad


def max_pool2d_forward(
    x: Array,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    output_size: Pair,
    as_places: bool = False,
) -> tuple[Array, Array]:
    """The largest element of every window and its flat position ``y * W + x`` in the plane.

    Of equal elements the first counts; of several NaNs the last, and NaN wins over any number.
    With `as_places` the second result is its place, the number ``i * KW + j`` of its tap, in one
    byte. Shapes: x (N, C, H, W); results (N, C, *output_size), int64 positions or uint8 places.
    """
    kernel, stride, padding, dilation, output_size = conv_shapes.check_max_pool(
        x, kernel, stride, padding, dilation, output_size, as_places
    )
    out = np.full((*x.shape[:2], *output_size), -np.inf, x.dtype)
    indices = np.full(out.shape, -1, np.int64)
    places = np.zeros(out.shape, np.uint8)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            rows = np.arange(output_size[0]) * stride[0] + i * dilation[0] - padding[0]
            columns = np.arange(output_size[1]) * stride[1] + j * dilation[1] - padding[1]
            inside_y = (rows >= 0) & (rows < x.shape[2])
            inside_x = (columns >= 0) & (columns < x.shape[3])
            where = (..., *np.ix_(inside_y, inside_x))
            y, x_ = rows[inside_y], columns[inside_x]
            value = x[(..., *np.ix_(y, x_))]
            position = y[:, None] * x.shape[3] + x_
            larger = (value > out[where]) | np.isnan(value) | (indices[where] < 0)
            out[where] = np.where(larger, value, out[where])
            indices[where] = np.where(larger, position, indices[where])
            if as_places:
                places[where] = np.where(larger, i * kernel[1] + j, places[where])
    return out, places if as_places else indices


def max_pool2d_backward(g: Array, indices: Array, input_size: Pair) -> Array:
    """Send every element of g to the position that its maximum came from, adding up.

    Shapes: g and indices (N, C, OH, OW); result (N, C, *input_size).
    """
    height, width = conv_shapes.check_max_pool_backward(g, indices, input_size)
    planes = g.shape[0] * g.shape[1]
    grad = np.zeros((planes, height * width), g.dtype)
    plane = np.arange(planes)[:, None]
    window_count = g.shape[2] * g.shape[3]
    np.add.at(grad, (plane, indices.reshape(planes, window_count)), g.reshape(planes, window_count))
    return grad.reshape(*g.shape[:2], height, width)


def max_pool2d_backward_by_places(
    g: Array,
    places: Array,
    input_size: Pair,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> Array:
    """``max_pool2d_backward`` for the places that ``max_pool2d_forward`` gave with `as_places`."""
    input_size, *windows = conv_shapes.check_max_pool_places(
        g, places, input_size, kernel, stride, padding, dilation
    )
    indices = conv_shapes.indices_of_places(places, input_size, *windows)
    return max_pool2d_backward(g, indices, input_size)


def avg_pool2d_forward(
    x: Array,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    output_size: Pair,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """The mean of every window, or its sum over `divisor_override`.

    Padding counts in the mean when `count_include_pad`; what a last window in ceil mode covers
    beyond the padding never does. Shapes: x (N, C, H, W); result (N, C, *output_size).
    """
    input_size, kernel, stride, padding, output_size = conv_shapes.check_avg_pool(
        "avg_pool2d_forward", x, x.shape[2:], kernel, stride, padding, output_size, divisor_override
    )
    windows = _AverageWindows(input_size, kernel, stride, padding, output_size)
    divisor = windows.divisor(count_include_pad, divisor_override)
    out = np.zeros((*x.shape[:2], *output_size), x.dtype)
    for y, x_, rows, columns in windows:
        out[:, :, y, x_] = x[:, :, rows, columns].sum((2, 3)) / x.dtype.type(divisor[y, x_])
    return out


def avg_pool2d_backward(
    g: Array,
    input_size: Pair,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """Spread every element of g evenly over its window, adding up.

    Shapes: g (N, C, OH, OW); result (N, C, *input_size).
    """
    input_size, kernel, stride, padding, output_size = conv_shapes.check_avg_pool(
        "avg_pool2d_backward", g, input_size, kernel, stride, padding, g.shape[2:], divisor_override
    )
    windows = _AverageWindows(input_size, kernel, stride, padding, output_size)
    divisor = windows.divisor(count_include_pad, divisor_override)
    grad = np.zeros((*g.shape[:2], *input_size), g.dtype)
    for y, x_, rows, columns in windows:
        share = g[:, :, y, x_] / g.dtype.type(divisor[y, x_])
        grad[:, :, rows, columns] += share[:, :, None, None]
    return grad


class PackedMatrix:
    """A float32 matrix (K, N) that many others are going to be multiplied with.

    The compiled twin copies it into the order in which products read it; numbers that are written
    into the matrix later do not count. Raises ValueError for other than two dimensions.
    """

    def __init__(self, matrix: Array) -> None:
        conv_shapes.check_packed_matrix(matrix)
        self.matrix = matrix

    def multiply(self, x: Array, out: Array) -> Array:
        """out = x @ matrix, which is returned. Shapes: x (M, K), out (M, N), C-contiguous."""
        return np.matmul(x, self.matrix, out=out)


def _pad(x: Array, padding: Pair) -> Array:
    top, left = padding
    return np.pad(x, ((0, 0), (0, 0), (top, top), (left, left))) if top or left else x


def _taps(conv: Convolution) -> Iterator[tuple[int, int, tuple]]:
    """For every tap (i, j): the slice of the padded input that it multiplies."""
    for i in range(conv.kernel_size[0]):
        for j in range(conv.kernel_size[1]):
            axes = []
            for axis, tap in enumerate((i, j)):
                start, step = tap * conv.dilation[axis], conv.stride[axis]
                stop = start + step * (conv.output_size[axis] - 1) + 1
                axes.append(slice(start, stop, step))
            yield i, j, (slice(None), slice(None), *axes)


def _grouped(shape: tuple[int, ...], groups: int) -> tuple[int, int, int, int]:
    """(N, C, H, W) as (N, groups, C / groups, H * W)."""
    batch, channels, height, width = shape
    return batch, groups, channels // groups, height * width


def _columns(array: Array, groups: int) -> Array:
    return array.reshape(_grouped(array.shape, groups))


class _AverageWindows:
    """The windows of an average pooling, cut off at the border of the image."""

    def __init__(self, input_size, kernel, stride, padding, output_size):
        self.ranges = []  # per axis: for every window (first, last + 1, length with padding)
        for axis in range(2):
            size, pad = input_size[axis], padding[axis]
            ranges = []
            for o in range(output_size[axis]):
                start = o * stride[axis] - pad
                stop = min(start + kernel[axis], size + pad)
                first, last = max(start, 0), min(stop, size)
                ranges.append((first, max(first, last), stop - start))
            self.ranges.append(ranges)

    def __iter__(self) -> Iterator[tuple[int, int, slice, slice]]:
        for y, (top, bottom, _) in enumerate(self.ranges[0]):
            for x, (left, right, _) in enumerate(self.ranges[1]):
                if top < bottom and left < right:
                    yield y, x, slice(top, bottom), slice(left, right)

    def divisor(self, count_include_pad: bool, divisor_override: int | None) -> Array:
        counts = []
        for ranges in self.ranges:
            length = [full if count_include_pad else stop - first for first, stop, full in ranges]
            counts.append(np.array(length, dtype=np.int64).reshape(-1))
        divisor = counts[0][:, None] * counts[1]
        return divisor if divisor_override is None else np.full_like(divisor, divisor_override)
