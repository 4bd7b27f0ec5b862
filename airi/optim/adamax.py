"""Adamax: Adam whose step is scaled by the greatest recent gradient, the infinity norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from airi.optim.optimizer import Params
from airi.optim.passes import scale_add
from airi.optim.per_parameter import (
    PerParameterOptimizer,
    advance,
    ascent,
    check_betas,
    check_not_negative,
    check_way,
    like,
    pieces,
    scalar,
)
from airi.tensor import Tensor


class Adamax(PerParameterOptimizer):
    """Adamax.

    With g the gradient (-g if `maximize`) plus ``weight_decay * p``, in step t::

        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        p = p - lr / (1 - beta1**t) * m / u

    `lr` may be a tensor of one element; `foreach` and `capturable` have no effect. Raises
    ValueError for options out of range. State: ``step exp_avg exp_inf``.
    Example: ``optim.Adamax(model.parameters())``.
    Source: Kingma and Ba, Adam: A Method for Stochastic Optimization (2015), section 7.1;
    ``torch.optim.Adamax``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_way("Adamax", group)
        check_not_negative("Adamax", group, "lr", "eps", "weight_decay")
        check_betas("Adamax", group["betas"])

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param]
        if not state:
            state["step"] = scalar(0)
            state["exp_avg"] = like(param)
            state["exp_inf"] = like(param)
        t = advance(state)
        eps, decay = float(group["eps"]), float(group["weight_decay"])
        beta1, beta2 = (float(beta) for beta in group["betas"])
        size = float(group["lr"]) / (1 - beta1**t)
        for p, g, m, u in pieces(param, grad, state["exp_avg"], state["exp_inf"]):
            g = ascent(g, p, group, decay)
            scale_add(m, beta1, g, 1 - beta1)
            u *= beta2
            height = np.abs(g, out=np.empty_like(g))
            height += eps
            np.maximum(u, height, out=u)
            scale_add(p, 1, np.divide(m, u, out=height), -size)
