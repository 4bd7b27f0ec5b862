"""Rows of `airi/ops/cumulative.py`."""

import numpy as np

from .row import Row, call, distinct, real


def _along(make, *more):
    def samples(rng):
        return [
            call(make(rng, 5), 0),
            call(make(rng, 3, 4), -1),
            call(make(rng, 2, 3, 2), dim=1),
            call(make(rng), 0),
            *more,
        ]

    return samples


def _empty():
    return [call(np.zeros((0, 3)), 0), call(np.zeros((2, 0)), 0)]


def _running(ufunc):
    def accumulate(x, dim, dtype=None):
        return ufunc.accumulate(x, dim) if x.ndim else x

    return accumulate


def _running_extreme(ufunc):
    def accumulate(x, dim):
        if x.ndim == 0:
            return x, np.array(0)
        values = ufunc.accumulate(x, dim)
        positions = np.arange(x.shape[dim]).reshape((-1,) + (1,) * (x.ndim - 1))
        lines, best = np.moveaxis(x, dim, 0), np.moveaxis(values, dim, 0)
        indices = np.maximum.accumulate(np.where(lines == best, positions, 0))
        return values, np.moveaxis(indices, 0, dim)

    return accumulate


def _diff(x, n=1, dim=-1, prepend=None, append=None):
    given = {"prepend": prepend, "append": append}
    return np.diff(x, n, dim, **{key: v for key, v in given.items() if v is not None})


WITH_ZEROS = [
    call(np.array([2.0, 0.0, 3.0, -1.5]), 0),
    call(np.array([[0.0, 2.0, 0.0], [1.5, -0.5, 0.0]]), 1),
]

ROWS = [
    Row(
        "cumsum",
        _along(real),
        _running(np.add),
        in_place=True,
        integers=True,
        empty=_empty,
        complex=True,
    ),
    Row(
        "cumprod",
        _along(real, *WITH_ZEROS),
        _running(np.multiply),
        in_place=True,
        integers=True,
        empty=_empty,
        complex=True,
    ),
    Row("cummax", _along(distinct), _running_extreme(np.maximum), integers=True, empty=_empty),
    Row("cummin", _along(distinct), _running_extreme(np.minimum), integers=True, empty=_empty),
    Row(
        "logcumsumexp",
        _along(real, call(np.array([-800.0, 700.0, 750.0, 1.0]), 0)),
        _running(np.logaddexp),
        empty=_empty,
    ),
    Row(
        "diff",
        lambda rng: [
            call(real(rng, 5)),
            call(real(rng, 3, 4), 2, 0),
            call(real(rng, 3, 4), dim=1, prepend=real(rng, 3, 1), append=real(rng, 3, 2)),
            call(real(rng, 3), n=0),
        ],
        _diff,
        integers=True,
        empty=lambda: [call(np.zeros((2, 0)), dim=0)],
        complex=True,
    ),
]
