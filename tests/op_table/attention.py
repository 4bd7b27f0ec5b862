"""Rows of `airi/ops/attention.py`."""

import numpy as np

from .row import Row, call, real


def _attention(
    q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    if enable_gqa:
        k, v = (np.repeat(each, q.shape[-3] // each.shape[-3], -3) for each in (k, v))
    scores = q @ np.swapaxes(k, -1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    mask = np.tri(*scores.shape[-2:], dtype=bool) if is_causal else attn_mask
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    weights = np.exp(scores)
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total == 0, 1, total) @ v


def _samples(rng):
    def inputs(*batch, length=4, values=2):
        shapes = (3, 2), (length, 2), (length, values)
        return [real(rng, *batch, *shape) for shape in shapes]

    mask = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 0]], bool)
    heads = [real(rng, 1, 4, 3, 2), real(rng, 1, 2, 5, 2), real(rng, 1, 2, 5, 3)]
    return [
        call(*inputs()),
        call(*inputs(2, 2, values=3), is_causal=True),
        call(*inputs(2), mask, 0.0, scale=0.7),
        call(*inputs(2, 2), attn_mask=real(rng, 3, 4)),
        call(*heads, enable_gqa=True),
    ]


ROWS = [
    Row("nn.functional.scaled_dot_product_attention", _samples, _attention, method=False),
]
