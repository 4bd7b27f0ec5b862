"""Rows of `airi/ops/transcendental.py`."""

import numpy as np

from .row import Row, binary, call, integers, positive, real, unary


def _pow_samples(rng):
    return [
        call(positive(rng, 3, 4), real(rng, 4)),
        call(positive(rng, 3, 1), positive(rng, 4)),
        call(positive(rng, 3), 1.7),
        *(call(positive(rng, 3), power) for power in (2, 0.5, -1, 3, -2, 0, 1)),
        call(real(rng, 4), 3),
        call(1.5, real(rng, 4)),
    ]


def _float_power_samples(rng):
    # Integers: of float32 the result is float64, which the laws do not expect.
    return [call(integers(rng, 3, 4), integers(rng, 4, low=0)), call(integers(rng, 3), 2)]


def _tensors(rng):
    return [call(real(rng, 3, 4), real(rng, 4)), call(real(rng, 3, 1), real(rng, 4))]


def _probability(rng, *shape):
    return rng.uniform(0.1, 0.9, shape)


def _logit(x, eps=None):
    x = x if eps is None else np.clip(x, eps, 1 - eps)
    return np.log(x / (1 - x))


ROWS = [
    Row("pow", _pow_samples, np.power, method=True, in_place=False, integers=False, complex=True),
    Row("float_power", _float_power_samples, np.float_power, grad=False),
    Row(
        "ldexp",
        _tensors,
        lambda x, y: x * 2.0**y,
        in_place=True,
        broadcast=True,
        integers=True,
        complex=True,
    ),
    unary("sqrt", np.sqrt, make=positive, in_place=True, integers=True, complex=True),
    unary("rsqrt", lambda x: x**-0.5, make=positive, in_place=True, integers=True, complex=True),
    unary("exp", np.exp, in_place=True, integers=True, complex=True),
    unary("exp2", np.exp2, in_place=True, integers=True, complex=True),
    unary("expm1", np.expm1, in_place=True, integers=True, complex=True),
    unary("log", np.log, make=positive, in_place=True, integers=True, complex=True),
    unary("log2", np.log2, make=positive, in_place=True, integers=True, complex=True),
    unary("log10", np.log10, make=positive, in_place=True, integers=True, complex=True),
    unary("log1p", np.log1p, make=positive, in_place=True, integers=True, complex=True),
    unary("sigmoid", lambda x: 1 / (1 + np.exp(-x)), in_place=True, integers=True, complex=True),
    Row(
        "logit",
        lambda rng: [
            call(_probability(rng, 3, 4)),
            call(_probability(rng, 3, 4), 0.25),
            call(_probability(rng), eps=0.01),
        ],
        _logit,
        in_place=True,
    ),
    Row("logaddexp", _tensors, np.logaddexp, broadcast=True),
    Row("logaddexp2", _tensors, np.logaddexp2, broadcast=True),
    binary("xlogy", lambda x, y: x * np.log(y), make=positive, in_place=True, integers=True),
]
