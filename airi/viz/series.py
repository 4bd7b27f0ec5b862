"""Several traces of one graph: over the steps of a training, or side by side."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from airi.tensor import Tensor
from airi.utils.files import replacing
from airi.viz.arguments import file_path, whole
from airi.viz.layout import SECONDS
from airi.viz.profile import shortened, table
from airi.viz.recording import record
from airi.viz.replay import framed, page, require_same
from airi.viz.trace import Trace, trace
from airi.viz.words import text


class _Series:
    """Traces with labels; their page has a second slider."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.traces: list[Trace] = []

    def __len__(self) -> int:
        return len(self.traces)

    def __getitem__(self, index: int) -> Trace:
        return self.traces[index]

    def __iter__(self) -> Iterator[Trace]:
        return iter(self.traces)

    def html(self, seconds: float = SECONDS) -> str:
        """The page as text. Raises RuntimeError where there is no trace yet."""
        if not self.traces:
            raise RuntimeError(f"{type(self).__name__}: nothing is recorded yet")
        return page(list(zip(self.labels, self.traces, strict=True)), seconds, self._differs())

    def _differs(self) -> list[float] | None:
        """By how much two traces differ in each step, where they are two."""
        return None

    def save(self, path: str | os.PathLike[str], seconds: float = SECONDS) -> Path:
        """Write the page with its two sliders; `path` ends in ``.html``."""
        name = type(self).__name__
        target = file_path(name, path)
        if target.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"{name}: cannot save {target.name!r}: the ending must be .html")
        content = self.html(seconds)
        with replacing(target) as file:
            file.write(content.encode())
        return target

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"text/plain": str(self)}
        try:
            bundle["text/html"] = framed(self.html())
        except (RuntimeError, TimeoutError, ImportError) as error:
            bundle["text/plain"] += f"\n{error}"
        return bundle


class TrainingTrace(_Series):
    """A trace of every k-th step of a training, with a second slider over the steps.

    Give each step's loss to `backward` in place of calling ``loss.backward()``. At most `most`
    traces are kept. Example::

        history = airi.viz.TrainingTrace(every=100)
        for images, labels in loader:
            optimizer.zero_grad()
            loss = history.backward(lambda: cross_entropy(model(images), labels))
            optimizer.step()
        history.save("training.html")
    """

    def __init__(self, every: int = 10, most: int = 50) -> None:
        super().__init__()
        self.every = whole("TrainingTrace", "every", every, 1)
        self.most = whole("TrainingTrace", "most", most, 1)
        self.step = 0
        self.steps: list[int] = []
        self.losses: list[float] = []

    def backward(self, loss: Callable[[], Tensor]) -> Tensor:
        """Compute the loss and run backward, recorded at every k-th call; returns the loss.

        Raises TypeError for what is no function, ValueError where the program's ops are not those
        of the first trace.
        """
        if isinstance(loss, Tensor) or not callable(loss):
            raise TypeError(
                "TrainingTrace.backward: expected a function that computes the loss, such as "
                f"lambda: cross_entropy(model(x), y), got {type(loss).__name__}"
            )
        keeps = self.step % self.every == 0 and len(self) < self.most
        with record() if keeps else contextlib.nullcontext():
            value = loss()
        if not isinstance(value, Tensor):
            raise TypeError(
                "TrainingTrace.backward: the function must return a Tensor, got "
                f"{type(value).__name__}"
            )
        if keeps:
            found = trace(value)
            if self.traces:
                require_same("TrainingTrace", self.traces[0], found)
            self.traces.append(found)
            self.steps.append(self.step)
            self.losses.append(float(value.detach().numpy()))
            self.labels.append(text("stepLoss", n=self.step, loss=self.losses[-1]))
        else:
            value.backward()
        self.step += 1
        return value

    def __str__(self) -> str:
        rows = [("step", "loss", "largest |gradient|", "smallest", "badges")]
        for step, loss, each in zip(self.steps, self.losses, self.traces, strict=True):
            norms = {leaf.name: leaf.stats.norm for leaf in each.leaves}
            high, low = max(norms, key=norms.__getitem__), min(norms, key=norms.__getitem__)
            kinds = sorted({badge.kind for event in each for badge in event.badges})
            row = (str(step), f"{loss:.6g}", f"{high} {norms[high]:.3g}", f"{low} {norms[low]:.3g}")
            rows.append((*row, ", ".join(kinds)))
        return "\n".join(table(rows))


@dataclass(frozen=True)
class Difference:
    """How one op's gradients differ between two traces; ``relative`` is that of what it sends."""

    step: int
    op: str
    scope: str
    norms: tuple[float, float]  # of the gradients that it sends on
    relative: float  # norm of the difference by the larger norm
    same_arrived: bool  # whether the gradients that arrived and the values were equal


class Comparison(_Series):
    """Two traces aligned op by op: print it, or save it as a page that turns from one to the other.

    ``rows`` has a `Difference` for each op; ``first`` is the first op that got the same in both
    and sends something else, or None.
    """

    def __init__(self, a: Trace, b: Trace, labels: tuple[str, str]) -> None:
        super().__init__()
        require_same("compare", a, b)
        self.labels = list(labels)
        self.traces = [a, b]
        self.rows = [_difference(one, other) for one, other in zip(a, b, strict=True)]

    @property
    def first(self) -> Difference | None:
        """The op to look at: what it was given is equal, what it sends on is not."""
        different = (row for row in self.rows if row.same_arrived and row.relative > 1e-5)
        return next(different, None)

    def _differs(self) -> list[float]:
        return [row.relative for row in self.rows]

    def __str__(self) -> str:
        rows = [("step", "op", "in", *self.labels, "difference")]
        for row in self.rows:
            norms = [f"{norm:.4g}" for norm in row.norms]
            rows.append(
                (str(row.step), row.op, shortened(row.scope, 40), *norms, f"{row.relative:.2%}")
            )
        lines = table(rows)
        if self.first is not None:
            lines.append(f"the first to differ: step {self.first.step}, {self.first.op}")
        return "\n".join(lines)

    __repr__ = __str__


def compare(a: Trace, b: Trace, labels: tuple[str, str] = ("a", "b")) -> Comparison:
    """Two traces of the same program aligned: two learning rates, two initialisations, two rules.

    Returns a `Comparison`. Raises TypeError for what is no Trace, ValueError where the programs'
    ops are not the same.
    Example: ``print(airi.viz.compare(mine, reference, ("mine", "reference")))``.
    """
    for each in (a, b):
        if not isinstance(each, Trace):
            raise TypeError(f"compare: expected two Traces, got {type(each).__name__}")
    is_pair = isinstance(labels, tuple | list) and len(labels) == 2
    if not (is_pair and all(isinstance(each, str) for each in labels)):
        raise TypeError(f"compare: labels must be two strings, got {labels!r}")
    return Comparison(a, b, labels)


def _difference(one: Any, other: Any) -> Difference:
    pairs = [
        (x, y)
        for x, y in zip(one.grads_out, other.grads_out, strict=True)
        if x is not None and y is not None
    ]
    norms = tuple(float(np.sqrt(sum(np.sum(np.abs(p[i]) ** 2.0) for p in pairs))) for i in (0, 1))
    distance = 0.0
    for x, y in pairs:
        distance += float(np.sum(np.abs(x - y) ** 2.0)) if x.shape == y.shape else np.inf
    largest = max(norms)
    relative = float(np.sqrt(distance)) / largest if largest else 0.0
    same = _equal(one.grads_in, other.grads_in) and _equal(one.values_in, other.values_in)
    return Difference(one.step, one.op, one.scope, (norms[0], norms[1]), relative, same)


def _equal(ones: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    """Whether arrays are equal up to rounding."""
    for one, other in zip(ones, others, strict=True):
        if not isinstance(one, np.ndarray) or not isinstance(other, np.ndarray):
            continue
        if one.shape != other.shape or not np.allclose(one, other, rtol=1e-5, atol=1e-7):
            return False
    return True
