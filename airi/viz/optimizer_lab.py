"""airi's optimizers on a surface that can be seen: their paths, and the parts of every step."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from airi.autograd.mode import enable_grad, no_grad
from airi.dtypes import float64
from airi.ops.creation import tensor
from airi.optim.optimizer import Optimizer
from airi.tensor import Tensor
from airi.viz.arguments import file_path, real_numbers, whole
from airi.viz.surfaces import Box, Point, Surface, surface_of, value_at

# The state in which optimizers keep a mean of gradients, and of their squares.
_MOMENTUM = ("momentum_buffer", "exp_avg")
_SQUARES = ("exp_avg_sq", "square_avg", "sum", "exp_inf")
_FAR = 1e4  # times the size of the picture: what goes there is lost


@dataclass(frozen=True)
class Step:
    """One update: vectors (2,) as the optimizer had them, None for what it does not have.

    ``gradient`` at the point it starts from; ``momentum`` and ``squares``, its running means of
    gradients and of their squares (or their sum); both divided by ``1 - beta**t`` in
    ``corrected_momentum`` and ``corrected_squares``; ``scaled``, momentum (or, without momentum
    and in RMSprop, gradient) over the root of the squares; ``step``, what the parameters moved by.
    """

    gradient: np.ndarray
    momentum: np.ndarray | None
    squares: np.ndarray | None
    corrected_momentum: np.ndarray | None
    corrected_squares: np.ndarray | None
    scaled: np.ndarray | None
    step: np.ndarray


@dataclass
class Run:
    """What one optimizer did: ``path`` (steps + 1, 2), ``losses`` there, ``steps``."""

    name: str
    kind: str
    options: str
    formula: str
    path: np.ndarray
    losses: np.ndarray
    steps: list[Step] = field(default_factory=list)
    diverged: int | None = None  # the step after which it was no longer followed


class OptimizerLab:
    """What `optimizers` gives: ``lab.paths["Adam"]``, ``lab.losses["Adam"]``, ``lab.runs["Adam"]``.

    ``lab.diverged`` has the names of those that went to infinity and the step after which they were
    no longer followed. Saves as a page (``.html``) or an animation (``.gif``).
    """

    def __init__(self, surface: Surface, domain: Box, start: Point, runs: dict[str, Run]) -> None:
        self.surface, self.domain, self.start, self.runs = surface, domain, start, runs

    @property
    def paths(self) -> dict[str, np.ndarray]:
        """The points of each optimizer, (steps + 1, 2)."""
        return {name: run.path for name, run in self.runs.items()}

    @property
    def losses(self) -> dict[str, np.ndarray]:
        """The surface's height at each point, (steps + 1,)."""
        return {name: run.losses for name, run in self.runs.items()}

    @property
    def diverged(self) -> dict[str, int]:
        """Those that went to infinity, and the last step that is still finite."""
        return {n: run.diverged for n, run in self.runs.items() if run.diverged is not None}

    def html(self) -> str:
        """The page as text: step, play, the parts of each update as arrows."""
        from airi.viz.optimizer_page import page

        return page(self)

    def save(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write the page (``.html``) or an animation (``.gif``, which needs airi[plot]).

        A GIF takes ``frames`` (at most so many, 60) and ``fps`` (12). Raises ValueError for another
        ending.
        """
        from airi.utils.files import replacing

        target = file_path("optimizers", path)
        ending = target.suffix.lower()
        if ending == ".gif":
            from airi.viz.optimizer_gif import save

            save(self, target, **options)
            return target
        if ending not in (".html", ".htm"):
            raise ValueError(
                f"optimizers: cannot save {target.name!r}: the ending must be .html or .gif"
            )
        if options:
            raise TypeError(f"optimizers: {', '.join(options)} is for .gif only")
        content = self.html()
        with replacing(target) as file:
            file.write(content.encode())
        return target

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the page in a frame of its own."""
        from airi.viz.pages import framed

        return {
            "text/plain": str(self),
            "text/html": framed(self.html(), "airi: optimizers on a surface"),
        }

    def __repr__(self) -> str:
        return f"<airi.viz.OptimizerLab of {', '.join(self.runs)} on {self.surface.name}>"

    def __str__(self) -> str:
        from airi.viz.profile import table

        rows: list[tuple[str, ...]] = [("optimizer", "steps", "end", "loss", "")]
        for run in self.runs.values():
            x, y = run.path[-1]
            note = "" if run.diverged is None else f"diverged after step {run.diverged}"
            rows.append(
                (
                    run.name,
                    str(len(run.steps)),
                    f"({x:.4g}, {y:.4g})",
                    f"{run.losses[-1]:.4g}",
                    note,
                )
            )
        return "\n".join(table(rows))


def optimizers(
    surface: str | Surface | Callable[[Tensor, Tensor], Tensor],
    makers: Mapping[str, Callable[[list[Tensor]], Optimizer]],
    *,
    start: Point | None = None,
    steps: int = 60,
    domain: Box | None = None,
) -> OptimizerLab:
    """Let several optimizers go down one surface from the same point, and keep all they did.

    `surface` is ``"saddle"``, ``"valley"``, ``"beale"``, ``"rosenbrock"``, ``"himmelblau"`` or your
    own function of two tensors, written with airi's operations. `makers` gives each optimizer its
    name: a function of the list of parameters, such as ``lambda p: airi.optim.SGD(p, lr=0.1)``; it
    is made and stepped as in any training, in float64. `domain` is the part that is shown,
    ``((x0, x1), (y0, y1))``. An optimizer that goes to infinity is followed as long as it is
    finite. Raises TypeError and ValueError for what fits not. Example::

        lab = airi.viz.optimizers("rosenbrock", {
            "SGD": lambda p: airi.optim.SGD(p, lr=5e-4, momentum=0.9),
            "Adam": lambda p: airi.optim.Adam(p, lr=0.1),
        })
        lab.save("optimizers.html")
    """
    shown = surface_of(surface)
    first = start if start is not None else shown.start
    if first is None:
        raise ValueError("optimizers: a function of your own needs start=(x, y)")
    x, y = real_numbers("optimizers", "start", first, (2,), "two numbers (x, y)")
    point = (float(x), float(y))
    steps = whole("optimizers", "steps", steps, 1)
    _require_makers(makers)
    box = shown.domain if domain is None else _box(domain)
    reach = 10.0 if box is None else max(high - low for low, high in box)
    with enable_grad():
        runs = {
            name: _run(shown, name, maker, point, steps, reach) for name, maker in makers.items()
        }
    if box is None:
        box = _around(point, runs)
    return OptimizerLab(shown, box, point, runs)


def _require_makers(makers: Any) -> None:
    expected = (
        "optimizers: expected a dict of names and functions that make an Optimizer, such as "
        "{'SGD': lambda p: airi.optim.SGD(p, lr=0.1)}"
    )
    if not isinstance(makers, Mapping):
        raise TypeError(f"{expected}, got {type(makers).__name__}")
    if not makers:
        raise ValueError(f"{expected}, got an empty one")
    for name, maker in makers.items():
        if not isinstance(name, str) or isinstance(maker, Tensor) or not callable(maker):
            raise TypeError(f"{expected}; {name!r} is given {type(maker).__name__}")


def _box(domain: Any) -> Box:
    form = "((x0, x1), (y0, y1)) with x0 < x1 and y0 < y1"
    array = real_numbers("optimizers", "domain", domain, (2, 2), form)
    (left, right), (low, high) = array.tolist()
    if not (left < right and low < high):
        raise ValueError(f"optimizers: domain must be {form}, got {domain!r}")
    return (left, right), (low, high)


def _run(surface: Surface, name: str, maker: Any, start: Point, steps: int, reach: float) -> Run:
    p = tensor(start, dtype=float64, requires_grad=True)
    optimizer = maker([p])
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"optimizers: {name!r} must make an Optimizer of the parameters, got "
            f"{type(optimizer).__name__}"
        )
    gradients: list[np.ndarray] = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = value_at(surface, p[0], p[1])
        loss.backward()
        gradients.append(np.array(0.0 * p._array if p.grad is None else p.grad.numpy()))
        return loss

    path, losses, updates = [np.array(start)], [_height(surface, p)], []
    diverged = None
    for number in range(steps):
        gradients.clear()
        closure()  # for those whose step() leaves that to the training loop
        optimizer.step(closure)
        after = np.array(p.detach().numpy())
        height = _height(surface, p)
        if not (np.isfinite(after).all() and np.isfinite(height)) or (
            np.abs(after).max() > _FAR * reach
        ):
            diverged = number
            break
        updates.append(_parts(optimizer, p, gradients[0], after - path[-1]))
        path.append(after)
        losses.append(height)
    kind = type(optimizer).__name__
    run = Run(
        name, kind, _options(optimizer), _formula(optimizer), np.array(path), np.array(losses)
    )
    run.steps, run.diverged = updates, diverged
    return run


def _height(surface: Surface, p: Tensor) -> float:
    with no_grad():
        return float(value_at(surface, p[0], p[1]).item())


def _parts(optimizer: Optimizer, p: Tensor, gradient: np.ndarray, step: np.ndarray) -> Step:
    state, group = optimizer.state.get(p, {}), optimizer.param_groups[0]
    momentum, squares = _kept(state, _MOMENTUM), _kept(state, _SQUARES)
    if optimizer.param_groups[0].get("maximize"):
        gradient = -gradient
    corrected, corrected_squares = None, None
    betas, count = group.get("betas"), state.get("step")
    if betas is not None and count is not None:
        beta1, beta2 = (float(each) for each in betas)
        t = float(count)
        corrected = None if momentum is None else momentum / (1 - beta1**t)
        if "exp_avg_sq" in state and squares is not None:
            corrected_squares = squares / (1 - beta2**t)
    scaled = None
    if squares is not None:
        top = next(each for each in (corrected, momentum, gradient) if each is not None)
        below = corrected_squares if corrected_squares is not None else squares
        if "square_avg" in state:  # RMSprop's momentum is of what is divided already
            top = gradient
        mean = _kept(state, ("grad_avg",))
        if mean is not None:
            below = np.maximum(below - mean**2, 0)
        root = below if "exp_inf" in state else np.sqrt(below)
        scaled = top / (root + float(group.get("eps", 0.0) or 0.0) + 1e-300)
    return Step(gradient, momentum, squares, corrected, corrected_squares, scaled, step)


def _kept(state: Mapping[str, Any], names: tuple[str, ...]) -> np.ndarray | None:
    for name in names:
        value = state.get(name)
        if isinstance(value, Tensor) and tuple(value.shape) == (2,):
            return np.array(value.detach().numpy())
    return None


def _options(optimizer: Optimizer) -> str:
    """The options that are not the class's defaults, and the learning rate: ``lr=0.1``."""
    defaults = inspect.signature(type(optimizer)).parameters
    told = []
    for name, value in optimizer.defaults.items():
        usual = defaults[name].default if name in defaults else None
        if name == "lr" or (value != usual and isinstance(value, (int, float, bool, tuple, str))):
            told.append(f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}")
    return ", ".join(told)


def _formula(optimizer: Optimizer) -> str:
    """The formula in the class's own docstring: its first indented lines, or a simpler one."""
    text = inspect.getdoc(type(optimizer)) or ""
    simpler = re.search(r"Without momentum ``(.*?)``", text)
    if simpler and optimizer.defaults.get("momentum") == 0:
        return simpler[1]
    lines = text.splitlines()
    found: list[str] = []
    for line in lines:
        if line.startswith("    "):
            found += re.split(" {3,}", line.strip())  # formulas side by side
        elif found and line.strip():
            break
    return "\n".join(each for each in found if "=" in each)


def _around(start: Point, runs: Mapping[str, Run]) -> Box:
    """The box around what did not diverge, with a margin, and not too narrow a picture."""
    kept = [run.path for run in runs.values() if run.diverged is None]
    points = np.concatenate([np.array([start]), *kept])
    low, high = points.min(axis=0), points.max(axis=0)
    middle = (low + high) / 2
    half = np.maximum((high - low) / 2, 1.0) * 1.35
    half = np.maximum(half, [half[1] * 1.0, half[0] * 0.6])
    ends = [(float(m - h), float(m + h)) for m, h in zip(middle, half, strict=True)]
    return ends[0], ends[1]
