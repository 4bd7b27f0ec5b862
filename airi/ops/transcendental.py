"""Powers, exponentials, logarithms, trigonometric and hyperbolic functions, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi.ops.elementwise import Zeros, div, where
from airi.ops.promotion import Elementwise

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = [
    "exp",
    "log",
    "pow",
    "rsqrt",
    "sqrt",
]


class Pow(Elementwise):
    """out = x**y;  dx = g * y * x**(y-1), dy = g * out * log(x)

    Both are 0 where the power is constant: y = 0, and x = 0 with y >= 0.
    """

    only_for = {"out": "y"}

    @staticmethod
    def forward(x, y):
        if np.result_type(x, y).kind in "iu" and np.any(np.less(y, 0)):
            raise RuntimeError("integers to negative integer powers are not integers")
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.power(x, y)

    @staticmethod
    def backward(g, x, y, out, needs):
        dx = dy = None
        if needs[0]:
            dx = g * _power_slope(x, y)
        if needs[1]:
            flat = (x == 0) & (y >= 0)
            dy = g * where(flat, 0.0, out * log(where(flat, 1.0, x)))
        return dx, dy


def _power_slope(x: Any, y: Any) -> Any:
    """y * x**(y-1), and 0 where y is 0 although x may be 0."""
    if isinstance(y, (int, float)):
        if y == 0:
            return Zeros.apply(x)
        return y * (x if y == 2 else pow(x, y - 1))
    constant = y == 0
    return where(constant, 0.0, y * pow(x, where(constant, 1.0, y - 1)))


def pow(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """out = input ** exponent, elementwise with broadcasting.

    Raises RuntimeError for integers to a negative integer power. Example: ``airi.pow(a, 2)``.
    Source: ``torch.pow``.
    """
    return Pow.apply(input, exponent)


def rpow(input: Tensor, other: Number) -> Tensor:
    """out = other ** input: what ``other ** tensor`` calls."""
    return Pow.apply(other, input)


class Sqrt(Elementwise):
    """out = sqrt(x);  dx = g / (2 * out)"""

    ufunc = np.sqrt
    floating = True

    @staticmethod
    def forward(x):
        with np.errstate(invalid="ignore"):
            return np.sqrt(x)

    @staticmethod
    def backward(g, out):
        return div(g, 2 * out)


def sqrt(input: Tensor) -> Tensor:
    """out = square root of input, NaN for negative numbers.

    Integers give the default float dtype. Example: ``airi.sqrt(airi.tensor([4.0]))``.
    Source: ``torch.sqrt``.
    """
    return Sqrt.apply(input)


class Rsqrt(Elementwise):
    """out = 1 / sqrt(x);  dx = -g * out**3 / 2"""

    floating = True

    @staticmethod
    def forward(x):
        with np.errstate(invalid="ignore", divide="ignore"):
            return 1 / np.sqrt(x)

    @staticmethod
    def backward(g, out):
        return -0.5 * g * out * out * out


def rsqrt(input: Tensor) -> Tensor:
    """out = 1 / sqrt(input), NaN for negative numbers. Source: ``torch.rsqrt``."""
    return Rsqrt.apply(input)


class Exp(Elementwise):
    """out = e**x;  dx = g * out"""

    ufunc = np.exp
    floating = True

    @staticmethod
    def forward(x):
        return np.exp(x)

    @staticmethod
    def backward(g, out):
        return g * out


def exp(input: Tensor) -> Tensor:
    """out = e ** input; integers give the default float dtype.

    Example: ``airi.exp(airi.zeros(2))`` is ``[1., 1.]``. Source: ``torch.exp``.
    """
    return Exp.apply(input)


class Log(Elementwise):
    """out = log(x);  dx = g / x"""

    ufunc = np.log
    floating = True

    @staticmethod
    def forward(x):
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(x)

    @staticmethod
    def backward(g, x):
        return g / x


def log(input: Tensor) -> Tensor:
    """out = natural logarithm of input: -inf at 0, NaN below.

    Integers give the default float dtype. Example: ``airi.log(airi.ones(2))`` is ``[0., 0.]``.
    Source: ``torch.log``.
    """
    return Log.apply(input)
