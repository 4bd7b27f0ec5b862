"""PyTorch's old tensor types: ``FloatTensor``, ``LongTensor`` and the others.

They construct (``LongTensor([1, 2])``), are asked about (``isinstance(x, LongTensor)``) and name a
dtype (``x.type(LongTensor)``), but no tensor is an instance by inheritance: all are Tensors.
"""

from __future__ import annotations

from typing import Any

from airi import dtypes
from airi.autograd.graph import wrap
from airi.ops.conversion import tensor_type_dtype
from airi.ops.creation import legacy_array
from airi.tensor import Tensor

__all__ = [
    "BFloat16Tensor",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "set_default_tensor_type",
]


class _TensorType(type):
    """A class whose calls make Tensors of its dtype, and whose instances are all of that dtype."""

    dtype: dtypes.dtype

    def __call__(cls, *data: Any, **options: Any) -> Tensor:
        return wrap(legacy_array(cls.__name__, data, options, cls.dtype.numpy))

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype


class HalfTensor(metaclass=_TensorType):
    """``HalfTensor(2, 3)``: uninitialised; ``HalfTensor([1, 2])``: these values, as float16."""

    dtype = dtypes.float16


class BFloat16Tensor(metaclass=_TensorType):
    """``BFloat16Tensor(2)``: uninitialised; ``BFloat16Tensor([1])``: these values, as bfloat16."""

    dtype = dtypes.bfloat16


class FloatTensor(metaclass=_TensorType):
    """``FloatTensor(2, 3)``: uninitialised; ``FloatTensor([1, 2])``: these values, as float32."""

    dtype = dtypes.float32


class DoubleTensor(metaclass=_TensorType):
    """``DoubleTensor(2, 3)``: uninitialised; ``DoubleTensor([1, 2])``: these values, as float64."""

    dtype = dtypes.float64


class CharTensor(metaclass=_TensorType):
    """``CharTensor(2, 3)``: uninitialised; ``CharTensor([1, 2])``: these values, as int8."""

    dtype = dtypes.int8


class ShortTensor(metaclass=_TensorType):
    """``ShortTensor(2, 3)``: uninitialised; ``ShortTensor([1, 2])``: these values, as int16."""

    dtype = dtypes.int16


class IntTensor(metaclass=_TensorType):
    """``IntTensor(2, 3)``: uninitialised; ``IntTensor([1, 2])``: these values, as int32."""

    dtype = dtypes.int32


class LongTensor(metaclass=_TensorType):
    """``LongTensor(2, 3)``: uninitialised; ``LongTensor([1, 2])``: these values, as int64."""

    dtype = dtypes.int64


class ByteTensor(metaclass=_TensorType):
    """``ByteTensor(2, 3)``: uninitialised; ``ByteTensor([1, 2])``: these values, as uint8."""

    dtype = dtypes.uint8


class BoolTensor(metaclass=_TensorType):
    """``BoolTensor(2, 3)``: uninitialised; ``BoolTensor([1, 0])``: these values, as bool."""

    dtype = dtypes.bool


def set_default_tensor_type(t: Any) -> None:
    """`set_default_dtype` by an old type or its name: ``set_default_tensor_type(DoubleTensor)``.

    Raises TypeError where it is not of a floating-point dtype.
    Source: ``torch.set_default_tensor_type``.
    """
    dtypes.set_default_dtype(tensor_type_dtype(t))
