"""Products of float32 matrices, attention and LSTM by the compiled kernels of `product_ext`.

NumPy's matmul is the specification, and does what the kernels do not: other dtypes, empty arrays
and products that are too small or too narrow to gain. The kernels (explained in
``product_kernels.h``) are faster than the BLAS library under NumPy, most of all where a product
is small, one of a batch, or shared by threads. Attention and LSTM are specified in `attention.py`
and `recurrent.py`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from airi import memory
from airi.ops import kernels

# Measured: below, calling NumPy takes less time.
LEAST_MULTIPLICATIONS = 1 << 14  # in one product of a batch
LEAST_ROWS = 8
LEAST_INNER = 16
LEAST_COLUMNS = 8

_FLOAT32 = np.dtype(np.float32)


@functools.cache
def _compiled() -> Any:
    """The extension, or None where it was not built; loaded with the first product."""
    try:
        with kernels.threads_that_sleep():
            import airi.ops.product_ext as module
    except ImportError:
        return None
    return module


def matrix_product(x: np.ndarray, y: np.ndarray, bias: np.ndarray | None = None) -> Any:
    """x @ y + bias, where a batch times one matrix or vector is one product of all its rows."""
    if x.ndim > 2 and y.ndim <= 2:
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        return matrix_product(rows, y, bias).reshape(x.shape[:-1] + y.shape[1:])
    if _suit(x, y):
        memory.install()
        batch = x.shape[:-2]
        if batch != y.shape[:-2]:
            batch = np.broadcast_shapes(batch, y.shape[:-2])
        out = np.empty((*batch, x.shape[-2], y.shape[-1]), _FLOAT32)
        if out.size:
            _compiled().multiply(x, y, out, None if bias is None else np.ascontiguousarray(bias))
        return out
    out = np.matmul(x, y)
    if bias is not None:
        out += bias
    return out


def product_into(x: np.ndarray, y: np.ndarray, out: np.ndarray, bias: Any = None) -> None:
    """out = x @ y + bias for matrices, the rows of `out` contiguous"""
    if _suit(x, y) and out.dtype == _FLOAT32:
        _compiled().multiply(x, y, out, None if bias is None else np.ascontiguousarray(bias))
        return
    np.matmul(x, y, out=out)
    if bias is not None:
        out += bias


def _suit(x: np.ndarray, y: np.ndarray) -> bool:
    if x.dtype != _FLOAT32 or y.dtype != _FLOAT32 or not 2 <= x.ndim <= 4 or not 2 <= y.ndim <= 4:
        return False
    rows, inner = x.shape[-2:]
    columns = y.shape[-1]
    return (
        rows >= LEAST_ROWS
        and columns >= LEAST_COLUMNS
        and inner >= LEAST_INNER
        and rows * inner * columns >= LEAST_MULTIPLICATIONS
        and inner == y.shape[-2]
        and x.flags.aligned
        and y.flags.aligned
        and _compiled() is not None
    )


# ---- attention: the arguments are those of `attention.Attention` --------------------------------


def attention(
    q: Any, k: Any, v: Any, mask: Any, scale: float, is_causal: bool
) -> tuple[np.ndarray, np.ndarray] | None:
    """What `Attention.forward` returns, or None where NumPy has to compute it.

    Leading dimensions are equal in all of them already.
    """
    if not _attention_suits(q, k, v, mask):
        return None
    batch = q.shape[:-2]
    q, k, v = (_heads(each) for each in (q, k, v))
    mask = _mask_of_heads(mask)
    out = _like(q, v.shape[3])
    lse = np.empty(q.shape[:3], _FLOAT32)
    _compiled().attention(q, k, v, mask, out, lse, scale, is_causal)
    return out.reshape(*batch, *out.shape[2:]), lse.reshape(*batch, -1, 1)


def attention_grad(
    g: Any, shift: Any, q: Any, k: Any, v: Any, mask: Any, lse: Any, scale: float, is_causal: bool
) -> tuple[np.ndarray, ...] | None:
    """dq, dk and dv, or None where NumPy has to compute them; `shift` is lse's gradient - g out"""
    if not _attention_suits(q, k, v, mask) or g.dtype != _FLOAT32 or shift.dtype != _FLOAT32:
        return None
    batch = q.shape[:-2]
    q, k, v, g = (_heads(each) for each in (q, k, v, g))
    dq, dk, dv = _like(q, q.shape[3]), _like(k, k.shape[3]), _like(v, v.shape[3])
    dk[...] = 0
    dv[...] = 0
    lse, shift = (np.ascontiguousarray(each).reshape(q.shape[:3]) for each in (lse, shift))
    _compiled().attention_grad(
        q, k, v, _mask_of_heads(mask), lse, g, shift, dq, dk, dv, scale, is_causal
    )
    dq, dk, dv = (each.reshape(*batch, *each.shape[2:]) for each in (dq, dk, dv))
    return dq, dk, dv


def _attention_suits(q: Any, k: Any, v: Any, mask: Any) -> bool:
    if q.dtype != _FLOAT32 or 0 in q.shape or 0 in k.shape or 0 in v.shape:
        return False
    if mask is not None and mask.dtype not in (np.bool_, _FLOAT32):
        return False
    return _compiled() is not None


def _heads(x: np.ndarray) -> np.ndarray:
    """(batch, heads, rows, features), with neighbouring features"""
    x = _in_four_dimensions(x)
    return x if x.strides[3] == x.itemsize and x.flags.aligned else np.ascontiguousarray(x)


def _in_four_dimensions(x: np.ndarray) -> np.ndarray:
    if x.ndim == 4:
        return x
    *before, heads = (1, 1, *x.shape[:-2])
    return x.reshape((math.prod(before), heads, *x.shape[-2:]))


def _mask_of_heads(mask: np.ndarray | None) -> np.ndarray | None:
    if mask is None:
        return None
    mask = _in_four_dimensions(mask)
    return mask if mask.strides[3] in (0, mask.itemsize) else np.ascontiguousarray(mask)


def _like(x: np.ndarray, features: int) -> np.ndarray:
    """A new array for heads, which lie in memory in the order in which those of x do."""
    memory.install()
    batch, heads, length, _ = x.shape
    if x.strides[1] < x.strides[2]:  # as (batch, length, heads, features)
        return np.empty((batch, length, heads, features), _FLOAT32).transpose(0, 2, 1, 3)
    return np.empty((batch, heads, length, features), _FLOAT32)


# ---- LSTM: the arguments are those of `recurrent.LSTM`, rows of whose steps are `steps` ---------


def lstm(
    x: Any, w_ih: Any, bias: Any, w_hh: Any, h: Any, c: Any, gates: Any, cells: Any, out: Any,
    steps: Sequence[slice],
) -> bool:  # fmt: skip
    """Fill `gates`, `cells` and `out`, or do nothing.

    Returns whether it was done: NumPy has to do it otherwise.
    """
    if not _lstm_suits(x, w_ih, w_hh, h, c):
        return False
    x, h, c = (np.ascontiguousarray(each) for each in (x, h, c))
    bias = None if bias is None else np.ascontiguousarray(bias)
    _compiled().lstm(x, w_ih, bias, w_hh, h, c, gates, cells, out, *_rows_and_counts(steps))
    return True


def lstm_grad(
    x: Any, w_ih: Any, w_hh: Any, h: Any, c: Any, gates: Any, cells: Any, out: Any,
    steps: Sequence[slice], dout: Any, dgates: Any, dh: Any, dc: Any, dx: Any,
) -> np.ndarray | None:  # fmt: skip
    """Fill `dgates`, and `dx` unless it is None, and make `dh` and `dc` the first states'.

    Returns the sums of `dgates` over the rows of each step, or None if nothing was done.
    """
    if not _lstm_suits(x, w_ih, w_hh, h, c) or not dout.dtype == dh.dtype == dc.dtype == _FLOAT32:
        return None
    h, c, dout = (np.ascontiguousarray(each) for each in (h, c, dout))
    sums = np.zeros((len(steps), dgates.shape[1]), _FLOAT32)
    states = (w_ih, w_hh, h, c, gates, cells, out, *_rows_and_counts(steps))
    _compiled().lstm_grad(*states, dout, dgates, sums, dh, dc, dx)
    return sums


def _lstm_suits(x: Any, w_ih: Any, w_hh: Any, h: Any, c: Any) -> bool:
    return (
        x.dtype == w_ih.dtype == w_hh.dtype == h.dtype == c.dtype == _FLOAT32
        and x.size > 0
        and h.size > 0
        and w_ih.flags.aligned
        and w_hh.flags.aligned
        and _compiled() is not None
    )


def _rows_and_counts(steps: Sequence[slice]) -> tuple[np.ndarray, np.ndarray]:
    first_rows = np.array([rows.start for rows in steps], np.intp)
    return first_rows, np.array([rows.stop - rows.start for rows in steps], np.intp)
