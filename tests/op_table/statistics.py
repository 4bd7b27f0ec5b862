"""Rows of `airi/ops/statistics.py`."""

import numpy as np

from .row import Row, call, positive, real


def _cov(x, correction=1, fweights=None, aweights=None):
    return np.cov(x, ddof=correction, fweights=fweights, aweights=aweights)


def _histogram(x, bins, range=None, weight=None, density=False):
    weight = None if weight is None else weight.ravel()
    return np.histogram(x, bins, range, density, weight)


def _histogramdd(x, bins, range=None, weight=None, density=False):
    pairs = None if range is None else list(zip(range[::2], range[1::2], strict=True))
    hist, edges = np.histogramdd(x, bins, pairs, density, weight)
    return hist, *edges


def _flat(histogramdd):
    """The histogram and its edges, one after another."""

    def tried(*args, **kwargs):
        hist, edges = histogramdd(*args, **kwargs)
        return hist, *edges

    return tried


ROWS = [
    Row(
        "cov",
        lambda rng: [
            call(real(rng, 3, 5)),
            call(real(rng, 4), correction=0),
            call(real(rng, 2, 3), fweights=np.array([1, 3, 2])),
            call(real(rng, 2, 3), aweights=positive(rng, 3)),
            call(real(rng, 2, 3), fweights=np.array([1, 3, 2]), aweights=positive(rng, 3)),
        ],
        _cov,
    ),
    Row("corrcoef", lambda rng: [call(real(rng, 3, 5))], np.corrcoef, second=False, complex=True),
    Row(
        "histogram",
        lambda rng: [
            call(real(rng, 20), 5),
            call(real(rng, 4, 5), 3, range=(-1.0, 1.0), density=True),
            call(real(rng, 20), np.array([-1.0, 0.0, 1.5]), weight=positive(rng, 20)),
        ],
        _histogram,
        grad=False,
    ),
    Row(
        "histogramdd",
        lambda rng: [
            call(real(rng, 20, 2), [2, 3]),
            call(real(rng, 20, 2), 2, range=[-1.0, 1.0, -2.0, 2.0], density=True),
            call(
                real(rng, 9, 2),
                [np.array([-2.0, 0.0, 2.0]), np.array([-1.0, 1.0])],
                weight=positive(rng, 9),
            ),
        ],
        _histogramdd,
        method=False,
        grad=False,
        tried=_flat,
    ),
]
