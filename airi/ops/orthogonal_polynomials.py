"""Orthogonal polynomials of integer degree, element by element, by their recurrences.

As in PyTorch they have no gradients, the degree may be a tensor, and degrees below 0 give 0.
Source of the recurrences: F. Olver et al., "NIST Handbook" (2010), table 18.9.1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.ops.in_double import in_double, require_a_tensor
from airi.ops.names import takes_out
from airi.ops.promotion import Elementwise

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

    Polynomial = Callable[[Tensor | Number, Tensor | Number], Tensor]

__all__ = [
    "chebyshev_polynomial_t",
    "chebyshev_polynomial_u",
    "chebyshev_polynomial_v",
    "chebyshev_polynomial_w",
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
    "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
]

# The polynomial of degree 1, and that of degree k + 1 from x and those of degrees k and k - 1.
_RECURRENCES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "chebyshev_t": (lambda x: x, lambda k, x, p, q: 2 * x * p - q),
    "chebyshev_u": (lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - q),
    "chebyshev_v": (lambda x: 2 * x - 1, lambda k, x, p, q: 2 * x * p - q),
    "chebyshev_w": (lambda x: 2 * x + 1, lambda k, x, p, q: 2 * x * p - q),
    "hermite_h": (lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - 2 * k * q),
    "hermite_he": (lambda x: x, lambda k, x, p, q: x * p - k * q),
    "laguerre_l": (lambda x: 1 - x, lambda k, x, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1)),
    "legendre_p": (lambda x: x, lambda k, x, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1)),
}


def _cosines(family: str, n: Any, x: Any) -> Any:
    """Chebyshev's polynomials for |x| <= 1: of high degree as cosines and sines of n * angle."""
    angle = np.arccos(np.clip(x, -1, 1))
    half = angle / 2
    if family == "chebyshev_t":
        return np.cos(n * angle)
    if family == "chebyshev_u":
        return np.where(np.sin(angle) == 0, np.nan, np.sin((n + 1) * angle) / np.sin(angle))
    if family == "chebyshev_v":
        return np.cos((n + 0.5) * angle) / np.cos(half)
    return np.sin((n + 0.5) * angle) / np.sin(half)


_HIGH = 6  # the degree above which PyTorch takes Chebyshev's polynomials from the angle


class OrthogonalPolynomial(Elementwise):
    """out = the polynomial of a family, of degree n (rounded towards 0), at x or 2x - 1"""

    floating = True

    @staticmethod
    def forward(x, n, *, family, shifted):
        def values(x: Any, n: Any) -> Any:
            return _values(family, 2 * x - 1 if shifted else x, np.trunc(n))

        return in_double(values, x, n)


def _values(family: str, x: Any, n: Any) -> Any:
    first, following = _RECURRENCES[family]
    x, n = np.broadcast_arrays(x, n)
    x = np.array(x)
    out = np.where(n == 0, 1.0, 0.0)
    previous, current = np.ones_like(x), first(x)
    by_angle = np.zeros(x.shape, bool)
    if family.startswith("chebyshev"):
        by_angle = (n > _HIGH) & (np.abs(x) < 1)
        out = np.where(by_angle, _cosines(family, n, x), out)
    largest = int(np.where(by_angle | ~np.isfinite(n), 0, n).max(initial=0))
    for k in range(1, largest + 1):
        out = np.where((n == k) & ~by_angle, current, out)
        previous, current = current, following(k, x, current, previous)
    return out


def _polynomial(name: str, family: str, what: str, shifted: bool = False) -> Polynomial:
    def polynomial(input: Tensor | Number, n: Tensor | Number) -> Tensor:
        require_a_tensor(name, input, n)
        return OrthogonalPolynomial.apply(input, n, family=family, shifted=shifted)

    polynomial.__name__ = polynomial.__qualname__ = name
    polynomial.__doc__ = (
        f"{what}, of degree n at input, with broadcasting; 0 for n < 0. Without a gradient.\n\n"
        f"    Source: ``torch.special.{name}``.\n    "
    )
    return takes_out(polynomial)


chebyshev_polynomial_t = _polynomial(
    "chebyshev_polynomial_t", "chebyshev_t", "Chebyshev's polynomial of the first kind"
)
chebyshev_polynomial_u = _polynomial(
    "chebyshev_polynomial_u", "chebyshev_u", "Chebyshev's polynomial of the second kind"
)
chebyshev_polynomial_v = _polynomial(
    "chebyshev_polynomial_v", "chebyshev_v", "Chebyshev's polynomial of the third kind"
)
chebyshev_polynomial_w = _polynomial(
    "chebyshev_polynomial_w", "chebyshev_w", "Chebyshev's polynomial of the fourth kind"
)
hermite_polynomial_h = _polynomial(
    "hermite_polynomial_h", "hermite_h", "The physicists' Hermite polynomial"
)
hermite_polynomial_he = _polynomial(
    "hermite_polynomial_he", "hermite_he", "The probabilists' Hermite polynomial"
)
laguerre_polynomial_l = _polynomial("laguerre_polynomial_l", "laguerre_l", "Laguerre's polynomial")
legendre_polynomial_p = _polynomial("legendre_polynomial_p", "legendre_p", "Legendre's polynomial")
shifted_chebyshev_polynomial_t = _polynomial(
    "shifted_chebyshev_polynomial_t", "chebyshev_t", "chebyshev_polynomial_t at 2x - 1", True
)
shifted_chebyshev_polynomial_u = _polynomial(
    "shifted_chebyshev_polynomial_u", "chebyshev_u", "chebyshev_polynomial_u at 2x - 1", True
)
shifted_chebyshev_polynomial_v = _polynomial(
    "shifted_chebyshev_polynomial_v", "chebyshev_v", "chebyshev_polynomial_v at 2x - 1", True
)
shifted_chebyshev_polynomial_w = _polynomial(
    "shifted_chebyshev_polynomial_w", "chebyshev_w", "chebyshev_polynomial_w at 2x - 1", True
)
