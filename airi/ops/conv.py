"""Convolution as networks mean it (cross-correlation), transposed convolution, unfold and fold.

One operation and its two adjoints are the three rules of this file. Each of them is linear in both
its inputs, so the derivative of each is made of the other two, and derivatives of any order are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule
from airi.ops import conv_whole, kernels
from airi.ops.spatial import as_images, check_dimensions, from_images, numbers, plane
from airi.ops.views import (
    FoldWindows,
    Reshape,
    Slice,
    SumTo,
    Unfold,
    Unslice,
    permute,
    reshape,
    shape_of,
)

if TYPE_CHECKING:
    from airi.ops.spatial import Sizes
    from airi.tensor import Tensor

__all__ = [
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "fold",
    "unfold",
]


def _bilinear(kernel: Callable[..., Any], x: Any, y: Any, *options: Any) -> Any:
    """kernel(x, y), which is linear in both, for numbers that the kernels do not know.

    Complex numbers take four products of real ones; integers are exact below 2**53.
    """
    if x.dtype.kind in "fb":  # of which bool is refused
        return kernel(x, y, *options)
    if x.dtype.kind != "c":
        return kernel(x.astype(np.float64), y.astype(np.float64), *options).astype(x.dtype)
    (a, b), (c, d) = [
        (np.ascontiguousarray(each.real), np.ascontiguousarray(each.imag)) for each in (x, y)
    ]
    real = kernel(a, c, *options) - kernel(b, d, *options)
    out = np.empty(real.shape, x.dtype)
    out.real = real
    out.imag = kernel(a, d, *options) + kernel(b, c, *options)
    return out


class Conv2d(Rule):
    """out[n, f, y, x] = bias[f] + sum over c, i, j of w[f, c, i, j] * input[n, c, y+i, x+j]

    dx = Conv2dInputGrad(g, w): each g times its filter, added up where the window was,
    dw = Conv2dWeightGrad(g, x): each g times its window, added up,
    dbias = sum of g over images and pixels
    """

    holomorphic = True
    only_for = {"x": "w", "w": "x"}

    @staticmethod
    def forward(x, w, bias, *, stride, padding, dilation, groups):
        steps = (stride, padding, dilation, groups)
        if conv_whole.covers(x.dtype, x.shape[2:], w.shape[2:], padding, dilation, groups):
            return conv_whole.forward(x, w, bias)
        if x.dtype.kind == "f":
            return kernels.conv2d_forward(x, w, bias, *steps)
        out = _bilinear(kernels.conv2d_forward, x, w, None, *steps)
        return out if bias is None else out + bias[:, None, None]

    @staticmethod
    def backward(g, x, w, x_shape, w_shape, stride, padding, dilation, groups, needs):
        steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        dx = dw = dbias = None
        if needs[0]:
            dx = Conv2dInputGrad.apply(g, w, input_size=x_shape[2:], **steps)
        if needs[1]:
            dw = Conv2dWeightGrad.apply(g, x, kernel_size=w_shape[2:], **steps)
        if needs[2]:
            filters = w_shape[0]
            dbias = reshape(SumTo.apply(g, shape=(filters, 1, 1)), filters)
        return dx, dw, dbias


class Conv2dInputGrad(Rule):
    """out = the gradient of sum(y * Conv2d(x, w)) to x, linear in y and w

    dy = Conv2d(g, w), dw = Conv2dWeightGrad(y, g)
    """

    holomorphic = True
    only_for = {"y": "w", "w": "y"}

    @staticmethod
    def forward(y, w, *, input_size, stride, padding, dilation, groups):
        if conv_whole.covers(y.dtype, input_size, w.shape[2:], padding, dilation, groups):
            return conv_whole.input_grad(y, w)
        return _bilinear(
            kernels.conv2d_input_grad, y, w, input_size, stride, padding, dilation, groups
        )

    @staticmethod
    def backward(g, y, w, w_shape, stride, padding, dilation, groups, needs):
        steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        dy = Conv2d.apply(g, w, None, **steps) if needs[0] else None
        dw = None
        if needs[1]:
            dw = Conv2dWeightGrad.apply(y, g, kernel_size=w_shape[2:], **steps)
        return dy, dw


class Conv2dWeightGrad(Rule):
    """out = the gradient of sum(y * Conv2d(x, w)) to w, linear in y and x

    dy = Conv2d(x, g), dx = Conv2dInputGrad(y, g)
    """

    holomorphic = True
    only_for = {"y": "x", "x": "y"}

    @staticmethod
    def forward(y, x, *, kernel_size, stride, padding, dilation, groups):
        if conv_whole.covers(y.dtype, x.shape[2:], kernel_size, padding, dilation, groups):
            return conv_whole.weight_grad(y, x)
        return _bilinear(
            kernels.conv2d_weight_grad, y, x, kernel_size, stride, padding, dilation, groups
        )

    @staticmethod
    def backward(g, y, x, x_shape, stride, padding, dilation, groups, needs):
        steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        dy = Conv2d.apply(x, g, None, **steps) if needs[0] else None
        dx = Conv2dInputGrad.apply(y, g, input_size=x_shape[2:], **steps) if needs[1] else None
        return dy, dx


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Slide the filters `weight` over images (cross-correlation) and add `bias`.

    Shapes: input (N, C, H, W) or (C, H, W), weight (F, C / groups, KH, KW), bias (F,); result
    (N, F, OH, OW) with ``OH = floor((H + 2 * padding - dilation * (KH - 1) - 1) / stride) + 1``.
    `padding` is a number of zeros at both ends, "valid" (none) or "same" (OH = H; stride 1 only).
    One dtype for all, of any numbers. Raises RuntimeError where shapes or dtypes do not
    belong together. Example: ``conv2d(airi.randn(1, 3, 32, 32), airi.randn(16, 3, 5, 5))``.
    Source: ``torch.nn.functional.conv2d``.
    """
    return _convolution("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Slide the filters `weight` over signals: `conv2d` of images of height 1.

    Shapes: input (N, C, L) or (C, L), weight (F, C / groups, K), bias (F,); result (N, F, OL).
    Example: ``conv1d(airi.randn(8, 4, 100), airi.randn(16, 4, 9), padding="same")``.
    Source: ``torch.nn.functional.conv1d``.
    """
    return _convolution("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The transposed convolution: the gradient of `conv2d` to its input, as a forward op.

    Shapes: input (N, C, H, W) or (C, H, W), weight (C, F / groups, KH, KW), bias (F,); result
    (N, F, OH, OW) with ``OH = (H - 1) * stride - 2 * padding + dilation * (KH - 1) +
    output_padding + 1``. `output_padding` chooses among the sizes that `conv2d` maps to H and must
    be smaller than stride or dilation. Raises RuntimeError where shapes or dtypes do not belong
    together. Example: ``conv_transpose2d(x, w, stride=2, padding=1, output_padding=1)``.
    Source: ``torch.nn.functional.conv_transpose2d``.
    """
    return _transposed(
        "conv_transpose2d",
        2,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The transposed convolution of signals: `conv_transpose2d` of images of height 1.

    Shapes: input (N, C, L) or (C, L), weight (C, F / groups, K), bias (F,); result (N, F, OL).
    Source: ``torch.nn.functional.conv_transpose1d``.
    """
    return _transposed(
        "conv_transpose1d",
        1,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


def _convolution(
    function: str,
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Sizes | str,
    dilation: Sizes,
    groups: int,
) -> Tensor:
    check_dimensions(function, input, dims)
    channels, filters = check_weight(function, dims, input, weight, bias, groups)
    taken = weight.shape[1] * groups
    if channels != taken:
        raise RuntimeError(
            f"{function}: weight of shape {shape_of(weight)} in {groups} group(s) takes {taken} "
            f"channels, but the input of shape {shape_of(input)} has {channels}"
        )
    check_bias(function, weight, bias, filters)
    stride = plane(numbers(function, "stride", stride, dims, 1), 1)
    dilation = plane(numbers(function, "dilation", dilation, dims, 1), 1)
    images = as_images(input, dims)
    filters_2d = _filters(weight, dims)
    kernel = shape_of(filters_2d)[2:]
    if isinstance(padding, str):
        images, padding = _named_padding(function, images, padding, kernel, stride, dilation)
    else:
        padding = plane(numbers(function, "padding", padding, dims, 0), 0)
    check_fits(function, dims, shape_of(images)[2:], kernel, padding, dilation)
    out = Conv2d.apply(
        images, filters_2d, bias, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    return from_images(out, input, dims)


def _transposed(
    function: str,
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> Tensor:
    check_dimensions(function, input, dims)
    channels, taken = check_weight(function, dims, input, weight, bias, groups)
    filters = weight.shape[1] * groups
    if channels != taken:
        raise RuntimeError(
            f"{function}: weight of shape {shape_of(weight)} takes {taken} channels, but the "
            f"input of shape {shape_of(input)} has {channels}"
        )
    check_bias(function, weight, bias, filters)
    stride = plane(numbers(function, "stride", stride, dims, 1), 1)
    dilation = plane(numbers(function, "dilation", dilation, dims, 1), 1)
    padding = plane(numbers(function, "padding", padding, dims, 0), 0)
    extra = plane(numbers(function, "output_padding", output_padding, dims, 0), 0)
    images, filters_2d = as_images(input, dims), _filters(weight, dims)
    size = transposed_size(
        function, shape_of(images)[2:], stride, padding, dilation, shape_of(filters_2d)[2:], extra
    )
    steps = [e // s for e, s in zip(extra, stride)]
    if any(steps):  # conv2d maps this size to more than the input's: the rest of it is zeros
        images = _pad(images, (0, 0), steps)
    out = Conv2dInputGrad.apply(
        images, filters_2d, input_size=size,
        stride=stride, padding=padding, dilation=dilation, groups=groups,
    )  # fmt: skip
    if bias is not None:
        out = out + Reshape.apply(bias, shape=(filters, 1, 1))
    return from_images(out, input, dims)


def transposed_size(
    function: str, have: Any, stride: Any, padding: Any, dilation: Any, kernel: Any, extra: Any
) -> tuple[int, ...]:
    """The size of a transposed convolution's output; `extra` is the output padding."""
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise RuntimeError(
            f"{function}: output_padding must be smaller than either stride or dilation, got "
            f"{extra} with stride {stride} and dilation {dilation}"
        )
    sizes = zip(have, stride, padding, dilation, kernel, extra)
    size = tuple([(n - 1) * s - 2 * p + d * (k - 1) + e + 1 for n, s, p, d, k, e in sizes])
    if min(size) < 1:
        raise RuntimeError(
            f"{function}: an input of size {tuple(have)} gives the output size {size}, which is "
            "too small"
        )
    return size


def check_weight(
    function: str, dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, groups: int
) -> tuple[int, int]:
    """The channels of the input and the first size of the weight, once the arguments match."""
    if groups <= 0:
        raise RuntimeError(f"{function}: groups must be at least 1, got {groups}")
    if len(weight.shape) != dims + 2:
        raise RuntimeError(
            f"{function}: weight must have {dims + 2} dimensions, got shape {shape_of(weight)}"
        )
    first = weight.shape[0]
    if first < groups or first % groups:
        raise RuntimeError(
            f"{function}: the first size of weight must be divisible by groups={groups} and not 0, "
            f"got shape {shape_of(weight)}"
        )
    if 0 in weight.shape[2:]:
        raise RuntimeError(f"{function}: the kernel is empty: weight has shape {shape_of(weight)}")
    for name, each in ("weight", weight), ("bias", bias):
        if each is not None and each.dtype != input.dtype:
            raise RuntimeError(
                f"{function}: input and {name} must have one dtype, got {input.dtype} and "
                f"{each.dtype}"
            )
    return input.shape[-dims - 1], first


def check_bias(function: str, weight: Tensor, bias: Tensor | None, filters: int) -> None:
    if bias is not None and shape_of(bias) != (filters,):
        raise RuntimeError(
            f"{function}: with a weight of shape {shape_of(weight)} bias must have shape "
            f"({filters},), got {shape_of(bias)}"
        )


def check_fits(
    function: str, dims: int, size: Any, kernel: Any, padding: Any, dilation: Any
) -> None:
    padded = [n + 2 * p for n, p in zip(size, padding)]
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    if any(k > n for k, n in zip(extent, padded)):
        raise RuntimeError(
            f"{function}: the kernel, {tuple(extent[-dims:])} with its dilation, is larger than "
            f"the padded input, {tuple(padded[-dims:])}"
        )


def _named_padding(
    function: str, images: Tensor, padding: str, kernel: Any, stride: Any, dilation: Any
) -> tuple[Tensor, tuple[int, int]]:
    """The padding that "same" or "valid" means; where it is uneven, the images padded by it."""
    if padding == "valid":
        return images, (0, 0)
    if padding != "same":
        raise RuntimeError(f"{function}: padding must be ints, 'same' or 'valid', got {padding!r}")
    if stride != (1, 1):
        raise RuntimeError(f"{function}: padding='same' is not supported with a stride of {stride}")
    total = [d * (k - 1) for k, d in zip(kernel, dilation)]
    before = (total[0] // 2, total[1] // 2)
    if any(n % 2 for n in total):  # the odd zero goes behind, as in PyTorch
        images = _pad(images, (0, 0), [n % 2 for n in total])
    return images, before


def _pad(images: Tensor, before: Any, behind: Any) -> Tensor:
    """Zeros around images: rows above and below, columns left and right."""
    *outer, height, width = shape_of(images)
    (top, left), (bottom, right) = before, behind
    inside = (..., slice(top, top + height), slice(left, left + width))
    full = (*outer, top + height + bottom, left + width + right)
    return Unslice.apply(images, index=inside, shape=full)


def _filters(weight: Tensor, dims: int) -> Tensor:
    """The weight of a 1-D convolution as that of a 2-D one of height 1."""
    if dims == 2:
        return weight
    filters, channels, length = shape_of(weight)
    return Reshape.apply(weight, shape=(filters, channels, 1, length))


def unfold(
    input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """All patches that a convolution would look at, as columns ("im2col").

    Shapes: input (N, C, H, W) or (C, H, W); result (N, C * KH * KW, L), one column for each of
    the L patches. ``weight.flatten(1) @ unfold(x, k)`` is a convolution. Raises RuntimeError
    where the kernel does not fit. Example: ``unfold(x, (3, 3), padding=1)``.
    Source: ``torch.nn.functional.unfold``.
    """
    check_dimensions("unfold", input, 2)
    kernel, gaps, border, steps = _patches("unfold", kernel_size, dilation, padding, stride)
    images = as_images(input, 2)
    check_fits("unfold", 2, shape_of(images)[2:], kernel, border, gaps)
    if any(border):
        images = _pad(images, border, border)
    for axis in range(2):  # (N, C, OH, OW, KH, KW)
        extent = gaps[axis] * (kernel[axis] - 1) + 1
        images = Unfold.apply(images, dim=2 + axis, size=extent, step=steps[axis])
    images = Slice.apply(
        images, index=(..., slice(None, None, gaps[0]), slice(None, None, gaps[1]))
    )
    batch, channels, height, width = shape_of(images)[:4]
    columns = (batch, channels * kernel[0] * kernel[1], height * width)
    result = reshape(permute(images, 0, 1, 4, 5, 2, 3), columns)
    return result if len(input.shape) == 4 else reshape(result, columns[1:])


def fold(
    input: Tensor,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """Columns added back into the image: the adjoint of `unfold` ("col2im").

    Shapes: input (N, C * KH * KW, L) or (C * KH * KW, L); result (N, C, *output_size). Raises
    RuntimeError where the columns are not those of such an image.
    Example: ``fold(unfold(x, 2, stride=2), x.shape[2:], 2, stride=2)`` is x.
    Source: ``torch.nn.functional.fold``.
    """
    check_dimensions("fold", input, 1)
    kernel, gaps, border, steps = _patches("fold", kernel_size, dilation, padding, stride)
    size = numbers("fold", "output_size", output_size, 2, 1)
    rows, columns = shape_of(input)[-2:]
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, gaps)]
    padded = [n + 2 * p for n, p in zip(size, border)]
    blocks = [(n - e) // s + 1 for n, e, s in zip(padded, extent, steps)]
    area = kernel[0] * kernel[1]
    if rows % area or min(blocks) < 1 or columns != blocks[0] * blocks[1]:
        raise RuntimeError(
            f"fold: an output of size {size} has {blocks[0]} * {blocks[1]} patches of C * {area} "
            f"elements; the input has shape {shape_of(input)}"
        )
    batch = shape_of(input)[:-2] or (1,)
    patches = reshape(input, (*batch, rows // area, *kernel, *blocks))
    patches = permute(patches, 0, 1, 4, 5, 2, 3)
    outer = (*batch, rows // area)
    if gaps != (1, 1):
        taps = (..., slice(None, None, gaps[0]), slice(None, None, gaps[1]))
        patches = Unslice.apply(patches, index=taps, shape=(*outer, *blocks, *extent))
    for axis in (1, 0):
        shape = (*outer, *blocks[:axis], *padded[axis:], *extent[:axis])
        patches = FoldWindows.apply(
            patches, dim=2 + axis, size=extent[axis], step=steps[axis], shape=shape
        )
    top, left = border
    if top or left:
        inside = (..., slice(top, top + size[0]), slice(left, left + size[1]))
        patches = Slice.apply(patches, index=inside)
    return patches if len(input.shape) == 3 else reshape(patches, (outer[1], *size))


def _patches(
    function: str, kernel: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes
) -> tuple[tuple[int, ...], ...]:
    return (
        numbers(function, "kernel_size", kernel, 2, 1),
        numbers(function, "dilation", dilation, 2, 1),
        numbers(function, "padding", padding, 2, 0),
        numbers(function, "stride", stride, 2, 1),
    )
