"""Large pictures made small: modules as one box, and blocks that repeat shown once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airi.autograd.scope import Scope
from airi.viz.picture import Box, Picture
from airi.viz.scopes import level
from airi.viz.words import text

_LONGEST = 12  # parts of a block that is looked for


def collapsed(picture: Picture, depth: int) -> Picture:
    """Modules with `depth` modules around them become one box each, with what is inside."""
    boxes: list[Box] = []
    place: dict[str, str] = {}
    modules: dict[Scope, Box] = {}
    inside: dict[Scope, list[Box]] = {}
    for box in picture.boxes:
        scope = _ancestor(box.scope, depth)
        if scope is not None and box.kind == "input":
            boxes.append(replace(box, scope=scope.parent))
        elif scope is None:
            boxes.append(box)
        else:
            if scope not in modules:
                modules[scope] = Box(f"module{len(modules)}", "module", [], scope.parent)
                boxes.append(modules[scope])
            inside.setdefault(scope, []).append(box)
            place[box.key] = modules[scope].key
    for scope, box in modules.items():
        ops = [each for each in inside[scope] if each.kind == "op"]
        lines = [picture.names.label(scope), ops[-1].lines[1]]
        box.lines = [*lines, text("opsInside", n=len(ops)) if len(ops) > 1 else ops[0].lines[0]]
        box.form = ops[-1].form
    arrows = [
        (place.get(source, source), place.get(target, target), label)
        for source, target, label in picture.arrows
    ]
    arrows = [each for each in arrows if each[0] != each[1]]
    return replace(picture, boxes=boxes, arrows=list(dict.fromkeys(arrows)))


def _ancestor(scope: Scope | None, depth: int) -> Scope | None:
    """The module around `scope`, or itself, that has `depth` modules around it."""
    above = level(scope) - depth - 1
    if above < 0:
        return None
    for _ in range(above):
        assert scope is not None
        scope = scope.parent
    return scope


def folded(picture: Picture) -> Picture:
    """Blocks that follow each other and are alike are shown once, with how many times."""
    folder = _Folder(picture)
    folder.fold(None)
    kept = [box for box in picture.boxes if box.key not in folder.same_as]
    arrows = [
        (folder.first(source), target, label)
        for source, target, label in picture.arrows
        if target not in folder.same_as
    ]
    boxes = [replace(box, times=folder.times.get(box.key, 1)) for box in kept]
    return replace(picture, boxes=boxes, arrows=list(dict.fromkeys(arrows)), repeats=folder.repeats)


class _Folder:
    """Finds repeats among the parts of each module: its own boxes and the modules it calls."""

    def __init__(self, picture: Picture) -> None:
        self.same_as: dict[str, str] = {}  # a box that is not shown -> the one that is
        self.times: dict[str, int] = {}
        self.repeats: dict[Scope, int] = {}
        self.position = {box.key: number for number, box in enumerate(picture.boxes)}
        self.sources: dict[str, list[str]] = {}
        for source, target, _ in picture.arrows:
            self.sources.setdefault(target, []).append(source)
        self.parts = parts_of_modules(picture.boxes)
        self._boxes: dict[Scope, list[Box]] = {}
        self._signatures: dict[Scope, int] = {}
        self._numbers: dict[Any, int] = {}

    def first(self, key: str) -> str:
        return self.same_as.get(key, key)

    def fold(self, scope: Scope | None) -> None:
        parts = self.parts.get(scope, [])
        marks = [self._mark(part) for part in parts]
        at = 0
        while at < len(parts):
            length, count = self._repeat(parts, marks, at)
            if count > 1:
                self._hide(parts, at, length, count)
            for part in parts[at : at + length]:
                if isinstance(part, Scope):
                    self.fold(part)
            at += length * count

    def _repeat(self, parts: list[Any], marks: list[int], at: int) -> tuple[int, int]:
        """The length of the block that begins at `at`, and how often it follows itself."""
        best = (1, 1)
        for length in range(1, min(_LONGEST, (len(marks) - at) // 2) + 1):
            if not any(map(_is_module, parts[at : at + length])):
                continue  # ops in a row, as in a loop, stay: they may be what one wants to see
            block = marks[at : at + length]
            count = 1
            while marks[at + count * length : at + (count + 1) * length] == block:
                start = at + count * length
                if not self._feeds(parts[start - length : start], parts[start : start + length]):
                    break
                count += 1
            if count > 1 and length * count > best[0] * best[1]:
                best = (length, count)
        return best

    def _feeds(self, before: list[Any], after: list[Any]) -> bool:
        """Whether a block goes on from the one before; else they are side by side."""
        made = {box.key for part in before for box in self._inside(part)}
        used = {
            source
            for part in after
            for box in self._inside(part)
            for source in self.sources.get(box.key, ())
        }
        return not made.isdisjoint(used)

    def _hide(self, parts: list[Any], at: int, length: int, count: int) -> None:
        shown = parts[at : at + length]
        originals = [box.key for part in shown for box in self._inside(part)]
        for part in shown:
            if isinstance(part, Scope):
                self.repeats[part] = count
            else:
                self.times[part.key] = count
        for number in range(1, count):
            block = parts[at + number * length : at + (number + 1) * length]
            copies = [box.key for part in block for box in self._inside(part)]
            self.same_as.update(zip(copies, originals, strict=True))

    def _inside(self, part: Any) -> list[Box]:
        """All boxes of a part, in order."""
        if not isinstance(part, Scope):
            return [part]
        if part not in self._boxes:
            inner = self.parts.get(part, [])
            self._boxes[part] = [box for each in inner for box in self._inside(each)]
        return self._boxes[part]

    def _mark(self, part: Any) -> int:
        """A number that is the same for parts that look alike and are wired alike inside."""
        if not isinstance(part, Scope):
            return self._number((part.kind, *self._text(part)))
        if part not in self._signatures:
            boxes = self._inside(part)
            number = {box.key: i for i, box in enumerate(boxes)}
            wires = tuple(
                (number[box.key], number[source])
                for box in boxes
                for source in self.sources.get(box.key, ())
                if source in number
            )
            inner = tuple(self._mark(each) for each in self.parts.get(part, []))
            self._signatures[part] = self._number((part.kind, inner, wires))
        return self._signatures[part]

    def _number(self, signature: Any) -> int:
        return self._numbers.setdefault(signature, len(self._numbers))

    @staticmethod
    def _text(box: Box) -> list[str]:
        """What a box shows, a parameter without the module it belongs to, and of an op all outputs:
        the last step of an LSTM is like the others, though nothing uses its cell state.
        """
        if box.kind == "parameter":
            return [box.lines[0].rpartition(".")[2], *box.lines[1:2]]
        if box.kind == "module":
            return [box.lines[0].rpartition(": ")[2], box.form, *box.lines[2:]]
        return [box.lines[0], box.form] if box.kind == "op" else box.lines


def _is_module(part: Any) -> bool:
    return isinstance(part, Scope) or part.kind == "module"


def parts_of_modules(boxes: list[Box]) -> dict[Scope | None, list[Any]]:
    """For each module, in order: its own boxes and the calls of other modules."""
    parts: dict[Scope | None, list[Any]] = {}
    seen: set[Scope] = set()
    for box in boxes:
        part: Any = box
        scope = box.scope
        while True:
            parts.setdefault(scope, []).append(part)
            if scope is None or scope in seen:
                break
            seen.add(scope)
            part, scope = scope, scope.parent
    return parts
