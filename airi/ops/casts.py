"""The casts that are methods named after a dtype: ``x.float()``, ``x.long()``.

A module of its own, since it gives the names of Python's types another meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airi import dtypes
from airi.ops.conversion import cast

if TYPE_CHECKING:
    from airi.tensor import Tensor


def half(input: Tensor, memory_format: Any = None) -> Tensor:
    """``input.to(airi.float16)``. Source: ``torch.Tensor.half``."""
    return cast(input, dtypes.float16)


def bfloat16(input: Tensor, memory_format: Any = None) -> Tensor:
    """``input.to(airi.bfloat16)``. Source: ``torch.Tensor.bfloat16``."""
    return cast(input, dtypes.bfloat16)


def float(input: Tensor, memory_format: Any = None) -> Tensor:
    """``input.to(airi.float32)``. Source: ``torch.Tensor.float``."""
    return cast(input, dtypes.float32)


def double(input: Tensor, memory_format: Any = None) -> Tensor:
    """``input.to(airi.float64)``. Source: ``torch.Tensor.double``."""
    return cast(input, dtypes.float64)


def cfloat(input: Tensor, memory_format: Any = None) -> Tensor:
    """``input.to(airi.complex64)``. Source: ``torch.Tensor.cfloat``."""
    return cast(input, dtypes.complex64)


def cdouble(input: Tensor, memory_format: Any = None) -> Tensor:
    """``input.to(airi.complex128)``. Source: ``torch.Tensor.cdouble``."""
    return cast(input, dtypes.complex128)


def char(input: Tensor, memory_format: Any = None) -> Tensor:
    """``input.to(airi.int8)``. Source: ``torch.Tensor.char``."""
    return cast(input, dtypes.int8)


def short(input: Tensor, memory_format: Any = None) -> Tensor:
    """``input.to(airi.int16)``. Source: ``torch.Tensor.short``."""
    return cast(input, dtypes.int16)


def int(input: Tensor, memory_format: Any = None) -> Tensor:
    """``input.to(airi.int32)``. Source: ``torch.Tensor.int``."""
    return cast(input, dtypes.int32)


def long(input: Tensor, memory_format: Any = None) -> Tensor:
    """``input.to(airi.int64)``. Source: ``torch.Tensor.long``."""
    return cast(input, dtypes.int64)


def byte(input: Tensor, memory_format: Any = None) -> Tensor:
    """``input.to(airi.uint8)``. Source: ``torch.Tensor.byte``."""
    return cast(input, dtypes.uint8)


def bool(input: Tensor, memory_format: Any = None) -> Tensor:
    """``input.to(airi.bool)``: whether each element is not 0. Source: ``torch.Tensor.bool``."""
    return cast(input, dtypes.bool)
