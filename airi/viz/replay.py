"""The replay as a page: a trace's events, the layout of its graph and samples of its tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from airi.viz import pages
from airi.viz.drawing import as_dot
from airi.viz.layout import Layout, positions
from airi.viz.pages import plain
from airi.viz.picture import Picture
from airi.viz.rules import shape_text
from airi.viz.sampling import number, sampled
from airi.viz.trace import Event, Trace

SCRIPTS = ("words.js", "heatmap.js", "graph.js", "frame.js", "panel.js", "replay.js")


def page(trace: Trace, seconds: float = 60.0) -> str:
    """The page's text. `seconds` limits the layout."""
    return pages.assemble("replay.html", ["replay.css"], SCRIPTS, _Data(trace, seconds).all())


def framed(text: str) -> str:
    """The page inside a notebook."""
    return pages.framed(text, "airi: the backward pass, step by step")


class _Data:
    """What the page's scripts read."""

    def __init__(self, trace: Trace, seconds: float) -> None:
        self.trace = trace
        self.picture = _plain_picture(trace.picture)
        self.layout: Layout = positions(as_dot(self.picture, "TB"), seconds)
        self.tensors: list[dict[str, Any]] = []
        self._known: dict[Any, int] = {}
        self.boxes = {box.key: number for number, box in enumerate(self.picture.boxes)}
        self.events = {event.key: event for event in trace}

    def all(self) -> dict[str, Any]:
        birth = self.trace.birthplace
        data = pages.graph_data(self.picture, self.layout)
        for box, shown in zip(self.picture.boxes, data["boxes"], strict=True):
            event = self.events.get(box.key)
            shown["step"] = None if event is None else event.step
        for edge, norm in zip(data["edges"], self._norms(), strict=True):
            edge["norm"] = norm
        return data | {
            "events": [self._event(event) for event in self.trace],
            "leaves": self._leaves(),
            "birth": None if birth is None else _birth(birth),
            "tensors": self.tensors,
        }

    def _tensor(self, value: Any) -> int | str | None:
        """The number of a tensor's sample; numbers and the like as text."""
        if value is None:
            return None
        if not isinstance(value, np.ndarray):
            return plain(repr(value), 40)
        if value.dtype.kind not in "fVcbiu":
            return str(value.dtype)
        sample = sampled(value)
        key = (sample["data"], sample["dtype"], *sample["shape"], *sample["stats"])
        if key not in self._known:
            self._known[key] = len(self.tensors)
            self.tensors.append(sample)
        return self._known[key]

    def _norms(self) -> Iterator[float | str | None]:
        """The norm of the gradient on each arrow."""
        taken: dict[tuple[str, str], int] = {}
        for source, target, _ in self.picture.arrows:
            nth = taken.get((source, target), 0)
            taken[source, target] = nth + 1
            yield self._norm(source, target, nth)

    def _norm(self, source: str, target: str, nth: int) -> float | str | None:
        """The norm of the gradient that passes an edge: what `target` sends to `source`."""
        event = self.events.get(target)
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
            "rule": [[plain(text, 200), shape] for text, shape in event.rule_parts],
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
            "badges": [
                [badge.kind, {name: number(value) for name, value in badge.values.items()}]
                for badge in event.badges
            ],
            "check": self._check(event),
        }

    def _input(self, event: Event, i: int) -> dict[str, Any]:
        shape = event.shapes_in[i]
        return {
            "name": plain(event.inputs[i]),
            "shape": None if shape is None else shape_text(shape),
            "from": self.boxes.get(event.from_keys[i]),
            "value": self._tensor(event.values_in[i]),
            "grad": self._tensor(event.grads_out[i]),
            "undone": list(event.undone.get(i, ())),
        }

    def _output(self, event: Event, i: int) -> dict[str, Any]:
        return {
            "name": plain(event.outputs[i]),
            "shape": shape_text(event.shapes_out[i]),
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
        }

    def _leaves(self) -> list[dict[str, Any]]:
        return [
            {
                "name": plain(leaf.name),
                "boxes": [self.boxes[key] for key in leaf.keys if key in self.boxes],
                "grad": self._tensor(leaf.grad),
                "value": self._tensor(leaf.value),
            }
            for leaf in self.trace.leaves
        ]


def _plain_picture(picture: Picture) -> Picture:
    """The picture with two lines in an op's box: its attributes stand in the panel."""
    boxes = [
        replace(box, lines=box.lines[:2]) if box.kind == "op" else box for box in picture.boxes
    ]
    return replace(picture, boxes=boxes)


def _birth(birth: Any) -> dict[str, Any]:
    return {
        "phase": birth.phase,
        "kind": birth.kind,
        "op": plain(birth.op),
        "step": birth.step,
        "where": plain(birth.where),
        "inputs": [plain(each, 200) for each in birth.inputs],
    }
