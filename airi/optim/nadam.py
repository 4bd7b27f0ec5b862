"""NAdam: Adam with Nesterov's momentum, which looks one step ahead."""

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


class NAdam(PerParameterOptimizer):
    """NAdam: Nesterov-accelerated adaptive moment estimation.

    With g the gradient (-g if `maximize`) plus ``weight_decay * p``, in step t::

        mu(t) = beta1 * (1 - 0.96**(t * momentum_decay) / 2)
        P(t) = mu(1) * ... * mu(t)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2            V = v / (1 - beta2**t)
        M = mu(t + 1) * m / (1 - P(t + 1)) + (1 - mu(t)) * g / (1 - P(t))
        p = p - lr * M / (sqrt(V) + eps)

    `decoupled_weight_decay`: g is the gradient alone, and p is first multiplied by
    ``1 - lr * weight_decay``. `lr` may be a tensor of one element; `foreach` and `capturable` have
    no effect. Raises ValueError for options out of range.
    State: ``step mu_product exp_avg exp_avg_sq``. Example: ``optim.NAdam(model.parameters())``.
    Source: Dozat, Incorporating Nesterov Momentum into Adam (2016); ``torch.optim.NAdam``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_way("NAdam", group)
        check_not_negative("NAdam", group, "lr", "eps", "weight_decay", "momentum_decay")
        check_betas("NAdam", group["betas"])

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param]
        if not state:
            state["step"] = scalar(0)
            state["mu_product"] = scalar(1)
            state["exp_avg"] = like(param)
            state["exp_avg_sq"] = like(param)
        t = advance(state)
        lr, eps = float(group["lr"]), float(group["eps"])
        beta1, beta2 = (float(beta) for beta in group["betas"])
        decay, decoupled = float(group["weight_decay"]), group["decoupled_weight_decay"]

        momentum, next_momentum = (
            beta1 * (1 - 0.5 * 0.96 ** (at * float(group["momentum_decay"]))) for at in (t, t + 1)
        )
        product = state["mu_product"]._array
        product *= momentum
        now = product.item()

        # 1 / (sqrt(V) + eps) = root / (sqrt(v) + scaled_eps): no pass for V.
        root = math.sqrt(1 - beta2**t)
        scaled_eps = eps * root
        of_gradient = lr * (1 - momentum) / (1 - now) * root
        of_mean = lr * next_momentum / (1 - now * next_momentum) * root
        for p, g, m, v in pieces(param, grad, state["exp_avg"], state["exp_avg_sq"]):
            if decoupled and decay != 0:
                p *= 1 - lr * decay
            g = ascent(g, p, group, 0.0 if decoupled else decay)
            scale_add(m, beta1, g, 1 - beta1)
            scale_add_square(v, beta2, g, 1 - beta2)
            add_ratio(p, -of_gradient, g, v, scaled_eps)
            add_ratio(p, -of_mean, m, v, scaled_eps)
