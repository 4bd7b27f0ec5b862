"""backward() and grad(): the one reverse walk of the program.

The nodes that the roots reach are collected with a stack, then visited from the newest to the
oldest: an op only ever uses what was made before it, so that order is a reverse topological one.
Each node takes the gradients that arrived at its outputs, asks its rule for those of its inputs and
passes them on. Nothing recurses, so a chain of any length works.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence, Set
from time import perf_counter
from typing import Any

import numpy as np

from airi.autograd import graph
from airi.autograd.basics import Gradient, dtype_of, fits, new_gradient, shape_of
from airi.autograd.complaints import counted
from airi.autograd.constant import joined
from airi.autograd.copies import contiguous_copy
from airi.autograd.graph import Node, metadata_of
from airi.autograd.mode import current, set_grad_enabled
from airi.autograd.quiet import quiet
from airi.autograd.small import add_to, added
from airi.autograd.sums import add_up
from airi.dtypes import DIFFERENTIABLE

_ndarray = np.ndarray
_adding_to_leaves = threading.Lock()  # backward() in several threads may share parameters


def _add(held: Gradient, value: Any, own: bool) -> None:
    """Add what has arrived at the same place to what is held."""
    if (
        type(held.value) is not _ndarray or type(value) is not _ndarray
    ):  # Tensors, in a recorded walk
        held.value = held.value + value
    elif held.own:
        add_to(held.value, value)
    elif own:
        add_to(value, held.value)
        held.value = value
    else:
        held.value = added(held.value, value)
    held.own = True


class _Walk:
    """One backward pass: the gradients under way, and where they end."""

    def __init__(self, retain: bool, record: bool, wanted: Sequence[Any] | None) -> None:
        self.retain = retain
        self.record = record
        # The edges asked for, or None for every leaf. A set: `in` must not compare Tensors by ==.
        self.wanted = None if wanted is None else frozenset(wanted)
        self.captured: dict[Any, Any] = {}  # edge asked for -> its gradient
        # Of a node with one output the gradient itself, of others one for each output.
        self.arrived: dict[Node, Any] = {}
        self.leaves: dict[Any, Gradient] = {}
        self.observers = current().observers

    def run(self, roots: Iterable[tuple[Any, Any]]) -> None:
        roots = list(roots)
        for edge, gradient in roots:
            self._deliver(edge, gradient, own=False)
        order = reachable([edge for edge, _ in roots])
        useful = None if self.wanted is None else _leading_to(self.wanted, order)
        for observer in self.observers:
            observer.walk_begins(order, roots)
        plain = useful is None and not (self.record or self.observers)
        for each in order:
            node = each
            arrived = self.arrived.pop(node, None)
            if arrived is None:
                continue
            if plain and self._passed_small(node, arrived):
                continue
            if node.several is None:
                arrived = {0: arrived}
            grads = self._complete(node, arrived)
            if useful is None or node in useful:
                self._pass_on(node, grads, useful)

    def _passed_small(self, node: Node, arrived: Any) -> bool:
        """Try to visit a node, of one output, by its rule's kernel for small arrays."""
        facts = node.facts
        if facts is None or facts.small is None:  # nor has a rule with several outputs one
            return False
        held = arrived
        if node.tensor_hooks or node.prehooks or node.hooks or node.retained:
            return False
        g = held.value
        results = node.small_backward(facts.small, g, held.own)
        if results is None:
            return False
        if not self.retain:
            node.release()
        edges = node.edges
        # An array that goes two ways belongs to neither.
        both = len(edges) == 2 and edges[0] is not None and edges[1] is not None
        shared = both and results[0] is results[1]
        for position in range(len(results)):
            edge, gradient = edges[position], results[position]
            if edge is None or gradient is None:
                continue
            own = gradient is not g or (held.own and not shared)
            if not _fits(gradient, edge):
                shape, dtype = metadata_of(edge)
                if gradient.shape != shape:
                    gradient = _undo_broadcast(gradient, shape, True, node, position)
                    own = True
                if gradient.dtype is not dtype:
                    gradient = _cast(gradient, dtype)
            self._deliver(edge, gradient, own)
        return True

    def _complete(self, node: Node, arrived: dict[int, Gradient]) -> list[Any]:
        """The gradients of all outputs of a node, after hooks, zeros where none arrived."""
        if node.tensor_hooks or node.prehooks:
            self._call_hooks_before(node, arrived)
        if node.retained:
            self._retain(node, arrived)
        if self.wanted is not None:
            for number, each in arrived.items():
                if (node, number) in self.wanted:
                    self.captured[node, number] = each.value
        if node.several is None:
            each = arrived[0]
            return [each.value]
        return [
            arrived[number].value if number in arrived else self._nothing(node, number)
            for number in range(len(node.outputs))
        ]

    def _nothing(self, node: Node, number: int) -> Any:
        """For an output that no gradient reached: zeros, or None where the node says so."""
        shape, dtype = node.outputs[number]
        if not node.materializes or dtype.kind not in DIFFERENTIABLE:
            return None
        zeros = np.zeros(shape, dtype)
        return graph.wrap(zeros) if self.record else zeros

    def _pass_on(self, node: Node, grads: list[Any], useful: set[Node] | None) -> None:
        begun = perf_counter() if self._tell_visit(node, grads) else 0.0
        try:
            results = node.backward(grads, self.record)
            if len(results) != len(node.edges):
                raise RuntimeError(f"it returned {counted(len(results), 'gradient')}")
        except Exception as error:
            inputs = counted(len(node.edges), "input")
            error.add_note(f"in the backward of {node.describe()}, of {inputs}")
            raise
        if begun:
            self._tell_returned(node, results, perf_counter() - begun)
        if not self.retain:
            node.release()
        if node.hooks:
            results = self._call_hooks_after(node, grads, results)
        broadcasts = node.rule.broadcasts
        may_own = node.returns_own and not node.hooks and not self.record
        edges = node.edges
        for position in range(len(results)):
            edge, gradient = edges[position], results[position]
            if edge is None or gradient is None:
                continue
            if useful is not None and not self._is_useful(edge, useful):
                continue
            own = may_own and _is_fresh(gradient, grads, results)
            shape, dtype = metadata_of(edge)
            if gradient.shape != shape:
                gradient = _undo_broadcast(gradient, shape, broadcasts, node, position)
                own = not self.record
            if _numpy_dtype(gradient) is not dtype:
                gradient = _cast(gradient, dtype)
            if self.record and not gradient.requires_grad:
                gradient = joined(gradient, node)
            if self.observers:
                self._tell_sent(node, position, gradient)
            self._deliver(edge, gradient, own)

    def _is_useful(self, edge: Any, useful: set[Node]) -> bool:
        assert self.wanted is not None
        return edge in self.wanted or (type(edge) is tuple and edge[0] in useful)

    def _deliver(self, edge: Any, gradient: Any, own: bool) -> None:
        if type(edge) is not tuple:
            slot, key = self.leaves, edge
        elif edge[0].several is None:
            slot, key = self.arrived, edge[0]
        else:
            slot, key = self.arrived.setdefault(edge[0], {}), edge[1]
        held = slot.get(key)
        if held is None:
            slot[key] = new_gradient(gradient, own)
        else:
            _add(held, gradient, own)

    def finish(self) -> None:
        """Call the hooks of leaves, whose gradients are now complete."""
        for leaf, gradient in self.leaves.items():
            self._call_leaf_hooks(leaf, gradient)
            if self.wanted is not None:
                self.captured[leaf] = gradient.value
        for observer in self.observers:
            for leaf, gradient in self.leaves.items():
                observer.arrives(leaf, gradient.value)
            observer.walk_ends()

    def accumulate(self) -> None:
        """Add each leaf's gradient to its ``.grad``."""
        for leaf, gradient in self.leaves.items():
            with _adding_to_leaves:
                _add_to_grad(leaf, gradient.value, gradient.own, self.record)
            for hook in tuple((leaf._after_accumulation or {}).values()):
                hook(leaf)

    def _tell_visit(self, node: Node, grads: list[Any]) -> bool:
        for observer in self.observers:
            observer.visits(node, grads)
        return bool(self.observers)

    def _tell_sent(self, node: Node, position: int, gradient: Any) -> None:
        for observer in self.observers:
            observer.sends(node, position, gradient)

    def _tell_returned(self, node: Node, results: tuple[Any, ...], seconds: float) -> None:
        for observer in self.observers:
            observer.returned(node, results, seconds)

    # Hooks see Tensors, whatever the walk is made of.

    def _as_tensor(self, value: Any) -> Any:
        return value if value is None or isinstance(value, graph.Tensor) else graph.wrap(value)

    def _as_walked(self, value: Any) -> Any:
        if self.record or not isinstance(value, graph.Tensor):
            return value
        return value._array

    def _through(self, hooks: dict[int, Callable[..., Any]], value: Any, where: str) -> Any:
        for hook in tuple(hooks.values()):
            replaced = hook(self._as_tensor(value))
            if replaced is None:
                continue
            if not isinstance(replaced, graph.Tensor):
                kind = type(replaced).__name__
                raise TypeError(f"a hook of {where} must return a Tensor or None, got {kind}")
            if replaced.shape != value.shape:
                raise RuntimeError(
                    f"a hook of {where} changed the gradient's shape from {tuple(value.shape)} to "
                    f"{tuple(replaced.shape)}"
                )
            value = self._as_walked(replaced)
        return value

    def _call_hooks_before(self, node: Node, arrived: dict[int, Gradient]) -> None:
        for number, hooks in (node.tensor_hooks or {}).items():
            if number in arrived:
                value = self._through(hooks, arrived[number].value, node.describe())
                arrived[number] = new_gradient(value, False)
        for hook in tuple((node.prehooks or {}).values()):
            numbers = range(len(node.outputs))
            given = tuple(
                self._as_tensor(arrived[n].value) if n in arrived else None for n in numbers
            )
            replaced = hook(given)
            if replaced is not None:
                replaced = replaced if isinstance(replaced, tuple) else (replaced,)
                for n, value in enumerate(replaced):
                    if value is not None:
                        arrived[n] = new_gradient(self._as_walked(value), False)

    def _call_hooks_after(self, node: Node, grads: list[Any], results: Any) -> tuple[Any, ...]:
        for hook in tuple((node.hooks or {}).values()):
            inputs = tuple(self._as_tensor(each) for each in results)
            replaced = hook(inputs, tuple(self._as_tensor(each) for each in grads))
            if replaced is not None:
                replaced = replaced if isinstance(replaced, tuple) else (replaced,)
                results = tuple(self._as_walked(each) for each in replaced)
        return results

    def _call_leaf_hooks(self, leaf: Any, gradient: Gradient) -> None:
        if leaf._hooks:
            gradient.value = self._through(leaf._hooks, gradient.value, "a leaf tensor")
            gradient.own = False

    def _retain(self, node: Node, arrived: dict[int, Gradient]) -> None:
        for number, reference in (node.retained or {}).items():
            tensor = reference()
            if tensor is not None and number in arrived:
                _add_to_grad(tensor, arrived[number].value, False, self.record)


def reachable(edges: Iterable[Any]) -> list[Node]:
    """The nodes that the edges lead to, the newest first."""
    stack = [edge[0] for edge in edges if type(edge) is tuple]
    seen = set(stack)
    stack = list(seen)
    order: list[Node] = []
    before, is_sorted = 0, True  # as in a chain of ops, which need not be sorted then
    while stack:
        each = stack.pop()
        node = each
        if order and node.number > before:
            is_sorted = False
        before = node.number
        order.append(node)
        for edge in node.edges:
            if type(edge) is tuple:
                source = edge[0]
                if source not in seen:
                    seen.add(source)
                    stack.append(source)
    if not is_sorted:
        order.sort(key=_number, reverse=True)
    return order


def _number(node: Node) -> int:
    return node.number


def _fits(gradient: np.ndarray, edge: Any) -> bool:
    """Whether a gradient is an array in the shape and dtype of what the edge leads to."""
    if type(gradient) is not _ndarray:  # NumPy gives numbers for 0-dimensional arrays
        return False
    if type(edge) is not tuple:
        leaf = edge
        return fits(gradient, leaf._array)
    node = edge[0]
    if node.several is not None or dtype_of(gradient) is not node.dtype:
        return False
    return shape_of(gradient) == node.shape


def _leading_to(wanted: Set[Any], order: list[Node]) -> set[Node]:
    """The nodes among whose ancestors is one of the wanted edges."""
    leading: set[Node] = set()
    for node in reversed(order):
        for edge in node.edges:
            if edge in wanted or (type(edge) is tuple and edge[0] in leading):
                leading.add(node)
                break
    return leading


def _is_fresh(gradient: Any, grads: list[Any], results: tuple[Any, ...]) -> bool:
    """Whether nothing else refers to the memory of an array that a rule returned."""
    if type(gradient) is not np.ndarray or gradient.base is not None:
        return False
    for each in grads:
        if gradient is each:
            return False
    uses = 0
    for each in results:
        if each is gradient or getattr(each, "base", None) is gradient:
            uses += 1
    return uses == 1


def _numpy_dtype(value: Any) -> np.dtype:
    return value._array.dtype if isinstance(value, graph.Tensor) else value.dtype


def _cast(value: Any, dtype: np.dtype) -> Any:
    """A gradient in the dtype of what it is for; of a real number it is real."""
    if value.dtype.kind == "c" and dtype.kind != "c":
        value = value.real
    if isinstance(value, graph.Tensor):
        return value.to(dtype)
    return value if value.dtype == dtype else value.astype(dtype)


def _undo_broadcast(
    gradient: Any, shape: tuple[int, ...], broadcasts: bool, node: Node, position: int
) -> Any:
    if not broadcasts:
        raise RuntimeError(
            f"{node.describe()} gave its input {position} a gradient of shape "
            f"{tuple(gradient.shape)}; expected {tuple(shape)}, the shape of that input"
        )
    if isinstance(gradient, graph.Tensor):
        return gradient.sum_to_size(shape)
    return sum_to(gradient, shape)


def sum_to(array: Any, shape: tuple[int, ...]) -> Any:
    """Sum over the dimensions in which `shape` was broadcast to the array's shape."""
    added = array.ndim - len(shape)
    stretched = [added + i for i, n in enumerate(shape) if n == 1 and array.shape[added + i] != 1]
    dims = (*range(added), *stretched)
    if type(array) is np.ndarray:
        result = add_up(array, dims)
    else:
        result = array.sum(axis=dims, dtype=array.dtype)
    return result.reshape(shape)


def _add_to_grad(tensor: Any, gradient: Any, own: bool, record: bool) -> None:
    before = tensor._grad
    if record:
        tensor._grad = gradient if before is None else before + gradient
    elif before is None:
        array = gradient if own else contiguous_copy(gradient)
        tensor._grad = graph.wrap(np.ascontiguousarray(array).reshape(tensor._array.shape))
    elif before._edge is not None or before._requires_grad or not before._array.flags.writeable:
        tensor._grad = graph.wrap(before._array + gradient)
    else:
        np.add(before._array, gradient, out=before._array)
        before._counter.value += 1


def _as_sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (tuple, list)) else (value,)


def _roots(
    function: str, tensors: Sequence[Any], gradients: Any, record: bool
) -> list[tuple[Any, Any]]:
    """Each output's edge with the gradient to start from: given, or 1 for a single element."""
    given = [None] * len(tensors) if gradients is None else _as_sequence(gradients)
    if len(given) != len(tensors):
        raise RuntimeError(f"{function}: {len(tensors)} tensors but {len(given)} gradients")
    roots = []
    for tensor, gradient in zip(tensors, given, strict=True):
        if not isinstance(tensor, graph.Tensor):
            raise TypeError(f"{function}: expected Tensors, got {type(tensor).__name__}")
        if not tensor.requires_grad:
            raise RuntimeError(
                f"{function}: a tensor of shape {tuple(tensor.shape)} does not require grad and "
                "has no grad_fn: nothing it was made from has requires_grad=True, or it was made "
                "under no_grad"
            )
        roots.append((graph.edge_of(tensor), _start(function, tensor, gradient, record)))
    return roots


def _start(function: str, tensor: Any, gradient: Any, record: bool) -> Any:
    if gradient is None:
        if tensor._array.size != 1:
            raise RuntimeError(
                f"{function}: grad can be implicitly created only for scalar outputs; this tensor "
                f"has shape {tuple(tensor.shape)}: pass gradient= of that shape, or sum() it first"
            )
        if tensor._array.dtype.kind == "c":
            raise RuntimeError(
                f"{function}: grad can be implicitly created only for real scalar outputs; this "
                f"tensor is {tensor.dtype}: pass gradient=, or take its abs() or real part"
            )
        ones = np.ones_like(tensor._array)
        return graph.wrap(ones) if record else ones
    if not isinstance(gradient, graph.Tensor):
        kind = type(gradient).__name__
        raise TypeError(f"{function}: gradient must be a Tensor or None, got {kind}")
    if gradient._array.shape != tensor._array.shape:
        raise RuntimeError(
            f"{function}: mismatch in shape: gradient has shape {tuple(gradient.shape)}, "
            f"the tensor {tuple(tensor.shape)}"
        )
    gradient = _cast(gradient, tensor._array.dtype)
    return gradient if record else gradient._array


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradients of `tensors` to ``.grad`` of the leaves they were computed from.

    For a tensor with more than one element, `grad_tensors` holds the gradient to start from.
    `create_graph` records the backward pass itself, for derivatives of higher order. `inputs`
    restricts the gradients to those tensors. Raises RuntimeError where a tensor has no graph or
    the graph was already freed. Source: ``torch.autograd.backward``.
    """
    tensors = _as_sequence(tensors)
    wanted = None
    if inputs is not None:
        inputs = _as_sequence(inputs)
        if not inputs:
            raise RuntimeError("backward: inputs must not be empty")
        wanted = _wanted_edges("backward", inputs)
    retain = create_graph if retain_graph is None else retain_graph
    walk = _Walk(retain, create_graph, wanted)
    with set_grad_enabled(create_graph), quiet():
        walk.run(_roots("backward", tensors, grad_tensors, create_graph))
        walk.finish()
        if wanted is None:
            walk.accumulate()
            return
        for tensor, edge in zip(inputs, wanted, strict=True):
            if edge in walk.captured:
                _add_to_grad(tensor, walk.captured[edge], False, create_graph)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of `outputs` with respect to `inputs`, returned; no ``.grad`` is touched.

    Returns one Tensor per input. An input that the outputs do not depend on raises RuntimeError,
    or gives None with ``allow_unused=True``, or zeros with ``materialize_grads=True``.
    `only_inputs` is there for older scripts, and always True.
    Example: ``airi.autograd.grad((x ** 3).sum(), x, create_graph=True)``.
    Source: ``torch.autograd.grad``.
    """
    if is_grads_batched:
        raise ValueError("grad: is_grads_batched=True is not supported by airi")
    if not only_inputs:
        raise ValueError("grad: only_inputs=False is not supported; backward() fills every .grad")
    outputs, inputs = _as_sequence(outputs), _as_sequence(inputs)
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads=True needs allow_unused not to be False")
    wanted = _wanted_edges("grad", inputs)
    retain = create_graph if retain_graph is None else retain_graph
    walk = _Walk(retain, create_graph, wanted)
    with set_grad_enabled(create_graph), quiet():
        walk.run(_roots("grad", outputs, grad_outputs, create_graph))
        walk.finish()
        return tuple(
            _captured(walk, tensor, edge, number, bool(allow_unused), materialize_grads)
            for number, (tensor, edge) in enumerate(zip(inputs, wanted, strict=True))
        )


def _captured(
    walk: _Walk, tensor: Any, edge: Any, number: int, allow_unused: bool, materialize: bool
) -> Any:
    if edge in walk.captured:
        value = walk.captured[edge]
        if walk.record:
            return value
        held = None if type(edge) is tuple else walk.leaves[edge]
        if held is not None and held.own and type(value) is np.ndarray:
            held.own = False  # it is the caller's from now on
            return graph.wrap(value)
        return graph.wrap(np.array(value))
    if materialize:
        return graph.wrap(np.zeros_like(tensor._array))
    if allow_unused:
        return None
    raise RuntimeError(
        f"grad: input {number} (shape {tuple(tensor.shape)}) was not used in computing the "
        "outputs; pass allow_unused=True to get None for it"
    )


def _wanted_edges(function: str, inputs: Sequence[Any]) -> list[Any]:
    edges = []
    for number, tensor in enumerate(inputs):
        edge = graph.edge_of(tensor)
        if edge is None:
            raise RuntimeError(
                f"{function}: input {number} does not require grad, so it has no gradient"
            )
        edges.append(edge)
    return edges
