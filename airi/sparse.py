"""Sparse tensors in coordinate form: the places of the elements that are not 0, and their values.

Made for graphs: an adjacency matrix times the features of its nodes, with gradients to both. What
is here works on the values alone; anything else asked of a sparse tensor raises an error that says
``to_dense()``. Source: ``torch.sparse``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Version, wrap
from airi.device import device as device_type
from airi.layout import layout, sparse_coo
from airi.ops import sparse as rules
from airi.ops.creation import as_tensor, full
from airi.ops.joining import cat
from airi.ops.sparse import SparseOperand, sparse_product
from airi.tensor import Size, Tensor

__all__ = [
    "DoubleTensor",
    "FloatTensor",
    "IntTensor",
    "LongTensor",
    "SparseTensor",
    "addmm",
    "mm",
    "sum",
]


class SparseTensor(Tensor):
    """A tensor that keeps only some of its elements; the others are 0.

    The values are a Tensor of their own, through which gradients pass; a place may occur several
    times until `coalesce` adds its values up. Made by ``airi.sparse_coo_tensor`` or ``to_sparse``.
    """

    is_sparse = True
    _places: np.ndarray  # (sparse dimensions, number of values)
    _held: Tensor  # (number of values, *dense dimensions)
    _sizes: tuple[int, ...]
    _is_coalesced: bool

    def __init__(
        self, places: np.ndarray, values: Tensor, shape: tuple[int, ...], coalesced: bool = False
    ) -> None:
        self._places = places
        self._held = values
        self._sizes = tuple(shape)
        self._is_coalesced = coalesced
        self._counter = Version()

    @staticmethod
    def at(dense: Tensor, places: np.ndarray) -> SparseTensor:
        """The elements of a dense tensor that stand at these places."""
        picked = dense[tuple(wrap(each) for each in places)] if len(places) else dense[None]
        return SparseTensor(places, picked, dense.shape, coalesced=True)

    @property
    def _array(self) -> Any:
        raise SparseOperand(
            f"a sparse tensor, of shape {tuple(self._sizes)}, was given to a function for dense "
            "ones; call to_dense() first"
        )

    # What it is

    @property
    def shape(self) -> Size:
        return Size(self._sizes)

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self._sizes[dim]

    @property
    def ndim(self) -> int:
        return len(self._sizes)

    def dim(self) -> int:
        return len(self._sizes)

    def numel(self) -> int:
        return self.shape.numel()

    def __len__(self) -> int:
        return self._sizes[0]

    @property
    def dtype(self) -> dtypes.dtype:
        return self._held.dtype

    @property
    def layout(self) -> layout:
        return sparse_coo

    def is_floating_point(self) -> bool:
        return self._held.is_floating_point()

    def sparse_dim(self) -> int:
        """How many dimensions the places have."""
        return len(self._places)

    def dense_dim(self) -> int:
        """How many dimensions each value has."""
        return self._held.ndim - 1

    def _nnz(self) -> int:
        """The number of values."""
        return self._places.shape[1]

    def is_coalesced(self) -> bool:
        """Whether every place occurs once, in order."""
        return self._is_coalesced

    def indices(self) -> Tensor:
        """The places, (sparse_dim, nnz) of int64; RuntimeError before `coalesce`."""
        self._require_coalesced("indices")
        return wrap(self._places)

    def values(self) -> Tensor:
        """The values, (nnz, *dense dimensions); RuntimeError before `coalesce`."""
        self._require_coalesced("values")
        return self._held

    def _require_coalesced(self, function: str) -> None:
        if not self._is_coalesced:
            raise RuntimeError(f"{function}: places may occur twice; call coalesce() first")

    def _indices(self) -> Tensor:
        return wrap(self._places)

    def _values(self) -> Tensor:
        return self._held

    def __repr__(self) -> str:
        grad = ", requires_grad=True" if self.requires_grad else ""
        return (
            f"tensor(indices={wrap(self._places)!r},\n       values={self._held.detach()!r},\n"
            f"       size={tuple(self._sizes)}, nnz={self._nnz()}, layout={sparse_coo!r}{grad})"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> SparseTensor:
        values = self._held.__deepcopy__(memo)
        return SparseTensor(self._places.copy(), values, self._sizes, self._is_coalesced)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return SparseTensor, (self._places, self._held, self._sizes, self._is_coalesced)

    # Its place in the graph is that of its values

    @property
    def requires_grad(self) -> bool:
        return self._held.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._held.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> SparseTensor:
        self._held.requires_grad_(requires_grad)
        return self

    @property
    def grad_fn(self) -> Any:
        return self._held.grad_fn

    @property
    def grad(self) -> Any:
        """The gradient of the values, at the same places."""
        gradient = self._held.grad
        return None if gradient is None else self._with(gradient)

    @grad.setter
    def grad(self, value: Any) -> None:
        self._held.grad = None if value is None else value._values()

    def detach(self) -> SparseTensor:
        return self._with(self._held.detach())

    def clone(self, **options: Any) -> SparseTensor:
        return self._with(self._held.clone())

    # Other forms

    def _with(self, values: Tensor) -> SparseTensor:
        """Other values at the same places."""
        return SparseTensor(self._places, values, self._sizes, self._is_coalesced)

    def coalesce(self) -> SparseTensor:
        """Each place once, in order, with the sum of its values.

        Source: ``torch.Tensor.coalesce``.
        """
        if self._is_coalesced:
            return self
        unique, at = np.unique(_row_numbers(self._places, self._sizes), return_inverse=True)
        zeros = self._held.new_zeros((len(unique), *self._held.shape[1:]))
        values = zeros.index_add(0, wrap(at.reshape(-1)), self._held)
        sizes = self._sizes[: len(self._places)]
        places = np.stack(np.unravel_index(unique, sizes)) if sizes else np.zeros((0, 1), np.int64)
        return SparseTensor(places, values, self._sizes, coalesced=True)

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """The dense tensor, with zeros elsewhere. Source: ``torch.Tensor.to_dense``."""
        zeros = self._held.new_zeros(self._sizes)
        if len(self._places):
            places = tuple(wrap(each) for each in self._places)
            dense = zeros.index_put(places, self._held, accumulate=True)
        else:
            dense = self._held.sum(0)
        return dense if dtype is None else dense.to(dtype)

    def to_sparse(self, sparse_dim: int | None = None) -> SparseTensor:
        return self

    def to(self, *args: Any, **kwargs: Any) -> SparseTensor:
        return self._with(self._held.to(*args, **kwargs))

    def cpu(self, *args: Any, **kwargs: Any) -> SparseTensor:
        return self

    def float(self, memory_format: Any = None) -> SparseTensor:
        return self._with(self._held.float())

    def double(self, memory_format: Any = None) -> SparseTensor:
        return self._with(self._held.double())

    def transpose(self, dim0: int, dim1: int) -> SparseTensor:
        """Two of the sparse dimensions swapped."""
        count = len(self._places)
        first, second = dim0 % self.ndim, dim1 % self.ndim
        if max(first, second) >= count:
            raise RuntimeError("transpose: only the sparse dimensions of a sparse tensor")
        order, sizes = [*range(count)], [*self._sizes]
        order[first], order[second] = second, first
        sizes[first], sizes[second] = sizes[second], sizes[first]
        return SparseTensor(self._places[order], self._held, tuple(sizes), first == second)

    def t(self) -> SparseTensor:
        """The transpose of a matrix."""
        if self.ndim != 2:
            raise RuntimeError(f"t: expected a sparse matrix, got shape {tuple(self._sizes)}")
        return self.transpose(0, 1)

    @property
    def T(self) -> SparseTensor:
        return self.t()

    # Products

    def mm(self, mat2: Tensor) -> Tensor:
        return sparse_product("mm", self, mat2)

    def mv(self, vec: Tensor) -> Tensor:
        return sparse_product("mv", self, vec)

    def matmul(self, other: Tensor) -> Tensor:
        return sparse_product("matmul", self, other)

    __matmul__ = matmul

    def __rmatmul__(self, other: Any) -> Tensor:
        return sparse_product("matmul", other, self)

    def mul(self, other: Any) -> SparseTensor:
        """Times a number, a dense tensor that broadcasts to the shape, or a sparse one of it."""
        if isinstance(other, SparseTensor):
            return self._times_sparse(other)
        if isinstance(other, Tensor) and other.ndim:
            other = SparseTensor.at(other.broadcast_to(self._sizes), self._places)._held
        return self._with(self._held * other)

    __mul__ = __rmul__ = multiply = mul

    def _times_sparse(self, other: SparseTensor) -> SparseTensor:
        """Both have a value where the product has one."""
        _require_same_shape("mul", self, other)
        mine, theirs = self.coalesce(), other.coalesce()
        _, at, other_at = np.intersect1d(
            _row_numbers(mine._places, self._sizes),
            _row_numbers(theirs._places, self._sizes),
            assume_unique=True,
            return_indices=True,
        )
        values = mine._held[wrap(at)] * theirs._held[wrap(other_at)]
        return SparseTensor(mine._places[:, at], values, self._sizes, coalesced=True)

    def div(self, other: Any, *, rounding_mode: str | None = None) -> SparseTensor:
        """Divided by a number or 0-dimensional tensor."""
        dense = isinstance(other, Tensor) and (isinstance(other, SparseTensor) or other.ndim)
        if dense or rounding_mode is not None:
            raise SparseOperand("div: a sparse tensor can be divided by a number only; to_dense()")
        return self._with(self._held / other)

    __truediv__ = true_divide = div

    # Sums

    def add(self, other: Any, *, alpha: Any = 1) -> Any:
        """Plus a sparse tensor: sparse. Plus a dense one: dense."""
        if isinstance(other, SparseTensor):
            _require_same_shape("add", self, other)
            values = other._held if alpha == 1 else other._held * alpha
            places = np.concatenate([self._places, other._places], axis=1)
            return SparseTensor(places, cat([self._held, values]), self._sizes).coalesce()
        if not isinstance(other, Tensor):
            raise SparseOperand("add: a number added to a sparse tensor fills it; to_dense() first")
        return self.to_dense() + (other if alpha == 1 else other * alpha)

    __add__ = __radd__ = add

    def sub(self, other: Any, *, alpha: Any = 1) -> Any:
        """`add` of the negative."""
        return self.add(other, alpha=-alpha)

    __sub__ = subtract = sub

    def __rsub__(self, other: Any, *, alpha: Any = 1) -> Any:
        return (-self if alpha == 1 else self * -alpha).add(other)

    def sum(self, dim: Any = None, dtype: Any = None) -> Any:
        """The sum of all values, or over some of the sparse dimensions: then sparse."""
        return sum(self, dim, dtype)

    # Functions that keep 0

    def neg(self) -> SparseTensor:
        return self._with(-self._held)

    __neg__ = negative = neg

    def abs(self) -> SparseTensor:
        return _mapped(self, Tensor.abs)

    __abs__ = abs

    def relu(self) -> SparseTensor:
        return _mapped(self, Tensor.relu)

    def sqrt(self) -> SparseTensor:
        return _mapped(self, Tensor.sqrt)

    def square(self) -> SparseTensor:
        return _mapped(self, Tensor.square)

    def pow(self, exponent: Any) -> SparseTensor:
        """Each value to a positive power, which keeps 0."""
        if isinstance(exponent, Tensor) or exponent <= 0:
            raise SparseOperand("pow: a sparse tensor takes a positive number; to_dense() first")
        return _mapped(self, lambda values: values**exponent)

    __pow__ = pow


rules.SparseTensor = SparseTensor


def _mapped(input: SparseTensor, function: Any) -> SparseTensor:
    coalesced = input.coalesce()
    return coalesced._with(function(coalesced._held))


def _row_numbers(places: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Each place as one number, in the order of the indices."""
    if not len(places):
        return np.zeros(places.shape[1], np.int64)
    return np.ravel_multi_index(tuple(places), sizes[: len(places)])


def _require_same_shape(function: str, input: SparseTensor, other: SparseTensor) -> None:
    if input.shape != other.shape or input.sparse_dim() != other.sparse_dim():
        raise RuntimeError(
            f"{function}: sparse tensors must have one shape, got {tuple(input.shape)} and "
            f"{tuple(other.shape)}"
        )


def sparse_coo_tensor(
    indices: Any,
    values: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> SparseTensor:
    """A sparse tensor whose element at ``indices[:, k]`` is ``values[k]``; equal places add up.

    `indices` is (sparse_dim, nnz), `values` (nnz, *dense dimensions); `size` is as small as can be
    if left out. With a size alone the tensor is empty. Gradients pass to a Tensor of values. Raises
    RuntimeError where these do not fit or an index is out of range. Example::

        airi.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3))

    Source: ``torch.sparse_coo_tensor``.
    """
    if device is not None:
        device_type(device)
    if values is None:
        shape = tuple(int(each) for each in indices)
        nothing = full((0,), 0.0, dtype=dtype)
        empty = SparseTensor(np.zeros((len(shape), 0), np.int64), nothing, shape, True)
        return empty.requires_grad_(requires_grad)
    held = values if isinstance(values, Tensor) else as_tensor(values)
    held = held if dtype is None else held.to(dtype)
    places = np.asarray(indices._array if isinstance(indices, Tensor) else indices)
    if places.dtype.kind not in "iu" and places.size:
        raise RuntimeError(f"sparse_coo_tensor: indices must be integers, got {places.dtype}")
    places = places.astype(np.int64)
    if places.ndim != 2:
        raise RuntimeError(
            f"sparse_coo_tensor: indices must be (sparse_dim, nnz), got shape {places.shape}"
        )
    if held.ndim == 0 or held.shape[0] != places.shape[1]:
        raise RuntimeError(
            f"sparse_coo_tensor: {places.shape[1]} places need as many values, got values of shape "
            f"{tuple(held.shape)}"
        )
    shape = _checked_size(places, held, size)
    result = SparseTensor(places, held, shape, bool(is_coalesced))
    return SparseTensor(places, held.detach(), shape).requires_grad_() if requires_grad else result


def _checked_size(places: np.ndarray, values: Tensor, size: Any) -> tuple[int, ...]:
    needed = tuple(places.max(axis=1) + 1) if places.shape[1] else (0,) * len(places)
    if places.size and places.min() < 0:
        raise RuntimeError(f"sparse_coo_tensor: indices must not be negative, got {places.min()}")
    if size is None:
        return tuple(int(n) for n in needed) + tuple(values.shape[1:])
    shape = tuple(int(each) for each in size)
    dense = shape[len(places) :]
    if len(shape) != len(places) + values.ndim - 1 or dense != tuple(values.shape[1:]):
        raise RuntimeError(
            f"sparse_coo_tensor: size {shape} does not fit indices of {len(places)} dimensions and "
            f"values of shape {tuple(values.shape)}"
        )
    if any(n > limit for n, limit in zip(needed, shape, strict=False)):
        raise RuntimeError(f"sparse_coo_tensor: an index is out of range for size {shape}")
    return shape


# Functions


def mm(sparse: Tensor, dense: Tensor) -> Tensor:
    """The product of a sparse with a dense matrix (either may come first): a dense matrix.

    Gradients pass to the values and to the dense matrix. Raises RuntimeError where shapes or dtypes
    do not fit. Source: ``torch.sparse.mm``.
    """
    if isinstance(sparse, SparseTensor) or isinstance(dense, SparseTensor):
        return sparse_product("mm", sparse, dense)
    return sparse.mm(dense)


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1.0, alpha: Any = 1.0) -> Tensor:
    """beta * mat + alpha * (mat1 @ mat2), with a sparse mat1. Source: ``torch.sparse.addmm``."""
    return beta * mat + alpha * mm(mat1, mat2)


def sum(input: Tensor, dim: Any = None, dtype: Any = None) -> Any:
    """The sum of all values, a dense Tensor; or over sparse dimensions `dim`, a sparse one.

    Raises RuntimeError for a dimension that is dense. Source: ``torch.sparse.sum``.
    """
    if not isinstance(input, SparseTensor):
        return input.sum(dtype=dtype) if dim is None else input.sum(dim, dtype=dtype)
    values = input._held if dtype is None else input._held.to(dtype)
    if dim is None:
        return values.sum()
    given = dim if isinstance(dim, (tuple, list)) else (dim,)
    for each in given:
        if not -input.ndim <= each < input.ndim:
            raise IndexError(f"sum: dim {each} is out of range for shape {tuple(input.shape)}")
    dims = {each % input.ndim for each in given}
    if any(each >= input.sparse_dim() for each in dims):
        raise RuntimeError("sum: only over the sparse dimensions of a sparse tensor")
    kept = [each for each in range(input.sparse_dim()) if each not in dims]
    if not kept:
        return values.sum(0)
    sizes = tuple(n for each, n in enumerate(input.shape) if each not in dims)
    return SparseTensor(input._places[kept], values, sizes).coalesce()


def _legacy(name: str, dtype: dtypes.dtype) -> Any:
    def construct(indices: Any, values: Any, size: Any = None) -> SparseTensor:
        return sparse_coo_tensor(indices, values, size, dtype=dtype)

    construct.__name__ = construct.__qualname__ = name
    construct.__doc__ = f"`sparse_coo_tensor` of {dtype}. Source: ``torch.sparse.{name}``."
    return construct


FloatTensor = _legacy("FloatTensor", dtypes.float32)
DoubleTensor = _legacy("DoubleTensor", dtypes.float64)
IntTensor = _legacy("IntTensor", dtypes.int32)
LongTensor = _legacy("LongTensor", dtypes.int64)
