"""Rows of `airi/ops/norm.py`. What happens to running statistics is in tests/ops/test_norm.py."""

import numpy as np

from .row import Row, call, positive, real


def _normalized(x, dims, eps):
    return (x - x.mean(dims, keepdims=True)) / np.sqrt(x.var(dims, keepdims=True) + eps)


def _per_channel(value, x):
    return np.reshape(value, (-1, *(1,) * (x.ndim - 2)))


def _affine(x, weight, bias):
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _by_channel(x, like, weight, bias):
    parameters = [None if each is None else _per_channel(each, like) for each in (weight, bias)]
    return _affine(x, *parameters)


def _batch_norm(
    x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    if training:
        out = _normalized(x, (0, *range(2, x.ndim)), eps)
    else:
        out = x - _per_channel(running_mean, x)
        out = out / np.sqrt(_per_channel(running_var, x) + eps)
    return _by_channel(out, x, weight, bias)


def _instance_norm(
    x, running_mean=None, running_var=None, weight=None, bias=None,
    use_input_stats=True, momentum=0.1, eps=1e-5,
):  # fmt: skip
    return _by_channel(_normalized(x, tuple(range(2, x.ndim)), eps), x, weight, bias)


def _group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    groups = x.reshape(x.shape[0], num_groups, -1)
    return _by_channel(_normalized(groups, 2, eps).reshape(x.shape), x, weight, bias)


def _layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    dims = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    return _affine(_normalized(x, dims, eps), weight, bias)


def _rms_norm(x, normalized_shape, weight=None, eps=None):
    dims = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    eps = np.finfo(x.dtype).eps if eps is None else eps
    return _affine(x / np.sqrt((x**2).mean(dims, keepdims=True) + eps), weight, None)


def _local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    pads = [(0, 0)] * x.ndim
    pads[1] = (size // 2, (size - 1) // 2)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x**2, pads), size, 1)
    return x / (k + alpha * windows.mean(-1)) ** beta


def _batch_norm_samples(rng):
    return [
        call(real(rng, 4, 3), None, None, training=True),
        call(real(rng, 3, 2, 4), None, None, real(rng, 2), real(rng, 2), True, 0.1, 1e-3),
        call(real(rng, 2, 3, 2, 3), None, None, real(rng, 3), training=True),
        call(real(rng, 4, 2), None, None, None, real(rng, 2), True),
        call(real(rng, 2, 3, 2, 2), real(rng, 3), positive(rng, 3), real(rng, 3), real(rng, 3)),
        call(real(rng, 3, 2), real(rng, 2), positive(rng, 2)),
    ]


def _instance_norm_samples(rng):
    return [
        call(real(rng, 2, 3, 4)),
        call(real(rng, 2, 2, 3, 2), None, None, real(rng, 2), real(rng, 2), True, 0.2, 1e-2),
    ]


def _group_norm_samples(rng):
    return [
        call(real(rng, 2, 4, 3), 2),
        call(real(rng, 2, 6, 2, 2), 3, real(rng, 6), real(rng, 6), 1e-2),
        call(real(rng, 3, 4), 2, weight=real(rng, 4)),
    ]


def _layer_norm_samples(rng):
    return [
        call(real(rng, 2, 3, 4), (4,)),
        call(real(rng, 2, 3, 4), (3, 4), real(rng, 3, 4), real(rng, 3, 4), 1e-2),
        call(real(rng, 5), [5], weight=real(rng, 5)),
        call(real(rng, 2, 4), (4,), bias=real(rng, 4)),
    ]


def _rms_norm_samples(rng):
    return [
        call(real(rng, 2, 3, 4), (4,)),
        call(real(rng, 2, 3, 4), (3, 4), real(rng, 3, 4), 1e-2),
    ]


def _local_response_norm_samples(rng):
    return [
        call(real(rng, 2, 5, 3), 3),
        call(real(rng, 2, 4, 2, 3), 2, alpha=0.5, beta=0.6, k=2.0),
    ]


def _empty(*arguments, **settings):
    return lambda: [call(np.zeros((0, 4, 3)), *arguments, **settings)]


def _functional(name, samples, numpy, **fields):
    return Row(f"nn.functional.{name}", samples, numpy, method=False, **fields)


ROWS = [
    # PyTorch refuses running statistics that require grad; tests/ops/test_norm.py compares with it.
    _functional("batch_norm", _batch_norm_samples, _batch_norm, torch=None),
    _functional("instance_norm", _instance_norm_samples, _instance_norm, empty=_empty()),
    _functional("group_norm", _group_norm_samples, _group_norm),
    _functional("layer_norm", _layer_norm_samples, _layer_norm, empty=_empty((3,))),
    _functional("rms_norm", _rms_norm_samples, _rms_norm, empty=_empty((3,))),
    _functional("local_response_norm", _local_response_norm_samples, _local_response_norm),
]
