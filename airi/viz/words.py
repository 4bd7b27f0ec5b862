"""All texts of the pages, in their languages, from ``page/words.json``; reports use the English.

What Python says and a page may show is a `Text`: an English string for the terminal, which the page
says in the language that is chosen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any


@cache
def groups() -> dict[str, dict[str, list[str]]]:
    """Each page's words: a key, and the text in English and in Portuguese, with ``{values}``."""
    file = resources.files("airi.viz").joinpath("page", "words.json")
    return json.loads(file.read_text(encoding="utf-8"))


def for_scripts(names: Sequence[str], data: str) -> str:
    """These groups, and what Python says in `data` (JSON), as the constant that scripts read."""
    words = {key: texts for name in names for key, texts in groups()[name].items()}
    words |= {key: texts for key, texts in groups()["python"].items() if f'"{key}"' in data}
    return f"const WORDS = {json.dumps(words, ensure_ascii=False, separators=(',', ':'))};\n"


@cache
def _phrases() -> list[list[str]]:
    """What rules and updates say beside formulas, in both languages, the longest first."""
    file = resources.files("airi.viz").joinpath("page", "rule_words.json")
    return sorted(json.loads(file.read_text(encoding="utf-8")), key=lambda pair: -len(pair[0]))


def in_portuguese(formula: str) -> str:
    """A rule's or an optimizer's formula with its words in Portuguese."""
    for english, portuguese in _phrases():
        formula = formula.replace(english, portuguese)
    return formula


@cache
def _english() -> dict[str, str]:
    return {key: texts[0] for group in groups().values() for key, texts in group.items()}


class Text(str):
    """English, with what a page needs to say it otherwise: strings and (key, values) in order."""

    parts: tuple[str | tuple[str, dict[str, Any]], ...]


def text(key: str, **values: Any) -> Text:
    """The text of that key; values are strings, Texts and numbers."""
    shown = {name: f"{v:.4g}" if isinstance(v, float) else v for name, v in values.items()}
    made = Text(_english()[key].format_map(shown))
    made.parts = ((key, values),)
    return made


def joined(*pieces: str) -> Text:
    """Strings and Texts, one after the other."""
    made = Text("".join(pieces))
    made.parts = tuple(
        part for each in pieces for part in (each.parts if isinstance(each, Text) else (each,))
    )
    return made
