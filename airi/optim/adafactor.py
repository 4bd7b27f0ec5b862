"""Adafactor: Adam's scaling of steps from the row and column means of the squared gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from airi.autograd.graph import wrap
from airi.dtypes import finfo
from airi.optim.optimizer import Params
from airi.optim.passes import scale_add
from airi.optim.per_parameter import (
    PerParameterOptimizer,
    advance,
    arrays_of,
    ascent,
    check_not_negative,
    check_way,
    in_float32,
    like,
    refuse_complex,
    scalar,
)
from airi.tensor import Tensor


class Adafactor(PerParameterOptimizer):
    """Adafactor: adaptive steps with little memory.

    Of the squared gradients of a matrix only the means R of its rows and C of its columns are
    kept. With g the gradient (-g if `maximize`), in step t and with RMS the root of the mean of
    squares::

        a = max(eps[1], RMS(p)) * min(lr, 1 / sqrt(t))
        p = p - lr * weight_decay * p
        b = 1 - t**beta2_decay
        R = b * R + (1 - b) * mean(g**2, dim=-1)      C = b * C + (1 - b) * mean(g**2, dim=-2)
        V = R * C / max(mean(R), eps[0])              (of a vector: V = b * V + (1 - b) * g**2)
        u = g / max(sqrt(V), eps[0])
        p = p - a * u / max(1, RMS(u) / d)

    ``eps[0]`` of None is the spacing of the parameter's dtype at 1. `lr` may be a tensor of one
    element; `foreach` has no effect. Raises ValueError for options out of range.
    State: ``step row_var col_var``, or ``step variance``.
    Example: ``optim.Adafactor(model.parameters())``.
    Source: Shazeer and Stern, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost (2018);
    ``torch.optim.Adafactor``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_way("Adafactor", group)
        check_not_negative("Adafactor", group, "lr", "weight_decay")
        if not group["beta2_decay"] <= 0:
            raise ValueError(
                f"Adafactor: beta2_decay must be at most 0, got {group['beta2_decay']!r}"
            )
        for at, eps in enumerate(group["eps"]):
            if not (eps is None and at == 0) and not eps >= 0:
                raise ValueError(f"Adafactor: eps[{at}] must be at least 0, got {eps!r}")
        if not group["d"] >= 1:
            raise ValueError(f"Adafactor: d must be at least 1, got {group['d']!r}")

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        refuse_complex("Adafactor", param)
        arrays = arrays_of(param, grad)
        if arrays[0].size == 0:
            return
        state = self.state[param]
        if not state:
            state["step"] = scalar(0)
            if param.ndim > 1:
                shape, dtype = tuple(param.shape), arrays[0].dtype
                state["row_var"] = wrap(np.zeros((*shape[:-1], 1), dtype))
                state["col_var"] = wrap(np.zeros((*shape[:-2], 1, shape[-1]), dtype))
            else:
                state["variance"] = like(param)
        eps1, eps2 = group["eps"]
        if eps1 is None:
            eps1 = finfo(param.dtype).eps
        names = ("row_var", "col_var") if param.ndim > 1 else ("variance",)
        means = [state[name]._array for name in names]
        with in_float32([*arrays, *means]) as (p, g, *means):
            self._step(p, g, means, advance(state), (eps1, eps2), group)

    def _step(
        self,
        p: np.ndarray,
        g: np.ndarray,
        means: list[np.ndarray],
        t: float,
        eps: tuple[float, float],
        group: dict[str, Any],
    ) -> None:
        """Update p; `means` are R and C of a matrix, and V of a vector."""
        eps1, eps2 = eps
        lr, decay = float(group["lr"]), float(group["weight_decay"])
        share = t ** float(group["beta2_decay"])
        size = max(eps2, _rms(p)) * min(lr, 1 / math.sqrt(t))

        if decay != 0:
            p *= 1 - lr * decay
        g = ascent(g, p, group, 0.0)
        squared = np.square(g, out=np.empty_like(g))
        if g.ndim > 1:
            rows, columns = means
            scale_add(rows, 1 - share, squared.mean(axis=-1, keepdims=True), share)
            scale_add(columns, 1 - share, squared.mean(axis=-2, keepdims=True), share)
            variance = np.multiply(rows, columns, out=squared)
            variance /= np.maximum(rows.mean(axis=-2, keepdims=True), eps1)
        else:
            (mean,) = means
            scale_add(mean, 1 - share, squared, share)
            variance = squared
            np.copyto(variance, mean)
        np.maximum(variance, eps1 * eps1, out=variance)
        np.sqrt(variance, out=variance)
        update = np.divide(g, variance, out=variance)
        scale_add(p, 1, update, -size / max(1.0, _rms(update) / float(group["d"])))


def _rms(array: np.ndarray) -> float:
    """The root of the mean of squares."""
    return float(np.linalg.norm(array)) / math.sqrt(array.size)
