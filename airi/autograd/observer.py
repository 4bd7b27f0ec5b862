"""Observers: what recording, the reverse walk and optimizers tell to those who want to watch.

A trace, a profiler or `detect_anomaly` is an `Observer`. There is one forward and one reverse walk
in the program; they call these methods while an observer is active in the running thread, and
look at an empty list where none is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airi.autograd.mode import current, observing

if TYPE_CHECKING:
    from airi.autograd.graph import Node


class Observer:
    """Base class: each method does nothing. What it is given may be changed afterwards: copy it."""

    def computed(
        self,
        rule: Any,
        node: Node | None,
        inputs: tuple[Any, ...],
        results: tuple[Any, ...],
        seconds: float,
    ) -> None:
        """An op was computed; `node` is None where nothing was recorded."""

    def applied(
        self,
        rule: Any,
        inputs: tuple[Any, ...],
        attributes: dict[str, Any],
        results: tuple[Any, ...],
    ) -> None:
        """The same op with its attributes, told before `computed`."""

    def walk_begins(self, order: list[Node], roots: list[tuple[Any, Any]]) -> None:
        """A backward starts from `roots`, (edge, gradient) each, and will visit `order`."""

    def visits(self, node: Node, grads: list[Any]) -> None:
        """The gradients of all outputs of `node` are complete."""

    def returned(self, node: Node, results: tuple[Any, ...], seconds: float) -> None:
        """Its rule gave these gradients; broadcasting is not yet undone."""

    def sends(self, node: Node, position: int, gradient: Any) -> None:
        """The gradient that goes on to input `position`, in that input's shape and dtype."""

    def arrives(self, leaf: Any, gradient: Any) -> None:
        """The gradient of a leaf Tensor is complete."""

    def walk_ends(self) -> None:
        """Backward is over; no ``.grad`` is written yet."""

    def steps(self, optimizer: Any) -> None:
        """An optimizer is about to change its parameters."""

    def stepped(self, optimizer: Any) -> None:
        """It has changed them."""


@contextlib.contextmanager
def observed_by(observer: Observer) -> Iterator[None]:
    """Inside, this thread's ops and backward passes are told to `observer`, with source lines."""
    before = current().observers, current().source
    current().observers, current().source = (*before[0], observer), True
    observing.append(observer)
    try:
        yield
    finally:
        observing.remove(observer)
        current().observers, current().source = before


@contextlib.contextmanager
def unobserved() -> Iterator[None]:
    """Inside, nobody is told anything: for computations of the observers' own."""
    before = current().observers, current().source
    current().observers, current().source = (), False
    try:
        yield
    finally:
        current().observers, current().source = before
