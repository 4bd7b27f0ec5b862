"""Slices along one dimension, chosen by an index tensor: index_select, _add, _copy and _fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import wrap
from airi.ops.elementwise import mul
from airi.ops.indexing import Index, IndexPut, put_at, single, with_a_dim
from airi.ops.names import normal_dim, numpy_names, require_tensor
from airi.ops.places import checked
from airi.ops.views import reshape

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = ["index_add", "index_copy", "index_fill", "index_select"]


def _index_along(
    function: str, input: Tensor, dim: int, index: Tensor, negative: bool = False
) -> tuple[int, Tensor]:
    """The dimension from the front and the index as a tensor of one dimension, looked at."""
    if not hasattr(index, "_array"):
        raise TypeError(f"{function}: index must be a Tensor, got {type(index).__name__}")
    if index._array.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{function}: index must be int64 or int32, got {index.dtype}")
    if index.ndim > 1:
        raise IndexError(
            f"{function}: index must have 0 or 1 dimensions, got shape {tuple(index.shape)}"
        )
    require_tensor(function, "input", input)
    at = normal_dim(function, dim, input.ndim)
    size = input.shape[at] if input.ndim else 1
    checked(function, index._array, at, size, negative)
    return at, index if index.ndim else reshape(index, 1)


@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The elements of dimension `dim` in the order of `index`, of one dimension: a copy.

    Raises IndexError where an index is out of range. Gradients of elements taken twice add up.
    Example: ``airi.index_select(x, 0, airi.tensor([2, 0]))``. Source: ``torch.index_select``.
    """
    at, index = _index_along("index_select", input, dim, index)
    if input.ndim == 0:
        return reshape(Index.apply(reshape(input, 1), index, dims=(0,)), ())
    return Index.apply(input, index, dims=(at,))


def _source_along(function: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """`source` where it has the shape of what `index` takes; RuntimeError where not."""
    if not hasattr(source, "_array"):
        raise TypeError(f"{function}: source must be a Tensor, got {type(source).__name__}")
    if source.dtype != input.dtype:
        raise RuntimeError(
            f"{function}: source must have the tensor's dtype {input.dtype}, got {source.dtype}"
        )
    wanted = list(input.shape)
    wanted[dim : dim + 1] = [index.shape[0]]
    if source.ndim == 0 and wanted == [1]:
        return reshape(source, 1)
    if list(source.shape) != wanted:
        raise RuntimeError(
            f"{function}: source must have shape {tuple(wanted)}, that of the tensor with "
            f"dimension {dim} as long as index; got {tuple(source.shape)}"
        )
    return source


def index_add_(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1
) -> Tensor:
    """``input[index] += alpha * source`` along `dim`; an index that comes twice adds twice.

    Source: ``torch.Tensor.index_add_``.
    """
    at, index = _index_along("index_add_", input, dim, index)
    source = _source_along("index_add_", input, at, index, source)
    source = source if alpha == 1 else mul(source, alpha)
    put_at("index_add_", with_a_dim(input), source, (index,), (at,), accumulate=True)
    return input


@numpy_names
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1
) -> Tensor:
    """A copy of input with ``alpha * source`` added to the elements `index` of dimension `dim`.

    An index that comes twice adds twice. Raises RuntimeError where source has not the shape of
    input with that dimension as long as index. Source: ``torch.index_add``.
    """
    at, index = _index_along("index_add", input, dim, index)
    source = _source_along("index_add", input, at, index, source)
    source = source if alpha == 1 else mul(source, alpha)
    return _out_of_place(input, source, index, at, accumulate=True)


def _out_of_place(input: Tensor, value: Any, index: Tensor, dim: int, accumulate: bool) -> Tensor:
    out = IndexPut.apply(with_a_dim(input), value, index, dims=(dim,), accumulate=accumulate)
    return out if input.ndim else reshape(out, ())


def index_copy_(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """``input[index] = source`` along `dim`. Source: ``torch.Tensor.index_copy_``."""
    at, index = _index_along("index_copy_", input, dim, index)
    source = _source_along("index_copy_", input, at, index, source)
    put_at("index_copy_", with_a_dim(input), source, (index,), (at,), accumulate=False)
    return input


@numpy_names
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of input with the elements `index` of dimension `dim` replaced by `source`.

    Source: ``torch.index_copy``.
    """
    at, index = _index_along("index_copy", input, dim, index)
    source = _source_along("index_copy", input, at, index, source)
    return _out_of_place(input, source, index, at, accumulate=False)


def _filled_places(function: str, input: Tensor, dim: int, index: Tensor) -> tuple[int, Tensor]:
    """As `_index_along`; each place once, as value's gradient counts it, also from the end."""
    at, index = _index_along(function, input, dim, index, negative=True)
    size = input.shape[at] if input.ndim else 1
    return at, wrap(np.unique(checked(function, index._array, at, size)))


def index_fill_(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """``input[index] = value`` along `dim`. Source: ``torch.Tensor.index_fill_``."""
    at, index = _filled_places("index_fill_", input, dim, index)
    value = single("index_fill_", value)
    put_at("index_fill_", with_a_dim(input), value, (index,), (at,), accumulate=False)
    return input


@numpy_names
def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """A copy of input with the elements `index` of dimension `dim` set to one `value`.

    Source: ``torch.index_fill``.
    """
    at, index = _filled_places("index_fill", input, dim, index)
    return _out_of_place(input, single("index_fill", value), index, at, accumulate=False)
