"""Eigenvalues and singular values, and what is made of them: pinv, rank, least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from airi import dtypes
from airi.autograd.graph import Rule, wrap
from airi.ops import elementwise
from airi.ops.diagonals import Diagonal, Undiagonal
from airi.ops.linalg_checks import (
    Identity,
    LinAlgError,
    check_matrix,
    check_same_float,
    check_square,
    mH,
    transposed,
)
from airi.ops.linalg_solve import Solve
from airi.ops.matmul import MatMul
from airi.ops.names import takes_out
from airi.ops.reduction import sum as sum_of
from airi.ops.views import Slice, array_of, reshape, shape_of, unsqueeze

if TYPE_CHECKING:
    from airi.tensor import Tensor

    Tolerance: TypeAlias = Tensor | float | None

__all__ = [
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "lstsq",
    "matrix_rank",
    "pinv",
    "svd",
    "svdvals",
]


class Eigenvalues(NamedTuple):
    """What `eigh` returns."""

    eigenvalues: Any
    eigenvectors: Any


class SVDResult(NamedTuple):
    """What `svd` returns."""

    U: Any
    S: Any
    Vh: Any


class _Differences(Rule):
    """out[i, j] = x[j] - x[i], 1 on the diagonal;  dx as of a difference"""

    holomorphic = True

    @staticmethod
    def forward(x):
        out = x[..., None, :] - x[..., :, None]
        np.einsum("...ii->...i", out)[...] = 1
        return out

    @staticmethod
    def backward(g):
        off_diagonal = g * (1 - Identity.apply(g))
        return sum_of(off_diagonal, -2) - sum_of(off_diagonal, -1)


def _as_diagonal(x: Any) -> Any:
    """Diagonal matrices of the vectors (..., n)."""
    shape = (*tuple(x.shape), x.shape[-1])
    return Undiagonal.apply(x, offset=0, dim1=len(shape) - 2, dim2=len(shape) - 1, shape=shape)


def _diagonal(x: Any) -> Any:
    return Diagonal.apply(x, offset=0, dim1=x.ndim - 2, dim2=x.ndim - 1)


def diagonal_part(x: Any) -> Any:
    """The diagonal alone, 0 elsewhere."""
    return _as_diagonal(_diagonal(x))


def _row(x: Any) -> Any:
    return reshape(x, (*tuple(x.shape)[:-1], 1, x.shape[-1]))


def _skew(x: Any) -> Any:
    return x - mH(x)


class Eigh(Rule):
    """out = eigenvalues w, ascending, and eigenvectors V of a symmetric x = V @ diag(w) @ V.mH

    dx = V @ (diag(gw) + skew(V.mH @ gV) / 2 / (w[j] - w[i])) @ V.mH, not defined where w repeats;
    the imaginary diagonal of the quotient, which only the phase of the vectors changes, left out
    """

    outputs = ("w", "V")
    symmetric = True
    complex = True

    @staticmethod
    def forward(x, *, uplo):
        w, V = np.linalg.eigh(x, uplo)
        return w, V

    @staticmethod
    def backward(g, w, V):
        gw, gV = g
        turned = 0.5 * _skew(MatMul.apply(mH(V), gV)) / _Differences.apply(w)
        inner = turned - diagonal_part(turned) + _as_diagonal(gw)
        return MatMul.apply(V, MatMul.apply(inner, mH(V)))


class Eigvalsh(Rule):
    """out = eigenvalues of a symmetric x, ascending;  dx = V @ diag(g) @ V.mH"""

    symmetric = True
    complex = True

    @staticmethod
    def forward(x, *, uplo):
        return np.linalg.eigvalsh(x, uplo)

    @staticmethod
    def backward(g, x, uplo):
        _, V = Eigh.apply(x, uplo=uplo)
        return MatMul.apply(V * _row(g), mH(V))


class Eig(Rule):
    """out = complex eigenvalues w and eigenvectors V of a square x = V @ diag(w) @ V**-1

    With G = V.mH @ gV, D the real diagonal of G and E[i, j] = w[j] - w[i] (M. Giles, "An extended
    collection of matrix derivative results", 2008, for vectors of length 1):
    dx = V.mH**-1 @ ((G - V.mH @ V @ D) / conj(E), its diagonal replaced by gw) @ V.mH
    """

    outputs = ("w", "V")
    complex = True

    @staticmethod
    def forward(x):
        w, V = np.linalg.eig(x)
        kind = np.result_type(x, np.complex64)
        return w.astype(kind, copy=False), V.astype(kind, copy=False)

    @staticmethod
    def backward(g, w, V):
        gw, gV = g
        G = MatMul.apply(mH(V), gV)
        lengths = MatMul.apply(mH(V), V) * _row(_diagonal(G).real)
        inner = (G - lengths) / _Differences.apply(w).conj()
        inner = inner - diagonal_part(inner) + _as_diagonal(gw)
        return Solve.apply(mH(V), MatMul.apply(inner, mH(V)))


class Eigvals(Rule):
    """out = complex eigenvalues of a square x;  dx = V.mH**-1 @ diag(g) @ V.mH"""

    complex = True

    @staticmethod
    def forward(x):
        w = np.linalg.eigvals(x)
        return w.astype(np.result_type(x, np.complex64), copy=False)

    @staticmethod
    def backward(g, x):
        _, V = Eig.apply(x)
        return Solve.apply(mH(V), transposed(_row(g)) * mH(V))


@takes_out
def eig(A: Tensor) -> Eigenvalues:
    """(eigenvalues, eigenvectors) of square A, both complex: A @ V = V @ diag(w).

    The vectors, columns of V (..., n, n), have length 1 and an arbitrary phase, which a function
    whose gradient is taken must not depend on. Not defined for matrices without n independent ones.
    Source: ``torch.linalg.eig``.
    """
    check_square("linalg.eig", A)
    try:
        return Eigenvalues(*Eig.apply(A))
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.eig: {error}") from None


@takes_out
def eigvals(A: Tensor) -> Tensor:
    """The eigenvalues of square A, complex, (..., n), in no order.

    Raises LinAlgError where they are not found. Source: ``torch.linalg.eigvals``.
    """
    check_square("linalg.eigvals", A)
    try:
        return Eigvals.apply(A)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.eigvals: {error}") from None


def _symmetric(function: str, A: Any, UPLO: str) -> str:
    check_square(function, A)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"{function}: UPLO must be 'L' or 'U', got {UPLO!r}")
    return UPLO.upper()


@takes_out
def eigh(A: Tensor, UPLO: str = "L") -> Eigenvalues:
    """(eigenvalues, eigenvectors) of symmetric (Hermitian) A = V @ diag(w) @ V.mH.

    w is ascending. Of A (..., n, n) only the lower triangle is read ("U": the upper one). The
    gradient is symmetric, and not defined for the vectors of eigenvalues that are equal; vectors
    have an arbitrary sign (phase).
    Example: ``w, V = airi.linalg.eigh(A)``. Source: ``torch.linalg.eigh``.
    """
    uplo = _symmetric("linalg.eigh", A, UPLO)
    try:
        return Eigenvalues(*Eigh.apply(A, uplo=uplo))
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.eigh: {error}") from None


@takes_out
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric A, ascending, (..., n); see `eigh`.

    Source: ``torch.linalg.eigvalsh``.
    """
    uplo = _symmetric("linalg.eigvalsh", A, UPLO)
    try:
        return Eigvalsh.apply(A, uplo=uplo)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.eigvalsh: {error}") from None


class SVD(Rule):
    """out = U, S, Vh with x = U @ diag(S) @ Vh, S descending

    With E[i, j] = S[j]**2 - S[i]**2 (1 on the diagonal), A = skew(U.mH @ gU) / E and
    B = skew(V.mH @ gV) / E:
    dx = U @ (A * S[j] + S[i] * B + diag(gS)) @ Vh
         + (1 - U @ U.mH) @ gU / S @ Vh + U / S @ gVh @ (1 - V @ V.mH),
    and for complex x the diagonal of A / (2 S), without A * S[j] and S[i] * B there.
    Of full matrices the columns beyond min(m, n) pass no gradient.
    """

    outputs = ("U", "S", "Vh")
    complex = True

    @staticmethod
    def forward(x, *, full):
        U, S, Vh = np.linalg.svd(x, full_matrices=full)
        return U, S, Vh

    @staticmethod
    def backward(g, U, S, Vh, x_shape):
        gU, gS, gVh = g
        m, n = x_shape[-2:]
        k = min(m, n)
        if U.shape[-1] > k:
            U, gU = [Slice.apply(each, index=(..., slice(0, k))) for each in (U, gU)]
        if Vh.shape[-2] > k:
            rows = (..., slice(0, k), slice(None))
            Vh, gVh = [Slice.apply(each, index=rows) for each in (Vh, gVh)]
        E = _Differences.apply(S * S)
        UtgU, VtgV = MatMul.apply(mH(U), gU), MatMul.apply(Vh, mH(gVh))
        A = _skew(UtgU) / E
        inner = A * _row(S) + _row(S).mT * _skew(VtgV) / E
        inner = inner - diagonal_part(inner) + _as_diagonal(gS)
        if np.iscomplexobj(array_of(U)):
            inner = inner + diagonal_part(A) / (2 * _row(S))
        left = MatMul.apply(U, inner)
        if m > k:  # what of gU is orthogonal to U
            left = left + (gU - MatMul.apply(U, UtgU)) / _row(S)
        dx = MatMul.apply(left, Vh)
        if n > k:
            beside = gVh - MatMul.apply(mH(VtgV), Vh)
            dx = dx + MatMul.apply(U / _row(S), beside)
        return dx


class Svdvals(Rule):
    """out = the singular values of x, descending;  dx = U @ diag(g) @ Vh"""

    complex = True

    @staticmethod
    def forward(x):
        return np.linalg.svd(x, compute_uv=False)

    @staticmethod
    def backward(g, x):
        U, _, Vh = SVD.apply(x, full=False)
        return MatMul.apply(U * _row(g), Vh)


@takes_out
def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> SVDResult:
    """(U, S, Vh) with A = U @ diag(S) @ Vh: orthonormal U and V, S descending and not negative.

    Shapes (..., m, m), (..., k), (..., n, n), k = min(m, n); with ``full_matrices=False``
    (..., m, k) and (..., k, n). The gradient is not defined for vectors of singular values that
    are equal (or zero, unless A is square); vectors have an arbitrary sign. A `driver` is for GPUs.
    Example: ``U, S, Vh = airi.linalg.svd(A, full_matrices=False)``. Source: ``torch.linalg.svd``.
    """
    _no_driver("linalg.svd", driver)
    check_matrix("linalg.svd", A)
    try:
        return SVDResult(*SVD.apply(A, full=full_matrices))
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.svd: {error}") from None


@takes_out
def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values of A, descending, (..., min(m, n)). Source: ``torch.linalg.svdvals``."""
    _no_driver("linalg.svdvals", driver)
    check_matrix("linalg.svdvals", A)
    try:
        return Svdvals.apply(A)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.svdvals: {error}") from None


def _no_driver(function: str, driver: str | None) -> None:
    if driver is not None:
        raise RuntimeError(f"{function}: a driver can be chosen on GPUs only, got {driver!r}")


# -- Rank, pseudoinverse, least squares -----------------------------------------------------------


def _magnitudes(A: np.ndarray, hermitian: bool) -> np.ndarray:
    if hermitian:
        return np.abs(np.linalg.eigvalsh(A))
    return np.linalg.svd(A, compute_uv=False)


def _threshold(
    function: str, A: np.ndarray, values: np.ndarray, atol: Any, rtol: Any, legacy: Any = None
) -> np.ndarray:
    """Below which a singular value counts as 0: max(atol, rtol * the largest), for each matrix."""
    atol, rtol, legacy = [getattr(each, "_array", each) for each in (atol, rtol, legacy)]
    for name, each in (("atol", atol), ("rtol", rtol), ("tol", legacy)):
        if np.iscomplexobj(each):
            raise RuntimeError(f"{function}: {name} must be real")
    if legacy is not None:
        return np.asarray(legacy)[..., None]
    if rtol is None:
        given = atol is not None and np.any(np.asarray(atol) > 0)
        rtol = 0.0 if given else max(A.shape[-2:]) * dtypes.finfo(dtypes.of(A.dtype)).eps
        if given and np.ndim(atol):
            default = max(A.shape[-2:]) * dtypes.finfo(dtypes.of(A.dtype)).eps
            rtol = np.where(np.asarray(atol) > 0, 0.0, default)
    largest = values.max(-1, initial=0)
    return np.asarray(np.maximum(0.0 if atol is None else atol, rtol * largest))[..., None]


@takes_out
def matrix_rank(
    A: Tensor,
    tol: Tolerance = None,
    hermitian: bool = False,
    *,
    atol: Tolerance = None,
    rtol: Tolerance = None,
) -> Tensor:
    """How many singular values of A exceed max(atol, rtol * the largest); int64, (...).

    rtol is max(m, n) * eps by default, 0 if `atol` is given; `tol` is the older name of `atol`.
    With `hermitian` A is taken as symmetric, and eigenvalues are counted. Tolerances may be
    tensors, one number for each matrix. Source: ``torch.linalg.matrix_rank``.
    """
    check_matrix("linalg.matrix_rank", A)
    if hermitian:
        check_square("linalg.matrix_rank", A)
    values = _magnitudes(A._array, hermitian)
    limit = _threshold("linalg.matrix_rank", A._array, values, atol, rtol, legacy=tol)
    return wrap(np.asarray(np.add.reduce(values > limit, -1, np.int64)))


class Pinv(Rule):
    """out = P, x's pseudoinverse, singular values up to limit being 0;  with G = g.mH:

    dx = -(P @ G @ P).mH + (1 - x @ P) @ G @ P @ P.mH + P.mH @ P @ G @ (1 - P @ x)
    """

    complex = True

    @staticmethod
    def forward(x, limit, *, hermitian):
        if hermitian:
            w, V = np.linalg.eigh(x)
            inverse = np.where(np.abs(w) > limit, 1 / w, 0).astype(w.dtype)
            return (V * inverse[..., None, :]) @ mH(V)
        U, S, Vh = np.linalg.svd(x, full_matrices=False)
        inverse = np.where(limit < S, 1 / S, 0).astype(S.dtype)
        return mH(Vh) @ (inverse[..., :, None] * mH(U))

    @staticmethod
    def backward(g, x, out):
        # Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
        # problems whose variables separate" (1973), theorem 4.3, turned round.
        P, Pt, Gt = out, mH(out), mH(g)
        GP, PG = MatMul.apply(Gt, P), MatMul.apply(P, Gt)
        dx = -MatMul.apply(mH(GP), Pt)
        first = MatMul.apply(GP, Pt)
        second = MatMul.apply(Pt, PG)
        dx = dx + first - MatMul.apply(x, MatMul.apply(P, first))
        dx = dx + second - MatMul.apply(MatMul.apply(second, P), x)
        return dx, None


@takes_out
def pinv(
    A: Tensor,
    rcond: Tolerance = None,
    hermitian: bool = False,
    *,
    atol: Tolerance = None,
    rtol: Tolerance = None,
) -> Tensor:
    """The pseudoinverse of A (..., m, n), shape (..., n, m), by singular values.

    Those not above max(atol, rtol * the largest) count as 0, with the defaults of `matrix_rank`;
    `rcond` is the older name of `rtol`. With `hermitian` A is taken as symmetric. The gradient
    holds while the rank does not change. Source: ``torch.linalg.pinv``.
    """
    check_matrix("linalg.pinv", A)
    if hermitian:
        check_square("linalg.pinv", A)
    rtol = rcond if rtol is None else rtol
    values = _magnitudes(A._array, hermitian)
    limit = _threshold("linalg.pinv", A._array, values, atol, rtol)
    return Pinv.apply(A, limit, hermitian=hermitian)


class LstsqResult(NamedTuple):
    """What `lstsq` returns."""

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@takes_out
def lstsq(
    A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None
) -> LstsqResult:
    """(solution, residuals, rank, singular_values): the X of least norm that minimises |A @ X - B|.

    A is (..., m, n), B (..., m, k) or, one vector for each matrix, (..., m). Singular values below
    rcond * the largest count as 0; `rcond` is max(m, n) * eps by default. residuals (..., k) are
    the sums of squares if m > n and A has full rank, else empty. As in PyTorch `driver` decides
    what is returned: "gels" gives no rank, only "gelsd" and "gelss" give singular values, and the
    default, "gelsy", no residuals. The gradient is the pseudoinverse's.
    Source: ``torch.linalg.lstsq``.
    """
    function = "linalg.lstsq"
    check_matrix(function, A)
    check_same_float(function, A, B)
    if driver not in (None, *_DRIVERS):
        raise RuntimeError(f"{function}: driver must be one of {_DRIVERS}, got {driver!r}")
    driver = driver or "gelsy"
    vectors = B.ndim == 1 or (A.ndim - 1 == B.ndim and shape_of(B) == shape_of(A)[:-1])
    right = unsqueeze(B, -1) if vectors else B
    if right.ndim < 2 or right.shape[-2] != A.shape[-2]:
        raise RuntimeError(
            f"{function}: B of shape {shape_of(B)} must have as many rows as A of shape "
            f"{shape_of(A)}"
        )
    m, n = A.shape[-2:]
    array = A._array
    values = np.linalg.svd(array, compute_uv=False)
    limit = _threshold(function, array, values, None, None if rcond is None else float(rcond))
    solution = MatMul.apply(Pinv.apply(A, limit, hermitian=False), right)
    count = np.asarray(np.add.reduce(values > limit, -1, np.int64))
    # Empty, but on the graph as in PyTorch.
    residuals = elementwise.abs(Slice.apply(reshape(solution, -1), index=(slice(0),)))
    if m > n and driver != "gelsy" and bool(np.all(count == n)):
        residuals = sum_of(
            elementwise.square(elementwise.abs(MatMul.apply(A, solution) - right)), -2
        )
    none = np.empty(0, np.int64)
    return LstsqResult(
        reshape(solution, shape_of(solution)[:-1]) if vectors else solution,
        residuals,
        wrap(none if driver == "gels" else count),
        wrap(values if driver in ("gelsd", "gelss") else np.empty(0, values.dtype)),
    )
