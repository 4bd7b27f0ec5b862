"""The replay as a page: a trace's events, the layout of its graph and samples of its tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from airi.viz import pages
from airi.viz.drawing import placed
from airi.viz.health import error_text
from airi.viz.layout import SECONDS
from airi.viz.pages import plain, spoken
from airi.viz.picture import Picture
from airi.viz.rules import shape_text
from airi.viz.sampling import CELLS, number, sampled
from airi.viz.trace import Event, Trace

SCRIPTS = (
    "player.js",
    "heatmap.js",
    "graph.js",
    "frame.js",
    "predict.js",
    "panel.js",
    "replay.js",
)


def page(
    snapshots: Sequence[tuple[str, Trace]],
    seconds: float = SECONDS,
    differs: Sequence[float] | None = None,
) -> str:
    """The page's text, of one trace or of several of the same graph, each with a label.

    `seconds` limits the layout; `differs` says of each step by how much two traces differ. Raises
    ValueError where the graphs differ.
    """
    picture = _plain_picture(snapshots[0][1].picture)
    data = pages.graph_data(picture, placed(picture, "TB", seconds))
    events = {event.key: event for event in snapshots[0][1]}
    for box, shown in zip(picture.boxes, data["boxes"], strict=True):
        event = events.get(box.key)
        shown["step"] = None if event is None else event.step
    tensors = _Tensors(CELLS if len(snapshots) < 3 else CELLS // 4)
    for _, trace in snapshots[1:]:
        require_same("page", snapshots[0][1], trace)
    data["snapshots"] = [
        {"label": spoken(label), **_Data(trace, tensors).all()} for label, trace in snapshots
    ]
    for shown, (_, trace) in zip(data["snapshots"][1:], snapshots[1:], strict=True):
        shown["lines"] = _other_lines(picture, trace.picture)
    data["tensors"] = tensors.samples
    if differs is not None:
        data["differs"] = [number(each) for each in differs]
    return pages.assemble("replay.html", ["replay.css"], SCRIPTS, ["graph", "replay"], data)


def _other_lines(picture: Picture, other: Picture) -> dict[int, list[Any]]:
    """What boxes say in another trace where that is not what they say here, as the loss's value."""
    return {
        number: [spoken(line) for line in theirs.lines]
        for number, (ours, theirs) in enumerate(zip(picture.boxes, other.boxes, strict=True))
        if ours.kind == "result" and ours.lines != theirs.lines
    }


def require_same(function: str, one: Trace, other: Trace) -> None:
    """ValueError where two traces are not of the same ops in the same order."""
    ops = [[event.op for event in trace] for trace in (one, other)]
    boxes = [[box.kind for box in trace.picture.boxes] for trace in (one, other)]
    if ops[0] == ops[1] and boxes[0] == boxes[1]:
        return
    at = next((i for i, (a, b) in enumerate(zip(*ops, strict=False)) if a != b), min(map(len, ops)))
    names = [each[at] if at < len(each) else "nothing" for each in ops]
    raise ValueError(
        f"{function}: the graphs differ at step {at}: {names[0]} in one, {names[1]} in the other"
    )


def framed(text: str) -> str:
    """The page inside a notebook."""
    return pages.framed(text, "airi: the backward pass, step by step")


class _Tensors:
    """Samples of tensors, each once, also where several traces share it."""

    def __init__(self, most: int) -> None:
        self.most = most  # values of one tensor
        self.samples: list[dict[str, Any]] = []
        self._known: dict[Any, int] = {}

    def number(self, value: Any) -> int | str | None:
        """The number of a tensor's sample; numbers and the like as text."""
        if value is None:
            return None
        if not isinstance(value, np.ndarray):
            return plain(repr(value), 40)
        if value.dtype.kind not in "fVcbiu":
            return str(value.dtype)
        sample = sampled(value, self.most)
        key = (sample["data"], sample["dtype"], *sample["shape"], *sample["stats"])
        if key not in self._known:
            self._known[key] = len(self.samples)
            self.samples.append(sample)
        return self._known[key]


class _Data:
    """What the page's scripts read of one trace."""

    def __init__(self, trace: Trace, tensors: _Tensors) -> None:
        self.trace = trace
        self._tensor = tensors.number
        self.boxes = {box.key: number for number, box in enumerate(trace.picture.boxes)}
        self.events = {event.key: event for event in trace}

    def all(self) -> dict[str, Any]:
        birth = self.trace.birthplace
        return {
            "norms": list(self._norms()),
            "events": [self._event(event) for event in self.trace],
            "leaves": self._leaves(),
            "birth": None if birth is None else _birth(birth),
            "stop": self._stop(),
        }

    def _stop(self) -> dict[str, Any] | None:
        """The error that ended backward, and the step that raised it, if it was one of these."""
        error = self.trace.error
        if error is None:
            return None
        raised = next((event for event in self.trace if event.error is not None), None)
        return {
            "error": plain(error_text(error), 300),
            "step": None if raised is None else raised.step,
        }

    def _norms(self) -> Iterator[float | str | None]:
        """The norm of the gradient on each arrow."""
        taken: dict[tuple[str, str], int] = {}
        for source, target, _ in self.trace.picture.arrows:
            nth = taken.get((source, target), 0)
            taken[source, target] = nth + 1
            yield self._norm(source, target, nth)

    def _norm(self, source: str, target: str, nth: int) -> float | str | None:
        """The norm of the gradient that passes an edge: what `target` sends to `source`."""
        event = self.events.get(target)
        if event is None and not target.startswith("result"):
            return None  # no gradient got there
        if event is None:
            start = self.events.get(source)
            known = () if start is None else start.stats_in
            return next((number(each.norm) for each in known if each is not None), None)
        inputs = [i for i, key in enumerate(event.from_keys) if key == source]
        stats = event.stats_out[inputs[nth]] if nth < len(inputs) else None
        if stats is None:
            return None
        return number(stats.norm) if stats.finite else "nan"

    def _event(self, event: Event) -> dict[str, Any]:
        return {
            "op": plain(event.op),
            "box": self.boxes.get(event.key),
            "rule": _rule(event),
            "scope": plain(event.scope),
            "where": plain(event.where),
            "line": plain(event.line, 200),
            "attributes": [
                f"{name}={plain(repr(value), 40)}"
                for name, value in event.attributes.items()
                if isinstance(value, (int, float, str, bool, tuple, list, np.dtype, type(None)))
            ],
            "inputs": [self._input(event, i) for i in range(len(event.inputs))],
            "outputs": [self._output(event, i) for i in range(len(event.outputs))],
            "ms": [
                None if event.seconds_forward is None else number(event.seconds_forward * 1e3),
                number(event.seconds_backward * 1e3),
            ],
            "saved": event.bytes_saved,
            "badges": [[badge.kind, spoken(badge.text, 300)] for badge in event.badges],
            "check": self._check(event),
        }

    def _input(self, event: Event, i: int) -> dict[str, Any]:
        shape = event.shapes_in[i]
        return {
            "name": plain(event.inputs[i]),
            "shape": None if shape is None else spoken(shape_text(shape)),
            "from": self.boxes.get(event.from_keys[i]),
            "value": self._tensor(event.values_in[i]),
            "grad": self._tensor(event.grads_out[i]),
            "undone": list(event.undone.get(i, ())),
        }

    def _output(self, event: Event, i: int) -> dict[str, Any]:
        return {
            "name": plain(event.outputs[i]),
            "shape": spoken(shape_text(event.shapes_out[i])),
            "value": self._tensor(event.values_out[i]),
            "grad": self._tensor(event.grads_in[i]),
            "uses": event.arrivals[i],
        }

    def _check(self, event: Event) -> dict[str, Any] | None:
        report = self.trace.report
        if report is None:
            return None
        finding = report.findings[event.step]
        return {
            "verdict": finding.verdict,
            "input": plain(finding.input),
            "analytic": number(finding.analytic),
            "numeric": number(finding.numeric),
            "reason": spoken(finding.reason, 300),
        }

    def _leaves(self) -> list[dict[str, Any]]:
        return [
            {
                "name": spoken(leaf.name),
                "boxes": [self.boxes[key] for key in leaf.keys if key in self.boxes],
                "grad": self._tensor(leaf.grad),
                "value": self._tensor(leaf.value),
            }
            for leaf in self.trace.leaves
        ]


def _rule(event: Event) -> list[list[Any]]:
    """The formula's pieces in English and, where they differ, in Portuguese.

    A piece is its text, or its text and shape; in Portuguese the place of the same in English.
    """
    english, portuguese = (
        [[plain(text, 200), spoken(shape)] if shape else plain(text, 200) for text, shape in parts]
        for parts in (event.rule_parts, event.rule_parts_in_portuguese)
    )
    if portuguese == english:
        return [english]
    return [english, [english.index(each) if each in english else each for each in portuguese]]


def _plain_picture(picture: Picture) -> Picture:
    """The picture with two lines in an op's box: its attributes stand in the panel."""
    boxes = [
        replace(box, lines=box.lines[:2]) if box.kind == "op" else box for box in picture.boxes
    ]
    return replace(picture, boxes=boxes)


def _birth(birth: Any) -> dict[str, Any]:
    return {
        "phase": birth.phase,
        "kind": spoken(birth.kind),
        "op": plain(birth.op),
        "step": birth.step,
        "where": plain(birth.where),
        "inputs": [spoken(each, 200) for each in birth.inputs],
    }
