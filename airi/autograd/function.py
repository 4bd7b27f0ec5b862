"""autograd.Function: a user's own op, written with PyTorch's ``ctx`` interface."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from time import perf_counter
from typing import Any, ClassVar

import numpy as np

from airi.autograd import graph
from airi.autograd.complaints import counted
from airi.autograd.graph import Node, Saved, edge_of, new_node, save
from airi.autograd.mode import current, observing, set_grad_enabled
from airi.dtypes import DIFFERENTIABLE


class FunctionCtx:
    """What `forward` tells `backward`: the ``ctx`` of a user's Function."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._to_save: tuple[Any, ...] = ()
        self._saved: tuple[Any, ...] | None = ()
        self._edges_elsewhere: list[Any] = []  # of what is saved and neither input nor output
        self._non_differentiable: tuple[Any, ...] = ()
        self._dirty: tuple[Any, ...] = ()
        self._materialize = True
        # Weak: the node holds its ctx, and a graph must die by reference count alone.
        self._node: weakref.ref[Node] | None = None

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs or outputs for backward, guarded against writes in place."""
        for each in tensors:
            if each is not None and not isinstance(each, graph.Tensor):
                kind = type(each).__name__
                raise TypeError(
                    f"save_for_backward: expected Tensors or None, got {kind}; keep other values "
                    "as attributes of ctx"
                )
        self._to_save = tensors

    def mark_non_differentiable(self, *outputs: Any) -> None:
        """Say that these outputs carry no gradient."""
        self._non_differentiable = outputs

    def mark_dirty(self, *inputs: Any) -> None:
        """Say that forward wrote into these inputs and returns them."""
        self._dirty = inputs

    def set_materialize_grads(self, value: bool) -> None:
        """With False, backward gets None instead of zeros for outputs that nothing used."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was given to ``save_for_backward``, as Tensors on the graph."""
        node = self._node() if self._node is not None else None
        if node is None:
            raise RuntimeError("ctx.saved_tensors is there in backward, not in forward")
        if self._saved is None:
            raise RuntimeError(
                f"{node.describe()}: its saved tensors were freed by the first backward(); pass "
                "retain_graph=True to it if the graph is needed again"
            )
        return tuple(None if each is None else node.value(each, True) for each in self._saved)


class _FunctionNode(Node):
    """The node of one use of a user's Function."""

    __slots__ = ("ctx",)
    ctx: FunctionCtx
    returns_own: ClassVar[bool] = False  # a user's backward may return a tensor that it keeps

    @property
    def materializes(self) -> bool:
        return self.ctx._materialize

    def backward(self, grads: list[Any], record: bool) -> tuple[Any, ...]:
        if not hasattr(self.rule, "backward"):
            raise NotImplementedError(
                f"{self.rule.__name__} has no backward: define it as a static method, "
                "backward(ctx, *gradients of the outputs)"
            )
        with set_grad_enabled(record):
            given = [g if record or g is None else graph.wrap(g) for g in grads]
            results = self.rule.backward(self.ctx, *given)
            results = results if isinstance(results, tuple) else (results,)
            results = self._one_per_input(results)
            return results if record else tuple(_array(each) for each in results)

    def _one_per_input(self, results: tuple[Any, ...]) -> tuple[Any, ...]:
        wanted = len(self.edges)
        extra = results[wanted:]
        if len(results) < wanted or any(each is not None for each in extra):
            raise RuntimeError(
                f"{self.rule.__name__}.backward returned {counted(len(results), 'gradient')}; "
                f"forward has {counted(wanted, 'input')}, each needs one (None where there is no "
                "gradient)"
            )
        for number, each in enumerate(results):
            if each is not None and not isinstance(each, graph.Tensor):
                raise TypeError(
                    f"{self.rule.__name__}.backward must return Tensors or None; gradient "
                    f"{number} is {type(each).__name__}"
                )
        return results[:wanted]

    def edge_at(self, place: int) -> Any:
        """Forward may save, beside inputs and outputs, tensors from anywhere: see `_saved`."""
        return (*self.edges, *self.ctx._edges_elsewhere)[place]

    def release(self) -> None:
        if self.ctx._saved:
            self.ctx._saved = None


def _array(value: Any) -> Any:
    return None if value is None else value._array


class Function:
    """Base class of a user's own differentiable op.

    Write ``forward(ctx, *inputs)`` (or ``forward(*inputs)`` with
    ``setup_context(ctx, inputs, output)``) and ``backward(ctx, *grad_outputs)``, both static, and
    call ``apply``. Backward returns one gradient per input of forward. Example::

        class Cube(airi.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x ** 3

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                return 3 * x ** 2 * g

        y = Cube.apply(x)

    Source: ``torch.autograd.Function``.
    """

    broadcasts: ClassVar[bool] = False
    forward: ClassVar[Callable[..., Any]]
    backward: ClassVar[Callable[..., Any]]
    setup_context: ClassVar[Callable[..., Any] | None] = None

    def __init__(self) -> None:
        raise TypeError(f"{type(self).__name__} is not instantiated: call its apply(...)")

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Run forward without recording its parts, and record the whole as one op."""
        ctx = FunctionCtx(tuple(isinstance(x, graph.Tensor) and x.requires_grad for x in inputs))
        recorded = current().grad and any(ctx.needs_input_grad)
        begun = perf_counter() if observing and current().observers else 0.0
        with set_grad_enabled(False):
            if cls.setup_context is None:
                out = cls.forward(ctx, *inputs)
            else:
                out = cls.forward(*inputs)
                cls.setup_context(ctx, inputs, out)
        outputs = out if isinstance(out, tuple) else (out,)
        for each in ctx._dirty:
            _written(cls, each, outputs, recorded)
        if recorded:
            outputs = _recorded(cls, ctx, inputs, outputs, begun)
        return outputs if isinstance(out, tuple) else outputs[0]


def _written(cls: type[Function], tensor: Any, outputs: tuple[Any, ...], recorded: bool) -> None:
    if recorded and tensor.requires_grad and tensor.is_leaf:
        raise RuntimeError(
            f"{cls.__name__}: a leaf that requires grad was marked dirty, but is written in place"
        )
    if recorded and tensor._base is not None:
        raise RuntimeError(f"{cls.__name__}: a view was marked dirty; mark its base, or clone it")
    if not any(tensor is each for each in outputs):
        raise RuntimeError(f"{cls.__name__}: a tensor marked dirty must be returned by forward")


def _recorded(
    cls: type[Function],
    ctx: FunctionCtx,
    inputs: tuple[Any, ...],
    outputs: tuple[Any, ...],
    begun: float,
) -> tuple[Any, ...]:
    edges = tuple([edge_of(each) for each in inputs])
    dirty = [id(each) for each in ctx._dirty]
    constant = {id(each) for each in ctx._non_differentiable}
    results = []
    for each in outputs:
        # An input returned as it is, or a detached view of one, becomes a tensor of its own.
        same = isinstance(each, graph.Tensor) and any(each is x for x in inputs)
        results.append(each.detach() if same and id(each) not in dirty else each)
    node = new_node(_FunctionNode, cls, edges, {}, tuple([_metadata(each) for each in results]))
    assert isinstance(node, _FunctionNode)
    node.ctx = ctx
    for number, (given, each) in enumerate(zip(outputs, results, strict=True)):
        if not isinstance(each, graph.Tensor):
            continue
        if id(given) not in constant and each._array.dtype.kind in DIFFERENTIABLE:
            each._edge = (node, number)
            each._requires_grad = False
            if each._base is not None:
                each._steps = None  # after a write to the base a user's op cannot be repeated
    # Only now are the edges of outputs known. An output must not hold its own node.
    ctx._saved = tuple([_saved(ctx, each, outputs, edges, inputs) for each in ctx._to_save])
    if current().saved_hooks:
        ctx._saved = graph.pack(ctx._saved, node)
    ctx._to_save = ctx._non_differentiable = ctx._dirty = ()
    ctx._node = weakref.ref(node)
    if begun:
        graph.tell(cls, node, inputs, tuple(results), begun)
    return tuple(results)


def _metadata(output: Any) -> graph.Metadata:
    """Shape and dtype of an output; what is no Tensor counts too, and its gradient is None."""
    if isinstance(output, graph.Tensor):
        return output._array.shape, output._array.dtype
    return (), np.dtype(object)


def _saved(
    ctx: FunctionCtx,
    tensor: Any,
    outputs: tuple[Any, ...],
    edges: tuple[Any, ...],
    inputs: tuple[Any, ...],
) -> Saved | None:
    if tensor is None:
        return None
    for number, each in enumerate(outputs):
        if each is tensor and not any(tensor is x for x in inputs):
            return save(tensor._array, -1 - number, tensor._counter)
    for number, each in enumerate(inputs):
        if each is tensor:
            return save(tensor._array, number, tensor._counter)
    ctx._edges_elsewhere.append(edge_of(tensor))
    return save(tensor._array, len(edges) + len(ctx._edges_elsewhere) - 1, tensor._counter)


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a Function's backward as not itself differentiable.

    Under ``create_graph`` a later second backward raises RuntimeError instead of being silently
    wrong. Source: ``torch.autograd.function.once_differentiable``.
    """

    @functools.wraps(backward)
    def once(ctx: FunctionCtx, *grads: Any) -> Any:
        with set_grad_enabled(False):
            results = backward(ctx, *grads)
        if not current().grad:
            return results
        several = isinstance(results, tuple)
        guarded = tuple(_guard(each) for each in (results if several else (results,)))
        return guarded if several else guarded[0]

    return once


class _OnceOnly(graph.Rule):
    """out = x; a backward through it is refused."""

    @staticmethod
    def forward(x: Any, anchor: Any) -> Any:
        return x

    @staticmethod
    def backward(g: Any) -> Any:
        raise RuntimeError(
            "a second derivative was asked of a Function whose backward is marked "
            "@once_differentiable"
        )


def _guard(gradient: Any) -> Any:
    if gradient is None:
        return None
    anchor = graph.wrap(gradient._array)
    anchor._requires_grad = True
    return _OnceOnly.apply(gradient, anchor)
