"""Attention in several heads, between the projections of its inputs and that of its result.

Heads are a dimension of views, (batch, heads, length, features of a head): nothing is copied to
take them apart.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from airi.ops import reduction
from airi.ops.attention import scaled_dot_product_attention
from airi.ops.creation import new_zeros, zeros_like
from airi.ops.dropout import dropout
from airi.ops.joining import cat
from airi.ops.masking import masked_fill
from airi.ops.matmul import MatMul, linear
from airi.ops.padding import pad
from airi.ops.softmax import softmax
from airi.ops.splitting import chunk, split
from airi.ops.views import expand, permute, reshape, shape_of, unsqueeze

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["multi_head_attention_forward"]


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention in `num_heads` parts of the projected features: (result, weights or None).

    Shapes: query (L, N, E), key (S, N, K), value (S, N, V), or all without N; result (L, N, E);
    weights (N, L, S), or (N, heads, L, S) where they are not averaged. `in_proj_weight` is
    (3 E, E), or there are three with `use_separate_proj_weight`. A bool mask says what is left
    out, a float mask is added: `attn_mask` (L, S) or (N * heads, L, S), `key_padding_mask` (N, S).
    `is_causal` says that attn_mask is the causal one. `bias_k` and `bias_v` are one more key and
    value, `add_zero_attn` adds one of zeros; `static_k` and `static_v` (N * heads, S, E / heads)
    take the place of projections. Raises RuntimeError where shapes do not go together.
    Source: Vaswani et al., 2017; ``torch.nn.functional.multi_head_attention_forward``.
    """
    if query.shape[-1] != embed_dim_to_check:
        raise RuntimeError(
            f"multi_head_attention_forward: query must have {embed_dim_to_check} features, got "
            f"shape {shape_of(query)}"
        )
    weights: Any = in_proj_weight
    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
    return attend_in_heads(
        query,
        key,
        value,
        num_heads,
        weights,
        in_proj_bias,
        out_proj_weight,
        out_proj_bias,
        more=(bias_k, bias_v),
        static=(static_k, static_v),
        add_zero_attn=add_zero_attn,
        dropout_p=dropout_p if training else 0.0,
        key_padding_mask=key_padding_mask,
        attn_mask=attn_mask,
        need_weights=need_weights,
        average_attn_weights=average_attn_weights,
        is_causal=is_causal,
        batch_first=False,
    )


def attend_in_heads(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    heads: int,
    in_weights: Any,
    in_bias: Tensor | None,
    out_weight: Tensor,
    out_bias: Tensor | None,
    *,
    more: tuple[Tensor | None, Tensor | None],
    static: tuple[Tensor | None, Tensor | None] = (None, None),
    add_zero_attn: bool,
    dropout_p: float,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
    need_weights: bool,
    average_attn_weights: bool,
    is_causal: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor | None]:
    """`multi_head_attention_forward` for either order of batch and length.

    `in_weights` is one matrix or three, `more` the additional key and value.
    """
    _check_inputs(query, key, value, key_padding_mask, attn_mask, heads)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "multi_head_attention_forward: is_causal says that attn_mask is causal, but there is "
            "none; nn.Transformer.generate_square_subsequent_mask makes one"
        )
    batched = query.ndim == 3
    if not batched:
        at = 0 if batch_first else 1
        same = query is key, key is value  # still the same tensors, projected together
        query = unsqueeze(query, at)
        key = query if same[0] else unsqueeze(key, at)
        value = key if same[1] else unsqueeze(value, at)
        if key_padding_mask is not None:
            key_padding_mask = unsqueeze(key_padding_mask, 0)
    causal_only = is_causal and key_padding_mask is None and not need_weights
    if causal_only:
        attn_mask = None
    q, k, v = _projected(query, key, value, in_weights, in_bias)
    k, v = (_with_one_more(*pair, batch_first) for pair in zip((k, v), more, strict=True))
    order = (0, 2, 1, 3) if batch_first else (1, 2, 0, 3)
    q, k, v = (permute(_in_heads(each, heads), order) for each in (q, k, v))
    k, v = (
        each if fixed is None else _static(fixed, q, name)
        for each, fixed, name in zip((k, v), static, ("static_k", "static_v"), strict=True)
    )
    if add_zero_attn:
        k, v = (
            cat([each, new_zeros(each, (*each.shape[:2], 1, each.shape[3]))], 2) for each in (k, v)
        )
    mask = _mask_of_scores(attn_mask, key_padding_mask, q, k, key.shape[1 if batch_first else 0])
    if need_weights:
        out, weights = _attention_with_weights(q, k, v, mask, dropout_p)
        if average_attn_weights:
            weights = reduction.mean(weights, 1)
        weights = weights if batched else weights[0]
    else:
        weights = None
        out = scaled_dot_product_attention(q, k, v, mask, dropout_p, causal_only)
    order = (0, 2, 1, 3) if batch_first else (2, 0, 1, 3)
    out = reshape(permute(out, order), shape_of(query)[:2] + (-1,))
    out = linear(out, out_weight, out_bias)
    return out if batched else reshape(out, (-1, out.shape[2])), weights


def _projected(q: Any, k: Any, v: Any, weights: Any, bias: Any) -> tuple[Any, ...]:
    """Queries, keys and values, in as few products as there are different inputs."""
    if isinstance(weights, tuple):
        biases = (None,) * 3 if bias is None else chunk(bias, 3)
        return tuple([linear(*each) for each in zip((q, k, v), weights, biases, strict=True)])
    size = weights.shape[1]
    if q is k and k is v:
        return split(linear(q, weights, bias), size, -1)
    parts = [size, 2 * size] if k is v else [size] * 3
    of_weight = split(weights, parts)
    of_bias = [None] * 3 if bias is None else split(bias, parts)
    q = linear(q, of_weight[0], of_bias[0])
    if k is v:
        return q, *split(linear(k, of_weight[1], of_bias[1]), size, -1)
    return q, linear(k, of_weight[1], of_bias[1]), linear(v, of_weight[2], of_bias[2])


def _with_one_more(x: Any, more: Any, batch_first: bool) -> Any:
    """`more`, of shape (1, 1, E), after the last of every sequence."""
    if more is None:
        return x
    sizes = (x.shape[0], 1) if batch_first else (1, x.shape[1])
    return cat([x, expand(more, (*sizes, x.shape[2]))], 1 if batch_first else 0)


def _in_heads(x: Any, heads: int) -> Any:
    return reshape(x, (*x.shape[:2], heads, x.shape[2] // heads))


def _static(given: Any, q: Any, name: str) -> Any:
    batch, heads, _, size = q.shape
    if given.ndim != 3 or (given.shape[0], given.shape[2]) != (batch * heads, size):
        raise RuntimeError(
            f"multi_head_attention_forward: {name} must have shape ({batch * heads}, S, {size}), "
            f"got {shape_of(given)}"
        )
    return reshape(given, (batch, heads, -1, size))


def _attention_with_weights(q: Any, k: Any, v: Any, mask: Any, dropout_p: float) -> tuple[Any, Any]:
    scores = MatMul.apply(q * (1 / math.sqrt(q.shape[-1])), k.mT)
    if mask is not None:
        scores = scores + mask
    weights = dropout(softmax(scores, -1), dropout_p)
    return MatMul.apply(weights, v), weights


# -- masks --------------------------------------------------------------------------------------


def float_mask(name: str, mask: Tensor | None, dtype: Any) -> Tensor | None:
    """What is added to the scores: of a bool mask, -inf where it is True."""
    if mask is None or mask.is_floating_point():
        return mask
    if mask._array.dtype.kind != "b":
        raise RuntimeError(f"attention: {name} must be bool or float, got {mask.dtype}")
    return masked_fill(zeros_like(mask, dtype=dtype), mask, -math.inf)


def _mask_of_scores(
    attn_mask: Tensor | None, key_padding_mask: Tensor | None, q: Any, k: Any, source: int
) -> Tensor | None:
    """Both masks together, to be added to scores of shape (N, heads, L, S)."""
    batch, heads, length, _ = q.shape
    mask = float_mask("attn_mask", attn_mask, q.dtype)
    padding = float_mask("key_padding_mask", key_padding_mask, q.dtype)
    if mask is not None:
        expected = (length, source) if mask.ndim == 2 else (batch * heads, length, source)
        if shape_of(mask) != expected:
            raise RuntimeError(
                f"multi_head_attention_forward: attn_mask must have shape {expected}, got "
                f"{shape_of(mask)}"
            )
        mask = mask if mask.ndim == 2 else reshape(mask, (batch, heads, length, source))
    if padding is not None:
        if shape_of(padding) != (batch, source):
            raise RuntimeError(
                f"multi_head_attention_forward: key_padding_mask must have shape "
                f"({batch}, {source}), got {shape_of(padding)}"
            )
        padding = reshape(padding, (batch, 1, 1, source))
    added = k.shape[2] - source  # keys that every query may see
    if added:
        mask, padding = (None if m is None else pad(m, (0, added)) for m in (mask, padding))
    if mask is None or padding is None:
        return padding if mask is None else mask
    return mask + padding


def _check_inputs(
    query: Any, key: Any, value: Any, key_padding_mask: Any, attn_mask: Any, heads: int
) -> None:
    function = "multi_head_attention_forward"
    shapes = ", ".join(str(shape_of(each)) for each in (query, key, value))
    ndim = query.ndim
    if ndim not in (2, 3) or not ndim == key.ndim == value.ndim:
        raise RuntimeError(
            f"{function}: query, key and value must all have 3 dimensions, or 2 without a batch, "
            f"got shapes {shapes}"
        )
    if key.shape[:-1] != value.shape[:-1]:
        raise RuntimeError(f"{function}: key and value must agree but in features, got {shapes}")
    if query.shape[-1] % heads:
        raise RuntimeError(
            f"{function}: {query.shape[-1]} features cannot be divided into {heads} heads"
        )
    if key_padding_mask is not None and key_padding_mask.ndim != ndim - 1:
        raise RuntimeError(
            f"{function}: key_padding_mask must have {ndim - 1} dimensions for a query of {ndim}, "
            f"got shape {shape_of(key_padding_mask)}"
        )
    if attn_mask is not None and attn_mask.ndim not in (2, 3):
        raise RuntimeError(
            f"{function}: attn_mask must have 2 or 3 dimensions, got shape {shape_of(attn_mask)}"
        )
