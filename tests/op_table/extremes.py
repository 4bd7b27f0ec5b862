"""Rows of `airi/ops/extremes.py`."""

import numpy as np

from .row import Row, call, distinct


def _several(rng):
    """The calls of ops that take no dim, one or several."""
    return [
        call(distinct(rng, 3, 4)),
        call(distinct(rng, 3, 4), 1),
        call(distinct(rng, 2, 3, 4), (0, -1)),
        call(distinct(rng, 2, 3), dim=0, keepdim=True),
        call(distinct(rng, 2, 3), keepdim=True),
        call(distinct(rng)),
    ]


def _one(rng):
    """The calls of ops that take a dim or none, with every element different."""
    return [
        call(distinct(rng, 3, 4)),
        call(distinct(rng, 3, 4), 1),
        call(distinct(rng, 2, 3, 4), -2, True),
        call(distinct(rng, 2, 3), dim=0, keepdim=True),
        call(distinct(rng)),
        call(distinct(rng), 0),
    ]


def _choosing(rng):
    return [*_one(rng), call(distinct(rng, 3, 4), distinct(rng, 4) + 0.05)]


def _several_empty():
    return [call(np.zeros((0, 3)), 1), call(np.zeros((2, 0)), dim=0, keepdim=True)]


def _reduced(function):
    """NumPy's reduction under PyTorch's argument names."""

    def reduce(x, dim=None, keepdim=False):
        return function(x, axis=dim, keepdims=keepdim)

    return reduce


def _with_index(values, indices, of_two):
    """max and min: one value, values with indices, or the larger of two."""

    def choose(x, dim=None, keepdim=False):
        if isinstance(dim, np.ndarray):
            return of_two(x, dim)
        if dim is None:
            return values(x)
        if x.ndim == 0:
            return x, np.array(0)
        return values(x, axis=dim, keepdims=keepdim), indices(x, axis=dim, keepdims=keepdim)

    return choose


def _index(function):
    def index(x, dim=None, keepdim=False):
        return np.array(0) if x.ndim == 0 else function(x, axis=dim, keepdims=keepdim)

    return index


def _aminmax(x, dim=None, keepdim=False):
    return np.min(x, axis=dim, keepdims=keepdim), np.max(x, axis=dim, keepdims=keepdim)


ROWS = [
    Row("amax", _several, _reduced(np.max), integers=True, empty=_several_empty),
    Row("amin", _several, _reduced(np.min), integers=True, empty=_several_empty),
    Row(
        "aminmax",
        lambda rng: [
            call(distinct(rng, 3, 4)),
            call(distinct(rng, 3, 4), dim=1),
            call(distinct(rng, 2, 3), dim=0, keepdim=True),
        ],
        _aminmax,
        integers=True,
    ),
    Row(
        "max",
        _choosing,
        _with_index(np.max, np.argmax, np.maximum),
        integers=True,
        empty=_several_empty,
    ),
    Row(
        "min",
        _choosing,
        _with_index(np.min, np.argmin, np.minimum),
        integers=True,
        empty=_several_empty,
    ),
    Row("argmax", _one, _index(np.argmax), grad=False, integers=True, empty=_several_empty),
    Row("argmin", _one, _index(np.argmin), grad=False, integers=True, empty=_several_empty),
]
