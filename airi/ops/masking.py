"""Masks: filling, selecting and scattering where a bool tensor is True, and where that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import wrap
from airi.ops import elementwise
from airi.ops.indexing import Index, IndexPut, single
from airi.ops.inplace import MaskedFill, write
from airi.ops.names import require_tensor
from airi.ops.out import written
from airi.ops.views import broadcast_to, narrow, reshape

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = [
    "argwhere",
    "masked_fill",
    "masked_scatter",
    "masked_select",
    "nonzero",
]


def _mask(function: str, mask: Tensor) -> Tensor:
    if not hasattr(mask, "_array"):
        raise TypeError(f"{function}: mask must be a bool Tensor, got {type(mask).__name__}")
    if mask._array.dtype.kind != "b":
        raise RuntimeError(f"{function}: mask must be a bool tensor, got {mask.dtype}")
    return mask


def masked_fill_(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """``input[mask] = value``, mask broadcast to input. Source: ``torch.Tensor.masked_fill_``."""
    value = single("masked_fill_", value)
    return write(input, "masked_fill_", MaskedFill, _mask("masked_fill_", mask), value)


def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """A copy of input with `value` where `mask` is True; both are broadcast together.

    `value` is a number or a 0-dimensional tensor. Raises RuntimeError where mask is not bool.
    Example: ``scores.masked_fill(mask, float("-inf"))``. Source: ``torch.masked_fill``.
    """
    value = single("masked_fill", value)
    return MaskedFill.apply(input, _mask("masked_fill", mask), value)


def where(
    input: Tensor, condition: Tensor, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """``airi.where(condition, input, other)`` as a method. Source: ``torch.Tensor.where``."""
    result = elementwise.where(condition, input, other)
    return result if out is None else written("where", out, result)


def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements where `mask` is True, in one dimension; both are broadcast together.

    Source: ``torch.masked_select``.
    """
    _mask("masked_select", mask)
    try:
        shape = np.broadcast_shapes(input._array.shape, mask._array.shape)
    except ValueError:
        raise RuntimeError(
            f"masked_select: mask of shape {tuple(mask.shape)} and input of shape "
            f"{tuple(input.shape)} cannot be broadcast together"
        ) from None
    if not shape:
        input, mask, shape = reshape(input, 1), reshape(mask, 1), (1,)
    result = Index.apply(broadcast_to(input, shape), broadcast_to(mask, shape), dims=(0,))
    return result if out is None else written("masked_select", out, result)


def _scattered(function: str, input: Tensor, mask: Tensor, source: Tensor) -> tuple[Any, Any]:
    """The mask in input's shape, and as many first elements of source as it has True ones."""
    _mask(function, mask)
    if source.dtype != input.dtype:
        raise RuntimeError(
            f"{function}: source must have the tensor's dtype {input.dtype}, got {source.dtype}"
        )
    mask = broadcast_to(mask, input.shape)
    count = int(np.count_nonzero(mask._array))
    if source.numel() < count:
        raise RuntimeError(
            f"{function}: mask has {count} True elements, source only {source.numel()} elements"
        )
    return mask, narrow(reshape(source, -1), 0, 0, count)


def masked_scatter_(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """``input[mask] = source``'s first elements. Source: ``torch.Tensor.masked_scatter_``."""
    mask, values = _scattered("masked_scatter_", input, mask, source)
    return write(input, "masked_scatter_", IndexPut, values, mask, dims=(0,))


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of input with the elements where `mask` is True taken from `source` in order.

    Raises RuntimeError where source has fewer elements. Source: ``torch.masked_scatter``.
    """
    if hasattr(mask, "_array") and mask.ndim > input.ndim:
        input = broadcast_to(input, mask.shape)
    mask, values = _scattered("masked_scatter", input, mask, source)
    return IndexPut.apply(input, values, mask, dims=(0,))


def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The int64 indices of elements that are not zero, (count, ndim), in order.

    With `as_tuple`: one tensor per dimension, with which input can be indexed. No gradient.
    Example: ``x[x.nonzero(as_tuple=True)]``. Source: ``torch.nonzero``.
    """
    require_tensor("nonzero", "input", input)
    array = input._array
    if as_tuple:
        found = np.atleast_1d(array).nonzero()
        return tuple([wrap(np.ascontiguousarray(each)) for each in found])
    result = wrap(np.ascontiguousarray(np.argwhere(array)))
    return result if out is None else written("nonzero", out, result)


def argwhere(input: Tensor) -> Tensor:
    """The indices of elements that are not zero, (count, ndim). Source: ``torch.argwhere``."""
    return nonzero(input)
