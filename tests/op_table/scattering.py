"""Rows of `airi/ops/scattering.py`."""

import numpy as np

from .row import Row, call, distinct, integers, real

UFUNCS = {
    "sum": np.add,
    "add": np.add,
    "mean": np.add,
    "prod": np.multiply,
    "multiply": np.multiply,
    "amax": np.maximum,
    "amin": np.minimum,
}


def _places(index, dim):
    grid = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    grid[dim] = index
    return tuple(grid)


def _part(src, index):
    return src[tuple(slice(n) for n in index.shape)] if isinstance(src, np.ndarray) else src


def _gather(x, dim, index):
    return x[_places(index, dim)]


def _scatter(x, dim, index, src=None, value=None, reduce=None):
    out = x.copy()
    src = _part(value if src is None else src, index)
    if reduce is None:
        out[_places(index, dim)] = src
    else:
        UFUNCS[reduce].at(out, _places(index, dim), src)
    return out


def _scatter_reduce(x, dim, index, src, reduce, include_self=True):
    out, places, src = x.copy(), _places(index, dim), _part(src, index)
    if not include_self:
        out[places] = {"prod": 1, "amax": -np.inf, "amin": np.inf}.get(reduce, 0)
    UFUNCS[reduce].at(out, places, src)
    if reduce == "mean":
        count = np.full(x.shape, int(include_self))
        np.add.at(count, places, 1)
        out /= np.maximum(count, 1)
    return out


def _once(rng):
    """Indices that do not come twice in a line: what stays otherwise is not defined."""
    return np.stack([rng.permutation(4)[:3] for _ in range(2)])


def _reductions(rng):
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        for include_self in (True, False):
            x, src = np.split(distinct(rng, 6, 4), [3])
            index = integers(rng, 3, 4, low=0, high=3)
            yield call(x, 0, index, src, reduce, include_self=include_self)
    yield call(real(rng, 2, 4), 1, integers(rng, 2, 4, low=0, high=4), real(rng, 2, 4), "sum")


ROWS = [
    Row(
        "gather",
        lambda rng: [
            call(real(rng, 3, 4), 0, integers(rng, 2, 4, low=0, high=3)),
            call(real(rng, 3, 4), 1, integers(rng, 2, 6, low=0, high=4)),
            call(real(rng, 3, 4), dim=-1, index=integers(rng, 3, 1, low=0, high=4)),
        ],
        _gather,
        integers=True,
        empty=lambda: [call(np.zeros((3, 4)), 0, np.zeros((0, 4), np.int64))],
        complex=True,
    ),
    Row(
        "take_along_dim",
        lambda rng: [
            call(real(rng, 3, 4), integers(rng, 3, 2, low=-4, high=4), 1),
            call(real(rng, 3, 4), integers(rng, 2, 1, low=0, high=3), dim=0),
            call(real(rng, 3, 4), integers(rng, 5, low=0, high=12)),
        ],
        lambda x, indices, dim=None: (
            np.take_along_axis(x, indices, dim)
            if dim != 0
            else np.take_along_axis(x, np.broadcast_to(indices, (2, 4)), 0)
        ),
        integers=True,
        complex=True,
    ),
    Row(
        "scatter",
        lambda rng: [
            call(real(rng, 2, 4), 1, _once(rng), real(rng, 2, 3)),
            call(real(rng, 4, 3), 0, _once(rng).T, real(rng, 3, 2)),
            call(real(rng, 2, 4), 1, _once(rng), 2.5),
            call(real(rng, 2, 4), dim=1, index=_once(rng), value=2.5),
        ],
        _scatter,
        in_place=True,
        empty=lambda: [call(np.ones((2, 4)), 1, np.zeros((2, 0), np.int64), 1.0)],
        complex=True,
    ),
    Row(
        "scatter_add",
        lambda rng: [
            call(real(rng, 3, 4), 0, integers(rng, 5, 4, low=0, high=3), real(rng, 5, 4)),
            call(real(rng, 3, 4), 1, integers(rng, 2, 3, low=0, high=4), real(rng, 2, 3)),
        ],
        lambda x, dim, index, src: _scatter(x, dim, index, src, reduce="add"),
        in_place=True,
        integers=True,
        complex=True,
    ),
    Row(
        "scatter_reduce",
        lambda rng: list(_reductions(rng)),
        _scatter_reduce,
        in_place=True,
    ),
]
