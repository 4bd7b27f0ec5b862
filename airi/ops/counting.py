"""What occurs in a tensor and how often: unique elements, bins and places in a sorted sequence.

All results are constants of the graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import wrap
from airi.ops.names import normal_dim, numpy_names, require_tensor
from airi.ops.out import written
from airi.ops.promotion import refuse_complex, require_float
from airi.ops.views import array_of

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = [
    "bincount",
    "bucketize",
    "histc",
    "searchsorted",
    "unique",
    "unique_consecutive",
]


@numpy_names
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements in order or, with `dim`, the different slices along it.

    With `return_inverse` also the index in the result of each element, with `return_counts` how
    often each occurs. Every NaN is its own. The result is in order without `sorted` too.
    Example: ``values, counts = airi.unique(x, return_counts=True)``. Source: ``torch.unique``.
    """
    require_tensor("unique", "input", input)
    refuse_complex("unique", input)
    array = array_of(input)
    at = None if dim is None else normal_dim("unique", dim, array.ndim)
    values, inverse, counts = np.unique(
        array, return_inverse=True, return_counts=True, axis=at, equal_nan=False
    )
    inverse = inverse.reshape(array.shape if at is None else array.shape[at])
    return _results(values, (return_inverse, inverse), (return_counts, counts))


def _results(values: np.ndarray, *optional: tuple[bool, np.ndarray]) -> Any:
    """The values alone or with those others that are wanted."""
    wanted = [wrap(each.astype(np.int64, copy=False)) for asked, each in optional if asked]
    return (wrap(values), *wanted) if wanted else wrap(values)


@numpy_names
def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The elements without repetitions of the one before or, with `dim`, the slices along it.

    With `return_inverse` also the index in the result of each element, with `return_counts` the
    length of each run. Source: ``torch.unique_consecutive``.
    """
    require_tensor("unique_consecutive", "input", input)
    array = array_of(input)
    at = None if dim is None else normal_dim("unique_consecutive", dim, array.ndim)
    lines = array.reshape(-1) if at is None else np.moveaxis(array, at, 0)
    is_first = np.ones(len(lines), bool)
    differs = lines[1:] != lines[:-1]
    is_first[1:] = differs.any(tuple(range(1, lines.ndim)))
    starts = np.flatnonzero(is_first)
    counts = np.diff(starts, append=len(lines))
    inverse = np.cumsum(is_first) - 1
    values = lines[starts] if at is None else np.moveaxis(lines[starts], 0, at)
    if at is None:
        inverse = inverse.reshape(array.shape)
    return _results(
        np.ascontiguousarray(values), (return_inverse, inverse), (return_counts, counts)
    )


def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | Number,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Where along the last dimension each element of `input` would have to be put to keep order.

    Before equal elements, with ``right=True`` (or ``side="right"``) behind them. A sequence of
    several dimensions takes an input of the same ones but the last. `sorter` is the order of a
    sequence that is not sorted. int64, or int32 with `out_int32`. Raises RuntimeError where shapes
    do not fit. Source: ``torch.searchsorted``.
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"searchsorted: side must be 'left' or 'right', got {side!r}")
    if side == "left" and right:
        raise RuntimeError("searchsorted: side='left' and right=True contradict each other")
    refuse_complex("searchsorted", sorted_sequence, input)
    sequence, values = array_of(sorted_sequence), np.asarray(array_of(input))
    if sorter is not None:
        sequence = np.take_along_axis(sequence, array_of(sorter), -1)
    right = right or side == "right"
    if sequence.ndim == 1:
        places = np.searchsorted(sequence, values, "right" if right else "left")
    elif values.ndim == sequence.ndim and values.shape[:-1] == sequence.shape[:-1]:
        places = _searched_by_lines(sequence, values, right)
    else:
        raise RuntimeError(
            f"searchsorted: a sequence of shape {sequence.shape} needs an input that agrees in all "
            f"dimensions but the last, got {values.shape}"
        )
    result = wrap(np.asarray(places, np.int32 if out_int32 else np.int64))
    return result if out is None else written("searchsorted", out, result)


def _searched_by_lines(sequence: np.ndarray, values: np.ndarray, right: bool) -> np.ndarray:
    """Binary search in every line at once."""
    size = sequence.shape[-1]
    low, high = np.zeros(values.shape, np.int64), np.full(values.shape, size)
    for _ in range(size.bit_length()):
        middle = (low + high) // 2
        there = np.take_along_axis(sequence, np.minimum(middle, size - 1), -1)
        # NaN ranks above all numbers.
        behind = ~_is_below(values, there) if right else _is_below(there, values)
        behind &= low < high
        low, high = np.where(behind, middle + 1, low), np.where(behind, high, middle)
    return low


def _is_below(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x < y) | ((y != y) & (x == x))


def bucketize(
    input: Tensor | Number,
    boundaries: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """The number of the bin between sorted `boundaries` in which each element is.

    A boundary itself is in the bin below it, with ``right=True`` in the one above. Raises
    RuntimeError for boundaries of several dimensions. Source: ``torch.bucketize``.
    """
    if boundaries.ndim != 1:
        raise RuntimeError(
            f"bucketize: boundaries must have 1 dimension, got shape {tuple(boundaries.shape)}"
        )
    result = searchsorted(boundaries, input, out_int32=out_int32, right=right)
    return result if out is None else written("bucketize", out, result)


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """out[i] = how often i occurs in a vector of non-negative ints, or the sum of their weights.

    int64; with `weights` their dtype if that is floating-point, else float64. At least `minlength`
    long. Raises RuntimeError for other inputs. Example: ``labels.bincount(minlength=10)``.
    Source: ``torch.bincount``.
    """
    require_tensor("bincount", "input", input)
    array = array_of(input)
    if array.dtype.kind not in "iu" or array.ndim != 1 or (array.size and array.min() < 0):
        raise RuntimeError(
            "bincount: input must be a vector of non-negative ints, got "
            f"{array.dtype} of shape {array.shape}"
            + (f" with {array.min()}" if array.size and array.dtype.kind == "i" else "")
        )
    if minlength < 0:
        raise RuntimeError(f"bincount: minlength must not be negative, got {minlength}")
    if weights is None:
        return wrap(np.bincount(array.astype(np.int64), minlength=minlength))
    weight = array_of(weights)
    if weight.shape != array.shape:
        raise RuntimeError(
            f"bincount: weights must have input's shape {array.shape}, got {weight.shape}"
        )
    dtype = weight.dtype if weight.dtype.kind == "f" else np.dtype(np.float64)
    return wrap(np.bincount(array.astype(np.int64), weight, minlength).astype(dtype))


def histc(
    input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None
) -> Tensor:
    """How many elements are in each of `bins` equal parts of the range `min` to `max`.

    Elements outside and NaN are not counted; where `min` equals `max` the range is that of the
    elements. The result has input's dtype. Raises RuntimeError for integers, a range that is not
    finite or bins < 1. Example: ``airi.histc(x, bins=4, min=0, max=3)``. Source: ``torch.histc``.
    """
    require_tensor("histc", "input", input)
    array = array_of(input)
    require_float("histc", input)
    refuse_complex("histc", input)
    if bins < 1:
        raise RuntimeError(f"histc: bins must be 1 or more, got {bins}")
    low, high = float(min), float(max)
    if low == high and array.size:
        low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"histc: the range {low} to {high} is not finite")
    if low > high:
        raise RuntimeError(f"histc: max must be larger than min, got {low} to {high}")
    if low == high:
        low, high = low - 1, high + 1
    counts, _ = np.histogram(array, bins, (low, high))
    result = wrap(counts.astype(array.dtype))
    return result if out is None else written("histc", out, result)
