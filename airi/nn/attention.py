"""Attention in several heads, and the choice of its implementation. Source: ``torch.nn``."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airi.nn import init
from airi.nn.linear import Linear
from airi.nn.module import Module
from airi.nn.parameter import new_parameter
from airi.ops.multihead import attend_in_heads
from airi.tensor import Tensor


class SDPBackend(enum.IntEnum):
    """PyTorch's implementations of attention. Source: ``torch.nn.attention.SDPBackend``."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(
    backends: SDPBackend | list[SDPBackend], set_priority: bool = False
) -> Iterator[None]:
    """Accepted for scripts that choose an implementation of attention; airi has one.

    Raises TypeError for what is no SDPBackend or list of them.
    Example: ``with sdpa_kernel(SDPBackend.MATH): ...``. Source: ``torch.nn.attention.sdpa_kernel``.
    """
    given = backends if isinstance(backends, list) else [backends]
    for each in given:
        if not isinstance(each, SDPBackend):
            kind = type(each).__name__
            raise TypeError(f"sdpa_kernel: expected an SDPBackend or a list of them, got {kind}")
    yield


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear, under the name that the projection of attention has in PyTorch."""


class MultiheadAttention(Module):
    """Means of values weighted by how queries and keys agree, in several heads side by side.

    softmax(q k' / sqrt(d)) v for each head of d = embed_dim / num_heads features, on projections
    of query, key and value; the heads' results are projected once more. Returns (output, weights);
    weights are None with ``need_weights=False``, which is faster.
    Shapes: query (L, N, embed_dim), key (S, N, kdim), value (S, N, vdim), with `batch_first` N
    first, or all without N; output like query; weights (N, L, S), or (N, num_heads, L, S) with
    ``average_attn_weights=False``. Masks: `key_padding_mask` (N, S), `attn_mask` (L, S) or
    (N * num_heads, L, S), bool (True is left out) or float (added); `is_causal` says that
    attn_mask is the causal one. `dropout` acts on the weights. `add_bias_kv` appends a learned key
    and value, `add_zero_attn` zeros. Projections begin Xavier uniform, biases 0.
    Raises ValueError where num_heads does not divide embed_dim, RuntimeError for shapes that do not
    fit. Example: ``nn.MultiheadAttention(64, 4)(x, x, x)``.
    Source: Vaswani et al., 2017; ``torch.nn.MultiheadAttention``.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0 or embed_dim % num_heads:
            raise ValueError(
                "MultiheadAttention: embed_dim and num_heads must be positive and embed_dim "
                f"divisible by num_heads, got {embed_dim} and {num_heads}"
            )
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.add_zero_attn = add_zero_attn
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        new: dict[str, Any] = {"device": device, "dtype": dtype}
        shapes: dict[str, tuple[int, int] | None] = {
            "q_proj_weight": (embed_dim, embed_dim),
            "k_proj_weight": (embed_dim, self.kdim),
            "v_proj_weight": (embed_dim, self.vdim),
            "in_proj_weight": None,
        }
        if self._qkv_same_embed_dim:
            shapes = {"in_proj_weight": (3 * embed_dim, embed_dim)} | dict.fromkeys(
                list(shapes)[:3]
            )
        for name, shape in shapes.items():
            self.register_parameter(name, None if shape is None else new_parameter(*shape, **new))
        self.register_parameter(
            "in_proj_bias", new_parameter(3 * embed_dim, **new) if bias else None
        )
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **new)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(
                name, new_parameter(1, 1, embed_dim, **new) if add_bias_kv else None
            )
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name))
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for parameter in (self.bias_k, self.bias_v):
            if parameter is not None:
                init.xavier_normal_(parameter)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        weights = self.in_proj_weight
        if not self._qkv_same_embed_dim:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        self._check_features(query, key, value)
        return attend_in_heads(
            query,
            key,
            value,
            self.num_heads,
            weights,
            self.in_proj_bias,
            self.out_proj.weight,
            self.out_proj.bias,
            more=(self.bias_k, self.bias_v),
            add_zero_attn=self.add_zero_attn,
            dropout_p=self.dropout if self.training else 0.0,
            key_padding_mask=key_padding_mask,
            attn_mask=attn_mask,
            need_weights=need_weights,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
            batch_first=self.batch_first,
        )

    def _check_features(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        for name, each in (("query", query), ("key", key), ("value", value)):
            if not isinstance(each, Tensor):
                raise TypeError(
                    f"MultiheadAttention: {name} must be a Tensor, got {type(each).__name__}"
                )
        expected = (self.embed_dim, self.kdim, self.vdim)
        got = (query.shape[-1], key.shape[-1], value.shape[-1])
        if got != expected:
            raise RuntimeError(
                "MultiheadAttention: the last dimensions of query, key and value must be "
                f"{expected}, got {got}"
            )
