"""Rows of `airi/ops/multihead.py`."""

import numpy as np

from .row import Row, call, real

E, HEADS = 4, 2


def _softmax(scores):
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def _additive(mask):
    return np.where(mask, -np.inf, 0.0) if mask.dtype == bool else mask


def _attention(
    query,
    key,
    value,
    features,
    heads,
    in_weight,
    in_bias,
    bias_k,
    bias_v,
    add_zero_attn,
    dropout_p,
    out_weight,
    out_bias,
    training=True,
    key_padding_mask=None,
    need_weights=True,
    attn_mask=None,
    use_separate_proj_weight=False,
    q_proj_weight=None,
    k_proj_weight=None,
    v_proj_weight=None,
    average_attn_weights=True,
    is_causal=False,
):
    """Batch by batch and head by head."""
    weights = [q_proj_weight, k_proj_weight, v_proj_weight]
    if not use_separate_proj_weight:
        weights = np.split(in_weight, 3)
    biases = np.zeros((3, features)) if in_bias is None else np.split(in_bias, 3)
    q, k, v = (x @ w.T + b for x, w, b in zip((query, key, value), weights, biases))
    batch, source = query.shape[1], len(key)
    if bias_k is not None:
        k, v = (
            np.concatenate([x, np.repeat(more, batch, 1)]) for x, more in ((k, bias_k), (v, bias_v))
        )
    if add_zero_attn:
        k, v = (np.concatenate([x, np.zeros((1, *x.shape[1:]))]) for x in (k, v))
    outs, all_weights = [], []
    for n in range(batch):
        parts = []
        for head in range(heads):
            d = features // heads
            part = slice(head * d, (head + 1) * d)
            scores = q[:, n, part] @ k[:, n, part].T / np.sqrt(d)
            if attn_mask is not None:
                mask = attn_mask if attn_mask.ndim == 2 else attn_mask[n * heads + head]
                scores[:, :source] += _additive(mask)
            if key_padding_mask is not None:
                scores[:, :source] += _additive(key_padding_mask)[n]
            parts.append((_softmax(scores), v[:, n, part]))
        outs.append(np.concatenate([w @ x for w, x in parts], 1))
        all_weights.append(np.stack([w for w, _ in parts]))
    out = np.stack(outs, 1) @ out_weight.T + (0 if out_bias is None else out_bias)
    if not need_weights:
        return out
    weights = np.stack(all_weights)
    return out, weights.mean(1) if average_attn_weights else weights


def _samples(rng):
    def inputs(length=3, source=4, k=E, v=E):
        return [real(rng, length, 2, E), real(rng, source, 2, k), real(rng, source, 2, v)]

    def rest(weight=True, bias=True, more=False, zero=False):
        return [
            *(
                E,
                HEADS,
                real(rng, 3 * E, E) if weight else None,
                real(rng, 3 * E) if bias else None,
            ),
            *([real(rng, 1, 1, E), real(rng, 1, 1, E)] if more else [None, None]),
            *(zero, 0.0, real(rng, E, E), real(rng, E) if bias else None),
        ]

    padding = np.array([[False, False, False, True], [False, True, False, False]])
    separate = {
        "use_separate_proj_weight": True,
        "q_proj_weight": real(rng, E, E),
        "k_proj_weight": real(rng, E, 3),
        "v_proj_weight": real(rng, E, 2),
    }
    return [
        call(*inputs(), *rest()),
        call(*inputs(), *rest(bias=False), average_attn_weights=False, key_padding_mask=padding),
        call(
            *inputs(), *rest(more=True, zero=True), True, real(rng, 2, 4), attn_mask=real(rng, 3, 4)
        ),
        call(*inputs(), *rest(zero=True), attn_mask=real(rng, 2 * HEADS, 3, 4)),
        call(*inputs(k=3, v=2), *rest(weight=False), **separate),
        call(*inputs(4), *rest(), attn_mask=~np.tri(4, dtype=bool), is_causal=True),
    ]


ROWS = [
    Row("nn.functional.multi_head_attention_forward", _samples, _attention, method=False),
]
