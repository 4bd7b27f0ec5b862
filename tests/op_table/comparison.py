"""Rows of `airi/ops/comparison.py`.

Results are bool, so the in-place forms, which keep the dtype, have their tests in
``tests/ops/test_comparison.py``.
"""

import numpy as np

from .row import Row, booleans, call, integers, real, unary


def _small_integers(rng, *shape):
    return integers(rng, *shape, low=-1, high=2).astype(np.float64)


def _pairs(rng):
    return [
        call(_small_integers(rng, 3, 4), _small_integers(rng, 3, 4)),
        call(_small_integers(rng, 3, 1), _small_integers(rng, 4)),
        call(_small_integers(rng, 3), 1),
        call(real(rng, 3), 0.5),
    ]


def _bits(rng):
    return [
        call(integers(rng, 3, 4), integers(rng, 4)),
        call(integers(rng, 3, 1).astype(np.uint8), 5),
        call(booleans(rng, 3, 4), booleans(rng, 4)),
    ]


def _shifts(rng):
    return [
        call(integers(rng, 3, 4), integers(rng, 4, low=0)),
        call(integers(rng, 3, 1).astype(np.int32), 3),
    ]


def _odd(rng, *shape):
    values = real(rng, *shape)
    if values.ndim:
        values.reshape(-1)[:3] = np.nan, np.inf, -np.inf
    return values


def _tests(name, function, **fields):
    return unary(name, function, make=_odd, grad=False, **fields)


def _comparison(name, function, **fields):
    return Row(name, _pairs, function, grad=False, broadcast=True, integers=True, **fields)


def _close_samples(rng):
    x = _odd(rng, 3, 4)
    near = x + 1e-9
    return [
        call(x, near),
        call(x, x + 0.1, rtol=0.1, atol=0.05),
        call(x, near, equal_nan=True),
        call(x, x[:1], 0.0, 0.2),
        call(integers(rng, 5), integers(rng, 5)),
    ]


ROWS = [
    _comparison("eq", np.equal, complex=True),
    _comparison("ne", np.not_equal, complex=True),
    _comparison("lt", np.less),
    _comparison("le", np.less_equal),
    _comparison("gt", np.greater),
    _comparison("ge", np.greater_equal),
    _tests("isnan", np.isnan, complex=True),
    _tests("isinf", np.isinf, complex=True),
    _tests("isfinite", np.isfinite, complex=True),
    _tests("isposinf", np.isposinf),
    _tests("isneginf", np.isneginf),
    _tests("isreal", np.isreal, complex=True),
    _tests("signbit", np.signbit),
    Row("isclose", _close_samples, np.isclose, grad=False, broadcast=True, complex=True),
    Row("allclose", _close_samples, np.allclose, grad=False, complex=True),
    Row(
        "equal",
        lambda rng: [call(real(rng, 3), real(rng, 3))],
        np.array_equal,
        grad=False,
        complex=True,
    ),
    *(
        Row(
            name,
            lambda rng: _pairs(rng)[:2] + [call(booleans(rng, 3), booleans(rng, 3))],
            function,
            grad=False,
            broadcast=True,
            integers=True,
            complex=True,
        )
        for name, function in (
            ("logical_and", np.logical_and),
            ("logical_or", np.logical_or),
            ("logical_xor", np.logical_xor),
        )
    ),
    unary(
        "logical_not", np.logical_not, make=_small_integers, grad=False, integers=True, complex=True
    ),
    Row("bitwise_and", _bits, np.bitwise_and, grad=False, in_place=True, broadcast=True),
    Row("bitwise_or", _bits, np.bitwise_or, grad=False, in_place=True, broadcast=True),
    Row("bitwise_xor", _bits, np.bitwise_xor, grad=False, in_place=True, broadcast=True),
    Row(
        "bitwise_not",
        lambda rng: [call(integers(rng, 3, 4)), call(booleans(rng, 4))],
        np.bitwise_not,
        grad=False,
        in_place=True,
    ),
    Row("bitwise_left_shift", _shifts, np.left_shift, grad=False, in_place=True, broadcast=True),
    Row("bitwise_right_shift", _shifts, np.right_shift, grad=False, in_place=True, broadcast=True),
]
