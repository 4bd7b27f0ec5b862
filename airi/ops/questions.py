"""Questions about tensors and dtypes; their answers are plain Python values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd import graph
from airi.ops import promotion

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "broadcast_shapes",
    "can_cast",
    "is_complex",
    "is_conj",
    "is_floating_point",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "is_tensor",
    "numel",
    "promote_types",
    "result_type",
    "typename",
]


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that tensors of these shapes (tuples or ints) are broadcast to.

    Raises RuntimeError where they cannot be. Example: ``broadcast_shapes((2, 1), 3)`` is (2, 3).
    Source: ``torch.broadcast_shapes``.
    """
    given = [(each,) if isinstance(each, int) else tuple(each) for each in shapes]
    if any(n < 0 for each in given for n in each):
        raise RuntimeError(f"broadcast_shapes: sizes must not be negative, got {given}")
    try:
        full = np.broadcast_to(np.zeros(()), np.broadcast_shapes(*given))
    except ValueError:
        raise RuntimeError(f"broadcast_shapes: {given} cannot be broadcast together") from None
    return graph.wrap(full).shape


def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers. Source: ``torch.is_signed``."""
    return input.dtype.is_signed


def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a Tensor. Source: ``torch.is_tensor``."""
    return isinstance(obj, graph.Tensor)


def typename(obj: Any) -> str:
    """The type of a Tensor with its dtype, else that of the object, with its module.

    Example: ``airi.typename(airi.ones(1))`` is ``"airi.FloatTensor"``. Source: ``torch.typename``.
    """
    if isinstance(obj, graph.Tensor):
        return obj.type()
    kind = obj if isinstance(obj, type) else type(obj)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"


def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is float16, bfloat16, float32 or float64.

    Source: ``torch.is_floating_point``.
    """
    return input.is_floating_point()


def is_complex(input: Tensor) -> bool:
    """Whether the dtype is complex64 or complex128. Source: ``torch.is_complex``."""
    return input.is_complex()


def is_conj(input: Tensor) -> bool:
    """False: airi conjugates at once, not when asked. Source: ``torch.is_conj``."""
    return False


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element is not 0; RuntimeError where there is not exactly one.

    Source: ``torch.is_nonzero``.
    """
    return bool(input)


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether the shapes are the same. Source: ``torch.is_same_size``."""
    return input._array.shape == other._array.shape


def numel(input: Tensor) -> int:
    """The number of elements; TypeError for what is no Tensor. Source: ``torch.numel``."""
    if not isinstance(input, graph.Tensor):
        raise TypeError(f"numel: input must be a Tensor, got {type(input).__name__}")
    return input._array.size


def promote_types(type1: Any, type2: Any) -> dtypes.dtype:
    """The smallest dtype that holds both, where floats absorb integers and complex dtypes both.

    Raises RuntimeError for uint16, uint32 or uint64 with another integer dtype.
    Example: ``airi.promote_types(airi.int32, airi.float32)`` is float32.
    Source: ``torch.promote_types``.
    """
    return dtypes.of(promotion.promote_types(dtypes.to_numpy(type1), dtypes.to_numpy(type2)))


def result_type(tensor1: Any, tensor2: Any) -> dtypes.dtype:
    """The dtype of arithmetic with these two tensors or numbers.

    Tensors with dimensions rule over 0-dimensional ones, those over Python numbers: the lower only
    raises the kind (bool < integer < float < complex). Source: ``torch.result_type``.
    """
    values = [each._array if hasattr(each, "_array") else each for each in (tensor1, tensor2)]
    return dtypes.of(promotion.result_dtype(values))


def can_cast(from_: Any, to: Any) -> bool:
    """Whether PyTorch casts so by itself: not from complex to real, from float to integer, to bool.

    Source: ``torch.can_cast``.
    """
    rank = promotion.RANK
    have, want = dtypes.to_numpy(from_), dtypes.to_numpy(to)
    return rank[have.kind] <= rank[want.kind]
