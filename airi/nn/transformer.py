"""The Transformer: layers of attention and feed-forward networks. Source: ``torch.nn``."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from airi.nn import functional as F
from airi.nn import init
from airi.nn.attention import MultiheadAttention
from airi.nn.containers import ModuleList
from airi.nn.dropout import Dropout
from airi.nn.linear import Linear
from airi.nn.module import Module
from airi.nn.normalization import LayerNorm
from airi.ops.creation import full
from airi.ops.diagonals import triu
from airi.ops.multihead import float_mask
from airi.tensor import Tensor

Activation = str | Callable[[Tensor], Tensor]


class _Layer(Module):
    """What encoder and decoder layers have in common: the feed-forward part."""

    linear1: Linear
    linear2: Linear
    dropout: Dropout
    activation: Callable[[Tensor], Tensor]

    def _feed_forward(self, x: Tensor, dropout: Dropout) -> Tensor:
        return dropout(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoderLayer(_Layer):
    """x + attention(x) and then x + feed-forward(x), each followed by LayerNorm.

    The feed-forward part is Linear, activation ("relu", "gelu" or a function), dropout, Linear.
    With `norm_first`, LayerNorm comes before each part instead of after its sum.
    Shapes: src (S, N, d_model), with `batch_first` (N, S, d_model), or (S, d_model); masks as in
    `MultiheadAttention`. Example: ``nn.TransformerEncoderLayer(512, 8)(airi.rand(10, 32, 512))``.
    Source: Vaswani et al., 2017; ``torch.nn.TransformerEncoderLayer``.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        new: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, batch_first=batch_first, **new)
        self.linear1 = Linear(d_model, dim_feedforward, **new)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **new)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, **new)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, **new)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _function_of(activation)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        masks = (src_mask, src_key_padding_mask, is_causal)
        x = src
        if self.norm_first:
            normed = self.norm1(x)
            x = x + self.dropout1(_attended(self.self_attn, normed, normed, *masks))
            return x + self._feed_forward(self.norm2(x), self.dropout2)
        x = self.norm1(x + self.dropout1(_attended(self.self_attn, x, x, *masks)))
        return self.norm2(x + self._feed_forward(x, self.dropout2))


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to the encoder's output `memory`, feed-forward; as the encoder's.

    Shapes: tgt (T, N, d_model), memory (S, N, d_model), with `batch_first` N first, or without N.
    Example: ``nn.TransformerDecoderLayer(512, 8)(airi.rand(20, 32, 512), memory)``.
    Source: Vaswani et al., 2017; ``torch.nn.TransformerDecoderLayer``.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        new: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, batch_first=batch_first, **new)
        self.multihead_attn = MultiheadAttention(
            d_model, nhead, dropout, batch_first=batch_first, **new
        )
        self.linear1 = Linear(d_model, dim_feedforward, **new)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **new)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, **new)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, **new)
        self.norm3 = LayerNorm(d_model, layer_norm_eps, **new)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = _function_of(activation)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        others = (memory_mask, memory_key_padding_mask, memory_is_causal)
        x = tgt
        if self.norm_first:
            normed = self.norm1(x)
            x = x + self.dropout1(_attended(self.self_attn, normed, normed, *own))
            x = x + self.dropout2(_attended(self.multihead_attn, self.norm2(x), memory, *others))
            return x + self._feed_forward(self.norm3(x), self.dropout3)
        x = self.norm1(x + self.dropout1(_attended(self.self_attn, x, x, *own)))
        x = self.norm2(x + self.dropout2(_attended(self.multihead_attn, x, memory, *others)))
        return self.norm3(x + self._feed_forward(x, self.dropout3))


def _attended(
    attention: MultiheadAttention,
    x: Tensor,
    source: Tensor,
    mask: Tensor | None,
    padding: Tensor | None,
    is_causal: bool,
) -> Tensor:
    return attention(
        x,
        source,
        source,
        attn_mask=mask,
        key_padding_mask=padding,
        is_causal=is_causal,
        need_weights=False,
    )[0]


def _function_of(activation: Activation) -> Callable[[Tensor], Tensor]:
    if not isinstance(activation, str):
        return activation
    functions: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}
    if activation not in functions:
        raise RuntimeError(
            f"Transformer: activation must be 'relu', 'gelu' or a function, got {activation!r}"
        )
    return functions[activation]


class TransformerEncoder(Module):
    """`num_layers` copies of an encoder layer, one after the other, and `norm` after the last.

    `is_causal` None: whether `mask` is the causal one is found out. `enable_nested_tensor` and
    `mask_check` are accepted, and change nothing: what stands at padded positions has no meaning
    (in evaluation PyTorch sometimes puts 0 there).
    Example: ``nn.TransformerEncoder(nn.TransformerEncoderLayer(512, 8), 6)``.
    Source: Vaswani et al., 2017; ``torch.nn.TransformerEncoder``.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies("TransformerEncoder", encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        mask = float_mask("mask", mask, src.dtype)
        padding = float_mask("src_key_padding_mask", src_key_padding_mask, src.dtype)
        causal = _is_causal(mask) if is_causal is None else is_causal
        output = src
        for layer in self.layers:
            output = layer(output, src_mask=mask, is_causal=causal, src_key_padding_mask=padding)
        return output if self.norm is None else self.norm(output)


class TransformerDecoder(Module):
    """`num_layers` copies of a decoder layer, one after the other, and `norm` after the last.

    Example: ``nn.TransformerDecoder(nn.TransformerDecoderLayer(512, 8), 6)``.
    Source: Vaswani et al., 2017; ``torch.nn.TransformerDecoder``.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies("TransformerDecoder", decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        causal = tgt_is_causal
        if causal is None:
            causal = _is_causal(float_mask("tgt_mask", tgt_mask, tgt.dtype))
        output = tgt
        for layer in self.layers:
            output = layer(
                output,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return output if self.norm is None else self.norm(output)


def _copies(owner: str, layer: Module, count: int) -> ModuleList:
    if not isinstance(layer, Module):
        raise TypeError(f"{owner}: the layer must be a Module, got {type(layer).__name__}")
    if not isinstance(count, int):
        raise TypeError(f"{owner}: num_layers must be an int, got {count!r}")
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


def _is_causal(mask: Tensor | None) -> bool:
    """Whether a mask is the one that `generate_square_subsequent_mask` makes."""
    if mask is None or mask.ndim != 2 or mask.shape[0] != mask.shape[1]:
        return False
    causal = Transformer.generate_square_subsequent_mask(mask.shape[0], dtype=mask.dtype)
    return bool((mask == causal).all())


class Transformer(Module):
    """An encoder and a decoder: from a sequence src and what there is of tgt, the next of tgt.

    Embedding, positions and the last Linear are not part of it.
    Shapes: src (S, N, d_model), tgt and result (T, N, d_model), with `batch_first` N first, or
    without N; masks as in `MultiheadAttention`, memory_mask (T, S). Parameters of two dimensions
    and more begin Xavier uniform. Raises RuntimeError where src and tgt do not go together.
    Example: ``nn.Transformer(16, 4)(airi.rand(10, 32, 16), airi.rand(20, 32, 16))``.
    Source: Vaswani et al., "Attention is all you need" (2017); ``torch.nn.Transformer``.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        new: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        settings: tuple[Any, ...] = (d_model, nhead, dim_feedforward, dropout, activation)
        settings += (layer_norm_eps, batch_first, norm_first)
        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(*settings, **new),
            num_encoder_layers,
            LayerNorm(d_model, layer_norm_eps, **new),
        )
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(*settings, **new),
            num_decoder_layers,
            LayerNorm(d_model, layer_norm_eps, **new),
        )
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """-inf above the diagonal, 0 elsewhere: what comes later is not seen."""
        return triu(full((sz, sz), -math.inf, device=device, dtype=dtype), 1)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        self._check(src, tgt)
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    def _check(self, src: Tensor, tgt: Tensor) -> None:
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and tgt.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise RuntimeError(
                f"Transformer: src and tgt must have one batch size, got {src.shape[batch]} and "
                f"{tgt.shape[batch]}"
            )
        if not src.shape[-1] == tgt.shape[-1] == self.d_model:
            raise RuntimeError(
                f"Transformer: src and tgt must have d_model = {self.d_model} features, got "
                f"{src.shape[-1]} and {tgt.shape[-1]}"
            )
