"""draw: the recorded graph as a Graphviz picture, modules as frames around their ops."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airi.autograd.scope import Scope
from airi.tensor import Tensor
from airi.utils.files import replacing
from airi.viz.layout import FORMATS, render
from airi.viz.picture import Box, Picture, collect

# Fills are light with dark text, strong enough in contrast for print and projector.
_FILL = {"op": "#ffffff", "parameter": "#d7ebff", "input": "#e6f4df", "result": "#ffe8c7"}
_FRAME = "#7a869a"
_FONT = "Helvetica"  # a font whose widths both layout engines know


class Drawing:
    """A picture of a graph: shows itself in a notebook, ``save("graph.svg")`` makes a file."""

    def __init__(self, source: str, picture: Picture) -> None:
        self.source = source
        self._picture = picture

    def save(self, path: str | os.PathLike[str], seconds: float = 60.0) -> Path:
        """Write ``.svg``, ``.png``, ``.pdf`` or ``.dot``, by the ending of `path`; returns it.

        Raises ValueError for another ending, RuntimeError where no layout engine is installed
        and TimeoutError where the layout takes longer than `seconds`.
        """
        target = Path(path)
        format = target.suffix.lstrip(".").lower()
        if format == "dot":
            content = self.source.encode()
        elif format in FORMATS:
            content = render(self.source, format, seconds)
        else:
            endings = ", ".join(f".{each}" for each in (*FORMATS, "dot"))
            raise ValueError(f"draw: cannot save {target.name!r}: the ending must be {endings}")
        with replacing(target) as file:
            file.write(content)
        return target

    def svg(self, seconds: float = 60.0) -> str:
        """The picture as SVG text."""
        return render(self.source, "svg", seconds).decode()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the SVG, or the text where no layout engine is installed."""
        bundle = {"text/plain": repr(self)}
        try:
            bundle["image/svg+xml"] = self.svg()
        except (RuntimeError, TimeoutError) as error:
            bundle["text/plain"] += f"\n{error}"
        return bundle

    def __repr__(self) -> str:
        ops = sum(box.kind == "op" for box in self._picture.boxes)
        return f"<airi.viz.Drawing of {ops} ops: save('graph.svg') or show it in a notebook>"


def draw(
    *results: Tensor, names: Mapping[str, Tensor] | None = None, direction: str = "TB"
) -> Drawing:
    """Draw the graph that was recorded for one or more tensors, such as a loss.

    Boxes are ops with the shape and dtype of their output; blue boxes parameters with their names
    in the module, green ones other leaves that want a gradient, frames the modules that were
    being called. `names` labels tensors of your own; `direction` is Graphviz' rankdir (TB, LR).
    Raises TypeError for what is no Tensor, RuntimeError where nothing was recorded.

    Example: ``airi.viz.draw(loss, names={"x": x}).save("graph.svg")``.
    """
    if not results:
        raise TypeError("draw: give at least one Tensor")
    for each in results:
        if not isinstance(each, Tensor):
            raise TypeError(f"draw: expected Tensors, got {type(each).__name__}")
        if each.grad_fn is None:
            raise RuntimeError(
                "draw: this tensor was recorded by no op: nothing it was made from requires grad, "
                "or it was made under no_grad"
            )
    if direction not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"draw: direction must be TB, LR, BT or RL, got {direction!r}")
    picture = collect(list(results), names or {})
    return Drawing(as_dot(picture, direction), picture)


def _graphviz() -> Any:
    try:
        import graphviz
    except ImportError as error:
        raise ImportError("draw: needs the package graphviz: pip install 'airi[viz]'") from error
    return graphviz


def as_dot(picture: Picture, direction: str) -> str:
    """The picture as dot text; `direction` is Graphviz' rankdir."""
    graphviz = _graphviz()
    graph = graphviz.Digraph("airi", graph_attr={"rankdir": direction, "fontname": _FONT})
    graph.attr("node", fontname=_FONT, fontsize="11", shape="box", style="filled", color=_FRAME)
    graph.attr("edge", fontname=_FONT, fontsize="9", color="#444444", fontcolor="#444444")
    graph.attr(ranksep="0.35", nodesep="0.25")
    _add_scope(graph, None, _children(picture.boxes), _members(picture.boxes))
    for source, target, label in picture.arrows:
        graph.edge(source, target, label=_plain(f" {label}") if label else None)
    return graph.source


def _members(boxes: list[Box]) -> dict[Scope | None, list[Box]]:
    members: dict[Scope | None, list[Box]] = {}
    for box in boxes:
        members.setdefault(box.scope, []).append(box)
    return members


def _children(boxes: list[Box]) -> dict[Scope | None, list[Scope]]:
    """The calls inside each call, in order."""
    children: dict[Scope | None, list[Scope]] = {}
    for box in boxes:
        scope = box.scope
        while scope is not None:
            inside = children.setdefault(scope.parent, [])
            if scope in inside:
                break
            inside.append(scope)
            scope = scope.parent
    return children


def _add_scope(
    graph: Any, scope: Scope | None, children: Any, members: Any, key: str = "cluster"
) -> None:
    for box in members.get(scope, ()):
        _add_box(graph, box)
    for number, inner in enumerate(children.get(scope, ())):
        inner_key = f"{key}_{number}"  # of the place: the same graph is the same text
        with graph.subgraph(name=inner_key) as frame:
            frame.attr(label=_plain(_scope_label(inner)), labeljust="l", color=_FRAME)
            frame.attr(style="rounded", fontname=_FONT, fontsize="11", fontcolor="#333333")
            _add_scope(frame, inner, children, members, inner_key)


def _scope_label(scope: Scope) -> str:
    """``conv1: Conv2d``, and the class alone for the outermost module."""
    name = scope.path.rpartition(".")[2]
    return scope.kind if name == scope.kind else f"{scope.path.partition('.')[2]}: {scope.kind}"


def _add_box(graph: Any, box: Box) -> None:
    style = "filled,dashed" if box.shared else "filled"
    style += ",rounded" if box.kind == "op" else ""
    label = "\\n".join(_plain(line) for line in box.lines)
    graph.node(box.key, label=label, fillcolor=_FILL[box.kind], style=style)


def _plain(text: str) -> str:
    """Text that Graphviz shows as it is: no escapes, no HTML, no endless or control characters."""
    text = "".join(each if each.isprintable() else " " for each in text)
    text = text if len(text) <= 80 else text[:77] + "..."
    text = text.replace("\\", "\\\\")
    return text if not (text.startswith("<") and text.endswith(">")) else f" {text}"
