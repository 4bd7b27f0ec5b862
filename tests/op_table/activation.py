"""Rows of `airi/ops/activation.py`, of `gelu.py`, and of softmin."""

import math

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


def _gelu(x, approximate="none"):
    if approximate == "tanh":
        return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2
    return x * (1 + np.vectorize(math.erf, otypes=[float])(x / np.sqrt(2))) / 2


def _softplus(x, beta=1.0, threshold=20.0):
    return np.where(beta * x > threshold, x, np.log1p(np.exp(beta * x)) / beta)


def _glu(x, dim=-1):
    a, b = np.split(x, 2, dim)
    return a * _sigmoid(b)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _softmin(x, dim):
    return np.exp(-x) / np.exp(-x).sum(dim, keepdims=True)


def _functional(name, samples, function, **fields):
    """The row of what is reached through ``nn.functional`` alone."""
    return Row(f"nn.functional.{name}", samples, function, method=False, **fields)


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
    _functional("relu6", _with({}, {}), lambda x: np.clip(x, 0, 6)),
    _functional(
        "hardtanh",
        _with({}, {"min_val": -0.3, "max_val": 1.4}),
        lambda x, min_val=-1.0, max_val=1.0: np.clip(x, min_val, max_val),
        empty=_empty,
    ),
    _functional(
        "leaky_relu",
        _with({}, {"negative_slope": 0.3}, {"negative_slope": -0.3}, {"negative_slope": 2.0}),
        lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
        empty=_empty,
    ),
    _functional(
        "elu",
        _with({}, {"alpha": 0.5}, {"alpha": -0.5}),
        lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x)),
        empty=_empty,
    ),
    _functional(
        "gelu", _with({}, {"approximate": "tanh"}, {"approximate": "none"}), _gelu, empty=_empty
    ),
    _functional("silu", _with({}, {}), lambda x: x * _sigmoid(x), empty=_empty),
    _functional("mish", _with({}, {}), lambda x: x * np.tanh(_softplus(x)), empty=_empty),
    _functional(
        "softplus",
        _with({}, {"beta": 2.0}, {"beta": 0.5, "threshold": 0.2}),
        _softplus,
        empty=_empty,
    ),
    _functional("softsign", _with({}, {}), lambda x: x / (1 + np.abs(x)), empty=_empty),
    _functional("hardsigmoid", _with({}, {}), lambda x: np.clip(x / 6 + 0.5, 0, 1), empty=_empty),
    _functional("hardswish", _with({}, {}), lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    _functional("logsigmoid", _with({}, {}), lambda x: -np.log1p(np.exp(-x)), empty=_empty),
    _functional("tanhshrink", _with({}, {}), lambda x: x - np.tanh(x), empty=_empty),
    _functional(
        "softshrink",
        _with({}, {"lambd": 0.3}),
        lambda x, lambd=0.5: np.sign(x) * np.maximum(np.abs(x) - lambd, 0),
        empty=_empty,
    ),
    _functional("glu", lambda rng: [call(real(rng, 3, 4)), call(real(rng, 4, 2, 3), dim=0)], _glu),
    _functional("softmin", lambda rng: [call(real(rng, 3, 4), 1)], _softmin),
]
