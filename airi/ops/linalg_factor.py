"""Matrices as products of triangular and orthogonal ones: Cholesky, QR, LU, Householder."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from airi.autograd.graph import Rule, wrap
from airi.ops.diagonals import Diagonal, Tril, Triu, Undiagonal, tril
from airi.ops.joining import Cat
from airi.ops.linalg_checks import (
    Identity,
    LinAlgError,
    check_matrix,
    check_same_float,
    check_square,
    first_failing,
    mH,
    transposed,
)
from airi.ops.linalg_solve import SolveTriangular, _check_fit, substitute
from airi.ops.matmul import MatMul
from airi.ops.names import takes_out
from airi.ops.views import Slice, narrow, reshape, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "cholesky",
    "cholesky_ex",
    "householder_product",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "qr",
]


def _diagonal_part(x: Any) -> Any:
    """The diagonal alone, 0 elsewhere."""
    ends = {"offset": 0, "dim1": x.ndim - 2, "dim2": x.ndim - 1}
    return Undiagonal.apply(Diagonal.apply(x, **ends), shape=tuple(x.shape), **ends)


def _mirrored(x: Any) -> Any:
    """A triangle made symmetric (Hermitian): x + x.mH with the diagonal halved."""
    both = x + mH(x)
    return both - 0.5 * _diagonal_part(both)


def _solved_right(B: Any, A: Any, upper: bool) -> Any:
    """B @ A**-1 for a triangular A."""
    return transposed(
        SolveTriangular.apply(transposed(A), transposed(B), upper=not upper, unit=False)
    )


class Cholesky(Rule):
    """out = L, lower triangular, with x = L @ L.mH;

    dx = L.mH**-1 @ S @ L**-1 / 2, S the lower triangle of L.mH @ g made symmetric
    """

    symmetric = True
    complex = True

    @staticmethod
    def forward(x):
        return np.linalg.cholesky(x)

    @staticmethod
    def backward(g, out):
        S = _mirrored(Tril.apply(MatMul.apply(mH(out), g), diagonal=0))
        S = SolveTriangular.apply(mH(out), S, upper=True, unit=False)
        return 0.5 * _solved_right(S, out, upper=False)


class CholeskyInfo(NamedTuple):
    """What `cholesky_ex` returns: ``info`` is 0 for positive definite matrices."""

    L: Any
    info: Any


def _bad_minor(x: np.ndarray) -> int:
    """The order of the first leading minor that is not positive definite, by bisection."""
    good, bad = 0, x.shape[-1]
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            np.linalg.cholesky(x[:middle, :middle])
            good = middle
        except np.linalg.LinAlgError:
            bad = middle
    return bad


def _indefinite_error(function: str, x: np.ndarray) -> LinAlgError:
    which, matrix = first_failing(np.linalg.cholesky, x)
    return LinAlgError(
        f"{function}: {which}The factorization could not be completed because the input is not "
        f"positive-definite (the leading minor of order {_bad_minor(matrix)} is not "
        "positive-definite)."
    )


@takes_out
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """L, lower triangular, with A = L @ L.mH, for positive definite A (..., n, n).

    ``upper=True`` gives L.mH instead. Of A the lower triangle is read (the upper one for
    ``upper=True``); the gradient is symmetric. Raises LinAlgError where A is not positive definite.
    Example: ``airi.linalg.cholesky(airi.eye(3))``. Source: ``torch.linalg.cholesky``.
    """
    return cholesky_named("linalg.cholesky", A, upper)


def cholesky_named(function: str, A: Any, upper: bool) -> Any:
    check_square(function, A)
    try:
        L = Cholesky.apply(mH(A) if upper else A)
    except np.linalg.LinAlgError:
        raise _indefinite_error(function, A.mT._array if upper else A._array) from None
    return mH(L) if upper else L


@takes_out
def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> CholeskyInfo:
    """(L, info): `cholesky` that counts instead of raising.

    info (int32) is 0, or the order of the leading minor that is not positive definite; L of such
    a matrix is NaN. `check_errors` raises as `cholesky` does. Source: ``torch.linalg.cholesky_ex``.
    """
    check_square("linalg.cholesky_ex", A)
    array = A.mT._array if upper else A._array
    info = np.zeros(array.shape[:-2], np.int32)
    try:
        return CholeskyInfo(cholesky_named("linalg.cholesky_ex", A, upper), wrap(info))
    except LinAlgError:
        if check_errors:
            raise
    L = np.full(array.shape, np.nan, array.dtype)
    for number, matrix in enumerate(array.reshape(-1, *array.shape[-2:])):
        try:
            L.reshape(-1, *array.shape[-2:])[number] = np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            info.reshape(-1)[number] = _bad_minor(matrix)
    return CholeskyInfo(wrap(mH(L) if upper else L), wrap(info))


class QRResult(NamedTuple):
    """The factors of `qr`."""

    Q: Any
    R: Any


class QR(Rule):
    """out = Q, R with x = Q @ R, Q.mH @ Q = 1, R upper triangular

    With M the lower triangle of R @ gR.mH - gQ.mH @ Q made symmetric, dx = (gQ + Q @ M) @ R.mH**-1
    for matrices that are not wide. Of a wide one, [x1 x2] = Q @ [R1 R2], dx2 = Q @ gR2, and dx1 is
    as above with gQ + x2 @ gR2.mH for gQ.
    """

    complex = True
    outputs = ("Q", "R")

    @staticmethod
    def forward(x, *, mode):
        Q, R = np.linalg.qr(x, mode)
        return Q, R

    @staticmethod
    def backward(g, Q, R, x_shape, mode):
        gQ, gR = g
        m, n = x_shape[-2:]
        if mode == "complete" and m > n:
            raise RuntimeError(
                "qr: the gradient in mode 'complete' is not defined for matrices with more rows "
                f"than columns, here {x_shape}"
            )
        if m >= n:
            return _qr_gradient(gQ, gR, Q, R)
        R1, R2 = _columns(R, 0, m), _columns(R, m, n)
        gR1, gR2 = _columns(gR, 0, m), _columns(gR, m, n)
        gQ = gQ + MatMul.apply(MatMul.apply(Q, R2), mH(gR2))
        first = _qr_gradient(gQ, gR1, Q, R1)
        return Cat.apply(first, MatMul.apply(Q, gR2), dim=len(x_shape) - 1)


def _columns(x: Any, start: int, end: int) -> Any:
    return Slice.apply(x, index=(..., slice(start, end)))


def _rows(x: Any, start: int, end: int) -> Any:
    return Slice.apply(x, index=(..., slice(start, end), slice(None)))


def _qr_gradient(gQ: Any, gR: Any, Q: Any, R: Any) -> Any:
    M = MatMul.apply(R, mH(gR)) - MatMul.apply(mH(gQ), Q)
    M = _mirrored(Tril.apply(M, diagonal=0))
    return _solved_right(gQ + MatMul.apply(Q, M), mH(R), upper=False)


@takes_out
def qr(A: Tensor, mode: str = "reduced") -> QRResult:
    """(Q, R) with A = Q @ R: Q has orthonormal columns, R is upper triangular; k = min(m, n).

    `mode` "reduced": Q (..., m, k), R (..., k, n); "complete": Q (..., m, m), R (..., m, n); "r":
    R alone, Q being empty, without a gradient. The gradient needs full rank in the first k columns.
    Example: ``Q, R = airi.linalg.qr(A)``. Source: ``torch.linalg.qr``.
    """
    check_matrix("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"linalg.qr: mode must be 'reduced', 'complete' or 'r', got {mode!r}")
    if mode != "r":
        return QRResult(*QR.apply(A, mode=mode))
    if A.requires_grad:
        raise RuntimeError("linalg.qr: mode 'r' has no gradient; use mode 'reduced'")
    return QRResult(wrap(np.empty(0, A._array.dtype)), wrap(np.linalg.qr(A._array, "r")))


# -- LU -------------------------------------------------------------------------------------------


_PANEL = 32  # columns that are eliminated one by one before the rest is updated by a product


def lu_in_place(A: np.ndarray, pivot: bool = True) -> np.ndarray:
    """A (batch, m, n) replaced by L below the diagonal and U on and above it; the row swaps.

    Gaussian elimination with partial pivoting, right-looking in panels of columns (Golub and Van
    Loan, "Matrix Computations", algorithm 3.4.1 and section 3.6), all matrices at once.
    """
    batch, m, n = A.shape
    count = min(m, n)
    each = np.arange(batch)
    pivots = np.tile(np.arange(1, count + 1, dtype=np.int32), (batch, 1))
    for start in range(0, count, _PANEL):
        end = min(start + _PANEL, count)
        for k in range(start, end):
            if pivot:
                chosen = k + _magnitude(A[:, k:, k]).argmax(1)
                pivots[:, k] = chosen + 1
                row = A[each, chosen]
                A[each, chosen] = A[:, k]
                A[:, k] = row
            diagonal = A[:, k, k, None]
            A[:, k + 1 :, k] /= np.where(diagonal == 0, 1, diagonal)
            A[:, k + 1 :, k + 1 : end] -= A[:, k + 1 :, k, None] * A[:, k, None, k + 1 : end]
        if end < n:
            rows = slice(start, end)
            A[:, rows, end:] = substitute(A[:, rows, rows], A[:, rows, end:], False, True)
            A[:, end:, end:] -= A[:, end:, rows] @ A[:, rows, end:]
    return pivots


def _magnitude(x: np.ndarray) -> np.ndarray:
    """What LAPACK compares to choose a pivot: of complex numbers |re| + |im|."""
    return np.abs(x.real) + np.abs(x.imag) if x.dtype.kind == "c" else np.abs(x)


class LUFactor(Rule):
    """out = L (below the diagonal) and U in one matrix, and pivots;  x = P @ L @ U

    With gL and gU the two triangles of g, of a square matrix
    dx = P @ L.mH**-1 @ (tril(L.mH @ gL, -1) + triu(gU @ U.mH)) @ U.mH**-1.
    """

    complex = True
    outputs = ("LU", "pivots")

    @staticmethod
    def forward(x, *, pivot):
        LU = np.array(x, order="C")
        batch, count = x.shape[:-2], min(x.shape[-2:])
        if not x.size:
            return LU, np.empty((*batch, count), np.int32)
        return LU, lu_in_place(LU.reshape(-1, *x.shape[-2:]), pivot).reshape(*batch, count)

    @staticmethod
    def backward(g, LU, pivots, x_shape):
        m, n = x_shape[-2:]
        k = min(m, n)
        g = g[0]
        L, U = unpacked(LU)
        gL, gU = Tril.apply(_columns(g, 0, k), diagonal=-1), Triu.apply(_rows(g, 0, k), diagonal=0)
        below = beside = None
        if m > n:  # A2 = L2 @ U
            L2 = _rows(L, k, m)
            below = _solved_right(_rows(gL, k, m), mH(U), upper=False)
            gU = gU - MatMul.apply(mH(L2), below)
            L, gL = _rows(L, 0, k), _rows(gL, 0, k)
        if m < n:  # A2 = L @ U2
            U2 = _columns(U, k, n)
            lower = mH(L)
            beside = SolveTriangular.apply(lower, _columns(gU, k, n), upper=True, unit=True)
            gL = gL - MatMul.apply(beside, mH(U2))
            U, gU = _columns(U, 0, k), _columns(gU, 0, k)
        inner = Tril.apply(MatMul.apply(mH(L), gL), diagonal=-1)
        inner = inner + Triu.apply(MatMul.apply(gU, mH(U)), diagonal=0)
        inner = SolveTriangular.apply(mH(L), inner, upper=True, unit=True)
        dx = _solved_right(inner, mH(U), upper=False)
        if below is not None:
            dx = Cat.apply(dx, below, dim=len(x_shape) - 2)
        if beside is not None:
            dx = Cat.apply(dx, beside, dim=len(x_shape) - 1)
        return MatMul.apply(_Permutation.apply(pivots, dx), dx)


class _Permutation(Rule):
    """out = P of the row swaps, in the dtype of like: a constant"""

    complex = True

    @staticmethod
    def forward(pivots, like):
        m = like.shape[-2]
        rows = np.empty((*pivots.shape[:-1], m), np.int64)
        rows[...] = np.arange(m)
        swaps_of_each = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
        for order, swaps in zip(rows.reshape(-1, max(m, 1)), swaps_of_each, strict=False):
            for k, chosen in enumerate(swaps.tolist()):
                order[k], order[chosen - 1] = order[chosen - 1], order[k]
        out = np.zeros((*rows.shape, m), like.dtype)
        np.put_along_axis(out, rows[..., None, :], 1, -2)
        return out


def unpacked(LU: Any) -> tuple[Any, Any]:
    """L with its diagonal of ones and U from the matrix that holds both."""
    m, n = LU.shape[-2:]
    k = min(m, n)
    lower = _columns(LU, 0, k)
    L = Tril.apply(lower, diagonal=-1) + Identity.apply(lower)
    return L, Triu.apply(_rows(LU, 0, k), diagonal=0)


class LUResult(NamedTuple):
    """The factors of `lu`."""

    P: Any
    L: Any
    U: Any


class LUPivots(NamedTuple):
    """What `lu_factor` returns: both triangles in one matrix, and the row swaps from 1."""

    LU: Any
    pivots: Any


class LUPivotsInfo(NamedTuple):
    """What `lu_factor_ex` returns: ``info`` is 0, or the first zero on U's diagonal from 1."""

    LU: Any
    pivots: Any
    info: Any


@takes_out
def lu(A: Tensor, *, pivot: bool = True) -> LUResult:
    """(P, L, U) with A = P @ L @ U: a permutation, unit lower and upper triangular; k = min(m, n).

    Shapes (..., m, m), (..., m, k), (..., k, n). Without `pivot` P is empty, and zeros on the way
    make the result wrong. Example: ``P, L, U = airi.linalg.lu(A)``. Source: ``torch.linalg.lu``.
    """
    check_matrix("linalg.lu", A)
    LU, pivots = LUFactor.apply(A, pivot=pivot)
    P = _Permutation.apply(pivots, A) if pivot else wrap(np.empty(0, A._array.dtype))
    return LUResult(P, *unpacked(LU))


@takes_out
def lu_factor(A: Tensor, *, pivot: bool = True) -> LUPivots:
    """(LU, pivots): the factors of `lu` in one matrix and the swaps as `lu_solve` takes them.

    ``pivots`` (int32, from 1) says with which row each was exchanged in turn. Raises LinAlgError
    where U has a zero on its diagonal. Source: ``torch.linalg.lu_factor``.
    """
    return LUPivots(*_lu_factor("linalg.lu_factor", A, pivot, check_errors=True)[:2])


@takes_out
def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> LUPivotsInfo:
    """(LU, pivots, info): `lu_factor` that counts instead of raising.

    info (int32) is the place of the first zero on U's diagonal, counted from 1, or 0.
    Source: ``torch.linalg.lu_factor_ex``.
    """
    return _lu_factor("linalg.lu_factor_ex", A, pivot, check_errors)


def _lu_factor(function: str, A: Any, pivot: bool, check_errors: bool) -> LUPivotsInfo:
    check_matrix(function, A)
    LU, pivots = LUFactor.apply(A, pivot=pivot)
    zero = np.diagonal(LU._array, 0, -2, -1) == 0
    first = zero.argmax(-1) + 1 if zero.shape[-1] else np.zeros(zero.shape[:-1])
    info = np.asarray(np.where(zero.any(-1), first, 0), np.int32)
    if check_errors and info.any():
        which = f"(Batch element {int(info.reshape(-1).argmax())}): " if A.ndim > 2 else ""
        raise LinAlgError(
            f"{function}: {which}U[{info.max()},{info.max()}] is zero and using it on lu_solve "
            "would result in a division by zero"
        )
    return LUPivotsInfo(LU, pivots, wrap(info))


def permutation(pivots: Any, LU: Any) -> Any:
    """The matrix P of row swaps, in the dtype of LU."""
    return _Permutation.apply(pivots, LU)


@takes_out
def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """X with A @ X = B (X @ A = B for ``left=False``) from ``LU, pivots = lu_factor(A)``.

    `adjoint` solves with the (conjugate) transpose of A. B is (..., n, k); batches are broadcast.
    Source: ``torch.linalg.lu_solve``.
    """
    function = "linalg.lu_solve"
    check_square(function, LU, "LU")
    check_matrix(function, B, "B")
    check_same_float(function, LU, B)
    if pivots._array.dtype != np.int32:
        raise RuntimeError(f"{function}: pivots must be int32, got {pivots.dtype}")
    if shape_of(pivots) != shape_of(LU)[:-1]:
        raise RuntimeError(
            f"{function}: pivots must have shape {shape_of(LU)[:-1]}, got {shape_of(pivots)}"
        )
    if not left:  # X @ A = B is A.mH @ X.mH = B.mH
        return mH(lu_solve(LU, pivots, mH(B), adjoint=not adjoint))
    _check_fit(function, LU, B)
    P, (L, U) = _Permutation.apply(pivots, LU), unpacked(LU)
    if not adjoint:
        B = MatMul.apply(P.mT, B)
        B = SolveTriangular.apply(L, B, upper=False, unit=True)
        return SolveTriangular.apply(U, B, upper=True, unit=False)
    B = SolveTriangular.apply(mH(U), B, upper=False, unit=False)
    B = SolveTriangular.apply(mH(L), B, upper=True, unit=True)
    return MatMul.apply(P, B)


# -- Householder reflections ----------------------------------------------------------------------


def reflectors(input: Any, tau: Any) -> list[tuple[Any, Any]]:
    """The vectors v (..., m, 1) and factors (..., 1, 1) of the reflections 1 - tau v v.mH."""
    lower = tril(input, -1)
    vectors = lower + Identity.apply(lower)
    result = []
    for k in range(tau.shape[-1]):
        v = narrow(vectors, -1, k, 1)
        factor = reshape(narrow(tau, -1, k, 1), (*shape_of(tau)[:-1], 1, 1))
        result.append((v, factor))
    return result


def check_reflectors(function: str, input: Any, tau: Any) -> None:
    check_matrix(function, input, "input")
    check_same_float(function, input, tau)
    count = min(input.shape[-2:])
    if not tau.ndim or tau.shape[-1] > count or shape_of(tau)[:-1] != shape_of(input)[:-2]:
        raise RuntimeError(
            f"{function}: tau of shape {shape_of(tau)} does not fit input of shape "
            f"{shape_of(input)}: one number at most for each column"
        )


@takes_out
def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    """The first n columns of H1 @ H2 @ ..., with Hk = 1 - tau[k] * v v.mH for column k of input.

    v has zeros above, 1 at and input[k+1:, k] below row k. input is (..., m, n), m >= n, as `geqrf`
    gives it, tau (..., k), k <= n. Source: ``torch.linalg.householder_product``.
    """
    check_reflectors("linalg.householder_product", input, tau)
    if input.shape[-2] < input.shape[-1]:
        raise RuntimeError(
            "linalg.householder_product: input must have at least as many rows as columns, got "
            f"shape {shape_of(input)}"
        )
    Q = Identity.apply(input)
    for v, factor in reversed(reflectors(input, tau)):
        Q = Q - factor * MatMul.apply(v, MatMul.apply(mH(v), Q))
    return Q
