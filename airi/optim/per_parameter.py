"""What the optimizers share that update each parameter by its own gradient and state alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from airi import dtypes
from airi.autograd.bfloat16 import is_bfloat16, widened
from airi.autograd.graph import wrap
from airi.autograd.mode import enable_grad
from airi.ops.complex import ViewAsReal
from airi.optim.optimizer import SCALARS, Closure, Optimizer
from airi.optim.passes import scale_add
from airi.tensor import Tensor

# Elements of a piece: those of parameter, gradient and states stay in the L2 cache together.
_PIECE = 32768


class PerParameterOptimizer(Optimizer):
    """An optimizer that is an `_update` of one parameter; it sees to all the rest of a step."""

    def step(self, closure: Closure | None = None) -> Any:
        """Update every parameter that has a gradient.

        `closure`, where given, is called first, with gradients recorded: it computes the loss and
        its gradients anew and returns the loss, which step then returns.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        # The updates are written on arrays: nothing of them is recorded in any mode.
        with np.errstate(all="ignore"):
            for group in self.param_groups:
                params = [param for param in group["params"] if param._grad is not None]
                self._update_all(params, group)
        return loss

    def _update_all(self, params: list[Tensor], group: dict[str, Any]) -> None:
        """Update the parameters of a group that have gradients; some optimizers do all at once."""
        for param in params:
            self._update(param, param._grad, group)
            written(param)

    def _update_left(self, params: list[Tensor], left: list[int], group: dict[str, Any]) -> None:
        """After an update of all at once: count the writes, and update those that it left out."""
        for param in params:
            written(param)
        for number in left:
            self._update(params[number], params[number]._grad, group)

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        """Write the new values into the memory of `param`."""
        raise NotImplementedError(f"{type(self).__name__} does not define _update()")

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for each in self.state.values():
            for name in SCALARS:
                if isinstance(each.get(name), int | float):  # as old state dicts of PyTorch have it
                    each[name] = scalar(each[name])


def arrays_of(*tensors: Tensor) -> list[np.ndarray]:
    """The arrays of a parameter, which can be written, and of what must have its shape."""
    arrays = [each._array for each in tensors]
    shape = arrays[0].shape
    for array in arrays:
        if array.shape != shape:
            raise RuntimeError(
                f"step: gradient and state must have the parameter's shape {shape}, got "
                f"{array.shape}"
            )
    if not arrays[0].flags.writeable:
        raise RuntimeError(
            f"step: a parameter of shape {shape} may not be written in place: its array is "
            "read-only, or several of its elements share one place in memory (expand); clone() it"
        )
    return arrays


def pieces(*tensors: Tensor) -> Iterator[list[np.ndarray]]:
    """The arrays of tensors of one shape, part by part.

    The several passes of an update, element by element, then find a part in the cache. A complex
    number comes as its two parts, bfloat16 as float32 that is rounded back at the end.
    """
    arrays = arrays_of(*tensors)
    if is_bfloat16(arrays[0]):
        with in_float32(arrays) as wide:
            yield wide
        return
    if arrays[0].dtype.kind == "c":
        arrays = [ViewAsReal.forward(each) for each in arrays]
    if arrays[0].size <= _PIECE:
        yield arrays
        return
    if all(array.flags.c_contiguous for array in arrays):
        arrays = [array.reshape(-1) for array in arrays]
    length = len(arrays[0])
    rows = max(1, _PIECE * length // arrays[0].size)
    for start in range(0, length, rows):
        yield [array[start : start + rows] for array in arrays]


@contextlib.contextmanager
def in_float32(arrays: list[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """The arrays, those of bfloat16 as float32 that is rounded back at the end."""
    wide = widened(arrays)
    yield wide
    for array, values in zip(arrays, wide, strict=True):
        if values is not array:
            array[...] = values


def refuse_complex(optimizer: str, param: Tensor) -> None:
    """Refuse complex parameters where an update is not made for them."""
    if param.is_complex():
        raise RuntimeError(f"{optimizer}: {param.dtype} parameters are not supported")


def written(param: Tensor) -> None:
    """Count a write to the memory of `param`: a backward that has saved it must notice."""
    if param._counter is not None:
        param._counter.value += 1


def ascent(
    gradient: np.ndarray, param: np.ndarray, group: dict[str, Any], weight_decay: float
) -> np.ndarray:
    """The direction to step against: ``g + weight_decay * param``, with -g for g to `maximize`.

    The penalty ``weight_decay / 2 * |param|**2`` is made small in either case. May return
    `gradient` itself.
    """
    if group["maximize"]:
        gradient = np.negative(gradient, out=np.empty_like(gradient))
    if weight_decay != 0:
        gradient = gradient if group["maximize"] else gradient.copy()
        scale_add(gradient, 1, param, weight_decay)
    return gradient


def scalar(value: float) -> Tensor:
    """A number, such as the count of steps, in the form that state dicts have: of no dimension."""
    return wrap(np.array(value, dtypes.default_numpy()))


def advance(state: dict[str, Any]) -> float:
    """Count one step more in ``state["step"]``; the number of this step, from 1."""
    count = state["step"]._array
    count += 1
    return count.item()


def like(param: Tensor, value: float = 0.0) -> Tensor:
    """A tensor laid out as the parameter, filled with one value, in both parts if complex."""
    both = complex(value, value) if param.is_complex() else value
    return wrap(np.full_like(param._array, both))


# -- checks of options ----------------------------------------------------------------------------


def check_not_negative(optimizer: str, group: dict[str, Any], *options: str) -> None:
    """Raise ValueError, or TypeError for no number, where one of these options is below 0."""
    for option in options:
        value = _number(optimizer, option, group[option])
        if not value >= 0:
            raise ValueError(f"{optimizer}: {option} must be at least 0, got {group[option]!r}")


def check_betas(optimizer: str, betas: Any) -> None:
    """Raise where betas is not two numbers from 0 to below 1."""
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise TypeError(f"{optimizer}: betas must be two numbers, got {betas!r}")
    for at, beta in enumerate(betas):
        if not 0 <= _number(optimizer, f"betas[{at}]", beta) < 1:
            raise ValueError(
                f"{optimizer}: betas[{at}] must be at least 0 and below 1, got {beta!r}"
            )


def check_way(optimizer: str, group: dict[str, Any]) -> None:
    """Refuse what airi does not do of PyTorch's ways to run a step; the rest has no effect."""
    if group.get("differentiable"):
        raise RuntimeError(
            f"{optimizer}: differentiable=True is not supported: steps are not recorded. Write the "
            "update with tensor operations and airi.autograd.grad(..., create_graph=True)"
        )
    if group["foreach"] and group.get("fused"):
        raise RuntimeError(f"{optimizer}: foreach and fused cannot both be True")


def _number(optimizer: str, option: str, value: Any) -> float:
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ValueError(
            f"{optimizer}: {option} may be a tensor of one element, got shape {tuple(value.shape)}"
        )
    if isinstance(value, str | bytes):
        raise TypeError(f"{optimizer}: {option} must be a number, got {value!r}")
    try:
        return float(value)
    except TypeError:
        raise TypeError(f"{optimizer}: {option} must be a number, got {value!r}") from None
