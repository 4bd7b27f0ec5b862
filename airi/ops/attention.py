"""Attention: means of values, weighted by how well queries and keys agree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from airi.autograd.graph import wrap
from airi.ops.dropout import dropout
from airi.ops.elementwise import where
from airi.ops.joining import repeat_interleave
from airi.ops.masking import masked_fill
from airi.ops.matmul import matmul
from airi.ops.softmax import softmax
from airi.ops.views import shape_of, transpose

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """dropout(softmax(query @ key^T * scale + mask)) @ value, with scale = 1 / sqrt(E).

    Shapes: query (..., L, E), key (..., S, E), value (..., S, V); result (..., L, V). A bool mask
    says what takes part, a float mask is added; `is_causal` lets position i see the first i + 1
    keys. A query that may see nothing gives 0. `enable_gqa` repeats the heads (dimension -3) of
    key and value to the query's number. Raises RuntimeError where arguments do not go together.
    Source: Vaswani et al., 2017; ``torch.nn.functional.scaled_dot_product_attention``.
    """
    _check(query, key, value, attn_mask, is_causal)
    if enable_gqa:
        key, value = (_with_heads(query, each) for each in (key, value))
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1])
    scores = matmul(query * scale, transpose(key, -2, -1))
    if is_causal:
        seen = np.tri(query.shape[-2], key.shape[-2], dtype=bool)
        scores = where(wrap(seen), scores, -math.inf)
    elif attn_mask is not None:
        if attn_mask.is_floating_point():
            scores = scores + attn_mask
        else:
            scores = where(attn_mask, scores, -math.inf)
    weights = _softmax(scores, masked=attn_mask is not None)
    return matmul(dropout(weights, dropout_p), value)


def _softmax(scores: Tensor, masked: bool) -> Tensor:
    """softmax over the last dimension, 0 in rows where everything is masked."""
    blind = None
    if masked:
        largest = scores._array.max(-1, keepdims=True, initial=-math.inf)
        if np.isneginf(largest).any():
            blind = wrap(np.isneginf(largest))
            scores = masked_fill(scores, blind, 0.0)
    weights = softmax(scores, -1)
    return weights if blind is None else masked_fill(weights, blind, 0.0)


def _with_heads(query: Tensor, other: Tensor) -> Tensor:
    heads, have = query.shape[-3], other.shape[-3]
    if heads % have:
        raise RuntimeError(
            "scaled_dot_product_attention: with enable_gqa the query's number of heads must be a "
            f"multiple of the others'; got {shape_of(query)} and {shape_of(other)}"
        )
    return other if heads == have else repeat_interleave(other, heads // have, -3)


def _check(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, is_causal: bool
) -> None:
    shapes = ", ".join(str(shape_of(each)) for each in (query, key, value))
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(
            f"scaled_dot_product_attention: query, key and value need 2 dimensions, got {shapes}"
        )
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise RuntimeError(
            "scaled_dot_product_attention: expected query (..., L, E), key (..., S, E) and value "
            f"(..., S, V), got {shapes}"
        )
    if not query.dtype == key.dtype == value.dtype:
        raise RuntimeError(
            "scaled_dot_product_attention: query, key and value must have one dtype, got "
            f"{query.dtype}, {key.dtype} and {value.dtype}"
        )
    if attn_mask is None:
        return
    if is_causal:
        raise RuntimeError(
            "scaled_dot_product_attention: attn_mask must be None when is_causal=True"
        )
    if attn_mask._array.dtype.kind not in "bf":
        raise RuntimeError(
            f"scaled_dot_product_attention: attn_mask must be bool or float, got {attn_mask.dtype}"
        )
