"""Rprop: steps by the signs of the gradients alone, for batches that hold all of the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from airi.optim.optimizer import Params
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


class Rprop(PerParameterOptimizer):
    """Rprop: resilient backpropagation.

    With g the gradient (-g if `maximize`), h that of the step before and s the size of each
    element's step, `lr` at first::

        where g * h > 0:  s = min(s * etas[1], step_sizes[1])
        where g * h < 0:  s = max(s * etas[0], step_sizes[0]),  g = 0
        p = p - sign(g) * s

    `lr` may be a tensor of one element; `foreach` and `capturable` have no effect. Raises
    ValueError for options out of range. State: ``step prev step_size``.
    Example: ``optim.Rprop(model.parameters())``.
    Source: Riedmiller and Braun, A Direct Adaptive Method for Faster Backpropagation Learning: The
    RPROP Algorithm (1993); ``torch.optim.Rprop``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_way("Rprop", group)
        check_not_negative("Rprop", group, "lr")
        smaller, larger = group["etas"]
        if not 0 < smaller < 1 < larger:
            raise ValueError(
                "Rprop: etas must be a factor between 0 and 1 and one above 1, got "
                f"{group['etas']!r}"
            )

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param]
        if not state:
            state["step"] = scalar(0)
            state["prev"] = like(param)
            state["step_size"] = like(param, float(group["lr"]))
        advance(state)
        smaller, larger = group["etas"]
        shortest, longest = group["step_sizes"]
        for p, g, h, s in pieces(param, grad, state["prev"], state["step_size"]):
            g = ascent(g, p, group, 0.0)
            agreement = g * h
            turned = agreement < 0
            np.multiply(s, larger, out=s, where=agreement > 0)
            np.multiply(s, smaller, out=s, where=turned)
            np.clip(s, shortest, longest, out=s)
            np.copyto(h, g)
            h[turned] = 0
            p -= np.sign(h) * s
