"""Trigonometric and hyperbolic functions and their inverses, element by element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from airi.autograd.small import small_kernel
from airi.ops import fused
from airi.ops.elementwise import div, mul, where
from airi.ops.out import written
from airi.ops.promotion import Elementwise, refuse_complex
from airi.ops.transcendental import rsqrt

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "acos",
    "acosh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "deg2rad",
    "hypot",
    "rad2deg",
    "sin",
    "sinc",
    "sinh",
    "tan",
    "tanh",
]

RADIANS_PER_DEGREE = math.pi / 180


class Sin(Elementwise):
    """out = sin(x);  dx = g * cos(x)"""

    holomorphic = True
    ufunc = np.sin
    floating = True

    @staticmethod
    def forward(x):
        return np.sin(x)

    @staticmethod
    def backward(g, x):
        return g * cos(x)


def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = sine of input (radians); integers give the default float dtype.

    Example: ``airi.sin(airi.zeros(1))`` is ``[0.]``. Source: ``torch.sin``.
    """
    result = Sin.apply(input)
    return result if out is None else written("sin", out, result)


class Cos(Elementwise):
    """out = cos(x);  dx = -g * sin(x)"""

    holomorphic = True
    ufunc = np.cos
    floating = True

    @staticmethod
    def forward(x):
        return np.cos(x)

    @staticmethod
    def backward(g, x):
        return -g * sin(x)


def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = cosine of input (radians). Source: ``torch.cos``."""
    result = Cos.apply(input)
    return result if out is None else written("cos", out, result)


class Tan(Elementwise):
    """out = tan(x);  dx = g * (1 + out**2)"""

    holomorphic = True
    ufunc = np.tan
    floating = True

    @staticmethod
    def forward(x):
        return np.tan(x)

    @staticmethod
    def backward(g, out):
        return g * (1 + out * out)


def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = tangent of input (radians). Source: ``torch.tan``."""
    result = Tan.apply(input)
    return result if out is None else written("tan", out, result)


class Asin(Elementwise):
    """out = asin(x);  dx = g / sqrt(1 - x**2)"""

    holomorphic = True
    ufunc = np.arcsin
    floating = True

    @staticmethod
    def forward(x):
        return np.arcsin(x)

    @staticmethod
    def backward(g, x):
        return g * rsqrt(1 - x * x)


def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = the angle in [-pi/2, pi/2] whose sine is input; NaN outside [-1, 1].

    Source: ``torch.asin``.
    """
    result = Asin.apply(input)
    return result if out is None else written("asin", out, result)


class Acos(Elementwise):
    """out = acos(x);  dx = -g / sqrt(1 - x**2)"""

    holomorphic = True
    ufunc = np.arccos
    floating = True

    @staticmethod
    def forward(x):
        return np.arccos(x)

    @staticmethod
    def backward(g, x):
        return -g * rsqrt(1 - x * x)


def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = the angle in [0, pi] whose cosine is input; NaN outside [-1, 1].

    Source: ``torch.acos``.
    """
    result = Acos.apply(input)
    return result if out is None else written("acos", out, result)


class Atan(Elementwise):
    """out = atan(x);  dx = g / (1 + x**2)"""

    holomorphic = True
    ufunc = np.arctan
    floating = True

    @staticmethod
    def forward(x):
        return np.arctan(x)

    @staticmethod
    def backward(g, x):
        return div(g, 1 + x * x)


def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = the angle in (-pi/2, pi/2) whose tangent is input. Source: ``torch.atan``."""
    result = Atan.apply(input)
    return result if out is None else written("atan", out, result)


class Atan2(Elementwise):
    """out = the angle of the point (x, y);  dy = g * x / (x**2 + y**2), dx = -g * y / (...)

    Both are 0 at the origin, where the angle has no gradient.
    """

    numbers = ()
    ufunc = np.arctan2
    floating = True

    @staticmethod
    def forward(y, x):
        return np.arctan2(y, x)

    @staticmethod
    def backward(g, y, x, needs):
        square = x * x + y * y
        g = div(g, where(square == 0, 1.0, square))
        return g * x if needs[0] else None, -g * y if needs[1] else None


def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = the angle in [-pi, pi] of the point (other, input): atan(input / other) by quadrant.

    Example: ``airi.atan2(y, x)``. Source: ``torch.atan2``.
    """
    result = Atan2.apply(input, other)
    return result if out is None else written("atan2", out, result)


class Hypot(Elementwise):
    """out = sqrt(x**2 + y**2);  dx = g * x / out, dy = g * y / out"""

    numbers = ()
    ufunc = np.hypot

    @staticmethod
    def forward(x, y):
        return np.hypot(x, y)

    @staticmethod
    def backward(g, x, y, out, needs):
        return (
            g * div(x, out) if needs[0] else None,
            g * div(y, out) if needs[1] else None,
        )


def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = sqrt(input ** 2 + other ** 2) without overflow, with broadcasting.

    Its gradient at the origin is NaN. Source: ``torch.hypot``.
    """
    result = Hypot.apply(input, other)
    return result if out is None else written("hypot", out, result)


class Sinh(Elementwise):
    """out = sinh(x);  dx = g * cosh(x)"""

    holomorphic = True
    ufunc = np.sinh
    floating = True

    @staticmethod
    def forward(x):
        return np.sinh(x)

    @staticmethod
    def backward(g, x):
        return g * cosh(x)


def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = hyperbolic sine of input. Source: ``torch.sinh``."""
    result = Sinh.apply(input)
    return result if out is None else written("sinh", out, result)


class Cosh(Elementwise):
    """out = cosh(x);  dx = g * sinh(x)"""

    holomorphic = True
    ufunc = np.cosh
    floating = True

    @staticmethod
    def forward(x):
        return np.cosh(x)

    @staticmethod
    def backward(g, x):
        return g * sinh(x)


def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = hyperbolic cosine of input. Source: ``torch.cosh``."""
    result = Cosh.apply(input)
    return result if out is None else written("cosh", out, result)


class Tanh(Elementwise):
    """out = tanh(x);  dx = g * (1 - out**2)"""

    small = fused.kernel(None, "tanh_grad", smaller=small_kernel("Tanh"))
    holomorphic = True
    ufunc = np.tanh
    floating = True

    @staticmethod
    def forward(x):
        return np.tanh(x)

    @staticmethod
    def backward(g, out):
        return g * (1 - out * out)


def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = hyperbolic tangent of input, between -1 and 1. Source: ``torch.tanh``."""
    result = Tanh.apply(input)
    return result if out is None else written("tanh", out, result)


class Asinh(Elementwise):
    """out = asinh(x);  dx = g / sqrt(x**2 + 1)"""

    holomorphic = True
    ufunc = np.arcsinh
    floating = True

    @staticmethod
    def forward(x):
        return np.arcsinh(x)

    @staticmethod
    def backward(g, x):
        return g * rsqrt(x * x + 1)


def asinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = inverse hyperbolic sine of input. Source: ``torch.asinh``."""
    result = Asinh.apply(input)
    return result if out is None else written("asinh", out, result)


class Acosh(Elementwise):
    """out = acosh(x);  dx = g / sqrt(x**2 - 1), the root being that of both factors if complex"""

    holomorphic = True
    ufunc = np.arccosh
    floating = True

    @staticmethod
    def forward(x):
        return np.arccosh(x)

    @staticmethod
    def backward(g, x):
        if x.dtype.kind == "c":
            return g * rsqrt(x - 1) * rsqrt(x + 1)
        return g * rsqrt(x * x - 1)


def acosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = inverse hyperbolic cosine of input; NaN below 1. Source: ``torch.acosh``."""
    result = Acosh.apply(input)
    return result if out is None else written("acosh", out, result)


class Atanh(Elementwise):
    """out = atanh(x);  dx = g / (1 - x**2)"""

    holomorphic = True
    ufunc = np.arctanh
    floating = True

    @staticmethod
    def forward(x):
        return np.arctanh(x)

    @staticmethod
    def backward(g, x):
        return div(g, 1 - x * x)


def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = inverse hyperbolic tangent of input: infinite at -1 and 1, NaN beyond.

    Source: ``torch.atanh``.
    """
    result = Atanh.apply(input)
    return result if out is None else written("atanh", out, result)


class Sinc(Elementwise):
    """out = sin(pi * x) / (pi * x), 1 at 0;  dx = g * (cos(pi * x) - out) / x, 0 at 0"""

    holomorphic = True
    floating = True

    @staticmethod
    def forward(x):
        return np.sinc(x).astype(x.dtype, copy=False)

    @staticmethod
    def backward(g, x, out):
        at_zero = x == 0
        slope = div(cos(math.pi * x) - out, where(at_zero, 1.0, x))
        return g * where(at_zero, 0.0, slope)


def sinc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = sin(pi * input) / (pi * input), and 1 at 0. Source: ``torch.sinc``."""
    result = Sinc.apply(input)
    return result if out is None else written("sinc", out, result)


def deg2rad(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Degrees as radians: out = input * pi / 180. Source: ``torch.deg2rad``."""
    refuse_complex("deg2rad", input)
    result = mul(input, RADIANS_PER_DEGREE)
    return result if out is None else written("deg2rad", out, result)


def rad2deg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Radians as degrees: out = input * 180 / pi. Source: ``torch.rad2deg``."""
    refuse_complex("rad2deg", input)
    result = mul(input, 1 / RADIANS_PER_DEGREE)
    return result if out is None else written("rad2deg", out, result)


arcsin = asin
arccos = acos
arctan = atan
arctan2 = atan2
arcsinh = asinh
arccosh = acosh
arctanh = atanh
