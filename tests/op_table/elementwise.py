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


def _with_rounding(rng):
    return [
        call(real(rng, 3, 4), positive(rng, 4)),
        call(real(rng, 3, 1), real(rng, 4), rounding_mode=None),
        call(real(rng, 3), 0.7, rounding_mode="floor"),
        call(real(rng, 3), positive(rng), rounding_mode="trunc"),
    ]


def _div(x, y, rounding_mode=None):
    quotient = x / y
    return {None: quotient, "floor": np.floor(quotient), "trunc": np.trunc(quotient)}[rounding_mode]


ROWS = [
    Row("add", _with_alpha, _add, in_place=True, broadcast=True, integers=True, complex=True),
    Row(
        "sub",
        _with_alpha,
        lambda x, y, alpha=1: x - alpha * y,
        in_place=True,
        broadcast=True,
        integers=True,
        complex=True,
    ),
    Row(
        "rsub",
        _with_alpha,
        lambda x, y, alpha=1: y - alpha * x,
        method=False,
        broadcast=True,
        integers=True,
        complex=True,
    ),
    binary("mul", np.multiply, in_place=True, integers=True, complex=True),
    Row("div", _with_rounding, _div, in_place=True, broadcast=True, integers=True),
    binary(
        "floor_divide",
        np.floor_divide,
        make=positive,
        in_place=True,
        second=False,
        # PyTorch has no gradient of it at all; here it is 0, as that of floor.
        torch=None,
    ),
    binary("remainder", np.remainder, make=positive, in_place=True, integers=True),
    binary("fmod", np.fmod, make=positive, in_place=True, integers=True),
    unary("neg", np.negative, in_place=True, integers=True, complex=True),
    unary("positive", np.positive, integers=True, complex=True),
    unary("square", np.square, in_place=True, integers=True, complex=True),
    unary("reciprocal", np.reciprocal, make=positive, in_place=True, integers=True, complex=True),
    unary("abs", np.abs, in_place=True, integers=True, complex=True),
    unary("sign", np.sign, in_place=True, second=False, integers=True),
    Row(
        "where",
        lambda rng: [
            call(booleans(rng, 3, 4), real(rng, 3, 4), real(rng, 4)),
            call(booleans(rng, 3, 1), real(rng, 4), 0.0),
            call(booleans(rng, 4), 0.0, real(rng, 3, 4)),
            call(booleans(rng, 2, 3), 1.5, real(rng)),
        ],
        np.where,
        method=False,
        integers=True,
        complex=True,
    ),
]
