"""Adam: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from airi.optim.optimizer import Params
from airi.optim.passes import adam_steps, add_ratio, scale_add, scale_add_square
from airi.optim.per_parameter import (
    PerParameterOptimizer,
    advance,
    arrays_of,
    ascent,
    check_betas,
    check_not_negative,
    check_way,
    like,
    pieces,
    scalar,
)
from airi.tensor import Tensor


class Adam(PerParameterOptimizer):
    """Adam: adaptive moment estimation.

    With g the gradient (-g if `maximize`) plus ``weight_decay * p``, in step t::

        m = beta1 * m + (1 - beta1) * g               M = m / (1 - beta1**t)
        v = beta2 * v + (1 - beta2) * g**2            V = v / (1 - beta2**t)
        p = p - lr * M / (sqrt(V) + eps)

    `amsgrad`: V is made from the greatest v so far. `decoupled_weight_decay`: g is the gradient
    alone, and p is first multiplied by ``1 - lr * weight_decay`` (see AdamW). `lr` and `betas` may
    be tensors of one element; `foreach`, `fused` and `capturable` have no effect. Raises ValueError
    for options out of range. State: ``step exp_avg exp_avg_sq (max_exp_avg_sq)``.
    Example: ``optim.Adam(model.parameters(), lr=0.001)``.
    Source: Kingma and Ba, Adam: A Method for Stochastic Optimization (2015); Reddi et al., On the
    Convergence of Adam and Beyond (2018); ``torch.optim.Adam``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        name = type(self).__name__
        check_way(name, group)
        check_not_negative(name, group, "lr", "eps", "weight_decay")
        check_betas(name, group["betas"])
        lr, (beta1, beta2) = group["lr"], group["betas"]
        if isinstance(beta1, Tensor) != isinstance(beta2, Tensor):
            raise ValueError(
                f"{name}: betas must be two floats or two Tensors, got {group['betas']!r}"
            )
        if group["foreach"] and not group["capturable"]:
            for option, value in (("lr", lr), ("betas", beta1)):
                if isinstance(value, Tensor):
                    raise ValueError(
                        f"{name}: {option} may be a Tensor only without foreach=True, or with "
                        "capturable=True"
                    )

    def _update_all(self, params: list[Tensor], group: dict[str, Any]) -> None:
        if group["amsgrad"] or not all(param._array.dtype.kind == "f" for param in params):
            return super()._update_all(params, group)
        states = [self._started(param, group) for param in params]
        tensors = [
            tuple(arrays_of(param, param._grad, state["exp_avg"], state["exp_avg_sq"]))
            for param, state in zip(params, states, strict=True)
        ]
        decay, decoupled = float(group["weight_decay"]), group["decoupled_weight_decay"]
        left = adam_steps(
            tensors,
            [self._size_and_eps(state["step"].item() + 1, group) for state in states],
            beta1=float(group["betas"][0]),
            beta2=float(group["betas"][1]),
            sign=-1.0 if group["maximize"] else 1.0,
            decay=0.0 if decoupled else decay,
            shrink=1 - float(group["lr"]) * decay if decoupled else 1.0,
        )
        for state in [state for at, state in enumerate(states) if at not in left]:
            advance(state)
        self._update_left(params, left, group)

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self._started(param, group)
        size, scaled_eps = self._size_and_eps(advance(state), group)
        lr = float(group["lr"])
        beta1, beta2 = float(group["betas"][0]), float(group["betas"][1])
        decay, decoupled = float(group["weight_decay"]), group["decoupled_weight_decay"]
        tensors = [param, grad, state["exp_avg"], state["exp_avg_sq"]]
        if group["amsgrad"]:
            tensors.append(state["max_exp_avg_sq"])
        for p, g, m, v, *greatest in pieces(*tensors):
            if decoupled and decay != 0:
                p *= 1 - lr * decay
            g = ascent(g, p, group, 0.0 if decoupled else decay)
            scale_add(m, beta1, g, 1 - beta1)
            scale_add_square(v, beta2, g, 1 - beta2)
            if greatest:
                v = np.maximum(greatest[0], v, out=greatest[0])
            add_ratio(p, -size, m, v, scaled_eps)

    def _size_and_eps(self, t: float, group: dict[str, Any]) -> tuple[float, float]:
        """For step t: lr * M / (sqrt(V) + eps) = size * m / (sqrt(v) + scaled_eps)."""
        beta1, beta2 = float(group["betas"][0]), float(group["betas"][1])
        root = math.sqrt(1 - beta2**t)
        return float(group["lr"]) * root / (1 - beta1**t), float(group["eps"]) * root

    def _started(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = self.state[param]
        if not state:
            state["step"] = scalar(0)
            state["exp_avg"] = like(param)
            state["exp_avg_sq"] = like(param)
        if group["amsgrad"] and "max_exp_avg_sq" not in state:
            state["max_exp_avg_sq"] = like(param)
        return state
