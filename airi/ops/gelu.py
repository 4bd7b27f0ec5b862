"""GELU, exact and in its tanh form: x times the probability that a normal number is below x.

D. Hendrycks and K. Gimpel, "Gaussian error linear units" (2016).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.ops import fused
from airi.ops.activation import Activation
from airi.ops.erf import apply_kernel
from airi.ops.promotion import Elementwise
from airi.ops.transcendental import exp
from airi.ops.trigonometry import tanh

if TYPE_CHECKING:
    from airi.tensor import Tensor

SQRT_HALF = math.sqrt(0.5)
SQRT_2_OVER_PI = math.sqrt(2 / math.pi)
CUBIC = 0.044715  # of the tanh form of GELU


class Gelu(Activation):
    """out = x * P(x), P the normal distribution function;  dx = g * (P(x) + x * P'(x))"""

    small = fused.kernel("gelu", "gelu_grad")

    @staticmethod
    def forward(x):
        out = _normal_distribution(x)
        with np.errstate(invalid="ignore"):
            out *= x
        return out

    @staticmethod
    def backward(g, x):
        return g * GeluSlope.apply(x)


class GeluSlope(Elementwise):
    """out = P(x) + x * P'(x), the derivative of GELU;  dx = g * (2 - x**2) * P'(x)"""

    @staticmethod
    def forward(x):
        out = np.square(x, out=np.empty_like(x))
        out *= -0.5
        np.exp(out, out=out)
        out *= x
        out *= 1 / math.sqrt(2 * math.pi)
        out += _normal_distribution(x)
        return out

    @staticmethod
    def backward(g, x):
        square = x * x
        return g * (2 - square) * exp(-0.5 * square) * (1 / math.sqrt(2 * math.pi))


def _normal_distribution(x: Any) -> np.ndarray:
    """The probability that a standard normal number is below x."""
    out = np.asarray(apply_kernel("erfc", x * -SQRT_HALF))  # 1 + erf would cancel below zero
    out *= 0.5
    return out


class GeluTanh(Activation):
    """out = x * (1 + tanh(u)) / 2 with u = sqrt(2 / pi) * (x + 0.044715 * x**3)

    dx = g * (1 + tanh(u) + x * (1 - tanh(u)**2) * u') / 2
    """

    small = fused.kernel("gelu_tanh", "gelu_tanh_grad")

    @staticmethod
    def forward(x):
        out = _gelu_tanh(x)
        out += 1
        out *= 0.5
        with np.errstate(invalid="ignore"):
            out *= x
        return out

    @staticmethod
    def backward(g, x):
        return g * GeluTanhSlope.apply(x)


class GeluTanhSlope(Elementwise):
    """out = (1 + t + x * (1 - t**2) * u') / 2, the derivative of GELU's tanh form, t = tanh(u)

    dx = g * (1 - t**2) * (u' + x * (u'' / 2 - t * u'**2))
    """

    @staticmethod
    def forward(x):
        t = _gelu_tanh(x)
        inner_slope = np.square(x, out=np.empty_like(x))
        inner_slope *= 3 * CUBIC * SQRT_2_OVER_PI
        inner_slope += SQRT_2_OVER_PI
        out = np.square(t, out=np.empty_like(t))
        np.subtract(1, out, out=out)
        out *= inner_slope
        out *= x
        out += t
        out += 1
        out *= 0.5
        return out

    @staticmethod
    def backward(g, x):
        square = x * x
        t = tanh(SQRT_2_OVER_PI * x * (1 + CUBIC * square))
        first = SQRT_2_OVER_PI * (1 + 3 * CUBIC * square)
        half_second = (3 * CUBIC * SQRT_2_OVER_PI) * x
        return g * (1 - t * t) * (first + x * (half_second - t * first * first))


def _gelu_tanh(x: Any) -> np.ndarray:
    """tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))"""
    out = np.square(x, out=np.empty_like(x))
    out *= CUBIC * SQRT_2_OVER_PI
    out += SQRT_2_OVER_PI
    out *= x
    return np.tanh(out, out=out)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """out = input * the probability that a standard normal number is below input.

    With ``approximate="tanh"``: input * (1 + tanh(sqrt(2 / pi) * (input + 0.044715 * input ** 3)))
    / 2. Raises RuntimeError for another `approximate`. Source: ``torch.nn.functional.gelu``;
    D. Hendrycks and K. Gimpel (2016).
    """
    if approximate == "none":
        return Gelu.apply(input)
    if approximate == "tanh":
        return GeluTanh.apply(input)
    raise RuntimeError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
