"""Attention: means of values, weighted by how well queries and keys agree.

No matrix of all scores is kept for backward, which works them out again from the queries, the keys
and one number for each query; nor is one made, since both go through the scores in blocks that
stay in the processor's cache. Source: Dao et al., "FlashAttention" (2022).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Rule, wrap
from airi.ops import product
from airi.ops.dropout import dropout
from airi.ops.elementwise import where
from airi.ops.joining import repeat_interleave
from airi.ops.masking import masked_fill
from airi.ops.matmul import MatMul
from airi.ops.softmax import softmax
from airi.ops.transcendental import exp
from airi.ops.views import SumTo, array_of, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["scaled_dot_product_attention"]

BLOCK = 2**17  # scores in a block: half a megabyte of float32


class Attention(Rule):
    """out = softmax(s) v with the scores s = scale * q k' + mask;  lse = log(sum(e**s))

    Of a bool mask, -inf is added where it is False; `is_causal` adds it where the key comes after
    the query. Where a query sees nothing, out is 0 and lse is inf. With p = e**(s - lse):
    dv = p' g,  ds = p * (g v' - sum(g * out) + g_lse),  dq = scale * ds k,  dk = scale * ds' q.
    """

    outputs = ("out", "lse")
    broadcasts = True

    @staticmethod
    def forward(q, k, v, mask, *, scale, is_causal):
        q, k, v, mask = _with_equal_batches(q, k, v, mask)
        done = product.attention(q, k, v, mask, scale, is_causal)
        if done is not None:
            return done
        batch = q.shape[:-2]
        out = np.empty((*batch, q.shape[-2], v.shape[-1]), q.dtype)
        lse = np.empty((*batch, q.shape[-2], 1), q.dtype)
        for at, rows, keys in _blocks(q, k, is_causal):
            seen = None if mask is None else mask[at][..., rows, keys]
            s = _block_of_scores(q[at][..., rows, :], k[at][..., keys, :], seen, scale)
            if is_causal:
                _hide_later_keys(s, rows)
            largest = s.max(-1, keepdims=True, initial=-np.inf)
            largest[np.isneginf(largest)] = 0
            s -= largest
            np.exp(s, out=s)
            total = np.matmul(s, np.ones((s.shape[-1], 1), s.dtype))  # a fifth of sum()'s time
            blind = total == 0
            total[blind] = 1
            out[at][..., rows, :] = np.matmul(s, v[at][..., keys, :]) / total
            lse[at][..., rows, :] = np.where(blind, np.inf, largest + np.log(total))
        return out, lse

    @staticmethod
    def backward(g, q, k, v, mask, out, lse, scale, is_causal, needs):
        g, g_lse = g
        if isinstance(out, np.ndarray) and not needs[3]:
            return _gradients_in_blocks(g, g_lse, q, k, v, mask, out, lse, scale, is_causal)
        s = MatMul.apply(q * scale, k.mT)
        if is_causal:
            shape = shape_of(s)[-2:]
            s = where(_like(s, np.tri(*shape, dtype=bool)), s, -math.inf)
        elif mask is not None:
            s = where(mask, s, -math.inf) if _is_bool(mask) else s + mask
        p = exp(s - lse)
        sums = SumTo.apply(g * out, shape=shape_of(lse))
        ds = p * (MatMul.apply(g, v.mT) - sums + g_lse)
        dq = MatMul.apply(ds, k) * scale
        dk = MatMul.apply(ds.mT, q) * scale
        return dq, dk, MatMul.apply(p.mT, g), ds if needs[3] else None


def _is_bool(mask: Any) -> bool:
    return getattr(mask, "_array", mask).dtype.kind == "b"


def _like(model: Any, array: np.ndarray) -> Any:
    """A constant as what the others are: Tensors or arrays."""
    return array if isinstance(model, np.ndarray) else wrap(array)


def _with_equal_batches(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any]:
    """All of them broadcast to the same leading dimensions, and the mask to the scores."""
    given = (q, k, v) if mask is None else (q, k, v, np.atleast_2d(mask))
    batch = np.broadcast_shapes(*[each.shape[:-2] for each in given])
    q, k, v = (np.broadcast_to(each, (*batch, *each.shape[-2:])) for each in (q, k, v))
    if mask is not None:
        mask = np.broadcast_to(mask, (*batch, q.shape[-2], k.shape[-2]))
    return q, k, v, mask


def _blocks(
    q: np.ndarray, k: np.ndarray, is_causal: bool
) -> Iterator[tuple[tuple[Any, ...], slice, slice]]:
    """Parts of the batch, of its queries, and the keys that these can see: about BLOCK scores."""
    batch, length, count = q.shape[:-2], q.shape[-2], max(k.shape[-2], 1)
    step = max(BLOCK // count, 1)
    for at in _parts_of_batch(batch, min(step, length) * count):
        for start in range(0, length, step):
            rows = slice(start, min(start + step, length))
            yield at, rows, slice(0, rows.stop) if is_causal else slice(0, count)


def _parts_of_batch(batch: tuple[int, ...], scores: int) -> Iterator[tuple[Any, ...]]:
    """Indices of parts that have about BLOCK scores together where one matrix has `scores`."""
    if not batch:
        yield ()
        return
    # The dimensions after the one that is cut are taken whole, those before it one by one.
    cut = len(batch) - 1
    while cut > 0 and math.prod(batch[cut:]) * scores <= BLOCK:
        cut -= 1
    step = max(BLOCK // max(math.prod(batch[cut + 1 :]) * scores, 1), 1)
    for before in np.ndindex(batch[:cut]):
        for start in range(0, batch[cut], step):
            yield (*before, slice(start, start + step))


def _block_of_scores(
    q: np.ndarray, k: np.ndarray, mask: np.ndarray | None, scale: float
) -> np.ndarray:
    s = np.matmul(q * q.dtype.type(scale), k.mT)
    if mask is None:
        return s
    if mask.dtype.kind == "b":
        np.copyto(s, -np.inf, where=~mask)
    else:
        s += mask
    return s


def _hide_later_keys(s: np.ndarray, rows: slice) -> None:
    seen = np.tri(s.shape[-2], s.shape[-1], rows.start, dtype=bool)
    s += np.where(seen, s.dtype.type(0), s.dtype.type(-np.inf))


def _gradients_in_blocks(
    g: np.ndarray,
    g_lse: np.ndarray,
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | None,
    out: np.ndarray,
    lse: np.ndarray,
    scale: float,
    is_causal: bool,
) -> tuple[Any, ...]:
    """dq, dk and dv; the engine undoes the broadcasting of their leading dimensions."""
    q, k, v, mask = _with_equal_batches(q, k, v, mask)
    shift = g_lse - np.einsum("...i,...i->...", g, out)[..., None]
    done = product.attention_grad(g, shift, q, k, v, mask, lse, scale, is_causal)
    if done is not None:
        return *done, None
    dq = np.empty(q.shape, q.dtype)
    dk, dv = np.zeros(k.shape, q.dtype), np.zeros(v.shape, q.dtype)
    for at, rows, keys in _blocks(q, k, is_causal):
        q_now, k_now, g_now = q[at][..., rows, :], k[at][..., keys, :], g[at][..., rows, :]
        seen = None if mask is None else mask[at][..., rows, keys]
        p = _block_of_scores(q_now, k_now, seen, scale)
        if is_causal:
            _hide_later_keys(p, rows)
        p -= lse[at][..., rows, :]
        np.exp(p, out=p)
        dv[at][..., keys, :] += np.matmul(p.mT, g_now)
        ds = np.matmul(g_now, v[at][..., keys, :].mT)
        ds += shift[at][..., rows, :]
        ds *= p
        ds *= q.dtype.type(scale)
        dq[at][..., rows, :] = np.matmul(ds, k_now)
        dk[at][..., keys, :] += np.matmul(ds.mT, q_now)
    return dq, dk, dv, None


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
    _check_batches(query, key, value, attn_mask)
    if scale is None:
        scale = 1 / math.sqrt(max(query.shape[-1], 1))
    if not dropout_p:
        return Attention.apply(query, key, value, attn_mask, scale=scale, is_causal=is_causal)[0]
    scores = MatMul.apply(query * scale, key.mT)
    if is_causal:
        scores = where(wrap(np.tri(*shape_of(scores)[-2:], dtype=bool)), scores, -math.inf)
    elif attn_mask is not None:
        masked = _is_bool(attn_mask)
        scores = where(attn_mask, scores, -math.inf) if masked else scores + attn_mask
    weights = _softmax(scores, masked=attn_mask is not None)
    return MatMul.apply(dropout(weights, dropout_p), value)


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
    heads, have = (each.shape[-3] if each.ndim > 2 else 0 for each in (query, other))
    if not have or heads % have:
        raise RuntimeError(
            "scaled_dot_product_attention: with enable_gqa the query's number of heads must be a "
            f"multiple of the others'; got {shape_of(query)} and {shape_of(other)}"
        )
    return other if heads == have else repeat_interleave(other, heads // have, -3)


def _check(query: Any, key: Any, value: Any, attn_mask: Any, is_causal: bool) -> None:
    function = "scaled_dot_product_attention"
    for name, each in (("query", query), ("key", key), ("value", value)):
        if not isinstance(array_of(each), np.ndarray):
            raise TypeError(f"{function}: {name} must be a Tensor, got {type(each).__name__}")
    shapes = ", ".join(str(shape_of(each)) for each in (query, key, value))
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(f"{function}: query, key and value need 2 dimensions, got {shapes}")
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise RuntimeError(
            f"{function}: expected query (..., L, E), key (..., S, E) and value (..., S, V), got "
            f"{shapes}"
        )
    if not query.dtype == key.dtype == value.dtype or not query.is_floating_point():
        raise RuntimeError(
            f"{function}: query, key and value must have one floating-point dtype, got "
            f"{query.dtype}, {key.dtype} and {value.dtype}"
        )
    if attn_mask is None:
        return
    if is_causal:
        raise RuntimeError(f"{function}: attn_mask must be None when is_causal=True")
    if attn_mask.dtype not in (dtypes.bool, dtypes.float32, query.dtype):
        raise RuntimeError(
            f"{function}: attn_mask must be bool or float, or of the query's dtype {query.dtype}; "
            f"got {attn_mask.dtype}"
        )


def _check_batches(query: Any, key: Any, value: Any, attn_mask: Any) -> None:
    """RuntimeError where leading dimensions, or the mask and the scores, cannot be broadcast."""
    scores = (query.shape[-2], key.shape[-2])
    shapes = [(*each.shape[:-2], 1, 1) for each in (query, key, value)]
    if attn_mask is not None:
        shapes.append(shape_of(attn_mask))
    try:
        fits = np.broadcast_shapes(*shapes, scores)[-2:] == scores
    except ValueError:
        fits = False
    if not fits:
        got = ", ".join(str(shape_of(each)) for each in (query, key, value))
        mask = "" if attn_mask is None else f" and a mask of shape {shape_of(attn_mask)}"
        raise RuntimeError(
            "scaled_dot_product_attention: leading dimensions must be broadcastable, and a mask to "
            f"(..., L, S); got {got}{mask}"
        )
