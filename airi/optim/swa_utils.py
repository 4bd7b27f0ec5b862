"""Means of the weights that training passes through. Source: ``torch.optim.swa_utils``.

The weights' mean over the end of a training run, or their moving mean, often predicts better than
the last weights do::

    averaged = AveragedModel(model)                   # or multi_avg_fn=get_ema_multi_avg_fn(0.999)
    schedule = SWALR(optimizer, swa_lr=0.05)
    for epoch in range(20):
        train(model, optimizer)
        averaged.update_parameters(model)
        schedule.step()
    update_bn(loader, averaged)
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from airi.autograd.mode import no_grad
from airi.dtypes import int64
from airi.nn.module import Module
from airi.nn.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d
from airi.ops.creation import tensor
from airi.optim.lr_scheduler.base import LRScheduler, Rate, per_group, require
from airi.optim.optimizer import Optimizer
from airi.tensor import Tensor

__all__ = [
    "AveragedModel",
    "SWALR",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Any], Tensor]
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


# -- averages -------------------------------------------------------------------------------------


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The function ``mean, new, count -> decay * mean + (1 - decay) * new``, a moving mean.

    Raises ValueError for a decay outside 0 to 1. Source: ``swa_utils.get_ema_avg_fn``.
    """
    _check_decay("get_ema_avg_fn", decay)

    @no_grad()
    def moving(averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        return decay * averaged + (1 - decay) * current

    return moving


def get_swa_avg_fn() -> Average:
    """The function ``mean, new, count -> mean + (new - mean) / (count + 1)``: all weigh the same.

    Source: ``swa_utils.get_swa_avg_fn``.
    """

    @no_grad()
    def equal(averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        return averaged + (current - averaged) / (num_averaged + 1)

    return equal


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """`get_ema_avg_fn` for lists of tensors, of which the first are written in place."""
    _check_decay("get_ema_multi_avg_fn", decay)
    return _for_lists(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> MultiAverage:
    """`get_swa_avg_fn` for lists of tensors, of which the first are written in place."""
    return _for_lists(get_swa_avg_fn())


def _for_lists(average: Average) -> MultiAverage:
    @no_grad()
    def each(averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Any) -> None:
        for mean, new in zip(averaged, current, strict=True):
            mean.copy_(average(mean, new, num_averaged))

    return each


def _check_decay(function: str, decay: float) -> None:
    if not 0 <= decay <= 1:
        raise ValueError(f"{function}: decay must be from 0 to 1, got {decay!r}")


# -- the model ------------------------------------------------------------------------------------


class AveragedModel(Module):
    """A copy of `model`, as ``.module``, whose parameters are means of those it is shown.

    The first ``update_parameters(model)`` copies them, each later one averages: by
    ``avg_fn(mean, new, n_averaged)``, which returns the new mean of one parameter, or by
    ``multi_avg_fn(means, news, n_averaged)``, which writes into lists; by equal weights without
    either. Buffers are averaged too if `use_buffers`, and copied otherwise; see `update_bn`.
    `device` can be the CPU. Raises AssertionError where both functions are given.

    Source: Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization
    (2018); ``torch.optim.swa_utils.AveragedModel``.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("AveragedModel: give either avg_fn or multi_avg_fn, not both")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Let the parameters of `model` enter the mean."""
        means = [each.detach() for each in self._averaged(self.module)]
        new = [each.detach() for each in self._averaged(model)]
        if self.n_averaged == 0:
            for mean, each in zip(means, new, strict=True):
                mean.copy_(each)
        else:
            average = self.multi_avg_fn or _for_lists(self.avg_fn or get_swa_avg_fn())
            average(means, new, self.n_averaged)
        if not self.use_buffers:
            for kept, given in zip(self.module.buffers(), model.buffers(), strict=True):
                kept.detach().copy_(given.detach())
        self.n_averaged += 1

    def _averaged(self, model: Module) -> Iterable[Tensor]:
        buffers = model.buffers() if self.use_buffers else ()
        return itertools.chain(model.parameters(), buffers)


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Measure the running means of the batch norms of `model` anew, in one pass over `loader`.

    A batch is the model's input, or a list or tuple that begins with it. Needed after averaging:
    the means belong to the weights that they were measured with.
    Source: ``torch.optim.swa_utils.update_bn``.
    """
    norms = [
        each
        for each in model.modules()
        if isinstance(each, BatchNorm1d | BatchNorm2d | BatchNorm3d)
    ]
    if not norms:
        return
    before = [each.momentum for each in norms]
    training = model.training
    model.train()
    try:
        for each in norms:
            each.reset_running_stats()
            each.momentum = None  # the plain mean over all batches
        for batch in loader:
            inputs = batch[0] if isinstance(batch, list | tuple) else batch
            model(inputs if device is None else inputs.to(device))
    finally:
        for each, momentum in zip(norms, before, strict=True):
            each.momentum = momentum
        model.train(training)


# -- the schedule ---------------------------------------------------------------------------------


class SWALR(LRScheduler):
    """Goes from the learning rate in force to `swa_lr` within `anneal_epochs`, and stays there.

    `swa_lr` is one rate, or a list of one for each parameter group; ``anneal_strategy`` is "cos" or
    "linear". Raises ValueError for another one and for negative `anneal_epochs`.
    Example: ``SWALR(optimizer, swa_lr=0.05)``. Source: ``torch.optim.swa_utils.SWALR``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, rate in zip(
            optimizer.param_groups, per_group(self, optimizer, "swa_lr", swa_lr), strict=True
        ):
            group["swa_lr"] = rate
        require(
            anneal_strategy in ("cos", "linear"),
            self,
            "anneal_strategy",
            anneal_strategy,
            "'cos' or 'linear'",
        )
        whole = isinstance(anneal_epochs, int) and anneal_epochs >= 0
        require(whole, self, "anneal_epochs", anneal_epochs, "an int of at least 0")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[Rate]:
        at = self._step_count - 1
        if self.anneal_epochs == 0:
            at = max(1, at)
        before, now = self._share(at - 1), self._share(at)
        rates = []
        for group in self.optimizer.param_groups:
            rate, goal = group["lr"], group["swa_lr"]
            # The rate that this way started from: whatever else has changed it counts.
            start = goal if before == 1 else (rate - before * goal) / (1 - before)
            rates.append(now * goal + (1 - now) * start)
        return rates

    def _share(self, at: int) -> float:
        """How much of the way is gone at step `at`."""
        time = max(0.0, min(1.0, at / max(1, self.anneal_epochs)))
        return time if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * time)) / 2
