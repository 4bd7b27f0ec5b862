"""Sizes and checks of convolution and pooling, shared by the compiled and the reference kernels.

The kernels trust what these functions return, so everything that could make them read or write
outside an array is refused here: wrong ranks, sizes that do not belong together, mixed dtypes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Pair = tuple[int, int]

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class Convolution(NamedTuple):
    """Every size of one two-dimensional convolution, checked."""

    batch: int
    channels: int
    input_size: Pair
    filters: int
    kernel_size: Pair
    output_size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        return (self.batch, self.channels, *self.input_size)

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        return (self.filters, self.channels // self.groups, *self.kernel_size)

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        return (self.batch, self.filters, *self.output_size)


def conv_output_size(
    input_size: Pair, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Pair:
    """Height and width of a convolution's output.

    ``floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1`` for each axis.

    Raises:
        ValueError: if the kernel does not fit into the padded input.

    Example:
        >>> conv_output_size((32, 32), (5, 5), (1, 1), (0, 0), (1, 1))
        (28, 28)
    """
    sizes = []
    for axis in range(2):
        extent = dilation[axis] * (kernel_size[axis] - 1) + 1
        room = input_size[axis] + 2 * padding[axis] - extent
        if room < 0:
            raise ValueError(
                f"conv2d: a kernel of size {kernel_size} with dilation {dilation} covers more than "
                f"the input of size {input_size} with padding {padding}"
            )
        sizes.append(room // stride[axis] + 1)
    return sizes[0], sizes[1]


def check_conv_forward(x, w, bias, stride, padding, dilation, groups) -> Convolution:
    """The sizes of ``conv2d_forward`` after checking that its arguments belong together."""
    name = "conv2d_forward"
    _check_arrays(name, x=x, w=w)
    stride, padding, dilation, groups = _check_steps(name, stride, padding, dilation, groups)
    conv = _convolution(name, x.shape, w.shape, stride, padding, dilation, groups)
    if bias is not None:
        if bias.dtype != x.dtype:
            raise TypeError(f"{name}: x is {x.dtype} but bias is {bias.dtype}")
        if bias.shape != (conv.filters,):
            raise ValueError(
                f"{name}: bias has shape {bias.shape}, expected ({conv.filters},), one a filter"
            )
    return conv


def check_conv_input_grad(g, w, input_size, stride, padding, dilation, groups) -> Convolution:
    """The sizes of ``conv2d_input_grad`` after checking that its arguments belong together."""
    name = "conv2d_input_grad"
    _check_arrays(name, g=g, w=w)
    stride, padding, dilation, groups = _check_steps(name, stride, padding, dilation, groups)
    input_size = _pair(name, "input_size", input_size, 0)
    x_shape = (g.shape[0], w.shape[1] * groups, *input_size)
    conv = _convolution(name, x_shape, w.shape, stride, padding, dilation, groups)
    _check_gradient(name, g, conv)
    return conv


def check_conv_weight_grad(g, x, kernel_size, stride, padding, dilation, groups) -> Convolution:
    """The sizes of ``conv2d_weight_grad`` after checking that its arguments belong together."""
    name = "conv2d_weight_grad"
    _check_arrays(name, g=g, x=x)
    stride, padding, dilation, groups = _check_steps(name, stride, padding, dilation, groups)
    kernel_size = _pair(name, "kernel_size", kernel_size, 1)
    if x.shape[1] % groups:
        raise ValueError(f"{name}: {x.shape[1]} channels do not divide into {groups} groups")
    w_shape = (g.shape[1], x.shape[1] // groups, *kernel_size)
    conv = _convolution(name, x.shape, w_shape, stride, padding, dilation, groups)
    _check_gradient(name, g, conv)
    return conv


# A window's places are kept as uint8.
MOST_PLACES = 256


def check_max_pool(
    x, kernel, stride, padding, dilation, output_size, as_places
) -> tuple[Pair, ...]:
    """The five pairs of ``max_pool2d_forward``; every window must hold at least one element."""
    name = "max_pool2d_forward"
    _check_arrays(name, x=x)
    kernel = _pair(name, "kernel", kernel, 1)
    stride = _pair(name, "stride", stride, 1)
    padding = _pair(name, "padding", padding, 0)
    dilation = _pair(name, "dilation", dilation, 1)
    output_size = _pair(name, "output_size", output_size, 0)
    for axis in range(2):
        size, step = x.shape[2 + axis], dilation[axis]
        start = np.arange(output_size[axis]) * stride[axis] - padding[axis]
        skipped = np.maximum(0, -(start // step))  # positions of the window before the image
        if np.any((skipped >= kernel[axis]) | (start + skipped * step >= size)):
            raise ValueError(
                f"{name}: output_size {output_size} asks for a window that lies wholly in the "
                f"padding: input {x.shape[2:]}, kernel {kernel}, stride {stride}, "
                f"padding {padding}, dilation {dilation}"
            )
    if as_places and kernel[0] * kernel[1] > MOST_PLACES:
        raise ValueError(f"{name}: a window of {kernel} has more than {MOST_PLACES} places")
    return kernel, stride, padding, dilation, output_size


def check_max_pool_backward(g, indices, input_size) -> Pair:
    """The input size of ``max_pool2d_backward``; the indices must point into it."""
    name = "max_pool2d_backward"
    _check_arrays(name, g=g)
    input_size = _pair(name, "input_size", input_size, 0)
    if indices.dtype != np.int64:
        raise TypeError(f"{name}: indices must be int64, got {indices.dtype}")
    if indices.shape != g.shape:
        raise ValueError(f"{name}: g has shape {g.shape} but indices have {indices.shape}")
    area = input_size[0] * input_size[1]
    if indices.size and (indices.min() < 0 or indices.max() >= area):
        raise ValueError(f"{name}: indices must lie in 0 ... {area - 1} for input {input_size}")
    return input_size


def check_max_pool_places(
    g, places, input_size, kernel, stride, padding, dilation
) -> tuple[Pair, ...]:
    """The five pairs of ``max_pool2d_backward_by_places``."""
    name = "max_pool2d_backward_by_places"
    _check_arrays(name, g=g)
    if places.dtype != np.uint8:
        raise TypeError(f"{name}: places must be uint8, got {places.dtype}")
    if places.shape != g.shape:
        raise ValueError(f"{name}: g has shape {g.shape} but places have {places.shape}")
    return (
        _pair(name, "input_size", input_size, 0),
        _pair(name, "kernel", kernel, 1),
        _pair(name, "stride", stride, 1),
        _pair(name, "padding", padding, 0),
        _pair(name, "dilation", dilation, 1),
    )


def indices_of_places(places, input_size, kernel, stride, padding, dilation) -> np.ndarray:
    """The flat positions in the plane of `places`, numbers within their windows."""
    row, column = np.divmod(places.astype(np.int64), kernel[1])
    top, left = (
        np.arange(count) * stride[axis] - padding[axis]
        for axis, count in enumerate(places.shape[2:])
    )
    row = row * dilation[0] + top[:, None]
    return row * input_size[1] + (column * dilation[1] + left)


def check_avg_pool(
    name, x, input_size, kernel, stride, padding, output_size, divisor_override
) -> tuple[Pair, ...]:
    """The five pairs of average pooling over `x` (forward) or its gradient (backward)."""
    _check_arrays(name, **{"x" if name.endswith("forward") else "g": x})
    if divisor_override is not None and divisor_override == 0:
        raise ValueError(f"{name}: divisor_override must not be zero")
    return (
        _pair(name, "input_size", input_size, 0),
        _pair(name, "kernel", kernel, 1),
        _pair(name, "stride", stride, 1),
        _pair(name, "padding", padding, 0),
        _pair(name, "output_size", output_size, 0),
    )


def _check_arrays(name, **arrays) -> None:
    """Refuse arrays that are not four-dimensional floats of one dtype."""
    first, dtype = "", None
    for argument, array in arrays.items():
        if array.ndim != 4:
            raise ValueError(f"{name}: {argument} must have 4 dimensions, got {array.shape}")
        if array.dtype not in FLOATS:
            raise TypeError(f"{name}: {argument} must be float32 or float64, got {array.dtype}")
        if dtype is not None and array.dtype != dtype:
            raise TypeError(f"{name}: {first} is {dtype} but {argument} is {array.dtype}")
        first, dtype = argument, array.dtype


def _check_steps(name, stride, padding, dilation, groups) -> tuple[Pair, Pair, Pair, int]:
    if groups < 1:
        raise ValueError(f"{name}: groups must be at least 1, got {groups}")
    return (
        _pair(name, "stride", stride, 1),
        _pair(name, "padding", padding, 0),
        _pair(name, "dilation", dilation, 1),
        int(groups),
    )


def _pair(name, argument, value, least) -> Pair:
    """`value` as two ints, each at least `least`."""
    try:
        first, second = value
    except TypeError:
        raise TypeError(f"{name}: {argument} must be a pair of ints, got {value!r}") from None
    if first < least or second < least:
        raise ValueError(f"{name}: {argument} must be at least {least}, got {value}")
    return int(first), int(second)


def _convolution(name, x_shape, w_shape, stride, padding, dilation, groups) -> Convolution:
    batch, channels, *input_size = x_shape
    filters, group_channels, *kernel_size = w_shape
    if channels != group_channels * groups:
        raise ValueError(
            f"{name}: x has {channels} channels, but weights of shape {w_shape} in {groups} "
            f"group(s) take {group_channels * groups}"
        )
    if filters % groups:
        raise ValueError(f"{name}: {filters} filters do not divide into {groups} groups")
    if min(kernel_size) < 1:
        raise ValueError(f"{name}: the kernel is empty, weights have shape {w_shape}")
    kernel_size = (kernel_size[0], kernel_size[1])
    input_size = (input_size[0], input_size[1])
    output_size = conv_output_size(input_size, kernel_size, stride, padding, dilation)
    return Convolution(
        batch, channels, input_size, filters, kernel_size, output_size,
        stride, padding, dilation, groups,
    )  # fmt: skip


def _check_gradient(name, g, conv: Convolution) -> None:
    if g.shape != conv.output_shape:
        raise ValueError(
            f"{name}: g has shape {g.shape}, but a convolution of {conv.input_shape} with weights "
            f"{conv.weight_shape}, stride {conv.stride}, padding {conv.padding}, dilation "
            f"{conv.dilation}, groups {conv.groups} gives {conv.output_shape}"
        )


def check_packed_matrix(matrix: np.ndarray) -> None:
    """Raises ValueError for what is no matrix and TypeError for what is not float32."""
    if matrix.ndim != 2:
        raise ValueError(f"PackedMatrix: expected a matrix, got shape {matrix.shape}")
    if matrix.dtype != np.float32:
        raise TypeError(f"PackedMatrix: expected float32, got {matrix.dtype}")
