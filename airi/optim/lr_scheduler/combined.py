"""Schedules made of other schedules: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from airi.optim.lr_scheduler.base import LRScheduler, of_groups, set_option
from airi.optim.lr_scheduler.plateau import ReduceLROnPlateau
from airi.optim.optimizer import Optimizer


class _Combined(LRScheduler):
    """What both share: the list of schedulers, checked, and its state."""

    _schedulers: Sequence[LRScheduler]

    def _check(self, optimizer: Any, schedulers: Sequence[Any]) -> None:
        name = type(self).__name__
        if not schedulers:
            raise ValueError(f"{name}: schedulers is empty")
        for at, each in enumerate(schedulers):
            kind = type(each).__name__
            if not hasattr(each, "optimizer"):
                raise TypeError(f"{name}: schedulers[{at}] must be a scheduler, got {kind}")
            if isinstance(each, ReduceLROnPlateau):
                raise ValueError(
                    f"{name}: schedulers[{at}] is a ReduceLROnPlateau, whose step() needs a metric "
                    "that is not known here; step it by itself"
                )
            if each.optimizer is not (optimizer or schedulers[0].optimizer):
                raise ValueError(f"{name}: schedulers[{at}], a {kind}, is of another optimizer")

    def state_dict(self) -> dict[str, Any]:
        """The scheduler's attributes, with the state dict of each scheduler in it."""
        state = super().state_dict()
        state["_schedulers"] = [each.state_dict() for each in self._schedulers]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        state = dict(state_dict)
        for each, kept in zip(self._schedulers, state.pop("_schedulers"), strict=True):
            each.load_state_dict(kept)
        super().load_state_dict(state)


class SequentialLR(_Combined):
    """One scheduler after the other: the next takes over at each epoch of `milestones`.

    Each starts from its own beginning. Raises ValueError unless there is one milestone less than
    schedulers and all are of this optimizer, and for ReduceLROnPlateau.
    Example: ``SequentialLR(opt, [LinearLR(opt), CosineAnnealingLR(opt, 95)], milestones=[5])``.
    Source: ``torch.optim.lr_scheduler.SequentialLR``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
        verbose: Any = None,
    ) -> None:
        self._check(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedulers need {len(schedulers) - 1} "
                f"milestones, got {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # Every scheduler has made its first step, on top of the others: take all of them back.
        for group in optimizer.param_groups:
            set_option(group, "lr", group["initial_lr"])
        _take_back(self)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]  # as in PyTorch: no epoch
        """Go to the next epoch and let the scheduler whose turn it is set the rates."""
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


def _take_back(scheduler: LRScheduler) -> None:
    """Undo the count of the step that each of the innermost schedulers has made when made."""
    if isinstance(scheduler, _Combined):
        for each in scheduler._schedulers:
            _take_back(each)
    else:
        scheduler.last_epoch -= 1


class ChainedScheduler(_Combined):
    """All schedulers at every step, one on top of the other.

    Raises ValueError where they are not of one optimizer, and for ReduceLROnPlateau.
    Example: ``ChainedScheduler([ConstantLR(opt), ExponentialLR(opt, 0.9)])``.
    Source: ``torch.optim.lr_scheduler.ChainedScheduler``.
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        self._check(optimizer, schedulers)
        self._schedulers = schedulers
        self.optimizer = optimizer or schedulers[0].optimizer
        self._last_lr = of_groups(self.optimizer, "lr")

    def step(self) -> None:  # type: ignore[override]  # as in PyTorch: no epoch
        """Step every scheduler, in order."""
        for each in self._schedulers:
            each.step()
        self._last_lr = of_groups(self.optimizer, "lr")
