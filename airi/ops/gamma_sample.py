"""Gamma-distributed numbers, with the gradient of a sample to its parameter.

Source: Figurnov, Mohamed and Mnih, Implicit Reparameterization Gradients (2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from airi.autograd.graph import Rule
from airi.ops.gamma import Digamma
from airi.random import Generator, generator_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__: list[str] = []

_REACH = 38.0  # what is cut off of the integrals is e**-38 of their greatest value
_NODES = 64
_ROWS = 4096  # elements that are integrated at a time
_TERMS = 64


class StandardGamma(Rule):
    """out = x ~ x**(a - 1) * e**-x / gamma(a);  da = g * -(dP/da) / (dP/dx).

    P(a, x) is the cdf: the sample keeps its place in the distribution while a changes.
    """

    @staticmethod
    def forward(a, *, generator):
        drawn = generator.numpy.standard_gamma(a)
        # A number that rounds to 0 has lost its place, and with it the gradient.
        return np.maximum(drawn, np.finfo(a.dtype).tiny).astype(a.dtype)

    @staticmethod
    def backward(g, a, out):
        return g * StandardGammaSlope.apply(a, out)


class StandardGammaSlope(Rule):
    """out = dx/da of a sample x of the gamma distribution of parameter a; no gradient"""

    @staticmethod
    def forward(a, x):
        flat_a = np.asarray(a, np.float64).reshape(-1)
        flat_x = np.asarray(x, np.float64).reshape(-1)
        out = np.empty_like(flat_a)
        few = (flat_a < 8) & (flat_x <= np.maximum(flat_a, 4))
        with np.errstate(all="ignore"):
            out[few] = _by_series(flat_a[few], flat_x[few])
            rest = np.flatnonzero(~few)
            for start in range(0, rest.size, _ROWS):
                rows = rest[start : start + _ROWS]
                out[rows] = _by_integral(flat_a[rows], flat_x[rows])
        return out.reshape(np.shape(a)).astype(np.asarray(a).dtype)


def _by_series(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dx/da for small x: P = sum over n of t_n = x**(a + n) * e**-x / gamma(a + n + 1).

    Each t_n has the slope t_n * (log(x) - digamma(a + n + 1)), and t_n over the density is the
    product of ``x / (a + k)`` for k = 0 ... n.
    """
    share = np.ones_like(x)
    slope = np.log(x) - Digamma.apply(a)
    total = np.zeros_like(x)
    for n in range(_TERMS):
        share *= x / (a + n)
        slope -= 1 / (a + n)  # digamma(a + n + 1) = digamma(a + n) + 1 / (a + n)
        total -= share * slope
    return total


def _by_integral(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dx/da from the integral of ``(log(t) - digamma(a)) * density(t)`` on one side of x.

    On the side of x that is away from e**digamma(a), the integrand keeps its sign: nothing cancels.
    """
    middle = Digamma.apply(a)
    above = np.log(x) >= middle
    # How far from x the density falls to e**-_REACH of what it is there.
    reach = _REACH + np.sqrt(_REACH * (_REACH + 2 * x))
    reach = np.where(above, reach, np.minimum(x, np.sqrt(2 * _REACH * x)))
    points, weights = np.polynomial.legendre.leggauss(_NODES)
    away = np.multiply.outer(reach, (points + 1) / 2)
    step = np.where(above, 1.0, -1.0)[:, None] * away
    ratio = step / x[:, None]
    density = np.exp((a - 1)[:, None] * np.log1p(ratio) - step)
    heights = (np.log(x)[:, None] + np.log1p(ratio) - middle[:, None]) * density
    integral = (heights @ weights) * reach / 2
    return np.where(above, integral, -integral)


def standard_gamma(concentration: Tensor, generator: Generator | None = None) -> Tensor:
    """Numbers with density ``x**(a - 1) * e**-x / gamma(a)``, one for each a of `concentration`.

    The gradient to a is the sample's own, with its place in the distribution held; it has no
    second derivative. Source: ``torch._standard_gamma``.
    """
    return StandardGamma.apply(concentration, generator=generator_of(generator))
