"""Self-contained HTML pages out of the readable files in ``airi/viz/page``.

A page has no address to load anything from: its policy allows the styles and the script that were
put into it, by their hashes, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from airi.viz.sampling import brief, number
from airi.viz.words import Text, for_scripts

if TYPE_CHECKING:
    from airi.viz.layout import Layout
    from airi.viz.picture import Picture


def read(name: str) -> str:
    """The text of a file in ``airi/viz/page``."""
    return resources.files("airi.viz").joinpath("page", name).read_text(encoding="utf-8")


def assemble(
    template: str, styles: Sequence[str], scripts: Sequence[str], words: Sequence[str], data: Any
) -> str:
    """The page `template` with these files inlined; `data` is what its scripts read as JSON.

    `words` are the groups of texts that the page says, beside those of every page. Placeholders in
    the template: ``{{policy}}``, ``{{style}}``, ``{{data}}``, ``{{script}}``.
    """
    style = re.sub(r"\s*([{};,]|: )\s*", _mark, _slim("\n".join(read(each) for each in styles)))
    style = style.replace(";}", "}")
    script = _slim_script("\n".join(read(each) for each in ("words.js", "base.js", *scripts)))
    content = as_json(data)
    said = for_scripts(("page", *words), content)
    script = f'(() => {{\n"use strict";\n{said}{script}}})();\n'
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {"policy": policy, "style": style, "data": content, "script": script}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found.group(1)], read(template))


def as_json(data: Any) -> str:
    """JSON that may stand inside a ``<script>``: nothing in it can end the element."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for each in "<>&\u2028\u2029":
        text = text.replace(each, f"\\u{ord(each):04x}")
    return text


def framed(page: str, title: str, height: int = 720) -> str:
    """The page in a sandboxed frame: two of them in one notebook know nothing of each other."""
    return (
        f'<iframe title="{html.escape(title)}" sandbox="allow-scripts" loading="lazy" '
        f'style="width:100%;height:{height}px;border:0" srcdoc="{html.escape(page)}"></iframe>'
    )


def _slim_script(text: str) -> str:
    """Without comments at ends of lines, needless spaces, and ends of lines after punctuation.

    Every statement ends in a semicolon or a brace: what follows may stand on the same line.
    """
    lines = (re.sub(r"\s+// [^\"'`]*$", "", line) for line in _slim(text).splitlines())
    tight = "".join(f"{_tight(line)}\n" for line in lines)
    return re.sub(r"(?m)^((?:(?!//).)*[;{},(\[])\n", r"\1", tight)


def _tight(line: str) -> str:
    """Without needless spaces, but in strings and templates; lines with patterns as they are."""
    if re.search(r"/(?! )|(?<! )/", line) or line.count("`") not in (0, 2):
        return line
    pieces = re.split(r'("(?:[^"\\]|\\.)*"|`[^`]*`)', line)
    for i in range(0, len(pieces), 2):
        tight = re.sub(r"\s*([-+]?[=*/%<>(){}\[\];,?:&|!])\s*", r"\1", pieces[i])
        pieces[i] = re.sub(r"(?<![+-]) ([+-]) (?![+-])", r"\1", tight)
    return "".join(pieces)


def _slim(text: str) -> str:
    """Without indentation, blank lines and lines that are comments."""
    text = re.sub(r"(?m)^\s*/\*.*?\*/\s*$", "", text)
    lines = (line.strip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def _mark(found: re.Match[str]) -> str:
    """Punctuation of a style sheet, which needs no space around it."""
    return found.group(1).strip()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def graph_data(picture: Picture, layout: Layout) -> dict[str, Any]:
    """A picture with the places of its boxes and arrows, as ``graph.js`` reads it."""
    number = {box.key: i for i, box in enumerate(picture.boxes)}
    left = {ends: list(curves) for ends, curves in layout.edges.items()}
    return {
        "size": rounded((layout.width, layout.height)),
        "frames": [[*rounded(frame[:4]), plain(frame[4])] for frame in layout.frames],
        "boxes": [
            {
                "kind": box.kind,
                "at": rounded(layout.nodes[box.key]),
                "lines": [spoken(line) for line in box.lines]
                + ([f"× {box.times}"] if box.times > 1 else []),
                "shared": plain(box.shared),
                "step": None,  # of the event that a replay shows here
            }
            for box in picture.boxes
        ],
        "edges": [
            {
                "from": number[source],
                "to": number[target],
                "curve": [x for point in left[source, target].pop(0) for x in rounded(point)],
            }
            for source, target, _ in picture.arrows
        ],
        "notice": spoken(picture.notice),
    }


def rounded(values: Iterable[float]) -> list[float]:
    """Coordinates to a tenth of a point."""
    return [brief(round(float(each), 1)) for each in values]


def spoken(text: str, longest: int = 80) -> Any:
    """A text as ``words.js`` reads it: a string, or strings and (key, values) of a `Text`."""
    if not isinstance(text, Text):
        return plain(text, longest)
    parts = [
        plain(part, longest)
        if isinstance(part, str)
        else [part[0], {name: _value(each, longest) for name, each in part[1].items()}]
        for part in text.parts
    ]
    strings = [part for part in parts if isinstance(part, str)]
    return "".join(strings) if len(strings) == len(parts) else parts


def _value(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return spoken(value, longest)
    return value if isinstance(value, int) else number(value)


def plain(text: str, longest: int = 80) -> str:
    """Text to be shown: no control or direction-changing characters, and not endless."""
    text = "".join(each if each.isprintable() else " " for each in text[: longest + 1])
    return text if len(text) <= longest else text[: longest - 1] + "…"
