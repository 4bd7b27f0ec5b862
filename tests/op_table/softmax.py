"""Rows of `airi/ops/softmax.py`."""

import numpy as np

from .row import Row, call, real


def _softmax(x, dim, dtype=None):
    x = x - np.max(x, dim, keepdims=True)
    return np.exp(x) / np.exp(x).sum(dim, keepdims=True)


def _log_softmax(x, dim, dtype=None):
    return np.log(_softmax(x, dim))


def _samples(rng):
    return [
        call(real(rng, 3, 4), 1),
        call(real(rng, 2, 3, 4), dim=0),
        call(real(rng, 2, 3, 4), -2),
        call(real(rng, 5), 0),
    ]


def _empty():
    return [call(np.zeros((0, 3)), 1), call(np.zeros((2, 0)), 0)]


ROWS = [
    Row("softmax", _samples, _softmax, empty=_empty),
    Row("log_softmax", _samples, _log_softmax, empty=_empty),
]
