"""Bessel functions, modified ones and Airy's, element by element, computed in float64.

Near 0 a Chebyshev series of a smooth part, further out one of what is left after the exponential,
or of modulus and phase, was divided out; the series are in `special_tables.py`.
Formulas: F. Olver et al., "NIST Handbook of Mathematical Functions" (2010), chapters 9 and 10.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.ops import special_tables as tables
from airi.ops.elementwise import div, sign, where
from airi.ops.in_double import in_double, series
from airi.ops.names import takes_out
from airi.ops.out import written
from airi.ops.promotion import Elementwise

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "airy_ai",
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
    "spherical_bessel_j0",
]

_FAR = 8.0  # from where I, J and Y are computed by their behaviour at infinity; K from 2


def _i0e(x: Any) -> Any:
    x = np.abs(x)
    near = series(tables.I0E_NEAR, np.minimum(x, _FAR) / 4 - 1)
    x = np.maximum(x, _FAR)
    return np.where(x > _FAR, series(tables.I0E_FAR, 2 * _FAR / x - 1) / np.sqrt(x), near)


def _i1e(x: Any) -> Any:
    size = np.abs(x)
    near = size * series(tables.I1E_NEAR, np.minimum(size, _FAR) / 4 - 1)
    far = np.maximum(size, _FAR)
    out = np.where(far > _FAR, series(tables.I1E_FAR, 2 * _FAR / far - 1) / np.sqrt(far), near)
    return np.copysign(out, x)


def _i0(x: Any) -> Any:
    return np.where(np.isinf(x), np.inf, np.exp(np.abs(x)) * _i0e(x))


def _i1(x: Any) -> Any:
    return np.where(np.isinf(x), x, np.exp(np.abs(x)) * _i1e(x))


class I0(Elementwise):
    """out = I0(x);  dx = g * I1(x)"""

    floating = True

    @staticmethod
    def forward(x):
        return in_double(_i0, x)

    @staticmethod
    def backward(g, x):
        return g * I1.apply(x)


class I0e(Elementwise):
    """out = e**-|x| * I0(x);  dx = g * (i1e(x) - sign(x) * out)"""

    floating = True

    @staticmethod
    def forward(x):
        return in_double(_i0e, x)

    @staticmethod
    def backward(g, x, out):
        return g * (I1e.apply(x) - sign(x) * out)


class I1(Elementwise):
    """out = I1(x);  dx = g * (I0(x) - out / x), g / 2 at 0"""

    floating = True

    @staticmethod
    def forward(x):
        return in_double(_i1, x)

    @staticmethod
    def backward(g, x, out):
        at_zero = x == 0
        divisor = where(at_zero, 1.0, x)
        return g * where(at_zero, 0.5, I0.apply(x) - div(out, divisor))


class I1e(Elementwise):
    """out = e**-|x| * I1(x);  dx = g * (i0e(x) - out * (sign(x) + 1 / x)), g / 2 at 0"""

    floating = True

    @staticmethod
    def forward(x):
        return in_double(_i1e, x)

    @staticmethod
    def backward(g, x, out):
        at_zero = x == 0
        divisor = where(at_zero, 1.0, x)
        slope = I0e.apply(x) - out * sign(x) - div(out, divisor)
        return g * where(at_zero, 0.5, slope)


def i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = I0(input), the modified Bessel function of the first kind of order 0.

    Integers give the default float dtype. Example: ``airi.i0(airi.zeros(1))`` is ``[1.]``.
    Source: ``torch.i0``.
    """
    result = I0.apply(input)
    return result if out is None else written("i0", out, result)


@takes_out
def i0e(input: Tensor) -> Tensor:
    """out = e ** -|input| * I0(input), without overflow. Source: ``torch.special.i0e``."""
    return I0e.apply(input)


@takes_out
def i1(input: Tensor) -> Tensor:
    """out = I1(input), of order 1. Source: ``torch.special.i1``."""
    return I1.apply(input)


@takes_out
def i1e(input: Tensor) -> Tensor:
    """out = e ** -|input| * I1(input), without overflow. Source: ``torch.special.i1e``."""
    return I1e.apply(input)


# PyTorch has no gradients for those that follow, and so have they none here.


def _k0e(x: Any) -> Any:
    near = np.clip(x, 0, 2)
    small = series(tables.K0_NEAR, near * near / 2 - 1) - np.log(near / 2) * _i0(near)
    far = np.maximum(x, 2)
    large = series(tables.K0E_FAR, 4 / far - 1) / np.sqrt(far)
    return np.where(x > 2, large, np.where(x < 0, np.nan, np.exp(near) * small))


def _k1e(x: Any) -> Any:
    near = np.clip(x, 0, 2)
    small = near * series(tables.K1_NEAR, near * near / 2 - 1) + np.log(near / 2) * _i1(near)
    small = np.where(near == 0, np.inf, small + 1 / near)
    far = np.maximum(x, 2)
    large = series(tables.K1E_FAR, 4 / far - 1) / np.sqrt(far)
    return np.where(x > 2, large, np.where(x < 0, np.nan, np.exp(near) * small))


def _wave(x: Any, P: Any, Q: Any, order: int) -> tuple[Any, Any]:
    """J and Y of a large x from modulus and phase; sums of angles, which would round x, avoided."""
    x = np.maximum(x, _FAR)
    t = 2 * (_FAR / x) ** 2 - 1
    p, q = series(P, t), series(Q, t) / x
    plus, minus = np.cos(x) + np.sin(x), np.sin(x) - np.cos(x)
    cosine, sine = (plus, minus) if order == 0 else (minus, -plus)
    scale = np.sqrt(1 / (math.pi * x))
    at_infinity = np.isinf(x)
    J = np.where(at_infinity, 0.0, scale * (p * cosine - q * sine))
    return J, np.where(at_infinity, 0.0, scale * (p * sine + q * cosine))


def _t_near(x: Any) -> Any:
    return 2 * (np.minimum(x, _FAR) / _FAR) ** 2 - 1


def _j0(x: Any) -> Any:
    x = np.abs(x)
    far, _ = _wave(x, tables.P0, tables.Q0, 0)
    return np.where(x > _FAR, far, series(tables.J0_NEAR, _t_near(x)))


def _j1(x: Any) -> Any:
    size = np.abs(x)
    far, _ = _wave(size, tables.P1, tables.Q1, 1)
    out = np.where(size > _FAR, far, size * series(tables.J1_NEAR, _t_near(size)))
    return np.where(x < 0, -out, out)


def _y0(x: Any) -> Any:
    _, far = _wave(x, tables.P0, tables.Q0, 0)
    near = series(tables.Y0_NEAR, _t_near(x)) + 2 / math.pi * np.log(x) * _j0(x)
    return np.where(x > _FAR, far, np.where(x < 0, np.nan, near))


def _y1(x: Any) -> Any:
    _, far = _wave(x, tables.P1, tables.Q1, 1)
    near = x * series(tables.Y1_NEAR, _t_near(x)) + 2 / math.pi * (np.log(x) * _j1(x) - 1 / x)
    near = np.where(x == 0, -np.inf, near)
    return np.where(x > _FAR, far, np.where(x < 0, np.nan, near))


_AIRY_ZETA = 2 / 3 * 4**1.5  # at 4, from where Ai(-x) is a wave
_AIRY_START = 2 / 3 * 2**1.5  # at 2, from where Ai(x) is computed by its decay


def _airy_ai(x: Any) -> Any:
    near = series(tables.AIRY_NEAR, (np.clip(x, -4, 2) + 1) / 3)
    right = np.maximum(x, 2)
    z = 2 / 3 * right * np.sqrt(right)
    decay = series(tables.AIRY_POSITIVE, 2 * _AIRY_START / z - 1) * np.exp(-z)
    decay = decay / (2 * math.sqrt(math.pi) * right**0.25)
    left = np.maximum(-x, 4)
    z = 2 / 3 * left * np.sqrt(left)
    t = 2 * (_AIRY_ZETA / z) ** 2 - 1
    p, q = series(tables.AIRY_P, t), series(tables.AIRY_Q, t) / z
    cosine, sine = np.cos(z - math.pi / 4), np.sin(z - math.pi / 4)
    wave = (p * cosine + q * sine) / (math.sqrt(math.pi) * left**0.25)
    return np.where(np.isinf(x), np.nan, np.where(x > 2, decay, np.where(x < -4, wave, near)))


def _spherical_j0(x: Any) -> Any:
    small = np.abs(x) < 0.5
    square = np.where(small, x * x, 0)
    terms = [1 / math.factorial(2 * k + 1) * (-1) ** k for k in range(8)]
    near = np.zeros_like(square)
    for each in reversed(terms):
        near = near * square + each
    far = np.where(small, 1.0, x)
    return np.where(np.isinf(x), 0.0, np.where(small, near, np.sin(far) / far))


class _OfOne(Elementwise):
    """A function of one tensor, without a gradient."""

    floating = True


class AiryAi(_OfOne):
    """out = Ai(x), the solution of y'' = x * y that decays"""

    @staticmethod
    def forward(x):
        return in_double(_airy_ai, x)


class BesselJ0(_OfOne):
    """out = J0(x)"""

    @staticmethod
    def forward(x):
        return in_double(_j0, x)


class BesselJ1(_OfOne):
    """out = J1(x)"""

    @staticmethod
    def forward(x):
        return in_double(_j1, x)


class BesselY0(_OfOne):
    """out = Y0(x)"""

    @staticmethod
    def forward(x):
        return in_double(_y0, x)


class BesselY1(_OfOne):
    """out = Y1(x)"""

    @staticmethod
    def forward(x):
        return in_double(_y1, x)


class ModifiedBesselI0(_OfOne):
    """out = I0(x)"""

    @staticmethod
    def forward(x):
        return in_double(_i0, x)


class ModifiedBesselI1(_OfOne):
    """out = I1(x)"""

    @staticmethod
    def forward(x):
        return in_double(_i1, x)


class ModifiedBesselK0(_OfOne):
    """out = K0(x)"""

    @staticmethod
    def forward(x):
        return in_double(lambda x: np.exp(-x) * _k0e(x), x)


class ModifiedBesselK1(_OfOne):
    """out = K1(x)"""

    @staticmethod
    def forward(x):
        return in_double(lambda x: np.exp(-x) * _k1e(x), x)


class ScaledModifiedBesselK0(_OfOne):
    """out = e**x * K0(x)"""

    @staticmethod
    def forward(x):
        return in_double(_k0e, x)


class ScaledModifiedBesselK1(_OfOne):
    """out = e**x * K1(x)"""

    @staticmethod
    def forward(x):
        return in_double(_k1e, x)


class SphericalBesselJ0(_OfOne):
    """out = sin(x) / x"""

    @staticmethod
    def forward(x):
        return in_double(_spherical_j0, x)


@takes_out
def airy_ai(x: Tensor) -> Tensor:
    """out = Ai(x), Airy's function. Without a gradient. Source: ``torch.special.airy_ai``."""
    return AiryAi.apply(x)


@takes_out
def bessel_j0(input: Tensor) -> Tensor:
    """out = J0(input), the Bessel function of the first kind of order 0. Without a gradient.

    Source: ``torch.special.bessel_j0``.
    """
    return BesselJ0.apply(input)


@takes_out
def bessel_j1(input: Tensor) -> Tensor:
    """out = J1(input), of order 1. Without a gradient. Source: ``torch.special.bessel_j1``."""
    return BesselJ1.apply(input)


@takes_out
def bessel_y0(input: Tensor) -> Tensor:
    """out = Y0(input), of the second kind: -inf at 0, NaN below. Without a gradient.

    Source: ``torch.special.bessel_y0``.
    """
    return BesselY0.apply(input)


@takes_out
def bessel_y1(input: Tensor) -> Tensor:
    """out = Y1(input): -inf at 0, NaN below. Without a gradient.

    Source: ``torch.special.bessel_y1``.
    """
    return BesselY1.apply(input)


@takes_out
def modified_bessel_i0(input: Tensor) -> Tensor:
    """out = I0(input), as `i0` but without a gradient, as in PyTorch.

    Source: ``torch.special.modified_bessel_i0``.
    """
    return ModifiedBesselI0.apply(input)


@takes_out
def modified_bessel_i1(input: Tensor) -> Tensor:
    """out = I1(input), as `i1` but without a gradient, as in PyTorch.

    Source: ``torch.special.modified_bessel_i1``.
    """
    return ModifiedBesselI1.apply(input)


@takes_out
def modified_bessel_k0(input: Tensor) -> Tensor:
    """out = K0(input), of the second kind: inf at 0, NaN below. Without a gradient.

    Source: ``torch.special.modified_bessel_k0``.
    """
    return ModifiedBesselK0.apply(input)


@takes_out
def modified_bessel_k1(input: Tensor) -> Tensor:
    """out = K1(input): inf at 0, NaN below. Without a gradient.

    Source: ``torch.special.modified_bessel_k1``.
    """
    return ModifiedBesselK1.apply(input)


@takes_out
def scaled_modified_bessel_k0(x: Tensor) -> Tensor:
    """out = e ** x * K0(x), without underflow. Without a gradient.

    Source: ``torch.special.scaled_modified_bessel_k0``.
    """
    return ScaledModifiedBesselK0.apply(x)


@takes_out
def scaled_modified_bessel_k1(x: Tensor) -> Tensor:
    """out = e ** x * K1(x), without underflow. Without a gradient.

    Source: ``torch.special.scaled_modified_bessel_k1``.
    """
    return ScaledModifiedBesselK1.apply(x)


@takes_out
def spherical_bessel_j0(x: Tensor) -> Tensor:
    """out = sin(x) / x, 1 at 0. Without a gradient.

    Source: ``torch.special.spherical_bessel_j0``.
    """
    return SphericalBesselJ0.apply(x)
