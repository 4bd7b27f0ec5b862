"""Rows of `airi/ops/pool.py`.

Values are compared with PyTorch's here; the kernels have their own tests beside `conv_ref.py`.
"""

import numpy as np

from .row import Row, call, distinct, positive, real


def _max_pool2d(rng):
    return [
        call(distinct(rng, 2, 3, 5, 6), 2),
        call(distinct(rng, 2, 6, 7), (3, 2), (2, 1), 1, 1, True, True),
        call(distinct(rng, 1, 2, 7, 6), 2, stride=1, dilation=(2, 3), return_indices=True),
    ]


def _max_pool1d(rng):
    return [
        call(distinct(rng, 2, 3, 7), 3, 2, 1),
        call(distinct(rng, 3, 8), 2, dilation=2, ceil_mode=True, return_indices=True),
    ]


def _avg_pool2d(rng):
    return [
        call(real(rng, 2, 3, 5, 6), 2),
        call(real(rng, 2, 6, 7), (3, 2), (2, 1), 1, True, False),
        call(real(rng, 1, 2, 5, 6), 3, stride=2, padding=1, ceil_mode=True),
        call(real(rng, 1, 2, 5, 6), 3, padding=1, divisor_override=2),
    ]


def _avg_pool1d(rng):
    return [
        call(real(rng, 2, 3, 7), 3, 2, 1),
        call(real(rng, 3, 8), 3, padding=1, ceil_mode=True, count_include_pad=False),
    ]


def _max_unpool2d(rng):
    def places(*rows):
        return np.array(rows).reshape(1, 1, 2, 2)

    return [
        call(real(rng, 1, 1, 2, 2), places(0, 3, 9, 15), 2),
        call(real(rng, 1, 2, 2), places(0, 4, 10, 24)[0], 3, 2, 0, output_size=(5, 5)),
        call(real(rng, 1, 1, 2, 2), places(0, 4, 7, 8), 3, stride=2, padding=1),
    ]


def _max_unpool1d(rng):
    return [call(real(rng, 2, 1, 3), np.array([[[0, 3, 4]], [[1, 2, 5]]]), 2)]


def _lp_pool2d(rng):
    return [
        call(positive(rng, 2, 3, 5, 6), 2, 2),
        call(positive(rng, 2, 5, 6), 3.0, (3, 2), stride=2, ceil_mode=True),
    ]


def _lp_pool1d(rng):
    return [call(positive(rng, 2, 3, 6), 2.0, 3, 2), call(positive(rng, 3, 7), 1.5, 2)]


def _no_examples(*arguments):
    return lambda: [call(np.zeros((0, 2, 4, 4)), *arguments)]


def _functional(name, samples, **fields):
    return Row(f"nn.functional.{name}", samples, method=False, **fields)


ROWS = [
    _functional("max_pool2d", _max_pool2d, empty=_no_examples(2)),
    _functional("max_pool1d", _max_pool1d),
    _functional("avg_pool2d", _avg_pool2d, empty=_no_examples(2)),
    _functional("avg_pool1d", _avg_pool1d),
    _functional("max_unpool2d", _max_unpool2d),
    _functional("max_unpool1d", _max_unpool1d),
    _functional("lp_pool2d", _lp_pool2d),
    _functional("lp_pool1d", _lp_pool1d),
]
