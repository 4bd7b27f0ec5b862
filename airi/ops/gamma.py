"""The gamma function's logarithm, its derivatives, Hurwitz' zeta and the incomplete functions.

Formulas: F. Olver et al., "NIST Handbook of Mathematical Functions" (2010), chapters 5, 8 and 25.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import wrap
from airi.dtypes import FLOATING, default_numpy
from airi.ops import reduction
from airi.ops.elementwise import add
from airi.ops.erf import apply_kernel
from airi.ops.in_double import in_double, require_a_tensor
from airi.ops.names import takes_out
from airi.ops.out import written
from airi.ops.promotion import Elementwise
from airi.ops.transcendental import exp, log
from airi.ops.views import unsqueeze

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = [
    "digamma",
    "igamma",
    "igammac",
    "lgamma",
    "mvlgamma",
    "polygamma",
]

# B2 / 2!, B4 / 4!, ... of Bernoulli's numbers: the coefficients of the Euler-Maclaurin sums below.
_BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]
_LARGE = 10.0  # from where asymptotic series hold float64's precision


class Lgamma(Elementwise):
    """out = log(|Gamma(x)|);  dx = g * digamma(x)"""

    floating = True

    @staticmethod
    def forward(x):
        return apply_kernel("lgamma", x)

    @staticmethod
    def backward(g, x):
        return g * Digamma.apply(x)


def lgamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = log(|Gamma(input)|), infinite at 0, -1, -2, ...

    Integers give the default float dtype. Example: ``airi.lgamma(airi.tensor([5.0]))`` is log(24).
    Source: ``torch.lgamma``.
    """
    result = Lgamma.apply(input)
    return result if out is None else written("lgamma", out, result)


def _digamma(x: Any) -> Any:
    """By psi(x) = psi(x + 1) - 1 / x up to 10, then 5.11.2; reflected (5.5.4) below 0."""
    negative = x < 0
    y = np.where(negative, 1 - x, x)
    out = np.zeros_like(y)
    for _ in range(int(_LARGE)):
        small = y < _LARGE
        out -= np.where(small, 1 / y, 0)
        y = np.where(small, y + 1, y)
    square = 1 / (y * y)
    tail = np.zeros_like(y)
    for k in reversed(range(len(_BERNOULLI))):
        tail = square * (tail + _BERNOULLI[k] / (2 * k + 2))
    out += np.log(y) - 0.5 / y - tail
    # The fraction alone, so that the tangent is exact.
    angle = math.pi * (x - np.trunc(x))
    out = np.where(negative, out - math.pi / np.tan(angle), out)
    pole = (x < 0) & (x == np.trunc(x))
    return np.where(pole, np.nan, np.where(x == 0, np.copysign(np.inf, -x), out))


class Digamma(Elementwise):
    """out = the derivative of log(Gamma(x));  dx = g * polygamma(1, x)"""

    floating = True

    @staticmethod
    def forward(x):
        return in_double(_digamma, x)

    @staticmethod
    def backward(g, x):
        return g * Polygamma.apply(x, n=1)


def digamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = the derivative of log(Gamma(input)): infinite at 0, NaN at -1, -2, ...

    Source: ``torch.digamma``.
    """
    result = Digamma.apply(input)
    return result if out is None else written("digamma", out, result)


def hurwitz(s: Any, q: Any) -> Any:
    """The sum of (q + k)**-s over k = 0, 1, ...; NaN for s < 1, inf at poles.

    Below 0, where s must be an integer, the terms before q + k reaches r in (0, 1) are up to their
    sign those of zeta(s, 1 - r) without those of zeta(s, 1 - q).
    """
    pole = (s == 1) | ((q <= 0) & (q == np.floor(q)))
    undefined = (s < 1) | ((q <= 0) & (s != np.floor(s)))
    negative = (q < 0) & np.isfinite(q)
    r = np.where(negative, q - np.floor(q), q)
    out = _zeta_above_0(s, r)
    if negative.any():
        sign = np.where(s % 2 == 0, 1.0, -1.0)
        before = _zeta_above_0(s, 1 - r) - _zeta_above_0(s, np.where(negative, 1 - q, 1))
        out = np.where(negative, out + sign * before, out)
    return np.where(undefined, np.nan, np.where(pole, np.inf, out))


def _zeta_above_0(s: Any, q: Any) -> Any:
    """Terms up to q + k = 10 + s, then the Euler-Maclaurin sum 25.11.28."""
    # Further for a larger s, at which the terms of the tail grow faster.
    start = _LARGE + np.clip(np.nan_to_num(s), 0, 30)
    shift = np.maximum(np.ceil(start - np.where(q > 0, q, start)), 0)
    total = np.zeros(np.broadcast_shapes(np.shape(s), np.shape(q)))
    for k in range(int(shift.max(initial=0))):
        total += np.where(k < shift, np.power(q + k, -s), 0)
    w = q + shift
    power = np.power(w, -s)
    tail = w * power / (s - 1) + 0.5 * power
    factor = s * power / w
    for k, bernoulli in enumerate(_BERNOULLI):
        tail += bernoulli / math.factorial(2 * k + 2) * factor
        factor = factor * (s + 2 * k + 1) * (s + 2 * k + 2) / (w * w)
    return np.where(np.isposinf(q), 0.0, total + tail)


def _polygamma(n: int, x: Any) -> Any:
    if n == 0:
        return _digamma(x)
    if n > 1:
        return (-1) ** (n + 1) * math.gamma(n + 1) * hurwitz(n + 1.0, x)
    # Of the trigamma function the reflection 5.15.6 is exact also far below 0.
    low = x < 0.5
    value = hurwitz(2.0, np.where(low, 1 - x, x))
    sine = np.sin(math.pi * (x - np.round(x)))
    return np.where(low, (math.pi / sine) ** 2 - value, value)


class Polygamma(Elementwise):
    """out = the n-th derivative of digamma(x);  dx = g * the next one"""

    floating = True

    @staticmethod
    def forward(x, *, n):
        return in_double(lambda x: _polygamma(n, x), x)

    @staticmethod
    def backward(g, x, n):
        return g * Polygamma.apply(x, n=n + 1)


def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = the n-th derivative of digamma(input), n = 0, 1, ...

    As a method, ``input.polygamma(n)``. Raises RuntimeError for a negative n.
    Source: ``torch.polygamma``.
    """
    if not isinstance(n, int):
        raise TypeError(f"polygamma: n must be an int, got {type(n).__name__}")
    if n < 0:
        raise RuntimeError(f"polygamma: n must not be negative, got {n}")
    result = Polygamma.apply(input, n=n)
    return result if out is None else written("polygamma", out, result)


def polygamma_of(input: Tensor, n: int) -> Tensor:
    """`polygamma` with the tensor first. Source: ``torch.Tensor.polygamma``."""
    return polygamma(n, input)


class Zeta(Elementwise):
    """out = the sum of (q + k)**-s over k;  dq = -g * s * zeta(s + 1, q), none for s"""

    floating = True

    @staticmethod
    def forward(s, q):
        return in_double(hurwitz, s, q)

    @staticmethod
    def backward(g, s, q, needs):
        _refuse_first("zeta", needs)
        return None, -g * s * Zeta.apply(s + 1, q)


@takes_out
def zeta(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Hurwitz' zeta function: the sum of (other + k) ** -input over k = 0, 1, ...

    NaN for input < 1, infinite at 1. Only `other` has a gradient. Source: ``torch.special.zeta``.
    """
    require_a_tensor("zeta", input, other)
    return Zeta.apply(input, other)


def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """log of the multivariate gamma function of dimension p:

    p * (p - 1) / 4 * log(pi) + the sum of lgamma(input - j / 2) over j = 0 to p - 1.
    Raises RuntimeError for p < 1. Source: ``torch.mvlgamma``.
    """
    if p < 1:
        raise RuntimeError(f"mvlgamma: p must be at least 1, got {p}")
    halves = np.arange(p) / -2
    constant = p * (p - 1) / 4 * math.log(math.pi)
    shifted = add(unsqueeze(input, -1), _tensor_like(halves, input))
    result = add(reduction.sum(Lgamma.apply(shifted), -1), constant)
    return result if out is None else written("mvlgamma", out, result)


def _tensor_like(values: np.ndarray, like: Any) -> Any:
    dtype = like._array.dtype
    return wrap(values.astype(dtype if dtype.kind in FLOATING else default_numpy()))


# -- Incomplete gamma functions -------------------------------------------------------------------

_STIRLING = [b / ((2 * k + 2) * (2 * k + 1)) for k, b in enumerate(_BERNOULLI)]  # 5.11.1
_BROAD = 200.0  # from which a the integral near its peak is computed by quadrature


def _phi(mu: Any) -> Any:
    """mu - log(1 + mu), exact also near 0."""
    near = np.where(np.abs(mu) < 0.1, mu, 0)
    total = np.zeros_like(near)
    for k in range(18, 1, -1):
        total = total * near + (-1) ** k / k
    return np.where(np.abs(mu) < 0.1, total * near * near, mu - np.log1p(mu))


def _density(a: Any, x: Any) -> Any:
    """x**a * e**-x / Gamma(a)."""
    direct = np.exp(a * np.log(x) - x - apply_kernel("lgamma", a))
    large = np.maximum(a, _LARGE)
    stirling = np.zeros_like(large)
    for c in reversed(_STIRLING):
        stirling = stirling / (large * large) + c
    scaled = np.sqrt(large / (2 * math.pi)) * np.exp(-stirling / large)
    by_stirling = scaled * np.exp(-large * _phi((x - large) / large))
    return np.where(a < _LARGE, direct, by_stirling)


def _by_series(a: Any, x: Any) -> Any:
    """P / density by 8.7.1: the sum of x**k / (a * (a + 1) * ... * (a + k))."""
    term = 1 / a
    total = term
    k = 0
    while np.any(np.abs(term) > 1e-17 * np.abs(total)):
        k += 1
        term = term * x / (a + k)
        total = total + term
    return total


def _by_fraction(a: Any, x: Any) -> Any:
    """Q / density by the continued fraction 8.9.2, in Lentz' form."""
    b = x + 1 - a
    c = np.full_like(x, 1e300)
    d = 1 / b
    total = d
    k = 0
    change = np.full_like(x, 2.0)
    while np.any(np.abs(change - 1) > 3e-16) and k < 10_000:
        k += 1
        numerator = -k * (k - a)
        b = b + 2
        d = 1 / (numerator * d + b)
        c = b + numerator / c
        change = c * d
        total = total * change
    return total


def _by_quadrature(a: Any, x: Any) -> Any:
    """The smaller of P and Q, by density, near a large a: 64 Gauss points on 10 deviations."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    sign = np.where(x < a, -1.0, 1.0)
    length = 10 * np.sqrt(np.maximum(a, x))
    length = np.where(sign < 0, np.minimum(length, x), length)
    total = np.zeros_like(x)
    for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
        s = sign * length * (node + 1) / 2
        total += weight * np.exp((a - 1) * np.log1p(s / x) - s)
    return total * length / 2 / x


def _incomplete(a: Any, x: Any) -> tuple[Any, Any]:
    """P and Q, the lower and the upper function, divided by Gamma(a): P + Q = 1."""
    a, x = np.broadcast_arrays(a, x)
    regular = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    shape = a.shape
    P, Q = np.full(shape, np.nan), np.full(shape, np.nan)
    flat_a, flat_x = a[regular], x[regular]
    lower, upper = np.empty_like(flat_a), np.empty_like(flat_a)
    near = (flat_a > _BROAD) & (np.abs(flat_x - flat_a) < 0.3 * flat_a)
    below = ~near & ((flat_x <= 1.1) | (flat_x <= flat_a))
    for chosen, method, is_lower in (
        (near & (flat_x < flat_a), _by_quadrature, True),
        (near & (flat_x >= flat_a), _by_quadrature, False),
        (below, _by_series, True),
        (~near & ~below, _by_fraction, False),
    ):
        if chosen.any():
            part = flat_a[chosen], flat_x[chosen]
            value = np.minimum(_density(*part) * method(*part), 1)
            lower[chosen], upper[chosen] = (value, 1 - value) if is_lower else (1 - value, value)
    P[regular], Q[regular] = lower, upper
    edges = [  # where the arguments are at 0 or infinite, in PyTorch's order
        ((a >= 0) & (x == 0) & (a > 0), 0.0),
        ((a == 0) & (x > 0), 1.0),
        (np.isposinf(a) & (x >= 0) & np.isfinite(x), 0.0),
        ((a > 0) & np.isfinite(a) & np.isposinf(x), 1.0),
    ]
    for where, value in edges:
        P[where], Q[where] = value, 1 - value
    return P, Q


class Igamma(Elementwise):
    """out = P(a, x), the integral of t**(a-1) * e**-t from 0 to x, by Gamma(a)

    dx = g * x**(a-1) * e**-x / Gamma(a)
    """

    floating = True

    @staticmethod
    def forward(a, x):
        return in_double(lambda a, x: _incomplete(a, x)[0], a, x)

    @staticmethod
    def backward(g, a, x, needs):
        _refuse_first("igamma", needs)
        return None, g * _slope(a, x) if needs[1] else None


class Igammac(Elementwise):
    """out = 1 - P(a, x);  dx = -g * x**(a-1) * e**-x / Gamma(a)"""

    floating = True

    @staticmethod
    def forward(a, x):
        return in_double(lambda a, x: _incomplete(a, x)[1], a, x)

    @staticmethod
    def backward(g, a, x, needs):
        _refuse_first("igammac", needs)
        return None, -g * _slope(a, x) if needs[1] else None


def _slope(a: Any, x: Any) -> Any:
    return exp((a - 1) * log(x) - x - Lgamma.apply(a))


def _refuse_first(function: str, needs: tuple[bool, ...]) -> None:
    if needs[0]:
        raise RuntimeError(f"{function}: the derivative for its first argument is not implemented")


def _require_tensors(function: str, *given: Any) -> None:
    if not all(hasattr(each, "_array") for each in given):
        kinds = " and ".join(type(each).__name__ for each in given)
        raise TypeError(f"{function}: both arguments must be Tensors, got {kinds}")


def igamma(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The lower regularised incomplete gamma function P(input, other), with broadcasting.

    The integral of t ** (input - 1) * e ** -t from 0 to `other`, divided by Gamma(input); NaN for
    negative arguments. Only `other` has a gradient, as in PyTorch. Source: ``torch.igamma``.
    """
    _require_tensors("igamma", input, other)
    result = Igamma.apply(input, other)
    return result if out is None else written("igamma", out, result)


def igammac(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The upper regularised incomplete gamma function, 1 - igamma(input, other).

    Only `other` has a gradient, as in PyTorch. Source: ``torch.igammac``.
    """
    _require_tensors("igammac", input, other)
    result = Igammac.apply(input, other)
    return result if out is None else written("igammac", out, result)
