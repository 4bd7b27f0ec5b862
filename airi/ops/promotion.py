"""Which dtype an op computes in: PyTorch's type promotion on NumPy arrays.

NumPy and PyTorch differ in three things: int32 with float32 is float32 here (NumPy: float64), a
0-dimensional tensor does not raise the precision of one with dimensions, and functions such as exp
take integers to the default float dtype. Python scalars never promote float32 in either.

float16 with bfloat16 is float32. A complex dtype absorbs real ones: its parts are as precise as
the more precise of both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Rule
from airi.ops.views import array_of

RANK = {"b": 0, "i": 1, "u": 1, "f": 2, "V": 2, "c": 3}  # V: bfloat16
_BOOL = np.dtype(np.bool_)
_NUMBERS = (bool, int, float, complex)
_INT64 = np.dtype(np.int64)


class Elementwise(Rule):
    """A rule whose inputs are broadcast together and computed in their common dtype."""

    broadcasts = True
    floating = False  # whether integers are computed in the default float dtype
    ufunc: np.ufunc | None = None  # the whole forward, where it is one: it can write in place
    numbers: tuple[int, ...] | None = None  # the inputs that may be Python numbers; None: any

    @classmethod
    def prepare(cls, arrays: list[Any]) -> list[Any]:
        # The common case, all tensors of one dtype and scalars that it can hold, changes nothing.
        common = None
        has_float = has_int = False
        for each in arrays:
            kind = type(each)
            if kind is np.ndarray:
                if common is None:
                    common = each.dtype
                elif each.dtype is not common:
                    return cls.checked(promoted(arrays, cls.floating))
            elif kind is float:
                has_float = True
            elif kind is int:
                has_int = True
            else:
                if cls.numbers is not None:
                    cls._refuse_numbers(arrays)
                return cls.checked(promoted(arrays, cls.floating))
        assert common is not None
        if (has_float or has_int) and cls.numbers is not None:
            cls._refuse_numbers(arrays)
        if common.kind != "f":
            if has_float or cls.floating or (has_int and common is not _INT64):
                arrays = promoted(arrays, cls.floating)
            return cls.checked(arrays)
        return arrays

    @classmethod
    def _refuse_numbers(cls, arrays: list[Any]) -> None:
        assert cls.numbers is not None
        for position, each in enumerate(arrays):
            if type(each) in _NUMBERS and position not in cls.numbers:
                name = cls.inputs[position]
                raise TypeError(f"{name} must be a Tensor, got {type(each).__name__}")


def require_float(function: str, *tensors: Any) -> None:
    """Refuse tensors of integers for what PyTorch does not convert either."""
    given = [array_of(each).dtype for each in tensors]
    if any(each.kind not in dtypes.DIFFERENTIABLE for each in given):
        got = " and ".join(str(dtypes.of(each)) for each in given)
        raise RuntimeError(f"{function}: expected floating-point tensors, got {got}")


def refuse_complex(function: str, *tensors: Any) -> None:
    """Refuse complex numbers for what is not made of rules, which see to that themselves."""
    for each in tensors:
        if np.iscomplexobj(array_of(each)):
            raise RuntimeError(f"{function}: complex numbers are not supported, got {each.dtype}")


def promoted(arrays: list[Any], floating: bool = False) -> list[Any]:
    """The arrays in their common dtype, Python scalars left weak (see `result_dtype`)."""
    values = [each.item() if isinstance(each, np.generic) else each for each in arrays]
    dtype = result_dtype(values)
    if floating and dtype.kind in "biu":
        dtype = dtypes.default_numpy()
    result: list[Any] = []
    for each in values:
        if isinstance(each, np.ndarray):
            result.append(each.astype(dtype, copy=False))
        elif dtype.kind in dtypes.FLOATING:
            result.append(float(each))
        elif dtype.kind == "c":
            result.append(complex(each))
        else:
            result.append(np.asarray(each).astype(dtype))
    return result


def result_dtype(values: list[Any]) -> np.dtype:
    """The common dtype: tensors with dimensions rule, then 0-dimensional ones, then scalars.

    A lower one of the three only raises the kind (bool < integer < float), never the precision.
    Source: ``torch.result_type``.
    """
    dimensioned: np.dtype | None = None
    zero_dimensional: np.dtype | None = None
    scalar: np.dtype | None = None
    for each in values:
        if isinstance(each, np.ndarray):
            if each.ndim:
                dimensioned = promote_types(dimensioned, each.dtype)
            else:
                zero_dimensional = promote_types(zero_dimensional, each.dtype)
        else:
            scalar = promote_types(scalar, _scalar_dtype(each))
    result = _higher(dimensioned, _higher(zero_dimensional, scalar))
    assert result is not None
    return result


def promote_types(first: np.dtype | None, second: np.dtype) -> np.dtype:
    """The dtype that holds both: a float dtype absorbs integers, a complex one all others.

    Raises RuntimeError for uint16, uint32 or uint64 with another dtype that is no float.
    """
    if first is None or first == second:
        return second
    if "c" in (first.kind, second.kind) and not (_is_wide(first) or _is_wide(second)):
        return np.promote_types(dtypes.complex_of(first), dtypes.complex_of(second))
    if RANK[first.kind] != RANK[second.kind] and 2 in (RANK[first.kind], RANK[second.kind]):
        return first if RANK[first.kind] == 2 else second
    if _is_wide(first) or _is_wide(second):
        raise RuntimeError(
            f"{dtypes.of(first)} and {dtypes.of(second)} have no common dtype: of uint16, uint32 "
            "and uint64 there is none with other integers or complex dtypes; convert one with .to()"
        )
    if "V" in (first.kind, second.kind):  # bfloat16 has float32's range, half its bits
        return np.promote_types(np.float32, first if second.kind == "V" else second)
    return np.promote_types(first, second)


def _is_wide(dtype: np.dtype) -> bool:
    """Whether it is an unsigned dtype that PyTorch does not promote."""
    return dtype.kind == "u" and dtype.itemsize > 1


def _higher(first: np.dtype | None, second: np.dtype | None) -> np.dtype | None:
    """The first dtype, raised to the second's kind where that is higher."""
    if first is None or second is None:
        return first if second is None else second
    if RANK[second.kind] <= RANK[first.kind]:
        return first
    if second.kind == "c" and first.kind in dtypes.FLOATING:
        return dtypes.complex_of(first)
    return second


def _scalar_dtype(value: Any) -> np.dtype:
    if isinstance(value, bool):
        return _BOOL
    if isinstance(value, int):
        return _INT64
    if isinstance(value, float):
        return dtypes.default_numpy()
    if isinstance(value, complex):
        return dtypes.default_complex()
    raise TypeError(f"expected a Tensor or a number, got {type(value).__name__}: {value!r}")
