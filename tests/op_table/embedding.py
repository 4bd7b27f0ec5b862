"""Rows of `airi/ops/embedding.py`. Gradients of padding and of max_norm: tests/ops."""

import numpy as np

from .row import Row, call, real


def _embedding(indices, weight):
    return weight[indices]


ROWS = [
    Row(
        "nn.functional.embedding",
        lambda rng: [
            call(rng.integers(0, 5, (2, 3)), real(rng, 5, 4)),
            call(np.array(2), real(rng, 3, 2)),
            call(np.array([1, 1, 0, 1], np.int32), real(rng, 3, 2)),
        ],
        _embedding,
        method=False,
        empty=lambda: [call(np.zeros((0, 2), np.int64), np.ones((3, 2)))],
    ),
]
