"""Rows of `airi/ops/elementwise.py`."""

import numpy as np

from .row import Row, binary, booleans, call, positive, real, unary


def _add(x, y, *, alpha=1):
    return x + alpha * y


def _with_alpha(rng):
    return [
        call(real(rng, 3, 4), real(rng, 4)),
        call(real(rng, 3, 1), real(rng, 4), alpha=2.5),
        call(real(rng, 3), 2.0, alpha=0.5),
    ]


def _clamp(x, min=None, max=None):
    return np.clip(x, min, max)


ROWS = [
    Row("add", _with_alpha, _add, in_place=True, broadcast=True, integers=True),
    Row(
        "sub",
        _with_alpha,
        lambda x, y, alpha=1: x - alpha * y,
        in_place=True,
        broadcast=True,
        integers=True,
    ),
    binary("mul", np.multiply, in_place=True, integers=True),
    binary("div", np.true_divide, make=positive, in_place=True, integers=True),
    binary("remainder", np.remainder, make=positive, in_place=True),
    binary("fmod", np.fmod, make=positive, in_place=True),
    unary("neg", np.negative, in_place=True, integers=True),
    unary("square", np.square, in_place=True, integers=True),
    unary("abs", np.abs, in_place=True, integers=True),
    unary("floor", np.floor, in_place=True, second=False, integers=True),
    Row(
        "clamp",
        lambda rng: [
            call(real(rng, 3, 4), -0.5, 0.5),
            call(real(rng, 3, 4), min=0.0),
            call(real(rng, 3, 4), max=real(rng, 4)),
            call(real(rng, 2, 3, 4), real(rng, 4), real(rng, 3, 1)),
        ],
        _clamp,
        in_place=True,
        integers=False,
    ),
    Row(
        "where",
        lambda rng: [
            call(booleans(rng, 3, 4), real(rng, 3, 4), real(rng, 4)),
            call(booleans(rng, 3, 1), real(rng, 4), 0.0),
        ],
        np.where,
        method=False,
    ),
]
