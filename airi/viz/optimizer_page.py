"""The optimizer lab as a page: heights, paths and the parts of each update."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.viz import pages
from airi.viz.sampling import number
from airi.viz.surfaces import SURFACES, Surface, heights, levels
from airi.viz.words import in_portuguese, text

if TYPE_CHECKING:
    from airi.viz.optimizer_lab import OptimizerLab, Run

SCRIPTS = ("player.js", "optimizers.js")
STYLES = ("replay.css", "convolution.css", "optimizers.css")


def page(lab: OptimizerLab) -> str:
    """The page's text."""
    values = heights(lab.surface, lab.domain)
    with np.errstate(over="ignore"):
        data = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return pages.assemble(
        "optimizers.html",
        STYLES,
        SCRIPTS,
        ["optimizers"],
        {
            "surface": pages.spoken(_name(lab.surface)),
            "domain": [list(ends) for ends in lab.domain],
            "rows": values.shape[0],
            "columns": values.shape[1],
            "heights": base64.b64encode(data).decode(),
            "levels": [number(each) for each in levels(values)],
            "minima": [list(each) for each in lab.surface.minima],
            "steps": max(len(run.steps) for run in lab.runs.values()),
            "runs": [_run(run) for run in lab.runs.values()],
        },
    )


def _name(surface: Surface) -> str:
    """The surface's name, which the page translates where it is airi's own."""
    if surface.name == "<lambda>":
        return text("ownSurface")
    is_own = SURFACES.get(surface.name) is surface
    return text(surface.name) if is_own else surface.name


def _run(run: Run) -> dict[str, Any]:
    parts = ("gradient", "momentum", "squares", "corrected_momentum", "corrected_squares", "scaled")
    return {
        "name": pages.plain(run.name, 40),
        "kind": pages.plain(run.kind, 40),
        "options": pages.plain(run.options),
        "formula": [
            [pages.plain(line, 120) for line in formula.splitlines()]
            for formula in (run.formula, in_portuguese(run.formula))
        ],
        "path": [[number(x) for x in point] for point in run.path],
        "losses": [number(each) for each in run.losses],
        "diverged": run.diverged,
        "labels": _labels(run),
        "parts": {
            name: [_vector(getattr(step, name)) for step in run.steps]
            for name in (*parts, "step")
            if any(getattr(step, name) is not None for step in run.steps)
        },
    }


def _labels(run: Run) -> dict[str, str]:
    """The words for parts that are not what they usually are."""
    labels = {}
    if run.kind in ("Adagrad", "Adamax"):
        labels["squares"] = {"Adagrad": "sum_of_squares", "Adamax": "largest_size"}[run.kind]
    if run.kind == "RMSprop" or all(step.momentum is None for step in run.steps):
        labels["scaled"] = "scaled_gradient"
    return labels


def _vector(value: np.ndarray | None) -> list[float | str] | None:
    return None if value is None else [number(each) for each in value]
