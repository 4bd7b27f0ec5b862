"""Images sampled at given positions: spatial transformers.

A grid holds for every pixel of the result where it lies in the input, from -1 at one edge to 1 at
the other. The taps of a position are rows of a table of pixels; their weights are smooth functions
of the position, so gradients pass to the image and to the grid.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule, wrap
from airi.ops.conversion import contiguous
from airi.ops.index_along import index_select
from airi.ops.matmul import matmul
from airi.ops.resize import cubic_weights
from airi.ops.views import movedim, reshape, select, shape_of, transpose, unsqueeze

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["affine_grid", "grid_sample"]

_MODES = ("bilinear", "nearest", "bicubic")
_PADDING_MODES = ("zeros", "border", "reflection")


def _unnormalized(x: np.ndarray, size: int, align_corners: bool) -> np.ndarray:
    """-1 to 1 as 0 to size - 1, or as -0.5 to size - 0.5 where the edges are those of pixels."""
    if align_corners:
        return (x + 1) / 2 * (size - 1)
    return ((x + 1) * size - 1) / 2


def _inside(
    at: np.ndarray, size: int, padding_mode: str, align_corners: bool
) -> tuple[np.ndarray, Any]:
    """Where a position beyond the edge is looked up instead, and the slope of that."""
    slope: Any = 1
    if padding_mode == "zeros":
        return at, slope
    if padding_mode == "reflection":
        low, span = (0.0, size - 1.0) if align_corners else (-0.5, float(size))
        if span == 0:
            return np.zeros_like(at), 0
        away = at - low
        times, rest = np.divmod(np.abs(away), span)
        back = times % 2 == 1
        at = np.where(back, span - rest, rest) + low
        slope = np.where(back == (away < 0), 1, -1)
    slope = slope * ((at > 0) & (at < size - 1))
    return np.clip(at, 0, size - 1), slope


class SourcePosition(Rule):
    """out = the position in pixels, inside of the image unless beyond it are zeros

    dx = g * the slope of that
    """

    @staticmethod
    def forward(x, *, size, padding_mode, align_corners):
        return _inside(_unnormalized(x, size, align_corners), size, padding_mode, align_corners)[0]

    @staticmethod
    def backward(g, x, size, padding_mode, align_corners):
        return g * SourceSlope.apply(
            x, size=size, padding_mode=padding_mode, align_corners=align_corners
        )


class SourceSlope(Rule):
    """out = the derivative of SourcePosition, constant almost everywhere"""

    @staticmethod
    def forward(x, *, size, padding_mode, align_corners):
        at = _unnormalized(x, size, align_corners)
        slope = _inside(at, size, padding_mode, align_corners)[1]
        scale = (size - 1) / 2 if align_corners else size / 2
        return np.asarray(np.broadcast_to(slope * scale, x.shape), x.dtype)


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The pixels of `input` at the positions of `grid`, interpolated.

    Shapes: input (N, C, H, W), grid (N, OH, OW, 2) of (x, y), result (N, C, OH, OW); or input (N,
    C, D, H, W), grid (N, OD, OH, OW, 3) of (x, y, z). -1 and 1 are the edges, or with
    `align_corners` the centres of the outermost pixels. Modes: "bilinear" (in volumes trilinear),
    "nearest", "bicubic" (images only). Beyond the edges are "zeros", the "border" or the
    "reflection" of the image. Raises ValueError for other modes and RuntimeError for shapes or
    dtypes that do not fit. Example: ``grid_sample(images, affine_grid(theta, images.shape))``.
    Source: Jaderberg et al. 2015, "Spatial transformer networks";
    ``torch.nn.functional.grid_sample``.
    """
    if mode not in _MODES:
        raise ValueError(f"grid_sample: mode must be one of {_MODES}, got {mode!r}")
    if padding_mode not in _PADDING_MODES:
        raise ValueError(
            f"grid_sample: padding_mode must be one of {_PADDING_MODES}, got {padding_mode!r}"
        )
    _check_sampled(input, grid, mode)
    aligned = _aligned("grid_sample", align_corners)
    batch, channels, *size = shape_of(input)
    pixels = reshape(movedim(input, 1, -1), (batch * math.prod(size), channels))
    # The last number of a grid is the position along the first of the dimensions.
    given = [select(grid, -1, len(size) - 1 - axis) for axis in range(len(size))]
    beyond = "zeros" if mode == "bicubic" else padding_mode
    positions = [
        SourcePosition.apply(each, size=n, padding_mode=beyond, align_corners=aligned)
        for each, n in zip(given, size)
    ]
    taps = [_taps(each, n, mode, padding_mode, aligned) for each, n in zip(positions, size)]
    first = np.arange(batch).reshape(batch, *(1,) * len(size))
    out: Any = None
    for combination in itertools.product(*taps):
        rows: Any = first
        weight: Any = None
        for (place, share), n in zip(combination, size):
            rows = rows * n + place
            weight = share if weight is None else weight * share
        part = index_select(pixels, 0, wrap(rows.reshape(-1)))
        part = part * reshape(weight, (-1, 1))
        out = part if out is None else out + part
    out = reshape(out, (*shape_of(grid)[:-1], channels))
    return contiguous(movedim(out, -1, 1))


def _check_sampled(input: Tensor, grid: Tensor, mode: str) -> None:
    dims = input.ndim - 2
    if dims not in (2, 3) or grid.ndim != input.ndim:
        raise RuntimeError(
            "grid_sample: expected input (N, C, H, W) and grid (N, OH, OW, 2), or input (N, C, D, "
            f"H, W) and grid (N, OD, OH, OW, 3), got shapes {shape_of(input)} and {shape_of(grid)}"
        )
    if grid.shape[0] != input.shape[0] or grid.shape[-1] != dims:
        raise RuntimeError(
            f"grid_sample: an input of shape {shape_of(input)} needs a grid of shape "
            f"({input.shape[0]}, ..., {dims}), got {shape_of(grid)}"
        )
    if 0 in input.shape[1:]:
        raise RuntimeError(f"grid_sample: the input is empty, of shape {shape_of(input)}")
    if mode == "bicubic" and dims == 3:
        raise RuntimeError("grid_sample: mode 'bicubic' is for images, not for volumes")
    if input.dtype != grid.dtype or not input.is_floating_point():
        raise RuntimeError(
            f"grid_sample: input and grid must have one floating-point dtype, got {input.dtype} "
            f"and {grid.dtype}"
        )


def _aligned(function: str, align_corners: bool | None) -> bool:
    if align_corners is None:
        warnings.warn(
            f"{function}: pass align_corners; left out it is False (before PyTorch 1.3, True)",
            stacklevel=3,
        )
    return bool(align_corners)


def _taps(
    position: Tensor, size: int, mode: str, padding_mode: str, align_corners: bool
) -> list[tuple[np.ndarray, Any]]:
    """Along one dimension: the places of the pixels to look at, and their weights."""
    at = position._array
    if mode == "nearest":
        return [_tap(np.rint(at), 1.0, size, at.dtype)]
    first = np.floor(at)
    t = position - wrap(first)
    if mode == "bilinear":
        return [_tap(first, 1 - t, size, at.dtype), _tap(first + 1, t, size, at.dtype)]
    places = [_inside(first + i, size, padding_mode, align_corners)[0] for i in (-1, 0, 1, 2)]
    weights = cubic_weights(t, -0.75)
    return [_tap(place, weight, size, at.dtype) for place, weight in zip(places, weights)]


def _tap(place: np.ndarray, weight: Any, size: int, dtype: Any) -> tuple[np.ndarray, Any]:
    """A pixel and its weight, which is 0 beyond the edges."""
    inside = wrap(((place >= 0) & (place < size)).astype(dtype))
    return np.clip(np.nan_to_num(place), 0, size - 1).astype(np.int64), inside * weight


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The grid of an affine map, for `grid_sample`.

    Shapes: theta (N, 2, 3) and size (N, C, H, W), result (N, H, W, 2); or theta (N, 3, 4) and size
    (N, C, D, H, W), result (N, D, H, W, 3). Row by row theta @ (x, y, 1), for x and y from -1 to 1.
    Raises RuntimeError or ValueError where they do not fit.
    Example: ``affine_grid(theta, images.shape, align_corners=False)``.
    Source: ``torch.nn.functional.affine_grid``.
    """
    if not theta.is_floating_point():
        raise ValueError(f"affine_grid: theta must be floating-point, got {theta.dtype}")
    dims = len(size) - 2
    if dims not in (2, 3):
        raise NotImplementedError(f"affine_grid: size must have 4 or 5 numbers, got {tuple(size)}")
    if shape_of(theta) != (size[0], dims, dims + 1):
        raise ValueError(
            f"affine_grid: a size of {tuple(size)} needs theta of shape "
            f"{(size[0], dims, dims + 1)}, got {shape_of(theta)}"
        )
    if min(size) <= 0:
        raise ValueError(f"affine_grid: sizes must be positive, got {tuple(size)}")
    aligned = _aligned("affine_grid", align_corners)
    axes = []
    for n in size[2:]:
        line = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
        axes.append(line if aligned else line * (n - 1) / n)
    coordinates = np.meshgrid(*axes, indexing="ij")[::-1]
    points = np.stack([*coordinates, np.ones(size[2:])], -1).reshape(-1, dims + 1)
    base = unsqueeze(wrap(points.astype(theta._array.dtype)), 0)
    return reshape(matmul(base, transpose(theta, 1, 2)), (size[0], *size[2:], dims))
