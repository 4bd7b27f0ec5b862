"""RMSprop: steps scaled by a running mean of the squared gradient."""

from __future__ import annotations

from typing import Any

from airi.optim.optimizer import Params
from airi.optim.passes import add_ratio, scale_add, scale_add_square
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


class RMSprop(PerParameterOptimizer):
    """RMSprop.

    With g the gradient (-g if `maximize`) plus ``weight_decay * p``::

        v = alpha * v + (1 - alpha) * g**2
        a = alpha * a + (1 - alpha) * g               (centered only; else a = 0)
        d = g / (sqrt(v - a**2) + eps)
        b = momentum * b + d                          (b = d without momentum)
        p = p - lr * b

    `lr` may be a tensor of one element; `foreach` and `capturable` have no effect. Raises
    ValueError for options out of range. State: ``step square_avg (momentum_buffer) (grad_avg)``.
    Example: ``optim.RMSprop(model.parameters(), lr=0.001)``.
    Source: Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5 (2012); Graves,
    Generating Sequences With Recurrent Neural Networks (2013) for `centered`;
    ``torch.optim.RMSprop``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_way("RMSprop", group)
        check_not_negative("RMSprop", group, "lr", "eps", "momentum", "weight_decay", "alpha")

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        lr, alpha, eps = float(group["lr"]), float(group["alpha"]), float(group["eps"])
        decay, momentum = float(group["weight_decay"]), float(group["momentum"])
        centered = group["centered"]
        state = self._started(param, momentum, centered)
        advance(state)
        tensors = [param, grad, state["square_avg"]]
        if momentum > 0:
            tensors.append(state["momentum_buffer"])
        if centered:
            tensors.append(state["grad_avg"])
        for p, g, v, *rest in pieces(*tensors):
            g = ascent(g, p, group, decay)
            scale_add_square(v, alpha, g, 1 - alpha)
            if centered:
                a = rest[-1]
                scale_add(a, alpha, g, 1 - alpha)
                v = v.copy()
                scale_add_square(v, 1, a, -1)
            if momentum > 0:
                b = rest[0]
                b *= momentum
                add_ratio(b, 1, g, v, eps)
                scale_add(p, 1, b, -lr)
            else:
                add_ratio(p, -lr, g, v, eps)

    def _started(self, param: Tensor, momentum: float, centered: bool) -> dict[str, Any]:
        state = self.state[param]
        if not state:
            state["step"] = scalar(0)
            state["square_avg"] = like(param)
        if momentum > 0 and "momentum_buffer" not in state:
            state["momentum_buffer"] = like(param)
        if centered and "grad_avg" not in state:
            state["grad_avg"] = like(param)
        return state
