"""What the graph does at every op. Where airi is compiled, `basics_ext.pyx` is the same in C."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.complaints import MADE_IN_INFERENCE_MODE
from airi.dtypes import DIFFERENTIABLE


class Version:
    """How often a piece of memory was written in place; shared by all views of it."""

    value: int = 0


class Saved:
    """A snapshot for backward: an array, its version at the time, and where its gradient goes.

    `place` says the last: the number of an input, whose edge the node has, or -1 - number of an
    output. A snapshot holds no edge and no node: a saved output must not keep its own node.
    """

    array: Any
    version: Version
    at: int
    place: int

    def edge_in(self, node: Any) -> Any:
        """Where the gradient goes: (node, output number), a leaf or None."""
        return node.edge_at(self.place) if self.place >= 0 else (node, -1 - self.place)

    def unpacked(self) -> Saved:
        """The snapshot itself, where a hook keeps it in another form."""
        return self


class Gradient:
    """The sum of what has arrived so far; `own`: whether the walk may write to its memory."""

    value: Any
    own: bool


new_version = Version


def save(array: np.ndarray, place: int, version: Version | None) -> Saved:
    """A snapshot of `array`; RuntimeError for what was made in inference_mode."""
    if version is None:
        raise RuntimeError(MADE_IN_INFERENCE_MODE)
    saved = Saved()
    saved.array = array
    saved.version = version
    saved.at = version.value
    saved.place = place
    return saved


def new_gradient(value: Any, own: bool) -> Gradient:
    gradient = Gradient()
    gradient.value = value
    gradient.own = own
    return gradient


class PerThread:
    """One value for each thread, made when the thread first asks."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._values = threading.local()

    def get(self) -> Any:
        try:
            return self._values.value
        except AttributeError:
            self._values.value = self._make()
            return self._values.value


def make(kind: Any) -> Any:
    """An instance of `kind` that no __init__ has seen."""
    return kind.__new__(kind)


# 1, 2, 3 and so on: nodes are numbered in the order of their making.
next_number = itertools.count(1).__next__  # atomic


def shape_of(array: np.ndarray) -> tuple[int, ...]:
    return array.shape


def dtype_of(array: np.ndarray) -> np.dtype:
    return array.dtype


def is_differentiable(array: np.ndarray) -> bool:
    """Whether the array's dtype can have gradients."""
    return array.dtype.kind in DIFFERENTIABLE


def is_complex(array: np.ndarray) -> bool:
    return array.dtype.kind == "c"


def fits(array: np.ndarray, other: np.ndarray) -> bool:
    """Whether both are of one shape and dtype."""
    return array.shape == other.shape and array.dtype is other.dtype


if not TYPE_CHECKING:
    with contextlib.suppress(ImportError):  # not compiled
        from airi.autograd.basics_ext import *  # noqa: F403
