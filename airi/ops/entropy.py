"""Terms of entropies: x * log(y) at other places than 0 (`xlogy` is in `transcendental.py`)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from airi.ops.elementwise import div, where
from airi.ops.in_double import require_a_tensor
from airi.ops.names import takes_out
from airi.ops.promotion import Elementwise
from airi.ops.transcendental import log, log1p

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = ["entr", "xlog1py"]


class Entr(Elementwise):
    """out = -x * log(x), 0 at 0 and -inf below;  dx = -g * (log(x) + 1)"""

    floating = True

    @staticmethod
    def forward(x):
        inside = np.where(x > 0, x, 1)
        out = np.where(x > 0, -x * np.log(inside), np.where(x == 0, 0.0, -np.inf))
        return np.where(np.isnan(x), x, out).astype(x.dtype)

    @staticmethod
    def backward(g, x):
        return g * (-log(x) - 1)


@takes_out
def entr(input: Tensor) -> Tensor:
    """out = -input * log(input): 0 at 0, -inf below. Source: ``torch.special.entr``."""
    return Entr.apply(input)


class Xlog1py(Elementwise):
    """out = x * log(1 + y), 0 where x = 0 unless y is NaN

    dx = g * log(1 + y), 0 where x = 0 and y <= -1; dy = g * x / (1 + y)
    """

    floating = True

    @staticmethod
    def forward(x, y):
        dtype = np.result_type(x, y)
        x, y = np.asarray(x, dtype), np.asarray(y, dtype)
        zero = (x == 0) & ~np.isnan(y)
        return np.where(zero, np.zeros((), dtype), x * np.log1p(y))

    @staticmethod
    def backward(g, x, y, needs):
        dx = dy = None
        if needs[0]:
            flat = (x == 0) & (y <= -1)
            factor = math.log1p(y) if isinstance(y, (int, float)) and y > -1 else log1p(y)
            dx = where(flat, 0.0, g * factor)
        if needs[1]:
            dy = g * div(x, y + 1)
        return dx, dy


@takes_out
def xlog1py(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """out = input * log(1 + other), and 0 where input is 0 (NaN where other is NaN).

    Source: ``torch.special.xlog1py``.
    """
    require_a_tensor("xlog1py", input, other)
    return Xlog1py.apply(input, other)
