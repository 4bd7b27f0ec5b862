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
import re
import weakref
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from airi import dtypes
from airi.autograd import bfloat16
from airi.autograd.mode import observing, state
from airi.autograd.quiet import restore, silence
from airi.autograd.scope import Scope, user_line
from airi.dtypes import DIFFERENTIABLE

if TYPE_CHECKING:
    from airi.tensor import Tensor as TensorType

# Recording has to make Tensors, which live above this module. `airi/tensor.py` assigns its class
# here, once, when it is imported: the one place where an import would have to run upwards.
Tensor: Any = None

_HAS_VAR_POSITIONAL = 0x04  # inspect.CO_VARARGS
_numbers = itertools.count()  # of nodes, in the order of their making; next() on it is atomic


class Version:
    """How often a piece of memory was written in place; shared by all views of it."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Saved:
    """A snapshot for backward: the array, where its gradient goes, and its version at the time.

    `edge` is the tensor's edge, or for a rule's own output the output's number: a saved output
    must not hold its own node, or the graph would keep itself alive.
    """

    __slots__ = ("array", "edge", "version", "at")

    def __init__(self, array: np.ndarray, edge: Any, version: Version | None) -> None:
        if version is None:
            raise RuntimeError(
                "a tensor made in inference_mode cannot be saved for backward; clone() it outside "
                "inference_mode, or make it under no_grad instead"
            )
        self.array = array
        self.edge = edge
        self.version = version
        self.at = version.value

    def tensor(self, node: Node) -> TensorType:
        """The value as a Tensor on the graph, for a backward that is itself recorded."""
        edge, array = self.edge, self.array
        if isinstance(edge, int):
            edge = (node, edge)
        elif isinstance(edge, Tensor) and edge._array is array:
            return edge
        result = wrap(array)
        if isinstance(edge, Tensor):  # a leaf whose .data was replaced since
            edge = (Node(_Alias, (edge,), (), {}, ((array.shape, array.dtype),)), 0)
        result._edge = edge
        result._counter = self.version
        return result


# What a node knows of an output without keeping it: its shape and dtype. A plain tuple: one is made
# for every op that is recorded.
Metadata = tuple[tuple[int, ...], np.dtype]


class Rule:
    """What one op computes and how gradients pass it: see the module's text.

    Subclasses may set

    * ``outputs``: the names of the results where forward returns a tuple;
    * ``broadcasts``: inputs are broadcast together, so the engine sums gradients back to shape;
    * ``is_view``: the result shares the memory of the first input;
    * ``holomorphic``: it takes complex numbers and has a complex derivative, see above;
    * ``complex``: it takes complex numbers, and backward is right for them as it is written;
    * ``symmetric``: the first input is a symmetric matrix: forward may read one triangle of it, and
      backward is right for changes that leave it symmetric;
    * ``only_for``: ``{"x": "y"}`` says that x is needed for the gradient of y only, and is not
      saved when y wants none (backward then gets None for it).
    """

    outputs: ClassVar[tuple[str, ...]] = ("out",)
    broadcasts: ClassVar[bool] = False
    is_view: ClassVar[bool] = False
    symmetric: ClassVar[bool] = False
    holomorphic: ClassVar[bool] = False
    complex: ClassVar[bool] = False
    only_for: ClassVar[dict[str, str]] = {}

    forward: ClassVar[Callable[..., Any]]
    backward: ClassVar[Callable[..., Any] | None] = None  # None: no gradient passes

    inputs: ClassVar[tuple[str, ...]] = ()
    variadic: ClassVar[bool] = False  # whether the last input is *args
    attributes: ClassVar[tuple[str, ...]] = ()
    _plan: ClassVar[tuple[tuple[Callable[..., Any], Any], ...]] = ()
    _frees: ClassVar[bool] = False  # whether a node holds values that backward releases

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "forward" in cls.__dict__:
            cls._read_forward()
        if "backward" in cls.__dict__ and cls.backward is not None:
            cls._plan = tuple(cls._plan_for(name) for name in cls._wanted())
            cls._frees = any(how in (_save_input, _save_rest, _save_out) for how, _ in cls._plan)

    @classmethod
    def _read_forward(cls) -> None:
        # From the code object: inspect.signature would take half of the time of `import airi`.
        code = cls.forward.__code__
        count, attributes = code.co_argcount, code.co_kwonlyargcount
        names = code.co_varnames
        cls.variadic = bool(code.co_flags & _HAS_VAR_POSITIONAL)
        cls.attributes = names[count : count + attributes]
        cls.inputs = names[:count]
        if cls.variadic:
            cls.inputs += (names[count + attributes],)

    @classmethod
    def _wanted(cls) -> list[str]:
        assert cls.backward is not None
        code = cls.backward.__code__
        return list(code.co_varnames[1 : code.co_argcount])

    @classmethod
    def _plan_for(cls, name: str) -> tuple[Callable[..., Any], Any]:
        """How a node gets the value that backward calls `name`."""
        last = len(cls.inputs) - 1
        only_for = cls.inputs.index(cls.only_for[name]) if name in cls.only_for else None
        if name in cls.inputs:
            at = cls.inputs.index(name)
            if cls.variadic and at == last:
                return _save_rest, at
            return _save_input, (at, only_for)
        if name.endswith("_shape") and name.removesuffix("_shape") in cls.inputs:
            at = cls.inputs.index(name.removesuffix("_shape"))
            return (_rest_shapes if cls.variadic and at == last else _input_shape), at
        if name in cls.attributes:
            return _attribute, name
        if name in cls.outputs:
            return _save_out, (cls.outputs.index(name), only_for)
        if name == "needs":
            return _needs, None
        known = [*cls.inputs, *(f"{each}_shape" for each in cls.inputs), *cls.attributes]
        raise TypeError(
            f"{cls.__name__}.backward names {name!r}, which its forward does not have; "
            f"it may name {', '.join([*known, *cls.outputs, 'needs'])}"
        )

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
        arrays = []
        any_tensor = wants_grad = False
        for each in inputs:
            if isinstance(each, Tensor):
                any_tensor = True
                if each._requires_grad or each._edge is not None or each._base is not None:
                    wants_grad = wants_grad or each.requires_grad
                each = each._array
            arrays.append(each)
        if not any_tensor:
            if arrays and type(arrays[0]) is not np.ndarray:
                _require_array(cls, arrays, attributes)
            return cls.forward(*arrays, **attributes)
        begun = perf_counter() if observing and state.observers else 0.0
        warnings = silence()
        try:
            if dtypes.bfloat16.is_known:
                out = bfloat16.computed(cls, inputs, arrays, attributes)
            else:
                out = cls.forward(*cls.prepare(arrays), **attributes)
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise _explained(cls, error, arrays, attributes) from error
        finally:
            restore(warnings)
        recorded = wants_grad and state.grad and cls.backward is not None
        if cls.outputs is not _ONE_OUTPUT:
            return _wrap_several(cls, inputs, attributes, out, recorded, begun)
        result = wrap(out)
        if recorded:
            record(cls, inputs, attributes, (result,), begun)
        elif begun:
            tell(cls, None, inputs, (result,), begun, attributes)
        if cls.is_view:
            _make_view(result, inputs[0], cls, attributes)
        return result


_ONE_OUTPUT = Rule.outputs


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
    result = Tensor.__new__(Tensor)
    result._array = array if isinstance(array, np.ndarray) else np.asarray(array)
    if not state.inference:
        result._counter = Version()
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
    node = Node(
        rule,
        tuple([edge_of(each) for each in inputs]),
        (),
        attributes,
        tuple([(each._array.shape, each._array.dtype) for each in results]),
    )
    node.saved = tuple([how(key, node, inputs, results) for how, key in rule._plan])
    if state.saved_hooks:
        node.saved = pack(node.saved)
    for number, result in enumerate(results):
        kind = result._array.dtype.kind
        if kind == "f":
            result._edge = (node, number)
        elif kind in DIFFERENTIABLE:  # not integer by-products: they are constants of the graph
            result._edge = (node, number)
            if kind == "c" and rule.holomorphic:
                node.__class__ = _ConjugatingNode
    if begun:
        tell(rule, node, inputs, results, begun, attributes)
    return node


def tell(
    rule: Any, node: Node | None, inputs: Any, results: Any, begun: float, attributes: Any = None
) -> None:
    """Tell this thread's observers of an op that was computed since `begun`."""
    seconds = perf_counter() - begun
    for each in state.observers:
        each.applied(rule, inputs, attributes or {}, results)
        each.computed(rule, node, inputs, results, seconds)


def edge_of(value: Any) -> Any:
    """Where the gradient of `value` goes: (node, output number), a leaf Tensor, or None."""
    if not isinstance(value, Tensor):
        return None
    if value._base is not None:
        value._follow_base()
    return value._edge or (value if value._requires_grad else None)


def metadata_of(edge: Any) -> Metadata:
    """The shape and dtype of what the edge leads to."""
    if type(edge) is tuple:
        return edge[0].outputs[edge[1]]
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
    result._made_without_grad = not state.grad or source._made_without_grad
    if rule is None or source._steps is None:
        result._steps = None
    else:
        result._steps = (*source._steps, (rule, attributes))


def replay_view(steps: Any, value: Any) -> Any:
    """Take the view that `steps` describe of another array or Tensor of the base's shape."""
    for rule, attributes in steps:
        value = rule.apply(value, **attributes)
    return value


# How each kind of value that a backward names is kept.


def _save(value: Any, array: np.ndarray | None = None) -> Any:
    if not isinstance(value, Tensor):
        return value
    return Saved(value._array, edge_of(value), value._counter)


def _save_input(key: Any, node: Node, inputs: Any, results: Any) -> Any:
    at, only_for = key
    if only_for is not None and node.edges[only_for] is None:
        return None
    return _save(inputs[at])


def _save_rest(at: int, node: Node, inputs: Any, results: Any) -> Any:
    return tuple([_save(each) for each in inputs[at:]])


def _save_out(key: Any, node: Node, inputs: Any, results: Any) -> Saved | None:
    at, only_for = key
    if only_for is not None and node.edges[only_for] is None:
        return None
    return Saved(results[at]._array, at, results[at]._counter)


def _input_shape(at: int, node: Node, inputs: Any, results: Any) -> tuple[int, ...]:
    return np.shape(inputs[at]) if not isinstance(inputs[at], Tensor) else inputs[at]._array.shape


def _rest_shapes(at: int, node: Node, inputs: Any, results: Any) -> Any:
    return tuple([_input_shape(i, node, inputs, results) for i in range(at, len(inputs))])


def _attribute(name: str, node: Node, inputs: Any, results: Any) -> Any:
    return node.attributes.get(name)


def _needs(key: None, node: Node, inputs: Any, results: Any) -> tuple[bool, ...]:
    return tuple([edge is not None for edge in node.edges])


class Node:
    """One use of a rule in the graph.

    Attributes: ``rule``; ``edges``, per input (node, output number), a leaf Tensor or None;
    ``saved``; ``attributes``; ``outputs``, the shape and dtype of each; ``number``, growing with
    time; ``scope``, the module being called; ``source``, the user's file and line when asked for.
    """

    __slots__ = (
        "rule",
        "edges",
        "saved",
        "attributes",
        "outputs",
        "number",
        "scope",
        "source",
        "tensor_hooks",
        "hooks",
        "prehooks",
        "retained",
        "__weakref__",
    )

    returns_own: ClassVar[bool] = True  # backward returns arrays that nobody else keeps

    def __init__(
        self,
        rule: Any,
        edges: tuple[Any, ...],
        saved: tuple[Any, ...] | None,
        attributes: dict[str, Any],
        outputs: tuple[Metadata, ...],
    ) -> None:
        self.rule = rule
        self.edges = edges
        self.saved = saved
        self.attributes = attributes
        self.outputs = outputs
        self.number = next(_numbers)
        self.scope: Scope | None = state.scope
        self.source: str | None = user_line() if state.source else None
        self.tensor_hooks: dict[int, dict[int, Callable[..., Any]]] | None = None
        self.hooks: dict[int, Callable[..., Any]] | None = None
        self.prehooks: dict[int, Callable[..., Any]] | None = None
        self.retained: dict[int, weakref.ref[Any]] | None = None

    def backward(self, grads: list[Any], record: bool) -> tuple[Any, ...]:
        """The gradients of the inputs, given those of the outputs (arrays; Tensors to record)."""
        values = [self.value(each, record) for each in self._held()]
        if dtypes.bfloat16.is_known:
            grads, values = bfloat16.widened(grads), bfloat16.widened(values)
        g = grads[0] if self.rule.outputs is _ONE_OUTPUT else tuple(grads)
        result = self.rule.backward(g, *values)
        return result if isinstance(result, tuple) else (result,)

    def _held(self) -> tuple[Any, ...]:
        if self.saved is None:
            raise RuntimeError(
                f"backward through {self.describe()} a second time: its saved values were freed by "
                "the first backward(). Pass retain_graph=True to the first backward() or grad() if "
                "the graph is needed again, or run the forward pass anew."
            )
        return self.saved

    def value(self, saved: Any, record: bool) -> Any:
        """A saved value for backward; RuntimeError where it was changed in place since."""
        if type(saved) is tuple and saved and any(isinstance(each, Saved) for each in saved):
            return tuple([self.value(each, record) for each in saved])
        if not isinstance(saved, Saved):
            return saved
        if saved.version.value != saved.at:
            raise RuntimeError(self._changed(saved))
        return saved.tensor(self) if record else saved.array

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
    def materializes(self) -> bool:
        """Whether an output that no gradient reached has zeros for it, not None."""
        return True

    def release(self) -> None:
        """Free the saved values; a second backward then says so."""
        if self.rule._frees:
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


class Handle:
    """Returned for a registered hook: ``remove()`` takes the hook away. Usable in ``with``."""

    _keys: ClassVar[Iterator[int]] = itertools.count()

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        if not callable(hook):
            raise TypeError(f"a hook must be callable, got {type(hook).__name__}")
        self._hooks = hooks
        self.id = next(self._keys)
        hooks[self.id] = hook

    def remove(self) -> None:
        self._hooks.pop(self.id, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def _explained(rule: type[Rule], error: Exception, arrays: list[Any], attributes: Any) -> Exception:
    """The error of a forward with the op, its arguments, shapes and dtypes before it.

    NumPy's ValueErrors (shapes that do not fit) and OverflowErrors (a number that is too large for
    the dtype) become RuntimeErrors, as in PyTorch.
    """
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", rule.__name__).lower()
    parts = []
    for i, array in enumerate(arrays):
        label = rule.inputs[min(i, len(rule.inputs) - 1)]
        parts.append(f"{label}: {_described(array)}")
    parts += [f"{key}={_short(value)}" for key, value in attributes.items()]
    kind = RuntimeError if type(error) in (ValueError, OverflowError) else type(error)
    return kind(f"{name}({', '.join(parts)}): {error}")


def _require_array(rule: type[Rule], arrays: list[Any], attributes: Any) -> None:
    """TypeError where an op is called with no Tensor and no array, but numbers or lists."""
    if not any(isinstance(each, (np.ndarray, np.generic)) for each in arrays):
        raise _explained(rule, TypeError("expected a Tensor"), arrays, attributes)


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {tuple(value.shape)}"
    return _short(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


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
