"""record: the forward pass with the values and source lines that a trace shows."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from airi.autograd.anomaly import Update, broken_kinds, input_names
from airi.autograd.graph import Node
from airi.autograd.observer import Observer, observed_by
from airi.autograd.scope import user_line
from airi.tensor import Tensor
from airi.viz.statistics import described


@dataclass(frozen=True)
class Outside:
    """What made NaN or Inf out of finite numbers where no gradient passes.

    ``phase`` is "forward" for an op, "update" for an optimizer's step.
    """

    phase: str
    op: str
    kinds: frozenset[str]
    source: str
    inputs: Sequence[str]


@dataclass(frozen=True)
class Forward:
    """What one recorded op was given and gave: copies, which later writes in place leave alone."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    seconds: float
    outside: list[Outside]


# The forward of every node recorded under `record`, for as long as its graph lives.
_forwards: weakref.WeakKeyDictionary[Node, Forward] = weakref.WeakKeyDictionary()


def forward_of(node: Node) -> Forward | None:
    """The values of a node, None where it was not recorded under `record`."""
    return _forwards.get(node)


class Copies:
    """Read-only copies of tensors' arrays, one of each array and version."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], int, np.ndarray]] = {}

    def of(self, value: Any) -> Any:
        """A copy of a Tensor's array or of an array; any other value as it is."""
        if not isinstance(value, Tensor):
            return _frozen(value) if isinstance(value, np.ndarray) else value
        array = value._array
        version = value._counter.value if value._counter is not None else -1
        ref, at, copy = self._known.get(id(array), (None, 0, None))
        if ref is not None and ref() is array and at == version:
            return copy
        copy = _frozen(array)
        self._known[id(array)] = (weakref.ref(array, self._forget(id(array))), version, copy)
        return copy

    def _forget(self, key: int) -> Callable[[Any], Any]:
        return lambda _: self._known.pop(key, None)


def _frozen(array: np.ndarray) -> np.ndarray:
    copy = np.array(array)
    copy.flags.writeable = False
    return copy


class Recording(Observer):
    """What `record` gives: the ops that are recorded, for `draw`, also where forward fails.

    ``error`` is the exception that ended the ``with``, else None.
    """

    def __init__(self) -> None:
        self.copies = Copies()
        self.outside: list[Outside] = []
        self.error: BaseException | None = None
        self._update: Update | None = None
        self._living: weakref.WeakSet[Node] = weakref.WeakSet()
        self._kept: list[Node] = []

    @property
    def nodes(self) -> list[Node]:
        """The ops whose graph still lives, oldest first; all of them where forward failed."""
        return sorted({*self._living, *self._kept}, key=lambda node: node.number)

    def keep(self, error: BaseException) -> None:
        """Hold what the failed program has recorded, which would go with its variables."""
        self.error = error
        self._kept = self.nodes

    def computed(
        self,
        rule: Any,
        node: Node | None,
        inputs: tuple[Any, ...],
        results: tuple[Any, ...],
        seconds: float,
    ) -> None:
        if node is not None:
            given = tuple([self.copies.of(each) for each in inputs])
            made = tuple([self.copies.of(each) for each in results])
            _forwards[node] = Forward(given, made, seconds, self.outside)
            self._living.add(node)
            return
        kinds = broken_kinds(results)
        if kinds and not broken_kinds(inputs):
            names = input_names(rule, len(inputs))
            lines = [described(name, each) for name, each in zip(names, inputs, strict=True)]
            self.outside.append(Outside("forward", rule.__name__, kinds, user_line(), lines))

    def steps(self, optimizer: Any) -> None:
        self._update = Update(optimizer)

    def stepped(self, optimizer: Any) -> None:
        update, self._update = self._update, None
        broken = update.broken() if update is not None else None
        if update is not None and broken is not None:
            kinds, values = broken
            lines = [described(name, value) for name, value in values]
            self.outside.append(Outside("update", update.name, kinds, user_line(), lines))


@contextlib.contextmanager
def record() -> Iterator[Recording]:
    """Inside, ops remember their values and the line of your program that called them.

    A `trace` of what was computed then shows them all, and `check` and the birthplace of a NaN have
    what they need. What it gives can be drawn, also where forward fails half way. Costs a copy of
    every value; nothing outside the ``with``. Example::

        with airi.viz.record() as recording:
            loss = cross_entropy(model(images), labels)  # if this raises:
        tr = airi.viz.trace(loss)                        # airi.viz.draw(recording)
    """
    recording = Recording()
    try:
        with observed_by(recording):
            yield recording
    except BaseException as error:
        recording.keep(error)
        raise
