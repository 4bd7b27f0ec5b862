"""Reading and writing by index: ``x[...]``, index tensors, masks, index_put, take and put.

Ints, slices, None and Ellipsis take a view (`views.Slice`). What is left after them, index tensors
and masks, is `Index`: a copy of the elements, whose gradient is added up where an element was taken
more than once. Along one dimension index_select and its siblings are in `index_along.py`, gather
and scatter in `scattering.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule, wrap
from airi.ops import creation, places
from airi.ops.inplace import Copy, MaskedFill, Overwrite, write
from airi.ops.out import written
from airi.ops.places import checked
from airi.ops.views import Slice, reshape, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "index_put",
    "put",
    "take",
]

_ALL = slice(None)


def full_index(indices: Sequence[np.ndarray], dims: Sequence[int]) -> tuple[Any, ...]:
    """NumPy's index that applies each of `indices` at its dimension, with slices between them."""
    full: list[Any] = []
    dim = 0
    for index, at in zip(indices, dims, strict=True):
        full += [_ALL] * (at - dim)
        full.append(index)
        dim = at + (index.ndim if index.dtype.kind == "b" else 1)
    return tuple(full)


def _positions(
    shape: tuple[int, ...], indices: Sequence[np.ndarray], dims: Sequence[int]
) -> np.ndarray:
    """Where each element that the index takes lies in the flattened array of that shape."""
    flat_indices: dict[int, np.ndarray] = {}
    for index, at in zip(indices, dims, strict=True):
        parts = index.nonzero() if index.dtype.kind == "b" else (index,)
        flat_indices.update(zip(range(at, at + len(parts)), parts, strict=True))
    strides = [1] * len(shape)
    for dim in range(len(shape) - 1, 0, -1):
        strides[dim - 1] = strides[dim] * shape[dim]
    taken: Any = 0
    for dim, index in flat_indices.items():
        taken = taken + checked("index", index, dim, shape[dim]) * strides[dim]
    # The taken dimensions stand where the first of them was, or in front if others are between.
    first, last = min(flat_indices), max(flat_indices)
    adjacent = last - first + 1 == len(flat_indices)
    free = [dim for dim in range(len(shape)) if dim not in flat_indices]
    before = len([dim for dim in free if dim < first]) if adjacent else 0
    positions = taken.reshape(taken.shape + (1,) * (len(free) - before))
    for place, dim in enumerate(free):
        after = len(free) - 1 - place + (taken.ndim if place < before else 0)
        positions = positions + (np.arange(shape[dim]) * strides[dim]).reshape(-1, *(1,) * after)
    return positions


def add_at(
    out: np.ndarray, values: Any, indices: Sequence[np.ndarray], dims: Sequence[int]
) -> None:
    """``out[index] += values``, where an element taken twice is added to twice.

    NumPy's add.at is several times faster on flat arrays than with several or partial indices, and
    than sorting the indices and summing runs of equal ones.
    """
    if len(indices) == 1 and places.add_rows(out, indices[0], values, dims[0]):
        return
    if not out.flags.c_contiguous:
        np.add.at(out, full_index(indices, dims), values)
        return
    positions = _positions(out.shape, indices, dims)
    values = np.broadcast_to(np.asarray(values, out.dtype), positions.shape)
    np.add.at(out.reshape(-1), positions.reshape(-1), values.reshape(-1))


class Index(Rule):
    """out = x[indices at their dims];  dx = g added up at the places that were taken"""

    complex = True

    @staticmethod
    def forward(x, *indices, dims):
        if len(indices) == 1 and indices[0].dtype.kind != "b":
            fast = places.take_rows(x, indices[0], dims[0])
            return np.take(x, indices[0], axis=dims[0]) if fast is None else fast
        return x[full_index(indices, dims)]

    @staticmethod
    def backward(g, indices, dims, x_shape):
        dx = Unindex.apply(g, *indices, dims=dims, shape=x_shape)
        return dx, *[None] * len(indices)


class Unindex(Rule):
    """out = 0 with x added up at the places of indices;  dx = g[indices]"""

    complex = True

    @staticmethod
    def forward(x, *indices, dims, shape):
        out = np.zeros(shape, x.dtype)
        if len(indices) == 1 and indices[0].dtype.kind == "b":
            out[full_index(indices, dims)] = x  # a mask takes nothing twice
        else:
            add_at(out, x, indices, dims)
        return out

    @staticmethod
    def backward(g, indices, dims):
        return Index.apply(g, *indices, dims=dims), *[None] * len(indices)


class IndexPut(Overwrite):
    """out = x with x[indices] = value, or += value

    dx = g with 0 there (or g), dvalue = g[indices]
    """

    complex = True
    broadcasts = True

    @staticmethod
    def forward(x, value, *indices, dims, accumulate=False):
        out = x.copy()
        IndexPut.into(out, value, *indices, dims=dims, accumulate=accumulate)
        return out

    @staticmethod
    def into(x, value, *indices, dims, accumulate=False):
        if accumulate:
            add_at(x, value, indices, dims)
        else:
            x[full_index(indices, dims)] = value

    @staticmethod
    def backward(g, indices, dims, accumulate, needs):
        nothing = [None] * len(indices)
        dx = g if accumulate else IndexPut.apply(g, 0.0, *indices, dims=dims)
        return dx, Index.apply(g, *indices, dims=dims) if needs[1] else None, *nothing


# -- x[...] -----------------------------------------------------------------------------------


def getitem(input: Tensor, index: Any) -> Tensor:
    """``input[index]``: a view for ints, slices, None and Ellipsis; a copy for tensors and masks.

    Slices need a positive step. A tensor of 0 dimensions counts as an int. Lists and NumPy arrays
    count as tensors. Raises IndexError for what is out of range, a mask whose shape differs, or an
    index that is neither.
    Example: ``x[1:, None, [0, 2]]``. Source: ``torch.Tensor.__getitem__``.
    """
    part, indices, dims = _part(input, index)
    if part is None:
        part = input if indices else Slice.apply(input, index=(...,))
    return Index.apply(part, *indices, dims=dims) if indices else part


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """``input[index] = value``, in place, broadcast; gradients pass to both.

    Numbers, tensors of 0 dimensions and values for basic indices are cast to input's dtype.
    Raises RuntimeError for index tensors where the dtypes differ, or shapes that do not fit.
    Example: ``x[x < 0] = 0``. Source: ``torch.Tensor.__setitem__``.
    """
    part, indices, dims = _part(input, index)
    part = input if part is None else part
    value = _assignable(value)
    if not indices:
        write(part, "setitem", Copy, _without_leading_ones(value, part.ndim))
        return
    put_at("setitem", part, value, indices, dims, accumulate=False)


def put_at(
    function: str, target: Tensor, value: Any, indices: Any, dims: Any, accumulate: bool
) -> None:
    """Write `value` in place at the index, after a look at its shape and dtype."""
    value = _fitting(function, target, value, indices, dims)
    if len(indices) == 1 and not accumulate and getattr(value, "ndim", 0) == 0:
        mask = indices[0]
        if dims == (0,) and hasattr(mask, "_array") and mask._array.dtype.kind == "b":
            mask = reshape(mask, (*mask.shape, *[1] * (target.ndim - mask.ndim)))
            write(target, function, MaskedFill, mask, value)
            return
    write(target, function, IndexPut, value, *indices, dims=dims, accumulate=accumulate)


def _taken_shape(
    function: str, shape: tuple[int, ...], indices: list[np.ndarray], dims: Sequence[int]
) -> tuple[int, ...]:
    """The shape of what the index takes; IndexError where it is out of range."""
    index, at = indices[0], dims[0]
    if len(indices) == 1 and index.dtype.kind != "b":
        checked(function, index, at, shape[at])
        return (*shape[:at], *index.shape, *shape[at + 1 :])
    if len(indices) == 1 and index.shape == shape[at : at + index.ndim]:
        return (*shape[:at], int(np.count_nonzero(index)), *shape[at + index.ndim :])
    try:  # an array without memory tells it
        return np.broadcast_to(np.False_, shape)[full_index(indices, dims)].shape
    except IndexError as error:
        raise IndexError(f"{function}: {error}") from None


def _fitting(function: str, target: Tensor, value: Any, indices: Any, dims: Any) -> Any:
    """`value` where its dtype and shape fit what the index takes; RuntimeError where not."""
    arrays = [each if isinstance(each, np.ndarray) else each._array for each in indices]
    shape = _taken_shape(function, shape_of(target), arrays, dims)
    if not hasattr(value, "shape"):
        return value
    if value.ndim and value.dtype != target.dtype:
        raise RuntimeError(
            f"{function}: with index tensors the value must have the tensor's dtype "
            f"{target.dtype}, got {value.dtype}"
        )
    value = _without_leading_ones(value, len(shape))
    have = shape_of(value)
    tail = shape[len(shape) - len(have) :]
    if len(have) > len(shape) or any(n not in (1, m) for n, m in zip(have, tail, strict=True)):
        raise RuntimeError(
            f"{function}: value of shape {have} cannot be broadcast to the shape {shape} of what "
            "is indexed"
        )
    return value


def _assignable(value: Any) -> Any:
    if isinstance(value, (list, tuple, np.ndarray)):
        return creation.tensor(value)
    if isinstance(value, np.generic):
        return value.item()
    if not hasattr(value, "_array") and not isinstance(value, (int, float, complex)):
        raise TypeError(f"setitem: cannot assign {type(value).__name__}; expected Tensor or number")
    return value


def _without_leading_ones(value: Any, ndim: int) -> Any:
    if not hasattr(value, "_array") or value.ndim <= ndim:
        return value
    extra = value.ndim - ndim
    have = shape_of(value)
    return reshape(value, have[extra:]) if have[:extra] == (1,) * extra else value


def _part(input: Tensor, index: Any) -> tuple[Any, list[Any], tuple[int, ...]]:
    """The view that the basic part of an index takes, and the index tensors left for it.

    The view is None where the basic part takes everything.
    """
    kind = type(index)
    if kind is int:
        return Slice.apply(_indexable(input), index=(index, ...)), [], ()
    if kind is slice:
        return Slice.apply(_indexable(input), index=(_slice(index), ...)), [], ()
    plain = _plain(index, input.ndim) if kind is tuple else None
    if plain is not None:
        return Slice.apply(input, index=plain), [], ()
    basic, indices, dims = _parsed(input.shape, index if kind is tuple else (index,))
    if all(each is Ellipsis or (type(each) is slice and each == _ALL) for each in basic):
        if sum(each is not Ellipsis for each in basic) > input.ndim:
            raise _too_many(input.shape)
        return None, indices, dims
    if Ellipsis not in basic:
        basic.append(Ellipsis)  # with it an index of ints only is a view too
    return Slice.apply(input, index=tuple(basic)), indices, dims


def _plain(index: tuple[Any, ...], ndim: int) -> tuple[Any, ...] | None:
    """The index for `Slice` where it has ints and slices only, the commonest case."""
    parts: list[Any] = []
    for each in index:
        kind = type(each)
        if kind is int:
            parts.append(each)
        elif kind is slice:
            parts.append(_slice(each))
        else:
            return None
    return None if len(parts) > ndim else (*parts, ...)


def _parsed(
    shape: Sequence[int], items: tuple[Any, ...]
) -> tuple[list[Any], list[Any], tuple[int, ...]]:
    """Items of an index as a basic index, and index tensors with their dimensions after it."""
    items = tuple([_item(each) for each in items])
    free = len(shape) - sum(_dims_taken(each) for each in items)
    if free < 0:
        raise _too_many(shape)
    basic: list[Any] = []
    indices: list[Any] = []
    dims: list[int] = []
    dim = 0
    for each in items:
        kind = type(each)
        if kind is int:
            basic.append(each)
        elif kind is slice or each is None:
            basic.append(each)
            dim += 1
        elif each is Ellipsis:
            if Ellipsis in basic:
                raise IndexError("an index can have only one Ellipsis (...)")
            basic.append(each)
            dim += free
        elif kind is bool:  # a new dimension, of which one or no element is taken
            basic.append(None)
            indices.append(np.zeros(int(each), np.int64))
            dims.append(dim)
            dim += 1
        else:
            taken = _dims_taken(each)
            basic += [_ALL] * taken
            indices.append(each)
            dims.append(dim)
            dim += taken
    return basic, indices, tuple(dims)


def _item(item: Any) -> Any:
    """One item of an index as int, bool, slice, None, Ellipsis, or an index or mask tensor."""
    kind = type(item)
    if kind is int or kind is bool or item is None or item is Ellipsis:
        return item
    if kind is slice:
        return _slice(item)
    if isinstance(item, (list, tuple, range)):
        item = creation.tensor(list(item))
        item = item if item.numel() else wrap(np.zeros(item._array.shape, np.int64))
    elif isinstance(item, (np.ndarray, np.generic)):
        item = wrap(np.array(item))
    if hasattr(item, "_array"):
        return _index_tensor(item)
    try:
        return operator.index(item)
    except TypeError:
        raise IndexError(
            "an index must be an int, slice, None, Ellipsis, bool, or an integer or bool tensor, "
            f"got {type(item).__name__}"
        ) from None


def _index_tensor(item: Any) -> Any:
    array = item._array
    if array.dtype.kind not in "iub":
        raise IndexError(f"a tensor used as an index must be integer or bool, got {item.dtype}")
    if array.dtype == np.uint8:  # bytes are a mask, as they were before there was bool
        item = wrap(array.astype(np.bool_))
    if array.ndim == 0:
        return bool(array) if item._array.dtype.kind == "b" else int(array)
    return item


def _slice(part: slice) -> slice:
    if part.step is not None and operator.index(part.step) <= 0:
        raise ValueError(f"a slice needs a step above 0, got {part.step}; use flip() to reverse")
    bounds = (part.start, part.stop, part.step)
    if all(each is None or type(each) is int for each in bounds):
        return part
    return slice(*[None if each is None else operator.index(each) for each in bounds])


def _dims_taken(item: Any) -> int:
    """How many dimensions of the tensor an item of an index speaks of."""
    kind = type(item)
    if item is None or item is Ellipsis or kind is bool:
        return 0
    if kind is int or kind is slice:
        return 1
    return item._array.ndim if item._array.dtype.kind == "b" else 1


def _indexable(input: Tensor) -> Tensor:
    if input.ndim == 0:
        raise IndexError("a tensor of 0 dimensions cannot be indexed; item() gives its value")
    return input


def _too_many(shape: Sequence[int]) -> IndexError:
    return IndexError(f"too many indices for a tensor of {len(shape)} dimensions")


def with_a_dim(input: Tensor) -> Tensor:
    return input if input.ndim else reshape(input, 1)


def single(function: str, value: Any) -> Any:
    """A number or a Tensor of 0 dimensions."""
    if isinstance(value, (int, float, complex)) or (hasattr(value, "_array") and value.ndim == 0):
        return value
    what = f"shape {tuple(value.shape)}" if hasattr(value, "shape") else type(value).__name__
    raise RuntimeError(f"{function}: value must be a number or a 0-dimensional tensor, got {what}")


# -- anywhere -----------------------------------------------------------------------------------


def _indices(function: str, input: Tensor, indices: Sequence[Tensor | None]) -> Any:
    """Index tensors, one per dimension (None: all of it), as `_parsed` gives them."""
    if not isinstance(indices, (tuple, list)):
        kind = type(indices).__name__
        raise TypeError(f"{function}: indices must be a tuple of Tensors, got {kind}")
    items = []
    for each in indices:
        if each is not None and not hasattr(each, "_array"):
            raise TypeError(f"{function}: indices must be Tensors, got {type(each).__name__}")
        items.append(_ALL if each is None else with_a_dim(each))
    _, parsed, dims = _parsed(input.shape, tuple(items))
    if not parsed:
        raise IndexError(f"{function}: at least one index tensor must be given")
    return parsed, dims


def index_put_(
    input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Tensor:
    """``input[indices] = values``, or ``+=`` with `accumulate`, where equal indices add up.

    Source: ``torch.Tensor.index_put_``.
    """
    found, dims = _indices("index_put_", input, indices)
    put_at("index_put_", input, values, found, dims, accumulate)
    return input


def index_put(
    input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Tensor:
    """A copy of input with `values` put, or added with `accumulate`, at the `indices`.

    `indices` are index or mask tensors for the first dimensions; values are broadcast. Raises
    IndexError out of range and RuntimeError where dtypes or shapes differ.
    Example: ``airi.index_put(x, (rows, columns), values)``. Source: ``torch.index_put``.
    """
    found, dims = _indices("index_put", input, indices)
    values = _fitting("index_put", input, values, found, dims)
    return IndexPut.apply(input, values, *found, dims=dims, accumulate=accumulate)


def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements of the flattened input at `index`, in index's shape.

    Raises IndexError where an index is out of range. Source: ``torch.take``.
    """
    if index._array.dtype != np.int64:
        raise RuntimeError(f"take: index must be int64, got {index.dtype}")
    result = Index.apply(reshape(input, -1), index, dims=(0,))
    return result if out is None else written("take", out, result)


def put_(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """`put` in place. Source: ``torch.Tensor.put_``."""
    source = _as_many("put_", index, source)
    target = with_a_dim(input)
    flat = checked("put_", index._array, 0, input.numel())
    places = [np.asarray(each) for each in np.unravel_index(flat, target._array.shape)]
    put_at("put_", target, source, places, tuple(range(target.ndim)), accumulate)
    return input


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of input with `source` at the places `index` of the flattened input, or added there.

    Source: ``torch.put``.
    """
    source = _as_many("put", index, source)
    flat = reshape(input, -1)
    source = _fitting("put", flat, source, (index,), (0,))
    out = IndexPut.apply(flat, source, index, dims=(0,), accumulate=accumulate)
    return reshape(out, shape_of(input))


def _as_many(function: str, index: Tensor, source: Tensor) -> Tensor:
    if index._array.dtype != np.int64:
        raise RuntimeError(f"{function}: index must be int64, got {index.dtype}")
    if source.numel() != index.numel():
        raise RuntimeError(
            f"{function}: source must have as many elements as index, {index.numel()}; "
            f"got {source.numel()}"
        )
    return reshape(source, shape_of(index))
