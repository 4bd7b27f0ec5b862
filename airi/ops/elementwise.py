"""Arithmetic and choice, element by element, with broadcasting.

The larger of two values and values kept between bounds are in `bounds.py`, rounding is in
`rounding.py`, ops of three operands are in `ternary.py`, powers, exp and log in
`transcendental.py`, trigonometry in `trigonometry.py`, comparisons in `comparison.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule
from airi.autograd.small import small_kernel
from airi.dtypes import DIFFERENTIABLE
from airi.ops import fused
from airi.ops.names import require_tensor
from airi.ops.out import written
from airi.ops.promotion import Elementwise, result_dtype

if TYPE_CHECKING:
    from airi.tensor import Tensor

    Number = int | float | complex | bool

__all__ = [
    "abs",
    "absolute",
    "add",
    "div",
    "divide",
    "floor_divide",
    "fmod",
    "mul",
    "multiply",
    "neg",
    "negative",
    "positive",
    "reciprocal",
    "remainder",
    "rsub",
    "sgn",
    "sign",
    "square",
    "sub",
    "subtract",
    "true_divide",
    "where",
]


class Zeros(Rule):
    """out = 0 in the shape of x: the gradient of functions that are constant between jumps"""

    complex = True

    @staticmethod
    def forward(x):
        return np.zeros_like(x)


def require_same_dtype(function: str, input: Tensor, other: Tensor) -> None:
    first, second = (getattr(each, "dtype", type(each).__name__) for each in (input, other))
    if first != second:
        raise RuntimeError(
            f"{function}: both must be tensors of one dtype, got {first} and {second}"
        )


class Add(Elementwise):
    """out = x + y;  dx = g, dy = g"""

    small = small_kernel("Add")
    complex = True
    ufunc = np.add

    @staticmethod
    def forward(x, y):
        fast = fused.add(x, y)
        return np.add(x, y) if fast is None else fast

    @staticmethod
    def backward(g):
        return g, g


def add(
    input: Tensor, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """out = input + alpha * other, elementwise with broadcasting.

    The result has the common dtype of both. Raises RuntimeError where the shapes cannot be
    broadcast. Example: ``airi.add(a, b, alpha=2)``. Source: ``torch.add``.
    """
    result = Add.apply(input, other if alpha == 1 else scaled("add", input, other, alpha))
    return result if out is None else written("add", out, result)


def scaled(function: str, input: Any, other: Any, alpha: Number) -> Any:
    """``alpha * other`` for `add` and `sub`; a fraction must not turn integers into floats."""
    if isinstance(alpha, float) and not (_is_float(input) or _is_float(other)):
        raise RuntimeError(f"{function}: alpha must be an integer for integers, got {alpha}")
    return mul(other, alpha) if hasattr(other, "shape") else other * alpha


def _is_float(value: Any) -> bool:
    if hasattr(value, "_array"):
        return value._array.dtype.kind in DIFFERENTIABLE
    return type(value) in (float, complex)


class Sub(Elementwise):
    """out = x - y;  dx = g, dy = -g"""

    small = small_kernel("Sub")
    complex = True
    ufunc = np.subtract

    @classmethod
    def prepare(cls, arrays):
        if any(_is_bool(each) for each in arrays):
            raise RuntimeError("sub: bools cannot be subtracted; use ~, ^ or logical_xor()")
        return super().prepare(arrays)

    @staticmethod
    def forward(x, y):
        return np.subtract(x, y)

    @staticmethod
    def backward(g, needs):
        return g, -g if needs[1] else None


def _is_bool(value: Any) -> bool:
    kind = value.dtype.kind if isinstance(value, (np.ndarray, np.generic)) else None
    return kind == "b" or type(value) is bool


def sub(
    input: Tensor, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """out = input - alpha * other, elementwise with broadcasting.

    Raises RuntimeError where either is of bools (``~mask`` is 1 - mask; ``logical_xor``).
    Example: ``airi.sub(a, b)``.
    Source: ``torch.sub``.
    """
    result = Sub.apply(input, other if alpha == 1 else scaled("sub", input, other, alpha))
    return result if out is None else written("sub", out, result)


def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """out = other - alpha * input. Source: ``torch.rsub``."""
    require_tensor("rsub", "input", input)
    return Sub.apply(other, input if alpha == 1 else scaled("rsub", other, input, alpha))


class Mul(Elementwise):
    """out = x * y;  dx = g * y, dy = g * x"""

    small = small_kernel("Mul")
    holomorphic = True
    ufunc = np.multiply
    only_for = {"x": "y", "y": "x"}

    @staticmethod
    def forward(x, y):
        fast = None
        if x.__class__ is y.__class__ and x.shape != y.shape:
            fast = fused.times_planes(x, y) if x.ndim >= y.ndim else fused.times_planes(y, x)
        return np.multiply(x, y) if fast is None else fast

    @staticmethod
    def backward(g, x, y, needs):
        return g * y if needs[0] else None, g * x if needs[1] else None


def mul(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = input * other, elementwise with broadcasting, in their common dtype.

    Example: ``airi.mul(airi.ones(2, 1), airi.ones(3)).shape`` is (2, 3). Source: ``torch.mul``.
    """
    result = Mul.apply(input, other)
    return result if out is None else written("mul", out, result)


def times(input: Tensor, other: Any) -> Any:
    """What ``tensor * other`` calls, in both orders; an int tensor repeats a list beside it."""
    try:
        return Mul.apply(input, other)
    except TypeError:
        if isinstance(other, (list, tuple, str)):
            return NotImplemented
        raise


class Div(Elementwise):
    """out = x / y;  dx = g / y, dy = -g * x / y**2"""

    small = small_kernel("Div")
    holomorphic = True
    ufunc = np.true_divide
    floating = True
    only_for = {"x": "y"}

    @staticmethod
    def forward(x, y):
        return np.true_divide(x, y)

    @staticmethod
    def backward(g, x, y, needs):
        dx = div(g, y)
        return dx if needs[0] else None, -dx * div(x, y) if needs[1] else None


def div(
    input: Tensor,
    other: Tensor | Number,
    *,
    rounding_mode: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """out = input / other; with ``rounding_mode`` "trunc" or "floor", rounded that way.

    Without rounding integers give the default float dtype; division by zero gives inf or NaN.
    Raises ValueError for another rounding mode. Example: ``airi.div(a, 2)``.
    Source: ``torch.div``.
    """
    if out is not None:
        return written("div", out, div(input, other, rounding_mode=rounding_mode))
    if rounding_mode is None:
        return Div.apply(input, other)
    if rounding_mode == "floor":
        return FloorDivide.apply(input, other)
    if rounding_mode == "trunc":
        return TruncDivide.apply(input, other)
    raise ValueError(f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}")


def rdiv(input: Tensor, other: Tensor | Number) -> Tensor:
    """out = other / input: what ``other / tensor`` calls."""
    return Div.apply(other, input)


def _refuse_integer_zero(x: Any, y: Any) -> None:
    """Among floating-point numbers, to which y may be a Python int, it gives inf or NaN."""
    kinds = np.asarray(x).dtype.kind + np.asarray(y).dtype.kind
    if not kinds.strip("iub") and not np.all(y):
        raise ValueError("integer division by zero")


class FloorDivide(Elementwise):
    """out = floor(x / y), constant between its jumps: no gradient"""

    @staticmethod
    def forward(x, y):
        _refuse_integer_zero(x, y)
        return np.floor_divide(x, y)

    @staticmethod
    def backward(g):
        return Zeros.apply(g), Zeros.apply(g)


def floor_divide(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = floor(input / other), in their common dtype.

    Raises RuntimeError for an integer division by zero. Example: ``airi.floor_divide(a, 2)``.
    Source: ``torch.floor_divide``.
    """
    result = FloorDivide.apply(input, other)
    return result if out is None else written("floor_divide", out, result)


def rfloor_divide(input: Tensor, other: Tensor | Number) -> Tensor:
    """out = floor(other / input): what ``other // tensor`` calls."""
    return FloorDivide.apply(other, input)


class TruncDivide(Elementwise):
    """out = x / y rounded towards zero: no gradient"""

    @staticmethod
    def forward(x, y):
        _refuse_integer_zero(x, y)
        if np.result_type(x, y).kind == "f":
            return np.trunc(np.true_divide(x, y))
        return (x - np.fmod(x, y)) // y

    @staticmethod
    def backward(g):
        return Zeros.apply(g), Zeros.apply(g)


class Remainder(Elementwise):
    """out = x - y * floor(x / y);  dx = g, dy = -g * floor(x / y)"""

    @staticmethod
    def forward(x, y):
        _refuse_integer_zero(x, y)
        return np.remainder(x, y)

    @staticmethod
    def backward(g, x, y, needs):
        return g, -g * FloorDivide.apply(x, y) if needs[1] else None


def remainder(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = input - other * floor(input / other): the sign is the divisor's, as in Python's %.

    Example: ``airi.remainder(airi.tensor([-3.0]), 2)`` is ``[1.]``. Source: ``torch.remainder``.
    """
    result = Remainder.apply(input, other)
    return result if out is None else written("remainder", out, result)


def rremainder(input: Tensor, other: Tensor | Number) -> Tensor:
    """out = other % input: what ``other % tensor`` calls."""
    return Remainder.apply(other, input)


class Fmod(Elementwise):
    """out = x - y * trunc(x / y);  dx = g, dy = -g * trunc(x / y)"""

    numbers = (1,)

    @staticmethod
    def forward(x, y):
        _refuse_integer_zero(x, y)
        return np.fmod(x, y)

    @staticmethod
    def backward(g, x, y, needs):
        return g, -g * TruncDivide.apply(x, y) if needs[1] else None


def fmod(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = input - other * trunc(input / other): the sign is the dividend's, as in C.

    Example: ``airi.fmod(airi.tensor([-3.0]), 2)`` is ``[-1.]``. Source: ``torch.fmod``.
    """
    result = Fmod.apply(input, other)
    return result if out is None else written("fmod", out, result)


class Neg(Elementwise):
    """out = -x;  dx = -g"""

    # Not `ufunc = np.negative`: with AVX-512 NumPy 2.4 negates a column of 4 float32 or 8 float64
    # wrongly in place.
    small = small_kernel("Neg")
    complex = True

    @staticmethod
    def forward(x):
        if x.dtype.kind == "b":
            raise ValueError("bool tensors have no negative; use ~ or logical_not()")
        return np.negative(x)

    @staticmethod
    def backward(g):
        return -g


def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = -input. Raises RuntimeError for bool tensors. Source: ``torch.neg``."""
    result = Neg.apply(input)
    return result if out is None else written("neg", out, result)


negative = neg


def positive(input: Tensor) -> Tensor:
    """The tensor itself. Source: ``torch.positive``."""
    return input


class Square(Elementwise):
    """out = x**2;  dx = 2 * g * x"""

    small = small_kernel("Square")
    holomorphic = True
    ufunc = np.square

    @classmethod
    def prepare(cls, arrays):
        (x,) = arrays
        return [x.astype(np.int64)] if x.dtype.kind == "b" else arrays

    @staticmethod
    def forward(x):
        return np.square(x)

    @staticmethod
    def backward(g, x):
        return 2 * g * x


def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = input ** 2. Source: ``torch.square``."""
    result = Square.apply(input)
    return result if out is None else written("square", out, result)


class Reciprocal(Elementwise):
    """out = 1 / x;  dx = -g * out**2"""

    holomorphic = True
    floating = True

    small = fused.kernel("reciprocal", "reciprocal_grad")

    @staticmethod
    def forward(x):
        return np.reciprocal(x)

    @staticmethod
    def backward(g, out):
        return -g * out * out


def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = 1 / input; integers give the default float dtype. Source: ``torch.reciprocal``."""
    result = Reciprocal.apply(input)
    return result if out is None else written("reciprocal", out, result)


class Abs(Elementwise):
    """out = |x|;  dx = g * sgn(x), 0 at 0"""

    small = fused.kernel("abs", "abs_grad")
    complex = True
    ufunc = np.abs

    @staticmethod
    def forward(x):
        return np.abs(x)

    @staticmethod
    def backward(g, x):
        return g * sgn(x)


def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = |input|, real also of complex numbers; its gradient at 0 is 0.

    Source: ``torch.abs``.
    """
    result = Abs.apply(input)
    return result if out is None else written("abs", out, result)


absolute = abs


class Sign(Elementwise):
    """out = -1, 0 or 1; NaN counts as 0;  dx = 0"""

    small = fused.kernel("sign", None)

    @staticmethod
    def forward(x):
        if x.dtype.kind == "b":
            return x.copy()
        if x.dtype.kind != "f":
            return np.sign(x)
        return np.subtract(x > 0, x < 0, dtype=x.dtype)

    @staticmethod
    def backward(g):
        return Zeros.apply(g)


def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = -1, 0 or 1 by the sign of input. Source: ``torch.sign``."""
    result = Sign.apply(input)
    return result if out is None else written("sign", out, result)


class Sgn(Elementwise):
    """out = x / |x|, 0 at 0;  dx = (g - out * Re(g * conj(out))) / |x|: what turns, not stretches

    For real x that is the sign, whose gradient is 0.
    """

    complex = True

    @staticmethod
    def forward(x):
        return np.sign(x) if x.dtype.kind == "c" else Sign.forward(x)

    @staticmethod
    def backward(g, x, out):
        if g.dtype.kind != "c":
            return Zeros.apply(g)
        turning = g - out * (g * out.conj()).real
        return div(turning, where(x == 0, 1.0, abs(x))) * where(x == 0, 0.0, 1.0)


def sgn(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = input / |input|, 0 at 0: the sign of real numbers, the direction of complex ones.

    Source: ``torch.sgn``.
    """
    result = Sgn.apply(input)
    return result if out is None else written("sgn", out, result)


class Where(Elementwise):
    """out = x where condition holds, else y;  dx = g there, dy = g elsewhere"""

    complex = True

    @staticmethod
    def forward(condition, x, y):
        dtype = np.result_type(x, y)
        return _select(condition, x, y, dtype) if dtype.kind == "f" else np.where(condition, x, y)

    @staticmethod
    def backward(g, condition, needs):
        return (
            None,
            where(condition, g, 0.0) if needs[1] else None,
            where(condition, 0.0, g) if needs[2] else None,
        )

    @classmethod
    def prepare(cls, arrays):
        condition, *values = arrays
        if np.asarray(condition).dtype.kind != "b":
            raise ValueError("condition must be a bool tensor")
        if all(not isinstance(each, np.ndarray) for each in values):
            return [condition, *(np.asarray(each, result_dtype(values)) for each in values)]
        return [condition, *super().prepare(values)]


def _select(condition: Any, x: Any, y: Any, dtype: np.dtype) -> Any:
    """``np.where`` by arithmetic on the bits, without branches: six times as fast on random masks.

    A number times 0 would be NaN for inf and NaN; its bits times 0 are 0.
    """
    bits = np.dtype(f"u{dtype.itemsize}")
    x, y = (np.asarray(each, dtype).view(bits) for each in (x, y))
    if y.ndim == 0 and y == 0:
        out = np.multiply(x, condition)
    elif x.ndim == 0 and x == 0:
        out = np.multiply(y, np.logical_not(condition))
    else:
        out = np.bitwise_xor(np.multiply(np.bitwise_xor(x, y), condition), y)
    return out.view(dtype)


def where(
    condition: Tensor, input: Any = None, other: Any = None, *, out: Tensor | None = None
) -> Any:
    """out = input where condition is True, else other; all three are broadcast together.

    With the condition alone: the indices of its True elements, one Tensor per dimension.
    Raises RuntimeError where condition is not bool. Example: ``airi.where(x > 0, x, 0.0)``.
    Source: ``torch.where``.
    """
    require_tensor("where", "condition", condition)
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    result = Where.apply(condition, input, other)
    return result if out is None else written("where", out, result)


subtract = sub
multiply = mul
divide = true_divide = div
