"""Schedules that follow a cosine down from the initial rate."""

from __future__ import annotations

import math
from typing import Any

from airi.optim.lr_scheduler.base import LRScheduler, Rate, require
from airi.optim.optimizer import Optimizer


class CosineAnnealingLR(LRScheduler):
    """rate = eta_min + (initial rate - eta_min) * (1 + cos(pi * epoch / T_max)) / 2.

    After `T_max` epochs it rises again. Computed from the rate before, so that it may be chained.
    Raises ValueError for a `T_max` of 0. Example: ``CosineAnnealingLR(opt, T_max=50)``.
    Source: Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts (2017);
    ``torch.optim.lr_scheduler.CosineAnnealingLR``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_max: int,
        eta_min: float = 0.0,
        last_epoch: int = -1,
        verbose: Any = None,
    ) -> None:
        require(T_max != 0, self, "T_max", T_max, "other than 0")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[Rate]:
        if self._is_initial:
            return self._scaled(1)
        at, least, groups = self.last_epoch, self.eta_min, self.optimizer.param_groups
        if (at - 1 - self.T_max) % (2 * self.T_max) == 0:  # the rate before was eta_min
            first = (1 - math.cos(math.pi / self.T_max)) / 2
            pairs = zip(groups, self.base_lrs)
            return [group["lr"] + (rate - least) * first for group, rate in pairs]
        now = 1 + math.cos(math.pi * at / self.T_max)
        before = 1 + math.cos(math.pi * (at - 1) / self.T_max)
        return [least + (group["lr"] - least) * (now / before) for group in groups]

    def _get_closed_form_lr(self) -> list[Rate]:
        share = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (rate - self.eta_min) * share for rate in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """A cosine down over `T_0` epochs, then again from the start over T_0 * T_mult, and so on.

    ``rate = eta_min + (initial rate - eta_min) * (1 + cos(pi * T_cur / T_i)) / 2`` with T_cur the
    epochs since the last restart and T_i those between restarts. ``step(epoch)`` also takes
    fractions: ``step(epoch + batch / batches)``. Raises ValueError for `T_0` or `T_mult` that is no
    positive int. Example: ``CosineAnnealingWarmRestarts(opt, T_0=10, T_mult=2)``.
    Source: Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts (2017);
    ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts``.
    """

    T_cur: float

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
        verbose: Any = None,
    ) -> None:
        require(isinstance(T_0, int) and T_0 > 0, self, "T_0", T_0, "a positive int")
        require(isinstance(T_mult, int) and T_mult > 0, self, "T_mult", T_mult, "a positive int")
        require(isinstance(eta_min, float | int), self, "eta_min", eta_min, "a number")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur = last_epoch
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[Rate]:
        share = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (rate - self.eta_min) * share for rate in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch or to `epoch`, which may be a fraction, and set the rates."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            require(epoch >= 0, self, "epoch", epoch, "at least 0")
            self._jump(epoch)
        self.last_epoch = math.floor(epoch)
        self._set(self.get_lr)

    def _jump(self, epoch: float) -> None:
        """Find the cycle of `epoch`: number n starts at T_0 * (T_mult**n - 1) / (T_mult - 1)."""
        if epoch < self.T_0:
            self.T_cur, self.T_i = epoch, self.T_0
        elif self.T_mult == 1:
            self.T_cur, self.T_i = epoch % self.T_0, self.T_0
        else:
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            start = self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_cur, self.T_i = epoch - start, self.T_0 * self.T_mult**n
