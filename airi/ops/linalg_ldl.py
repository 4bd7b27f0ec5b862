"""Symmetric indefinite matrices as L @ D @ L.mT: factorisation and solution.

D has blocks of 1 x 1 and 2 x 2 by the pivoting of J. Bunch and L. Kaufman, "Some stable methods for
calculating inertia and solving symmetric linear systems" (1977), in LAPACK's compact form. As in
PyTorch there are no gradients.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from airi.autograd.graph import wrap
from airi.ops.linalg_checks import LinAlgError, check_matrix, check_same_float, check_square
from airi.ops.linalg_solve import _check_fit
from airi.ops.names import takes_out
from airi.ops.promotion import refuse_complex
from airi.ops.views import shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["ldl_factor", "ldl_factor_ex", "ldl_solve"]

_ALPHA = (1 + math.sqrt(17)) / 8  # balances the growth of elements by blocks of both sizes


class LDL(NamedTuple):
    """What `ldl_factor` returns."""

    LD: Any
    pivots: Any


class LDLInfo(NamedTuple):
    """What `ldl_factor_ex` returns."""

    LD: Any
    pivots: Any
    info: Any


def _size(x: Any) -> Any:
    """The magnitude by which LAPACK compares pivots, |real| + |imaginary|."""
    return np.abs(x.real) + np.abs(x.imag)


def _pivot(A: np.ndarray, k: int) -> tuple[int, int]:
    """The row to exchange and the size of the block at k."""
    below = _size(A[k + 1 :, k])
    largest = below.max(initial=0)
    here = _size(A[k, k])
    if here >= _ALPHA * largest:
        return k, 1
    chosen = k + 1 + int(below.argmax())
    left, under = _size(A[chosen, k:chosen]), _size(A[chosen + 1 :, chosen])
    beside = max(left.max(), under.max(initial=0))
    if here * beside >= _ALPHA * largest * largest:
        return k, 1
    return chosen, 1 if _size(A[chosen, chosen]) >= _ALPHA * beside else 2


def _exchange(A: np.ndarray, k: int, i: int, j: int) -> None:
    """Rows and columns i < j of what is left at k, of which the lower triangle is kept."""

    def swap(first: Any, second: Any) -> None:
        A[first], A[second] = A[second].copy(), A[first].copy()

    swap((slice(j + 1, None), i), (slice(j + 1, None), j))
    swap((slice(i + 1, j), i), (j, slice(i + 1, j)))
    swap((i, i), (j, j))
    swap((i, slice(k, i)), (j, slice(k, i)))


def _factor(A: np.ndarray) -> tuple[np.ndarray, int]:
    """The lower triangle of A (n, n) replaced by L and D; pivots and info as LAPACK's."""
    n = A.shape[0]
    pivots = np.zeros(n, np.int32)
    info = k = 0
    while k < n:
        chosen, size = _pivot(A, k)
        last = k + size - 1
        if chosen != last:
            _exchange(A, k, last, chosen)
        block, rest = slice(k, k + size), slice(k + size, n)
        pivots[block] = chosen + 1 if size == 1 else -(chosen + 1)
        if size == 1 and A[k, k] == 0:  # the column is zero
            info = info or k + 1
        else:
            D = A[block, block]
            D = D if size == 1 else np.array([[D[0, 0], D[1, 0]], [D[1, 0], D[1, 1]]])
            columns = A[rest, block].copy()
            A[rest, block] = np.linalg.solve(D, columns.T).T
            A[rest, rest] -= A[rest, block] @ columns.T
        k += size
    A[...] = np.tril(A)
    return pivots, info


def _solved(A: np.ndarray, pivots: np.ndarray, B: np.ndarray) -> np.ndarray:
    """B (n, k) replaced by X with A @ X = B, from the factors."""
    n = A.shape[0]
    blocks = []
    k = 0
    while k < n:
        size = 1 if pivots[k] > 0 else 2
        blocks.append((k, size, abs(int(pivots[k])) - 1))
        k += size
    for k, size, chosen in blocks:
        last, block, rest = k + size - 1, slice(k, k + size), slice(k + size, n)
        B[[last, chosen]] = B[[chosen, last]]
        B[rest] -= A[rest, block] @ B[block]
        D = A[block, block]
        B[block] = np.linalg.solve(D + np.tril(D, -1).T, B[block])
    for k, size, chosen in reversed(blocks):
        last, block, rest = k + size - 1, slice(k, k + size), slice(k + size, n)
        B[block] -= A[rest, block].T @ B[rest]
        B[[last, chosen]] = B[[chosen, last]]
    return B


@takes_out
def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False) -> LDLInfo:
    """(LD, pivots, info): `ldl_factor` that counts instead of raising.

    info (int32) is 0, or the place from 1 of the first zero block of D.
    Source: ``torch.linalg.ldl_factor_ex``.
    """
    return _ldl("linalg.ldl_factor_ex", A, hermitian, check_errors)


@takes_out
def ldl_factor(A: Tensor, *, hermitian: bool = False) -> LDL:
    """(LD, pivots) of symmetric A (..., n, n), of which the lower triangle is read.

    LD holds D's blocks and L below them; a positive pivot (from 1) says which row was exchanged, a
    negative pair that there is a block of 2 x 2. Of complex numbers only the symmetric matrices,
    ``hermitian=False``, are taken. Raises LinAlgError where D has a zero block.
    Source: ``torch.linalg.ldl_factor``.
    """
    return LDL(*_ldl("linalg.ldl_factor", A, hermitian, check_errors=True)[:2])


def _ldl(function: str, A: Any, hermitian: bool, check_errors: bool) -> LDLInfo:
    check_square(function, A)
    if hermitian:
        refuse_complex(function, A)
    LD = np.array(A._array, order="C")
    batch, n = LD.shape[:-2], LD.shape[-1]
    pivots, info = np.zeros((*batch, n), np.int32), np.zeros(batch, np.int32)
    for place in np.ndindex(batch) if n else ():
        pivots[place], info[place] = _factor(LD[place])
    if check_errors and info.any():
        raise LinAlgError(f"{function}: D has a zero block at {info.max()}: the matrix is singular")
    return LDLInfo(wrap(LD), wrap(pivots), wrap(info))


@takes_out
def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """X with A @ X = B from ``LD, pivots = ldl_factor(A)``; B is (..., n, k), batches broadcast.

    Source: ``torch.linalg.ldl_solve``.
    """
    function = "linalg.ldl_solve"
    check_square(function, LD, "LD")
    check_matrix(function, B, "B")
    check_same_float(function, LD, B)
    if hermitian:
        refuse_complex(function, LD)
    if pivots._array.dtype.kind not in "iu" or shape_of(pivots) != shape_of(LD)[:-1]:
        raise RuntimeError(
            f"{function}: pivots must be ints of shape {shape_of(LD)[:-1]}, got {pivots.dtype} of "
            f"shape {shape_of(pivots)}"
        )
    _check_fit(function, LD, B)
    batch = np.broadcast_shapes(shape_of(LD)[:-2], shape_of(B)[:-2])
    n = LD.shape[-1]
    factors = np.broadcast_to(LD._array, (*batch, n, n))
    swaps = np.broadcast_to(pivots._array, (*batch, n))
    X = np.array(np.broadcast_to(B._array, (*batch, n, B.shape[-1])), order="C")
    for place in np.ndindex(batch):
        _solved(factors[place], swaps[place], X[place])
    return wrap(X)
