"""A layout of one's own, row by row: plain, but there in a moment, however large the graph is.

For graphs that Graphviz does not finish in time or gives up on. Each module's parts, which are ops
and the modules it calls, stand in rows below what they are computed from; a module that is laid out
is one part of the module around it. Takes time in proportion to the graph.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from airi.autograd.scope import Scope
from airi.viz.folding import parts_of_modules
from airi.viz.layout import Layout, Point
from airi.viz.pages import plain
from airi.viz.picture import Box, Picture

_LETTER, _LINE = 6.0, 13.0  # of the font in a box, in points
_ACROSS, _DOWN = 18.0, 26.0  # between boxes
_INSET, _LABEL = 10.0, 18.0  # between a frame and what is in it, and for its label
_HEAD = 8.0  # of an arrow


@dataclass
class _Plate:
    """A module's parts with their places, from its own upper left corner."""

    width: float
    height: float
    places: list[tuple[Any, float, float]]


def rows(picture: Picture, direction: str = "TB") -> Layout:
    """Where everything is; `direction` is Graphviz' rankdir."""
    return _Rows(picture, direction).layout()


class _Rows:
    def __init__(self, picture: Picture, direction: str) -> None:
        self.picture = picture
        self.direction = direction
        self.lies = direction in ("LR", "RL")  # rows are columns: x and y change places
        self.parts = parts_of_modules(picture.boxes)
        self.arrows = self._arrows()
        self.plates: dict[Scope | None, _Plate] = {}
        self.sizes: dict[Any, tuple[float, float]] = {}

    def layout(self) -> Layout:
        for scope in self._from_the_innermost():
            self.plates[scope] = self._plate(scope)
        whole = self.plates[None]
        self.nodes: dict[str, tuple[float, float, float, float]] = {}
        self.frames: list[tuple[float, float, float, float, str]] = []
        self.scopes: list[Scope] = []
        self._put(None, 0.0, 0.0)
        edges: dict[tuple[str, str], list[list[Point]]] = {}
        for source, target, _ in self.picture.arrows:
            edges.setdefault((source, target), []).append(self._curve(source, target))
        frames = [self._turned_frame(each) for each in self.frames]
        nodes = {key: self._turned_box(each) for key, each in self.nodes.items()}
        curves = {
            ends: [[self._turned(point) for point in each] for each in all_of_them]
            for ends, all_of_them in edges.items()
        }
        width, height = (whole.height, whole.width) if self.lies else (whole.width, whole.height)
        return Layout(width, height, nodes, frames, curves, self.scopes)

    def _from_the_innermost(self) -> list[Scope | None]:
        """All modules, each after those that it calls."""
        order: list[Scope | None] = [None]
        for scope in order:  # which grows meanwhile
            order += [part for part in self.parts.get(scope, ()) if isinstance(part, Scope)]
        return order[::-1]

    def _arrows(self) -> dict[Scope | None, list[tuple[Any, Any]]]:
        """The arrows between the parts of each module."""
        home = {box.key: box for box in self.picture.boxes}
        found: dict[Scope | None, list[tuple[Any, Any]]] = {}
        for source, target, _ in self.picture.arrows:
            ends = _chain(home[source]), _chain(home[target])
            depth = 0
            while ends[0][depth] is ends[1][depth]:
                depth += 1
            around = ends[0][depth - 1] if depth else None
            found.setdefault(around, []).append((ends[0][depth], ends[1][depth]))
        return found

    # Rows of one module

    def _plate(self, scope: Scope | None) -> _Plate:
        parts = self.parts.get(scope, [])
        for part in parts:
            self.sizes[_key(part)] = self._size(part)
        before: dict[Any, list[Any]] = {}
        after: dict[Any, list[Any]] = {}
        for source, target in self.arrows.get(scope, ()):
            before.setdefault(_key(target), []).append(_key(source))
            after.setdefault(_key(source), []).append(_key(target))
        top = _INSET + _LABEL if scope is not None else _INSET
        places = []
        middle: dict[Any, float] = {}
        widest, y = 0.0, top
        for row in _ranked(parts, before, after):
            row.sort(key=lambda part: _mean(before.get(_key(part), ()), middle))
            lefts = self._lefts(row, before, middle)
            height = max(self.sizes[_key(part)][1] for part in row)
            for part, x in zip(row, lefts, strict=True):
                wide, high = self.sizes[_key(part)]
                places.append((part, x, y + (height - high) / 2))
                middle[_key(part)] = x + wide / 2
                widest = max(widest, x + wide)
            y += height + _DOWN
        left = min((x for _, x, _ in places), default=0.0)
        label = _LETTER * len(self._label(scope)) + 2 * _INSET
        width = max(widest - left + 2 * _INSET, label)
        places = [(part, x - left + _INSET, y) for part, x, y in places]
        return _Plate(width, y - _DOWN + _INSET, places)

    def _lefts(
        self, row: list[Any], before: dict[Any, list[Any]], middle: dict[Any, float]
    ) -> list[float]:
        """Left ends side by side, the row as a whole below what it is computed from."""
        lefts, wanted, end = [], [], None
        for part in row:
            wide = self.sizes[_key(part)][0]
            known = [each for each in before.get(_key(part), ()) if each in middle]
            if known:
                wish = _mean(known, middle) - wide / 2
            else:
                wish = end if end is not None else -wide / 2
            x = wish if end is None else max(wish, end)
            lefts.append(x)
            wanted.append(wish)
            end = x + wide + _ACROSS
        shift = sum(lefts) / len(lefts) - sum(wanted) / len(wanted)
        return [x - shift for x in lefts]

    def _size(self, part: Any) -> tuple[float, float]:
        if isinstance(part, Scope):
            plate = self.plates[part]
            return plate.width, plate.height
        lines = [plain(line) for line in part.lines] + ["× 2"] * (part.times > 1)
        wide = max(54.0, max(map(len, lines)) * _LETTER + 16)
        high = len(lines) * _LINE + 11
        return (high, wide) if self.lies else (wide, high)

    def _label(self, scope: Scope | None) -> str:
        if scope is None:
            return ""
        count = self.picture.repeats.get(scope, 1)
        label = plain(self.picture.names.label(scope))
        return f"{label}  × {count}" if count > 1 else label

    # Places in the whole

    def _put(self, scope: Scope | None, left: float, top: float) -> None:
        for part, x, y in self.plates[scope].places:
            wide, high = self.sizes[_key(part)]
            if isinstance(part, Scope):
                self.frames.append((left + x, top + y, wide, high, self._label(part)))
                self.scopes.append(part)
                self._put(part, left + x, top + y)
            else:
                centre = left + x + wide / 2, top + y + high / 2
                self.nodes[part.key] = (*centre, wide, high)

    def _curve(self, source: str, target: str) -> list[Point]:
        """From below the source to above the target."""
        x, y, _, high = self.nodes[source]
        end_x, end_y, _, end_high = self.nodes[target]
        down = 1 if end_y >= y else -1
        start, tip = y + down * high / 2, end_y - down * end_high / 2
        end = tip - down * _HEAD
        bend = (start + end) / 2
        return [(x, start), (x, bend), (end_x, bend), (end_x, end), (end_x, tip)]

    def _turned(self, point: Point) -> Point:
        x, y = point
        if self.direction in ("BT", "RL"):
            y = self.plates[None].height - y
        return (y, x) if self.lies else (x, y)

    def _turned_box(
        self, box: tuple[float, float, float, float]
    ) -> tuple[float, float, float, float]:
        x, y, wide, high = box
        size = (high, wide) if self.lies else (wide, high)
        return (*self._turned((x, y)), *size)

    def _turned_frame(
        self, frame: tuple[float, float, float, float, str]
    ) -> tuple[float, float, float, float, str]:
        left, top, wide, high, label = frame
        x, y, wide, high = self._turned_box((left + wide / 2, top + high / 2, wide, high))
        return x - wide / 2, y - high / 2, wide, high, label


def _key(part: Any) -> Any:
    return part.key if isinstance(part, Box) else part


def _chain(box: Box) -> list[Any]:
    """The modules around a box from the outermost in, and the box."""
    chain: list[Any] = [box]
    scope = box.scope
    while scope is not None:
        chain.append(scope)
        scope = scope.parent
    return chain[::-1]


def _mean(keys: Iterable[Any], middle: dict[Any, float]) -> float:
    known = [middle[key] for key in keys if key in middle]
    return sum(known) / len(known) if known else 0.0


def _ranked(
    parts: list[Any], before: dict[Any, list[Any]], after: dict[Any, list[Any]]
) -> list[list[Any]]:
    """The parts in rows: each below all that it is computed from, a leaf right above its use."""
    rank: dict[Any, int] = {}
    leaves = [part for part in parts if isinstance(part, Box) and part.kind in _LEAVES]
    above = {_key(part) for part in leaves}
    for part in parts:
        if _key(part) in above:
            continue
        sources = [each for each in before.get(_key(part), ()) if each in rank]
        has_leaf = any(each in above for each in before.get(_key(part), ()))
        rank[_key(part)] = max([rank[each] + 1 for each in sources] + [int(has_leaf)])
    for part in leaves:
        uses = [rank[each] for each in after.get(_key(part), ()) if each in rank]
        rank[_key(part)] = max(0, min(uses, default=1) - 1)
    found: dict[int, list[Any]] = {}
    for part in parts:
        found.setdefault(rank[_key(part)], []).append(part)
    return [found[each] for each in sorted(found)]


_LEAVES = ("parameter", "input")
