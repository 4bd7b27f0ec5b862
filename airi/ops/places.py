"""Elements and rows taken from places and added there, by the compiled loops of `places_ext`.

Rules ask here first and compute in NumPy what they get None or False for: that is the
specification, and does every dtype and layout. How it is done is explained in
``places_kernels.h``; it takes contiguous arrays.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from airi.ops import kernels

_INT64 = np.dtype(np.int64)
_KINDS = (np.float32, np.float64, np.int32, np.int64)  # of elements


@functools.cache
def _compiled() -> Any:
    """The extension, or None where it was not built."""
    try:
        with kernels.threads_that_sleep():
            import airi.ops.places_ext as module
    except ImportError:
        return None
    return module


def within(index: np.ndarray, size: int) -> bool:
    """Whether every index is at least 0 and below `size`."""
    compiled = _compiled()
    if compiled is not None and index.dtype == _INT64 and index.flags.c_contiguous:
        return compiled.within(index, size)
    return not index.size or (index.min() >= 0 and index.max() < size)


def checked(
    function: str, index: np.ndarray, dim: int, size: int, negative: bool = True
) -> np.ndarray:
    """The index counted from the front; IndexError where it is out of range."""
    lowest = -size if negative else 0
    if within(index, size):
        return index
    if negative and index.size and lowest <= index.min() and index.max() < size:
        return np.where(index < 0, index + size, index)
    wrong = index[(index < lowest) | (index >= size)].flat[0]
    raise IndexError(
        f"{function}: index {wrong} is out of bounds for dimension {dim} with size {size}"
    )


def take_rows(x: np.ndarray, index: np.ndarray, dim: int) -> np.ndarray | None:
    """out[.., index's dimensions, ..] = x[.., index, ..] with the index at `dim`"""
    compiled, index = _suiting(x, index)
    if compiled is None:
        return None
    out = np.empty(x.shape[:dim] + index.shape + x.shape[dim + 1 :], x.dtype)
    done = compiled.take_rows(x, index, out, *_sizes(x.shape, dim, index.size))
    return out if done else None


def add_rows(out: np.ndarray, index: np.ndarray, x: Any, dim: int) -> bool:
    """out[.., index, ..] += x with the index at `dim`; whether it was done"""
    compiled, index = _suiting(out, index)
    if compiled is None:
        return False
    x = _like(x, out, out.shape[:dim] + index.shape + out.shape[dim + 1 :])
    return compiled.add_rows(x, index, out, *_sizes(out.shape, dim, index.size))


def take_each(x: np.ndarray, index: np.ndarray, dim: int) -> np.ndarray | None:
    """out[i, k] = x[i, index[i, k]] along `dim`"""
    compiled, index = _suiting(x, index)
    if compiled is None or not _alike(x.shape, index.shape, dim):
        return None
    out = np.empty(index.shape, x.dtype)
    done = compiled.take_each(x, index, out, *_sizes(x.shape, dim, index.shape[dim]))
    return out if done else None


def add_each(out: np.ndarray, index: np.ndarray, x: Any, dim: int) -> bool:
    """out[i, index[i, k]] += x[i, k] along `dim`; whether it was done"""
    compiled, index = _suiting(out, index)
    if compiled is None or not _alike(out.shape, index.shape, dim):
        return False
    x = _like(x, out, index.shape)
    if not compiled.add_each(x, index, out, *_sizes(out.shape, dim, index.shape[dim])):
        raise IndexError(f"an index is out of range for dimension {dim} of shape {out.shape}")
    return True


def _suiting(table: np.ndarray, index: np.ndarray) -> tuple[Any, np.ndarray]:
    """The extension where it does such a table, and the index as it takes it."""
    suits = table.dtype.type in _KINDS and table.dtype.isnative and table.flags.c_contiguous
    if not suits or not table.ndim or index.dtype.kind != "i":
        return None, index
    return _compiled(), np.asarray(index, _INT64, order="C")


def _like(x: Any, out: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What is added, in the shape and dtype of the places that it is added to."""
    x = np.ascontiguousarray(np.broadcast_to(np.asarray(x, out.dtype), shape))
    return x.copy() if np.may_share_memory(x, out) else x


def _alike(shape: tuple[int, ...], other: tuple[int, ...], dim: int) -> bool:
    """Whether shapes are the same apart from `dim`."""
    return shape[:dim] == other[:dim] and shape[dim + 1 :] == other[dim + 1 :]


def _sizes(shape: tuple[int, ...], dim: int, count: int) -> tuple[int, int, int, int]:
    """How many tables, their rows, the places for them, and the elements of a row."""
    return math.prod(shape[:dim]), shape[dim], count, math.prod(shape[dim + 1 :])
