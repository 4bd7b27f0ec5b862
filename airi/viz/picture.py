"""What a picture of a graph shows: boxes, arrows and the modules around them. Knows no Graphviz."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airi.autograd.engine import reachable
from airi.autograd.graph import Node, edge_of
from airi.autograd.scope import Scope
from airi.tensor import Tensor


@dataclass
class Box:
    """An op or a leaf, with the lines of text it shows."""

    key: str
    kind: str  # "op", "parameter" (a leaf with a module's name), "input" (another leaf), "result"
    lines: list[str]
    scope: Scope | None
    shared: bool = False  # a leaf that several ops use: one box per use


@dataclass
class Picture:
    """The boxes in the order they were computed, and arrows (from, to, label)."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[tuple[str, str, str]] = field(default_factory=list)


def shape_text(shape: tuple[int, ...]) -> str:
    """``2 × 3``, and ``scalar`` for a single number."""
    return " × ".join(map(str, shape)) if shape else "scalar"


def collect(roots: list[Tensor], names: Mapping[str, Any]) -> Picture:
    """The graph that was recorded for `roots`, oldest op first."""
    nodes = reachable(map(edge_of, roots))[::-1]
    parameters = {id(tensor): name for name, tensor in parameter_names(nodes).items()}
    known = parameters | {id(tensor): name for name, tensor in names.items()}
    uses = _count_uses(nodes)
    used_outputs = _used_outputs(nodes, roots)
    picture = Picture()
    for node in nodes:
        _add_op(picture, node, known, parameters, uses, used_outputs)
    for number, root in enumerate(roots):
        _add_result(picture, root, number, known)
    return picture


def parameter_names(nodes: list[Node]) -> dict[str, Any]:
    """The parameters of every outermost module that was called, by their dotted names."""
    tops = {}
    for node in nodes:
        scope = node.scope
        while scope is not None and scope.parent is not None:
            scope = scope.parent
        if scope is not None and scope.module is not None:
            tops[id(scope.module)] = scope.module
    return {name: each for top in tops.values() for name, each in top.named_parameters()}


def _count_uses(nodes: list[Node]) -> dict[int, int]:
    uses: dict[int, int] = {}
    for node in nodes:
        for edge in node.edges:
            if isinstance(edge, Tensor):
                uses[id(edge)] = uses.get(id(edge), 0) + 1
    return uses


def _used_outputs(nodes: list[Node], roots: list[Tensor]) -> dict[Node, set[int]]:
    """Which outputs of each node go anywhere: the others are masks and the like."""
    used: dict[Node, set[int]] = {}
    edges = [edge for node in nodes for edge in node.edges] + [edge_of(root) for root in roots]
    for edge in edges:
        if type(edge) is tuple:
            used.setdefault(edge[0], set()).add(edge[1])
    return used


def _add_op(
    picture: Picture,
    node: Node,
    known: dict[int, str],
    parameters: dict[int, str],
    uses: dict[int, int],
    used_outputs: dict[Node, set[int]],
) -> None:
    key = f"op{node.number}"
    used = [node.outputs[number] for number in sorted(used_outputs[node])]
    shapes = ", ".join(shape_text(shape) for shape, _ in used)
    lines = [node.rule.__name__, f"{shapes}  {used[0][1]}"]
    lines += [text for text in map(_attribute_text, node.attributes.items()) if text]
    picture.boxes.append(Box(key, "op", lines, node.scope))
    for position, edge in enumerate(node.edges):
        if edge is None:
            continue
        if type(edge) is tuple:
            source, number = edge
            several = len(source.outputs) > 1
            label = shape_text(source.outputs[number][0]) if several else ""
            picture.arrows.append((f"op{source.number}", key, label))
        else:
            kind = "parameter" if id(edge) in parameters else "input"
            name = known.get(id(edge)) or edge.name or "leaf"
            leaf = _leaf(edge, f"leaf_{key}_{position}", kind, name, node.scope, uses[id(edge)])
            picture.boxes.append(leaf)
            picture.arrows.append((leaf.key, key, ""))


def _leaf(tensor: Tensor, key: str, kind: str, name: str, scope: Scope | None, uses: int) -> Box:
    lines = [name, f"{shape_text(tuple(tensor.shape))}  {tensor._array.dtype}"]
    if uses > 1:
        lines.append(f"used {uses} times")
    return Box(key, kind, lines, scope, shared=uses > 1)


def _attribute_text(item: tuple[str, Any]) -> str:
    """``stride=(2, 2)`` for attributes short enough to read in a box."""
    name, value = item
    text = f"{name}={value}"
    plain = isinstance(value, (int, float, str, bool, tuple)) and name != "steps"
    return text if plain and len(text) <= 28 else ""


def _add_result(picture: Picture, root: Tensor, number: int, known: dict[int, str]) -> None:
    key = f"result{number}"
    name = known.get(id(root)) or root.name or "result"
    lines = [name, f"{shape_text(tuple(root.shape))}  {root._array.dtype}"]
    if root._array.size == 1:
        lines.append(f"{root._array.item():.6g}")
    picture.boxes.append(Box(key, "result", lines, None))
    edge = edge_of(root)
    if type(edge) is tuple:
        picture.arrows.append((f"op{edge[0].number}", key, ""))
