"""Sorting, and what is chosen by rank: the largest k, the k-th, medians, modes and quantiles.

NaN ranks above all numbers. Gradients go back to the elements that were chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule, wrap
from airi.dtypes import FLOATING
from airi.ops import elementwise, views
from airi.ops.along import SpreadAlong, TakeAlong, ValuesIndices
from airi.ops.extremes import Amax, Max, chosen, chosen_gradient, refuse_empty
from airi.ops.names import normal_dim, numpy_names, require_tensor, takes_out
from airi.ops.over_dims import over_dims, over_one_dim
from airi.ops.promotion import require_float
from airi.ops.views import array_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "argsort",
    "kthvalue",
    "median",
    "mode",
    "msort",
    "nanmedian",
    "nanquantile",
    "quantile",
    "sort",
    "topk",
]


def _order(x: np.ndarray, dim: int, descending: bool, stable: bool) -> np.ndarray:
    """The indices that sort x along dim; equal elements keep their order if it is to be stable."""
    kind: Any = (
        "stable" if stable else None
    )  # not stable is up to 7 times faster: it has SIMD kernels
    if not descending:
        return np.argsort(x, dim, kind)
    if not stable:
        return np.ascontiguousarray(np.flip(np.argsort(x, dim), dim))
    # Back to front twice: equal elements still keep their order, and integers need no sign.
    order = np.flip(np.argsort(np.flip(x, dim), dim, kind), dim)
    return np.subtract(x.shape[dim] - 1, order)


class Sort(Rule):
    """values = x in order along dim, from its indices;  dx = g put back at the indices"""

    outputs = ("values", "indices")

    @staticmethod
    def forward(x, *, dim, descending, stable):
        indices = _order(x, dim, descending, stable)
        return np.take_along_axis(x, indices, dim), indices

    @staticmethod
    def backward(g, indices, dim, x_shape):
        return SpreadAlong.apply(g[0], indices, dim=dim, size=x_shape[dim], distinct=True)


@numpy_names
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False
) -> ValuesIndices:
    """The elements in order along `dim` and their indices, as ``(values, indices)``.

    NaN counts as the largest. Equal elements keep their order if `stable`, which takes longer.
    Example: ``values, indices = airi.sort(x, descending=True)``. Source: ``torch.sort``.
    """
    return ValuesIndices(
        *over_one_dim("sort", Sort, input, dim, descending=descending, stable=stable)
    )


class Argsort(Rule):
    """out = the indices that sort x along dim"""

    @staticmethod
    def forward(x, *, dim, descending, stable):
        return _order(x, dim, descending, stable)


@numpy_names
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices (int64) that put `input` in order along `dim`, see `sort`.

    Source: ``torch.argsort``.
    """
    return over_one_dim("argsort", Argsort, input, dim, descending=descending, stable=stable)


@takes_out
def msort(input: Tensor) -> Tensor:
    """The elements in order along the first dimension. Source: ``torch.msort``."""
    return sort(input, 0).values


class Topk(Rule):
    """values = the k largest (or smallest) x along dim;  dx = g put back at the indices"""

    outputs = ("values", "indices")

    @staticmethod
    def forward(x, *, k, dim, largest, sorted):
        size = x.shape[dim]
        if k == size:
            indices = _order(x, dim, largest, stable=False)
        else:
            lowest = size - k if largest else 0
            part = np.argpartition(x, min(lowest if largest else k, size - 1), dim)
            indices = np.take(part, np.arange(lowest, lowest + k), dim)
            if sorted:
                order = _order(np.take_along_axis(x, indices, dim), dim, largest, False)
                indices = np.take_along_axis(indices, order, dim)
        return np.take_along_axis(x, indices, dim), indices

    @staticmethod
    def backward(g, indices, dim, x_shape):
        return SpreadAlong.apply(g[0], indices, dim=dim, size=x_shape[dim], distinct=True)


@numpy_names
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> ValuesIndices:
    """The `k` largest elements along `dim` (or smallest) and their indices, in order.

    NaN counts as the largest; which of equal elements are taken is not said. ``sorted=False``
    leaves them in any order. Raises RuntimeError where the dimension has fewer than `k` elements.
    Example: ``scores.topk(5).indices``. Source: ``torch.topk``.
    """
    require_tensor("topk", "input", input)
    size = input.shape[normal_dim("topk", dim, input.ndim)] if input.ndim else 1
    if not 0 <= k <= size:
        raise RuntimeError(f"topk: k must be 0 to {size}, the size of dim {dim}, got {k}")
    attributes = {"k": int(k), "largest": largest, "sorted": sorted}
    return ValuesIndices(*over_one_dim("topk", Topk, input, dim, **attributes))


class Kthvalue(Rule):
    """values = the k-th smallest x along dim, at indices;  dx = g at the indices"""

    outputs = ("values", "indices")

    @staticmethod
    def forward(x, *, k, dim, keepdim):
        indices = np.take(np.argpartition(x, k - 1, dim), [k - 1], dim)
        return chosen(x, indices, dim, keepdim)

    @staticmethod
    def backward(g, indices, dim, keepdim, x_shape):
        return chosen_gradient(g[0], indices, dim, keepdim, x_shape)


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The `k`-th smallest element along `dim`, counted from 1, and its index.

    NaN counts as the largest. Raises RuntimeError where there is no such element.
    Example: ``airi.kthvalue(x, 2, dim=1)``. Source: ``torch.kthvalue``.
    """
    require_tensor("kthvalue", "input", input)
    size = input.shape[normal_dim("kthvalue", dim, input.ndim)] if input.ndim else 1
    if not 1 <= k <= size:
        raise RuntimeError(f"kthvalue: k must be 1 to {size}, the size of dim {dim}, got {k}")
    return ValuesIndices(*over_one_dim("kthvalue", Kthvalue, input, dim, k=int(k), keepdim=keepdim))


class Median(Max):
    """values = the lower middle x along dim, NaN if any is;  dx = g at the indices"""

    @staticmethod
    def forward(x, *, dim, keepdim):
        refuse_empty("median", x, dim)
        middle = (x.shape[dim] - 1) // 2
        indices = np.take(np.argpartition(x, middle, dim), [middle], dim)
        if x.dtype.kind == "f":
            is_nan = np.isnan(x)
            spoiled = is_nan.any(dim, keepdims=True)
            indices = np.where(spoiled, np.argmax(is_nan, dim, keepdims=True), indices)
        return chosen(x, indices, dim, keepdim)


class Nanmedian(Max):
    """values = the lower middle of the x along dim that are not NaN;  dx = g at the indices"""

    @staticmethod
    def forward(x, *, dim, keepdim):
        refuse_empty("nanmedian", x, dim)
        order = np.argsort(x, dim)
        numbers = x.shape[dim] - np.isnan(x).sum(dim, keepdims=True)
        middle = np.maximum(numbers - 1, 0) // 2
        return chosen(x, np.take_along_axis(order, middle, dim), dim, keepdim)


class MedianOfAll(Amax):
    """out = the lower middle of all x, NaN if any is;  equal elements share g"""

    @staticmethod
    def forward(x, *, dim, keepdim):
        return _one_of_all(Median, x, keepdim)


class NanmedianOfAll(Amax):
    """out = the lower middle of all x that are not NaN;  equal elements share g"""

    @staticmethod
    def forward(x, *, dim, keepdim):
        return _one_of_all(Nanmedian, x, keepdim)


def _one_of_all(rule: type[Rule], x: np.ndarray, keepdim: bool) -> np.ndarray:
    if x.size == 0:
        if x.dtype.kind != "f":
            raise RuntimeError(f"median: an integer tensor of shape {x.shape} has no median")
        return np.asarray(np.nan, x.dtype)
    return rule.forward(x.reshape(-1), dim=0, keepdim=False)[0]


@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, the lower of two: of all, or along `dim` as ``(values, indices)``.

    NaN where any is NaN. Of all elements those equal to the median share the gradient, along `dim`
    it goes to the index. Example: ``airi.median(x, 1).values``. Source: ``torch.median``.
    """
    if dim is None:
        return over_dims("median", MedianOfAll, input, None, keepdim=False)
    return ValuesIndices(*over_one_dim("median", Median, input, dim, keepdim=keepdim))


@numpy_names
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """`median` of the elements that are not NaN; NaN where there are none.

    Source: ``torch.nanmedian``.
    """
    if array_of(input).dtype.kind not in FLOATING:
        return median(input, dim, keepdim)
    if dim is None:
        return over_dims("nanmedian", NanmedianOfAll, input, None, keepdim=False)
    return ValuesIndices(*over_one_dim("nanmedian", Nanmedian, input, dim, keepdim=keepdim))


class Mode(Max):
    """values = the commonest x along dim, the smallest of equally common;  dx = g at the indices"""

    @staticmethod
    def forward(x, *, dim, keepdim):
        refuse_empty("mode", x, dim)
        order = np.argsort(x, dim, kind="stable")
        ranked = np.moveaxis(np.take_along_axis(x, order, dim), dim, -1)
        ranks = np.arange(ranked.shape[-1])
        starts_run = np.ones(ranked.shape, bool)
        starts_run[..., 1:] = ranked[..., 1:] != ranked[..., :-1]
        start = np.maximum.accumulate(np.where(starts_run, ranks, 0), -1)
        # Where a run is longest, counted so far, is its last element: the last one in x too.
        longest = np.argmax(ranks - start, -1, keepdims=True)
        indices = np.take_along_axis(order, np.moveaxis(longest, -1, dim), dim)
        return chosen(x, indices, dim, keepdim)


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The commonest element along `dim`, the smallest of equally common ones, and its last index.

    Source: ``torch.mode``.
    """
    return ValuesIndices(*over_one_dim("mode", Mode, input, dim, keepdim=keepdim))


_NEAREST: dict[str, Any] = {"lower": np.floor, "higher": np.ceil, "nearest": np.round}
_INTERPOLATIONS = ("linear", "midpoint", *_NEAREST)


@numpy_names
def quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The element at rank q * (n - 1) along `dim`, or of all; between two of them `interpolation`.

    `q` is a number from 0 to 1 or a vector of them, whose dimension comes first in the result.
    `interpolation` is "linear", "lower", "higher", "midpoint" or "nearest". NaN where any element
    is. Raises RuntimeError for integers. Example: ``airi.quantile(x, 0.9, dim=1)``.
    Source: ``torch.quantile``.
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@numpy_names
def nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """`quantile` of the elements that are not NaN. Source: ``torch.nanquantile``."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


def _quantile(
    name: str, input: Any, q: Any, dim: int | None, keepdim: bool, interpolation: str
) -> Any:
    fractions = _fractions(name, input, q)
    if interpolation not in _INTERPOLATIONS:
        raise ValueError(
            f"{name}: interpolation must be one of {_INTERPOLATIONS}, got {interpolation!r}"
        )
    shape = views.shape_of(input)
    if dim is None:
        lines, kept = views.reshape(input, (-1,)), (1,) * len(shape)
    else:
        at = normal_dim(name, dim, len(shape))
        lines = views.movedim(input, at, -1) if shape else views.reshape(input, (1,))
        kept = (*shape[:at], 1, *shape[at + 1 :]) if shape else ()
    if lines.shape[-1] == 0:
        raise RuntimeError(f"{name}: a tensor of shape {shape} has no elements to rank")
    flat = views.reshape(fractions, (-1,))
    picked = _at_ranks(lines, flat, name == "nanquantile", interpolation)
    out = views.movedim(picked, -1, 0)
    if not keepdim:
        return out if fractions.ndim else views.select(out, 0, 0)
    return views.reshape(out, (*fractions.shape, *kept))


def _fractions(name: str, input: Any, q: Any) -> Any:
    """q as a Tensor or, where it is a number, as an array, with dtype, shape and range checked."""
    x, array = array_of(input), array_of(q)
    require_float(name, input)
    if not isinstance(array, np.ndarray):
        q = array = np.asarray(q, x.dtype)
    if array.dtype != x.dtype:
        raise RuntimeError(f"{name}: q must have input's dtype {x.dtype}, got {array.dtype}")
    if array.ndim > 1:
        raise RuntimeError(f"{name}: q must be a number or a vector, got shape {array.shape}")
    if not np.all((array >= 0) & (array <= 1)):
        raise RuntimeError(f"{name}: q must be in the range 0 to 1, got {q}")
    return q


class RankWeight(Rule):
    """out = q * steps - below, how far the rank q * steps is from the one below;  dq = g * steps"""

    @staticmethod
    def forward(q, below, *, steps):
        return (q.astype(np.float64) * steps - below).astype(q.dtype)

    @staticmethod
    def backward(g, steps, q_shape):
        return views.SumTo.apply(elementwise.mul(g, steps), shape=q_shape), None


def _at_ranks(lines: Any, fractions: Any, skip_nan: bool, interpolation: str) -> Any:
    """The elements of each line at these fractions of its length, as a last dimension.

    Between two elements the result moves with the fraction, by their distance a rank.
    """
    ordered = sort(lines, -1).values
    array = array_of(ordered)
    last = array.shape[-1] - 1
    nan_count = np.isnan(array).sum(-1, keepdims=True)
    exact = array_of(fractions).astype(np.float64)  # float32 cannot count beyond 2**24
    steps = np.maximum(last - nan_count, 0) if skip_nan else last
    ranks = exact * steps
    if not skip_nan:
        ranks = np.where(nan_count > 0, last, ranks)  # NaN is last in order
    if interpolation in _NEAREST:
        ranks = _NEAREST[interpolation](ranks)
    below, above = np.floor(ranks), np.ceil(ranks)
    weight = ranks - below if interpolation != "midpoint" else np.full_like(ranks, 0.5)
    low, high = (
        TakeAlong.apply(ordered, wrap(each.astype(np.int64)), dim=lines.ndim - 1, distinct=False)
        for each in (below, above)
    )
    if interpolation == "linear" and getattr(fractions, "requires_grad", False):
        weight = RankWeight.apply(fractions, below, steps=np.asarray(steps))
    else:
        weight = wrap(weight.astype(array.dtype))
    return elementwise.add(low, elementwise.mul(elementwise.sub(high, low), weight))
