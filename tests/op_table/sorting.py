"""Rows of `airi/ops/sorting.py`."""

import numpy as np

from .row import Row, call, distinct


def _empty():
    return [call(np.zeros((0,))), call(np.zeros((2, 0, 3)), 1)]


def _sort_samples(rng):
    return [
        call(distinct(rng, 3, 4)),
        call(distinct(rng, 3, 4), 0),
        call(distinct(rng, 2, 3, 4), dim=1, descending=True),
        call(distinct(rng, 5), descending=True, stable=True),
        call(distinct(rng, 3, 4), dim=-1, stable=True),
        call(distinct(rng)),
    ]


def _argsort(x, dim=-1, descending=False, stable=False):
    if x.ndim == 0:
        return np.array(0)
    return np.argsort(-x if descending else x, axis=dim)


def _sort(x, dim=-1, descending=False, stable=False):
    indices = _argsort(x, dim, descending)
    return (x if x.ndim == 0 else np.take_along_axis(x, indices, dim)), indices


def _topk(x, k, dim=-1, largest=True, sorted=True):
    values, indices = _sort(x, dim, largest)
    return np.take(values, np.arange(k), dim), np.take(indices, np.arange(k), dim)


def _kthvalue(x, k, dim=-1, keepdim=False):
    which = [k - 1] if keepdim else k - 1
    return tuple(np.take(each, which, dim) for each in _sort(x, dim))


def _median(x, dim=None, keepdim=False):
    if dim is None:
        return np.sort(x, axis=None)[(x.size - 1) // 2]
    return _kthvalue(x, (x.shape[dim] + 1) // 2, dim, keepdim)


def _median_samples(rng):
    return [
        call(distinct(rng, 3, 4)),
        call(distinct(rng, 3, 4), 1),
        call(distinct(rng, 3, 4), dim=0, keepdim=True),
        call(distinct(rng, 5), -1),
        call(distinct(rng)),
    ]


def _mode(x, dim=-1, keepdim=False):
    # Distinct elements are all equally common: the smallest is the mode.
    which = np.argmin(x, axis=dim, keepdims=keepdim)
    return np.min(x, axis=dim, keepdims=keepdim), which


def _quantile_samples(rng):
    q = np.array([0.1, 0.5, 0.95], np.float32)
    return [
        call(distinct(rng, 3, 4), 0.3),
        call(distinct(rng, 3, 4), 0.7, 1),
        call(distinct(rng, 3, 4), np.array([0.3, 0.8]), 1),  # q has a gradient too
        call(distinct(rng, 3, 4), 0.0, dim=0, keepdim=True),
        call(distinct(rng, 5).astype(np.float64), 1.0, 0, True, interpolation="linear"),
        *[
            call(distinct(rng, 2, 5), 0.3, dim=-1, interpolation=how)
            for how in ("lower", "higher", "midpoint", "nearest")
        ],
        call(distinct(rng, 5), q.astype(np.float64)[1].item(), keepdim=True),
    ]


def _quantile(x, q, dim=None, keepdim=False, interpolation="linear"):
    return np.quantile(x, q, axis=dim, keepdims=keepdim, method=interpolation)


ROWS = [
    Row("sort", _sort_samples, _sort, empty=_empty),
    Row("argsort", _sort_samples, _argsort, grad=False, empty=_empty),
    Row(
        "msort",
        lambda rng: [call(distinct(rng, 4, 2)), call(distinct(rng, 4))],
        lambda x: np.sort(x, axis=0),
        integers=True,
    ),
    Row(
        "topk",
        lambda rng: [
            call(distinct(rng, 3, 5), 2),
            call(distinct(rng, 3, 5), 3, 1, False),
            call(distinct(rng, 4, 3), k=4, dim=0),
            call(distinct(rng, 2, 4, 3), 2, dim=1, largest=True, sorted=True),
            call(distinct(rng, 5), 0),
            call(distinct(rng, 5), 0, largest=False),
        ],
        _topk,
        empty=lambda: [call(np.zeros((0, 3)), 2)],
    ),
    Row(
        "kthvalue",
        lambda rng: [
            call(distinct(rng, 3, 5), 2),
            call(distinct(rng, 3, 5), 3, 0),
            call(distinct(rng, 3, 5), k=1, dim=1, keepdim=True),
        ],
        _kthvalue,
        empty=lambda: [call(np.zeros((0, 3)), 2)],
    ),
    Row(
        "median",
        _median_samples,
        lambda x, dim=None, keepdim=False: (
            (x, np.array(0)) if x.ndim == 0 and dim is not None else _median(x, dim, keepdim)
        ),
    ),
    Row("nanmedian", _median_samples, _median),
    Row(
        "mode",
        lambda rng: [
            call(distinct(rng, 3, 4)),
            call(distinct(rng, 3, 4), 0),
            call(distinct(rng, 3, 4), dim=1, keepdim=True),
        ],
        _mode,
    ),
    Row("quantile", _quantile_samples, _quantile),
    Row("nanquantile", _quantile_samples, _quantile),
]
