"""Softmax and its logarithm along one dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule
from airi.autograd.sums import add_up
from airi.ops import fused
from airi.ops.conversion import cast
from airi.ops.elementwise import neg
from airi.ops.names import normal_dim, numpy_names
from airi.ops.transcendental import exp
from airi.ops.views import SumTo, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["log_softmax", "softmax"]


def _shifted(x: Any, axis: int | None) -> np.ndarray:
    """x minus its largest value along the axis, so that exp() of it cannot overflow."""
    if x.dtype.kind != "f":
        raise ValueError(f"expected a floating-point tensor, got {x.dtype}: pass dtype=")
    largest = np.maximum.reduce(x, axis, keepdims=True, initial=-np.inf)
    return np.subtract(x, largest, out=np.empty_like(x))  # inf - inf: NaN, as it should be


def _sum_along(values: Any, dim: int) -> Any:
    """The sum along `dim`, kept with size 1."""
    have = shape_of(values)
    if not have:
        return values
    return SumTo.apply(values, shape=(*have[:dim], 1, *have[dim + 1 :]))


class Softmax(Rule):
    """out = e**x / sum(e**x);  dx = out * (g - sum(g * out))"""

    @staticmethod
    def forward(x, *, dim):
        fast = fused.softmax("softmax", x, dim)
        if fast is not None:
            return fast
        axis = dim if x.ndim else None
        out = _shifted(x, axis)
        np.exp(out, out=out)
        out /= add_up(out, axis, keepdims=True)
        return out

    @staticmethod
    def backward(g, out, dim):
        fast = fused.softmax_grad("softmax", g, out, dim)
        if fast is not None:
            return fast
        return out * (g - _sum_along(g * out, dim))


@numpy_names
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """out = e ** input / the sum of e ** input along `dim`: positive numbers that sum to 1.

    `dtype` converts the input first. A row of -inf gives NaN. Raises RuntimeError for integers
    without a dtype. Example: ``airi.softmax(airi.zeros(2), 0)`` is ``[0.5, 0.5]``.
    Source: ``torch.softmax``.
    """
    at = normal_dim("softmax", dim, input.ndim)
    return Softmax.apply(input if dtype is None else cast(input, dtype), dim=at)


class LogSoftmax(Rule):
    """out = x - log(sum(e**x));  dx = g - e**out * sum(g)"""

    @staticmethod
    def forward(x, *, dim):
        fast = fused.softmax("log_softmax", x, dim)
        if fast is not None:
            return fast
        axis = dim if x.ndim else None
        out = _shifted(x, axis)
        out -= np.log(add_up(np.exp(out), axis, keepdims=True))
        return out

    @staticmethod
    def backward(g, out, dim):
        fast = fused.softmax_grad("log_softmax", g, out, dim)
        if fast is not None:
            return fast
        return g - exp(out) * _sum_along(g, dim)


@numpy_names
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """out = input - log(the sum of e ** input along `dim`), the logarithm of softmax.

    Exact where softmax itself would round to 0. `dtype` converts the input first.
    Example: ``airi.log_softmax(scores, 1)``. Source: ``torch.log_softmax``.
    """
    at = normal_dim("log_softmax", dim, input.ndim)
    return LogSoftmax.apply(input if dtype is None else cast(input, dtype), dim=at)


@numpy_names
def softmin(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """``softmax(-input, dim)``. Source: ``torch.nn.functional.softmin``."""
    return softmax(neg(input), dim, dtype)
