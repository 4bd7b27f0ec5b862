"""Normalisation: batch, layer, group, instance and RMS norm, local response normalisation.

They differ in which elements share a mean and which share a weight, and in nothing else, so one
rule serves them: it sees the input in a shape (`view`) in which the first are whole dimensions.

The mean and the variance are outputs of that rule like the result. So its backward may use them
as they are, few numbers a pass over the input has given, and a second derivative still finds its
way through them: it arrives as their gradient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Rule
from airi.ops import fused, inplace
from airi.ops.pool import AvgPool2d
from airi.ops.transcendental import pow, rsqrt
from airi.ops.views import Expand, Reshape, SumTo, Unslice, array_of, reshape, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

    Shape = tuple[int, ...]

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "rms_norm",
]


class SumOfProducts(Rule):
    """out = x * y summed to a shape with 1 where it sums, without forming the product

    dx = g * y, dy = g * x, each summed to its shape
    """

    broadcasts = True
    only_for = {"x": "y", "y": "x"}

    @staticmethod
    def forward(x, y, *, shape):
        ndim = max(x.ndim, y.ndim, len(shape))
        factors = [_labelled(x, ndim), _labelled(y, ndim)]
        kept = [ndim - len(shape) + i for i, n in enumerate(shape) if n != 1]
        return np.einsum(*factors[0], *factors[1], kept).reshape(shape)

    @staticmethod
    def backward(g, x, y, x_shape, y_shape, needs):
        g = Expand.apply(g, shape=np.broadcast_shapes(x_shape, y_shape))
        return g * y if needs[0] else None, g * x if needs[1] else None


def _labelled(factor: np.ndarray, ndim: int) -> tuple[np.ndarray, list[int]]:
    """A factor without its dimensions of size 1, and the numbers of the others, for einsum."""
    first = ndim - factor.ndim
    labels = [first + i for i, n in enumerate(factor.shape) if n != 1]
    return factor.reshape([n for n in factor.shape if n != 1]), labels


class Normalize(Rule):
    """out = (x - mean) * r * w + bias with r = 1 / sqrt(var + eps), mean and var over `dims`

    Everything is seen in the shape `view`, w and bias in the shape `affine`. With the sums over
    `dims` s = sum(g * w), t = sum(g * w * (x - mean)) of n elements each:
    dx = g * w * r - (x - mean) * r**3 * t / n - r * s / n,  dw = sum of g * (x - mean) * r,
    dbias = sum of g;  and what reaches mean and var goes on to x.
    """

    outputs = ("out", "mean", "var")

    @staticmethod
    def forward(x, w, bias, *, view, dims, affine, eps):
        fast = fused.normalize(x, w, bias, view, dims, affine, eps)
        if fast is not None:
            return fast
        seen = x.reshape(view)
        stats = _with_ones(view, dims)
        n = x.dtype.type(max(math.prod([view[dim] for dim in dims]), 1))
        mean = seen.sum(dims, keepdims=True) / n
        out = seen - mean
        var = SumOfProducts.forward(out, out, shape=stats) / n
        scale = 1 / np.sqrt(var + x.dtype.type(eps))
        if w is not None:
            w = w.reshape(affine)
            if np.broadcast_shapes(affine, stats) == view:
                out *= w  # one at a time: their product would be as large as the input
            else:
                scale = scale * w
        out *= scale
        if bias is not None:
            out += bias.reshape(affine)
        return out.reshape(x.shape), mean, var

    @staticmethod
    def backward(g, x, w, mean, var, x_shape, view, dims, affine, eps, needs):
        fast = fused.normalize_grad(g, x, w, mean, var, view, dims, affine, eps, needs)
        if fast is not None:
            return fast
        g, g_mean, g_var = g
        g = reshape(g, view)
        centered = reshape(x, view) - mean
        r = rsqrt(var + eps)
        # First the sums that weights and statistics have in common: often all of the work.
        stats = _with_ones(view, dims)
        common = np.broadcast_shapes(stats, affine)
        sums = _sum_to(g, common)
        products = g * centered if common == view else _dot(g, centered, common)
        dx = dw = dbias = None
        if needs[1]:
            dw = reshape(_dot(products, r, affine), math.prod(affine))
        if needs[2]:
            dbias = reshape(_sum_to(sums, affine), math.prod(affine))
        if needs[0]:
            n = math.prod([view[dim] for dim in dims])
            if w is None:
                scale, s, t = r, _sum_to(sums, stats), _sum_to(products, stats)
            else:
                w = reshape(w, affine)
                scale, s, t = w * r, _dot(sums, w, stats), _dot(products, w, stats)
            slope = (2 * g_var - r * r * r * t) / n
            level = (g_mean - r * s) / n
            dx = reshape(g * scale + centered * slope + level, x_shape)
        return dx, dw, dbias


def _with_ones(view: Shape, dims: Shape) -> Shape:
    """The shape of the statistics: 1 in the dimensions that they are taken over."""
    return tuple([1 if i in dims else n for i, n in enumerate(view)])


def _sum_to(x: Any, shape: Shape) -> Any:
    return x if shape_of(x) == shape else SumTo.apply(x, shape=shape)


def _dot(x: Any, y: Any, shape: Shape) -> Any:
    return SumOfProducts.apply(x, y, shape=shape)


class BatchNorm(Normalize):
    """Normalize each channel over the batch and its positions"""


class LayerNorm(Normalize):
    """Normalize each example over its last dimensions"""


class GroupNorm(Normalize):
    """Normalize each group of channels of each example"""


class InstanceNorm(Normalize):
    """Normalize each channel of each example"""


class RMSNorm(Rule):
    """out = x * r * w with r = 1 / sqrt(ms + eps), ms the mean of x**2 over the last dimension

    dx = g * w * r - x * r**3 * sum(g * w * x) / n,  dw = sum of g * x * r;  and what reaches ms
    goes on to x.
    """

    outputs = ("out", "ms")

    @staticmethod
    def forward(x, w, *, view, eps):
        fast = fused.rms_norm(x, w, view, eps)
        if fast is not None:
            return fast
        seen = x.reshape(view)
        n = x.dtype.type(max(view[1], 1))
        ms = SumOfProducts.forward(seen, seen, shape=(view[0], 1)) / n
        out = seen * (1 / np.sqrt(ms + x.dtype.type(eps)))
        if w is not None:
            out *= w.reshape(-1)
        return out.reshape(x.shape), ms

    @staticmethod
    def backward(g, x, w, ms, x_shape, w_shape, view, eps, needs):
        fast = fused.rms_norm_grad(g, x, w, ms, view, eps, needs)
        if fast is not None:
            return fast
        g, g_ms = g
        rows, n = view
        g, x = reshape(g, view), reshape(x, view)
        r = rsqrt(ms + eps)
        products = g * x
        dx = dw = None
        if needs[1]:
            dw = reshape(_dot(products, r, (1, n)), w_shape)
        if needs[0]:
            if w is None:
                scale, t = r, _sum_to(products, (rows, 1))
            else:
                w = reshape(w, n)
                scale, t = w * r, _dot(products, w, (rows, 1))
            slope = (2 * g_ms - r * r * r * t) / n
            dx = reshape(g * scale + x * slope, x_shape)
        return dx, dw


class ScaleAndShift(Rule):
    """out = x * scale + shift;  dx = g * scale, dscale = g * x, dshift = g"""

    broadcasts = True
    only_for = {"x": "scale", "scale": "x"}

    @staticmethod
    def forward(x, scale, shift):
        fast = fused.scale_and_shift(x, scale, shift)
        if fast is not None:
            return fast
        out = x * scale
        out += shift
        return out

    @staticmethod
    def backward(g, x, scale, scale_shape, needs):
        fast = fused.scale_and_shift_grad(g, x, scale, needs)
        if fast is not None:
            return fast
        dscale = _dot(g, x, scale_shape) if needs[1] else None
        return g * scale if needs[0] else None, dscale, g


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel with mean 0 and variance 1, then times `weight` plus `bias`, one per channel.

    Shapes: input (N, C, ...), all else (C,). In training the statistics are those of the batch,
    and the running ones, where given, become ``(1 - momentum) * running + momentum * batch`` in
    place (the variance unbiased); else the running ones are used. Raises ValueError where a
    channel has one value in training, RuntimeError where sizes differ or statistics are missing.
    Example: ``batch_norm(x, mean, var, training=True)``. Source: Ioffe and Szegedy, 2015;
    ``torch.nn.functional.batch_norm``.
    """
    if len(input.shape) < 2:
        raise RuntimeError(f"batch_norm: expected an input (N, C, ...), got {shape_of(input)}")
    batch, channels, *positions = shape_of(input)
    _check_parameters(
        "batch_norm", input, (channels,), running_mean=running_mean, running_var=running_var,
        weight=weight, bias=bias,
    )  # fmt: skip
    if eps <= 0:
        raise ValueError(f"batch_norm: eps must be positive, got {eps}")
    if (running_mean is None) != (running_var is None):
        raise ValueError("batch_norm: give both of running_mean and running_var, or neither")
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("batch_norm: running_mean and running_var are needed in evaluation")
        return _by_running(input, running_mean, running_var, weight, bias, eps)
    count = batch * math.prod(positions)
    if count == 1:
        raise ValueError(
            "batch_norm: expected more than 1 value per channel in training, got an input of shape "
            f"{shape_of(input)}"
        )
    view = (batch, channels, math.prod(positions))
    affine = () if weight is None and bias is None else (channels, 1)
    out, mean, var = BatchNorm.apply(
        input, weight, bias, view=view, dims=(0, 2), affine=affine, eps=eps
    )
    if running_mean is not None and running_var is not None and count:
        _update(running_mean, mean, momentum)
        _update(running_var, var, momentum, count / (count - 1))
    return out


def _by_running(
    input: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    scale = rsqrt(running_var + eps)
    if weight is not None:
        scale = scale * weight
    shift = -running_mean * scale
    if bias is not None:
        shift = shift + bias
    shape = (len(running_mean), *(1,) * (len(input.shape) - 2))
    return ScaleAndShift.apply(
        input, Reshape.apply(scale, shape=shape), Reshape.apply(shift, shape=shape)
    )


def _update(running: Tensor, batch: Tensor, momentum: float, factor: float = 1.0) -> None:
    """running = (1 - momentum) * running + momentum * factor * batch's mean over examples."""
    by_example = batch._array.reshape(-1, len(running))
    new = by_example[0] if len(by_example) == 1 else by_example.mean(0)
    inplace.follow(running, new * factor, momentum)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each example with mean 0 and variance 1, then times `weight` plus `bias`.

    Shapes: input (N, C, ...), all else (C,). The running statistics, where given, take up the mean
    over the batch as in `batch_norm`, and are used where `use_input_stats` is False. Raises
    ValueError where a channel has one element. Source: Ulyanov et al., 2016;
    ``torch.nn.functional.instance_norm``.
    """
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "instance_norm: running_mean and running_var are needed without use_input_stats"
            )
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    count = math.prod(shape_of(input)[2:])
    if len(input.shape) < 3 or count == 1:
        raise ValueError(
            "instance_norm: expected more than 1 element per channel, in an input (N, C, ...); got "
            f"shape {shape_of(input)}"
        )
    batch, channels = shape_of(input)[:2]
    _check_parameters(
        "instance_norm", input, (channels,), running_mean=running_mean, running_var=running_var,
        weight=weight, bias=bias,
    )  # fmt: skip
    affine = () if weight is None and bias is None else (channels, 1)
    out, mean, var = InstanceNorm.apply(
        input, weight, bias, view=(batch, channels, count), dims=(2,), affine=affine, eps=eps
    )
    if running_mean is not None and batch:
        _update(running_mean, mean, momentum)
    if running_var is not None and batch:
        _update(running_var, var, momentum, count / (count - 1))
    return out


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 over the last dimensions, then times `weight` plus `bias`.

    `normalized_shape` is the shape of these dimensions, of weight and of bias. Raises
    RuntimeError where the input's shape does not end so. Example: ``layer_norm(x, (512,))``.
    Source: Ba et al., 2016; ``torch.nn.functional.layer_norm``.
    """
    shape, rows = _check_normalized("layer_norm", input, normalized_shape)
    _check_parameters("layer_norm", input, shape, weight=weight, bias=bias)
    count = math.prod(shape)
    affine = () if weight is None and bias is None else (count,)
    weight, bias = _flat(weight), _flat(bias)
    out, _, _ = LayerNorm.apply(
        input, weight, bias, view=(rows, count), dims=(1,), affine=affine, eps=eps
    )
    return out


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """out = input / sqrt(mean of input**2 + eps) * weight, the mean over the last dimensions.

    `eps` is the dtype's epsilon where left out. Shapes and errors as in `layer_norm`.
    Source: Zhang and Sennrich, 2019; ``torch.nn.functional.rms_norm``.
    """
    shape, rows = _check_normalized("rms_norm", input, normalized_shape)
    _check_parameters("rms_norm", input, shape, weight=weight)
    if eps is None:
        eps = dtypes.finfo(input.dtype).eps
    out, _ = RMSNorm.apply(input, _flat(weight), view=(rows, math.prod(shape)), eps=eps)
    return out


def _flat(parameter: Tensor | None) -> Tensor | None:
    if parameter is None or len(parameter.shape) == 1:
        return parameter
    return reshape(parameter, -1)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 over each group of channels, then times `weight` plus `bias`.

    Shapes: input (N, C, ...), weight and bias (C,). Raises RuntimeError where the channels do not
    divide into `num_groups`. Example: ``group_norm(x, 8)``. Source: Wu and He, 2018;
    ``torch.nn.functional.group_norm``.
    """
    if len(input.shape) < 2:
        raise RuntimeError(f"group_norm: expected an input (N, C, ...), got {shape_of(input)}")
    batch, channels, *positions = shape_of(input)
    if num_groups < 1 or channels % num_groups:
        raise RuntimeError(
            f"group_norm: {channels} channels, of an input of shape {shape_of(input)}, cannot be "
            f"divided into num_groups={num_groups}"
        )
    _check_parameters("group_norm", input, (channels,), weight=weight, bias=bias)
    each = channels // num_groups
    out, _, _ = GroupNorm.apply(
        input, weight, bias,
        view=(batch, num_groups, each, math.prod(positions)), dims=(2, 3),
        affine=() if weight is None and bias is None else (num_groups, each, 1), eps=eps,
    )  # fmt: skip
    return out


def _check_parameters(function: str, input: Tensor, shape: Shape, **parameters: Any) -> None:
    """Refuse parameters and statistics of another shape or dtype."""
    if not input.is_floating_point():
        raise RuntimeError(f"{function}: expected floating-point input, got {input.dtype}")
    dtype = array_of(input).dtype
    for name, each in parameters.items():
        if each is None or (array_of(each).shape == shape and array_of(each).dtype is dtype):
            continue
        if shape_of(each) != shape:
            raise RuntimeError(
                f"{function}: {name} must have shape {shape} for an input of shape "
                f"{shape_of(input)}, got {shape_of(each)}"
            )
        if each.dtype != input.dtype:
            raise RuntimeError(
                f"{function}: input and {name} must have one dtype, got {input.dtype} and "
                f"{each.dtype}"
            )


def _check_normalized(
    function: str, input: Tensor, normalized_shape: Sequence[int]
) -> tuple[Shape, int]:
    """The last dimensions as a tuple, and the number of rows before them."""
    if not isinstance(normalized_shape, (tuple, list)):
        kind = type(normalized_shape).__name__
        raise TypeError(f"{function}: normalized_shape must be a tuple of ints, got {kind}")
    shape, have = tuple(normalized_shape), shape_of(input)
    if not shape:
        raise RuntimeError(f"{function}: normalized_shape must have at least one dimension")
    if have[max(len(have) - len(shape), 0) :] != shape:
        raise RuntimeError(
            f"{function}: with normalized_shape={shape} the input's shape must end in it, got "
            f"{have}"
        )
    return shape, math.prod(have[: len(have) - len(shape)])


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """out = input / (k + alpha * mean of input**2 over `size` neighbouring channels) ** beta

    Shapes: input (N, C, ...). Channels beyond the first and last count as 0. Raises ValueError
    below 3 dimensions. Source: Krizhevsky et al., 2012;
    ``torch.nn.functional.local_response_norm``.
    """
    if len(input.shape) < 3:
        raise ValueError(
            f"local_response_norm: expected an input (N, C, ...) of 3 dimensions or more, got "
            f"shape {shape_of(input)}"
        )
    if size < 1:
        raise RuntimeError(f"local_response_norm: size must be at least 1, got {size}")
    batch, channels, *positions = shape_of(input)
    count = math.prod(positions)
    squares = Reshape.apply(input * input, shape=(batch, 1, channels, count))
    first = size // 2
    padded = Unslice.apply(
        squares, index=(..., slice(first, first + channels), slice(None)),
        shape=(batch, 1, channels + size - 1, count),
    )  # fmt: skip
    means = AvgPool2d.apply(
        padded, kernel=(size, 1), stride=(1, 1), padding=(0, 0), output_size=(channels, count),
        count_include_pad=True, divisor_override=None,
    )  # fmt: skip
    means = Reshape.apply(means, shape=shape_of(input))
    return input / pow(means * alpha + k, beta)
