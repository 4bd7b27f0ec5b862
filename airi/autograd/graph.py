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

import weakref
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from airi import dtypes
from airi.autograd import bfloat16
from airi.autograd.basics import (
    Saved,
    Version,
    dtype_of,
    is_complex,
    is_differentiable,
    make,
    new_version,
    next_number,
    save,
    shape_of,
)
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
    REST,
    SHAPE,
    SHAPES_OF_REST,
    Declared,
    Facts,
)
from airi.autograd.scope import Scope, user_line

if TYPE_CHECKING:
    from airi.tensor import Tensor as TensorType

# Recording has to make Tensors, which live above this module. `airi/tensor.py` assigns its class
# here, once, when it is imported: the one place where an import would have to run upwards.
Tensor: Any = None


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

    apply: ClassVar[Application]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.apply = Application(cls.facts)


class Application:
    """``Exp.apply``: compute the op. With arrays an array, with any Tensor a Tensor, recorded."""

    facts: Facts

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def __call__(self, *inputs: Any, **attributes: Any) -> Any:
        return apply(self.facts, inputs, attributes)


def apply(facts: Facts, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """`Rule.apply` of the rule whose facts are given."""
    any_tensor = wants_grad = False
    for each in inputs:
        if isinstance(each, TensorCore):
            tensor = each
            any_tensor = True
            if tensor._base is not None:
                wants_grad = wants_grad or each.requires_grad  # type: ignore[attr-defined]
            elif tensor._edge is not None or tensor._requires_grad:
                wants_grad = True
    if not any_tensor:
        if inputs and type(inputs[0]) is not _ndarray:
            require_array(facts.rule, list(inputs), attributes)
        out = None if facts.small is None else _by_kernel(facts.small, inputs, attributes)
        return facts.rule.forward(*inputs, **attributes) if out is None else out
    thread = current()
    begun = perf_counter() if observing and thread.observers else 0.0
    if not attributes:
        attributes = _NO_ATTRIBUTES  # one for all: a dict less for every node to keep
    out = None if facts.small is None else _by_kernel(facts.small, inputs, attributes)
    if out is None:
        out = _computed(facts.rule, inputs, attributes)
    recorded = wants_grad and thread.grad and facts.differentiable
    if not facts.one_output:
        return _wrap_several(facts, inputs, attributes, out, recorded, begun)
    result = _wrapped(out, thread)
    if recorded:
        _record(thread, facts, inputs, attributes, (result,), begun)
    elif begun:
        tell(facts.rule, None, inputs, (result,), begun, attributes)
    if facts.is_view:
        _make_view(result, inputs[0], facts.rule, attributes)
    return result


def _by_kernel(small: Any, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """What the rule's kernel computes, None where it leaves that to the rule."""
    if attributes:
        return small.forward_with(_array(inputs[0]), attributes)
    return small.forward(
        _array(inputs[0]),
        _array(inputs[1]) if len(inputs) > 1 else None,
        _array(inputs[2]) if len(inputs) > 2 else None,
    )


def _array(value: Any) -> Any:
    """The array of a tensor; of anything else itself."""
    if not isinstance(value, TensorCore):
        return value
    tensor = value
    # A tensor without an array, sparse or not yet initialised, says so when it is asked.
    return tensor._array if tensor._array is not None else value._array


def _computed(rule: Any, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """What forward gives for inputs of which one is a tensor, with NumPy's warnings off."""
    arrays = [_array(each) for each in inputs]
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
        result._counter = new_version()
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
    return _record(current(), rule.facts, inputs, attributes, results, begun)


def _record(
    thread: State,
    facts: Facts,
    inputs: tuple[Any, ...],
    attributes: dict[str, Any],
    results: tuple[Any, ...],
    begun: float,
) -> Node:
    tensor = results[0]
    edges = _edges_of(inputs)
    kind = _ConjugatingNode if facts.holomorphic and is_complex(tensor._array) else Node
    node = _new_node(thread, kind, facts.rule, edges, attributes)
    node.facts = facts
    if len(results) == 1:
        node.shape, node.dtype = shape_of(tensor._array), dtype_of(tensor._array)
    else:
        node.several = tuple([_metadata(each) for each in results])
    if facts.plan:
        node.saved = _kept(facts.plan, node, inputs, results)
        if thread.saved_hooks:
            node.saved = pack(node.saved, node)
    for number in range(len(results)):
        tensor = results[number]
        if is_differentiable(tensor._array):  # integer by-products are constants
            tensor._edge = (node, number)
    if begun:
        tell(facts.rule, node, inputs, results, begun, attributes)
    return node


def tell(
    rule: Any, node: Node | None, inputs: Any, results: Any, begun: float, attributes: Any = None
) -> None:
    """Tell this thread's observers of an op that was computed since `begun`."""
    seconds = perf_counter() - begun
    for each in current().observers:
        each.applied(rule, inputs, attributes or {}, results)
        each.computed(rule, node, inputs, results, seconds)


def _edges_of(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(inputs) == 1:
        return (edge_of(inputs[0]),)
    if len(inputs) == 2:
        return edge_of(inputs[0]), edge_of(inputs[1])
    return tuple([edge_of(each) for each in inputs])


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
    facts: Facts,
    inputs: Any,
    attributes: dict[str, Any],
    out: Any,
    recorded: bool,
    begun: float,
) -> tuple[Any, ...]:
    results = tuple([wrap(each) for each in out])
    if recorded:
        _record(current(), facts, inputs, attributes, results, begun)
    elif begun:
        tell(facts.rule, None, inputs, results, begun, attributes)
    if facts.is_view:
        for result in results:
            _make_view(result, inputs[0], None, attributes)
    return results


def _make_view(result: Any, source: Any, rule: type[Rule] | None, attributes: Any) -> None:
    """Note that `result` shows the memory of `source`; without a rule it may not be written to."""
    # A leaf that is itself a view, ``x.view(2, 3).requires_grad_()``, is the base of its views: its
    # gradient ends there.
    base, steps = source._base, source._steps
    if base is None:
        base = source
    elif source._requires_grad and source._edge is None:
        base, steps = source, ()
    if result._array.base is None or not np.may_share_memory(result._array, base._array):
        return  # a reshape that had to copy
    result._base = base
    result._counter = base._counter
    result._base_edge = base._edge
    result._made_without_grad = not current().grad or source._made_without_grad
    if rule is None or steps is None:
        result._steps = None
    else:
        result._steps = (*steps, (rule, attributes))


def replay_view(steps: Any, value: Any) -> Any:
    """Take the view that `steps` describe of another array or Tensor of the base's shape."""
    for rule, attributes in steps:
        value = rule.apply(value, **attributes)
    return value


def _kept(plan: tuple[Any, ...], node: Node, inputs: Any, results: Any) -> tuple[Any, ...]:
    """The values that a backward names, as its rule's plan says."""
    if len(plan) == 1:
        return (_kept_one(plan[0], node, inputs, results),)
    return tuple([_kept_one(each, node, inputs, results) for each in plan])


def _kept_one(planned: tuple[int, Any, int | None], node: Node, inputs: Any, results: Any) -> Any:
    kind, at, only_for = planned
    if only_for is not None and node.edges[only_for] is None:
        return None
    if kind == INPUT:
        return _save(inputs[at], at)
    if kind == OUTPUT:
        return _save(results[at], -1 - at)
    if kind == NEEDS:
        return _needs(node.edges)
    if kind == ATTRIBUTE:
        return node.attributes.get(at)
    if kind == SHAPE:
        return _shape(inputs[at])
    if kind == SHAPES_OF_REST:
        return tuple([_shape(each) for each in inputs[at:]])
    return tuple([_save(each, at + number) for number, each in enumerate(inputs[at:])])


# Two inputs are the commonest: their answers need not be made anew.
_NEEDS_OF_TWO = ((False, False), (True, False), (False, True), (True, True))


def _needs(edges: tuple[Any, ...]) -> tuple[bool, ...]:
    """Which inputs want a gradient."""
    if len(edges) == 2:
        return _NEEDS_OF_TWO[(edges[0] is not None) + 2 * (edges[1] is not None)]
    return tuple([edge is not None for edge in edges])


def _save(value: Any, place: int) -> Any:
    if not isinstance(value, TensorCore):
        return value
    tensor = value
    return save(tensor._array, place, tensor._counter)


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
    facts: Facts | None  # the rule's; None of a user's Function
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
        if not record and self.facts is not None and self.facts.small is not None:
            found = self.small_backward(self.facts.small, grads[0], False)
            if found is not None:
                return found
        values = self._values(record)
        if dtypes.bfloat16.is_known:
            grads, values = bfloat16.widened(grads), bfloat16.widened(values)
        g = grads[0] if self.rule.outputs is ONE_OUTPUT else tuple(grads)
        result = self.rule.backward(g, *values)
        return result if isinstance(result, tuple) else (result,)

    def small_backward(self, small: Any, g: Any, own: bool) -> tuple[Any, ...] | None:
        """`backward` by a kernel for small arrays, or None where that is not possible.

        `own` says that the kernel may write to the memory of g.
        """
        if self.saved is None:
            raise RuntimeError(self._freed())
        for each in self.saved:
            if type(each) is Saved:
                saved = each
                if saved.version.value != saved.at:
                    raise RuntimeError(self._changed(saved))
            elif isinstance(each, Saved):
                return None  # a hook keeps it in another form, and shall be asked for it once
        return small.backward(g, self.saved, own)

    def edge_at(self, place: int) -> Any:
        """Where the gradient of what was saved from input `place` goes."""
        return self.edges[place]

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
        kept = [(at, each) for at, each in self._kept_of(INPUT) if each is not None]
        for at, rest in self._kept_of(REST):
            kept += enumerate(rest, at)
        return kept

    def saved_shapes(self) -> list[tuple[int, tuple[int, ...]]]:
        """The positions of inputs of which the shape is kept, and that shape."""
        kept = self._kept_of(SHAPE)
        for at, rest in self._kept_of(SHAPES_OF_REST):
            kept += enumerate(rest, at)
        return kept

    def _kept_of(self, wanted: int) -> list[tuple[int, Any]]:
        if not issubclass(self.rule, Rule) or self.saved is None:
            return []
        pairs = zip(self.rule.facts.plan, self.saved, strict=True)
        return [(at, each) for (kind, at, _), each in pairs if kind == wanted]

    def value(self, saved: Any, record: bool) -> Any:
        """A saved value for backward; RuntimeError where it was changed in place since."""
        if type(saved) is tuple and saved and any(isinstance(each, Saved) for each in saved):
            return tuple([self.value(each, record) for each in saved])
        if not isinstance(saved, Saved):
            return saved
        snapshot = saved if type(saved) is Saved else saved.unpacked()
        if snapshot.version.value != snapshot.at:
            raise RuntimeError(self._changed(snapshot))
        return self._recorded(snapshot) if record else snapshot.array

    def _recorded(self, saved: Saved) -> TensorType:
        """A saved value as a Tensor on the graph, for a backward that is itself recorded."""
        edge, array = saved.edge_in(self), saved.array
        if isinstance(edge, Tensor) and edge._array is array:
            return edge
        result = wrap(array)
        if isinstance(edge, Tensor):  # a leaf whose .data was replaced since
            edge = (new_node(Node, _Alias, (edge,), {}, ((array.shape, array.dtype),)), 0)
        result._edge = edge
        result._counter = saved.version
        return result

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
        if self.facts is not None and self.facts.frees:
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
    ("several", "source", "tensor_hooks", "hooks", "prehooks", "retained", "facts")
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
    node.facts = getattr(rule, "facts", None)
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
    node.number = next_number()
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
