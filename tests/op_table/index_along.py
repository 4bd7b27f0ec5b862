"""Rows of `airi/ops/index_along.py`."""

import numpy as np

from .row import Row, call, real


def _indices(*values):
    return np.array(values)


def _index_select(x, dim, index):
    return np.take(x, index, dim)


def _places(dim, index):
    return (*[slice(None)] * dim, index)


def _index_add(x, dim, index, source, alpha=1):
    out = x.copy()
    np.add.at(out, _places(dim, index), alpha * source)
    return out


def _index_copy(x, dim, index, source):
    out = x.copy()
    out[_places(dim, index)] = source
    return out


ROWS = [
    Row(
        "index_select",
        lambda rng: [
            call(real(rng, 3, 4), 0, _indices(2, 0, 2)),
            call(real(rng, 3, 4), dim=-1, index=_indices(1)),
        ],
        _index_select,
        integers=True,
        empty=lambda: [call(np.zeros((3, 0)), 0, _indices(1, 1))],
        complex=True,
    ),
    Row(
        "index_add",
        lambda rng: [
            call(real(rng, 3, 4), 0, _indices(2, 0, 2), real(rng, 3, 4)),
            call(real(rng, 3, 4), 1, _indices(1, 1), real(rng, 3, 2), alpha=-2.0),
        ],
        _index_add,
        in_place=True,
        empty=lambda: [call(np.zeros((2, 0)), 0, _indices(1), np.zeros((1, 0)))],
        complex=True,
    ),
    Row(
        "index_copy",
        lambda rng: [
            call(real(rng, 3, 4), 0, _indices(2, 0), real(rng, 2, 4)),
            call(real(rng, 3, 4), dim=1, index=_indices(1), source=real(rng, 3, 1)),
        ],
        _index_copy,
        in_place=True,
        integers=True,
        complex=True,
    ),
    Row(
        "index_fill",
        lambda rng: [
            call(real(rng, 3, 4), 0, _indices(2, 0), 1.5),
            call(real(rng, 3, 4), 1, _indices(1, 1), real(rng)),
        ],
        _index_copy,
        in_place=True,
        complex=True,
    ),
]
