"""ASGD: stochastic gradient descent that also keeps the mean of the parameters."""

from __future__ import annotations

from typing import Any

from airi.optim.optimizer import Params
from airi.optim.passes import scale_add
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


class ASGD(PerParameterOptimizer):
    """Averaged stochastic gradient descent.

    With g the gradient (-g if `maximize`) plus ``weight_decay * p``, in step t::

        p = p - eta * (lambd * p + g)                 (eta = lr in the first step)
        ax = ax + mu * (p - ax)                       (mu = 1 in the first step)
        eta = lr / (1 + lambd * lr * t)**alpha
        mu = 1 / max(1, t - t0)

    ``state[p]["ax"]`` is the mean of the parameter since step `t0`. `lr` may be a tensor of one
    element; `foreach` and `capturable` have no effect. Raises ValueError for options out of range.
    State: ``step eta mu ax``. Example: ``optim.ASGD(model.parameters(), t0=1000)``.
    Source: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging (1992);
    ``torch.optim.ASGD``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_way("ASGD", group)
        check_not_negative("ASGD", group, "lr", "weight_decay")

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        lr, lambd, decay = float(group["lr"]), float(group["lambd"]), float(group["weight_decay"])
        state = self.state[param]
        if not state:
            state["step"] = scalar(0)
            state["eta"] = scalar(lr)
            state["mu"] = scalar(1)
            state["ax"] = like(param)
        t = advance(state)
        eta, mu = state["eta"].item(), state["mu"].item()
        for p, g, mean in pieces(param, grad, state["ax"]):
            g = ascent(g, p, group, decay)
            scale_add(p, 1 - lambd * eta, g, -eta)
            if mu == 1:
                mean[...] = p
            else:
                scale_add(mean, 1 - mu, p, mu)
        state["eta"].fill_(lr / (1 + lambd * lr * t) ** float(group["alpha"]))
        state["mu"].fill_(1 / max(1.0, t - float(group["t0"])))
