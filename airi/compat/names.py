"""PyTorch's public names, and which of them airi lacks.

The list is ``torch_names.json``, written by ``tools/pytorch_names.py`` where PyTorch is installed.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

TABLE = "docs/pytorch_names.md"  # of what airi has


@cache
def _content() -> dict[str, Any]:
    path = Path(__file__).with_name("torch_names.json")
    return json.loads(path.read_text(encoding="utf-8"))


def pytorch_version() -> str:
    """The version of PyTorch whose names these are."""
    return _content()["version"]


def namespaces() -> dict[str, list[str]]:
    """The public names of each module of PyTorch that scripts use, and of ``torch.Tensor``."""
    return _content()["names"]


@cache
def modules() -> frozenset[str]:
    """PyTorch's modules, such as ``torch.utils.data``."""
    return frozenset(_content()["modules"])


def is_module(name: str) -> bool:
    """Whether PyTorch has a public module of that name."""
    return name in modules()


def is_pytorchs(namespace: str, name: str) -> bool:
    """Whether PyTorch has that public name there."""
    return name in namespaces().get(namespace, ()) or is_module(f"{namespace}.{name}")


def missing(where: str, namespace: str, name: str, known: Iterable[str]) -> str:
    """What an AttributeError says of a `name` that `where` has not.

    `namespace` is PyTorch's module (``torch.nn``), and `known` what could be meant instead. A
    name with underscores in front gets no advice: it is asked for by programs, not by people.
    """
    text = f"{where} has no {name!r}"
    if name.startswith("_"):
        return text
    near = nearest(name, known)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    if is_pytorchs(namespace, name):
        return f"{text}: PyTorch has it, airi does not (all names: {TABLE}){hint}"
    return f"{text}{hint}"


class Lacking(AttributeError):
    """`missing`, put together when it is read: hasattr() asks for many names, and reads none."""

    def __init__(self, where: str, namespace: str, name: str, kind: type) -> None:
        super().__init__(name=name, obj=None)  # obj=None: no suggestion of Python's own
        self._question = (where, namespace, name)
        self._kind = kind

    def __str__(self) -> str:
        return missing(*self._question, [each for each in dir(self._kind) if each[0] != "_"])

    def __reduce__(self) -> Any:
        return AttributeError, (str(self),)


# What a traceback calls it: how it is made is of no concern to who reads one.
Lacking.__module__, Lacking.__qualname__ = "builtins", "AttributeError"


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The names that `name` may have been meant to be, at most three, the most likely first."""
    by_lower: dict[str, str] = {}
    for each in known:
        by_lower.setdefault(each.lower(), each)
    return [
        by_lower[each] for each in difflib.get_close_matches(name.lower(), by_lower, cutoff=0.7)
    ]


def refusing(where: str, namespace: str, known: Iterable[str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module of airi: an AttributeError that says what is missing."""

    def __getattr__(name: str) -> Any:
        # obj=None keeps Python from adding a suggestion of its own.
        raise AttributeError(missing(where, namespace, name, known), name=name, obj=None)

    return __getattr__
