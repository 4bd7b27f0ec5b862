"""grade: the answers that a learner saved in the replay page, held against the trace."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from airi.viz.arguments import positive
from airi.viz.profile import table
from airi.viz.series import Comparison, TrainingTrace
from airi.viz.trace import Event, Trace


@dataclass(frozen=True)
class Mark:
    """One answer: what was asked ("shape", "sign" or "value"), said and true."""

    step: int
    op: str
    input: str
    asked: str
    said: Any
    true: Any
    right: bool


class Grade:
    """The marks of one file of answers; ``right`` of ``total``."""

    def __init__(self, marks: list[Mark]) -> None:
        self.marks = marks

    @property
    def right(self) -> int:
        """How many answers are right."""
        return sum(mark.right for mark in self.marks)

    @property
    def total(self) -> int:
        """How many answers there are."""
        return len(self.marks)

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [("step", "op", "gradient of", "asked", "said", "true", "")]
        for mark in self.marks:
            cells = (
                str(mark.step),
                mark.op,
                mark.input,
                mark.asked,
                str(mark.said),
                str(mark.true),
            )
            rows.append((*cells, "right" if mark.right else "wrong"))
        return "\n".join([*table(rows), f"{self.right} of {self.total} right"])

    __repr__ = __str__


def grade(
    file: str | os.PathLike[str], trace: Trace | TrainingTrace | Comparison, rtol: float = 0.01
) -> Grade:
    """Grade the answers of predict mode, which the page of `trace` has saved as `file` (JSON).

    In place of a file its text can be given, which a notebook shows to be copied. Sign and value
    are those of the gradient's first element; a value may be off by `rtol` of it.
    Every answer is looked up in the trace itself. Returns a `Grade`. Raises TypeError for other
    arguments, ValueError where the answers are none, or not of this trace.
    """
    if not isinstance(trace, Trace | TrainingTrace | Comparison):
        raise TypeError(f"grade: expected a Trace to grade against, got {type(trace).__name__}")
    rtol = positive("grade", "rtol", rtol)
    marks: list[Mark] = []
    for answer in _answers(*_content(file)):
        event, at = _find(answer, _snapshot(answer, trace))
        sent = event.grads_out[at]
        assert sent is not None
        first = float(sent.reshape(-1)[0].real) if sent.size else 0.0
        truth = {"shape": tuple(sent.shape), "sign": _sign(first), "value": first}
        for asked, true in truth.items():
            if asked not in answer:
                continue
            said = answer[asked]
            if asked == "value":
                right = bool(np.isclose(said, first, rtol=rtol, atol=1e-6))
            else:
                said = tuple(said) if asked == "shape" else said
                right = said == true
            marks.append(Mark(event.step, event.op, event.inputs[at], asked, said, true, right))
    return Grade(marks)


def _content(file: Any) -> tuple[str, bytes]:
    """What to call it in messages, and its text."""
    if isinstance(file, str) and file.lstrip().startswith("{"):
        return "the text", file.encode()
    if not isinstance(file, str | os.PathLike):
        raise TypeError(
            f"grade: expected the path of a file of answers, or its text, got {type(file).__name__}"
        )
    path = Path(file)
    return repr(path.name), path.read_bytes()


def _answers(name: str, content: bytes) -> list[dict[str, Any]]:
    try:
        found = json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"grade: {name} is no JSON: {error}") from None
    answers = found.get("answers") if isinstance(found, dict) else None
    if not isinstance(answers, list) or not all(map(_is_answer, answers)):
        raise ValueError(f"grade: {name} is no file of answers saved in predict mode")
    return answers


def _is_answer(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("step"), int):
        return False
    shape = value.get("shape", [])
    return (
        isinstance(shape, list)
        and all(isinstance(size, int) for size in shape)
        and value.get("sign", "0") in ("+", "-", "0")
        and isinstance(value.get("value", 0), (int, float))
    )


def _snapshot(answer: dict[str, Any], trace: Trace | TrainingTrace | Comparison) -> Trace:
    """The trace that an answer is about, where the page shows several."""
    number = answer.get("snapshot")
    if isinstance(trace, Trace):
        if number is None:
            return trace
        raise ValueError("grade: the answers are about several traces: give what made their page")
    if isinstance(number, int) and 0 <= number < len(trace):
        return trace[number]
    if number is None and len(trace) == 1:
        return trace[0]
    raise ValueError(f"grade: there is no trace {number} among {len(trace)}")


def _find(answer: dict[str, Any], trace: Trace) -> tuple[Event, int]:
    step, op, name = answer["step"], answer.get("op"), answer.get("input")
    if 0 <= step < len(trace):
        event = trace[step]
        if event.op == op and name in event.inputs:
            at = event.inputs.index(name)
            if event.grads_out[at] is not None:
                return event, at
    raise ValueError(f"grade: this trace has no gradient of {name!r} by {op!r} at step {step}")


def _sign(value: float) -> str:
    return "+" if value > 0 else "-" if value < 0 else "0"
