"""The same values in another dtype or in memory of their own.

The casts named after a dtype (``x.float()``) are in `casts.py`.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes, spelling
from airi.autograd.graph import Rule
from airi.device import device

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["clone"]


def in_dtype(array: np.ndarray, dtype: Any) -> np.ndarray:
    """A copy in another dtype; UserWarning where imaginary parts are lost."""
    if array.dtype.kind == "c" and np.dtype(dtype).kind not in "cb":
        warnings.warn(
            "casting complex numbers to real ones discards the imaginary part; take .real",
            UserWarning,
            stacklevel=4,
        )
        array = array.real
    return array.astype(dtype)


class Cast(Rule):
    """out = x in another dtype;  dx = g in x's dtype, which the engine sees to"""

    complex = True

    @staticmethod
    def forward(x, *, dtype):
        return in_dtype(x, dtype)

    @staticmethod
    def backward(g):
        return g


def cast(input: Tensor, dtype: Any) -> Tensor:
    """The values in another dtype; the tensor itself where it has that dtype already.

    Gradients pass between floating-point and complex dtypes. Source: ``torch.Tensor.to``.
    """
    wanted = dtypes.to_numpy(dtype)
    have = input.dtype if isinstance(input, np.ndarray) else input._array.dtype
    return input if have == wanted else Cast.apply(input, dtype=wanted)


def cast_if(input: Tensor, dtype: Any) -> Tensor:
    """`cast` where a dtype is asked for: reductions do so before, and after for narrow integers."""
    return input if dtype is None else cast(input, dtype)


class Clone(Rule):
    """out = a copy of x;  dx = g"""

    complex = True

    @staticmethod
    def forward(x, *, order="K"):
        return x.copy(order)

    @staticmethod
    def backward(g):
        return g


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy with memory of its own; gradients pass to the input.

    `memory_format` is accepted to no effect. Source: ``torch.clone``.
    """
    return Clone.apply(input)


def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself where its elements lie in the order of the indices, else such a copy.

    `memory_format` is accepted to no effect. Source: ``torch.Tensor.contiguous``.
    """
    return input if input._array.flags.c_contiguous else Clone.apply(input, order="C")


def to(input: Tensor, *args: Any, copy: bool = False, **kwargs: Any) -> Tensor:
    """The tensor in another dtype: ``x.to(airi.float64)``, ``x.to("cpu")``, ``x.to(other)``.

    Returns the tensor itself where nothing changes, unless `copy`. Raises RuntimeError for a
    device that is not the CPU. Source: ``torch.Tensor.to``.
    """
    dtype, copy = _target(args, kwargs, copy)
    result = input if dtype is None else cast(input, dtype)
    return clone(result) if copy and result is input else result


def _target(args: tuple[Any, ...], kwargs: dict[str, Any], copy: bool) -> tuple[Any, bool]:
    """The dtype asked for in the many ways of calling `to`; the device is checked."""
    dtype = kwargs.pop("dtype", None)
    given = [*args, kwargs.pop("other", None), kwargs.pop("device", None)]
    for name in ("non_blocking", "memory_format"):
        kwargs.pop(name, None)
    if kwargs:
        raise TypeError(f"to: unexpected arguments {sorted(kwargs)}")
    flags = [each for each in given if isinstance(each, bool)]  # non_blocking, copy
    for each in given:
        if isinstance(each, bool) or each is None:
            continue
        if hasattr(each, "_array"):
            dtype = each._array.dtype
        elif isinstance(each, (str, device)):
            device(each)
        else:
            dtype = each
    return dtype, copy or (len(flags) > 1 and flags[1])


def type(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Tensor | str:
    """The tensor cast to `dtype`, or without one its type's name, such as "airi.FloatTensor".

    `dtype` may be a dtype, one of the old types (``airi.LongTensor``) or its name, with "torch."
    before it too. Raises ValueError for an unknown name. Source: ``torch.Tensor.type``.
    """
    if dtype is None:
        return f"{spelling.own_name}.{_TENSOR_TYPE_OF[input.dtype]}"
    return cast(input, tensor_type_dtype(dtype))


TENSOR_TYPES = {
    "HalfTensor": dtypes.float16,
    "BFloat16Tensor": dtypes.bfloat16,
    "FloatTensor": dtypes.float32,
    "DoubleTensor": dtypes.float64,
    "ComplexFloatTensor": dtypes.complex64,
    "ComplexDoubleTensor": dtypes.complex128,
    "CharTensor": dtypes.int8,
    "ShortTensor": dtypes.int16,
    "IntTensor": dtypes.int32,
    "LongTensor": dtypes.int64,
    "ByteTensor": dtypes.uint8,
    "UInt16Tensor": dtypes.uint16,
    "UInt32Tensor": dtypes.uint32,
    "UInt64Tensor": dtypes.uint64,
    "BoolTensor": dtypes.bool,
}
_TENSOR_TYPE_OF = {dtype: name for name, dtype in TENSOR_TYPES.items()}


def tensor_type_dtype(wanted: Any) -> Any:
    """The dtype that a dtype, an old tensor type or the name of one stands for."""
    name = wanted if isinstance(wanted, str) else getattr(wanted, "__name__", "")
    module, _, last = name.rpartition(".")
    if module in ("torch.cuda", "airi.cuda"):
        raise RuntimeError(f"type: {wanted!r}: airi computes on the CPU, there is no GPU")
    if last in TENSOR_TYPES and module in ("", "torch", "airi"):
        return TENSOR_TYPES[last]
    if isinstance(wanted, str):
        known = ", ".join(TENSOR_TYPES)
        raise ValueError(f"type: unknown tensor type {wanted!r}; expected one of {known}")
    return wanted


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype of `other`. Source: ``torch.Tensor.type_as``."""
    return cast(input, other._array.dtype)


def cpu(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself: it is on the CPU already. Source: ``torch.Tensor.cpu``."""
    return input


def cuda(input: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """Raises RuntimeError: airi computes on the CPU. Source: ``torch.Tensor.cuda``."""
    raise RuntimeError(
        "cuda: airi computes on the CPU, there is no GPU; guard it with airi.cuda.is_available()"
    )
