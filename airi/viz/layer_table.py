"""summary: a model as a table of its layers, from one forward pass that is watched."""

from __future__ import annotations

import html
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from airi.autograd.graph import Node
from airi.autograd.mode import current, enable_grad, no_grad
from airi.autograd.observer import Observer, observed_by
from airi.dtypes import dtype as Dtype
from airi.nn.module import Module
from airi.nn.parameter import is_lazy
from airi.ops.creation import zeros
from airi.random import get_rng_state, set_rng_state
from airi.tensor import Tensor
from airi.viz.arguments import whole
from airi.viz.health import bytes_text
from airi.viz.multiply_adds import multiply_adds
from airi.viz.pages import plain
from airi.viz.saved import KeptMemory


@dataclass
class Layer:
    """A module of the model: what it was called with, and what is its own, not its parts'.

    ``inputs`` and ``output`` are shapes, nested as the values were; None where forward did not get
    there. ``parameters`` and ``trainable`` count numbers; those that an earlier layer has too
    (`shared`) are counted there. ``calls`` is how often it was called, with the last call's shapes.
    """

    name: str
    kind: str
    depth: int
    text: str
    calls: int = 0
    inputs: Any = None
    output: Any = None
    parameters: int = 0
    trainable: int = 0
    parameter_bytes: int = 0
    shared: bool = False
    multiply_adds: int = 0
    saved_bytes: int = 0
    failed: bool = False


@dataclass
class Summary:
    """What `summary` gives: ``layers``, and their totals. Print it, or show it in a notebook.

    ``error`` is the exception that ended forward, ``failed`` the layer in which it happened.
    """

    layers: list[Layer]
    error: Exception | None = None
    max_depth: int | None = field(default=None, repr=False)

    @property
    def parameters(self) -> int:
        """How many numbers all parameters hold, each counted once."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def trainable(self) -> int:
        """Those of them that want a gradient."""
        return sum(layer.trainable for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Products summed in the forward pass; see `airi.viz.multiply_adds` for what counts."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def saved_bytes(self) -> int:
        """What the graph keeps for backward beside parameters, each array once."""
        return sum(layer.saved_bytes for layer in self.layers)

    @property
    def failed(self) -> Layer | None:
        """The innermost layer that forward was in when it failed."""
        return next((layer for layer in self.layers if layer.failed), None)

    def __getitem__(self, name: str) -> Layer:
        """The layer of that dotted name; ``""`` is the model. KeyError where there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    def _rows(self) -> Iterator[tuple[str, ...]]:
        yield "layer", "output", "parameters", "multiply-adds", "for backward"
        for layer in _to_depth(self.layers, self.max_depth):
            label = plain(layer.name.rpartition(".")[2])
            label = f"{label}: {layer.kind}" if label else layer.kind
            label += f"  × {layer.calls}" if layer.calls > 1 else ""
            output = "failed" if layer.failed else _shapes_text(layer.output)
            count = f"{layer.parameters:,}" if layer.parameters else ""
            if layer.shared:
                count = f"{count} shared".strip()
            saved = bytes_text(layer.saved_bytes) if layer.saved_bytes else ""
            products = f"{layer.multiply_adds:,}" if layer.multiply_adds else ""
            yield "  " * layer.depth + label, output, count, products, saved

    def _totals(self) -> Iterator[tuple[str, str]]:
        size = bytes_text(sum(layer.parameter_bytes for layer in self.layers))
        trainable = "" if self.trainable == self.parameters else f", {self.trainable:,} trainable"
        yield "parameters", f"{self.parameters:,}{trainable} ({size})"
        if any(layer.calls for layer in self.layers):
            yield "multiply-adds", f"{self.multiply_adds:,}"
            yield "kept for backward", bytes_text(self.saved_bytes)

    def _failure(self) -> str:
        if self.error is None:
            return ""
        layer = self.failed
        where = "before any layer was called"
        if layer is not None:
            given = _shapes_text(layer.inputs) or "nothing"
            where = f"in {layer.name or 'the model'}, {layer.text}, given {given}"
        return f"forward failed {where}\n{type(self.error).__name__}: {self.error}"

    def __str__(self) -> str:
        rows = list(self._rows())
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
        lines = []
        for row in rows:
            cells = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
            cells += [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
            lines.append("  ".join(cells).rstrip())
        lines.insert(1, rule)
        lines.append(rule)
        lines += [f"{name}: {text}" for name, text in self._totals()]
        if self.error is not None:
            lines += ["", self._failure()]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table for a notebook."""
        head, *rows = self._rows()
        left = "text-align:left;white-space:pre;padding:2px 14px 2px 0"
        right = "text-align:right;padding:2px 0 2px 14px"
        sides = (left, left, right, right, right)
        parts = ["<table><thead>", _html_row("th", head, sides), "</thead><tbody>"]
        parts += [_html_row("td", row, sides) for row in rows]
        parts.append("</tbody></table>")
        totals = " · ".join(f"{name}: {text}" for name, text in self._totals())
        parts.append(f"<p>{html.escape(totals)}</p>")
        if self.error is not None:
            parts.append(f"<pre>{html.escape(self._failure())}</pre>")
        return "".join(parts)


def summary(
    model: Module,
    *inputs: Any,
    depth: int | None = None,
    dtype: Dtype | None = None,
    **keywords: Any,
) -> Summary:
    """The layers of `model` with output shapes, parameters, multiply-adds and memory for backward.

    `inputs` and `keywords` are what the model is called with; a tuple of numbers is the shape of a
    tensor of zeros, of `dtype` or that of the parameters. Without inputs only parameters are
    counted. Shows modules up to `depth` below the model, with what is below added to them. The
    model runs once in the mode it is in; its buffers and the random numbers are as before. Where
    forward fails the table ends there and says in which layer. Raises TypeError for no Module.

    Example::

        print(airi.summary(net, (64, 3, 32, 32)))
        airi.summary(net, images)["conv1"].multiply_adds
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: expected an nn.Module, got {type(model).__name__}")
    depth = None if depth is None else whole("summary", "depth", depth)
    watch = _Watch(model)
    error = None
    if inputs or keywords:
        given = [_input(model, each, dtype) for each in inputs]
        kept = _kept_buffers(model), get_rng_state()
        try:
            error = watch.run(model, given, keywords)
        finally:
            _restore(*kept)
    _count_parameters(model, watch.layers)
    return Summary(list(watch.layers.values()), error, depth)


def _input(model: Module, given: Any, dtype: Dtype | None) -> Any:
    is_shape = isinstance(given, (tuple, list)) and bool(given)
    if not (is_shape and all(isinstance(each, (int, np.integer)) for each in given)):
        return given
    if dtype is None:
        floats = (each.dtype for each in model.parameters() if not is_lazy(each))
        dtype = next((each for each in floats if each.is_floating_point), None)
    return zeros(*[int(each) for each in given], dtype=dtype)


class _Watch(Observer):
    """Hooks on all modules tell shapes, the observed ops the rest."""

    def __init__(self, model: Module) -> None:
        self.layers: dict[int, Layer] = {}
        self.constants: set[int] = set()
        self._nodes: list[tuple[weakref.ref[Node], Layer]] = []
        self._inside: list[Layer] = []
        for name, module in model.named_modules():
            depth = name.count(".") + 1 if name else 0
            layer = Layer(name, type(module).__name__, depth, _one_line(module))
            self.layers[id(module)] = layer

    def run(self, model: Module, given: list[Any], keywords: dict[str, Any]) -> Exception | None:
        """Call the model; the exception that it raised."""
        hooks = []
        for module in model.modules():
            hooks.append(module.register_forward_pre_hook(self._enters, with_kwargs=True))
            hooks.append(module.register_forward_hook(self._leaves))
        try:
            with enable_grad(), observed_by(self):
                result = model(*given, **keywords)
            self._weigh(model, result)
        except Exception as error:
            if self._inside:
                self._inside[-1].failed = True
            self._weigh(model, error)
            return error
        finally:
            for each in hooks:
                each.remove()
        return None

    def _enters(self, module: Module, args: Any, kwargs: Any) -> None:
        layer = self.layers.get(id(module))
        if layer is not None:
            layer.inputs = _shapes((*args, *kwargs.values()))
            self._inside.append(layer)

    def _leaves(self, module: Module, args: Any, result: Any) -> None:
        layer = self.layers.get(id(module))
        if layer is None:
            return
        while self._inside.pop() is not layer:
            pass  # a call that failed inside, and whose error was caught
        layer.calls += 1
        layer.output = _shapes(result)

    def _current(self) -> Layer | None:
        scope = current().scope
        while scope is not None:
            layer = self.layers.get(id(scope.module))
            if layer is not None:
                return layer
            scope = scope.parent
        return None

    def applied(
        self,
        rule: Any,
        inputs: tuple[Any, ...],
        attributes: dict[str, Any],
        results: tuple[Any, ...],
    ) -> None:
        layer = self._current()
        if layer is not None:
            layer.multiply_adds += multiply_adds(rule, inputs, attributes, results[0])

    def computed(
        self,
        rule: Any,
        node: Node | None,
        inputs: tuple[Any, ...],
        results: tuple[Any, ...],
        seconds: float,
    ) -> None:
        layer = self._current()
        if node is not None and layer is not None:
            self._nodes.append((weakref.ref(node), layer))

    def _weigh(self, model: Module, alive: Any) -> None:
        """Count what living nodes save, each array once; `alive` holds the graph meanwhile."""
        tensors = (*model.parameters(), *model.buffers())
        memory = KeptMemory(each._array for each in tensors if not is_lazy(each))
        for reference, layer in self._nodes:
            node = reference()
            if node is not None:
                layer.saved_bytes += memory.added_by(node)


def _count_parameters(model: Module, layers: dict[int, Layer]) -> None:
    seen: set[int] = set()
    for module in model.modules():
        layer = layers.get(id(module))
        if layer is None:  # made while forward ran
            continue
        for parameter in module._parameters.values():
            if parameter is None or is_lazy(parameter):
                continue
            if id(parameter) in seen:
                layer.shared = True
                continue
            seen.add(id(parameter))
            layer.parameters += parameter.numel()
            layer.trainable += parameter.numel() if parameter.requires_grad else 0
            layer.parameter_bytes += parameter.numel() * parameter.element_size()


def _kept_buffers(model: Module) -> list[tuple[Module, dict[str, Any], dict[str, Any]]]:
    return [
        (
            module,
            dict(module._buffers),
            {n: None if b is None else b.detach().clone() for n, b in module._buffers.items()},
        )
        for module in model.modules()
        if module._buffers and not any(is_lazy(each) for each in module._buffers.values())
    ]


def _restore(buffers: list[tuple[Module, dict[str, Any], dict[str, Any]]], random: Tensor) -> None:
    set_rng_state(random)
    with no_grad():
        for module, tensors, values in buffers:
            module._buffers.update(tensors)
            for name, value in values.items():
                if value is not None:
                    tensors[name].copy_(value)


def _shapes(value: Any) -> Any:
    """The shapes of tensors, nested as they are; None for what is no tensor."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, dict):
        return {key: _shapes(each) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [_shapes(each) for each in value]
    return None


def _shapes_text(shapes: Any) -> str:
    return ", ".join("×".join(map(str, each)) or "scalar" for each in _flat(shapes))


def _flat(shapes: Any) -> Iterator[tuple[int, ...]]:
    if isinstance(shapes, tuple):
        yield shapes
    elif isinstance(shapes, dict):
        for each in shapes.values():
            yield from _flat(each)
    elif isinstance(shapes, list):
        for each in shapes:
            yield from _flat(each)


def _one_line(module: Module) -> str:
    """``Linear(in_features=8, out_features=3)``; the class alone for a module with parts."""
    kind = type(module).__name__
    return kind if module._modules else plain(f"{kind}({module.extra_repr()})")


def _to_depth(layers: Iterable[Layer], depth: int | None) -> list[Layer]:
    """The layers down to a depth, with all that is below added up in them."""
    shown: list[Layer] = []
    for layer in layers:
        if depth is None or layer.depth <= depth:
            shown.append(replace(layer))
            continue
        above = shown[-1]
        for what in ("parameters", "trainable", "parameter_bytes", "multiply_adds", "saved_bytes"):
            setattr(above, what, getattr(above, what) + getattr(layer, what))
        above.shared = above.shared or layer.shared
        above.failed = above.failed or layer.failed
    return shown


def _html_row(tag: str, cells: tuple[str, ...], sides: tuple[str, ...]) -> str:
    row = (
        f'<{tag} style="{side}">{html.escape(cell)}</{tag}>'
        for cell, side in zip(cells, sides, strict=True)
    )
    return f"<tr>{''.join(row)}</tr>"
