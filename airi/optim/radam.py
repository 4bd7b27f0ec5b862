"""RAdam: Adam that scales its steps only once it has seen enough gradients to do so."""

from __future__ import annotations

import math
from typing import Any

from airi.optim.optimizer import Params
from airi.optim.passes import add_ratio, scale_add, scale_add_square
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


class RAdam(PerParameterOptimizer):
    """RAdam: rectified Adam.

    With g the gradient (-g if `maximize`) plus ``weight_decay * p``, in step t::

        m = beta1 * m + (1 - beta1) * g               M = m / (1 - beta1**t)
        v = beta2 * v + (1 - beta2) * g**2            L = sqrt(1 - beta2**t) / (sqrt(v) + eps)
        R = 2 / (1 - beta2) - 1                       r = R - 2 * t * beta2**t / (1 - beta2**t)
        p = p - lr * M * L * sqrt((r - 4) * (r - 2) * R / ((R - 4) * (R - 2) * r))   where r > 5
        p = p - lr * M                                                               elsewhere

    `decoupled_weight_decay`: g is the gradient alone, and p is first multiplied by
    ``1 - lr * weight_decay``. `lr` may be a tensor of one element; `foreach` and `capturable` have
    no effect. Raises ValueError for options out of range. State: ``step exp_avg exp_avg_sq``.
    Example: ``optim.RAdam(model.parameters())``.
    Source: Liu et al., On the Variance of the Adaptive Learning Rate and Beyond (2020);
    ``torch.optim.RAdam``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_way("RAdam", group)
        check_not_negative("RAdam", group, "lr", "eps", "weight_decay")
        check_betas("RAdam", group["betas"])

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param]
        if not state:
            state["step"] = scalar(0)
            state["exp_avg"] = like(param)
            state["exp_avg_sq"] = like(param)
        t = advance(state)
        lr, eps = float(group["lr"]), float(group["eps"])
        beta1, beta2 = (float(beta) for beta in group["betas"])
        decay, decoupled = float(group["weight_decay"]), group["decoupled_weight_decay"]

        # How many gradients the mean v is made of, in the end and by now.
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / (1 - beta2**t)
        size = lr / (1 - beta1**t)
        if length > 5:
            variance = (length - 4) * (length - 2) * longest
            variance /= (longest - 4) * (longest - 2) * length
            size *= math.sqrt(variance) * math.sqrt(1 - beta2**t)
        for p, g, m, v in pieces(param, grad, state["exp_avg"], state["exp_avg_sq"]):
            if decoupled and decay != 0:
                p *= 1 - lr * decay
            g = ascent(g, p, group, 0.0 if decoupled else decay)
            scale_add(m, beta1, g, 1 - beta1)
            scale_add_square(v, beta2, g, 1 - beta2)
            if length > 5:
                add_ratio(p, -size, m, v, eps)
            else:
                scale_add(p, 1, m, -size)
