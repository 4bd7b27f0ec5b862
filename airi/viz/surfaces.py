"""Functions of two variables on which optimizers are watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from airi.autograd.mode import no_grad
from airi.dtypes import float64
from airi.ops.creation import tensor
from airi.tensor import Tensor

Box = tuple[tuple[float, float], tuple[float, float]]
Point = tuple[float, float]


@dataclass(frozen=True)
class Surface:
    """A function f(x, y) written with airi's ops, what part of it is shown, and its minima."""

    name: str
    function: Callable[[Any, Any], Any]
    domain: Box | None = None
    start: Point | None = None
    minima: tuple[Point, ...] = ()


def _saddle(x: Any, y: Any) -> Any:
    return x**2 - y**2


def _valley(x: Any, y: Any) -> Any:
    return 0.5 * (x**2 + 25 * y**2)


def _beale(x: Any, y: Any) -> Any:
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def _rosenbrock(x: Any, y: Any) -> Any:
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def _himmelblau(x: Any, y: Any) -> Any:
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


SURFACES = {
    each.name: each
    for each in (
        Surface("saddle", _saddle, ((-2.0, 2.0), (-1.6, 1.6)), (-1.6, 0.02)),
        Surface("valley", _valley, ((-5.0, 1.5), (-2.2, 2.2)), (-4.5, 1.5), ((0.0, 0.0),)),
        Surface("beale", _beale, ((-1.0, 4.5), (-2.0, 2.2)), (1.0, 1.6), ((3.0, 0.5),)),
        Surface("rosenbrock", _rosenbrock, ((-2.0, 2.0), (-0.8, 2.4)), (-1.2, 1.0), ((1.0, 1.0),)),
        Surface(
            "himmelblau",
            _himmelblau,
            ((-6.0, 6.0), (-5.0, 5.0)),
            (-0.4, -1.2),
            ((3.0, 2.0), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)),
        ),
    )
}


def surface_of(given: Any) -> Surface:
    """The surface of that name, or a user's own function as one."""
    if isinstance(given, Surface):
        return given
    if isinstance(given, str):
        name = given.lower().replace("long ", "")
        if name not in SURFACES:
            raise ValueError(
                f"optimizers: there is no surface {given!r}; there are {', '.join(SURFACES)}, or "
                "give a function of two variables"
            )
        return SURFACES[name]
    if not callable(given):
        raise TypeError(
            "optimizers: surface must be a name or a function of two variables, got "
            f"{type(given).__name__}"
        )
    return Surface(getattr(given, "__name__", type(given).__name__), given)


def value_at(surface: Surface, x: Any, y: Any) -> Any:
    """f(x, y) of two tensors of no dimensions; TypeError or ValueError for no single number."""
    value = surface.function(x, y)
    if not isinstance(value, Tensor):
        raise TypeError(
            f"optimizers: {surface.name} must return a Tensor, computed by airi's operations; it "
            f"returned {type(value).__name__}"
        )
    if value.numel() != 1:
        raise ValueError(
            f"optimizers: {surface.name} must return one number, got shape {tuple(value.shape)}"
        )
    return value.reshape(())


def heights(surface: Surface, domain: Box, columns: int = 121, rows: int = 91) -> np.ndarray:
    """f on a grid over `domain`: (rows, columns), from the lowest y to the highest."""
    x, y = (np.linspace(*ends, count) for ends, count in zip(domain, (columns, rows), strict=True))
    across, down = np.meshgrid(x, y)
    with no_grad():
        try:
            made = surface.function(tensor(across, dtype=float64), tensor(down, dtype=float64))
            if isinstance(made, Tensor) and tuple(made.shape) == across.shape:
                return made.numpy()
        except (RuntimeError, TypeError, ValueError, IndexError):
            pass  # it is written for single numbers
        points = zip(across.reshape(-1), down.reshape(-1), strict=True)
        values = [
            value_at(surface, tensor(a, dtype=float64), tensor(b, dtype=float64)) for a, b in points
        ]
    return np.array([value.item() for value in values]).reshape(across.shape)


def levels(values: np.ndarray, count: int = 16) -> np.ndarray:
    """Heights for contour lines, closer together where the surface is low."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.zeros(0)
    return np.unique(np.quantile(finite, np.linspace(0.1, 0.99, count) ** 1.7))
