"""Adagrad: steps that shrink with the sum of all squared gradients."""

from __future__ import annotations

from typing import Any

from airi.optim.optimizer import Params
from airi.optim.passes import add_ratio, scale_add_square
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


class Adagrad(PerParameterOptimizer):
    """Adagrad: adaptive subgradient descent.

    With g the gradient (-g if `maximize`) plus ``weight_decay * p``, in step t::

        s = s + g**2                                  (s starts as initial_accumulator_value)
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)

    `lr` may be a tensor of one element; `foreach` and `fused` have no effect. Raises ValueError for
    options out of range. State: ``step sum``. Example: ``optim.Adagrad(model.parameters())``.
    Source: Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization (2011); ``torch.optim.Adagrad``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_way("Adagrad", group)
        options = ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")
        check_not_negative("Adagrad", group, *options)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        start = float(group["initial_accumulator_value"])
        for param in group["params"]:
            self.state[param] = {"step": scalar(0), "sum": like(param, start)}

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param]
        t = advance(state)
        eps, decay = float(group["eps"]), float(group["weight_decay"])
        size = float(group["lr"]) / (1 + (t - 1) * float(group["lr_decay"]))
        for p, g, s in pieces(param, grad, state["sum"]):
            g = ascent(g, p, group, decay)
            scale_add_square(s, 1, g, 1)
            add_ratio(p, -size, g, s, eps)
