"""Convolution of volumes, built on that of images.

The depth taps of a kernel are folded into its channels: at every depth of the result the slices of
the input that the kernel covers are one image of C * KD channels. The transposed convolution goes
the other way: images of F * KD channels whose slices are added up along the depth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airi.ops.conv import (
    Conv2d,
    Conv2dInputGrad,
    check_bias,
    check_fits,
    check_weight,
    transposed_size,
)
from airi.ops.conversion import contiguous
from airi.ops.padding import PadConstant
from airi.ops.spatial import check_dimensions, like_input, numbers, with_batch
from airi.ops.views import FoldWindows, Slice, Unfold, Unslice, permute, reshape, shape_of

if TYPE_CHECKING:
    from airi.ops.spatial import Sizes
    from airi.tensor import Tensor

__all__ = ["conv3d", "conv_transpose3d"]


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Slide the filters `weight` over volumes: `conv2d` with a depth.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (F, C / groups, KD, KH, KW), bias (F,);
    result (N, F, OD, OH, OW), each size as in `conv2d`. Raises RuntimeError where shapes or dtypes
    do not belong together. Example: ``conv3d(volumes, weight, padding=1)``.
    Source: ``torch.nn.functional.conv3d``.
    """
    check_dimensions("conv3d", input, 3)
    channels, filters = check_weight("conv3d", 3, input, weight, bias, groups)
    taken = weight.shape[1] * groups
    if channels != taken:
        raise RuntimeError(
            f"conv3d: weight of shape {shape_of(weight)} in {groups} group(s) takes {taken} "
            f"channels, but the input of shape {shape_of(input)} has {channels}"
        )
    check_bias("conv3d", weight, bias, filters)
    steps = numbers("conv3d", "stride", stride, 3, 1)
    gaps = numbers("conv3d", "dilation", dilation, 3, 1)
    volumes = with_batch(input, 3)
    kernel = shape_of(weight)[2:]
    before, behind = _borders(padding, kernel, steps, gaps)
    uneven = [(0, b - a) for a, b in zip(before, behind)]
    volumes = _pad(volumes, [(before[0], behind[0]), *uneven[1:]])
    have = [n + 2 * p for n, p in zip(shape_of(volumes)[2:], (0, *before[1:]))]
    check_fits("conv3d", 3, have, kernel, (0, 0, 0), gaps)

    batch, _, _, height, width = shape_of(volumes)
    extent = gaps[0] * (kernel[0] - 1) + 1
    slices = Unfold.apply(volumes, dim=2, size=extent, step=steps[0])
    slices = Slice.apply(slices, index=(..., slice(None, None, gaps[0])))  # (N, C, OD, H, W, KD)
    depth = shape_of(slices)[2]
    images = reshape(
        permute(slices, 0, 2, 1, 5, 3, 4), (batch * depth, channels * kernel[0], height, width)
    )
    out = Conv2d.apply(
        images, reshape(weight, (filters, -1, *kernel[1:])), bias,
        stride=steps[1:], padding=before[1:], dilation=gaps[1:], groups=groups,
    )  # fmt: skip
    out = reshape(out, (batch, depth, *shape_of(out)[1:]))
    return like_input(contiguous(permute(out, 0, 2, 1, 3, 4)), input, 3)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The transposed convolution of volumes: `conv_transpose2d` with a depth.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (C, F / groups, KD, KH, KW), bias (F,);
    result (N, F, OD, OH, OW), each size as in `conv_transpose2d`. Raises RuntimeError where shapes
    or dtypes do not belong together. Example: ``conv_transpose3d(x, w, stride=2, padding=1)``.
    Source: ``torch.nn.functional.conv_transpose3d``.
    """
    check_dimensions("conv_transpose3d", input, 3)
    channels, taken = check_weight("conv_transpose3d", 3, input, weight, bias, groups)
    filters = weight.shape[1] * groups
    if channels != taken:
        raise RuntimeError(
            f"conv_transpose3d: weight of shape {shape_of(weight)} takes {taken} channels, but the "
            f"input of shape {shape_of(input)} has {channels}"
        )
    check_bias("conv_transpose3d", weight, bias, filters)
    steps = numbers("conv_transpose3d", "stride", stride, 3, 1)
    gaps = numbers("conv_transpose3d", "dilation", dilation, 3, 1)
    border = numbers("conv_transpose3d", "padding", padding, 3, 0)
    extra = numbers("conv_transpose3d", "output_padding", output_padding, 3, 0)
    volumes = with_batch(input, 3)
    kernel = shape_of(weight)[2:]
    size = transposed_size(
        "conv_transpose3d", shape_of(volumes)[2:], steps, border, gaps, kernel, extra
    )
    # conv3d maps this size to more than the input's where a whole step is added: zeros there.
    volumes = _pad(volumes, [(0, e // s) for e, s in zip(extra, steps)])

    batch, _, depth, height, width = shape_of(volumes)
    images = reshape(permute(volumes, 0, 2, 1, 3, 4), (batch * depth, channels, height, width))
    out = Conv2dInputGrad.apply(
        images, reshape(weight, (channels, -1, *kernel[1:])), input_size=size[1:],
        stride=steps[1:], padding=border[1:], dilation=gaps[1:], groups=groups,
    )  # fmt: skip
    slices = permute(reshape(out, (batch, depth, filters, kernel[0], *size[1:])), 0, 2, 1, 4, 5, 3)
    extent = gaps[0] * (kernel[0] - 1) + 1
    if gaps[0] > 1:
        spread = (*shape_of(slices)[:-1], extent)
        slices = Unslice.apply(slices, index=(..., slice(None, None, gaps[0])), shape=spread)
    padded = (batch, filters, size[0] + 2 * border[0], *size[1:])
    out = FoldWindows.apply(slices, dim=2, size=extent, step=steps[0], shape=padded)
    if border[0]:
        inside = (slice(None), slice(None), slice(border[0], border[0] + size[0]))
        out = contiguous(Slice.apply(out, index=inside))
    if bias is not None:
        out = out + reshape(bias, (filters, 1, 1, 1))
    return like_input(out, input, 3)


def _borders(
    padding: Any, kernel: Any, stride: Any, dilation: Any
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How many zeros come before and behind each dimension."""
    if not isinstance(padding, str):
        both = numbers("conv3d", "padding", padding, 3, 0)
        return both, both
    if padding not in ("same", "valid"):
        raise RuntimeError(f"conv3d: padding must be ints, 'same' or 'valid', got {padding!r}")
    if padding == "valid":
        return (0, 0, 0), (0, 0, 0)
    if stride != (1, 1, 1):
        raise RuntimeError(f"conv3d: padding='same' is not supported with a stride of {stride}")
    total = [d * (k - 1) for k, d in zip(kernel, dilation)]
    return tuple([n // 2 for n in total]), tuple([n - n // 2 for n in total])


def _pad(volumes: Tensor, pads: Any) -> Tensor:
    """Zeros before and behind the last three dimensions."""
    if not any(map(any, pads)):
        return volumes
    return PadConstant.apply(volumes, pads=((0, 0), (0, 0), *pads), value=0)
