"""The backward rule of an op as text with shapes, read from the rule's docstring.

``out = x @ y;  dx = g @ y.mT`` becomes ``dL/dx[5×3] = g[5×4] @ y.mT[4×3]``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airi.viz import words

Part = tuple[str, str]  # a piece of a formula and its shape, "" where it has none
Shape = tuple[int, ...]


def formulas(rule: Any, inputs: Iterable[str]) -> tuple[str, str]:
    """The forward and the backward formula in a rule's docstring; "" where it tells none."""
    targets = "|".join(map(re.escape, {*inputs, *getattr(rule, "inputs", ())}))
    for each in rule.__mro__:
        text = " ".join(inspect.cleandoc(each.__dict__.get("__doc__") or "").split())
        found = re.search(rf"\bd(?:{targets})(?:\[\w+\])? = ", text)
        if found:
            backward = re.split(r"\. (?=[A-Z])", text[found.start() :])[0].rstrip(".")
            return text[: found.start()].rstrip(" ;:,"), backward
        if "; " in text and each.__dict__.get("backward") is not None:
            forward, _, backward = text.partition("; ")
            return forward.strip(), backward.strip()
    own = inspect.cleandoc(rule.__dict__.get("__doc__") or "").partition("\n")[0]
    return own, ""


def shape_text(shape: Shape) -> str:
    """``2×3``, and ``scalar`` for a single number."""
    return "×".join(map(str, shape)) if shape else words.text("scalar")


def parts(
    rule: Any, shapes: Mapping[str, Shape | None], translate: Callable[[str], str] = str
) -> list[Part]:
    """The backward formula in pieces; `shapes` are those of the inputs, the outputs and ``g``.

    A plain number among the inputs has the shape None. `translate` is applied to the formula.
    """
    formula = translate(formulas(rule, shapes)[1])
    pieces: list[Part] = []
    at = 0
    for found in re.finditer(r"([A-Za-z_]\w*)(\.m?T\b)?", formula):
        word, name = found.group(), found.group(1)
        is_gradient = name[:1] == "d" and name[1:] in shapes and name not in shapes
        shape = shapes.get(name[1:] if is_gradient else name)
        if formula[found.end() : found.end() + 1] in ("(", "'") or (
            shape is None and not is_gradient
        ):
            continue
        if found.group(2) and shape:
            shape = (*shape[:-2], *shape[:-3:-1])
        pieces.append((formula[at : found.start()], ""))
        word = f"dL/{word}" if is_gradient else word
        pieces.append((word, "" if shape is None else shape_text(shape)))
        at = found.end()
    pieces.append((formula[at:], ""))
    return [piece for piece in pieces if piece[0]]


def text(pieces: list[Part]) -> str:
    """The pieces as one line: ``dL/dx[5×3] = g[5×4] @ y.mT[4×3]``."""
    return "".join(f"{word}[{shape}]" if shape else word for word, shape in pieces)
