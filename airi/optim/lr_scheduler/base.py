"""LRScheduler: the base of learning-rate schedules."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable
from typing import Any

from airi.optim.optimizer import Optimizer
from airi.tensor import Tensor

Rate = float | Tensor


class LRScheduler:
    """Base class of schedules: sets ``group["lr"]`` of every parameter group, epoch by epoch.

    The scheduler makes its first step when it is made, and remembers the rate at that time as
    ``group["initial_lr"]`` and in ``base_lrs``. With `last_epoch` other than -1 it goes on after
    that epoch; the groups must then have an ``initial_lr``, or KeyError is raised. `verbose` has no
    effect.

    A subclass defines ``get_lr``, the list of new rates by ``self.last_epoch``::

        class Halving(LRScheduler):
            def get_lr(self):
                return [rate * 0.5**self.last_epoch for rate in self.base_lrs]

    Source: ``torch.optim.lr_scheduler.LRScheduler``.
    """

    optimizer: Optimizer
    base_lrs: list[Rate]
    last_epoch: int
    _last_lr: list[Rate]
    _step_count: int
    _is_initial: bool = False  # during the step that the scheduler makes when it is made
    _get_lr_called_within_step: bool = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1, verbose: Any = None) -> None:
        self.optimizer = checked(self, optimizer)
        for at, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: last_epoch={last_epoch} goes on with an earlier run, "
                    f"but parameter group {at} has no 'initial_lr'; load the optimizer's "
                    "state_dict first, or leave last_epoch at -1"
                )
        self.base_lrs = of_groups(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch, or (deprecated) to `epoch`, and set the learning rates.

        To be called after ``optimizer.step()``; a UserWarning says so otherwise.
        """
        if self._step_count == 1 and not self.optimizer._stepped:
            warnings.warn(
                "lr_scheduler.step() was called before optimizer.step(): the first learning rate "
                "of the schedule is skipped. Call optimizer.step() first",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warnings.warn(
                "lr_scheduler.step(epoch) is deprecated; call step() once an epoch",
                UserWarning,
                stacklevel=2,
            )
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed_form = getattr(self, "_get_closed_form_lr", None)
        self._set(self.get_lr if epoch is None or closed_form is None else closed_form)

    def _set(self, get_rates: Callable[[], list[Rate]]) -> None:
        self._get_lr_called_within_step = True
        try:
            rates = get_rates()
        finally:
            self._get_lr_called_within_step = False
        groups = self.optimizer.param_groups
        if len(rates) != len(groups):
            raise ValueError(
                f"{type(self).__name__}: {len(rates)} learning rates for {len(groups)} parameter "
                "groups; was a group added after the scheduler was made?"
            )
        for group, rate in zip(groups, rates):
            set_option(group, "lr", rate)
        self._last_lr = of_groups(self.optimizer, "lr")

    def get_last_lr(self) -> list[Rate]:
        """The learning rates that the last step has set, one for each parameter group."""
        return self._last_lr

    def get_lr(self) -> list[Rate]:
        """The learning rates that belong to ``last_epoch``; ``step`` asks for them.

        Warns where it is called from elsewhere: what is wanted there is `get_last_lr`.
        """
        if not self._get_lr_called_within_step:
            warnings.warn(
                "get_lr() is for step(); get_last_lr() returns the rates in force",
                UserWarning,
                stacklevel=2,
            )
        return self._rates()

    def _rates(self) -> list[Rate]:
        raise NotImplementedError(f"{type(self).__name__} does not define get_lr()")

    def _scaled(self, factor: float) -> list[Rate]:
        """The present rate of every group times `factor`."""
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """All of the scheduler's own attributes, without the optimizer."""
        return {key: value for key, value in vars(self).items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.__dict__.update(state_dict)


_LRScheduler = LRScheduler  # its old name


# -- what schedulers share ------------------------------------------------------------------------


def checked(scheduler: Any, optimizer: Any) -> Optimizer:
    """The optimizer, or TypeError where it is none."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"{type(scheduler).__name__}: optimizer must be an Optimizer, got "
            f"{type(optimizer).__name__}"
        )
    return optimizer


def copied(value: Any) -> Any:
    """The value, with memory of its own where it is a tensor."""
    return value.detach().clone() if isinstance(value, Tensor) else value


def of_groups(optimizer: Optimizer, option: str) -> list[Any]:
    """One option of all parameter groups, as `copied`."""
    return [copied(group[option]) for group in optimizer.param_groups]


def set_option(group: dict[str, Any], option: str, value: Any) -> None:
    """Set an option of a group; a tensor there stays the same tensor and takes the new value."""
    if isinstance(group[option], Tensor):
        group[option].detach().fill_(float(value))
    else:
        group[option] = value


def per_group(scheduler: Any, optimizer: Optimizer, name: str, value: Any) -> list[Any]:
    """One value for each parameter group, from one for all or a list of them."""
    count = len(optimizer.param_groups)
    values = list(value) if isinstance(value, list | tuple) else [value] * count
    if len(values) != count:
        raise ValueError(
            f"{type(scheduler).__name__}: {name} has {len(values)} values for {count} parameter "
            "groups"
        )
    return [copied(each) for each in values]


def require(condition: Any, scheduler: Any, argument: str, value: Any, expected: str) -> None:
    """Raise ValueError that the argument must be `expected`, unless the condition holds."""
    if not condition:
        raise ValueError(
            f"{type(scheduler).__name__}: {argument} must be {expected}, got {value!r}"
        )


def function_state(function: Any) -> dict[str, Any] | None:
    """What a state dict keeps of a user's function: the attributes of a callable object."""
    return None if isinstance(function, types.FunctionType) else vars(function).copy()
