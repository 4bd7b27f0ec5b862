"""The optimizer lab as an animation for slides: paths on the surface, and their losses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.viz.animation import INK, LINE, SOFT, figure, save_gif
from airi.viz.surfaces import heights, levels

if TYPE_CHECKING:
    from airi.viz.optimizer_lab import OptimizerLab

COLOURS = ("#d1495b", "#0b63ce", "#e08e00", "#1f8a5b", "#7b4fc9", "#0a9396", "#b5477f", "#5a6472")
MARKERS = "os^DpHv8"
_LOW, _HIGH = np.array([0.69, 0.80, 0.93]), np.array([0.99, 0.99, 0.98])


def save(lab: OptimizerLab, path: Path, *, frames: int = 60, fps: int = 12) -> None:
    """Write the GIF: at most `frames` pictures, `fps` in a second."""
    if frames < 1 or fps < 1:
        raise ValueError(f"optimizers: frames and fps must be at least 1, got {frames} and {fps}")
    most = max(len(run.steps) for run in lab.runs.values())
    count = min(frames, most + 1)
    places = np.linspace(0, most, count).round().astype(int)
    scene = _Scene(lab)
    colours = [*COLOURS[: len(lab.runs)], *scene.bands]
    save_gif(
        scene.figure, lambda number: scene.show(int(places[number])), count, fps, path, colours
    )


class _Scene:
    def __init__(self, lab: OptimizerLab) -> None:
        self.lab = lab
        self.bands: list[str] = []
        self.figure = figure(9.6, 4.8)
        self.plot, self.chart = self.figure.subplots(
            1, 2, width_ratios=[1.6, 1],
            gridspec_kw={"left": 0.06, "right": 0.98, "top": 0.9, "bottom": 0.12, "wspace": 0.22},
        )  # fmt: skip
        self._surface()
        self._chart()
        self.lines = [self._run(number) for number in range(len(lab.runs))]
        self.plot.legend(loc="upper right", fontsize=10, framealpha=0.9, edgecolor=LINE)
        self.title = self.figure.text(0.06, 0.935, "", fontsize=14, color=INK)

    def _surface(self) -> None:
        from matplotlib.colors import to_hex

        values = heights(self.lab.surface, self.lab.domain)
        (left, right), (low, high) = self.lab.domain
        x = np.linspace(left, right, values.shape[1])
        y = np.linspace(low, high, values.shape[0])
        lines = levels(values)
        if len(lines) > 1:
            share = np.linspace(0, 1, len(lines) + 1)[:, None]
            self.bands = [to_hex(each) for each in (1 - share) * _LOW + share * _HIGH]
            self.plot.contourf(x, y, values, lines, colors=self.bands, extend="both")
            self.plot.contour(
                x, y, values, lines, colors="#96a8be", linewidths=0.6, linestyles="solid"
            )
        for point in self.lab.surface.minima:
            self.plot.plot(*point, marker="+", color=INK, markersize=11, markeredgewidth=2)
        self.plot.set(xlim=(left, right), ylim=(low, high), aspect="equal")
        self.plot.tick_params(colors=SOFT, labelsize=9)

    def _chart(self) -> None:
        losses = np.concatenate([run.losses for run in self.lab.runs.values()])
        if losses.min() > 0:
            self.chart.set_yscale("log")
        else:
            self.chart.set_yscale("symlog")
        first = max(run.losses[0] for run in self.lab.runs.values())
        most = max(len(run.steps) for run in self.lab.runs.values())
        top = min(losses.max(), 100 * max(abs(first), 1e-12))
        bottom = max(losses.min(), 1e-12) if losses.min() > 0 else max(losses.min(), -100 * first)
        self.chart.set(xlim=(0, most), ylim=(bottom, top * 1.1), xlabel="step")
        self.chart.set_title("loss", fontsize=12, color=INK, loc="left")
        self.chart.tick_params(colors=SOFT, labelsize=9)
        self.chart.grid(alpha=0.3)
        self.chart.spines[["top", "right"]].set_visible(False)

    def _run(self, number: int) -> tuple[Any, Any, Any]:
        name = list(self.lab.runs)[number]
        colour = COLOURS[number % len(COLOURS)]
        end = {"marker": MARKERS[number % len(MARKERS)], "markeredgecolor": "white"}
        (trail,) = self.plot.plot([], [], color=colour, linewidth=2)
        (head,) = self.plot.plot(
            [],
            [],
            color=colour,
            markersize=9,
            linewidth=2,
            label=name[:40].replace("$", r"\$"),
            **end,
        )
        (loss,) = self.chart.plot([], [], color=colour, linewidth=2)
        return trail, head, loss

    def show(self, step: int) -> list[Any]:
        for run, (trail, head, loss) in zip(self.lab.runs.values(), self.lines, strict=True):
            at = min(step, len(run.steps))
            trail.set_data(run.path[: at + 1, 0], run.path[: at + 1, 1])
            x, y = np.clip(run.path[at], *np.array(self.lab.domain).T)  # those that left: the edge
            head.set_data([x], [y])
            loss.set_data(np.arange(at + 1), run.losses[: at + 1])
        self.title.set_text(f"{self.lab.surface.name}, step {step}".replace("$", r"\$"))
        return [self.title, *(each for lines in self.lines for each in lines)]
