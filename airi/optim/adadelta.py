"""Adadelta: steps in units of the parameters, without a learning rate to choose."""

from __future__ import annotations

from typing import Any

import numpy as np

from airi.optim.optimizer import Params
from airi.optim.passes import scale_add, scale_add_square
from airi.optim.per_parameter import (
    PerParameterOptimizer,
    advance,
    ascent,
    check_not_negative,
    check_way,
    like,
    pieces,
    scalar,
)
from airi.tensor import Tensor


class Adadelta(PerParameterOptimizer):
    """Adadelta.

    With g the gradient (-g if `maximize`) plus ``weight_decay * p``::

        v = rho * v + (1 - rho) * g**2
        d = sqrt(u + eps) / sqrt(v + eps) * g
        u = rho * u + (1 - rho) * d**2
        p = p - lr * d

    `lr` may be a tensor of one element; `foreach` and `capturable` have no effect. Raises
    ValueError for options out of range. State: ``step square_avg acc_delta``.
    Example: ``optim.Adadelta(model.parameters())``.
    Source: Zeiler, ADADELTA: An Adaptive Learning Rate Method (2012); ``torch.optim.Adadelta``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_way("Adadelta", group)
        check_not_negative("Adadelta", group, "lr", "rho", "eps", "weight_decay")
        if not group["rho"] <= 1:
            raise ValueError(f"Adadelta: rho must be at most 1, got {group['rho']!r}")

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        lr, rho, eps = float(group["lr"]), float(group["rho"]), float(group["eps"])
        decay = float(group["weight_decay"])
        state = self.state[param]
        if not state:
            state["step"] = scalar(0)
            state["square_avg"] = like(param)
            state["acc_delta"] = like(param)
        advance(state)
        for p, g, v, u in pieces(param, grad, state["square_avg"], state["acc_delta"]):
            g = ascent(g, p, group, decay)
            scale_add_square(v, rho, g, 1 - rho)
            d = np.add(u, eps, out=np.empty_like(u))
            d /= v + eps
            np.sqrt(d, out=d)
            d *= g
            scale_add_square(u, rho, d, 1 - rho)
            scale_add(p, 1, d, -lr)
