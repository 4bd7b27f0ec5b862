"""Schedules that move the learning rate up and down, and the momentum against it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from airi.optim.lr_scheduler.base import (
    LRScheduler,
    Rate,
    checked,
    function_state,
    per_group,
    require,
    set_option,
)
from airi.optim.optimizer import Optimizer

_NUMBERS = float | list[float]


class _WithMomentum(LRScheduler):
    """A schedule that may also set each group's momentum, or the first of its betas."""

    use_beta1: bool

    def _start_momentum(self, base: Any, maximum: Any, last_epoch: int) -> tuple[list, list]:
        """Put the limits into the groups; returns both, one value for each group."""
        defaults = self.optimizer.defaults
        if "momentum" not in defaults and "betas" not in defaults:
            raise ValueError(
                f"{type(self).__name__}: cycle_momentum=True needs an optimizer with momentum or "
                f"betas, which {type(self.optimizer).__name__} has not; pass cycle_momentum=False"
            )
        self.use_beta1 = "betas" in defaults
        highest = per_group(self, self.optimizer, "max_momentum", maximum)
        lowest = per_group(self, self.optimizer, "base_momentum", base)
        if last_epoch == -1:
            for group, high, low in zip(self.optimizer.param_groups, highest, lowest):
                self._set_momentum(group, high)
                group["max_momentum"] = high
                group["base_momentum"] = low
        return lowest, highest

    def _set_momentum(self, group: dict[str, Any], value: float) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(_WithMomentum):
    """The rate goes in a line from `base_lr` up to `max_lr` and back, again and again.

    Up in `step_size_up` steps, down in `step_size_down` (the same by default). The height of the
    peaks above base_lr is multiplied, by `mode`: ``triangular`` 1, ``triangular2`` 1/2 each cycle,
    ``exp_range`` gamma**step, or by `scale_fn` of the cycle (from 1) or, with
    ``scale_mode="iterations"``, of the step. `cycle_momentum` moves momentum (or betas[0]) the
    other way, from `max_momentum` to `base_momentum`. To be stepped after every batch. Raises
    ValueError for an unknown mode and where the optimizer has no momentum to cycle.
    Example: ``CyclicLR(opt, base_lr=0.01, max_lr=0.1)``. Source: Smith, Cyclical Learning Rates for
    Training Neural Networks (2017); ``torch.optim.lr_scheduler.CyclicLR``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: _NUMBERS,
        max_lr: _NUMBERS,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: _NUMBERS = 0.8,
        max_momentum: _NUMBERS = 0.9,
        last_epoch: int = -1,
        verbose: Any = None,
    ) -> None:
        modes = ("triangular", "triangular2", "exp_range")
        require(mode in modes or scale_fn is not None, self, "mode", mode, f"one of {modes}")
        scale_modes = ("cycle", "iterations")
        require(scale_mode in scale_modes, self, "scale_mode", scale_mode, f"one of {scale_modes}")
        require(step_size_up > 0, self, "step_size_up", step_size_up, "positive")
        self.optimizer = checked(self, optimizer)
        base_lrs = per_group(self, optimizer, "base_lr", base_lr)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, base_lrs):
                set_option(group, "lr", rate)
        self.max_lrs = per_group(self, optimizer, "max_lr", max_lr)
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = self._start_momentum(
                base_momentum, max_momentum, last_epoch
            )
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The height of a peak, by cycle (from 1) or by step."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular2":
            return 1 / 2.0 ** (x - 1)
        return self.gamma**x if self.mode == "exp_range" else 1.0

    def _rates(self) -> list[Rate]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle  # how much of the cycle is done
        up = x <= self.step_ratio
        height = x / self.step_ratio if up else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            limits = zip(self.base_momentums, self.max_momentums)
            for group, (low, high) in zip(self.optimizer.param_groups, limits):
                self._set_momentum(group, high - (high - low) * height)
        pairs = zip(self.base_lrs, self.max_lrs)
        return [low + (high - low) * height for low, high in pairs]

    def state_dict(self) -> dict[str, Any]:
        """The scheduler's attributes; of a user's `scale_fn` only what a callable object holds."""
        state = super().state_dict()
        if self._scale_fn_custom is not None:
            state["_scale_fn_custom"] = function_state(self._scale_fn_custom)
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; a user's `scale_fn` stays as it is."""
        state = dict(state_dict)
        kept = state.pop("_scale_fn_custom")
        if kept is not None:
            vars(self._scale_fn_custom).update(kept)
        super().load_state_dict(state)


class OneCycleLR(_WithMomentum):
    """One rise of the rate from ``max_lr / div_factor`` to `max_lr`, one long fall far below.

    The rise takes the share `pct_start` of all steps, the fall ends at the initial rate over
    `final_div_factor`; with `three_phase` the fall is first as long as the rise and only then goes
    below the initial rate. `total_steps`, or `epochs` times `steps_per_epoch`. `anneal_strategy`:
    ``cos`` or ``linear``. `cycle_momentum` moves momentum (or betas[0]) between `max_momentum` and
    `base_momentum` the other way. To be stepped after every batch; one step too many raises
    ValueError, as do arguments out of range.
    Example: ``OneCycleLR(opt, max_lr=0.1, epochs=10, steps_per_epoch=len(loader))``.
    Source: Smith and Topin, Super-Convergence (2018); ``torch.optim.lr_scheduler.OneCycleLR``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: _NUMBERS,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: _NUMBERS = 0.85,
        max_momentum: _NUMBERS = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
        verbose: Any = None,
    ) -> None:
        self.optimizer = checked(self, optimizer)
        self.total_steps = self._count(total_steps, epochs, steps_per_epoch)
        require(0 <= pct_start <= 1, self, "pct_start", pct_start, "from 0 to 1")
        strategies = ("cos", "linear")
        known = anneal_strategy in strategies
        require(known, self, "anneal_strategy", anneal_strategy, f"one of {strategies}")
        self._schedule_phases = _phases(self.total_steps, float(pct_start), three_phase)
        self._anneal_func_type = anneal_strategy
        if last_epoch == -1:
            rates = per_group(self, optimizer, "max_lr", max_lr)
            for group, rate in zip(optimizer.param_groups, rates):
                group["initial_lr"] = rate / div_factor
                group["max_lr"] = rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _count(self, total: int | None, epochs: int | None, per_epoch: int | None) -> int:
        if total is not None:
            is_count = isinstance(total, int) and total > 0
            require(is_count, self, "total_steps", total, "a positive int")
            return total
        if epochs is None or per_epoch is None:
            raise ValueError("OneCycleLR: give total_steps, or both epochs and steps_per_epoch")
        for name, value in (("epochs", epochs), ("steps_per_epoch", per_epoch)):
            require(isinstance(value, int) and value > 0, self, name, value, "a positive int")
        return epochs * per_epoch

    def _anneal(self, start: Any, end: Any, done: float) -> Any:
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2.0 * (1 + math.cos(math.pi * done))
        return start + (end - start) * done

    def _rates(self) -> list[Rate]:
        at = self.last_epoch
        if at > self.total_steps:
            raise ValueError(
                f"OneCycleLR: step {at} of a schedule of {self.total_steps} steps; it must be made "
                "with the number of batches of the whole run"
            )
        ends = [phase["end_step"] for phase in self._schedule_phases]
        number = next((i for i, end in enumerate(ends) if at <= end), len(ends) - 1)
        phase, start = self._schedule_phases[number], ends[number - 1] if number else 0
        length = ends[number] - start
        done = (at - start) / length if length else 1.0
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                first, last = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, self._anneal(first, last, done))
        return [
            self._anneal(group[phase["start_lr"]], group[phase["end_lr"]], done)
            for group in self.optimizer.param_groups
        ]


def _phases(steps: int, rise: float, three: bool) -> list[dict[str, Any]]:
    """The parts of the cycle: the last step of each, and the group's options it goes between."""
    names = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
    up = (rise * steps - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    down = (steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")
    back = (2 * rise * steps - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum")
    out = (steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum")
    return [dict(zip(names, each)) for each in ((up, back, out) if three else (up, down))]
