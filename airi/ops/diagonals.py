"""Diagonals and triangles of matrices: diagonal, diag, diag_embed, triu, tril and their indices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Rule
from airi.autograd.graph import wrap as _wrap
from airi.device import device as _device
from airi.ops.conversion import clone
from airi.ops.inplace import MaskedFill, write
from airi.ops.names import normal_dim, require_tensor
from airi.ops.out import written
from airi.ops.views import View, flatten, shape_of

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = [
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "tril",
    "tril_indices",
    "triu",
    "triu_indices",
]


class Diagonal(View):
    """out = the diagonals of the planes (dim1, dim2);  dx = g on them, 0 elsewhere"""

    @staticmethod
    def forward(x, *, offset, dim1, dim2):
        out = np.diagonal(x, offset, dim1, dim2)
        if x.flags.writeable:
            out.flags.writeable = True
        return out

    @staticmethod
    def backward(g, offset, dim1, dim2, x_shape):
        return Undiagonal.apply(g, offset=offset, dim1=dim1, dim2=dim2, shape=x_shape)


class Undiagonal(Rule):
    """out = 0 with x on the diagonals;  dx = the diagonals of g"""

    complex = True

    @staticmethod
    def forward(x, *, offset, dim1, dim2, shape):
        out = np.zeros(shape, x.dtype)
        Diagonal.forward(out, offset=offset, dim1=dim1, dim2=dim2)[...] = x
        return out

    @staticmethod
    def backward(g, offset, dim1, dim2):
        return Diagonal.apply(g, offset=offset, dim1=dim1, dim2=dim2)


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of the planes of `dim1` and `dim2`, as a last dimension. A view.

    `offset` above 0 takes a diagonal above the main one. Source: ``torch.diagonal``.
    """
    require_tensor("diagonal", "input", input)
    first, second = (normal_dim("diagonal", each, input.ndim) for each in (dim1, dim2))
    if first == second or input.ndim < 2:
        raise RuntimeError(f"diagonal: dim1 and dim2 must differ, got {dim1} and {dim2}")
    return Diagonal.apply(input, offset=offset, dim1=first, dim2=second)


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices, in the dimensions `dim1` and `dim2` of the result, with input's last on a diagonal.

    Example: ``airi.diag_embed(airi.ones(2, 3))`` has shape (2, 3, 3). Source: ``torch.diag_embed``.
    """
    require_tensor("diag_embed", "input", input)
    ndim = input.ndim + 1
    first, second = (_matrix_dim(each, ndim) for each in (dim1, dim2))
    if first == second:
        raise RuntimeError(f"diag_embed: dim1 and dim2 must differ, got {dim1} and {dim2}")
    side = input.shape[-1] + abs(offset)
    shape = list(input.shape[:-1])
    for each in sorted((first, second)):
        shape.insert(each, side)
    return Undiagonal.apply(input, offset=offset, dim1=first, dim2=second, shape=tuple(shape))


def _matrix_dim(dim: int, ndim: int) -> int:
    if ndim < 2:
        raise IndexError("diag_embed: needs at least 1 dimension, got a 0-dimensional tensor")
    return normal_dim("diag_embed", dim, ndim)


def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Of a vector: the matrix with it on a diagonal; of a matrix: a copy of that diagonal.

    Raises RuntimeError for other than 1 or 2 dimensions. Source: ``torch.diag``.
    """
    require_tensor("diag", "input", input)
    if input.ndim not in (1, 2):
        raise RuntimeError(f"diag: expects 1 or 2 dimensions, got shape {shape_of(input)}")
    is_vector = input.ndim == 1
    result = diag_embed(input, diagonal) if is_vector else clone(_diagonal(input, diagonal))
    return result if out is None else written("diag", out, result)


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements of input on a diagonal. Source: ``torch.diagflat``."""
    return diag_embed(flatten(input), offset)


_diagonal = diagonal  # the function, where an argument has its name


class Triu(Rule):
    """out = x on and above a diagonal, 0 below;  dx = g there"""

    complex = True

    @staticmethod
    def forward(x, *, diagonal):
        return np.triu(x, diagonal)

    @staticmethod
    def backward(g, diagonal):
        return Triu.apply(g, diagonal=diagonal)


class Tril(Rule):
    """out = x on and below a diagonal, 0 above;  dx = g there"""

    complex = True

    @staticmethod
    def forward(x, *, diagonal):
        return np.tril(x, diagonal)

    @staticmethod
    def backward(g, diagonal):
        return Tril.apply(g, diagonal=diagonal)


def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Matrices with 0 below the `diagonal` (above 0: further up). Source: ``torch.triu``."""
    result = Triu.apply(_matrices("triu", input), diagonal=diagonal)
    return result if out is None else written("triu", out, result)


def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Matrices with 0 above the `diagonal` (above 0: further up). Source: ``torch.tril``."""
    result = Tril.apply(_matrices("tril", input), diagonal=diagonal)
    return result if out is None else written("tril", out, result)


def triu_(input: Tensor, diagonal: int = 0) -> Tensor:
    """`triu` in place. Source: ``torch.Tensor.triu_``."""
    return write(_matrices("triu_", input), "triu_", Triu, diagonal=diagonal)


def tril_(input: Tensor, diagonal: int = 0) -> Tensor:
    """`tril` in place. Source: ``torch.Tensor.tril_``."""
    return write(_matrices("tril_", input), "tril_", Tril, diagonal=diagonal)


def fill_diagonal_(input: Tensor, fill_value: Number, wrap: bool = False) -> Tensor:
    """Every element with equal indices = fill_value, in place; input has 2 dimensions or a cube's.

    With `wrap` the diagonal of a tall matrix begins again after one row in between. Raises
    RuntimeError below 2 dimensions, and above for sizes that differ.
    Source: ``torch.Tensor.fill_diagonal_``.
    """
    shape = shape_of(_matrices("fill_diagonal_", input))
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError(f"fill_diagonal_: all dimensions must be equal, got shape {shape}")
    step = sum(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    end = None if wrap or len(shape) > 2 else shape[1] * shape[1]
    mask = np.zeros(math.prod(shape), np.bool_)
    mask[:end:step] = True
    return write(input, "fill_diagonal_", MaskedFill, _wrap(mask.reshape(shape)), fill_value)


def _matrices(function: str, input: Tensor) -> Tensor:
    require_tensor(function, "input", input)
    if input.ndim < 2:
        raise RuntimeError(f"{function}: needs at least 2 dimensions, got shape {shape_of(input)}")
    return input


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """The row and column numbers, (2, count), of the lower triangle of a row x col matrix.

    Source: ``torch.tril_indices``.
    """
    return _pairs(np.tri(row, col, offset, np.bool_), dtype, device)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """The row and column numbers, (2, count), of the upper triangle of a row x col matrix.

    Source: ``torch.triu_indices``.
    """
    return _pairs(~np.tri(row, col, offset - 1, np.bool_), dtype, device)


def _pairs(mask: np.ndarray, dtype: Any, device: Any) -> Tensor:
    _device("cpu" if device is None else device)
    wanted = np.dtype(np.int64) if dtype is None else dtypes.to_numpy(dtype)
    return _wrap(np.array(mask.nonzero(), wanted))
