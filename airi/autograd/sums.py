"""Sums of float32 along any dimension that lose little.

NumPy adds in pairs along the dimension whose elements are neighbours, and along the others one
after the other, where every addition rounds the whole sum: 5,000 rows cost a digit and a half.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

BLOCK = 128  # numbers that are added one after the other
_FLOAT32 = np.dtype(np.float32)
_reduce: Any = np.add.reduce


def add_up(x: Any, dims: Any, *, keepdims: bool = False) -> Any:
    """``np.add.reduce(x, dims, keepdims=keepdims)``, where sums are long in blocks of `BLOCK`."""
    if x.size <= 2 * BLOCK or x.dtype is not _FLOAT32 or dims is None:
        return _reduce(x, dims, keepdims=keepdims)
    dims = (dims,) if isinstance(dims, int) else dims
    given = x.shape
    rows = math.prod(given[: len(dims)])
    if 1 < len(dims) < x.ndim and x.flags.c_contiguous and set(dims) == set(range(len(dims))):
        x = x.reshape(rows, *given[len(dims) :])  # the first dimensions as one
        result = _reduce(_in_blocks(x, 0), 0)
        return result.reshape((1,) * len(dims) + result.shape) if keepdims else result
    for dim in dims:
        if dim % x.ndim != x.ndim - 1:
            x = _in_blocks(x, dim % x.ndim)
    return _reduce(x, dims, keepdims=keepdims)


def _in_blocks(x: Any, dim: int) -> Any:
    """An array with the same sums over `dim`, where at most 2 * BLOCK numbers are left."""
    while x.shape[dim] > 2 * BLOCK:
        blocks, rest = divmod(x.shape[dim], BLOCK)
        before, after = (slice(None),) * dim, x.shape[dim + 1 :]
        whole = x[(*before, slice(blocks * BLOCK))].reshape(*x.shape[:dim], blocks, BLOCK, *after)
        sums = _reduce(whole, dim + 1)
        if rest:
            last = _reduce(x[(*before, slice(-rest, None))], dim, keepdims=True)
            sums = np.concatenate([sums, last], dim)
        x = sums
    return x
