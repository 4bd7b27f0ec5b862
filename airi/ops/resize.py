"""Images made larger or smaller, and channels turned into pixels and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule, wrap
from airi.ops.adaptive_pool import adaptive_avg_pool1d, adaptive_avg_pool2d
from airi.ops.matmul import matmul
from airi.ops.pool3d import adaptive_avg_pool3d
from airi.ops.views import Expand, Reshape, along, movedim, permute, reshape, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "channel_shuffle",
    "interpolate",
    "pixel_shuffle",
    "pixel_unshuffle",
]

# Mode -> the number of spatial dimensions that it is for.
_LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
_AREA = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}
_CUBIC = -0.75  # the slope parameter of cubic convolution
_SMOOTH_CUBIC = -0.5  # the same where several pixels become one, as in the Python Imaging Library


class Resample(Rule):
    """out[i] = sum over k of weights[k][i] * x[places[k][i]] along dim;  dx = ResampleAdjoint(g)

    The places of each k never fall. Weights None are 1.
    """

    @staticmethod
    def forward(x, *, dim, places, weights):
        out = None
        for place, weight in zip(places, weights):
            part = np.take(x, place, dim)
            if weight is not None:
                part *= weight
            out = part if out is None else np.add(out, part, out=out)
        return out

    @staticmethod
    def backward(g, x_shape, dim, places, weights):
        return ResampleAdjoint.apply(g, dim=dim, places=places, weights=weights, size=x_shape[dim])


class ResampleAdjoint(Rule):
    """out = 0 with weights[k][i] * y[i] added at places[k][i] along dim;  dy = Resample(g)"""

    @staticmethod
    def forward(y, *, dim, places, weights, size):
        out = np.zeros((*y.shape[:dim], size, *y.shape[dim + 1 :]), y.dtype)
        for place, weight in zip(places, weights):
            part = y if weight is None else y * weight
            taken, starts, counts = np.unique(place, return_index=True, return_counts=True)
            for number in range(counts.max()):  # equal places are a run: the first of each, ...
                more = counts > number
                out[along(dim, taken[more])] += part[along(dim, starts[more] + number)]
        return out

    @staticmethod
    def backward(g, dim, places, weights):
        return Resample.apply(g, dim=dim, places=places, weights=weights)


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """The input (N, C, L), (N, C, H, W) or (N, C, D, H, W) resampled to `size` or by a factor.

    Modes: "nearest", "nearest-exact", "area" (means), "linear", "bilinear", "trilinear", "bicubic".
    `align_corners` lets the first and last elements fall on each other instead of the outer edges.
    `antialias` ("bilinear" and "bicubic") widens the filter where the image becomes smaller.
    Raises ValueError where arguments do not go together, RuntimeError for integers in other modes
    than the nearest.
    Example: ``interpolate(x, scale_factor=2, mode="bilinear")``.
    Source: ``torch.nn.functional.interpolate``.
    """
    dims = input.ndim - 2
    if dims not in (1, 2, 3):
        raise ValueError(f"interpolate: expected 3 to 5 dimensions, got shape {shape_of(input)}")
    if mode not in ("nearest", "nearest-exact", "area") and _LINEAR.get(mode) != dims:
        raise ValueError(
            f"interpolate: mode {mode!r} is not for an input of shape {shape_of(input)}: modes are "
            "nearest, nearest-exact, area, linear (3 dimensions), bilinear and bicubic (4), "
            "trilinear (5)"
        )
    if align_corners is not None and mode not in _LINEAR:
        raise ValueError(f"interpolate: align_corners is for {', '.join(_LINEAR)}, not {mode!r}")
    if mode in _LINEAR and not input.is_floating_point():
        raise RuntimeError(
            f"interpolate: mode {mode!r} needs floating-point input, got {input.dtype}; convert it "
            "with float()"
        )
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f"interpolate: antialias is for bilinear and bicubic, not for {mode!r}")
    have = shape_of(input)[2:]
    wanted, factors = _sizes(have, size, scale_factor)
    if recompute_scale_factor:
        if factors is None:
            raise ValueError("interpolate: recompute_scale_factor goes with scale_factor only")
        factors = None
    if mode == "area":
        return _AREA[dims](input, wanted)
    for axis, (old, new) in enumerate(zip(have, wanted)):
        step = old / new if factors is None else 1 / factors[axis]
        if antialias:
            if align_corners:
                step = (old - 1) / (new - 1) if new > 1 else 0.0
            matrix = wrap(_smoothing(mode, old, new, step).astype(input._array.dtype))
            input = movedim(matmul(movedim(input, axis + 2, -1), matrix), -1, axis + 2)
        elif mode in _LINEAR:
            taps = _taps(mode, old, new, step, bool(align_corners))
            if not (align_corners and old == new):
                weights = [_column(w, input, axis + 2) for _, w in taps]
                places = [place for place, _ in taps]
                input = Resample.apply(input, dim=axis + 2, places=places, weights=weights)
        else:
            input = _nearest(input, axis + 2, new, step, 0.5 if mode == "nearest-exact" else 0.0)
    return input


def _sizes(
    have: tuple[int, ...], size: Any, scale_factor: Any
) -> tuple[tuple[int, ...], tuple[float, ...] | None]:
    """The sizes of the result, and the factors where these were given."""
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give one of size and scale_factor")
    given = size if scale_factor is None else scale_factor
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,) * len(have)
    if len(values) != len(have):
        raise ValueError(f"interpolate: expected {len(have)} values for {len(have)} dimensions")
    factors = None if scale_factor is None else tuple([float(each) for each in values])
    if factors is None:
        wanted = tuple([int(each) for each in values])
    else:
        wanted = tuple([math.floor(n * factor) for n, factor in zip(have, factors)])
    if min(wanted) < 1 or min(have) < 1:
        raise RuntimeError(f"interpolate: sizes must be positive, got {have} to {wanted}")
    return wanted, factors


def _nearest(input: Tensor, dim: int, new: int, step: float, offset: float) -> Tensor:
    old = input.shape[dim]
    if new % old == 0 and step == old / new:  # each element several times: no need to look up
        shape = shape_of(input)
        one = Reshape.apply(input, shape=(*shape[: dim + 1], 1, *shape[dim + 1 :]))
        many = Expand.apply(one, shape=(*shape[: dim + 1], new // old, *shape[dim + 1 :]))
        return Reshape.apply(many, shape=(*shape[:dim], new, *shape[dim + 1 :]))
    places = np.floor((np.arange(new) + offset) * step).astype(np.int64)
    places = np.minimum(places, old - 1)
    return Resample.apply(input, dim=dim, places=[places], weights=[None])


def _column(weights: np.ndarray, input: Tensor, dim: int) -> np.ndarray:
    """Weights of the dtype of the input, to be broadcast along `dim`."""
    shape = (-1, *(1,) * (input.ndim - dim - 1))
    return weights.astype(input._array.dtype).reshape(shape)


def _taps(
    mode: str, old: int, new: int, step: float, align_corners: bool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The elements that each new one is made of: their places, and their weights."""
    if align_corners:
        source = np.arange(new) * ((old - 1) / (new - 1) if new > 1 else 0.0)
    else:
        source = (np.arange(new) + 0.5) * step - 0.5
    if mode != "bicubic":
        source = np.maximum(source, 0)
    first = np.floor(source).astype(np.int64)
    t = source - first
    if mode == "bicubic":
        weights = cubic_weights(t, _CUBIC)
        offsets = [-1, 0, 1, 2]
    else:
        weights, offsets = [1 - t, t], [0, 1]
    return [
        (np.clip(first + offset, 0, old - 1), weight) for offset, weight in zip(offsets, weights)
    ]


def cubic_weights(t: Any, slope: float) -> list[Any]:
    """The weights of four neighbours, for a point that lies t behind the second of them.

    Those of cubic convolution with that `slope` parameter. Source: Keys 1981, "Cubic convolution
    interpolation for digital image processing".
    """
    distances = (t + 1, t, 1 - t, 2 - t)
    kernels = (_far, _near, _near, _far)
    return [kernel(d, slope) for kernel, d in zip(kernels, distances)]


def _near(t: Any, slope: float) -> Any:
    """The weight of cubic convolution at a distance below 1."""
    return ((slope + 2) * t - (slope + 3)) * t * t + 1


def _far(t: Any, slope: float) -> Any:
    """The weight of cubic convolution at a distance from 1 to 2."""
    return ((slope * t - 5 * slope) * t + 8 * slope) * t - 4 * slope


def _smoothing(mode: str, old: int, new: int, step: float) -> np.ndarray:
    """The weight of each old element in each new one, (old, new), with the filter widened."""
    width = max(step, 1.0)
    reach = (2 if mode == "bicubic" else 1) * width
    centres = step * (np.arange(new) + 0.5)
    first = np.maximum((centres - reach + 0.5).astype(np.int64), 0)
    last = np.minimum((centres + reach + 0.5).astype(np.int64), old)
    places = np.arange(old)[:, None]
    distance = np.abs(places - centres + 0.5) / width
    if mode == "bicubic":
        far = np.where(distance < 2, _far(distance, _SMOOTH_CUBIC), 0)
        weights = np.where(distance < 1, _near(distance, _SMOOTH_CUBIC), far)
    else:
        weights = np.maximum(1 - distance, 0)
    weights = weights * ((places >= first) & (places < last))
    return weights / weights.sum(0)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(..., C * r * r, H, W) as (..., C, H * r, W * r): channels become pixels.

    Raises RuntimeError where the channels do not divide by r * r.
    Source: Shi et al., 2016; ``torch.nn.functional.pixel_shuffle``.
    """
    r = upscale_factor
    *batch, channels, height, width = _image_shape("pixel_shuffle", input, r)
    if channels % (r * r):
        raise RuntimeError(
            f"pixel_shuffle: {channels} channels, of shape {shape_of(input)}, do not divide by "
            f"upscale_factor squared, {r * r}"
        )
    n = len(batch)
    blocks = reshape(input, (*batch, channels // (r * r), r, r, height, width))
    blocks = permute(blocks, (*range(n + 1), n + 3, n + 1, n + 4, n + 2))
    return reshape(blocks, (*batch, channels // (r * r), height * r, width * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(..., C, H * r, W * r) as (..., C * r * r, H, W): the inverse of `pixel_shuffle`.

    Source: ``torch.nn.functional.pixel_unshuffle``.
    """
    r = downscale_factor
    *batch, channels, height, width = _image_shape("pixel_unshuffle", input, r)
    if height % r or width % r:
        raise RuntimeError(
            f"pixel_unshuffle: height and width of shape {shape_of(input)} do not divide by "
            f"downscale_factor {r}"
        )
    n = len(batch)
    blocks = reshape(input, (*batch, channels, height // r, r, width // r, r))
    blocks = permute(blocks, (*range(n + 1), n + 2, n + 4, n + 1, n + 3))
    return reshape(blocks, (*batch, channels * r * r, height // r, width // r))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """(N, C, ...) with the first channel of every group first, then the second of every group.

    Raises RuntimeError where `groups` does not divide the channels.
    Source: Zhang et al., 2017; ``torch.nn.functional.channel_shuffle``.
    """
    shape = shape_of(input)
    if len(shape) < 3:
        raise RuntimeError(f"channel_shuffle: expected (N, C, ...), got shape {shape}")
    if groups < 1 or shape[1] % groups:
        raise RuntimeError(
            f"channel_shuffle: groups must divide the {shape[1]} channels, got groups={groups}"
        )
    grouped = reshape(input, (shape[0], groups, shape[1] // groups, *shape[2:]))
    order = (0, 2, 1, *range(3, len(shape) + 1))
    return reshape(permute(grouped, order), shape)


def _image_shape(function: str, input: Tensor, factor: int) -> tuple[int, ...]:
    if input.ndim < 3:
        raise RuntimeError(f"{function}: expected (..., C, H, W), got shape {shape_of(input)}")
    if factor < 1:
        raise RuntimeError(f"{function}: the factor must be positive, got {factor}")
    return shape_of(input)
