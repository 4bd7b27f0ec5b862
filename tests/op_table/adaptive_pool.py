"""Rows of `airi/ops/adaptive_pool.py`."""

import numpy as np

from .row import Row, call, distinct, real


def _adaptive2d(make):
    def samples(rng):
        return [
            call(make(rng, 2, 3, 4, 6), 2),
            call(make(rng, 2, 5, 7), (None, 3)),
            call(make(rng, 1, 2, 5, 4), (3, 6)),
        ]

    return samples


def _adaptive1d(make):
    def samples(rng):
        return [call(make(rng, 2, 3, 6), 2), call(make(rng, 3, 7), 3), call(make(rng, 1, 2, 4), 6)]

    return samples


def _no_examples(*arguments):
    return lambda: [call(np.zeros((0, 2, 4, 4)), *arguments)]


def _functional(name, samples, **fields):
    return Row(f"nn.functional.{name}", samples, method=False, **fields)


ROWS = [
    _functional("adaptive_avg_pool2d", _adaptive2d(real), empty=_no_examples(3)),
    _functional("adaptive_avg_pool1d", _adaptive1d(real)),
    _functional("adaptive_max_pool2d", _adaptive2d(distinct), empty=_no_examples(3)),
    _functional("adaptive_max_pool1d", _adaptive1d(distinct)),
]
