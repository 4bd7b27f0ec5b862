"""Schedules that multiply the learning rate by a factor at every step."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from airi.optim.lr_scheduler.base import (
    LRScheduler,
    Rate,
    checked,
    function_state,
    per_group,
    require,
)
from airi.optim.optimizer import Optimizer

Factor = Callable[[int], float]


class _ByFunction(LRScheduler):
    """What LambdaLR and MultiplicativeLR share: a function of the epoch for each group."""

    lr_lambdas: list[Factor]

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Factor | list[Factor],
        last_epoch: int = -1,
        verbose: Any = None,
    ) -> None:
        checked(self, optimizer)
        self.lr_lambdas = per_group(self, optimizer, "lr_lambda", lr_lambda)
        for each in self.lr_lambdas:
            if not callable(each):
                raise TypeError(
                    f"{type(self).__name__}: lr_lambda must be a function of the epoch, got "
                    f"{each!r}"
                )
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """The scheduler's attributes; of the functions only what callable objects hold."""
        state = super().state_dict()
        state["lr_lambdas"] = [function_state(each) for each in self.lr_lambdas]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; functions stay as they are."""
        state = dict(state_dict)
        for function, kept in zip(self.lr_lambdas, state.pop("lr_lambdas"), strict=True):
            if kept is not None:
                vars(function).update(kept)
        super().load_state_dict(state)


class LambdaLR(_ByFunction):
    """rate = initial rate * lr_lambda(epoch).

    `lr_lambda` is a function or a list of one for each group. Raises TypeError for no function and
    ValueError for a list of another length. Example: ``LambdaLR(opt, lambda t: 0.95**t)``.
    Source: ``torch.optim.lr_scheduler.LambdaLR``.
    """

    def _rates(self) -> list[Rate]:
        pairs = zip(self.base_lrs, self.lr_lambdas)
        return [rate * function(self.last_epoch) for rate, function in pairs]


class MultiplicativeLR(_ByFunction):
    """rate = rate * lr_lambda(epoch), from epoch 1 on.

    Arguments and errors as of LambdaLR. Example: ``MultiplicativeLR(opt, lambda t: 0.95)``.
    Source: ``torch.optim.lr_scheduler.MultiplicativeLR``.
    """

    def _rates(self) -> list[Rate]:
        if self._is_initial:
            return self._scaled(1)
        pairs = zip(self.optimizer.param_groups, self.lr_lambdas)
        return [group["lr"] * function(self.last_epoch) for group, function in pairs]


class StepLR(LRScheduler):
    """rate = rate * gamma, every `step_size` epochs.

    Raises ValueError for a `step_size` that is not positive. Example: ``StepLR(opt, 30)`` with rate
    0.05 gives 0.05 for epochs 0 to 29, 0.005 for 30 to 59. Source:
    ``torch.optim.lr_scheduler.StepLR``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        step_size: int,
        gamma: float = 0.1,
        last_epoch: int = -1,
        verbose: Any = None,
    ) -> None:
        require(step_size > 0, self, "step_size", step_size, "positive")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[Rate]:
        falls = self.last_epoch != 0 and self.last_epoch % self.step_size == 0
        return self._scaled(self.gamma if falls else 1)

    def _get_closed_form_lr(self) -> list[Rate]:
        return [rate * self.gamma ** (self.last_epoch // self.step_size) for rate in self.base_lrs]


class MultiStepLR(LRScheduler):
    """rate = rate * gamma, at each of the epochs `milestones`.

    A milestone that is named twice counts twice. Example: ``MultiStepLR(opt, [30, 80])``.
    Source: ``torch.optim.lr_scheduler.MultiStepLR``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
        verbose: Any = None,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[Rate]:
        return self._scaled(self.gamma ** self.milestones[self.last_epoch])

    def _get_closed_form_lr(self) -> list[Rate]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [rate * self.gamma**passed for rate in self.base_lrs]


class ConstantLR(LRScheduler):
    """rate = initial rate * factor before epoch `total_iters`, the initial rate from then on.

    Raises ValueError for a `factor` that is not from 0 to 1. Example: ``ConstantLR(opt, 0.5, 4)``.
    Source: ``torch.optim.lr_scheduler.ConstantLR``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
        verbose: Any = None,
    ) -> None:
        require(0 <= factor <= 1, self, "factor", factor, "from 0 to 1")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[Rate]:
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        if self.last_epoch != self.total_iters:
            return self._scaled(1)
        return self._scaled(1 / self.factor) if self.factor else list(self.base_lrs)

    def _get_closed_form_lr(self) -> list[Rate]:
        factor = 1 if self.last_epoch >= self.total_iters else self.factor
        return [rate * factor for rate in self.base_lrs]


class LinearLR(LRScheduler):
    """rate = initial rate * a factor that goes in a line from `start_factor` to `end_factor`.

    It gets there at epoch `total_iters` and stays. Raises ValueError unless 0 < start_factor <= 1
    and 0 <= end_factor <= 1. Example: ``LinearLR(opt, 0.1, total_iters=10)``, a warm-up.
    Source: ``torch.optim.lr_scheduler.LinearLR``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
        verbose: Any = None,
    ) -> None:
        in_range = 0 < start_factor <= 1
        require(in_range, self, "start_factor", start_factor, "above 0 and at most 1")
        require(0 <= end_factor <= 1, self, "end_factor", end_factor, "from 0 to 1")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[Rate]:
        if self.last_epoch == 0:
            return self._scaled(self.start_factor)
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._scaled(1)
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return self._scaled(1 + rise / before)

    def _get_closed_form_lr(self) -> list[Rate]:
        done = min(self.total_iters, self.last_epoch) / self.total_iters
        factor = self.start_factor + (self.end_factor - self.start_factor) * done
        return [rate * factor for rate in self.base_lrs]


class ExponentialLR(LRScheduler):
    """rate = rate * gamma at every epoch.

    Example: ``ExponentialLR(opt, gamma=0.95)``. Source: ``torch.optim.lr_scheduler.ExponentialLR``.
    """

    def __init__(
        self, optimizer: Optimizer, gamma: float, last_epoch: int = -1, verbose: Any = None
    ) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[Rate]:
        return self._scaled(1 if self._is_initial else self.gamma)

    def _get_closed_form_lr(self) -> list[Rate]:
        return [rate * self.gamma**self.last_epoch for rate in self.base_lrs]


class PolynomialLR(LRScheduler):
    """rate = initial rate * (1 - epoch / total_iters) ** power, and 0 from `total_iters` on.

    Raises ValueError for `total_iters` that is not positive. Example: ``PolynomialLR(opt, 10, 2)``.
    Source: ``torch.optim.lr_scheduler.PolynomialLR``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
        verbose: Any = None,
    ) -> None:
        require(total_iters > 0, self, "total_iters", total_iters, "positive")
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[Rate]:
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._scaled(1)
        now = 1 - self.last_epoch / self.total_iters
        before = 1 - (self.last_epoch - 1) / self.total_iters
        return self._scaled((now / before) ** self.power)

    def _get_closed_form_lr(self) -> list[Rate]:
        left = 1 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [rate * left**self.power for rate in self.base_lrs]
