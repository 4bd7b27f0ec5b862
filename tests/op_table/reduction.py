"""Rows of `airi/ops/reduction.py`."""

import numpy as np

import airi

from .row import Row, booleans, call, positive, real


def _samples(make=real, *more):
    """No dim, one, several, keepdim, and a 0-dimensional tensor."""

    def samples(rng):
        return [
            call(make(rng, 3, 4)),
            call(make(rng, 3, 4), 1),
            call(make(rng, 2, 3, 4), (0, -1), True),
            call(make(rng, 2, 3), dim=0, keepdim=True),
            call(make(rng)),
            *more,
        ]

    return samples


def _truth(rng, *shape):
    return np.asarray(booleans(rng, *shape))


def _empty():
    return [call(np.zeros((0, 3))), call(np.zeros((2, 0)), 1), call(np.zeros((0, 3)), 1, True)]


def _reduced(function):
    """NumPy's reduction under PyTorch's argument names."""

    def reduce(x, dim=None, keepdim=False, **kwargs):
        kwargs.pop("dtype", None)
        return function(x, axis=dim, keepdims=keepdim, **kwargs)

    return reduce


def _spread_samples(rng):
    return [
        call(real(rng, 3, 4)),
        call(real(rng, 3, 4), 1),
        call(real(rng, 3, 4), 0, False),
        call(real(rng, 3, 4), 0, True, True),
        call(real(rng, 2, 3, 4), (0, 2), correction=0, keepdim=True),
        call(real(rng, 3, 4), dim=1, correction=2),
        call(real(rng, 5), unbiased=False),
        call(real(rng, 3, 4), False),
    ]


def _spread_arguments(dim, unbiased, correction):
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return dim, (1 if unbiased in (None, True) else 0) if correction is None else correction


def _spread(function):
    def spread(x, dim=None, unbiased=None, keepdim=False, correction=None):
        dim, ddof = _spread_arguments(dim, unbiased, correction)
        return function(x, axis=dim, ddof=ddof, keepdims=keepdim)

    return spread


def _spread_and_mean(function):
    def both(x, dim=None, unbiased=None, keepdim=False, correction=None):
        axis, _ = _spread_arguments(dim, unbiased, correction)
        spread = _spread(function)(x, dim, unbiased, keepdim, correction)
        return spread, np.mean(x, axis=axis, keepdims=keepdim)

    return both


def _norm_samples(rng):
    return [
        call(real(rng, 3, 4)),
        call(real(rng, 3, 4), 2, 1),
        call(real(rng, 3, 4), "fro", (0, 1), True),
        call(real(rng, 3, 4), p=1, dim=0),
        call(real(rng, 3, 4), 3, dim=-1, keepdim=True),
        call(real(rng, 3, 4), 1.5),
        call(real(rng, 3, 4), 0.5, 1),
        call(real(rng, 3, 4), -1, 1),
        call(real(rng, 3, 4), float("inf"), 1),
        call(real(rng, 3, 4), -float("inf")),
        call(real(rng, 3), dtype=airi.float64),
        call(real(rng)),
    ]


def _norm(x, p="fro", dim=None, keepdim=False, dtype=None):
    p = 2 if p == "fro" else p
    size = np.abs(x)
    if p == np.inf:
        return size.max(axis=dim, keepdims=keepdim)
    if p == -np.inf:
        return size.min(axis=dim, keepdims=keepdim)
    return np.sum(size**p, axis=dim, keepdims=keepdim) ** (1 / p)


def _logsumexp(x, dim=None, keepdim=False):
    with np.errstate(divide="ignore"):
        return np.log(np.sum(np.exp(x), axis=dim, keepdims=keepdim))


def _prod(x, dim=None, keepdim=False, dtype=None):
    return np.prod(x, axis=dim, keepdims=keepdim)


FLOAT64 = call(np.array([[1.5, -2.0], [0.5, 1.0]]), 1, dtype=airi.float64)

ROWS = [
    Row(
        "sum", _samples(real, FLOAT64), _reduced(np.sum), integers=True, empty=_empty, complex=True
    ),
    # NaN has no finite difference: the samples have none, tests/ops/test_reduction.py does.
    Row("nansum", _samples(real, FLOAT64), _reduced(np.nansum), integers=True, empty=_empty),
    Row(
        "mean",
        _samples(real, FLOAT64),
        _reduced(np.mean),
        integers=True,
        empty=lambda: [call(np.zeros((0, 3)), 1), call(np.zeros((2, 0)), 0)],
        complex=True,
    ),
    Row("nanmean", _samples(real, FLOAT64), _reduced(np.nanmean), integers=True),
    Row(
        "prod",
        lambda rng: [
            call(real(rng, 3, 2)),
            call(real(rng, 3, 4), 1),
            call(real(rng, 2, 3), dim=0, keepdim=True),
            call(real(rng)),
            call(real(rng), 0),
            call(np.array([2.0, 0.0, 3.0, -1.5])),
            call(np.array([[0.0, 2.0, 0.0], [1.5, -0.5, 0.0]]), 1, True),
            FLOAT64,
        ],
        _prod,
        integers=True,
        empty=lambda: [call(np.zeros((0,))), call(np.zeros((0, 3)), 0), call(np.zeros((0, 3)), 1)],
        complex=True,
    ),
    Row("var", _spread_samples, _spread(np.var), integers=True, complex=True),
    Row("std", _spread_samples, _spread(np.std), integers=True, complex=True),
    Row(
        "var_mean",
        _spread_samples,
        _spread_and_mean(np.var),
        method=False,
        integers=True,
        complex=True,
    ),
    Row(
        "std_mean",
        _spread_samples,
        _spread_and_mean(np.std),
        method=False,
        integers=True,
        complex=True,
    ),
    Row(
        "norm",
        _norm_samples,
        _norm,
        empty=lambda: [call(np.zeros((0, 3))), call(np.zeros((0, 3)), 1, 1, True)],
        complex=True,
    ),
    Row(
        "logsumexp",
        lambda rng: [
            call(real(rng, 3, 4), 1),
            call(real(rng, 2, 3, 4), (0, -1), True),
            call(real(rng, 2, 3), dim=0, keepdim=True),
            call(real(rng), 0),
        ],
        _logsumexp,
        integers=True,
        empty=lambda: [call(np.zeros((0, 3)), 0), call(np.zeros((0, 3)), 1)],
    ),
    Row("all", _samples(_truth), _reduced(np.all), grad=False, integers=True, empty=_empty),
    Row("any", _samples(_truth), _reduced(np.any), grad=False, integers=True, empty=_empty),
    Row(
        "count_nonzero",
        lambda rng: [
            call(booleans(rng, 3, 4)),
            call(positive(rng, 3, 4), 1),
            call(booleans(rng, 2, 3, 4), (0, -1)),
            call(booleans(rng, 2, 3), dim=0),
        ],
        lambda x, dim=None: np.count_nonzero(x, axis=dim),
        grad=False,
        integers=True,
        complex=True,
    ),
]
