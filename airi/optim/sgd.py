"""SGD: stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from airi.optim.optimizer import Params
from airi.optim.passes import scale_add, sgd_steps
from airi.optim.per_parameter import (
    PerParameterOptimizer,
    arrays_of,
    ascent,
    check_not_negative,
    check_way,
    like,
    pieces,
)
from airi.tensor import Tensor


class SGD(PerParameterOptimizer):
    """Stochastic gradient descent.

    With g the gradient (-g if `maximize`) plus ``weight_decay * p``::

        b = momentum * b + (1 - dampening) * g        (b = g in the first step)
        p = p - lr * b                                (nesterov: p - lr * (g + momentum * b))

    Without momentum ``p = p - lr * g``. `lr` may be a tensor of one element; `foreach` and `fused`
    have no effect. Raises ValueError for options out of range. State: ``momentum_buffer``.
    Example: ``optim.SGD(model.parameters(), lr=0.1, momentum=0.9)``.
    Source: Sutskever et al., On the importance of initialization and momentum in deep learning
    (2013); ``torch.optim.SGD``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_way("SGD", group)
        check_not_negative("SGD", group, "lr", "momentum", "weight_decay")
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError(
                "SGD: nesterov=True needs momentum above 0 and dampening 0, got "
                f"momentum={group['momentum']!r} and dampening={group['dampening']!r}"
            )

    def _update_all(self, params: list[Tensor], group: dict[str, Any]) -> None:
        momentum = float(group["momentum"])
        if not all(param._array.dtype.kind == "f" for param in params) or (
            momentum and any(self.state[p].get("momentum_buffer") is None for p in params)
        ):
            return super()._update_all(params, group)
        tensors = [[param, param._grad] for param in params]
        if momentum:
            for each in tensors:
                each.append(self.state[each[0]]["momentum_buffer"])
        left = sgd_steps(
            [tuple(arrays_of(*each)) for each in tensors],
            lr=float(group["lr"]),
            momentum=momentum,
            share=1 - float(group["dampening"]),
            nesterov=group["nesterov"],
            sign=-1.0 if group["maximize"] else 1.0,
            decay=float(group["weight_decay"]),
        )
        self._update_left(params, left, group)

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        lr, decay = float(group["lr"]), float(group["weight_decay"])
        momentum, nesterov = float(group["momentum"]), group["nesterov"]
        if momentum == 0:
            for p, g in pieces(param, grad):
                scale_add(p, 1, ascent(g, p, group, decay), -lr)
            return
        state = self.state[param]
        first = state.get("momentum_buffer") is None
        if first:
            state["momentum_buffer"] = like(param)
        share = 1.0 if first else 1 - float(group["dampening"])
        for p, g, b in pieces(param, grad, state["momentum_buffer"]):
            g = ascent(g, p, group, decay)
            scale_add(b, momentum, g, share)
            if nesterov:
                scale_add(p, 1, g, -lr)
            scale_add(p, 1, b, -lr * momentum if nesterov else -lr)
