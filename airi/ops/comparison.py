"""Comparisons, tests of single numbers, logic and bits. Results are bool, except for bits.

No gradient passes. Bounds and tolerances may be Python numbers; tensors are broadcast.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.ops.elementwise import require_same_dtype
from airi.ops.names import require_tensor
from airi.ops.out import written
from airi.ops.promotion import Elementwise, refuse_complex
from airi.ops.views import shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

    Number = int | float | bool

__all__ = [
    "allclose",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "eq",
    "equal",
    "ge",
    "greater",
    "greater_equal",
    "gt",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "le",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
    "not_equal",
    "signbit",
]


class Eq(Elementwise):
    """out = whether x == y"""

    numbers = (1,)
    complex = True

    @staticmethod
    def forward(x, y):
        return np.equal(x, y)


def eq(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = input == other, elementwise with broadcasting, as bool.

    Example: ``airi.eq(predicted, labels).sum()``. Source: ``torch.eq``.
    """
    result = Eq.apply(input, other)
    return result if out is None else written("eq", out, result)


class Ne(Elementwise):
    """out = whether x != y"""

    numbers = (1,)
    complex = True

    @staticmethod
    def forward(x, y):
        return np.not_equal(x, y)


def ne(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = input != other, as bool. Source: ``torch.ne``."""
    result = Ne.apply(input, other)
    return result if out is None else written("ne", out, result)


class Lt(Elementwise):
    """out = whether x < y"""

    numbers = (1,)

    @staticmethod
    def forward(x, y):
        return np.less(x, y)


def lt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = input < other, as bool; False beside NaN. Source: ``torch.lt``."""
    result = Lt.apply(input, other)
    return result if out is None else written("lt", out, result)


class Le(Elementwise):
    """out = whether x <= y"""

    numbers = (1,)

    @staticmethod
    def forward(x, y):
        return np.less_equal(x, y)


def le(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = input <= other, as bool; False beside NaN. Source: ``torch.le``."""
    result = Le.apply(input, other)
    return result if out is None else written("le", out, result)


class Gt(Elementwise):
    """out = whether x > y"""

    numbers = (1,)

    @staticmethod
    def forward(x, y):
        return np.greater(x, y)


def gt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = input > other, as bool; False beside NaN. Source: ``torch.gt``."""
    result = Gt.apply(input, other)
    return result if out is None else written("gt", out, result)


class Ge(Elementwise):
    """out = whether x >= y"""

    numbers = (1,)

    @staticmethod
    def forward(x, y):
        return np.greater_equal(x, y)


def ge(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = input >= other, as bool; False beside NaN. Source: ``torch.ge``."""
    result = Ge.apply(input, other)
    return result if out is None else written("ge", out, result)


not_equal = ne
less = lt
less_equal = le
greater = gt
greater_equal = ge


def operator(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A comparison as an operator: beside what is no number (None, a string, ...) Python decides,
    so ``x == None`` is False and ``x < None`` a TypeError."""

    @functools.wraps(function)
    def compare(input: Tensor, other: Any) -> Any:
        if hasattr(other, "_array") or isinstance(other, _COMPARABLE):
            return function(input, other)
        return NotImplemented

    return compare


_COMPARABLE = (int, float, complex, np.ndarray, np.generic)


class IsNan(Elementwise):
    """out = whether x is NaN"""

    complex = True

    @staticmethod
    def forward(x):
        return np.isnan(x)


def isnan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = whether input is NaN. Source: ``torch.isnan``."""
    result = IsNan.apply(input)
    return result if out is None else written("isnan", out, result)


class IsInf(Elementwise):
    """out = whether x is inf or -inf"""

    complex = True

    @staticmethod
    def forward(x):
        return np.isinf(x)


def isinf(input: Tensor) -> Tensor:
    """out = whether input is inf or -inf. Source: ``torch.isinf``."""
    return IsInf.apply(input)


class IsFinite(Elementwise):
    """out = whether x is neither infinite nor NaN"""

    complex = True

    @staticmethod
    def forward(x):
        return np.isfinite(x)


def isfinite(input: Tensor) -> Tensor:
    """out = whether input is neither infinite nor NaN. Source: ``torch.isfinite``."""
    return IsFinite.apply(input)


def isposinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = whether input is inf. Source: ``torch.isposinf``."""
    refuse_complex("isposinf", input)
    result = eq(input, float("inf"))
    return result if out is None else written("isposinf", out, result)


def isneginf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = whether input is -inf. Source: ``torch.isneginf``."""
    refuse_complex("isneginf", input)
    result = eq(input, float("-inf"))
    return result if out is None else written("isneginf", out, result)


class IsReal(Elementwise):
    """out = whether the imaginary part of x is 0: everywhere, if x is real"""

    complex = True

    @staticmethod
    def forward(x):
        return np.isreal(x)


def isreal(input: Tensor) -> Tensor:
    """out = whether the imaginary part is 0: True everywhere for real input.

    Source: ``torch.isreal``.
    """
    return IsReal.apply(input)


class SignBit(Elementwise):
    """out = whether x has a minus sign, -0.0 included"""

    @staticmethod
    def forward(x):
        return np.signbit(x) if x.dtype.kind == "f" else np.less(x, 0)


def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = whether input has a minus sign, as -0.0 has. Source: ``torch.signbit``."""
    result = SignBit.apply(input)
    return result if out is None else written("signbit", out, result)


class IsClose(Elementwise):
    """out = whether |x - y| <= atol + rtol * |y|; equal infinities are close"""

    complex = True

    @staticmethod
    def forward(x, y, *, rtol, atol, equal_nan):
        if np.result_type(x, y).kind not in "fc":
            x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        close = np.abs(x - y) <= atol + np.abs(rtol * y)
        close = np.equal(x, y) | close & np.isfinite(x) & np.isfinite(y)
        return close | (np.isnan(x) & np.isnan(y)) if equal_nan else close


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """out = |input - other| <= atol + rtol * |other|, elementwise with broadcasting.

    Raises RuntimeError where the dtypes differ or a tolerance is negative.
    Example: ``airi.isclose(a, b, equal_nan=True)``. Source: ``torch.isclose``.
    """
    require_tensor("isclose", "input", input)
    return IsClose.apply(
        input, other, **_tolerances("isclose", input, other, rtol, atol, equal_nan)
    )


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether all elements are close, see `isclose`. Source: ``torch.allclose``."""
    given = _tolerances("allclose", input, other, rtol, atol, equal_nan)
    return bool(IsClose.apply(input, other, **given)._array.all())


def _tolerances(
    function: str, input: Tensor, other: Tensor, rtol: float, atol: float, equal_nan: bool
) -> dict[str, Any]:
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value < 0:
            raise RuntimeError(f"{function}: {name} must not be negative, got {value}")
    require_same_dtype(function, input, other)
    return {"rtol": rtol, "atol": atol, "equal_nan": equal_nan}


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape and the same elements (NaN equals nothing).

    Example: ``airi.equal(a, a.clone())``. Source: ``torch.equal``.
    """
    return shape_of(input) == shape_of(other) and bool(eq(input, other)._array.all())


class LogicalAnd(Elementwise):
    """out = whether x and y are both not 0"""

    numbers = ()
    complex = True

    @staticmethod
    def forward(x, y):
        return np.logical_and(x, y)


def logical_and(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = whether both are not 0 (True), for every dtype. Source: ``torch.logical_and``."""
    result = LogicalAnd.apply(input, other)
    return result if out is None else written("logical_and", out, result)


class LogicalOr(Elementwise):
    """out = whether x or y is not 0"""

    numbers = ()
    complex = True

    @staticmethod
    def forward(x, y):
        return np.logical_or(x, y)


def logical_or(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = whether at least one is not 0 (True). Source: ``torch.logical_or``."""
    result = LogicalOr.apply(input, other)
    return result if out is None else written("logical_or", out, result)


class LogicalXor(Elementwise):
    """out = whether exactly one of x and y is not 0"""

    numbers = ()
    complex = True

    @staticmethod
    def forward(x, y):
        return np.logical_xor(x, y)


def logical_xor(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = whether exactly one is not 0 (True). Source: ``torch.logical_xor``."""
    result = LogicalXor.apply(input, other)
    return result if out is None else written("logical_xor", out, result)


class LogicalNot(Elementwise):
    """out = whether x is 0"""

    complex = True

    @staticmethod
    def forward(x):
        return np.logical_not(x)


def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = whether input is 0 (False). Source: ``torch.logical_not``."""
    result = LogicalNot.apply(input)
    return result if out is None else written("logical_not", out, result)


class _Bits(Elementwise):
    """A function of the bits of integers, or of bools."""

    @classmethod
    def prepare(cls, arrays: list[Any]) -> list[Any]:
        prepared = super().prepare(arrays)
        if any(np.asarray(each).dtype.kind == "f" for each in prepared):
            raise ValueError("floating-point numbers have no bits to work on; expected integers")
        return prepared


class BitwiseAnd(_Bits):
    """out = the bits that are set in x and in y"""

    ufunc = np.bitwise_and

    @staticmethod
    def forward(x, y):
        return np.bitwise_and(x, y)


def bitwise_and(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = the bits set in both; of bools, whether both are True.

    Raises RuntimeError for floating-point tensors. Source: ``torch.bitwise_and``.
    """
    result = BitwiseAnd.apply(input, other)
    return result if out is None else written("bitwise_and", out, result)


class BitwiseOr(_Bits):
    """out = the bits that are set in x or in y"""

    ufunc = np.bitwise_or

    @staticmethod
    def forward(x, y):
        return np.bitwise_or(x, y)


def bitwise_or(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = the bits set in either. Source: ``torch.bitwise_or``."""
    result = BitwiseOr.apply(input, other)
    return result if out is None else written("bitwise_or", out, result)


class BitwiseXor(_Bits):
    """out = the bits that are set in one of x and y"""

    ufunc = np.bitwise_xor

    @staticmethod
    def forward(x, y):
        return np.bitwise_xor(x, y)


def bitwise_xor(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = the bits set in exactly one. Source: ``torch.bitwise_xor``."""
    result = BitwiseXor.apply(input, other)
    return result if out is None else written("bitwise_xor", out, result)


class BitwiseNot(_Bits):
    """out = every bit of x turned round; of a bool, the opposite"""

    ufunc = np.bitwise_not

    @staticmethod
    def forward(x):
        return np.bitwise_not(x)


def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = every bit turned round: -input - 1 of integers, the opposite of bools.

    Raises RuntimeError for floating-point tensors. Source: ``torch.bitwise_not``.
    """
    result = BitwiseNot.apply(input)
    return result if out is None else written("bitwise_not", out, result)


class LeftShift(_Bits):
    """out = x * 2**y, what goes beyond the width lost"""

    ufunc = np.left_shift

    @staticmethod
    def forward(x, y):
        return np.left_shift(x, y)


def bitwise_left_shift(
    input: Tensor, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """out = input << other. Source: ``torch.bitwise_left_shift``."""
    result = LeftShift.apply(input, other)
    return result if out is None else written("bitwise_left_shift", out, result)


class RightShift(_Bits):
    """out = x / 2**y rounded down"""

    ufunc = np.right_shift

    @staticmethod
    def forward(x, y):
        return np.right_shift(x, y)


def bitwise_right_shift(
    input: Tensor, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """out = input >> other, keeping the sign. Source: ``torch.bitwise_right_shift``."""
    result = RightShift.apply(input, other)
    return result if out is None else written("bitwise_right_shift", out, result)


def rlshift(input: Tensor, other: Number) -> Tensor:
    """out = other << input: what ``other << tensor`` calls."""
    return LeftShift.apply(other, input)


def rrshift(input: Tensor, other: Number) -> Tensor:
    """out = other >> input: what ``other >> tensor`` calls."""
    return RightShift.apply(other, input)
