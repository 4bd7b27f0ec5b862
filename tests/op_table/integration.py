"""Rows of `airi/ops/integration.py`."""

import numpy as np

from .row import Row, call, real


def _trapezoid(y, x=None, dx=1.0, dim=-1):
    return np.trapezoid(y, x, dx, dim)


def _cumulative(y, x=None, dx=1.0, dim=-1):
    y = np.moveaxis(y, dim, -1)
    widths = dx if x is None else np.diff(x)
    return np.moveaxis(np.cumsum((y[..., 1:] + y[..., :-1]) * widths / 2, -1), -1, dim)


def _samples(rng):
    points = np.sort(real(rng, 4))
    return [
        call(real(rng, 3, 4)),
        call(real(rng, 3, 4), points),
        call(real(rng, 4, 2), points, dim=0),
        call(real(rng, 3, 4), dx=0.5, dim=0),
    ]


def _gradient_samples(rng):
    points = [np.arange(n) + 0.3 * real(rng, n) / 2 for n in (4, 3)]
    return [
        call(real(rng, 5)),
        call(real(rng, 4, 3), spacing=0.5, edge_order=2),
        call(real(rng, 4, 3), spacing=[0.5, 2.0]),
        call(real(rng, 4, 3), spacing=points, edge_order=2),
        call(real(rng, 4, 3), dim=1, spacing=[points[1]]),
        call(real(rng, 2, 3), dim=(0, 1)),
    ]


def _gradient(f, spacing=1, dim=None, edge_order=1):
    dims = range(f.ndim) if dim is None else (dim if isinstance(dim, tuple) else (dim,))
    steps = spacing if isinstance(spacing, list) else [spacing] * len(dims)
    return [
        np.gradient(f, step, axis=at, edge_order=edge_order)
        for at, step in zip(dims, steps, strict=True)
    ]


ROWS = [
    Row("trapezoid", _samples, _trapezoid, method=False, integers=True),
    Row("trapz", _samples, _trapezoid, method=False),
    Row("cumulative_trapezoid", _samples, _cumulative, method=False, integers=True),
    Row("gradient", _gradient_samples, _gradient, method=False),
]
