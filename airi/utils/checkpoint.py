"""Less memory for more time: the values that backward needs are computed again, not kept.

T. Chen et al., "Training deep nets with sublinear memory cost" (2016).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from airi.autograd import graph
from airi.autograd.mode import enable_grad
from airi.random import default_generator, fork_rng
from airi.tensor import Tensor
from airi.utils._pytree import tree_map_only

__all__ = [
    "CheckpointError",
    "checkpoint",
    "checkpoint_sequential",
    "get_device_states",
    "noop_context_fn",
    "set_device_states",
]


class CheckpointError(RuntimeError):
    """The function did not save the same when it was run again."""


class _Enough(Exception):
    """Ends the second run as soon as all that backward needs is there."""


class _Checkpoint:
    """One call of a function: how many values it saved, and these values while backward runs."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        preserve_rng_state: bool,
        context: Any,
        check: bool,
    ) -> None:
        self._function = function
        self._args = args
        self._kwargs = kwargs
        self._random_state = default_generator.get_state() if preserve_rng_state else None
        self._context = context
        self._check = check
        self._saved: list[tuple[Any, Any]] = []  # the shape and dtype of each value
        self._values: dict[int, Any] = {}

    def pack(self, tensor: Any) -> int:
        """Forget the value; its number is all that is kept."""
        self._saved.append((tensor.shape, tensor.dtype))
        return len(self._saved) - 1

    def unpack(self, number: int) -> Any:
        if number not in self._values:
            self._values = self._run_again()
        return self._values.pop(number)

    def _run_again(self) -> dict[int, Any]:
        """What the function saves when it is called with the same arguments once more."""
        values: dict[int, Any] = {}

        def collect(tensor: Any) -> int:
            values[len(values)] = tensor
            if len(values) == len(self._saved):
                raise _Enough
            return len(values) - 1

        args, kwargs = tree_map_only(Tensor, _leaf, (self._args, self._kwargs))
        hooks = graph.saved_tensors_hooks(collect, lambda number: values[number])
        with contextlib.suppress(_Enough), fork_rng(), self._context, enable_grad(), hooks:
            if self._random_state is not None:
                default_generator.set_state(self._random_state)
            self._function(*args, **kwargs)
        if self._check:
            self._compare(values)
        return values

    def _compare(self, values: dict[int, Any]) -> None:
        if len(values) != len(self._saved):
            raise CheckpointError(
                f"checkpoint: the function saved {len(self._saved)} values at first, but "
                f"{len(values)} when it was run again; it must do the same each time"
            )
        for number, (shape, dtype) in enumerate(self._saved):
            again = values[number]
            if again.shape != shape or again.dtype != dtype:
                raise CheckpointError(
                    f"checkpoint: value {number} that the function saved had shape {tuple(shape)} "
                    f"and dtype {dtype}, but {tuple(again.shape)} and {again.dtype} when it was "
                    "run again; it must do the same each time"
                )


def _leaf(tensor: Tensor) -> Tensor:
    """The argument for the second run: apart from the graph, which is there already."""
    return tensor.detach().requires_grad_(tensor.requires_grad)


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing: the default of `checkpoint`'s context_fn."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def get_device_states(*args: Any) -> tuple[list[int], list[Tensor]]:
    """The GPUs of the arguments and their generators' states: none.

    Source: ``torch.utils.checkpoint.get_device_states``.
    """
    return [], []


def set_device_states(
    devices: Iterable[int], states: Iterable[Tensor], *, device_type: str | None = None
) -> None:
    """Nothing, for what `get_device_states` found; RuntimeError for states of a GPU.

    Source: ``torch.utils.checkpoint.set_device_states``.
    """
    if list(devices):
        raise RuntimeError("set_device_states: airi has no GPUs whose generators could be set")


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, keeping nothing for backward but the arguments.

    Backward calls the function a second time, with the same random numbers if `preserve_rng_state`,
    and takes what it saves then; it must do the same both times, else CheckpointError is raised
    (unless `determinism_check` is "none"). `context_fn` returns a context for each of the two
    calls. Gradients of any order, in-graph closures and nested checkpoints work; `use_reentrant`
    chooses between two ways of PyTorch's with the same results and `debug` is accepted.

    Example: ``checkpoint(block, x)``. Source: ``torch.utils.checkpoint.checkpoint``.
    """
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f"checkpoint: determinism_check must be 'default' or 'none', got {determinism_check!r}"
        )
    first, second = context_fn()
    check = determinism_check == "default"
    call = _Checkpoint(function, args, kwargs, preserve_rng_state, second, check)
    with first, graph.saved_tensors_hooks(call.pack, call.unpack):
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Iterable[Callable[[Any], Any]],
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    **kwargs: Any,
) -> Any:
    """A chain of functions (or a Sequential) in `segments` parts, all but the last a `checkpoint`.

    Raises ValueError where segments is less than 1 or more than there are functions. Example:
    ``checkpoint_sequential(model, 4, x)``.
    Source: ``torch.utils.checkpoint.checkpoint_sequential``.
    """
    chain = list(functions)
    if not 1 <= segments <= len(chain):
        raise ValueError(
            f"checkpoint_sequential: segments must lie in 1 to {len(chain)}, the number of "
            f"functions, got {segments}"
        )
    size = len(chain) // segments

    def run(part: list[Callable[[Any], Any]], value: Any) -> Any:
        for each in part:
            value = each(value)
        return value

    for number in range(segments - 1):
        part = chain[number * size : (number + 1) * size]
        input = checkpoint(run, part, input, use_reentrant=use_reentrant, **kwargs)
    return run(chain[(segments - 1) * size :], input)
