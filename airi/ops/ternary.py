"""Arithmetic of three tensors in one op, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from airi.ops import fused
from airi.ops.elementwise import div, require_same_dtype
from airi.ops.out import written
from airi.ops.promotion import Elementwise, require_float

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = [
    "addcdiv",
    "addcmul",
    "lerp",
]


class Lerp(Elementwise):
    """out = x + w * (y - x);  dx = g * (1 - w), dy = g * w, dw = g * (y - x)"""

    holomorphic = True
    only_for = {"x": "w", "y": "w"}

    @staticmethod
    def forward(x, y, w):
        if isinstance(w, (int, float)):
            fast = fused.of_two("lerp", x, y, w)
            if fast is not None:
                return fast
        return x + w * (y - x)

    @staticmethod
    def backward(g, x, y, w, needs):
        return g * (1 - w), g * w, g * (y - x) if needs[2] else None


def lerp(
    input: Tensor, end: Tensor, weight: Tensor | float, *, out: Tensor | None = None
) -> Tensor:
    """out = input + weight * (end - input): the point between them, with broadcasting.

    Raises RuntimeError for integers and where the dtypes differ. Example: ``airi.lerp(a, b, 0.5)``.
    Source: ``torch.lerp``.
    """
    require_same_float("lerp", input, end)
    result = Lerp.apply(input, end, weight)
    return result if out is None else written("lerp", out, result)


def require_same_float(function: str, input: Tensor, end: Tensor) -> None:
    require_float(function, input)
    require_same_dtype(function, input, end)


class Addcmul(Elementwise):
    """out = x + value * y * z;  dx = g, dy = g * value * z, dz = g * value * y"""

    holomorphic = True
    only_for = {"y": "z", "z": "y"}

    @staticmethod
    def forward(x, y, z, *, value):
        product = np.multiply(y, z)
        if value != 1:
            product = product * np.asarray(value).astype(np.result_type(y, z))
        return np.add(x, product)

    @staticmethod
    def backward(g, y, z, value, needs):
        scaled = g if value == 1 else g * value
        return g, scaled * z if needs[1] else None, scaled * y if needs[2] else None


def addcmul(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Tensor | None = None
) -> Tensor:
    """out = input + value * tensor1 * tensor2, with broadcasting. Source: ``torch.addcmul``."""
    result = Addcmul.apply(input, tensor1, tensor2, value=value)
    return result if out is None else written("addcmul", out, result)


class Addcdiv(Elementwise):
    """out = x + value * y / z;  dx = g, dy = g * value / z, dz = -g * value * y / z**2"""

    holomorphic = True
    only_for = {"y": "z"}

    @staticmethod
    def forward(x, y, z, *, value):
        if np.result_type(y, z).kind not in "fc":
            raise ValueError("integers are not divided here; convert them to floating point")
        quotient = np.true_divide(y, z)
        return np.add(x, quotient if value == 1 else quotient * value)

    @staticmethod
    def backward(g, y, z, value, needs):
        dy = div(g if value == 1 else g * value, z)
        return g, dy if needs[1] else None, -dy * div(y, z) if needs[2] else None


def addcdiv(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Tensor | None = None
) -> Tensor:
    """out = input + value * tensor1 / tensor2, with broadcasting.

    Raises RuntimeError for integers. Source: ``torch.addcdiv``.
    """
    result = Addcdiv.apply(input, tensor1, tensor2, value=value)
    return result if out is None else written("addcdiv", out, result)
