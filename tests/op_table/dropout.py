"""Rows of `airi/ops/dropout.py`, where chance has no say: off, or keeping or dropping everything.

What is random about them is tested in tests/ops/test_dropout.py.
"""

import numpy as np

from .row import Row, call, real

ALMOST_NEVER = 1e-15


def _dropout(x, p=0.5, training=True, inplace=False):
    return np.zeros_like(x) if training and p == 1 else x


def _alpha_dropout(x, p=0.5, training=False, inplace=False):
    return _dropout(x, p, training)


def _samples(*shape):
    def samples(rng):
        return [
            call(real(rng, *shape), 0.5, False),
            call(real(rng, *shape), p=0.0, training=True, inplace=False),
            call(real(rng, *shape), 1.0, training=True),
            call(real(rng, *shape), ALMOST_NEVER, True),
        ]

    return samples


def _functional(name, samples, numpy):
    return Row(f"nn.functional.{name}", samples, numpy, method=False)


ROWS = [
    _functional("dropout", _samples(3, 4), _dropout),
    _functional("dropout1d", _samples(2, 3, 4), _dropout),
    _functional("dropout2d", _samples(2, 3, 2, 2), _dropout),
    _functional("dropout3d", _samples(2, 3, 2, 1, 2), _dropout),
    _functional("alpha_dropout", _samples(3, 4), _alpha_dropout),
    _functional("feature_alpha_dropout", _samples(2, 3, 4), _alpha_dropout),
]
