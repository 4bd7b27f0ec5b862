"""Rows of `airi/ops/packing.py`."""

import numpy as np

from .row import Row, call, real


def _pad(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    longest = max(len(each) for each in sequences)
    padded = []
    for each in sequences:
        filling = np.full((longest - len(each), *each.shape[1:]), padding_value)
        parts = [each, filling] if padding_side == "right" else [filling, each]
        padded.append(np.concatenate(parts))
    return np.stack(padded, 0 if batch_first else 1)


def _pack(x, lengths, batch_first=False, enforce_sorted=True):
    order = np.argsort([-each for each in lengths], kind="stable")
    by_sequence = x if batch_first else np.swapaxes(x, 0, 1)
    rows = [
        [by_sequence[at][step] for at in order if lengths[at] > step]
        for step in range(max(lengths))
    ]
    sizes = np.array([len(each) for each in rows])
    return np.stack([row for each in rows for row in each]), sizes, order, np.argsort(order)


def _sequences(rng):
    vectors = [real(rng, length) for length in (2, 4, 1)]
    matrices = [real(rng, length, 2) for length in (3, 0, 2)]
    return [
        call(vectors),
        call(matrices, True, 0.5),
        call(matrices, padding_side="left"),
        call(vectors, padding_value=-1.0, padding_side="left", batch_first=True),
    ]


def _padded(rng):
    return [
        call(real(rng, 4, 3, 2), [2, 3, 2], enforce_sorted=False),
        call(real(rng, 3, 5), [1, 4, 4], True, False),
    ]


ROWS = [
    Row("nn.utils.rnn.pad_sequence", _sequences, _pad, method=False),
    Row("nn.utils.rnn.pack_padded_sequence", _padded, _pack, method=False),
]
