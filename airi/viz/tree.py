"""A picture as text: modules as an indented tree, ops with what they are made of."""

from __future__ import annotations

from airi.autograd.scope import Scope
from airi.viz.pages import plain
from airi.viz.picture import Box, Picture


def tree(picture: Picture) -> str:
    """The ops in order, indented by module; ``<-`` names what each is computed from."""
    lines = []
    inputs: dict[str, list[str]] = {}
    named = {box.key: _name(box, picture) for box in picture.boxes}
    for source, target, _ in picture.arrows:
        inputs.setdefault(target, []).append(named[source])
    around: list[Scope] = []
    for box in picture.boxes:
        if box.kind in ("parameter", "input"):
            continue
        scopes = _chain(box.scope)
        same = 0
        while same < min(len(scopes), len(around)) and scopes[same] is around[same]:
            same += 1
        for depth in range(same, len(scopes)):
            label = picture.names.label(scopes[depth])
            count = picture.repeats.get(scopes[depth], 1)
            lines.append("  " * depth + plain(label) + (f"  × {count}" if count > 1 else ""))
        around = scopes
        texts = [plain(each) for each in box.lines]
        texts += [f"× {box.times}"] if box.times > 1 else []
        made_of = ", ".join(inputs.get(box.key, ()))
        line = "  " * len(scopes) + "  ".join(texts)
        lines.append(line + (f"  <- {made_of}" if made_of else ""))
    if picture.notice:
        lines.append(picture.notice)
    return "\n".join(lines)


def _name(box: Box, picture: Picture) -> str:
    return plain(box.lines[0], 40)


def _chain(scope: Scope | None) -> list[Scope]:
    chain: list[Scope] = []
    while scope is not None:
        chain.append(scope)
        scope = scope.parent
    return chain[::-1]
