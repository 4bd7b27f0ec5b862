"""What nodes keep for backward, and how much memory that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from airi.autograd.graph import Node, Saved


def saved_of(node: Node) -> Iterator[Saved | np.ndarray]:
    """What a node, also of a user's Function, has saved of arrays."""
    context = getattr(node, "ctx", None)
    saved = node.saved if context is None else context._saved
    for each in saved or ():
        for one in each if type(each) is tuple else (each,):
            if isinstance(one, Saved | np.ndarray):
                yield one


def saved_arrays(node: Node) -> Iterator[np.ndarray]:
    """The same as arrays."""
    for each in saved_of(node):
        yield each.array if isinstance(each, Saved) else each


def bytes_saved(node: Node) -> int:
    """The size of a node's saved arrays, whoever else keeps them too."""
    return sum({id(each): each.nbytes for each in saved_arrays(node)}.values())


class KeptMemory:
    """Counts the memory that nodes keep alive, each piece once; that of `others` not at all."""

    def __init__(self, others: Iterable[np.ndarray] = ()) -> None:
        self._known = {id(_whole(each)) for each in others}

    def added_by(self, node: Node) -> int:
        """The bytes that this node keeps and that were not counted yet."""
        added = 0
        for each in map(_whole, saved_arrays(node)):
            if id(each) not in self._known:
                self._known.add(id(each))
                added += each.nbytes
        return added


def _whole(array: np.ndarray) -> np.ndarray:
    """The array whose memory a view shows: it is kept alive as a whole."""
    base: Any = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    return base
