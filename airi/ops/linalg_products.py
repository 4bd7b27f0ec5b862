"""Products and arrangements of vectors under the names of ``airi.linalg``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from airi.autograd.graph import wrap
from airi.ops import diagonals, elementwise, reduction, transcendental
from airi.ops.conversion import cast
from airi.ops.linalg import Cross
from airi.ops.names import normal_dim, takes_out
from airi.ops.views import shape_of, unsqueeze

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["cross", "diagonal", "vander", "vecdot"]


@takes_out
def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product along `dim`, of size 3; other dimensions are broadcast.

    Example: ``airi.linalg.cross(a, b)``. Source: ``torch.linalg.cross``.
    """
    if input.ndim != other.ndim:
        raise RuntimeError(
            f"linalg.cross: inputs must have the same number of dimensions, got "
            f"{shape_of(input)} and {shape_of(other)}"
        )
    at = normal_dim("linalg.cross", dim, input.ndim)
    if not input.ndim or not input.shape[at] == other.shape[at] == 3:
        raise RuntimeError(
            f"linalg.cross: dimension {dim} of both inputs must have size 3, got "
            f"{shape_of(input)} and {shape_of(other)}"
        )
    return Cross.apply(input, other, dim=at - input.ndim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonal of each matrix, a view: ``airi.diagonal`` of the last two dimensions.

    Source: ``torch.linalg.diagonal``.
    """
    return diagonals.diagonal(A, offset, dim1, dim2)


@takes_out
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The sum of conj(x) * y along `dim`, with broadcasting. Source: ``torch.linalg.vecdot``."""
    product = elementwise.mul(x.conj(), y)
    return reduction.sum(product, normal_dim("linalg.vecdot", dim, product.ndim))


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """The powers 0 to N - 1 of each element as a last dimension: shape (..., n, N); N is n if None.

    Example: ``airi.linalg.vander(airi.tensor([2.0, 3.0]))`` is ``[[1, 2], [1, 3]]``.
    Source: ``torch.linalg.vander``.
    """
    x = x if x.ndim else unsqueeze(x, 0)
    N = x.shape[-1] if N is None else N
    if N <= 1:
        raise RuntimeError(f"linalg.vander: N must be greater than 1, got {N}")
    if x._array.dtype.kind in "iub":
        x = cast(x, np.int64)
    return transcendental.pow(unsqueeze(x, -1), wrap(np.arange(N)))
