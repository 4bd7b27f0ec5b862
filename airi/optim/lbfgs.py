"""L-BFGS: a quasi-Newton method that remembers the last steps instead of a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from airi.autograd.bfloat16 import widened
from airi.autograd.graph import wrap
from airi.autograd.mode import enable_grad
from airi.ops.complex import ViewAsReal
from airi.optim.line_search import Point, strong_wolfe
from airi.optim.optimizer import Closure, Optimizer, Params
from airi.optim.per_parameter import arrays_of, check_not_negative, written
from airi.tensor import Tensor


class LBFGS(Optimizer):
    """L-BFGS: limited-memory Broyden-Fletcher-Goldfarb-Shanno, for all parameters as one vector x.

    One ``step(closure)`` makes up to `max_iter` iterations and calls `closure`, which computes the
    loss and its gradients g anew, about `max_eval` times at most (``max_iter * 5 // 4``)::

        d = -H g                                      (H of the last `history_size` s, y)
        x = x + t * d                                 (t = lr; min(1, 1 / sum|g|) * lr at first)
        s = t * d,  y = the change of g,  r = 1 / (s . y)
        H = (I - r s y') H (I - r y s') + r s s'      (kept where s . y > 1e-10)

    ``line_search_fn="strong_wolfe"`` looks for a t with enough descent, from that one on. A step
    ends where all of g is at most `tolerance_grad`, or the change of x or of the loss below
    `tolerance_change`. There can be one parameter group only (ValueError), and step needs the
    closure (TypeError). Example::

        optimizer = optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")
        optimizer.step(closure)

    Source: Nocedal and Wright, Numerical Optimization (2006), algorithm 7.4; ``torch.optim.LBFGS``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        if self.param_groups:
            raise ValueError("LBFGS: there can be one parameter group only, got a second")
        super().add_param_group(param_group)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_not_negative("LBFGS", group, "lr")

    def step(self, closure: Closure) -> Any:  # type: ignore[override]  # PyTorch needs it, too
        """Up to `max_iter` iterations; returns the loss that `closure` returned at first."""
        group = self.param_groups[0]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError(
                "LBFGS: line_search_fn must be None or 'strong_wolfe', got "
                f"{group['line_search_fn']!r}"
            )
        if not callable(closure):
            raise TypeError(f"LBFGS.step: closure must be a function, got {closure!r}")
        with np.errstate(all="ignore"):
            return self._minimize(closure, group)

    def _minimize(self, closure: Closure, group: dict[str, Any]) -> Any:
        lr, flat_enough = float(group["lr"]), float(group["tolerance_grad"])
        least_change = float(group["tolerance_change"])
        # The state of all parameters is that of the first: so loading gives it the right dtype.
        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        memory = _Memory(state, group["history_size"])
        first_loss = self._evaluated(closure)
        loss, gradient = float(first_loss), self._gradient()
        evaluations = 1
        state["func_evals"] += 1
        if _largest(gradient) <= flat_enough:
            return first_loss

        loss_before = loss
        for iteration in range(1, int(group["max_iter"]) + 1):
            state["n_iter"] += 1
            t = lr
            if state["n_iter"] == 1:
                t = min(1.0, 1.0 / float(np.abs(gradient).sum())) * lr
                memory.clear()
            else:
                memory.add(gradient)
            direction = memory.direction(gradient)
            memory.gradient, loss_before = gradient, loss
            slope = float(gradient @ direction)
            memory.step = t
            if slope > -least_change:
                break

            made = 0
            last = iteration == group["max_iter"]
            if group["line_search_fn"] is not None:
                start = Point(0.0, loss, gradient, slope)
                line = _Line(self, closure, direction)
                trials = int(group["max_eval"]) - evaluations
                found, made = strong_wolfe(line.at, start, t, trials, _largest(direction))
                t, loss, gradient = found.t, found.loss, found.grad
                self._move(t, direction)
            else:
                self._move(t, direction)
                if not last:
                    loss, gradient = float(self._evaluated(closure)), self._gradient()
                    made = 1
            memory.step = t
            evaluations += made
            state["func_evals"] += made
            if (
                last
                or evaluations >= group["max_eval"]
                or _largest(gradient) <= flat_enough
                or _largest(direction * t) <= least_change
                or abs(loss - loss_before) < least_change
            ):
                break
        if memory.last is not None:
            memory.keep(state, loss_before)
        return first_loss

    def _evaluated(self, closure: Closure) -> Any:
        with enable_grad():
            return closure()

    def _gradient(self) -> np.ndarray:
        """The gradients of all parameters in one row, 0 where there is none."""
        rows = []
        for param in self.param_groups[0]["params"]:
            grad = param._grad
            rows.append(_row(np.zeros_like(param._array) if grad is None else grad._array))
        return np.concatenate(rows)

    def _move(self, t: float, direction: np.ndarray) -> None:
        """x = x + t * direction, in the memory of the parameters."""
        start = 0
        for param in self.param_groups[0]["params"]:
            (array,) = arrays_of(param)
            row = _row(array)
            moved = row + t * direction[start : start + row.size]
            if array.dtype.kind == "c":
                moved = moved.view(array.dtype)
            array[...] = moved.reshape(array.shape)
            start += row.size
            written(param)


class _Line:
    """The loss and its gradient along a direction, from where the parameters are."""

    def __init__(self, optimizer: LBFGS, closure: Closure, direction: np.ndarray) -> None:
        self.optimizer = optimizer
        self.closure = closure
        self.direction = direction
        self.params = optimizer.param_groups[0]["params"]
        self.start = [param._array.copy() for param in self.params]

    def at(self, t: float) -> Point:
        """The point at step size `t`; the parameters are then where they were."""
        self.optimizer._move(t, self.direction)
        loss = float(self.optimizer._evaluated(self.closure))
        gradient = self.optimizer._gradient()
        for param, start in zip(self.params, self.start, strict=True):
            param._array[...] = start
            written(param)
        return Point(t, loss, gradient, float(gradient @ self.direction))


class _Memory:
    """What L-BFGS remembers: the last steps s and changes of the gradient y, newest last."""

    def __init__(self, state: dict[str, Any], size: int) -> None:
        self.size = size
        self.changes = [_row(each._array) for each in state.get("old_dirs") or []]
        self.steps = [_row(each._array) for each in state.get("old_stps") or []]
        self.curvatures = [float(each) for each in state.get("ro") or []]
        self.scale = float(state.get("H_diag") or 1)
        self.last: np.ndarray | None = _array(state.get("d"))
        self.gradient: np.ndarray | None = _array(state.get("prev_flat_grad"))
        self.step = float(state.get("t") or 0)
        self.weights: list[float | None] | None = state.get("al")

    def clear(self) -> None:
        self.changes, self.steps, self.curvatures, self.scale = [], [], [], 1.0

    def add(self, gradient: np.ndarray) -> None:
        """Remember the last step, now that the gradient after it is known."""
        assert self.last is not None
        assert self.gradient is not None
        change, step = gradient - self.gradient, self.last * self.step
        product = float(change @ step)
        if product <= 1e-10:  # the loss is not convex along the step
            return
        if len(self.changes) == self.size:
            for each in (self.changes, self.steps, self.curvatures):
                del each[0]
        self.changes.append(change)
        self.steps.append(step)
        self.curvatures.append(1.0 / product)
        self.scale = product / float(change @ change)

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        """-H times the gradient, by the two loops of algorithm 7.4."""
        remembered = list(zip(self.changes, self.steps, self.curvatures, strict=True))
        result = -gradient
        weights = []
        for change, step, curvature in reversed(remembered):
            weights.append(float(step @ result) * curvature)
            result -= weights[-1] * change
        weights.reverse()
        result *= self.scale
        for (change, step, curvature), weight in zip(remembered, weights, strict=True):
            result += (weight - float(change @ result) * curvature) * step
        self.weights = [*weights, *[None] * (self.size - len(weights))]
        self.last = result
        return result

    def keep(self, state: dict[str, Any], loss: float) -> None:
        """Write all of it into the state, under PyTorch's names."""
        assert self.last is not None
        assert self.gradient is not None
        state["d"] = wrap(self.last)
        state["t"] = self.step
        state["old_dirs"] = [wrap(each) for each in self.changes]
        state["old_stps"] = [wrap(each) for each in self.steps]
        state["ro"] = list(self.curvatures)
        state["H_diag"] = self.scale
        state["prev_flat_grad"] = wrap(self.gradient)
        state["prev_loss"] = loss
        if state["n_iter"] > 1:
            state["al"] = self.weights


def _largest(vector: np.ndarray) -> float:
    return float(np.abs(vector).max(initial=0.0))


def _array(value: Tensor | None) -> np.ndarray | None:
    return None if value is None else _row(value._array)


def _row(array: np.ndarray) -> np.ndarray:
    """The numbers of an array in one row: of a complex one both parts, of bfloat16 in float32."""
    if array.dtype.kind == "c":
        array = ViewAsReal.forward(array)
    return widened([array])[0].reshape(-1)
