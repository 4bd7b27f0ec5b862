"""What a picture of a graph shows: boxes, arrows and the modules around them. Knows no Graphviz."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from airi.autograd.engine import reachable
from airi.autograd.graph import Node, Saved, edge_of
from airi.autograd.scope import Scope
from airi.tensor import Tensor
from airi.viz.health import bytes_text
from airi.viz.recording import forward_of
from airi.viz.scopes import ScopeNames
from airi.viz.statistics import statistics
from airi.viz.words import joined, text


@dataclass
class Box:
    """An op or a leaf, with the lines of text it shows."""

    key: str
    # "op", "module" (its ops are not shown), "parameter" (a leaf with a module's name), "input"
    # (another leaf), "result", "error" (where forward stopped)
    kind: str
    lines: list[str]
    scope: Scope | None
    shared: str = ""  # for a leaf that several ops use, one box per use: its name
    times: int = 1  # how often the block repeats of which this is the first
    form: str = ""  # of an op: shapes and dtypes of all outputs, of which it shows those in use


@dataclass
class Picture:
    """The boxes in the order they were computed, and arrows (from, to, label)."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[tuple[str, str, str]] = field(default_factory=list)
    names: ScopeNames = field(default_factory=ScopeNames)
    repeats: dict[Scope, int] = field(default_factory=dict)  # of a module that is shown once
    notice: str = ""


@dataclass(frozen=True)
class Details:
    """What boxes tell beyond op and shape."""

    values: bool = False
    grads: bool = False
    saved: bool = False


def shape_text(shape: tuple[int, ...]) -> str:
    """``2 × 3``, and ``scalar`` for a single number."""
    return " × ".join(map(str, shape)) if shape else text("scalar")


def collect(
    roots: list[Tensor], names: Mapping[str, Any], details: Details | None = None
) -> Picture:
    """The graph that was recorded for `roots`, oldest op first."""
    nodes = reachable(map(edge_of, roots))[::-1]
    picture = _picture_of(nodes, map(edge_of, roots), names, details or Details())
    known = {id(tensor): name for name, tensor in names.items()}
    for number, root in enumerate(roots):
        _add_result(picture, root, number, known)
    return picture


def collect_nodes(nodes: list[Node], details: Details) -> Picture:
    """The picture of recorded ops, oldest first, whether they lead to one result or not."""
    ends = [(node, 0) for node in nodes]
    return _picture_of(nodes, ends, {}, details)


def _picture_of(
    nodes: list[Node], ends: Iterable[Any], names: Mapping[str, Any], details: Details
) -> Picture:
    maker = _Maker(nodes, ends, names, details)
    for node in nodes:
        maker.add(node)
    if details.grads and maker.leaves and not maker.has_grads:
        maker.picture.notice = text("notBackward")
    return maker.picture


def parameter_names(nodes: Iterable[Node]) -> dict[str, Any]:
    """The parameters of every outermost module that was called, by their dotted names."""
    tops = {}
    for node in nodes:
        scope = node.scope
        while scope is not None and scope.parent is not None:
            scope = scope.parent
        if scope is not None and scope.module is not None:
            tops[id(scope.module)] = scope.module
    return {name: each for top in tops.values() for name, each in top.named_parameters()}


class _Maker:
    """Makes the boxes and arrows of nodes."""

    def __init__(
        self, nodes: list[Node], ends: Iterable[Any], names: Mapping[str, Any], details: Details
    ) -> None:
        self.picture = Picture()
        self.details = details
        self.parameters = {id(tensor): name for name, tensor in parameter_names(nodes).items()}
        self.known = self.parameters | {id(tensor): name for name, tensor in names.items()}
        self.uses: dict[int, int] = {}
        self.used_outputs: dict[Node, set[int]] = {}  # the others are masks and the like
        self.leaves = 0
        self.has_grads = False
        for edge in [edge for node in nodes for edge in node.edges] + list(ends):
            if type(edge) is tuple:
                self.used_outputs.setdefault(edge[0], set()).add(edge[1])
            elif edge is not None:
                self.uses[id(edge)] = self.uses.get(id(edge), 0) + 1

    def add(self, node: Node) -> None:
        key = f"op{node.number}"
        used = [node.outputs[number] for number in sorted(self.used_outputs[node])]
        shapes = [piece for shape, _ in used for piece in (", ", shape_text(shape))]
        lines = [node.rule.__name__, joined(*shapes[1:], f"  {used[0][1]}")]
        lines += [line for line in map(_attribute_text, node.attributes.items()) if line]
        lines += self._op_details(node)
        form = repr(node.outputs)
        self.picture.boxes.append(Box(key, "op", lines, node.scope, form=form))
        self.picture.names.learn(node.scope)
        for position, edge in enumerate(node.edges):
            if type(edge) is tuple:
                source, number = edge
                several = len(source.outputs) > 1
                label = shape_text(source.outputs[number][0]) if several else ""
                self.picture.arrows.append((f"op{source.number}", key, label))
            elif edge is not None:
                leaf = self._leaf(edge, f"leaf_{key}_{position}", node.scope)
                self.picture.boxes.append(leaf)
                self.picture.arrows.append((leaf.key, key, ""))

    def _leaf(self, tensor: Tensor, key: str, scope: Scope | None) -> Box:
        kind = "parameter" if id(tensor) in self.parameters else "input"
        name = self.known.get(id(tensor)) or tensor.name or text("aLeaf")
        lines = [name, joined(shape_text(tuple(tensor.shape)), f"  {tensor._array.dtype}")]
        uses = self.uses[id(tensor)]
        if uses > 1:
            lines.append(text("usedTimes", n=uses))
        if self.details.values:
            lines.append(_value_text(tensor._array))
        self.leaves += 1
        if tensor._grad is not None:
            self.has_grads = True
        if self.details.grads and tensor._grad is not None:
            lines.append(joined("grad: ", _value_text(tensor._grad._array)))
        return Box(key, kind, lines, scope, shared=name if uses > 1 else "")

    def _op_details(self, node: Node) -> list[str]:
        lines = []
        forward = forward_of(node)
        if self.details.values and forward is not None:
            lines += [_value_text(each) for each in forward.outputs[:1]]
        if self.details.saved:
            lines.append(_saved_text(node))
        return lines


def _value_text(array: Any) -> str:
    """The values of a small array, else how they are spread."""
    array = np.asarray(array)
    if array.size <= 4:
        digits: Any = {"float_kind": lambda value: f"{value:.5g}"}
        return np.array2string(array, separator=", ", formatter=digits).replace("\n", "")
    stats = statistics(array)
    line = text("spread", min=stats.min, max=stats.max, norm=stats.norm)
    return line if stats.finite else joined(line, f", {stats.nan} NaN, {stats.inf} Inf")


def _saved_text(node: Node) -> str:
    if node.saved is None:
        return text("freed")
    names: list[str] = getattr(node.rule, "_wanted", list)()
    kept = [(name, each) for name, each in zip(names, node.saved) if type(each) is Saved]
    if not kept:
        return text("savesNothing")
    size = sum(each.array.nbytes for _, each in kept)
    return text("saves", names=", ".join(name for name, _ in kept), size=bytes_text(size))


def _attribute_text(item: tuple[str, Any]) -> str:
    """``stride=(2, 2)`` for attributes short enough to read in a box; ``keepdim=False`` is none."""
    name, value = item
    line = f"{name}={value}"
    plain = isinstance(value, (int, float, str, bool, tuple)) and name != "steps"
    return line if plain and value is not False and len(line) <= 28 else ""


def _add_result(picture: Picture, root: Tensor, number: int, known: dict[int, str]) -> None:
    key = f"result{number}"
    name = known.get(id(root)) or root.name or text("result")
    lines = [name, joined(shape_text(tuple(root.shape)), f"  {root._array.dtype}")]
    if root._array.size == 1:
        lines.append(f"{root._array.item():.6g}")
    picture.boxes.append(Box(key, "result", lines, None))
    edge = edge_of(root)
    if type(edge) is tuple:
        picture.arrows.append((f"op{edge[0].number}", key, ""))
