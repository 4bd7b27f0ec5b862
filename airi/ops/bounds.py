"""The larger or smaller of two values, and values kept between bounds, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from airi.autograd.graph import Rule
from airi.ops import fused
from airi.ops.elementwise import Where, where
from airi.ops.names import require_tensor
from airi.ops.out import written
from airi.ops.promotion import Elementwise

if TYPE_CHECKING:
    from airi.tensor import Tensor

    Number = int | float | complex | bool

__all__ = [
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "fmax",
    "fmin",
    "maximum",
    "minimum",
]


class Maximum(Elementwise):
    """out = max(x, y), NaN if either is;  g goes to the larger, half to each of equal ones"""

    numbers = ()
    ufunc = np.maximum

    @staticmethod
    def forward(x, y):
        return np.maximum(x, y)

    @staticmethod
    def backward(g, x, y, needs):
        return (
            _Share.apply(g, x, y) if needs[0] else None,
            _Share.apply(g, y, x) if needs[1] else None,
        )


class Minimum(Elementwise):
    """out = min(x, y), NaN if either is;  g goes to the smaller, half to each of equal ones"""

    numbers = ()
    ufunc = np.minimum

    @staticmethod
    def forward(x, y):
        return np.minimum(x, y)

    @staticmethod
    def backward(g, x, y, needs):
        return (
            _Share.apply(g, y, x) if needs[0] else None,
            _Share.apply(g, x, y) if needs[1] else None,
        )


class _Share(Elementwise):
    """out = g where x > y or either is NaN, g / 2 where they are equal, else 0;  dg = the same"""

    @staticmethod
    def forward(g, x, y):
        out = Where.forward(np.less(x, y), 0.0, g)
        equal = np.equal(x, y)
        return Where.forward(equal, out * 0.5, out) if np.any(equal) else out

    @staticmethod
    def backward(g, x, y):
        return _Share.apply(g, x, y), None, None


def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = the larger of both, elementwise with broadcasting; NaN where either is NaN.

    Source: ``torch.maximum``.
    """
    result = Maximum.apply(input, other)
    return result if out is None else written("maximum", out, result)


def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = the smaller of both, elementwise with broadcasting; NaN where either is NaN.

    Source: ``torch.minimum``.
    """
    result = Minimum.apply(input, other)
    return result if out is None else written("minimum", out, result)


class Fmax(Elementwise):
    """out = max(x, y), the other one beside NaN;  g goes to x where it is chosen, also if equal"""

    numbers = ()
    ufunc = np.fmax

    @staticmethod
    def forward(x, y):
        return np.fmax(x, y)

    @staticmethod
    def backward(g, x, y, needs):
        chosen = (x >= y) | (y != y)  # only NaN differs from itself
        return (
            where(chosen, g, 0.0) if needs[0] else None,
            where(chosen, 0.0, g) if needs[1] else None,
        )


def fmax(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = the larger of both, with broadcasting; a NaN gives way to a number.

    Source: ``torch.fmax``.
    """
    result = Fmax.apply(input, other)
    return result if out is None else written("fmax", out, result)


class Fmin(Elementwise):
    """out = min(x, y), the other one beside NaN;  g goes to x where it is chosen, also if equal"""

    numbers = ()
    ufunc = np.fmin

    @staticmethod
    def forward(x, y):
        return np.fmin(x, y)

    @staticmethod
    def backward(g, x, y, needs):
        chosen = (x <= y) | (y != y)  # only NaN differs from itself
        return (
            where(chosen, g, 0.0) if needs[0] else None,
            where(chosen, 0.0, g) if needs[1] else None,
        )


def fmin(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = the smaller of both, with broadcasting; a NaN gives way to a number.

    Source: ``torch.fmin``.
    """
    result = Fmin.apply(input, other)
    return result if out is None else written("fmin", out, result)


class Clamp(Elementwise):
    """out = min(max(x, low), high);  g passes to x inside, to a bound where x is beyond it"""

    small = fused.bounds("clamp", "within_grad")

    @staticmethod
    def forward(x, low, high):
        if x.dtype.kind == "f" and not (np.ndim(low) or np.ndim(high)):
            # Two numbers as bounds go three times as fast as maximum and minimum.
            return x.clip(-np.inf if low is None else low, np.inf if high is None else high)
        if low is not None:
            x = np.maximum(x, low)
        return x if high is None else np.minimum(x, high)

    @staticmethod
    def backward(g, x, low, high, needs):
        inside, at_low, at_high = _ClampMasks.apply(x, low, high)
        return (
            where(inside, g, 0.0),
            where(at_low, g, 0.0) if needs[1] else None,
            where(at_high, g, 0.0) if needs[2] else None,
        )

    @classmethod
    def prepare(cls, arrays):
        _, low, high = arrays
        given = iter(super().prepare([each for each in arrays if each is not None]))
        return [next(given), *(None if each is None else next(given) for each in (low, high))]


class _ClampMasks(Rule):
    """Which of x, low, high the result of clamp is, as three constants; x at a bound counts as x"""

    outputs = ("inside", "at_low", "at_high")

    @staticmethod
    def forward(x, low, high):
        inside = np.ones(np.shape(x), bool)
        at_low = at_high = ~inside
        if low is not None:
            inside = np.greater_equal(x, low)
            at_low = np.less(x, low)
        if high is not None:
            inside = inside & np.less_equal(x, high)
            at_high = np.greater(x, high)
        if low is not None and high is not None:
            crossed = np.greater(low, high)  # then the result is high everywhere
            at_low, at_high = at_low & ~crossed, at_high | crossed
        return inside, at_low, at_high


def clamp(
    input: Tensor,
    min: Tensor | Number | None = None,
    max: Tensor | Number | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """out = min(max(input, min), max); each bound is a number, a Tensor or left out.

    Raises RuntimeError where both are left out. Example: ``airi.clamp(x, 0, 1)``.
    Source: ``torch.clamp``.
    """
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of min and max must be given")
    result = Clamp.apply(input, min, max)
    return result if out is None else written("clamp", out, result)


clip = clamp


def clamp_min(input: Tensor, min: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = max(input, min). Source: ``torch.clamp_min``."""
    require_tensor("clamp_min", "input", input)
    result = Clamp.apply(input, min, None)
    return result if out is None else written("clamp_min", out, result)


def clamp_max(input: Tensor, max: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """out = min(input, max). Source: ``torch.clamp_max``."""
    require_tensor("clamp_max", "input", input)
    result = Clamp.apply(input, None, max)
    return result if out is None else written("clamp_max", out, result)
