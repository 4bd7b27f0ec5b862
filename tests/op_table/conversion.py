"""Rows of `airi/ops/conversion.py`."""

import numpy as np

import airi

from .row import Row, call, real


def _empty():
    return [call(np.zeros((0, 3)))]


def _samples(*args, **kwargs):
    return lambda rng: [call(real(rng, 3, 4), *args, **kwargs), call(real(rng), *args, **kwargs)]


ROWS = [
    Row("clone", _samples(), np.copy, integers=True, empty=_empty, complex=True),
    Row(".contiguous", _samples(), lambda x: x, empty=_empty, complex=True),
    Row(
        ".to",
        lambda rng: [
            call(real(rng, 3, 4), dtype=airi.float64, copy=True),
            call(real(rng, 2, 3), "cpu"),
            call(real(rng, 2, 3), real(rng, 1)),
        ],
        lambda x, *args, **kwargs: x,
        torch=None,  # each has its own dtype objects
        complex=True,
    ),
    Row(".type_as", lambda rng: [call(real(rng, 3), real(rng, 1))], lambda x, y: x, complex=True),
]
