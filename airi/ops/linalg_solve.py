"""Solving linear systems: inverses, general and triangular systems, systems of tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from airi.autograd.graph import Rule, wrap
from airi.ops.diagonals import Tril, Triu
from airi.ops.linalg_checks import (
    Identity,
    LinAlgError,
    check_matrix,
    check_same_float,
    check_square,
    first_failing,
    transposed,
)
from airi.ops.matmul import MatMul
from airi.ops.names import takes_out
from airi.ops.views import movedim, reshape, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "inv",
    "inv_ex",
    "solve",
    "solve_ex",
    "solve_triangular",
    "tensorinv",
    "tensorsolve",
]


class InverseInfo(NamedTuple):
    """What `inv_ex` returns: ``info`` is 0 for matrices that have an inverse."""

    inverse: Any
    info: Any


class ResultInfo(NamedTuple):
    """What `solve_ex` returns: ``info`` is 0 where there is a solution."""

    result: Any
    info: Any


class Inverse(Rule):
    """out = x**-1;  dx = -out.mT @ g @ out.mT"""

    holomorphic = True

    @staticmethod
    def forward(x):
        return np.linalg.inv(x)

    @staticmethod
    def backward(g, out):
        return -MatMul.apply(transposed(out), MatMul.apply(g, transposed(out)))


def _zero_pivot(x: np.ndarray) -> int:
    """The first zero on the diagonal of U, counted from 1, as LAPACK tells it; 0 for none."""
    from airi.ops.linalg_factor import lu_in_place

    packed = x[None].copy()
    lu_in_place(packed)
    zeros = np.flatnonzero(np.diagonal(packed[0]) == 0)
    return int(zeros[0]) + 1 if zeros.size else x.shape[-1]


def singular_error(function: str, x: np.ndarray, what: str) -> LinAlgError:
    """The error for what NumPy found to be singular."""
    which, matrix = first_failing(np.linalg.inv, x)
    return LinAlgError(
        f"{function}: {which}The diagonal element {_zero_pivot(matrix)} is zero, the {what} could "
        "not be completed because the input matrix is singular."
    )


@takes_out
def inv(A: Tensor) -> Tensor:
    """The inverse of a square matrix, or of each in a batch (..., n, n).

    Raises LinAlgError where one is singular, RuntimeError for integers and other shapes.
    Example: ``airi.linalg.inv(A) @ A`` is the identity. Source: ``torch.linalg.inv``.
    """
    check_square("linalg.inv", A)
    try:
        return Inverse.apply(A)
    except np.linalg.LinAlgError:
        raise singular_error("linalg.inv", A._array, "inversion") from None


@takes_out
def inv_ex(A: Tensor, *, check_errors: bool = False) -> InverseInfo:
    """(inverse, info): `inv` that counts instead of raising: info (int32) is 0 where all is well.

    The inverse of a singular matrix is NaN; `check_errors` raises as `inv` does.
    Source: ``torch.linalg.inv_ex``.
    """
    check_square("linalg.inv_ex", A)
    info = _singular_info(A._array)
    if not info.any():
        return InverseInfo(Inverse.apply(A), wrap(info))
    if check_errors:
        raise singular_error("linalg.inv_ex", A._array, "inversion")
    return InverseInfo(wrap(_each_or_nan(np.linalg.inv, A._array)), wrap(info))


def _singular_info(x: np.ndarray) -> np.ndarray:
    """0 for matrices that can be inverted, else the position of the zero pivot; int32."""
    info = np.zeros(x.shape[:-2], np.int32)
    try:
        np.linalg.inv(x)
    except np.linalg.LinAlgError:
        for number, matrix in enumerate(x.reshape(-1, *x.shape[-2:])):
            try:
                np.linalg.inv(matrix)
            except np.linalg.LinAlgError:
                info.reshape(-1)[number] = _zero_pivot(matrix)
    return info


def _each_or_nan(function: Any, x: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """The results for a batch, NaN where the matrix is singular."""
    batch = [each.reshape(-1, *each.shape[-2:]) for each in (x, *others)]
    results = []
    for matrices in zip(*batch, strict=True):
        try:
            results.append(function(*matrices))
        except np.linalg.LinAlgError:
            results.append(np.full(matrices[-1].shape, np.nan, x.dtype))
    shape = x.shape[:-2] + batch[-1].shape[-2:]
    return np.array(results, x.dtype).reshape(shape)


class Solve(Rule):
    """out = x with A @ x = B;  dB = A.mT**-1 @ g, dA = -dB @ out.mT"""

    holomorphic = True
    broadcasts = True

    @staticmethod
    def forward(A, B):
        return np.linalg.solve(A, B)

    @staticmethod
    def backward(g, A, out, needs):
        dB = Solve.apply(transposed(A), g)
        dA = -MatMul.apply(dB, transposed(out)) if needs[0] else None
        return dA, dB if needs[1] else None


def _is_vectors(A: Any, B: Any) -> bool:
    """Whether B is a vector, or for each matrix one, as PyTorch decides it."""
    return B.ndim == 1 or (A.ndim - 1 == B.ndim and shape_of(B) == shape_of(A)[:-1])


def _system(function: str, A: Any, B: Any, left: bool) -> tuple[Any, Any, bool]:
    """The matrices of A @ X = B with B checked and vectors made columns, X @ A = B turned round."""
    check_square(function, A)
    check_same_float(function, A, B)
    vectors = _is_vectors(A, B)
    if vectors:
        if not left:
            raise RuntimeError(f"{function}: for a vector B only left=True is possible")
        B = reshape(B, (*shape_of(B), 1))
    check_matrix(function, B, "B")
    if not left:
        A, B = A.mT, B.mT
    _check_fit(function, A, B)
    return A, B, vectors


def _check_fit(function: str, A: Any, B: Any) -> None:
    fits = A.shape[-1] == B.shape[-2]
    try:
        np.broadcast_shapes(shape_of(A)[:-2], shape_of(B)[:-2])
    except ValueError:
        fits = False
    if not fits:
        raise RuntimeError(
            f"{function}: incompatible shapes of A {shape_of(A)} and B {shape_of(B)} for A X = B"
        )


@takes_out
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X with A @ X = B, or X @ A = B for ``left=False``.

    A is (..., n, n); B (..., n, k) or (n,) or, one vector for each matrix, (..., n); batches are
    broadcast. Raises LinAlgError for a singular matrix.
    Example: ``airi.linalg.solve(A, b)``. Source: ``torch.linalg.solve``.
    """
    matrix, right, vectors = _system("linalg.solve", A, B, left)
    try:
        X = Solve.apply(matrix, right)
    except np.linalg.LinAlgError:
        raise singular_error("linalg.solve", matrix._array, "solve") from None
    return _as_given(X, vectors, left)


def _as_given(X: Any, vectors: bool, left: bool) -> Any:
    X = X if left else X.mT
    return reshape(X, shape_of(X)[:-1]) if vectors else X


@takes_out
def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> ResultInfo:
    """(result, info): `solve` that counts instead of raising, as `inv_ex` does.

    Source: ``torch.linalg.solve_ex``.
    """
    matrix, right, vectors = _system("linalg.solve_ex", A, B, left)
    info = _singular_info(matrix._array)
    if not info.any():
        return ResultInfo(_as_given(Solve.apply(matrix, right), vectors, left), wrap(info))
    if check_errors:
        raise singular_error("linalg.solve_ex", matrix._array, "solve")
    both = np.broadcast_shapes(shape_of(matrix)[:-2], shape_of(right)[:-2])
    full = [np.broadcast_to(x._array, (*both, *x.shape[-2:])) for x in (matrix, right)]
    X = wrap(_each_or_nan(np.linalg.solve, *full))
    return ResultInfo(_as_given(X, vectors, left), wrap(info))


_SUBSTITUTED = 32  # rows up to which a triangular system is solved row by row


def substitute(A: np.ndarray, B: np.ndarray, upper: bool, unit: bool) -> np.ndarray:
    """X with A @ X = B for triangular A: halves are solved one after the other, so that nearly all
    arithmetic is matrix products. A zero on the diagonal gives inf or NaN."""
    shape = np.broadcast_shapes(A.shape[:-2], B.shape[:-2]) + B.shape[-2:]
    X = np.array(np.broadcast_to(B, shape))
    _substitute_into(A, X, upper, unit)
    return X


def _substitute_into(A: np.ndarray, X: np.ndarray, upper: bool, unit: bool) -> None:
    n = A.shape[-1]
    if n <= _SUBSTITUTED:
        for i in reversed(range(n)) if upper else range(n):
            known = slice(i + 1, n) if upper else slice(0, i)
            X[..., i, :] -= (A[..., i, None, known] @ X[..., known, :])[..., 0, :]
            if not unit:
                X[..., i, :] /= A[..., i, i, None]
        return
    half = n // 2
    first, last = slice(0, half), slice(half, n)
    if upper:
        first, last = last, first
    _substitute_into(A[..., first, first], X[..., first, :], upper, unit)
    X[..., last, :] -= A[..., last, first] @ X[..., first, :]
    _substitute_into(A[..., last, last], X[..., last, :], upper, unit)


class SolveTriangular(Rule):
    """out = x with A @ x = B, A triangular;  dB = A.mT**-1 @ g, dA = -(dB @ out.mT) in the triangle

    With `unit` the diagonal counts as 1, whatever it holds.
    """

    holomorphic = True
    broadcasts = True

    @staticmethod
    def forward(A, B, *, upper, unit):
        return substitute(A, B, upper, unit)

    @staticmethod
    def backward(g, A, out, upper, unit, needs):
        dB = SolveTriangular.apply(transposed(A), g, upper=not upper, unit=unit)
        dA = None
        if needs[0]:
            triangle, beside = (Triu, 1) if upper else (Tril, -1)
            product = MatMul.apply(dB, transposed(out))
            dA = -triangle.apply(product, diagonal=beside if unit else 0)
        return dA, dB if needs[1] else None


@takes_out
def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """X with A @ X = B, or X @ A = B for ``left=False``, of which one triangle of A is read.

    A is (..., n, n), B (..., n, k) ((..., k, n) for ``left=False``); batches are broadcast.
    `unitriangular` takes the diagonal as 1. A zero on it gives inf or NaN, no error.
    Example: ``airi.linalg.solve_triangular(L, B, upper=False)``.
    Source: ``torch.linalg.solve_triangular``.
    """
    function = "linalg.solve_triangular"
    check_square(function, A)
    check_matrix(function, B, "B")
    check_same_float(function, A, B)
    if not left:
        A, B, upper = A.mT, B.mT, not upper
    _check_fit(function, A, B)
    X = SolveTriangular.apply(A, B, upper=upper, unit=unitriangular)
    return X if left else X.mT


@takes_out
def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse for `tensordot`: A's first `ind` dimensions are the rows of a square matrix.

    The result has shape ``A.shape[ind:] + A.shape[:ind]``. Raises RuntimeError where the two
    products of sizes differ or `ind` is not positive. Source: ``torch.linalg.tensorinv``.
    """
    if ind <= 0:
        raise RuntimeError(f"linalg.tensorinv: ind must be positive, got {ind}")
    shape = shape_of(A)
    rows, columns = math.prod(shape[:ind]), math.prod(shape[ind:])
    if rows != columns:
        raise RuntimeError(
            f"linalg.tensorinv: expected shape {shape} to have the same number of elements before "
            f"and after dimension {ind}, got {rows} and {columns}"
        )
    return reshape(inv(reshape(A, (rows, columns))), shape[ind:] + shape[:ind])


@takes_out
def tensorsolve(A: Tensor, B: Tensor, dims: Sequence[int] | None = None) -> Tensor:
    """X with ``tensordot(A, X, X.ndim) == B``; `dims` of A are first moved to its end.

    The sizes of A after B's dimensions are X's shape, and multiply to the number of elements of B.
    Source: ``torch.linalg.tensorsolve``.
    """
    if dims is not None:
        A = movedim(A, tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    result = shape_of(A)[B.ndim :]
    count = math.prod(shape_of(B))
    if math.prod(result) != count or math.prod(shape_of(A)[: B.ndim]) != count:
        raise RuntimeError(
            f"linalg.tensorsolve: A of shape {shape_of(A)} must be square as seen from B of shape "
            f"{shape_of(B)}"
        )
    return reshape(solve(reshape(A, (count, count)), reshape(B, (count,))), result)


def inverse_of_triangular(A: Any, upper: bool) -> Any:
    """A**-1 of triangular matrices, by arrays or Tensors."""
    return SolveTriangular.apply(A, Identity.apply(A), upper=upper, unit=False)
