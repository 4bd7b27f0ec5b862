"""The row of `airi/ops/embedding_bag.py`; PyTorch is the reference."""

import numpy as np

from .row import Row, call, distinct, real

BAGS = np.array([[1, 2, 4], [4, 4, 0]])
IN_A_ROW = np.array([1, 2, 4, 4, 0, 3, 2])
OFFSETS = np.array([0, 2, 2, 5])


def _samples(rng):
    return [
        call(BAGS, real(rng, 5, 3)),
        call(BAGS, distinct(rng, 5, 3), mode="max", padding_idx=4),
        call(IN_A_ROW, real(rng, 5, 2), OFFSETS, mode="sum"),
        call(IN_A_ROW, distinct(rng, 5, 2), OFFSETS, mode="max"),
        call(IN_A_ROW, real(rng, 5, 2), np.append(OFFSETS, 7), include_last_offset=True),
        call(IN_A_ROW, real(rng, 5, 2), OFFSETS, mode="mean", padding_idx=-1),
        call(IN_A_ROW, real(rng, 5, 2), OFFSETS, mode="sum", per_sample_weights=real(rng, 7)),
        call(BAGS, real(rng, 5, 3), mode="sum", per_sample_weights=real(rng, 2, 3), padding_idx=0),
    ]


ROWS = [
    Row(
        "nn.functional.embedding_bag",
        _samples,
        method=False,
        empty=lambda: [call(np.zeros((0, 2), np.int64), np.ones((3, 2)))],
    ),
]
