"""Linear algebra beyond products: trace, cross product, inverse, matrix powers, distances.

The factorisations and what is made of them are in the files ``linalg_*.py``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule
from airi.ops import elementwise, reduction
from airi.ops.diagonals import diagonal
from airi.ops.linalg_checks import Identity, check_square
from airi.ops.linalg_solve import Inverse, singular_error
from airi.ops.matmul import MatMul
from airi.ops.names import normal_dim, numpy_names, require_tensor, takes_out
from airi.ops.product import matrix_product
from airi.ops.promotion import Elementwise, require_float
from airi.ops.views import reshape, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "cdist",
    "cross",
    "inverse",
    "matrix_power",
    "trace",
]


def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal. Raises RuntimeError for other than 2 dimensions.

    Source: ``torch.trace``.
    """
    require_tensor("trace", "input", input)
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, got shape {shape_of(input)}")
    return reduction.sum(diagonal(input))


class Cross(Elementwise):
    """out = x × y along dim;  dx = y × g, dy = g × x"""

    holomorphic = True
    only_for = {"x": "y", "y": "x"}

    @staticmethod
    def forward(x, y, *, dim):
        return np.cross(x, y, axis=dim)

    @staticmethod
    def backward(g, x, y, dim, needs):
        return (
            Cross.apply(y, g, dim=dim) if needs[0] else None,
            Cross.apply(g, x, dim=dim) if needs[1] else None,
        )


@numpy_names
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product along `dim`, of size 3; other dimensions are broadcast.

    Without `dim` the first dimension of size 3. Raises RuntimeError where there is none.
    Example: ``airi.cross(a, b, dim=-1)``. Source: ``torch.cross``.
    """
    if input.ndim != other.ndim:
        raise RuntimeError(
            f"cross: inputs must have as many dimensions, got {shape_of(input)} and "
            f"{shape_of(other)}"
        )
    if dim is None:
        both = zip(input.shape, other.shape, strict=True)
        found = [at for at, sizes in enumerate(both) if sizes == (3, 3)]
        at = found[0] if found else None
    else:
        at = normal_dim("cross", dim, input.ndim)
    if at is None or not input.shape[at] == other.shape[at] == 3:
        raise RuntimeError(
            f"cross: needs a dimension of size 3, got shapes {shape_of(input)} and "
            f"{shape_of(other)}" + ("" if dim is None else f" with dim={dim}")
        )
    return Cross.apply(input, other, dim=at - input.ndim)  # from the end: broadcasting keeps that


def inverse(input: Tensor) -> Tensor:
    """The inverse of a square matrix, or of each in a batch (..., n, n).

    Raises LinAlgError where one is singular, RuntimeError for integers.
    Source: ``torch.inverse``.
    """
    check_square("inverse", input, "input")
    try:
        return Inverse.apply(input)
    except np.linalg.LinAlgError:
        raise singular_error("inverse", input._array, "inversion") from None


@takes_out
def matrix_power(input: Tensor, n: int) -> Tensor:
    """The product of `n` times the matrix, or each in a batch; of its inverse for negative `n`.

    Takes about 2 log2(n) products. Raises RuntimeError for matrices that are not square, TypeError
    where `n` is no int. Example: ``airi.matrix_power(a, 3)``. Source: ``torch.matrix_power``.
    """
    require_tensor("matrix_power", "input", input)
    if not isinstance(n, (int, np.integer)):
        raise TypeError(f"matrix_power: n must be an int, got {n!r}")
    if input.ndim < 2 or input.shape[-1] != input.shape[-2]:
        raise RuntimeError(f"matrix_power: expected square matrices, got shape {shape_of(input)}")
    if n == 0:
        return Identity.apply(input)
    power = input if n > 0 else inverse(input)
    result: Any = None
    left = abs(n)
    while True:
        if left % 2:
            result = power if result is None else MatMul.apply(result, power)
        left //= 2
        if left == 0:
            return result
        power = MatMul.apply(power, power)


class EuclideanDistance(Rule):
    """out[i, j] = |x[i] - y[j]|;  with w = g / out, 0 where out is 0:

    dx = x * (sum of w over j) - w @ y, dy = y * (sum of w over i) - w.mT @ x
    """

    broadcasts = True

    @staticmethod
    def forward(x, y, *, by_product):
        if not by_product:
            difference = x[..., :, None, :] - y[..., None, :, :]
            return np.sqrt(np.add.reduce(np.square(difference, out=difference), -1))
        squares = matrix_product(x, y.swapaxes(-1, -2))
        squares *= -2
        squares += np.add.reduce(np.square(x), -1)[..., :, None]
        squares += np.add.reduce(np.square(y), -1)[..., None, :]
        return np.sqrt(np.maximum(squares, 0, out=squares), out=squares)

    @staticmethod
    def backward(g, x, y, out, needs):
        w = elementwise.div(g, elementwise.where(out == 0, math.inf, out))
        dx = dy = None
        if needs[0]:
            dx = x * reduction.sum(w, -1, keepdim=True) - MatMul.apply(w, y)
        if needs[1]:
            dy = y * reduction.sum(w.mT, -1, keepdim=True) - MatMul.apply(w.mT, x)
        return dx, dy


_PRODUCT_FROM = 25  # rows from which PyTorch too takes a matrix product for the distances
_MODES = {
    "use_mm_for_euclid_dist_if_necessary": None,
    "use_mm_for_euclid_dist": True,
    "donot_use_mm_for_euclid_dist": False,
}


def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """out[..., i, j] = the p-norm of x1[..., i, :] - x2[..., j, :]; batches are broadcast.

    Shapes (..., n, d) and (..., m, d) give (..., n, m). For p = 2 and more than 25 rows the
    distances come from a matrix product, which is faster but less exact for near points;
    `compute_mode` can forbid or ask for it. The gradient is 0 where the distance is 0.
    Source: ``torch.cdist``.
    """
    require_float("cdist", x1, x2)
    if min(x1.ndim, x2.ndim) < 2 or x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"cdist: expected shapes (..., n, d) and (..., m, d), got {shape_of(x1)} and "
            f"{shape_of(x2)}"
        )
    if p < 0:
        raise RuntimeError(f"cdist: p must not be negative, got {p}")
    if compute_mode not in _MODES:
        raise ValueError(f"cdist: compute_mode must be one of {[*_MODES]}, got {compute_mode!r}")
    if p == 2:
        by_product = _MODES[compute_mode]
        if by_product is None:
            by_product = max(x1.shape[-2], x2.shape[-2]) > _PRODUCT_FROM
        return EuclideanDistance.apply(x1, x2, by_product=by_product)
    rows = reshape(x1, (*x1.shape[:-1], 1, x1.shape[-1]))
    columns = reshape(x2, (*x2.shape[:-2], 1, *x2.shape[-2:]))
    return reduction.norm(elementwise.sub(rows, columns), p, -1)
