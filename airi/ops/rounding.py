"""Rounding, and what looks at signs, zeros and special values, element by element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from airi.ops.elementwise import Zeros, require_same_dtype, sign, where
from airi.ops.names import require_tensor
from airi.ops.out import written
from airi.ops.promotion import Elementwise

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = [
    "ceil",
    "copysign",
    "fix",
    "floor",
    "frac",
    "heaviside",
    "nan_to_num",
    "round",
    "trunc",
]


class Floor(Elementwise):
    """out = the largest integer <= x;  dx = 0"""

    @staticmethod
    def forward(x):
        return np.floor(x) if x.dtype.kind == "f" else x.copy()

    @staticmethod
    def backward(g):
        return Zeros.apply(g)


def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = the largest integer not above input. Source: ``torch.floor``."""
    result = Floor.apply(input)
    return result if out is None else written("floor", out, result)


class Ceil(Elementwise):
    """out = the smallest integer >= x;  dx = 0"""

    @staticmethod
    def forward(x):
        return np.ceil(x) if x.dtype.kind == "f" else x.copy()

    @staticmethod
    def backward(g):
        return Zeros.apply(g)


def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = the smallest integer not below input. Source: ``torch.ceil``."""
    result = Ceil.apply(input)
    return result if out is None else written("ceil", out, result)


class Round(Elementwise):
    """out = x rounded to `decimals`, halves to even;  dx = 0"""

    @staticmethod
    def forward(x, *, decimals):
        if x.dtype.kind == "f":
            return np.round(x, decimals)
        if decimals:
            raise ValueError("integers cannot be rounded to decimals")
        return x.copy()

    @staticmethod
    def backward(g):
        return Zeros.apply(g)


def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """out = input rounded to `decimals` places, halves to the even neighbour.

    Raises RuntimeError for integers and decimals. Source: ``torch.round``.
    """
    result = Round.apply(input, decimals=decimals)
    return result if out is None else written("round", out, result)


class Trunc(Elementwise):
    """out = x without its fraction;  dx = 0"""

    @staticmethod
    def forward(x):
        return np.trunc(x) if x.dtype.kind == "f" else x.copy()

    @staticmethod
    def backward(g):
        return Zeros.apply(g)


def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = input rounded towards zero. Source: ``torch.trunc``."""
    result = Trunc.apply(input)
    return result if out is None else written("trunc", out, result)


fix = trunc


class Frac(Elementwise):
    """out = x - trunc(x);  dx = g"""

    @staticmethod
    def forward(x):
        if x.dtype.kind != "f":
            raise ValueError("expected a floating-point tensor")
        return x - np.trunc(x)

    @staticmethod
    def backward(g):
        return g


def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = input - trunc(input): the fraction, with the sign of input.

    Raises RuntimeError for integers. Source: ``torch.frac``.
    """
    result = Frac.apply(input)
    return result if out is None else written("frac", out, result)


class Copysign(Elementwise):
    """out = |x| with the sign of y;  dx = g, turned round where the sign was; 0 at 0"""

    ufunc = np.copysign
    floating = True

    @staticmethod
    def forward(x, y):
        return np.copysign(x, y)

    @staticmethod
    def backward(g, x, y, needs):
        one = math.copysign(1.0, y) if isinstance(y, float | int) else Copysign.apply(1.0, y)
        dx = g * sign(x) * one if needs[0] else None
        return dx, Zeros.apply(g) if needs[1] else None


def copysign(
    input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """out = the size of input with the sign of other, -0.0 included.

    Integers give the default float dtype. Source: ``torch.copysign``.
    """
    require_tensor("copysign", "input", input)
    result = Copysign.apply(input, other)
    return result if out is None else written("copysign", out, result)


class Heaviside(Elementwise):
    """out = 0 where x < 0, y where x = 0, 1 where x > 0; no gradient"""

    numbers = ()

    @staticmethod
    def forward(x, y):
        return np.where(np.equal(x, 0), y, np.greater(x, 0).astype(x.dtype))


def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = 0 where input is negative, `values` where it is 0, 1 where it is positive.

    No gradient passes. Raises RuntimeError where the dtypes differ. Source: ``torch.heaviside``.
    """
    require_same_dtype("heaviside", input, values)
    result = Heaviside.apply(input, values)
    return result if out is None else written("heaviside", out, result)


class NanToNum(Elementwise):
    """out = x with nan, posinf and neginf in the place of NaN, inf and -inf;  dx = g elsewhere"""

    @staticmethod
    def forward(x, *, nan, posinf, neginf):
        return np.nan_to_num(x, copy=True, nan=nan, posinf=posinf, neginf=neginf)

    @staticmethod
    def backward(g, x):
        return where(x - x == 0, g, 0.0)  # inf - inf and NaN - NaN are NaN


def nan_to_num(
    input: Tensor,
    nan: float | None = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """out = input with numbers in the place of NaN, inf and -inf; no gradient passes there.

    By default NaN becomes 0 and the infinities the largest and smallest number of the dtype.
    Example: ``airi.nan_to_num(x, nan=-1.0)``. Source: ``torch.nan_to_num``.
    """
    result = NanToNum.apply(input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)
    return result if out is None else written("nan_to_num", out, result)
