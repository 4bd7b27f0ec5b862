"""Powers, exponentials, logarithms and what is made of them, element by element.

Trigonometric and hyperbolic functions are in `trigonometry.py`, the error function in `erf.py`.
"""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.small import small_kernel
from airi.dtypes import DIFFERENTIABLE
from airi.ops import fused
from airi.ops.conversion import cast
from airi.ops.elementwise import Zeros, div, mul, where
from airi.ops.names import require_tensor
from airi.ops.out import written
from airi.ops.promotion import Elementwise

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = [
    "exp",
    "exp2",
    "expm1",
    "float_power",
    "ldexp",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "logit",
    "pow",
    "rsqrt",
    "sigmoid",
    "sqrt",
    "xlogy",
]

LN2 = math.log(2)
LN10 = math.log(10)


class Pow(Elementwise):
    """out = x**y;  dx = g * y * x**(y-1), dy = g * out * log(x)

    Both are 0 where the power is constant: y = 0, and x = 0 with y >= 0.
    """

    small = small_kernel("Pow")
    holomorphic = True
    only_for = {"out": "y"}

    @staticmethod
    def forward(x, y):
        kind = np.result_type(x, y).kind
        if isinstance(y, (int, float)) and kind in "fc":
            return _power_of_constant(x, y)
        if kind == "b":
            raise ValueError("bool tensors have no powers")
        if kind not in "fc":
            return _integer_power(x, y)
        return np.power(x, y)

    @staticmethod
    def backward(g, x, y, out, needs):
        dx = dy = None
        if needs[0]:
            dx = g * _power_slope(x, y)
        if needs[1]:
            flat = (x == 0) & (y.real >= 0)
            dy = g * where(flat, 0.0, out * _log_unless(flat, x))
        return dx, dy


def _log_unless(flat: Any, x: Any) -> Any:
    """log(x), 0 where flat; of a number it is a number: a tensor would round it to float32."""
    if isinstance(x, (int, float)) and x > 0:
        return math.log(x)
    if isinstance(x, complex) and x != 0:
        return cmath.log(x)
    return log(where(flat, 1.0, x))


def _power_of_constant(x: Any, y: float) -> Any:
    """x**y, where the commonest exponents are much faster than the general function."""
    if y == 2:
        return np.square(x)
    if y == 0.5:
        return np.sqrt(x)
    if y == -1:
        return np.reciprocal(x)
    if y == -0.5:
        return Rsqrt.apply(x)
    if y == 3:
        fast = fused.each("cube", x)
        return np.square(x) * x if fast is None else fast
    return np.power(x, y)


def _integer_power(x: Any, y: Any) -> Any:
    """x**y of integers; below 0 what is left of the fraction: 1 and -1 stay, others become 0."""
    negative = np.less(y, 0)
    if not np.any(negative):
        return np.power(x, y)
    whole = np.where(np.abs(x) == 1, np.power(x, np.abs(y)), 0)
    return np.where(negative, whole, np.power(x, np.where(negative, 0, y)))


def _power_slope(x: Any, y: Any) -> Any:
    """y * x**(y-1), and 0 where y is 0 although x may be 0."""
    if isinstance(y, (int, float, complex)):
        if y == 0:
            return Zeros.apply(x)
        return y * (x if y == 2 else pow(x, y - 1))
    constant = y == 0
    return where(constant, 0.0, y * pow(x, where(constant, 1.0, y - 1)))


def pow(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = input ** exponent, elementwise with broadcasting.

    Raises RuntimeError for integers to a negative number and for two bool tensors; among integer
    tensors a negative exponent truncates to 0, 1 or -1. Example: ``airi.pow(a, 2)``.
    Source: ``torch.pow``.
    """
    refuse_negative_power("pow", input, exponent)
    result = Pow.apply(input, exponent)
    return result if out is None else written("pow", out, result)


def refuse_negative_power(function: str, input: Any, exponent: Any) -> None:
    """RuntimeError for integers to a negative number: the result would be no integer."""
    if type(exponent) is int and exponent < 0:
        kind = input._array.dtype.kind if hasattr(input, "_array") else "f"
        if kind not in DIFFERENTIABLE:
            raise RuntimeError(f"{function}: integers cannot have the negative power {exponent}")


def rpow(input: Tensor, other: Number) -> Tensor:
    """out = other ** input: what ``other ** tensor`` calls."""
    return Pow.apply(other, input)


class Sqrt(Elementwise):
    """out = sqrt(x);  dx = g / (2 * out)"""

    small = small_kernel("Sqrt")
    holomorphic = True
    ufunc = np.sqrt
    floating = True

    @staticmethod
    def forward(x):
        return np.sqrt(x)

    @staticmethod
    def backward(g, out):
        return div(g, 2 * out)


def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = square root of input, NaN for negative numbers.

    Integers give the default float dtype. Example: ``airi.sqrt(airi.tensor([4.0]))``.
    Source: ``torch.sqrt``.
    """
    result = Sqrt.apply(input)
    return result if out is None else written("sqrt", out, result)


class Rsqrt(Elementwise):
    """out = 1 / sqrt(x);  dx = -g * out**3 / 2"""

    small = fused.kernel("rsqrt", "rsqrt_grad")

    holomorphic = True
    floating = True

    @staticmethod
    def forward(x):
        return 1 / np.sqrt(x)

    @staticmethod
    def backward(g, out):
        return -0.5 * g * out * out * out


def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = 1 / sqrt(input), NaN for negative numbers. Source: ``torch.rsqrt``."""
    result = Rsqrt.apply(input)
    return result if out is None else written("rsqrt", out, result)


class Exp(Elementwise):
    """out = e**x;  dx = g * out"""

    small = fused.kernel("exp", "product", smaller=small_kernel("Exp"))
    holomorphic = True
    ufunc = np.exp
    floating = True

    @staticmethod
    def forward(x):
        return np.exp(x)

    @staticmethod
    def backward(g, out):
        return g * out


def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = e ** input; integers give the default float dtype.

    Example: ``airi.exp(airi.zeros(2))`` is ``[1., 1.]``. Source: ``torch.exp``.
    """
    result = Exp.apply(input)
    return result if out is None else written("exp", out, result)


class Log(Elementwise):
    """out = log(x);  dx = g / x"""

    small = small_kernel("Log")
    holomorphic = True
    ufunc = np.log
    floating = True

    @staticmethod
    def forward(x):
        return np.log(x)

    @staticmethod
    def backward(g, x):
        return div(g, x)


def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = natural logarithm of input: -inf at 0, NaN below.

    Integers give the default float dtype. Example: ``airi.log(airi.ones(2))`` is ``[0., 0.]``.
    Source: ``torch.log``.
    """
    result = Log.apply(input)
    return result if out is None else written("log", out, result)


class Exp2(Elementwise):
    """out = 2**x;  dx = g * out * log(2)"""

    holomorphic = True
    floating = True

    @staticmethod
    def forward(x):
        return np.exp(x * LN2) if x.dtype.kind == "c" else np.exp2(x)

    @staticmethod
    def backward(g, out):
        return g * out * LN2


def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = 2 ** input; integers give the default float dtype. Source: ``torch.exp2``."""
    result = Exp2.apply(input)
    return result if out is None else written("exp2", out, result)


class Expm1(Elementwise):
    """out = e**x - 1;  dx = g * (out + 1)"""

    holomorphic = True
    ufunc = np.expm1
    floating = True

    @staticmethod
    def forward(x):
        return np.expm1(x)

    @staticmethod
    def backward(g, out):
        return g * (out + 1)


def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = e ** input - 1, exact also near 0. Source: ``torch.expm1``."""
    result = Expm1.apply(input)
    return result if out is None else written("expm1", out, result)


class Log2(Elementwise):
    """out = log(x) / log(2);  dx = g / (x * log(2))"""

    holomorphic = True
    ufunc = np.log2
    floating = True

    @staticmethod
    def forward(x):
        return np.log2(x)

    @staticmethod
    def backward(g, x):
        return div(g, x * LN2)


def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = logarithm of input to base 2. Source: ``torch.log2``."""
    result = Log2.apply(input)
    return result if out is None else written("log2", out, result)


class Log10(Elementwise):
    """out = log(x) / log(10);  dx = g / (x * log(10))"""

    holomorphic = True
    ufunc = np.log10
    floating = True

    @staticmethod
    def forward(x):
        return np.log10(x)

    @staticmethod
    def backward(g, x):
        return div(g, x * LN10)


def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = logarithm of input to base 10. Source: ``torch.log10``."""
    result = Log10.apply(input)
    return result if out is None else written("log10", out, result)


class Log1p(Elementwise):
    """out = log(1 + x);  dx = g / (1 + x)"""

    holomorphic = True
    ufunc = np.log1p
    floating = True

    @staticmethod
    def forward(x):
        return np.log1p(x)

    @staticmethod
    def backward(g, x):
        return div(g, 1 + x)


def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = log(1 + input), exact also near 0. Source: ``torch.log1p``."""
    result = Log1p.apply(input)
    return result if out is None else written("log1p", out, result)


class Sigmoid(Elementwise):
    """out = 1 / (1 + e**-x);  dx = g * out * (1 - out)"""

    small = fused.kernel("sigmoid", "sigmoid_grad", smaller=small_kernel("Sigmoid"))
    holomorphic = True
    floating = True

    @staticmethod
    def forward(x):
        out = np.negative(x, out=np.empty_like(x))
        np.exp(out, out=out)
        out += 1
        return np.reciprocal(out, out=out)

    @staticmethod
    def backward(g, out):
        return g * out * (1 - out)


def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = 1 / (1 + e ** -input), the logistic function; integers give the default float dtype.

    Example: ``airi.sigmoid(airi.zeros(1))`` is ``[0.5]``. Source: ``torch.sigmoid``.
    """
    result = Sigmoid.apply(input)
    return result if out is None else written("sigmoid", out, result)


class Logit(Elementwise):
    """out = log(x / (1 - x)), x first clamped to [eps, 1 - eps] if eps is given

    dx = g / (x * (1 - x)), 0 where x was clamped, NaN where out is NaN
    """

    floating = True

    @staticmethod
    def forward(x, *, eps=None):
        if eps is not None:
            x = np.clip(x, eps, 1 - eps)
        return np.log(x / (1 - x))

    @staticmethod
    def backward(g, x, eps):
        low, outside = (0, math.nan) if eps is None else (eps, 0.0)
        inside = (x >= low) & (x <= 1 - low)
        x = where(inside, x, 0.5)
        return where(inside, div(g, x * (1 - x)), outside)


def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """out = log(input / (1 - input)), the inverse of sigmoid; NaN outside [0, 1].

    With `eps` the input is first clamped to [eps, 1 - eps]. Example: ``airi.logit(p, eps=1e-6)``.
    Source: ``torch.logit``.
    """
    result = Logit.apply(input, eps=eps)
    return result if out is None else written("logit", out, result)


class LogAddExp(Elementwise):
    """out = log(e**x + e**y);  dx = g * sigmoid(x - y), dy = g * sigmoid(y - x)"""

    floating = True

    @staticmethod
    def forward(x, y):
        larger = np.maximum(x, y)
        rest = np.log1p(np.exp(-np.abs(np.subtract(x, y))))
        # inf - inf above is NaN; the sum is then the infinity itself.
        return larger + np.where(np.isinf(larger), 0, rest)

    @staticmethod
    def backward(g, x, y, needs):
        return (
            g * sigmoid(x - y) if needs[0] else None,
            g * sigmoid(y - x) if needs[1] else None,
        )


def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = log(e ** input + e ** other) without overflow, with broadcasting.

    Example: ``airi.logaddexp(a, b)``. Source: ``torch.logaddexp``.
    """
    require_tensor("logaddexp", "input", input)
    require_tensor("logaddexp", "other", other)
    result = LogAddExp.apply(input, other)
    return result if out is None else written("logaddexp", out, result)


def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = log2(2 ** input + 2 ** other) without overflow. Source: ``torch.logaddexp2``."""
    require_tensor("logaddexp2", "input", input)
    require_tensor("logaddexp2", "other", other)
    result = div(LogAddExp.apply(mul(input, LN2), mul(other, LN2)), LN2)
    return result if out is None else written("logaddexp2", out, result)


class Xlogy(Elementwise):
    """out = x * log(y), 0 where x = 0 unless y is NaN;  dx = g * log(y), dy = g * x / y

    dx is 0 too where x = 0 and y <= 0.
    """

    floating = True

    @staticmethod
    def forward(x, y):
        y = np.asarray(y, np.result_type(x, y))
        return where(np.equal(x, 0) & ~np.isnan(y), 0.0, x * np.log(y))

    @staticmethod
    def backward(g, x, y, needs):
        dx = dy = None
        if needs[0]:
            flat = (x == 0) & (y <= 0)
            dx = where(flat, 0.0, g * _log_unless(flat, y))
        if needs[1]:
            dy = g * div(x, y)
        return dx, dy


def xlogy(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = input * log(other), and 0 where input is 0 (NaN where other is NaN).

    Example: ``airi.xlogy(p, p)``, an entropy's terms. Source: ``torch.xlogy``.
    """
    result = Xlogy.apply(input, other)
    return result if out is None else written("xlogy", out, result)


def float_power(
    input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """out = input ** exponent, computed in float64. Source: ``torch.float_power``."""
    if not (hasattr(input, "_array") or hasattr(exponent, "_array")):
        require_tensor("float_power", "input", input)
    result = pow(_double(input), _double(exponent))
    return result if out is None else written("float_power", out, result)


def _double(value: Any) -> Any:
    if not hasattr(value, "_array"):
        return value if isinstance(value, complex) else float(value)
    return cast(value, np.complex128 if value._array.dtype.kind == "c" else np.float64)


def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = input * 2 ** other. Source: ``torch.ldexp``."""
    require_tensor("ldexp", "input", input)
    require_tensor("ldexp", "other", other)
    result = mul(input, Pow.apply(2.0, other))
    return result if out is None else written("ldexp", out, result)
