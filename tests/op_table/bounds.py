"""Rows of `airi/ops/bounds.py`."""

import numpy as np

from .row import Row, binary, call, distinct, real


def _clamp(x, min=None, max=None):
    return np.clip(x, min, max)


def _two_distinct(rng):
    values = distinct(rng, 2, 3, 4)
    return [call(values[0], values[1]), call(values[0][:, :1], values[1][0])]


ROWS = [
    Row("maximum", _two_distinct, np.maximum, broadcast=True, integers=True),
    Row("minimum", _two_distinct, np.minimum, broadcast=True, integers=True),
    Row("fmax", _two_distinct, np.fmax, broadcast=True, integers=True),
    Row("fmin", _two_distinct, np.fmin, broadcast=True, integers=True),
    Row(
        "clamp",
        lambda rng: [
            call(real(rng, 3, 4), -0.5, 0.5),
            call(real(rng, 3, 4), min=0.0),
            call(real(rng, 3, 4), max=real(rng, 4)),
            call(real(rng, 2, 3, 4), real(rng, 4), real(rng, 3, 4)),
        ],
        _clamp,
        in_place=True,
        integers=True,
    ),
    binary("clamp_min", np.maximum, in_place=True, integers=True),
    binary("clamp_max", np.minimum, in_place=True, integers=True),
]
