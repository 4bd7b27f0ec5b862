"""Rows of `airi/ops/linalg.py`."""

import numpy as np

from .row import Row, call, real


def _regular(rng, *shape):
    """Matrices far from singular."""
    return real(rng, *shape) + 5 * np.eye(shape[-1])


def _cross(x, y, dim=None):
    if dim is None:
        dim = next(i for i, n in enumerate(x.shape) if n == 3)
    return np.cross(x, y, axis=dim)


def _matrix_power(x, n):
    return np.linalg.matrix_power(x, n)


def _cdist(x, y, p=2.0, compute_mode=None):
    difference = np.abs(x[..., :, None, :] - y[..., None, :, :])
    if p == np.inf:
        return np.max(difference, -1)
    return np.sum(difference**p, -1) ** (1 / p)


ROWS = [
    Row(
        "trace",
        lambda rng: [call(real(rng, 3, 3)), call(real(rng, 2, 3))],
        np.trace,
        integers=True,
        complex=True,
    ),
    Row(
        "cross",
        lambda rng: [
            call(real(rng, 2, 3), real(rng, 2, 3), dim=-1),
            call(real(rng, 3, 2), real(rng, 3, 2), 0),
            call(real(rng, 1, 3), real(rng, 4, 3), dim=1),
            call(real(rng, 3), real(rng, 3), dim=0),
        ],
        _cross,
        integers=True,
        complex=True,
    ),
    Row(
        "inverse",
        lambda rng: [call(_regular(rng, 3, 3)), call(_regular(rng, 2, 2, 2))],
        np.linalg.inv,
        complex=True,
    ),
    Row(
        "matrix_power",
        lambda rng: [
            call(_regular(rng, 3, 3) / 4, 5),
            call(_regular(rng, 2, 3, 3) / 4, 2),
            call(_regular(rng, 3, 3), n=-2),
            call(_regular(rng, 3, 3), 1),
            call(_regular(rng, 2, 2), 0),
        ],
        _matrix_power,
        complex=True,
    ),
    Row(
        "cdist",
        lambda rng: [
            call(real(rng, 3, 2), real(rng, 4, 2)),
            call(real(rng, 2, 3, 2), real(rng, 1, 4, 2), p=2),
            call(real(rng, 3, 2), real(rng, 4, 2), compute_mode="use_mm_for_euclid_dist"),
            call(real(rng, 3, 2), real(rng, 4, 2), p=1.0),
            call(real(rng, 3, 2), real(rng, 4, 2), 3.0),
            call(real(rng, 3, 2), real(rng, 4, 2), p=float("inf")),
        ],
        _cdist,
        method=False,
        empty=lambda: [call(np.zeros((0, 2)), np.ones((3, 2)))],
    ),
]
