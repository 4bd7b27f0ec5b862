"""The graph: the rule of an op, the node that one use of it leaves, and the values it saves.

A rule is a class that is never instantiated::

    class Exp(Elementwise):
        '''out = e**x;  dx = g * out'''

        @staticmethod
        def forward(x):
            return np.exp(x)

        @staticmethod
        def backward(g, out):
            return g * out

`forward` takes its inputs by position and its attributes by keyword only, all of them arrays or
plain values. `backward` takes the gradient of the output first and then *names what it needs*:
what it names is exactly what a node saves. It may name

* an input of forward (``x``), or its shape alone (``x_shape``);
* an attribute of forward (``dim``);
* the output, ``out``, or any name in ``outputs`` where forward returns several;
* ``needs``: a tuple of bools, which inputs want a gradient.

A rule with several `outputs` gets a tuple of gradients, None for integer outputs such as indices.
Backward returns one gradient per input (None for "no gradient"), as arrays when it was given
arrays and as Tensors when it was given Tensors: the ops that it is written with do both. NumPy's
warnings are off while a rule runs.

The gradient of a real loss L for a complex x = a + ib is dL/da + i dL/db, as in PyTorch. Through a
function f with a complex derivative it is g * conj(f'(x)) = conj(conj(g) * f'(x)): the backward of
a rule that says ``holomorphic = True`` is written as for real numbers, and the node conjugates what
goes in and comes out. A complex gradient of a real input is made real by the engine.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from airi import dtypes
from airi.autograd import bfloat16
from airi.autograd.complaints import explained, require_array
from airi.autograd.handle import Handle
from airi.autograd.mode import State, current, observing
from airi.autograd.quiet import restore, silence
from airi.autograd.rule import (
    ATTRIBUTE,
    INPUT,
    NEEDS,
    ONE_OUTPUT,
    OUTPUT,
    SHAPE,
    SHAPES_OF_REST,
    Declared,
)
from airi.autograd.scope import Scope, user_line
from airi.autograd.small import make
from airi.dtypes import DIFFERENTIABLE

if TYPE_CHECKING:
    from airi.tensor import Tensor as TensorType

# Recording has to make Tensors, which live above this module. `airi/tensor.py` assigns its class
# here, once, when it is imported: the one place where an import would have to run upwards.
Tensor: Any = None

_numbers = itertools.count()  # of nodes, in the order of their making; next() on it is atomic


class Version:
    """How often a piece of memory was written in place; shared by all views of it."""

    value: int


if "value" not in Version.__dict__:  # not compiled
    Version.value = 0


class TensorCore:
    """What the graph keeps of a tensor. `airi.tensor.Tensor` is made of this and of the ops.

    A tensor sets only what differs from the values of `OF_A_NEW_TENSOR`: making one is the
    commonest thing there is. Compiled, these are fields of a C struct (`graph.pxd`).
    """

    _array: np.ndarray
    _edge: tuple[Node, int] | None  # the node that made it, and which output it is
    _requires_grad: bool  # of a leaf; what has an edge requires grad by that
    _grad: Any
    _counter: Version | None  # None: made in inference_mode
    _hooks: dict[int, Callable[..., Any]] | None  # of a leaf
    _after_accumulation: dict[int, Callable[..., Any]] | None  # of a leaf
    # Of a view: the tensor that it shows, the steps from there (None: it may not be written), the
    # base's edge when its own was derived, and whether it was made while nothing was recorded.
    _base: Any
    _steps: tuple[tuple[Any, dict[str, Any]], ...] | None
    _base_edge: tuple[Node, int] | None
    _back: tuple[tuple[Any, dict[str, Any]], ...]  # of a base: see `ops/inplace_shape.py`
    _made_without_grad: bool

    def __cinit__(self) -> None:
        # Called in the compiled class only, whose fields start as None and False.
        self._steps = self._back = ()


OF_A_NEW_TENSOR = {
    "_array": None,
    "_edge": None,
    "_requires_grad": False,
    "_grad": None,
    "_counter": None,
    "_hooks": None,
    "_after_accumulation": None,
    "_base": None,
    "_steps": (),
    "_base_edge": None,
    "_back": (),
    "_made_without_grad": False,
}
if "_array" not in TensorCore.__dict__:  # not compiled: the class has them for all tensors
    for _name, _value in OF_A_NEW_TENSOR.items():
        setattr(TensorCore, _name, _value)


class Saved:
    """A snapshot for backward: the array, where its gradient goes, and its version at the time.

    `edge` is the tensor's edge, or for a rule's own output the output's number: a saved output
    must not hold its own node, or the graph would keep itself alive.
    """

    array: np.ndarray
    edge: Any
    version: Version
    at: int

    def unpacked(self) -> Saved:
        """The snapshot itself, where a hook keeps it in another form."""
        return self

    def tensor(self, node: Node) -> TensorType:
        """The value as a Tensor on the graph, for a backward that is itself recorded."""
        edge, array = self.edge, self.array
        if isinstance(edge, int):
            edge = (node, edge)
        elif isinstance(edge, Tensor) and edge._array is array:
            return edge
        result = wrap(array)
        if isinstance(edge, Tensor):  # a leaf whose .data was replaced since
            edge = (new_node(Node, _Alias, (edge,), {}, ((array.shape, array.dtype),)), 0)
        result._edge = edge
        result._counter = self.version
        return result


def save(array: np.ndarray, edge: Any, version: Version | None) -> Saved:
    """A snapshot of `array`; RuntimeError for what was made in inference_mode."""
    if version is None:
        raise RuntimeError(
            "a tensor made in inference_mode cannot be saved for backward; clone() it outside "
            "inference_mode, or make it under no_grad instead"
        )
    saved = Saved.__new__(Saved)
    saved.array = array
    saved.edge = edge
    saved.version = version
    saved.at = version.value
    return saved


_ndarray = np.ndarray
_NO_ATTRIBUTES: dict[str, Any] = {}

# What a node knows of an output without keeping it: its shape and dtype. A plain tuple: one is made
# for every op that is recorded.
Metadata = tuple[tuple[int, ...], np.dtype]


class Rule(Declared):
    """What one op computes and how gradients pass it: see the module's text."""

    @classmethod
    def prepare(cls, arrays: list[Any]) -> list[Any]:
        """The inputs as forward wants them when an op is called with Tensors (type promotion)."""
        return cls.checked(arrays)

    @classmethod
    def checked(cls, arrays: list[Any]) -> list[Any]:
        """The arrays; ValueError where one is complex and the rule is not made for that."""
        if not (cls.holomorphic or cls.complex):
            for each in arrays:
                if isinstance(each, (np.ndarray, complex)) and np.iscomplexobj(each):
                    raise ValueError("complex numbers are not supported here")
        return arrays

    @classmethod
    def apply(cls, *inputs: Any, **attributes: Any) -> Any:
        """Compute the op. With arrays only: an array. With any Tensor: a Tensor, recorded."""
        return _apply(cls, inputs, attributes)


def _apply(rule: Any, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    arrays = []
    any_tensor = wants_grad = False
    for each in inputs:
        if isinstance(each, TensorCore):
            tensor = each
            any_tensor = True
            if tensor._base is not None:
                wants_grad = wants_grad or each.requires_grad  # type: ignore[attr-defined]
            elif tensor._edge is not None or tensor._requires_grad:
                wants_grad = True
            # A tensor without an array, sparse or not yet initialised, says so when it is asked.
            arrays.append(tensor._array if tensor._array is not None else each._array)
        else:
            arrays.append(each)
    if not any_tensor:
        if arrays and type(arrays[0]) is not np.ndarray:
            require_array(rule, arrays, attributes)
        return rule.forward(*arrays, **attributes)
    thread = current()
    facts = rule.facts
    begun = perf_counter() if observing and thread.observers else 0.0
    if not attributes:
        attributes = _NO_ATTRIBUTES  # one for all: a dict less for every node to keep
    out = None
    small = facts.small
    if small is not None and not attributes:
        out = small.forward(arrays)
    if out is None:
        out = _computed(rule, inputs, arrays, attributes)
    recorded = wants_grad and thread.grad and facts.differentiable
    if not facts.one_output:
        return _wrap_several(rule, inputs, attributes, out, recorded, begun)
    result = _wrapped(out, thread)
    if recorded:
        _record(thread, rule, inputs, attributes, (result,), begun)
    elif begun:
        tell(rule, None, inputs, (result,), begun, attributes)
    if facts.is_view:
        _make_view(result, inputs[0], rule, attributes)
    return result


def _computed(
    rule: Any, inputs: tuple[Any, ...], arrays: list[Any], attributes: dict[str, Any]
) -> Any:
    """What forward gives for arrays of which one is a tensor's, with NumPy's warnings off."""
    warnings = silence()
    try:
        if dtypes.bfloat16.is_known:
            return bfloat16.computed(rule, inputs, arrays, attributes)
        return rule.forward(*rule.prepare(arrays), **attributes)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise explained(rule, error, arrays, attributes) from error
    finally:
        restore(warnings)


class _Alias(Rule):
    """out = x;  dx = g"""

    @staticmethod
    def forward(x: Any) -> Any:
        return x

    @staticmethod
    def backward(g: Any) -> Any:
        return g


def wrap(array: Any) -> TensorType:
    """A new leaf Tensor on `array` (a NumPy scalar becomes a 0-dimensional array)."""
    return _wrapped(array, current())


def _wrapped(array: Any, thread: State) -> Any:
    result = make(Tensor)
    result._array = array if type(array) is _ndarray else np.asarray(array)
    if not thread.inference:
        result._counter = Version.__new__(Version)
    return result


def record(
    rule: type[Rule],
    inputs: tuple[Any, ...],
    attributes: dict[str, Any],
    results: tuple[Any, ...],
    begun: float = 0.0,
) -> Node:
    """Make the node of one use of `rule` and hang the result Tensors on it.

    `begun` is when forward began, where somebody observes.
    """
    return _record(current(), rule, inputs, attributes, results, begun)


def _record(
    thread: State,
    rule: Any,
    inputs: tuple[Any, ...],
    attributes: dict[str, Any],
    results: tuple[Any, ...],
    begun: float,
) -> Node:
    edges = tuple([edge_of(each) for each in inputs])
    tensor = results[0]
    dtype = tensor._array.dtype
    kind = _ConjugatingNode if dtype.kind == "c" and rule.holomorphic else Node
    node = _new_node(thread, kind, rule, edges, attributes)
    if len(results) == 1:
        node.shape, node.dtype = tensor._array.shape, dtype
    else:
        node.several = tuple([_metadata(each) for each in results])
    facts = rule.facts
    if facts.plan:
        node.saved = _kept(facts.plan, node, inputs, results)
        if thread.saved_hooks:
            node.saved = pack(node.saved)
    for number in range(len(results)):
        dtype = node.dtype if node.several is None else node.several[number][1]
        if dtype.kind in DIFFERENTIABLE:  # integer by-products are constants
            tensor = results[number]
            tensor._edge = (node, number)
    if begun:
        tell(rule, node, inputs, results, begun, attributes)
    return node


def tell(
    rule: Any, node: Node | None, inputs: Any, results: Any, begun: float, attributes: Any = None
) -> None:
    """Tell this thread's observers of an op that was computed since `begun`."""
    seconds = perf_counter() - begun
    for each in current().observers:
        each.applied(rule, inputs, attributes or {}, results)
        each.computed(rule, node, inputs, results, seconds)


def edge_of(value: Any) -> Any:
    """Where the gradient of `value` goes: (node, output number), a leaf Tensor, or None."""
    if not isinstance(value, TensorCore):
        return None
    tensor = value
    if tensor._base is not None:
        value._follow_base()  # type: ignore[attr-defined]
    if tensor._edge is not None:
        return tensor._edge
    return value if tensor._requires_grad else None


def _metadata(tensor: TensorCore) -> Metadata:
    array = tensor._array
    return array.shape, array.dtype


def metadata_of(edge: Any) -> Metadata:
    """The shape and dtype of what the edge leads to."""
    if type(edge) is tuple:
        node, number = edge
        return (node.shape, node.dtype) if node.several is None else node.several[number]
    return edge._array.shape, edge._array.dtype


def move_retained(tensor: TensorType, before: Any) -> None:
    """After a write in place: ``.grad`` that is retained is that of the tensor as it is now."""
    retained = before[0].retained if type(before) is tuple else None
    if retained and before[1] in retained and retained[before[1]]() is tensor:
        del retained[before[1]]
        tensor.retain_grad()


def _wrap_several(
    rule: type[Rule],
    inputs: Any,
    attributes: dict[str, Any],
    out: Any,
    recorded: bool,
    begun: float,
) -> tuple[Any, ...]:
    results = tuple([wrap(each) for each in out])
    if recorded:
        record(rule, inputs, attributes, results, begun)
    elif begun:
        tell(rule, None, inputs, results, begun, attributes)
    if rule.is_view:
        for result in results:
            _make_view(result, inputs[0], None, attributes)
    return results


def _make_view(result: Any, source: Any, rule: type[Rule] | None, attributes: Any) -> None:
    """Note that `result` shows the memory of `source`; without a rule it may not be written to."""
    base = source if source._base is None else source._base
    if result._array.base is None or not np.may_share_memory(result._array, base._array):
        return  # a reshape that had to copy
    result._base = base
    result._counter = base._counter
    result._base_edge = base._edge
    result._made_without_grad = not current().grad or source._made_without_grad
    if rule is None or source._steps is None:
        result._steps = None
    else:
        result._steps = (*source._steps, (rule, attributes))


def replay_view(steps: Any, value: Any) -> Any:
    """Take the view that `steps` describe of another array or Tensor of the base's shape."""
    for rule, attributes in steps:
        value = rule.apply(value, **attributes)
    return value


def _kept(plan: tuple[Any, ...], node: Node, inputs: Any, results: Any) -> tuple[Any, ...]:
    """The values that a backward names, as its rule's plan says."""
    edges = node.edges
    values: list[Any] = []
    for kind, at, only_for in plan:
        if only_for is not None and edges[only_for] is None:
            values.append(None)
        elif kind == INPUT:
            each = inputs[at]
            if isinstance(each, TensorCore):
                tensor = each
                values.append(save(tensor._array, edges[at], tensor._counter))
            else:
                values.append(each)
        elif kind == OUTPUT:
            tensor = results[at]
            values.append(save(tensor._array, at, tensor._counter))
        elif kind == NEEDS:
            values.append(_needs(edges))
        elif kind == ATTRIBUTE:
            values.append(node.attributes.get(at))
        elif kind == SHAPE:
            values.append(_shape(inputs[at]))
        elif kind == SHAPES_OF_REST:
            values.append(tuple([_shape(each) for each in inputs[at:]]))
        else:
            values.append(tuple([_save(each) for each in inputs[at:]]))
    return tuple(values)


# Two inputs are the commonest: their answers need not be made anew.
_NEEDS_OF_TWO = ((False, False), (True, False), (False, True), (True, True))


def _needs(edges: tuple[Any, ...]) -> tuple[bool, ...]:
    """Which inputs want a gradient."""
    if len(edges) == 2:
        return _NEEDS_OF_TWO[(edges[0] is not None) + 2 * (edges[1] is not None)]
    return tuple([edge is not None for edge in edges])


def _save(value: Any) -> Any:
    return save(value._array, edge_of(value), value._counter) if is_tensor(value) else value


def _shape(value: Any) -> tuple[int, ...]:
    return value._array.shape if is_tensor(value) else np.shape(value)


def is_tensor(value: Any) -> bool:
    return isinstance(value, TensorCore)


class Node:
    """One use of a rule in the graph.

    Attributes: ``rule``; ``edges``, per input (node, output number), a leaf Tensor or None;
    ``saved``; ``attributes``; ``outputs``, the shape and dtype of each; ``number``, growing with
    time; ``scope``, the module being called; ``source``, the user's file and line when asked for.
    """

    rule: Any
    edges: tuple[Any, ...]
    saved: tuple[Any, ...] | None
    attributes: dict[str, Any]
    several: tuple[Metadata, ...] | None  # of each output; None where it is one, of:
    shape: tuple[int, ...]
    dtype: np.dtype
    number: int
    scope: Scope | None
    source: str | None
    tensor_hooks: dict[int, dict[int, Callable[..., Any]]] | None
    hooks: dict[int, Callable[..., Any]] | None
    prehooks: dict[int, Callable[..., Any]] | None
    retained: dict[int, weakref.ref[Any]] | None

    returns_own: ClassVar[bool] = True  # backward returns arrays that nobody else keeps

    def backward(self, grads: list[Any], record: bool) -> tuple[Any, ...]:
        """The gradients of the inputs, given those of the outputs (arrays; Tensors to record)."""
        values = self._values(record)
        if dtypes.bfloat16.is_known:
            grads, values = bfloat16.widened(grads), bfloat16.widened(values)
        g = grads[0] if self.rule.outputs is ONE_OUTPUT else tuple(grads)
        result = self.rule.backward(g, *values)
        return result if isinstance(result, tuple) else (result,)

    def small_backward(self, g: Any) -> tuple[Any, ...] | None:
        """`backward` by the rule's kernel for small arrays, or None where that is not possible."""
        facts = self.rule.facts
        small = facts.small
        if small is None or self.rule.backward is not facts.rule_backward:
            return None  # or the rule was given another backward since, to try a fault, say
        if self.saved is None:
            raise RuntimeError(self._freed())
        values = []
        for each in self.saved:
            if type(each) is Saved:
                saved = each
                if saved.version.value != saved.at:
                    raise RuntimeError(self._changed(saved))
                values.append(saved.array)
            elif isinstance(each, Saved):
                return None  # a hook keeps it in another form, and shall be asked for it once
            else:
                values.append(each)
        return small.backward(g, values)

    def _values(self, record: bool) -> list[Any]:
        """What backward names."""
        if self.saved is None:
            raise RuntimeError(self._freed())
        return [self.value(each, record) for each in self.saved]

    def _freed(self) -> str:
        return (
            f"backward through {self.describe()} a second time: its saved values were freed by "
            "the first backward(). Pass retain_graph=True to the first backward() or grad() if "
            "the graph is needed again, or run the forward pass anew."
        )

    def saved_inputs(self) -> list[tuple[int, Any]]:
        """What is kept of the inputs: their positions, and the Saved or the plain value of each."""
        if not issubclass(self.rule, Rule) or self.saved is None:
            return []
        pairs = zip(self.rule.facts.plan, self.saved, strict=True)
        return [(at, each) for (kind, at, _), each in pairs if kind == INPUT and each is not None]

    def value(self, saved: Any, record: bool) -> Any:
        """A saved value for backward; RuntimeError where it was changed in place since."""
        if type(saved) is tuple and saved and any(isinstance(each, Saved) for each in saved):
            return tuple([self.value(each, record) for each in saved])
        if not isinstance(saved, Saved):
            return saved
        snapshot = saved if type(saved) is Saved else saved.unpacked()
        if snapshot.version.value != snapshot.at:
            raise RuntimeError(self._changed(snapshot))
        return snapshot.tensor(self) if record else snapshot.array

    def _changed(self, saved: Saved) -> str:
        names = self.rule._wanted() if issubclass(self.rule, Rule) else []
        name = next(
            (n for n, each in zip(names, self.saved or (), strict=False) if each is saved), None
        )
        what = f"its saved value {name!r}" if name else "a value it saved"
        return (
            f"{self.describe()} needs {what} (shape {tuple(saved.array.shape)}, "
            f"{saved.array.dtype}), but that was changed in place: it is at version "
            f"{saved.version.value}, expected version {saved.at}. Change a clone() instead, or "
            "write the result to a new tensor."
        )

    @property
    def outputs(self) -> tuple[Metadata, ...]:
        """The shape and dtype of each output."""
        return ((self.shape, self.dtype),) if self.several is None else self.several

    @property
    def materializes(self) -> bool:
        """Whether an output that no gradient reached has zeros for it, not None."""
        return True

    def release(self) -> None:
        """Free the saved values; a second backward then says so."""
        facts = self.rule.facts
        if facts.frees:
            self.saved = None

    def describe(self) -> str:
        """``MulBackward (in module Net.fc1, at train.py:12)``."""
        where = [f"in module {self.scope.path}"] if self.scope is not None else []
        where += [f"at {self.source}"] if self.source is not None else []
        return self.name() + (f" ({', '.join(where)})" if where else "")

    def name(self) -> str:
        """The rule's name as PyTorch spells it, e.g. ``MulBackward``."""
        return f"{self.rule.__name__}Backward"

    def __repr__(self) -> str:
        return f"<{self.name()}>"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """What the inputs came from, as PyTorch tells it: (node, output number) for each."""
        return tuple(_as_pair(edge) for edge in self.edges)

    def register_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(grad_inputs, grad_outputs)`` after this node's backward."""
        self.hooks = {} if self.hooks is None else self.hooks
        return Handle(self.hooks, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(grad_outputs)`` before this node's backward."""
        self.prehooks = {} if self.prehooks is None else self.prehooks
        return Handle(self.prehooks, hook)

    def register_tensor_hook(self, output: int, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(grad)`` when the gradient of that output is complete."""
        self.tensor_hooks = {} if self.tensor_hooks is None else self.tensor_hooks
        return Handle(self.tensor_hooks.setdefault(output, {}), hook)


class _ConjugatingNode(Node):
    """The node of a holomorphic rule with a complex result: conj(backward(conj(g)))."""

    __slots__ = ()

    def backward(self, grads: list[Any], record: bool) -> tuple[Any, ...]:
        gradients = super().backward([each.conj() for each in grads], record)
        return tuple([None if each is None else each.conj() for each in gradients])


_OF_A_NEW_NODE = dict.fromkeys(
    ("several", "source", "tensor_hooks", "hooks", "prehooks", "retained")
)
if "rule" not in Node.__dict__:  # not compiled
    for _name in _OF_A_NEW_NODE:
        setattr(Node, _name, None)


def new_node(
    kind: type[Node],
    rule: Any,
    edges: tuple[Any, ...],
    attributes: dict[str, Any],
    outputs: tuple[Metadata, ...],
) -> Node:
    """A node of this moment and of the module being called; nothing is saved yet."""
    node = _new_node(current(), kind, rule, edges, attributes)
    if len(outputs) == 1:
        node.shape, node.dtype = outputs[0]
    else:
        node.several = outputs
    return node


def _new_node(
    thread: State,
    kind: type[Node],
    rule: Any,
    edges: tuple[Any, ...],
    attributes: dict[str, Any],
) -> Node:
    node = Node.__new__(Node) if kind is Node else kind.__new__(kind)
    node.rule = rule
    node.edges = edges
    node.saved = ()
    node.attributes = attributes
    node.number = next(_numbers)
    node.scope = thread.scope
    if thread.source:
        node.source = user_line()
    return node


class AccumulateGrad:
    """A leaf seen as a node, for scripts that walk ``grad_fn.next_functions``."""

    __slots__ = ("variable",)
    next_functions: tuple[Any, ...] = ()

    def __init__(self, variable: TensorType) -> None:
        self.variable = variable

    def name(self) -> str:
        return "AccumulateGrad"

    def __repr__(self) -> str:
        return "<AccumulateGrad>"


def _as_pair(edge: Any) -> tuple[Any, int]:
    if edge is None:
        return None, 0
    return (AccumulateGrad(edge), 0) if isinstance(edge, Tensor) else edge


# PyTorch has these in its module of this name. They stand on the classes above.
from airi.autograd.saved_hooks import (  # noqa: E402
    GradientEdge,
    disable_saved_tensors_hooks,
    get_gradient_edge,
    increment_version,
    pack,
    register_multi_grad_hook,
    save_on_cpu,
    saved_tensors_hooks,
)

__all__ = [
    "AccumulateGrad",
    "GradientEdge",
    "Handle",
    "Node",
    "Rule",
    "Saved",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]
