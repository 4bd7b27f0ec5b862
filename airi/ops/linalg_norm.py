"""Norms of vectors and matrices, and the condition number made of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import wrap
from airi.ops import elementwise, reduction
from airi.ops.conversion import cast_if
from airi.ops.extremes import amax, amin
from airi.ops.linalg_checks import check_matrix, check_square, check_tensor
from airi.ops.linalg_solve import Inverse, inv_ex
from airi.ops.linalg_spectrum import svdvals
from airi.ops.names import normal_dims, numpy_names, takes_out
from airi.ops.over_dims import over_dims
from airi.ops.promotion import require_float
from airi.ops.views import movedim, reshape, shape_of, unsqueeze

if TYPE_CHECKING:
    from airi.ops.over_dims import Dim
    from airi.tensor import Tensor

    Order = float | str

__all__ = ["cond", "matrix_norm", "norm", "vector_norm"]


@numpy_names
def vector_norm(
    x: Tensor, ord: float = 2, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """(sum of |x| ** ord over `dim`) ** (1 / ord), the elements seen as one vector.

    `ord` is any number: inf (largest magnitude), -inf (smallest), 0 (how many are not 0). The
    gradient is 0 where the norm is. `dtype` converts x first. Raises RuntimeError for integers and
    for a negative `ord` or inf of no elements. Source: ``torch.linalg.vector_norm``.
    """
    return _vector_norm("linalg.vector_norm", x, ord, dim, keepdim, dtype)


def _vector_norm(function: str, x: Any, ord: Any, dim: Any, keepdim: bool, dtype: Any) -> Any:
    check_tensor(function, x, "x")
    if isinstance(ord, str):
        raise RuntimeError(f"{function}: ord must be a number, got {ord!r}")
    _check_dtype(function, x, dtype)
    x = cast_if(x, dtype)
    require_float(function, x)
    dims = normal_dims(function, dim, x.ndim)
    empty = x.ndim and any(x.shape[each] == 0 for each in dims)
    if empty and (ord < 0 or ord == math.inf):
        raise RuntimeError(f"{function}: ord={ord} is not defined for no elements, {shape_of(x)}")
    if ord == math.inf:
        return amax(elementwise.abs(x), dims, keepdim)
    if ord == -math.inf:
        return amin(elementwise.abs(x), dims, keepdim)
    return over_dims(function, reduction.Norm, x, dims, keepdim, p=ord)


def _check_dtype(function: str, x: Any, dtype: Any) -> None:
    """A norm may be computed in a wider dtype, not a narrower one."""
    if dtype is None:
        return
    if not dtype.is_floating_point:
        raise RuntimeError(f"{function}: dtype must be a floating one, got {dtype}")
    if x.is_floating_point() and np.promote_types(x._array.dtype, dtype.numpy) != dtype.numpy:
        raise RuntimeError(f"{function}: dtype {dtype} is narrower than the input's {x.dtype}")


_MATRIX_ORDERS = (1, -1, 2, -2, math.inf, -math.inf)


@numpy_names
def matrix_norm(
    A: Tensor,
    ord: Order = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """The norm of the matrices in the dimensions `dim`.

    `ord` "fro": root of the sum of squares; "nuc": sum of the singular values; 2, -2: the largest
    and smallest of those; 1, -1: of the sums of magnitudes over each column; inf, -inf: over each
    row. `dtype` converts A first. Example: ``airi.linalg.matrix_norm(A, 2)`` is the spectral norm.
    Source: ``torch.linalg.matrix_norm``.
    """
    return _matrix_norm("linalg.matrix_norm", A, ord, dim, keepdim, dtype)


def _matrix_norm(function: str, A: Any, ord: Any, dim: Any, keepdim: bool, dtype: Any) -> Any:
    check_tensor(function, A, "A")
    _check_dtype(function, A, dtype)
    A = cast_if(A, dtype)
    check_matrix(function, A, half=True)
    if not isinstance(dim, (tuple, list)) or len(dim) != 2:
        raise RuntimeError(f"{function}: dim must be a pair of ints, got {dim!r}")
    rows, columns = normal_dims(function, tuple(dim), A.ndim)
    if isinstance(ord, str) and ord not in ("fro", "nuc"):
        raise RuntimeError(f"{function}: ord must be 'fro', 'nuc' or a number, got {ord!r}")
    if not isinstance(ord, str) and ord not in _MATRIX_ORDERS:
        raise RuntimeError(f"{function}: ord must be one of {_MATRIX_ORDERS}, got {ord!r}")
    if ord == "fro":
        return over_dims(function, reduction.Norm, A, (rows, columns), keepdim, p=2)
    if ord in ("nuc", 2, -2):
        values = svdvals(movedim(A, (rows, columns), (-2, -1)))
        if ord == "nuc":
            out = reduction.sum(values, -1)
        else:
            out = amax(values, -1) if ord == 2 else amin(values, -1)
    else:
        summed, chosen = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = reduction.sum(elementwise.abs(A), summed, keepdim=True)
        choose = amax if ord > 0 else amin
        out = choose(sums, chosen, True)
        out = reshape(out, [n for i, n in enumerate(shape_of(A)) if i not in (rows, columns)])
    if keepdim:
        for each in sorted((rows, columns)):
            out = unsqueeze(out, each)
    return out


def nuclear_norm(input: Any, dim: Any, keepdim: bool) -> Any:
    """The sum of singular values for ``airi.norm(x, "nuc")``, where no dim means a matrix."""
    if dim is None and input.ndim != 2:
        raise RuntimeError(f"norm: 'nuc' without dim is for matrices, got {shape_of(input)}")
    return _matrix_norm("norm", input, "nuc", (0, 1) if dim is None else dim, keepdim, None)


@numpy_names
def norm(
    A: Tensor,
    ord: Order | None = None,
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """A vector's norm or a matrix's, by `ord` and `dim`.

    No `ord`: the 2-norm of all elements over `dim`. With `ord` an int `dim`, or a vector A, means
    `vector_norm`, a pair, or a matrix A, `matrix_norm`. Source: ``torch.linalg.norm``.
    """
    check_tensor("linalg.norm", A, "A")
    if dim is not None and not isinstance(dim, int) and len(dim) not in (1, 2) and ord is not None:
        raise RuntimeError(f"linalg.norm: with ord, dim must be an int or a pair, got {dim}")
    if ord is None:
        return _vector_norm("linalg.norm", A, 2, dim, keepdim, dtype)
    if dim is None and A.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: with ord and without dim, A must be a vector or a matrix, got shape "
            f"{shape_of(A)}"
        )
    is_pair = isinstance(dim, (tuple, list)) and len(dim) == 2
    if is_pair or (dim is None and A.ndim == 2):
        return _matrix_norm("linalg.norm", A, ord, dim or (-2, -1), keepdim, dtype)
    return _vector_norm("linalg.norm", A, ord, dim, keepdim, dtype)


@takes_out
def cond(A: Tensor, p: Order | None = None) -> Tensor:
    """The condition number: norm(A) * norm(inverse of A), infinite for singular matrices.

    `p` None or 2: the largest singular value by the smallest (-2: the other way round), also of
    matrices that are not square; otherwise an `ord` of `matrix_norm`.
    Source: ``torch.linalg.cond``.
    """
    check_matrix("linalg.cond", A)
    if p is None or p in (2, -2):
        values = svdvals(A)
        if 0 in A.shape[-2:]:
            return wrap(np.zeros(A._array.shape[:-2], A._array.dtype))
        largest, smallest = amax(values, -1), amin(values, -1)
        return elementwise.div(*((smallest, largest) if p == -2 else (largest, smallest)))
    check_square("linalg.cond", A)
    of_matrix = matrix_norm(A, p)
    try:
        return of_matrix * matrix_norm(Inverse.apply(A), p)
    except np.linalg.LinAlgError:
        inverse, info = inv_ex(A)  # NaN for the singular ones
        return elementwise.where(info != 0, math.inf, of_matrix * matrix_norm(inverse, p))
