"""ReduceLROnPlateau: a lower rate when a metric stops getting better."""

from __future__ import annotations

import math
import warnings
from typing import Any

from airi.optim.lr_scheduler.base import (
    LRScheduler,
    checked,
    of_groups,
    per_group,
    require,
    set_option,
)
from airi.optim.optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """rate = max(rate * factor, min_lr) after `patience` epochs in which a metric got no better.

    Better than the best so far means, for `mode` ``min`` (``max``): by `threshold` of it
    (``threshold_mode="rel"``) or by `threshold` itself (``"abs"``). For `cooldown` epochs after a
    reduction bad ones are not counted; a change below `eps` is not made. Raises ValueError for a
    `factor` of 1 or more and unknown modes. Example::

        scheduler = ReduceLROnPlateau(optimizer, "min", patience=3)
        scheduler.step(validation_loss)      # after every epoch

    Source: ``torch.optim.lr_scheduler.ReduceLROnPlateau``.
    """

    best: float
    cooldown_counter: int
    num_bad_epochs: int

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
        verbose: Any = None,
    ) -> None:
        require(factor < 1, self, "factor", factor, "below 1")
        require(mode in ("min", "max"), self, "mode", mode, "'min' or 'max'")
        known = threshold_mode in ("rel", "abs")
        require(known, self, "threshold_mode", threshold_mode, "'rel' or 'abs'")
        self.factor = factor
        self.optimizer = checked(self, optimizer)
        self.min_lrs = per_group(self, optimizer, "min_lr", min_lr)
        self.default_min_lr = None if isinstance(min_lr, list | tuple) else min_lr
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = of_groups(optimizer, "lr")
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self._reset()

    def _reset(self) -> None:
        """Forget the best value and the counts."""
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]  # by metrics
        """Take note of the metric of an epoch, and lower the rates where it is time to."""
        if epoch is not None:
            warnings.warn(
                "ReduceLROnPlateau.step: epoch is deprecated; call step(metrics) once an epoch",
                UserWarning,
                stacklevel=2,
            )
        current = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = of_groups(self.optimizer, "lr")

    @property
    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def _is_better(self, value: float, best: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            return sign * value > sign * best * (1 + sign * self.threshold)
        return sign * value > sign * best + self.threshold

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"ReduceLROnPlateau: {len(self.min_lrs)} values of min_lr for {len(groups)} "
                    "parameter groups; set scheduler.min_lrs anew after adding a group"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs):
            old = float(group["lr"])
            new = max(old * self.factor, least)
            if old - new > self.eps:
                set_option(group, "lr", new)
