"""draw: the recorded graph as a Graphviz picture, modules as frames around their ops."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airi.autograd.scope import Scope
from airi.tensor import Tensor
from airi.utils.files import replacing
from airi.viz import pages
from airi.viz.arguments import file_path, tensor_names, whole
from airi.viz.folding import collapsed, folded
from airi.viz.layout import FORMATS, SECONDS, Layout, LayoutError, positions, render
from airi.viz.pages import plain
from airi.viz.picture import Box, Details, Picture, collect, collect_nodes
from airi.viz.recording import Recording
from airi.viz.rows import rows
from airi.viz.scopes import ScopeNames
from airi.viz.tree import tree

# Fills are light with dark text, strong enough in contrast for print and projector.
_FILL = {
    "op": "#ffffff",
    "module": "#eef1f5",
    "parameter": "#d7ebff",
    "input": "#e6f4df",
    "result": "#ffe8c7",
    "error": "#fdd9d7",
}
_FRAME = "#7a869a"
_FONT = "Helvetica"  # a font whose widths both layout engines know


class Drawing:
    """A picture of a graph: shows itself in a notebook, ``save("graph.svg")`` makes a file.

    ``print`` gives it as a text tree; ``source`` is the dot text.
    """

    def __init__(self, source: str, picture: Picture, direction: str = "TB") -> None:
        self.source = source
        self._picture = picture
        self._direction = direction

    def save(self, path: str | os.PathLike[str], seconds: float = SECONDS) -> Path:
        """Write ``.svg``, ``.png``, ``.pdf``, ``.html`` or ``.dot``, by the ending; returns it.

        The HTML page can be moved, zoomed and searched. Where Graphviz does not finish its layout
        in `seconds`, a warning says so and the graph is laid out in plain rows. Raises ValueError
        for another ending, RuntimeError where no layout engine is installed.
        """
        target = file_path("draw", path)
        format = target.suffix.lstrip(".").lower()
        if format == "dot":
            content = self.source.encode()
        elif format == "html":
            content = self.html(seconds).encode()
        elif format in FORMATS:
            content = self._rendered(format, seconds)
        else:
            endings = ", ".join(f".{each}" for each in (*FORMATS, "html", "dot"))
            raise ValueError(f"draw: cannot save {target.name!r}: the ending must be {endings}")
        with replacing(target) as file:
            file.write(content)
        return target

    def svg(self, seconds: float = SECONDS) -> str:
        """The picture as SVG text."""
        return self._rendered("svg", seconds).decode()

    def _rendered(self, format: str, seconds: float) -> bytes:
        try:
            return render(self.source, format, seconds)
        except (TimeoutError, LayoutError) as error:
            _tell_of_rows(error)
            places = rows(self._picture, self._direction)
        source = as_dot(self._picture, self._direction, places)
        return render(source, format, options=("-Kneato", "-n2"))  # draws what is placed already

    def html(self, seconds: float = SECONDS) -> str:
        """The picture as one HTML page that needs no network."""
        places = placed(self._picture, self._direction, seconds)
        data = pages.graph_data(self._picture, places)
        scripts = ["graph.js", "frame.js", "drawing.js"]
        return pages.assemble("drawing.html", ["replay.css"], scripts, ["graph", "drawing"], data)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the SVG, or the text where no layout engine is installed."""
        bundle = {"text/plain": repr(self)}
        try:
            bundle["image/svg+xml"] = self.svg()
        except (RuntimeError, TimeoutError) as error:
            bundle["text/plain"] = f"{self}\n{error}"
        return bundle

    def __str__(self) -> str:
        return tree(self._picture)

    def __repr__(self) -> str:
        ops = sum(box.kind == "op" for box in self._picture.boxes)
        return f"<airi.viz.Drawing of {ops} ops: save('graph.svg') or show it in a notebook>"


def draw(
    *results: Tensor | Recording,
    names: Mapping[str, Tensor] | None = None,
    direction: str = "TB",
    depth: int | None = None,
    fold: bool = True,
    values: bool = False,
    grads: bool = False,
    saved: bool = False,
) -> Drawing:
    """Draw the graph that was recorded for one or more tensors, such as a loss.

    Boxes are ops with the shape and dtype of their output; blue boxes parameters with their names
    in the module, green ones other leaves that want a gradient, frames the modules that were
    being called. `names` labels tensors of your own; `direction` is Graphviz' rankdir (TB, LR).
    Modules with `depth` others around them become one box: 0 is the whole model, 1 its parts. With
    `fold`, blocks that repeat are shown once with ``× N``. `values` and `grads` tell those of
    leaves (values of ops too where recorded under `record`), `saved` what ops keep for backward.
    In place of tensors a `record` can be given: all that it has recorded, up to an error in
    forward. Raises TypeError for what is no Tensor, RuntimeError where nothing was recorded.

    Example: ``airi.viz.draw(loss, names={"x": x}).save("graph.svg")``.
    """
    if not isinstance(direction, str) or direction not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"draw: direction must be TB, LR, BT or RL, got {direction!r}")
    depth = None if depth is None else whole("draw", "depth", depth)
    labels = tensor_names("draw", names)
    picture = _picture(results, labels, Details(values, grads, saved))
    if depth is not None:
        picture = collapsed(picture, depth)
    if fold:
        picture = folded(picture)
    return Drawing(as_dot(picture, direction), picture, direction)


def _picture(results: tuple[Any, ...], names: Mapping[str, Tensor], details: Details) -> Picture:
    if not results:
        raise TypeError("draw: give at least one Tensor")
    if len(results) == 1 and isinstance(results[0], Recording):
        return _of_recording(results[0], details)
    for each in results:
        if not isinstance(each, Tensor):
            several = isinstance(each, list | tuple)
            hint = "; several results are given one by one" if several else ""
            raise TypeError(f"draw: expected Tensors, got {type(each).__name__}{hint}")
        if each.grad_fn is None and each.requires_grad:
            raise RuntimeError("draw: this tensor is a leaf: no op made it, so there is no graph")
        if each.grad_fn is None:
            raise RuntimeError(
                "draw: this tensor was recorded by no op: nothing it was made from requires grad, "
                "or it was made under no_grad"
            )
    return collect(list(results), names, details)


def _of_recording(recording: Recording, details: Details) -> Picture:
    nodes = recording.nodes
    if not nodes:
        raise RuntimeError("draw: nothing was recorded, or its graph is gone with its tensors")
    picture = collect_nodes(nodes, details)
    if recording.error is not None:
        lines = [type(recording.error).__name__, *str(recording.error).splitlines()[:1]]
        picture.boxes.append(Box("error", "error", lines, None))
        picture.arrows.append((f"op{nodes[-1].number}", "error", ""))
    return picture


def _graphviz() -> Any:
    try:
        import graphviz
    except ImportError as error:
        raise ImportError("draw: needs the package graphviz: pip install 'airi[viz]'") from error
    return graphviz


def placed(picture: Picture, direction: str, seconds: float) -> Layout:
    """Where everything is: Graphviz' layout, plain rows where that takes more than `seconds`."""
    try:
        return positions(as_dot(picture, direction), seconds)
    except (TimeoutError, LayoutError) as error:
        _tell_of_rows(error)
        return rows(picture, direction)


def _tell_of_rows(error: Exception) -> None:
    more = "; a larger seconds= gives it more time" if isinstance(error, TimeoutError) else ""
    warnings.warn(f"{error}: the graph is laid out in plain rows{more}", stacklevel=4)


def as_dot(picture: Picture, direction: str, places: Layout | None = None) -> str:
    """The picture as dot text; `direction` is Graphviz' rankdir, `places` where all is to stand."""
    graphviz = _graphviz()
    graph = graphviz.Digraph("airi", graph_attr={"rankdir": direction, "fontname": _FONT})
    graph.attr("node", fontname=_FONT, fontsize="11", shape="box", style="filled", color=_FRAME)
    graph.attr("edge", fontname=_FONT, fontsize="9", color="#444444", fontcolor="#444444")
    graph.attr(ranksep="0.35", nodesep="0.25")
    if picture.notice:
        graph.attr(label=_plain(picture.notice), fontname=_FONT, fontsize="11")
    _Scopes(picture, places).add(graph, None)
    left = {} if places is None else {ends: list(all) for ends, all in places.edges.items()}
    for source, target, label in picture.arrows:
        # An xlabel is placed after the layout: with labels `dot` fails for some graphs of modules.
        shown = {"xlabel": _plain(f" {label}")} if label and places is None else {}
        if places is not None:
            *curve, tip = (_point(places, *each) for each in left[source, target].pop(0))
            shown["pos"] = " ".join([f"e,{tip}", *curve])
        graph.edge(source, target, **shown)
    return graph.source


def _point(places: Layout, x: float, y: float) -> str:
    """Graphviz counts from the lower left corner."""
    return f"{x:.1f},{places.height - y:.1f}"


class _Scopes:
    """Modules as frames, nested as they were called."""

    def __init__(self, picture: Picture, places: Layout | None) -> None:
        self.places = places
        self.frames = {} if places is None else dict(zip(places.scopes, places.frames, strict=True))
        self.names: ScopeNames = picture.names
        self.repeats = picture.repeats
        self.members: dict[Scope | None, list[Box]] = {}
        self.children: dict[Scope | None, dict[Scope, None]] = {}  # in order
        for box in picture.boxes:
            self.members.setdefault(box.scope, []).append(box)
            scope = box.scope
            while scope is not None:
                inside = self.children.setdefault(scope.parent, {})
                if scope in inside:
                    break
                inside[scope] = None
                scope = scope.parent

    def add(self, graph: Any, scope: Scope | None, key: str = "cluster") -> None:
        for box in self.members.get(scope, ()):
            _add_box(graph, box, self.places)
        for number, inner in enumerate(self.children.get(scope, ())):
            inner_key = f"{key}_{number}"  # of the place: the same graph is the same text
            count = self.repeats.get(inner, 1)
            label = plain(self.names.label(inner)) + (f"  × {count}" if count > 1 else "")
            with graph.subgraph(name=inner_key) as frame:
                frame.attr(label=_plain(label), labeljust="l", color=_FRAME)
                frame.attr(style="rounded", fontname=_FONT, fontsize="11", fontcolor="#333333")
                if self.places is not None:
                    frame.attr(**self._placed(inner))
                self.add(frame, inner, inner_key)

    def _placed(self, scope: Scope) -> dict[str, str]:
        """Where a frame and its label stand."""
        assert self.places is not None
        x, y, width, height, label = self.frames[scope]
        low, high = _point(self.places, x, y + height), _point(self.places, x + width, y)
        middle = _point(self.places, x + 10 + 3 * len(label), y + 12)
        return {"bb": f"{low},{high}", "lp": middle}


def _add_box(graph: Any, box: Box, places: Layout | None) -> None:
    style = "filled,dashed" if box.shared else "filled"
    style += ",rounded" if box.kind in ("op", "module") else ""
    lines = [*box.lines, f"× {box.times}"] if box.times > 1 else box.lines
    label = "\\n".join(_plain(line) for line in lines)
    place = {}
    if places is not None:
        x, y, width, height = places.nodes[box.key]
        size = {"width": f"{width / 72:.3f}", "height": f"{height / 72:.3f}"}
        place = {"pos": _point(places, x, y), **size}
    graph.node(box.key, label=label, fillcolor=_FILL[box.kind], style=style, **place)


def _plain(text: str) -> str:
    """Text that Graphviz shows as it is: no escapes, no HTML, no endless or control characters."""
    text = plain(text).replace("\\", "\\\\").replace("&", "&amp;")
    return text if not (text.startswith("<") and text.endswith(">")) else f" {text}"
