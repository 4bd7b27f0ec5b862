"""Is a backward pass healthy: vanishing and exploding gradients, dead units, the birth of a NaN."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.anomaly import broken_kinds
from airi.viz.source import short_source
from airi.viz.statistics import described
from airi.viz.words import text

if TYPE_CHECKING:
    from airi.viz.recording import Outside
    from airi.viz.trace import Event

# Root mean square of a gradient below which float32 training stands still, and above which one
# step of a usual learning rate throws the weights far away.
VANISHING = 1e-8
EXPLODING = 1e3
DEAD = 0.5  # share of units that are 0 for every example of the batch
_RECTIFIERS = ("Relu", "Hardtanh", "Threshold", "Hardshrink", "Softshrink", "Hardsigmoid")


@dataclass(frozen=True)
class Badge:
    """A mark on an op: its kind, and a sentence with the numbers."""

    kind: str  # "vanishing", "exploding", "dead", "nan", "zero", "error"
    text: str
    values: dict[str, Any]


def _badge(kind: str, **values: Any) -> Badge:
    return Badge(kind, text(kind, **values), values)


def badges(event: Event) -> list[Badge]:
    """What is unhealthy about one step."""
    found = []
    if event.error is not None:
        found.append(_badge("error", error=error_text(event.error)))
    sent = [each for each in event.stats_out if each is not None]
    if any(not each.finite for each in sent):
        nan, inf = sum(each.nan for each in sent), sum(each.inf for each in sent)
        found.append(_badge("nan", nan=nan, inf=inf))
    size = sum(each.size for each in sent)
    rms = math.hypot(*(each.norm for each in sent)) / math.sqrt(size) if size else None
    received = any(each is not None and each.norm > 0 for each in event.stats_in)
    if rms == 0 and received and all(each.finite for each in sent):
        found.append(_badge("zero"))
    elif rms is not None and 0 < rms < VANISHING:
        found.append(_badge("vanishing", rms=rms))
    elif rms is not None and rms > EXPLODING:
        found.append(_badge("exploding", rms=rms))
    dead = _dead_units(event)
    if dead is not None:
        count, units = dead
        found.append(_badge("dead", count=count, units=units))
    return found


def error_text(error: Exception) -> str:
    """``ValueError: the first line of its message``."""
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _dead_units(event: Event) -> tuple[int, int] | None:
    """How many units (channels) of a rectifier are 0 for every example, if that is many."""
    out = event.values_out[0] if event.values_out else None
    if event.op not in _RECTIFIERS or out is None or out.ndim < 2 or len(out) < 2:
        return None
    others = tuple(i for i in range(out.ndim) if i != 1)
    dead = int((~out.any(axis=others)).sum())
    return (dead, out.shape[1]) if dead > DEAD * out.shape[1] else None


def bytes_text(count: int) -> str:
    """``12.3 kB``, ``4.56 MB``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} B"


@dataclass(frozen=True)
class Birthplace:
    """Where the first NaN or Inf was made, out of inputs that were finite.

    ``phase`` is "forward", "backward", "update" for an optimizer's step, or "data" where it came in
    from outside the program; ``step`` that of the event, None for what no gradient passes.
    """

    phase: str
    kind: str  # "NaN", "Inf" or "NaN and Inf"
    op: str
    step: int | None
    source: str | None
    scope: str
    inputs: Sequence[str]

    @property
    def where(self) -> str:
        """``train.py:12``, "" where it is not known."""
        return short_source(self.source)

    def __str__(self) -> str:
        where = f" in {self.scope}" if self.scope else ""
        where += f" at {self.where}" if self.source else ""
        head = text(f"birth{self.phase.capitalize()}", kind=self.kind, op=self.op)
        return "\n".join([head + where, *(f"  {each}" for each in self.inputs)])


def birthplace(
    events: list[Event], outside: list[Outside], root: np.ndarray | None
) -> Birthplace | None:
    """The earliest op that made a non-finite value out of finite ones.

    An infinity alone is no fault where the loss and all gradients are finite: masks use it.
    """
    forward = _forward_births(events)
    backward = [_birth(each, "backward") for each in events if _made_in_backward(each)]
    spoiled = any(
        s is not None and not s.finite for e in events for s in (*e.stats_in, *e.stats_out)
    )
    spoiled = spoiled or (root is not None and bool(broken_kinds([root])))
    has_nan = any("NaN" in broken_kinds(each.values_out) for each in events)
    if not (spoiled or has_nan):
        return None
    data = [birth for birth in forward if birth.phase == "data"]
    if data and outside:
        first = outside[0]
        kind = _kind(first.kinds)
        return Birthplace(first.phase, kind, first.op, None, first.source, "", first.inputs)
    births = [*forward, *backward]
    return births[0] if births else None


def _forward_births(events: list[Event]) -> list[Birthplace]:
    births = []
    for event in reversed(events):  # backward visits the newest first
        if not broken_kinds(event.values_out):
            continue
        if not broken_kinds(event.values_in):
            births.append(_birth(event, "forward"))
        elif _comes_from_outside(event) and not _masks(event):
            births.append(_birth(event, "data"))
        elif "NaN" in broken_kinds(event.values_out) and "NaN" not in broken_kinds(event.values_in):
            births.append(_birth(event, "forward"))  # out of infinities: softmax of a masked row
    return births


def _masks(event: Event) -> bool:
    """Whether -inf alone comes in, from a constant, and stays what it is, as in a mask."""
    pairs = zip(event.from_keys, event.values_in, strict=True)
    if any(key.startswith("leaf") and broken_kinds([value]) for key, value in pairs):
        return False
    arrays = [np.asarray(v) for v in event.values_in if isinstance(v, (np.ndarray, float))]
    known = [each for each in arrays if each.dtype.kind in "fc"]
    negative = all((np.isfinite(each) | np.isneginf(each)).all() for each in known if each.size)
    return negative and "NaN" not in broken_kinds(event.values_out)


def _comes_from_outside(event: Event) -> bool:
    """Whether a non-finite input is a leaf or a constant, made by no op of the graph."""
    pairs = zip(event.from_keys, event.values_in, strict=True)
    return any(not key.startswith("op") and broken_kinds([value]) for key, value in pairs)


def _made_in_backward(event: Event) -> bool:
    known = (*event.grads_in, *event.values_in, *event.values_out)
    return bool(broken_kinds(event.grads_out)) and not broken_kinds(known)


def _kind(kinds: frozenset[str]) -> str:
    return next(iter(kinds)) if len(kinds) == 1 else text("both", a="NaN", b="Inf")


def _birth(event: Event, phase: str) -> Birthplace:
    made = {"backward": event.grads_out, "data": event.values_in}.get(phase, event.values_out)
    kind = _kind(broken_kinds(made))
    lines = [
        described(name, value)
        for name, value in zip(event.inputs, event.values_in, strict=True)
        if value is not None
    ]
    if phase == "backward":
        lines += [
            described(f"dL/d{name}", grad)
            for name, grad in zip(event.outputs, event.grads_in, strict=True)
            if grad is not None
        ]
    return Birthplace(phase, kind, event.op, event.step, event.source, event.scope, lines)
