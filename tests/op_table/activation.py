"""Rows of `airi/ops/activation.py`."""

import numpy as np

from .row import Row, call, real, unary


def _prelu(x, weight):
    if weight.size > 1:
        weight = weight.reshape(-1, *[1] * (x.ndim - 2))
    return np.where(x > 0, x, weight * x)


def _celu(x, alpha=1.0):
    return np.maximum(x, 0) + np.minimum(alpha * np.expm1(x / alpha), 0)


def _selu(x):
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x))


def _with(*settings):
    """Samples: each setting of keyword arguments on a tensor of its own shape."""
    shapes = [(3, 4), (), (2, 1, 3), (5,), (2, 3)]

    def samples(rng):
        return [call(real(rng, *shape), **each) for shape, each in zip(shapes, settings)]

    return samples


def _empty():
    return [call(np.zeros((0,))), call(np.zeros((2, 0, 3)))]


ROWS = [
    unary("relu", lambda x: np.maximum(x, 0), in_place=True, integers=True),
    Row("celu", _with({}, {"alpha": 0.5}, {"alpha": 2.0}), _celu, method=False, empty=_empty),
    unary("selu", _selu, method=False),
    Row(
        "hardshrink",
        _with({}, {"lambd": 0.3}, {"lambd": 1.2}),
        lambda x, lambd=0.5: np.where(np.abs(x) > lambd, x, 0),
        empty=_empty,
    ),
    Row(
        "prelu",
        lambda rng: [
            call(real(rng, 2, 3, 4), real(rng, 3)),
            call(real(rng, 2, 3), real(rng, 3)),
            call(real(rng, 2, 3), real(rng, 1)),
            call(real(rng, 4), real(rng, 1)),
        ],
        _prelu,
    ),
    # Only without training: then the slope is not random.
    Row(
        "rrelu",
        _with({}, {"lower": 0.1, "upper": 0.3}, {"training": False}),
        lambda x, lower=1 / 8, upper=1 / 3, training=False: np.where(
            x > 0, x, (lower + upper) / 2 * x
        ),
        method=False,
        empty=_empty,
    ),
    Row(
        "threshold",
        _with({"threshold": 0.5, "value": 2.0}, {"threshold": -0.5, "value": -3.0}),
        lambda x, threshold, value: np.where(x > threshold, x, value),
        method=False,
    ),
]
