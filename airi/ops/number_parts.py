"""The parts of numbers: common divisors of integers, mantissa and neighbours of floats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from airi.autograd.graph import Rule
from airi.ops import comparison, elementwise, transcendental
from airi.ops.out import written
from airi.ops.promotion import Elementwise, require_float
from airi.ops.views import array_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["frexp", "gcd", "lcm", "nextafter"]


class Gcd(Elementwise):
    """out = the greatest common divisor of x and y, not negative"""

    ufunc = np.gcd

    @staticmethod
    def forward(x, y):
        return np.gcd(x, y)


class Lcm(Elementwise):
    """out = the least common multiple of x and y, not negative"""

    ufunc = np.lcm

    @staticmethod
    def forward(x, y):
        return np.lcm(x, y)


def _require_tensors(function: str, *given: Any) -> None:
    for each in given:
        if not isinstance(array_of(each), np.ndarray):
            raise TypeError(f"{function}: expected Tensors, got {type(each).__name__}")


def _require_integers(function: str, *given: Any) -> None:
    _require_tensors(function, *given)
    for each in given:
        if array_of(each).dtype.kind not in "iu":
            raise RuntimeError(f"{function}: expected integers, got {each.dtype}")


def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest common divisor of integers, with broadcasting; gcd(0, 0) is 0.

    Raises RuntimeError for other dtypes. Example: ``airi.gcd(a, b)``. Source: ``torch.gcd``.
    """
    _require_integers("gcd", input, other)
    result = Gcd.apply(input, other)
    return result if out is None else written("gcd", out, result)


def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least common multiple of integers, with broadcasting; 0 where either is 0.

    Raises RuntimeError for other dtypes. Source: ``torch.lcm``.
    """
    _require_integers("lcm", input, other)
    result = Lcm.apply(input, other)
    return result if out is None else written("lcm", out, result)


class Nextafter(Elementwise):
    """out = the float after x towards y;  dx = g where x != y, dy = 0"""

    ufunc = np.nextafter

    @staticmethod
    def forward(x, y):
        return np.nextafter(x, y)

    @staticmethod
    def backward(g, x, y):
        return elementwise.mul(g, comparison.Ne.apply(x, y)), elementwise.Zeros.apply(g)


def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The floating-point number next to input in the direction of other.

    Gradients pass to input where both differ, none to other. Source: ``torch.nextafter``.
    """
    _require_tensors("nextafter", input, other)
    require_float("nextafter", input, other)
    result = Nextafter.apply(input, other)
    return result if out is None else written("nextafter", out, result)


class Parts(NamedTuple):
    """What `frexp` returns."""

    mantissa: Any
    exponent: Any


class Frexp(Rule):
    """out = mantissa, exponent with x = mantissa * 2**exponent;  dx = g / 2**exponent"""

    outputs = ("mantissa", "exponent")

    @staticmethod
    def forward(x):
        mantissa, exponent = np.frexp(x)
        return mantissa, exponent.astype(np.int32, copy=False)

    @staticmethod
    def backward(g, exponent):
        return elementwise.div(g[0], transcendental.Pow.apply(2.0, exponent))


def frexp(input: Tensor, *, out: Tensor | None = None) -> Parts:
    """(mantissa, exponent) with input = mantissa * 2 ** exponent, 0.5 <= |mantissa| < 1; int32.

    Raises RuntimeError for integers. Source: ``torch.frexp``.
    """
    require_float("frexp", input)
    result = Parts(*Frexp.apply(input))
    return result if out is None else written("frexp", out, result)
