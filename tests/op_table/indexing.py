"""Rows of `airi/ops/indexing.py`."""

import numpy as np

from .row import Row, call, integers, real


def _getitem(x, index):
    items = index if isinstance(index, tuple) else (index,)
    if isinstance(index, list):
        items = (np.array(index),)
    return x[tuple(items)]


def _index_put(x, indices, values, accumulate=False):
    out = x.copy()
    if accumulate:
        np.add.at(out, indices, values)
    else:
        out[indices] = values
    return out


def _put(x, index, source, accumulate=False):
    out = x.flatten()
    if accumulate:
        np.add.at(out, index, source)
    else:
        out[index] = source
    return out.reshape(x.shape)


def _indices(*values):
    return np.array(values)


MASK = np.array([[True, False, True, False], [False, False, True, True], [True] * 4])

ROWS = [
    Row(
        ".__getitem__",
        lambda rng: [
            call(real(rng, 3, 4), 1),
            call(real(rng, 3, 4), (-1, slice(1, None, 2))),
            call(real(rng, 3, 4), (..., None, slice(None, -1))),
            call(real(rng, 3, 4), _indices(2, 0, 2, -1)),
            call(real(rng, 3, 4), ([0, 0, 2], [1, 1, -1])),
            call(real(rng, 3, 4), (slice(None), _indices(3, 3, 0))),
            call(real(rng, 3, 4), MASK),
            call(real(rng, 3, 4), (_indices(1, 0, 1) > 0, slice(1, 3))),
            call(real(rng, 2, 3, 4, 2), (slice(None), [0, 2, 0], slice(None), [1, 0, 1])),
            call(real(rng, 2, 3, 4), (slice(None), _indices([0, 2], [1, 1]), slice(1, 3))),
            call(real(rng, 2, 3, 4), (slice(None), MASK)),
            call(real(rng, 3, 4), (True, slice(1, None))),
            call(real(rng, 3, 4), (None, _indices(1, 1), ..., slice(0, 2))),
            call(real(rng), ()),
            call(real(rng), None),
        ],
        _getitem,
        integers=True,
        empty=lambda: [
            call(np.zeros((0, 3)), slice(None)),
            call(np.zeros((2, 3)), slice(2, 2)),
            call(np.zeros((2, 3)), np.zeros((0,), np.int64)),
            call(np.zeros((0, 3)), (slice(None), _indices(1, 1))),
        ],
        complex=True,
    ),
    Row(
        "index_put",
        lambda rng: [
            call(real(rng, 3, 4), (_indices(2, 0), _indices(1, 1)), real(rng, 2)),
            call(real(rng, 3, 4), (_indices(2, 0),), real(rng, 4)),
            call(real(rng, 3, 4), (MASK,), real(rng)),
            call(real(rng, 3, 4), (_indices(2, 2),), real(rng, 2, 4), accumulate=True),
            call(real(rng, 3, 4), [_indices([0, 0], [1, 2])], real(rng, 2, 1, 4), True),
        ],
        lambda x, indices, values, accumulate=False: _index_put(
            x, tuple(indices), values, accumulate
        ),
        in_place=True,
        complex=True,
    ),
    Row(
        "take",
        lambda rng: [call(real(rng, 3, 4), integers(rng, 2, 5, low=-12, high=12))],
        lambda x, index: np.take(x, index),
        integers=True,
        complex=True,
    ),
    Row(
        "put",
        lambda rng: [
            call(real(rng, 3, 4), _indices([0, -1], [5, 3]), real(rng, 4)),
            call(real(rng, 3, 4), _indices(7, 7, 1), real(rng, 3), accumulate=True),
        ],
        lambda x, index, source, accumulate=False: _put(
            x, index, source.reshape(index.shape), accumulate
        ),
        in_place=True,
        complex=True,
    ),
]
