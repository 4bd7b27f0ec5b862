"""From dot text to a picture: Graphviz where it is installed, else the wheel graphviz-pure."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from airi.autograd.scope import Scope
from airi.viz.arguments import positive

FORMATS = ("svg", "png", "pdf")
SECONDS = 8.0  # for the layout of a graph, before a plainer one is taken
# Letters of dot text, about 1500 boxes, from where graphviz-pure is asked first: it needs a third
# of the time that dot does.
_LARGE = 300_000

Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Where everything is, in points from the upper left corner.

    ``nodes`` are (x, y, width, height) with x, y the centre, ``frames`` (left, top, width, height,
    label) from the outermost in; ``edges`` of each (from, to) are lists of points: a Bézier curve,
    then the tip of the arrow.
    """

    width: float
    height: float
    nodes: dict[str, tuple[float, float, float, float]]
    frames: list[tuple[float, float, float, float, str]]
    edges: dict[tuple[str, str], list[list[Point]]]
    scopes: list[Scope] = field(default_factory=list)  # of the frames, where they are known


def positions(source: str, seconds: float = SECONDS) -> Layout:
    """The layout of dot text as numbers; errors as in `render`."""
    graph = json.loads(render(source, "json0", seconds))
    left, bottom, right, top = _numbers(graph["bb"])
    nodes: dict[str, tuple[float, float, float, float]] = {}
    frames = []
    names: dict[int, str] = {}
    for each in graph.get("objects", ()):
        names[each["_gvid"]] = each["name"]
        if "pos" in each:
            x, y = _numbers(each["pos"])
            size = float(each["width"]) * 72, float(each["height"]) * 72
            nodes[each["name"]] = (x - left, top - y, *size)
        elif "bb" in each:
            x, y, x_end, y_end = _numbers(each["bb"])
            label = each.get("label", "").replace("&amp;", "&").replace("\\\\", "\\")
            frames.append((x - left, top - y_end, x_end - x, y_end - y, label))
    edges: dict[tuple[str, str], list[list[Point]]] = {}
    for each in sorted(graph.get("edges", ()), key=lambda edge: edge["_gvid"]):
        ends = names[each["tail"]], names[each["head"]]
        points = _curve(each["pos"], left, top)
        edges.setdefault(ends, []).append(points)
    frames.sort(key=lambda frame: -frame[2] * frame[3])
    return Layout(right - left, top - bottom, nodes, frames, edges)


def _numbers(text: str) -> list[float]:
    return [float(each) for each in text.split(",")]


def _curve(text: str, left: float, top: float) -> list[Point]:
    tip: list[Point] = []
    points: list[Point] = []
    for each in text.split():
        *mark, x, y = each.split(",")
        point = (float(x) - left, top - float(y))
        (tip if mark else points).append(point)
    return points + (tip or points[-1:])


class LayoutError(RuntimeError):
    """The layout engine gave up."""


def find_engine(format: str = "svg", large: bool = False) -> str | None:
    """The path of ``dot``, or of ``graphviz-pure``, which makes no PDF; the faster if `large`."""
    if format == "pdf":
        return shutil.which("dot")
    return _wheel() or shutil.which("dot") if large else shutil.which("dot") or _wheel()


def _wheel() -> str | None:
    found = shutil.which("graphviz-pure")
    for folder in {sysconfig.get_path("scripts"), str(Path(sys.executable).parent)}:
        found = found or shutil.which("graphviz-pure", path=folder)
    return found


def render(
    source: str, format: str, seconds: float = SECONDS, options: Sequence[str] = ()
) -> bytes:
    """Lay out dot text and return the picture in `format` (svg, png or pdf).

    `options` are further ones of the engine. Raises RuntimeError where no engine is installed, with
    the ways to get one, LayoutError where it gives up, and TimeoutError where the layout takes
    longer than `seconds`.
    """
    seconds = positive("draw", "seconds", seconds)
    engine = find_engine(format, len(source) > _LARGE)
    if engine is None:
        wheel = "" if format == "pdf" else "pip install graphviz-pure (or 'airi[viz]'); "
        raise RuntimeError(
            f"draw: to make a {format} picture Graphviz is needed. Any of these gives it: {wheel}"
            "apt install graphviz (Linux) or brew install graphviz (macOS); "
            "the installer of graphviz.org. The .dot text can be saved without it"
        )
    try:
        done = subprocess.run(
            [engine, f"-T{format}", *options],
            input=source.encode(),
            capture_output=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"draw: {engine} did not finish the layout in {seconds:g} s") from None
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip()
        raise LayoutError(f"draw: {engine} failed: {message[:500]}")
    return done.stdout
