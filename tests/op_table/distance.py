"""Rows of `airi/ops/distance.py`."""

import numpy as np

from .row import Row, call, real


def _normalize(x, p=2.0, dim=1, eps=1e-12):
    return x / np.maximum(np.linalg.norm(x, p, dim, keepdims=True), eps)


def _cosine_similarity(x, y, dim=1, eps=1e-8):
    x, y = np.broadcast_arrays(x, y)
    lengths = [np.maximum(np.linalg.norm(each, axis=dim), eps) for each in (x, y)]
    return (x * y).sum(dim) / (lengths[0] * lengths[1])


def _pairwise_distance(x, y, p=2.0, eps=1e-6, keepdim=False):
    return np.linalg.norm(x - y + eps, p, -1, keepdims=keepdim)


def _pdist(x, p=2.0):
    first, second = np.triu_indices(len(x), 1)
    return np.linalg.norm(x[first] - x[second], p, -1)


def _functional(name, samples, numpy):
    return Row(f"nn.functional.{name}", samples, numpy, method=False)


ROWS = [
    _functional(
        "normalize",
        lambda rng: [
            call(real(rng, 3, 4)),
            call(real(rng, 2, 3, 2), 3.0, dim=-1),
            call(real(rng, 2, 3), p=1.0, dim=0, eps=100.0),
        ],
        _normalize,
    ),
    _functional(
        "cosine_similarity",
        lambda rng: [
            call(real(rng, 3, 4), real(rng, 3, 4)),
            call(real(rng, 2, 1, 4), real(rng, 3, 4), dim=-1),
            call(real(rng, 3, 2), real(rng, 3, 2), 0, 1e-3),
        ],
        _cosine_similarity,
    ),
    _functional(
        "pairwise_distance",
        lambda rng: [
            call(real(rng, 3, 4), real(rng, 3, 4)),
            call(real(rng, 3, 4), real(rng, 4), 3.0, 1e-3, keepdim=True),
            call(real(rng, 4), real(rng, 4), p=1.0),
        ],
        _pairwise_distance,
    ),
    _functional(
        "pdist",
        lambda rng: [call(real(rng, 4, 3)), call(real(rng, 3, 2), 1.0), call(real(rng, 3, 2), 3.0)],
        _pdist,
    ),
]
