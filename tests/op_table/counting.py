"""Rows of `airi/ops/counting.py`."""

import numpy as np

from .row import Row, call, integers, real


def _unique(x, sorted=True, return_inverse=False, return_counts=False, dim=None):
    result = np.unique(
        x, return_inverse=return_inverse, return_counts=return_counts, axis=dim, equal_nan=False
    )
    return result


def _runs(x, return_inverse=False, return_counts=False, dim=None):
    """Run by run, in plain Python."""
    lines = list(x.reshape(-1)) if dim is None else list(np.moveaxis(x, dim, 0))
    values, inverse, counts = [], [], []
    for line in lines:
        if not values or not np.array_equal(line, values[-1]):
            values.append(line)
            counts.append(0)
        counts[-1] += 1
        inverse.append(len(values) - 1)
    first = np.array(values) if dim is None else np.stack(values, dim)
    shaped = np.reshape(inverse, x.shape) if dim is None else np.array(inverse)
    results = [first, *[shaped] * return_inverse, *[np.array(counts)] * return_counts]
    return tuple(results) if len(results) > 1 else first


def _searchsorted(sequence, x, out_int32=False, right=False, side=None, sorter=None):
    how = "right" if right or side == "right" else "left"
    if sequence.ndim == 1:
        return np.searchsorted(sequence, x, how, sorter)
    lines = [np.searchsorted(s, v, how) for s, v in zip(sequence, x, strict=True)]
    return np.stack(lines)


def _bucketize(x, boundaries, out_int32=False, right=False):
    return np.digitize(x, boundaries, right=not right)


def _bincount(x, weights=None, minlength=0):
    return np.bincount(x, weights, minlength)


def _histc(x, bins=100, min=0, max=0):
    span = (x.min(), x.max()) if min == max else (min, max)
    return np.histogram(x, bins, span)[0].astype(x.dtype)


STEPS = np.array([1.0, 2.0, 2.0, 4.0])

ROWS = [
    Row(
        "unique",
        lambda rng: [
            call(integers(rng, 3, 4)),
            call(integers(rng, 9), return_inverse=True),
            call(integers(rng, 9), True, False, True),
            call(integers(rng, 3, 3), sorted=True, return_inverse=True, return_counts=True),
            call(integers(rng, 5, 2, high=-2), dim=0),
            call(integers(rng, 2, 5, high=-2), return_inverse=True, return_counts=True, dim=1),
            call(real(rng, 3, 4)),
        ],
        _unique,
        grad=False,
        empty=lambda: [call(np.zeros(0))],
    ),
    Row(
        "unique_consecutive",
        lambda rng: [
            call(integers(rng, 12, high=-2)),
            call(integers(rng, 3, 4, high=-2), return_inverse=True),
            call(integers(rng, 9, high=-2), return_inverse=True, return_counts=True),
            call(integers(rng, 6, 2, high=-2), dim=0, return_counts=True, return_inverse=True),
            call(integers(rng, 2, 6, high=-2), dim=1),
            call(integers(rng, 3, 1, 2), return_counts=True, dim=1),
        ],
        _runs,
        grad=False,
        empty=lambda: [call(np.zeros(0))],
    ),
    Row(
        "searchsorted",
        lambda rng: [
            call(STEPS, real(rng, 3, 2)),
            call(STEPS, STEPS, right=True),
            call(STEPS, STEPS, side="left", out_int32=True),
            call(STEPS, 2.0),
            call(np.stack([STEPS, STEPS + 1]), np.stack([STEPS, STEPS])),
            call(np.stack([STEPS, STEPS + 1]), np.stack([STEPS, STEPS]), side="right"),
            call(STEPS[[2, 0, 3, 1]], STEPS, sorter=np.array([1, 0, 3, 2])),
        ],
        _searchsorted,
        method=False,
        grad=False,
        empty=lambda: [call(np.zeros(0), STEPS), call(STEPS, np.zeros((0, 2)))],
    ),
    Row(
        "bucketize",
        lambda rng: [
            call(real(rng, 3, 2), STEPS),
            call(STEPS, STEPS, right=True),
            call(STEPS, STEPS, out_int32=True),
            call(3.0, STEPS),
        ],
        _bucketize,
        method=False,
        grad=False,
    ),
    Row(
        "bincount",
        lambda rng: [
            call(integers(rng, 9, low=0)),
            call(integers(rng, 3, low=0), real(rng, 3)),
            call(integers(rng, 3, low=0), minlength=8),
            call(integers(rng, 3, low=0), integers(rng, 3), 7),
        ],
        _bincount,
        grad=False,
        empty=lambda: [call(np.zeros(0, np.int64)), call(np.zeros(0, np.int64), minlength=3)],
    ),
    Row(
        "histc",
        lambda rng: [
            call(real(rng, 30)),
            call(real(rng, 30), 5, -1, 1),
            call(real(rng, 5, 6), bins=4, min=-2, max=2),
        ],
        _histc,
        grad=False,
    ),
]
