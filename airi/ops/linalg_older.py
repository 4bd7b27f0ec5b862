"""Linear algebra's top-level names where their conventions are older than those of `linalg`.

The gradients are those of the rules that `airi.linalg` uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from airi import dtypes
from airi.autograd.graph import wrap
from airi.ops import elementwise, linalg_factor, linalg_spectrum, reduction, transcendental
from airi.ops.conversion import cast, clone
from airi.ops.linalg_checks import (
    check_matrix,
    check_same_float,
    check_square,
    mH,
)
from airi.ops.linalg_factor import cholesky_named, permutation, reflectors, unpacked
from airi.ops.linalg_functions import chained
from airi.ops.linalg_solve import SolveTriangular, _check_fit, inverse_of_triangular
from airi.ops.matmul import MatMul
from airi.ops.names import takes_out
from airi.ops.promotion import refuse_complex
from airi.ops.views import array_of, reshape, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "chain_matmul",
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "dist",
    "geqrf",
    "lu",
    "lu_solve",
    "lu_unpack",
    "ormqr",
    "pinverse",
    "qr",
    "svd",
    "triangular_solve",
    "vander",
]


@takes_out
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """L with input = L @ L.mT, or L.mT if `upper`; see ``airi.linalg.cholesky``.

    Source: ``torch.cholesky``.
    """
    return cholesky_named("cholesky", input, upper)


@takes_out
def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """X with A @ X = input, for A = L @ L.mH (L.mH @ L if `upper`) given by its factor.

    input is (..., n, k), L (..., n, n); batches are broadcast. Source: ``torch.cholesky_solve``.
    """
    check_square("cholesky_solve", L, "L")
    check_matrix("cholesky_solve", input, "input")
    check_same_float("cholesky_solve", input, L)
    _check_fit("cholesky_solve", L, input)
    return _cholesky_solved(input, L, upper)


def _cholesky_solved(B: Any, L: Any, upper: bool) -> Any:
    adjoint = mH(L)
    first, second = (adjoint, L) if upper else (L, adjoint)
    half = SolveTriangular.apply(first, B, upper=False, unit=False)
    return SolveTriangular.apply(second, half, upper=True, unit=False)


@takes_out
def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """The inverse of A = L @ L.mH (L.mH @ L if `upper`) from its factor.

    Source: ``torch.cholesky_inverse``.
    """
    check_square("cholesky_inverse", L, "L")
    inverse = inverse_of_triangular(L, upper)
    if upper:
        return MatMul.apply(inverse, mH(inverse))
    return MatMul.apply(mH(inverse), inverse)


class TriangularSolve(NamedTuple):
    """What `triangular_solve` returns."""

    solution: Any
    cloned_coefficient: Any


@takes_out
def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> TriangularSolve:
    """(X, copy of A) with A @ X = b for triangular A, or A.mT @ X = b if `transpose`.

    The older form of ``airi.linalg.solve_triangular``. Source: ``torch.triangular_solve``.
    """
    check_square("triangular_solve", A)
    check_matrix("triangular_solve", b, "b")
    check_same_float("triangular_solve", A, b)
    _check_fit("triangular_solve", A, b)
    coefficients = A.mT if transpose else A
    X = SolveTriangular.apply(coefficients, b, upper=upper != transpose, unit=unitriangular)
    return TriangularSolve(X, clone(A))


class OlderQR(NamedTuple):
    """What `qr` returns."""

    Q: Any
    R: Any


@takes_out
def qr(input: Tensor, some: bool = True) -> OlderQR:
    """(Q, R) of ``airi.linalg.qr``: reduced, or complete if not `some`. Source: ``torch.qr``."""
    return OlderQR(*linalg_factor.qr(input, "reduced" if some else "complete"))


class OlderSVD(NamedTuple):
    """What `svd` returns: V, not its transpose."""

    U: Any
    S: Any
    V: Any


@takes_out
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> OlderSVD:
    """(U, S, V) with input = U @ diag(S) @ V.mH: V itself, where ``airi.linalg.svd`` gives V.mH.

    Full matrices if not `some`; zeros for U and V if not `compute_uv`. Source: ``torch.svd``.
    """
    check_matrix("svd", input, "input")
    if compute_uv:
        U, S, Vh = linalg_spectrum.svd(input, full_matrices=not some)
        return OlderSVD(U, S, mH(Vh))
    *batch, m, n = shape_of(input)
    zeros = [wrap(np.zeros((*batch, side, side), input._array.dtype)) for side in (m, n)]
    return OlderSVD(zeros[0], linalg_spectrum.svdvals(input), zeros[1])


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudoinverse, ``airi.linalg.pinv`` with its `rcond`. Source: ``torch.pinverse``."""
    return linalg_spectrum.pinv(input, rcond)


class CompactLU(NamedTuple):
    """What `lu` returns with `get_infos`."""

    LU: Any
    pivots: Any
    info: Any


@takes_out
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> tuple[Tensor, ...]:
    """(LU, pivots), and with `get_infos` info, as `airi.linalg.lu_factor_ex` gives them.

    Not the factors one by one: those are ``airi.linalg.lu``'s, or `lu_unpack`'s.
    Source: ``torch.lu``.
    """
    result = linalg_factor.lu_factor_ex(A, pivot=pivot)
    return CompactLU(*result) if get_infos else tuple(result[:2])


@takes_out
def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """X with A @ X = b from ``LU_data, LU_pivots = lu(A)``. Source: ``torch.lu_solve``."""
    return linalg_factor.lu_solve(LU_data, LU_pivots, b)


class UnpackedLU(NamedTuple):
    """What `lu_unpack` returns."""

    P: Any
    L: Any
    U: Any


@takes_out
def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> UnpackedLU:
    """(P, L, U) with A = P @ L @ U from ``LU_data, LU_pivots = lu(A)``.

    What is not asked for is empty. Raises RuntimeError unless the pivots are int32.
    Source: ``torch.lu_unpack``.
    """
    check_matrix("lu_unpack", LU_data, "LU_data")
    if LU_pivots._array.dtype != np.int32:
        raise RuntimeError(
            f"lu_unpack: LU_pivots must be int32, the default of lu_factor, got {LU_pivots.dtype}"
        )
    empty = np.empty(0, LU_data._array.dtype)
    P = permutation(LU_pivots, LU_data) if unpack_pivots else wrap(empty)
    L, U = unpacked(LU_data) if unpack_data else (wrap(empty), wrap(empty))
    return UnpackedLU(P, L, U)


class Reflections(NamedTuple):
    """What `geqrf` returns."""

    a: Any
    tau: Any


@takes_out
def geqrf(input: Tensor) -> Reflections:
    """(a, tau): R on and above the diagonal of a, the Householder vectors of Q below it.

    ``airi.linalg.householder_product(a, tau)`` is Q. Without a gradient, as in PyTorch.
    Source: ``torch.geqrf``.
    """
    check_matrix("geqrf", input, "input")
    refuse_complex("geqrf", input)
    h, tau = np.linalg.qr(input._array, "raw")
    return Reflections(wrap(np.ascontiguousarray(h.swapaxes(-1, -2))), wrap(tau))


@takes_out
def ormqr(
    input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False
) -> Tensor:
    """Q @ other, Q.mH @ other if `transpose`, or other times these if not `left`.

    Q is the full orthogonal matrix, (..., m, m), of the reflections that `geqrf` gives.
    Source: ``torch.ormqr``.
    """
    linalg_factor.check_reflectors("ormqr", input, tau)
    check_matrix("ormqr", other, "other")
    check_same_float("ormqr", input, other)
    rows = other.shape[-2] if left else other.shape[-1]
    if rows != input.shape[-2] or shape_of(other)[:-2] != shape_of(input)[:-2]:
        raise RuntimeError(
            f"ormqr: other of shape {shape_of(other)} does not fit the {input.shape[-2]} rows of "
            f"Q, from input of shape {shape_of(input)}"
        )
    if not left:  # other @ Q is (Q.mH @ other.mH).mH
        return mH(ormqr(input, tau, mH(other), transpose=not transpose))
    steps = reflectors(input, tau.conj() if transpose else tau)
    for v, factor in steps if transpose else reversed(steps):
        other = other - factor * MatMul.apply(v, MatMul.apply(mH(v), other))
    return other


def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of matrices in the cheapest order: the older ``airi.linalg.multi_dot``.

    Source: ``torch.chain_matmul``.
    """
    return matrices[0] if len(matrices) == 1 else chained("chain_matmul", matrices)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of each element of a vector in a row, N - 1 to 0 unless `increasing`: (n, N).

    N is n if None. Raises RuntimeError for other than 1 dimension. Source: ``torch.vander``.
    """
    if x.ndim != 1:
        raise RuntimeError(f"vander: x must be a vector, got shape {shape_of(x)}")
    N = x.shape[0] if N is None else N
    if N < 0:
        raise RuntimeError(f"vander: N must not be negative, got {N}")
    powers = np.arange(N) if increasing else np.arange(N)[::-1].copy()
    x = x if array_of(x).dtype.kind in dtypes.DIFFERENTIABLE else cast(x, np.int64)
    return transcendental.pow(reshape(x, (-1, 1)), wrap(powers))


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other, broadcast, as one vector. Source: ``torch.dist``."""
    return reduction.norm(elementwise.sub(input, other), p)
