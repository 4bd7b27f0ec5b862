"""Covariances, and histograms of one and of several dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from airi import dtypes
from airi.autograd.graph import wrap
from airi.dtypes import FLOATING
from airi.ops import bounds, elementwise, reduction, transcendental
from airi.ops.complex import complex, imag, real
from airi.ops.conversion import cast
from airi.ops.diagonals import diagonal
from airi.ops.matmul import matmul
from airi.ops.names import takes_out
from airi.ops.promotion import refuse_complex, require_float
from airi.ops.views import array_of, reshape, shape_of, squeeze, transpose, unsqueeze

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["corrcoef", "cov", "histogram", "histogramdd"]


def _weights(name: str, weights: Any, count: int, kinds: str) -> None:
    if weights is None:
        return
    array = array_of(weights)
    if array.ndim > 1 or array.size != count:
        raise RuntimeError(f"cov: {name} must have {count} elements, got shape {array.shape}")
    if array.dtype.kind not in kinds:
        raise RuntimeError(f"cov: {name} has the wrong dtype, {weights.dtype}")
    if (array < 0).any():
        raise RuntimeError(f"cov: {name} must not be negative")


def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """The covariance matrix of the variables in the rows of input, observed in its columns.

    The sum of products of deviations (x * conj(y) of complex ones) divided by n - `correction`.
    `fweights` (ints) says how often each observation counts, `aweights` (floats) how much. A vector
    is one variable; its variance has no dimensions. Source: ``torch.cov``.
    """
    if input.ndim > 2:
        raise RuntimeError(f"cov: expected at most 2 dimensions, got shape {shape_of(input)}")
    if array_of(input).dtype.kind == "b":
        raise RuntimeError("cov: bool dtype is not supported for input")
    rows = input if input.ndim == 2 else reshape(input, (1, -1))
    if array_of(rows).dtype.kind in "iu":
        rows = cast(rows, dtypes.get_default_dtype())
    count = rows.shape[1]
    _weights("fweights", fweights, count, "iu")
    _weights("aweights", aweights, count, FLOATING)
    weights: Any = fweights
    if aweights is not None:
        weights = aweights if fweights is None else elementwise.mul(aweights, fweights)
    if weights is None:
        centred = elementwise.sub(rows, reduction.mean(rows, 1, keepdim=True))
        weighted, total = centred, wrap(np.asarray(count, rows.dtype.to_real().numpy))
    else:
        weights = reshape(weights, -1)
        total = reduction.sum(weights)
        mean = reduction.sum(elementwise.mul(rows, weights), 1, keepdim=True) / total
        centred = elementwise.sub(rows, mean)
        weighted = elementwise.mul(centred, weights)
    degrees = total - correction
    if weights is not None and aweights is not None and correction:
        squares = reduction.sum(elementwise.mul(weights, reshape(aweights, -1)))
        degrees = total - correction * squares / total
    degrees = bounds.clamp(degrees, 0)
    out = matmul(weighted, transpose(centred, 0, 1).conj()) / degrees
    return squeeze(out)


def corrcoef(input: Tensor) -> Tensor:
    """The matrix of Pearson's correlations of the variables in the rows of input, in [-1, 1].

    Of complex variables both parts are.

    Source: ``torch.corrcoef``.
    """
    if input.ndim > 2:
        raise RuntimeError(f"corrcoef: expected at most 2 dimensions, got shape {shape_of(input)}")
    if array_of(input).dtype.kind == "b":
        raise RuntimeError("corrcoef: bool dtype is not supported for input")
    covariance = cov(input)
    if covariance.ndim == 0:
        return covariance / covariance
    deviation = transcendental.sqrt(real(diagonal(covariance)))
    out = covariance / unsqueeze(deviation, -1) / unsqueeze(deviation, -2)
    if not out.is_complex():
        return bounds.clamp(out, -1, 1)
    return complex(*[bounds.clamp(part, -1, 1) for part in (real(out), imag(out))])


# -- Histograms, constants of the graph -----------------------------------------------------------


class Histogram(NamedTuple):
    """What `histogram` returns."""

    hist: Any
    bin_edges: Any


class HistogramDD(NamedTuple):
    """What `histogramdd` returns: one tensor of edges for each dimension."""

    hist: Any
    bin_edges: Any


def _edges(function: str, points: np.ndarray, bins: Any, limits: Any) -> np.ndarray:
    """The edges of the bins of one dimension."""
    given = array_of(bins)
    if isinstance(given, np.ndarray):
        if given.ndim != 1 or not given.size:
            raise RuntimeError(f"{function}: edges must be a vector, got shape {given.shape}")
        if given.dtype != points.dtype:
            raise RuntimeError(
                f"{function}: edges must have input's dtype {points.dtype}, got {given.dtype}"
            )
        return given
    if not isinstance(bins, int) or bins < 1:
        raise RuntimeError(f"{function}: bins must be a positive int or edges, got {bins!r}")
    if limits is not None:
        low, high = float(limits[0]), float(limits[1])
    else:
        low, high = (float(points.min()), float(points.max())) if points.size else (0.0, 1.0)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"{function}: the range {low} to {high} is not finite")
    if low > high:
        raise RuntimeError(f"{function}: the range must not be decreasing, got {low} to {high}")
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1, dtype=points.dtype)


def _count(
    function: str, points: np.ndarray, edges: list[np.ndarray], weight: Any, density: bool
) -> np.ndarray:
    """How many points (n, d) are in each bin, the last of each dimension with its right edge."""
    n, dims = points.shape
    weights = None
    if weight is not None:
        weights = array_of(weight).reshape(-1)
        if weights.dtype != points.dtype:
            raise RuntimeError(
                f"{function}: weight must have input's dtype {points.dtype}, got {weights.dtype}"
            )
        if weights.size != n:
            raise RuntimeError(f"{function}: expected {n} weights, got {weights.size}")
    inside = np.ones(n, bool)
    place = np.zeros(n, np.int64)
    for at in range(dims):
        values, borders = points[:, at], edges[at]
        bin_of = np.searchsorted(borders, values, side="right") - 1
        bin_of -= values == borders[-1]
        inside &= (values >= borders[0]) & (values <= borders[-1])
        place = place * (len(borders) - 1) + np.where(inside, bin_of, 0)
    shape = [len(each) - 1 for each in edges]
    chosen = None if weights is None else weights[inside]
    total = np.bincount(place[inside], chosen, int(np.prod(shape))).reshape(shape)
    hist = total.astype(points.dtype)
    if density:
        volume = np.ones((), points.dtype)
        for each in edges:
            volume = np.multiply.outer(volume, np.diff(each))
        with np.errstate(all="ignore"):
            hist = hist / hist.sum() / volume
    return hist


@takes_out
def histogram(
    input: Tensor,
    bins: int | Tensor = 100,
    *,
    range: tuple[float, float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Histogram:
    """(hist, bin_edges): how many elements are in each bin, in input's dtype.

    `bins` is how many equal ones there are over `range` (by default from the smallest element to
    the largest) or a tensor of edges. `weight` counts each element that much; `density` makes the
    integral 1. The last bin has its right edge too. Source: ``torch.histogram``.
    """
    require_float("histogram", input)
    refuse_complex("histogram", input)
    points = array_of(input).reshape(-1, 1)
    if range is not None and not isinstance(bins, int):
        raise TypeError("histogram: range goes with a number of bins only")
    _same_shape("histogram", input, weight)
    edges = [_edges("histogram", points, bins, range)]
    hist = _count("histogram", points, edges, weight, density)
    return Histogram(wrap(hist), wrap(edges[0].copy()))


def _same_shape(function: str, input: Any, weight: Any) -> None:
    if weight is not None and shape_of(weight) != shape_of(input):
        raise RuntimeError(
            f"{function}: weight must have input's shape {shape_of(input)}, got {shape_of(weight)}"
        )


def histogramdd(
    input: Tensor,
    bins: int | Sequence[int] | Sequence[Tensor],
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> HistogramDD:
    """(hist, bin_edges) of points (..., d): a d-dimensional histogram, and a tuple of edges.

    `bins` are numbers of bins, one or one for each dimension, or d tensors of edges; `range` holds
    d pairs of limits, one after the other. Otherwise as `histogram`. Source: ``torch.histogramdd``.
    """
    require_float("histogramdd", input)
    refuse_complex("histogramdd", input)
    if input.ndim < 2:
        raise RuntimeError(
            f"histogramdd: input must have at least 2 dimensions, got shape {shape_of(input)}"
        )
    points = array_of(input).reshape(-1, input.shape[-1])
    dims = points.shape[1]
    each_bins = [bins] * dims if isinstance(bins, int) else list(bins)
    if len(each_bins) != dims:
        raise RuntimeError(f"histogramdd: expected bins for {dims} dimensions, got {bins!r}")
    if range is not None and len(range) != 2 * dims:
        raise RuntimeError(f"histogramdd: range must hold {2 * dims} numbers, got {len(range)}")
    if weight is not None and shape_of(weight) != shape_of(input)[:-1]:
        raise RuntimeError(
            f"histogramdd: weight must have shape {shape_of(input)[:-1]}, got {shape_of(weight)}"
        )
    edges = []
    for at, of_dim in enumerate(each_bins):
        limits = None if range is None else (range[2 * at], range[2 * at + 1])
        edges.append(_edges("histogramdd", points[:, at], of_dim, limits))
    hist = _count("histogramdd", points, edges, weight, density)
    return HistogramDD(wrap(hist), tuple(wrap(each.copy()) for each in edges))
