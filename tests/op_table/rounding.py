"""Rows of `airi/ops/rounding.py`."""

import numpy as np

from .row import Row, call, integers, real, unary


def _heaviside_samples(rng):
    return [
        call(integers(rng, 3, 4).astype(np.float32), real(rng, 4).astype(np.float32)),
        call(integers(rng, 3, 1), integers(rng, 4)),
    ]


def _nan_to_num_samples(rng):
    # Finite numbers: what becomes of the others is in tests/ops/test_rounding.py.
    return [
        call(real(rng, 3, 4)),
        call(real(rng, 3), 1.5),
        call(real(rng), nan=0.0, posinf=3.0, neginf=-3.0),
    ]


ROWS = [
    unary("floor", np.floor, in_place=True, second=False, integers=True),
    unary("ceil", np.ceil, in_place=True, second=False, integers=True),
    unary("trunc", np.trunc, in_place=True, second=False, integers=True),
    unary("frac", lambda x: x - np.trunc(x), in_place=True, integers=True),
    Row(
        "round",
        lambda rng: [
            call(real(rng, 3, 4) + 0.05),
            call(real(rng, 3), decimals=1),
            call(100 * real(rng, 3), decimals=-1),
        ],
        lambda x, decimals=0: np.round(x, decimals),
        in_place=True,
        second=False,
        integers=True,
    ),
    Row(
        "copysign",
        lambda rng: [
            call(real(rng, 3, 4), real(rng, 4)),
            call(real(rng, 3, 1), real(rng, 4)),
            call(real(rng, 3), -1.0),
        ],
        np.copysign,
        in_place=True,
        broadcast=True,
        integers=True,
    ),
    Row("heaviside", _heaviside_samples, np.heaviside, grad=False, broadcast=True, integers=True),
    Row("nan_to_num", _nan_to_num_samples, np.nan_to_num, in_place=True, second=False),
]
