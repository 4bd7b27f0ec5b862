"""Rows of `airi/ops/pool3d.py` and `airi/ops/fractional_pool.py`; PyTorch is the reference."""

import numpy as np

from .row import Row, call, distinct, positive, real


def _max_pool3d(rng):
    return [
        call(distinct(rng, 2, 2, 3, 4, 4), 2),
        call(distinct(rng, 1, 4, 5, 4), (3, 2, 2), (2, 1, 2), 1, 1, True, True),
        call(distinct(rng, 1, 1, 3, 5, 4), 2, stride=1, dilation=(1, 2, 3), return_indices=True),
    ]


def _avg_pool3d(rng):
    return [
        call(real(rng, 2, 2, 3, 4, 4), 2),
        call(real(rng, 1, 4, 5, 4), (3, 2, 2), (2, 1, 2), 1, True, False),
        call(real(rng, 1, 1, 3, 3, 4), 3, padding=1, divisor_override=2),
    ]


def _adaptive(make):
    def samples(rng):
        return [
            call(make(rng, 2, 2, 4, 2, 4), 2),
            call(make(rng, 2, 3, 4, 3), (None, 3, 2)),
            call(make(rng, 1, 1, 3, 2, 3), (2, 4, 1)),
        ]

    return samples


def _lp_pool3d(rng):
    return [
        call(positive(rng, 1, 2, 4, 3, 4), 2, 2),
        call(positive(rng, 1, 3, 4, 3), 3.0, (2, 3, 2), stride=1, ceil_mode=True),
    ]


def _max_unpool3d(rng):
    places = np.array([0, 3, 9, 15, 33, 40, 50, 63])
    return [
        call(real(rng, 1, 1, 2, 2, 2), places.reshape(1, 1, 2, 2, 2), 2),
        call(real(rng, 1, 2, 2, 2), places.reshape(1, 2, 2, 2), 3, 2, 1, output_size=(4, 4, 4)),
    ]


def _fractional(*size):
    def samples(rng):
        dims = len(size)
        return [
            call(
                distinct(rng, 2, 2, *size), 2, output_size=3,
                _random_samples=rng.random((2, 2, dims)),
            ),
            call(
                distinct(rng, 2, *size), (2, 1, 2)[:dims], output_ratio=(0.5,) * dims,
                return_indices=True, _random_samples=rng.random((1, 2, dims)),
            ),
        ]  # fmt: skip

    return samples


def _functional(name, samples, **fields):
    return Row(f"nn.functional.{name}", samples, method=False, **fields)


ROWS = [
    _functional("max_pool3d", _max_pool3d, empty=lambda: [call(np.zeros((0, 2, 4, 4, 4)), 2)]),
    _functional("avg_pool3d", _avg_pool3d, empty=lambda: [call(np.zeros((0, 2, 4, 4, 4)), 2)]),
    _functional("adaptive_avg_pool3d", _adaptive(real)),
    _functional("adaptive_max_pool3d", _adaptive(distinct)),
    _functional("lp_pool3d", _lp_pool3d),
    _functional("max_unpool3d", _max_unpool3d),
    # PyTorch refuses samples that require grad; it is the reference in tests/ops/test_pool3d.py.
    _functional("fractional_max_pool2d", _fractional(6, 7), torch=None),
    _functional("fractional_max_pool3d", _fractional(5, 4, 6), torch=None),
]
