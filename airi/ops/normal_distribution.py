"""The scaled error function, and the normal distribution: its function, logarithm and inverse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.ops import special_tables as tables
from airi.ops.erf import Erfinv, apply_kernel
from airi.ops.in_double import in_double, series
from airi.ops.names import takes_out
from airi.ops.promotion import Elementwise
from airi.ops.transcendental import exp

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["erfcx", "log_ndtr", "ndtr", "ndtri"]

_SQRT2 = math.sqrt(2)
_DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)


def _erfcx(x: Any) -> Any:
    # M. Shepherd and J. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x**2) erfc x" (1981).
    size = np.abs(x)
    t = np.where(np.isinf(size), 1.0, (size - 3.75) / (size + 3.75))
    right = series(tables.ERFCX, t) / (1 + 2 * size)
    return np.where(x < 0, 2 * np.exp(x * x) - right, right)


class Erfcx(Elementwise):
    """out = e**(x**2) * erfc(x);  dx = g * (2 * x * out - 2 / sqrt(pi))"""

    floating = True

    @staticmethod
    def forward(x):
        return in_double(_erfcx, x)

    @staticmethod
    def backward(g, x, out):
        return g * (2 * x * out - 2 / math.sqrt(math.pi))


@takes_out
def erfcx(input: Tensor) -> Tensor:
    """out = e ** (input ** 2) * erfc(input), without underflow. Source: ``torch.special.erfcx``."""
    return Erfcx.apply(input)


class Ndtr(Elementwise):
    """out = the standard normal distribution up to x;  dx = g * e**(-x**2 / 2) / sqrt(2 pi)"""

    floating = True

    @staticmethod
    def forward(x):
        return in_double(lambda x: 0.5 * apply_kernel("erfc", -x / _SQRT2), x)

    @staticmethod
    def backward(g, x):
        return g * exp(-0.5 * x * x) * _DENSITY_AT_0


@takes_out
def ndtr(input: Tensor) -> Tensor:
    """out = the integral of the standard normal density up to input, erfc(-input / sqrt(2)) / 2.

    Example: ``airi.special.ndtr(airi.zeros(1))`` is ``[0.5]``. Source: ``torch.special.ndtr``.
    """
    return Ndtr.apply(input)


def _log_ndtr(x: Any) -> Any:
    low = np.minimum(x, -1)
    left = np.log(0.5 * _erfcx(-low / _SQRT2)) - 0.5 * low * low
    right = np.log1p(-0.5 * apply_kernel("erfc", np.maximum(x, -1) / _SQRT2))
    return np.where(x < -1, left, right)


class LogNdtr(Elementwise):
    """out = log(ndtr(x));  dx = g * sqrt(2 / pi) / erfcx(-x / sqrt(2))"""

    floating = True

    @staticmethod
    def forward(x):
        return in_double(_log_ndtr, x)

    @staticmethod
    def backward(g, x):
        return g * math.sqrt(2 / math.pi) / Erfcx.apply(x * (-1 / _SQRT2))


@takes_out
def log_ndtr(input: Tensor) -> Tensor:
    """out = log(ndtr(input)), also where ndtr underflows. Source: ``torch.special.log_ndtr``."""
    return LogNdtr.apply(input)


def _ndtri(p: Any) -> Any:
    """sqrt(2) * erfinv(2 p - 1) in the middle, Halley's steps on log_ndtr(y) = log(q) outside.

    q is the smaller of p and 1 - p. The first guess is formula 26.2.22 of M. Abramowitz and
    I. Stegun, "Handbook of Mathematical Functions" (1964), good to 0.003.
    """
    q = np.minimum(p, 1 - p)
    inside = (q > 0) & (q <= 0.5)
    log_q = np.log(np.where(inside, q, 0.25))
    t = np.sqrt(-2 * log_q)
    y = -(t - (2.30753 + 0.27061 * t) / (1 + (0.99229 + 0.04481 * t) * t))
    for _ in range(3):
        error = _log_ndtr(y) - log_q
        slope = math.sqrt(2 / math.pi) / _erfcx(-y / _SQRT2)
        step = error / slope
        curvature = -y - slope  # of log_ndtr, as a multiple of its slope
        y = y - step / (1 - 0.5 * step * curvature)
    y = np.where(p > 0.5, -y, y)
    middle = np.clip(2 * p - 1, -0.7, 0.7)
    y = np.where(np.abs(p - 0.5) < 0.3, _SQRT2 * Erfinv.forward(middle), y)
    y = np.where(p == 0, -np.inf, np.where(p == 1, np.inf, y))
    return np.where(inside | (q == 0), y, np.nan)


class Ndtri(Elementwise):
    """out = y with ndtr(y) = x;  dx = g * sqrt(2 pi) * e**(out**2 / 2)"""

    floating = True

    @staticmethod
    def forward(x):
        return in_double(_ndtri, x)

    @staticmethod
    def backward(g, out):
        return g * exp(0.5 * out * out) * math.sqrt(2 * math.pi)


@takes_out
def ndtri(input: Tensor) -> Tensor:
    """out = y with ndtr(y) = input: -inf at 0, inf at 1, NaN beyond.

    Source: ``torch.special.ndtri``.
    """
    return Ndtri.apply(input)
