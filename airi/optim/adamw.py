"""AdamW: Adam with weight decay that does not pass through the running means."""

from __future__ import annotations

from typing import Any

from airi.optim.adam import Adam
from airi.optim.optimizer import Params
from airi.tensor import Tensor


class AdamW(Adam):
    """Adam with decoupled weight decay: ``p = p - lr * weight_decay * p`` before Adam's step.

    All else is as in Adam. Example: ``optim.AdamW(model.parameters(), weight_decay=0.05)``.
    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019);
    ``torch.optim.AdamW``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            foreach=foreach,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True  # whatever a loaded state says
