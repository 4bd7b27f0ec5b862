"""Functions of square matrices and chains of products: determinants, exponential, multi_dot."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from airi.autograd.graph import Rule
from airi.ops import elementwise
from airi.ops.complex import conj, imag
from airi.ops.cumulative import product_of_others
from airi.ops.joining import Cat
from airi.ops.linalg_checks import check_square, mH, transposed
from airi.ops.linalg_solve import Inverse
from airi.ops.linalg_spectrum import SVD
from airi.ops.matmul import MatMul, check_same_dtype, matmul
from airi.ops.names import takes_out
from airi.ops.transcendental import log
from airi.ops.views import Slice, array_of, reshape, shape_of, unsqueeze

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["det", "logdet", "matrix_exp", "multi_dot", "slogdet"]


def _column(x: Any) -> Any:
    """Numbers (...) as matrices (..., 1, 1)."""
    return reshape(x, (*tuple(np.shape(array_of(x))), 1, 1))


def _is_regular(x: Any) -> bool:
    """Whether NumPy can invert all the matrices, exactly."""
    try:
        return bool(np.all(np.isfinite(np.linalg.inv(array_of(x)))))
    except np.linalg.LinAlgError:
        return False


class Det(Rule):
    """out = determinant of x;  dx = g * the cofactors, out * x.mT**-1 where x is regular

    In general, of x = U @ diag(S) @ Vh, the cofactors are det(U @ Vh) * U @ diag(C) @ Vh, C[i] the
    product of all S but S[i].
    """

    holomorphic = True

    @staticmethod
    def forward(x):
        return np.linalg.det(x)

    @staticmethod
    def backward(g, x, out):
        if _is_regular(x):
            return _column(g * out) * transposed(Inverse.apply(x))
        U, S, Vh = SVD.apply(x, full=False)
        others = product_of_others(S, array_of(S).ndim - 1)
        sign = _Orientation.apply(MatMul.apply(U, Vh))
        row = reshape(others, (*tuple(others.shape)[:-1], 1, others.shape[-1]))
        return _column(g * sign) * MatMul.apply(U * row, Vh)


class _Orientation(Rule):
    """out = the determinant of an orthogonal x, 1 or -1: a constant"""

    @staticmethod
    def forward(x):
        return np.round(np.linalg.det(x))


@takes_out
def det(A: Tensor) -> Tensor:
    """The determinant of each square matrix, (...).

    The gradient, the cofactors, holds for singular matrices too; a second one there needs distinct
    singular values. Example: ``airi.linalg.det(airi.eye(3))`` is 1. Source: ``torch.linalg.det``.
    """
    check_square("linalg.det", A)
    return Det.apply(A)


class SlogdetResult(NamedTuple):
    """What `slogdet` returns."""

    sign: Any
    logabsdet: Any


class Slogdet(Rule):
    """out = sign of det(x) and log(|det(x)|)

    dx = (g of the latter - i * Im(conj(g of the sign) * sign)) * x.mH**-1; the second part, by
    which the sign of complex x turns, is 0 for real ones.
    """

    outputs = ("sign", "logabsdet")
    complex = True

    @staticmethod
    def forward(x):
        sign, logabsdet = np.linalg.slogdet(x)
        return sign, logabsdet

    @staticmethod
    def backward(g, x, sign):
        scale = g[1]
        if x.dtype.kind == "c":
            scale = scale - 1j * imag(conj(g[0]) * sign)
        return _column(scale) * mH(Inverse.apply(x))


@takes_out
def slogdet(A: Tensor) -> SlogdetResult:
    """(sign, logabsdet) of the determinant: 1, 0 or -1, and log(|det(A)|), -inf for 0.

    The sign of a complex determinant is det(A) / |det(A)|. Does not overflow where `det` does.
    Source: ``torch.linalg.slogdet``.
    """
    check_square("linalg.slogdet", A)
    return SlogdetResult(*Slogdet.apply(A))


def logdet(input: Tensor) -> Tensor:
    """log(det(input)): -inf where that is 0, NaN where it is negative and input real.

    Source: ``torch.logdet``.
    """
    check_square("logdet", input, "input")
    sign, logabsdet = Slogdet.apply(input)
    if input.is_complex():
        return log(sign) + logabsdet
    return elementwise.where(sign < 0, math.nan, logabsdet)


# -- Matrix exponential ---------------------------------------------------------------------------

# N. Higham, "The scaling and squaring method for the matrix exponential revisited" (2005): the
# coefficients of the Pade approximant of order 13, (2m - k)! m! / ((2m)! (m - k)! k!) times a
# common factor, and the largest 1-norm at which it is exact to float64's precision.
_PADE = tuple(
    math.factorial(26 - k) // (math.factorial(13 - k) * math.factorial(k)) for k in range(14)
)
_LARGEST_NORM = 5.371920351148152


def _exponential(x: np.ndarray) -> np.ndarray:
    """e**x of each matrix in a batch (count, n, n)."""
    norm = np.abs(x).sum(-2).max(-1, initial=0)
    finite = np.isfinite(norm)
    needed = np.log2(np.where(finite, np.maximum(norm, _LARGEST_NORM), 1) / _LARGEST_NORM)
    squarings = np.ceil(np.maximum(needed, 0)).astype(int)
    x = np.where(finite[:, None, None], x, 0).astype(np.result_type(x, np.float64))
    x = x * 0.5 ** squarings[:, None, None]
    one = np.eye(x.shape[-1])
    b = [each / _PADE[0] for each in _PADE]
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    odd = x6 @ (b[13] * x6 + b[11] * x4 + b[9] * x2)
    odd = x @ (odd + b[7] * x6 + b[5] * x4 + b[3] * x2 + b[1] * one)
    even = x6 @ (b[12] * x6 + b[10] * x4 + b[8] * x2)
    even = even + b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one
    out = np.linalg.solve(even - odd, even + odd)
    for done in range(squarings.max(initial=0)):
        left = squarings > done
        out[left] = out[left] @ out[left]
    out[~finite] = np.nan
    return out


class MatrixExp(Rule):
    """out = 1 + x + x @ x / 2 + ...;  dx = the upper right block of e**[[x.mT, g], [0, x.mT]]"""

    holomorphic = True

    @staticmethod
    def forward(x):
        out = _exponential(x.reshape(-1, *x.shape[-2:])) if x.size else x
        return out.astype(x.dtype).reshape(x.shape)

    @staticmethod
    def backward(g, x):
        n = x.shape[-1]
        turned = transposed(x)
        top = Cat.apply(turned, g, dim=x.ndim - 1)
        bottom = Cat.apply(elementwise.Zeros.apply(turned), turned, dim=x.ndim - 1)
        both = MatrixExp.apply(Cat.apply(top, bottom, dim=x.ndim - 2))
        return Slice.apply(both, index=(..., slice(0, n), slice(n, None)))


def matrix_exp(A: Tensor) -> Tensor:
    """e ** A = 1 + A + A @ A / 2 + ... for square matrices (..., n, n).

    By scaling, the Pade approximant of order 13 and squaring (Higham, 2005), in float64.
    Source: ``torch.linalg.matrix_exp``.
    """
    check_square("linalg.matrix_exp", A)
    return MatrixExp.apply(A)


# -- Chains of products ---------------------------------------------------------------------------


@takes_out
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of at least two matrices, in the order that takes the fewest multiplications.

    The first and the last may be vectors. Raises RuntimeError where shapes do not fit.
    Example: ``airi.linalg.multi_dot([A, B, C])``. Source: ``torch.linalg.multi_dot``.
    """
    return chained("linalg.multi_dot", tuple(tensors))


def chained(function: str, tensors: tuple[Any, ...]) -> Any:
    if len(tensors) < 2:
        raise RuntimeError(f"{function}: expected at least 2 tensors, got {len(tensors)}")
    check_same_dtype(function, *tensors)
    row_first, column_last = tensors[0].ndim == 1, tensors[-1].ndim == 1
    matrices = list(tensors)
    if row_first:
        matrices[0] = unsqueeze(matrices[0], 0)
    if column_last:
        matrices[-1] = unsqueeze(matrices[-1], 1)
    for place, each in enumerate(matrices):
        if each.ndim != 2:
            raise RuntimeError(
                f"{function}: tensor {place} must be a matrix"
                + (" or vector" if place in (0, len(matrices) - 1) else "")
                + f", got shape {shape_of(tensors[place])}"
            )
    for place, (x, y) in enumerate(itertools.pairwise(matrices)):
        if x.shape[1] != y.shape[0]:
            raise RuntimeError(
                f"{function}: tensors {place} and {place + 1} of shapes {shape_of(x)} and "
                f"{shape_of(y)} cannot be multiplied"
            )
    out = _product_of(
        matrices, _splits([each.shape[0] for each in matrices], matrices[-1].shape[1])
    )
    if row_first:
        out = reshape(out, shape_of(out)[1:])
    return reshape(out, shape_of(out)[:-1]) if column_last else out


def _splits(rows: list[int], columns: int) -> dict[tuple[int, int], int]:
    """Where to split the chain from i to j: dynamic programming (Cormen et al., chapter 15.2)."""
    sizes = [*rows, columns]
    count = len(rows)
    cost = {(i, i): 0 for i in range(count)}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            costs = {
                k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in range(i, j)
            }
            split[i, j] = min(costs, key=costs.__getitem__)
            cost[i, j] = costs[split[i, j]]
    return split


def _product_of(matrices: list[Any], splits: dict[tuple[int, int], int]) -> Any:
    def part(i: int, j: int) -> Any:
        if i == j:
            return matrices[i]
        k = splits[i, j]
        return matmul(part(i, k), part(k + 1, j))

    return part(0, len(matrices) - 1)
