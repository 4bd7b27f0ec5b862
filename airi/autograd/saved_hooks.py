"""Hooks that decide how values saved for backward are kept; other helpers for reading the graph."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from airi.autograd import graph
from airi.autograd.mode import current, no_grad


class PackedSaved(graph.Saved):
    """A saved value in the form that a pack hook gave it."""

    __slots__ = ("_packed", "_unpack", "_metadata")

    def __init__(self, saved: graph.Saved, node: graph.Node, pack: Any, unpack: Any) -> None:
        array, edge = saved.array, saved.edge_in(node)
        whole = isinstance(edge, graph.Tensor) and edge._array is array  # a parameter, say
        with no_grad():
            self._packed = pack(edge if whole else graph.wrap(array))
        self._unpack = unpack
        self._metadata = array.shape, array.dtype
        self.place = saved.place

    def unpacked(self) -> graph.Saved:
        with no_grad():
            tensor = self._unpack(self._packed)
        if not isinstance(tensor, graph.Tensor):
            raise TypeError(f"an unpack hook must return a Tensor, got {type(tensor).__name__}")
        if (tensor._array.shape, tensor._array.dtype) != self._metadata:
            shape, dtype = self._metadata
            raise RuntimeError(
                f"an unpack hook returned a tensor of shape {tuple(tensor.shape)} and dtype "
                f"{tensor.dtype}; what was packed has shape {shape} and dtype {dtype}"
            )
        # Versions are not compared: the hook may have kept a copy.
        return graph.save(tensor._array, self.place, graph.Version())


def pack(values: tuple[Any, ...], node: graph.Node) -> tuple[Any, ...]:
    """What a node saves, with the Saved among it packed by the innermost hooks of this thread."""
    hooks = current().saved_hooks[-1]
    if isinstance(hooks, str):  # disabled: nothing is packed, and hooks set inside are refused
        return values
    return tuple([_packed(each, node, *hooks) for each in values])


def _packed(value: Any, node: graph.Node, pack: Any, unpack: Any) -> Any:
    if isinstance(value, graph.Saved):
        return PackedSaved(value, node, pack, unpack)
    if type(value) is tuple and any(isinstance(each, graph.Saved) for each in value):
        return tuple([_packed(each, node, pack, unpack) for each in value])
    return value


class saved_tensors_hooks:
    """``with saved_tensors_hooks(pack, unpack):`` ops recorded inside save pack(tensor).

    Backward gets unpack of that, which must have the tensor's shape and dtype. A hook gets tensors
    without a graph; the innermost pair counts. Example: ``saved_tensors_hooks(lambda x: x.half(),
    lambda x: x.float())`` halves the memory. Raises TypeError for what cannot be called.
    Source: ``torch.autograd.graph.saved_tensors_hooks``.
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        if not (callable(pack_hook) and callable(unpack_hook)):
            raise TypeError("saved_tensors_hooks: both hooks must be callable")
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        if current().saved_hooks and isinstance(current().saved_hooks[-1], str):
            raise RuntimeError(current().saved_hooks[-1])
        current().saved_hooks = (*current().saved_hooks, (self.pack_hook, self.unpack_hook))

    def __exit__(self, *exc: object) -> None:
        current().saved_hooks = current().saved_hooks[:-1]


class save_on_cpu(saved_tensors_hooks):
    """Saved values are kept in the CPU's memory, where they are anyway: it changes nothing.

    Source: ``torch.autograd.graph.save_on_cpu``.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda tensor: tensor, lambda tensor: tensor)


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, values are saved as they are; setting hooks raises RuntimeError with that message.

    Source: ``torch.autograd.graph.disable_saved_tensors_hooks``.
    """
    before = current().saved_hooks
    current().saved_hooks = (*before, error_message)
    try:
        yield
    finally:
        current().saved_hooks = before


class GradientEdge(NamedTuple):
    """Where the gradient of a tensor goes: a node, and which of its outputs."""

    node: Any
    output_nr: int


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """The node that made a tensor (or AccumulateGrad of a leaf), and which output it is.

    Raises RuntimeError where it requires no grad.
    Source: ``torch.autograd.graph.get_gradient_edge``.
    """
    edge = graph.edge_of(tensor)
    if edge is None:
        raise RuntimeError("get_gradient_edge: the tensor does not require grad")
    if isinstance(edge, graph.Tensor):
        return GradientEdge(graph.AccumulateGrad(edge), 0)
    return GradientEdge(*edge)


def increment_version(tensor: Any) -> None:
    """Count a write in place that airi did not see, to a tensor or several.

    Source: ``torch.autograd.graph.increment_version``.
    """
    for each in tensor if isinstance(tensor, (tuple, list)) else (tensor,):
        if each._counter is not None:
            each._counter.value += 1


def register_multi_grad_hook(
    tensors: Sequence[Any], fn: Callable[..., None], *, mode: str = "all"
) -> _Handles:
    """Call ``fn(grads)`` when the gradients of all tensors are there, or ``fn(grad)`` of the "any".

    With "all" the hook gets a list with an entry for each tensor, once per backward pass that
    reaches each of them. Returns a handle with ``remove()``.
    Source: ``torch.autograd.graph.register_multi_grad_hook``.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"register_multi_grad_hook: mode must be 'all' or 'any', got {mode!r}")
    gradients: dict[int, Any] = {}

    def arrived(number: int, gradient: Any) -> None:
        gradients[number] = gradient
        if mode == "any" and len(gradients) == 1:
            fn(gradient)
        if len(gradients) == len(tensors):
            given = [gradients[i] for i in range(len(tensors))]
            gradients.clear()
            if mode == "all":
                fn(given)

    def hook_of(number: int) -> Callable[[Any], None]:
        return lambda gradient: arrived(number, gradient)

    return _Handles([each.register_hook(hook_of(i)) for i, each in enumerate(tensors)])


class _Handles:
    """The handles of several hooks as one."""

    def __init__(self, handles: list[graph.Handle]) -> None:
        self._handles = handles

    def remove(self) -> None:
        for each in self._handles:
            each.remove()

    def __enter__(self) -> _Handles:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()
