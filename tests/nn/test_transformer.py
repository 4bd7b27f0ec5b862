"""Attention in heads and the Transformer beside PyTorch's, with the same weights."""

import warnings

import numpy as np
import pytest

import airi
from airi import nn
from airi.autograd import gradcheck, gradgradcheck
from airi.nn import functional as F
from airi.nn.attention import SDPBackend, sdpa_kernel

from .test_recurrent import assert_agree, pair

RNG = np.random.default_rng(5)
PADDING = np.array([[False, False, False, True], [False, True, True, False]])
CAUSAL = ~np.tri(4, dtype=bool)


def real(*shape):
    return RNG.standard_normal(shape)


@pytest.fixture(autouse=True)
def _without_pytorchs_warnings():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*nested_tensor.*")
        warnings.filterwarnings("ignore", ".*mismatched.*")
        yield


def leaves(library, *arrays):
    return [library.tensor(each, requires_grad=True) for each in arrays]


def masks(library, **arrays):
    return {key: library.tensor(x) if hasattr(x, "shape") else x for key, x in arrays.items()}


# name: constructor's settings, kdim and vdim, settings of the call
ATTENTION = {
    "plain": ({}, {}),
    "no bias": ({"bias": False}, {}),
    "batch first": ({"batch_first": True}, {"key_padding_mask": PADDING}),
    "other features": ({"kdim": 3, "vdim": 5}, {}),
    "extras": ({"add_bias_kv": True, "add_zero_attn": True}, {"key_padding_mask": PADDING}),
    "no weights": ({}, {"need_weights": False, "key_padding_mask": PADDING}),
    "each head": ({}, {"average_attn_weights": False, "attn_mask": real(3, 4)}),
    "mask of heads": ({}, {"attn_mask": real(4, 3, 4), "need_weights": False}),
    "bool mask": ({}, {"attn_mask": np.eye(3, 4, dtype=bool), "key_padding_mask": PADDING}),
}


@pytest.mark.parametrize("name", ATTENTION)
def test_attention_agrees_with_pytorch(name):
    settings, given = ATTENTION[name]
    ours, theirs = pair("MultiheadAttention", 6, 2, **settings)
    arrays = [
        real(3, 2, 6),
        real(4, 2, settings.get("kdim", 6)),
        real(4, 2, settings.get("vdim", 6)),
    ]
    if settings.get("batch_first"):
        arrays = [each.swapaxes(0, 1) for each in arrays]

    def program(library, module):
        inputs = leaves(library, *arrays)
        return module(*inputs, **masks(library, **given)), inputs

    assert_agree(ours, theirs, program)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("need_weights", [False, True])
def test_unbatched_self_attention(batch_first, need_weights):
    ours, theirs = pair("MultiheadAttention", 6, 3, batch_first=batch_first)
    x = real(4, 6)

    def program(library, module):
        inputs = leaves(library, x)
        given = masks(library, key_padding_mask=PADDING[0], attn_mask=CAUSAL)
        return module(*inputs * 3, need_weights=need_weights, **given), inputs

    assert_agree(ours, theirs, program)


@pytest.mark.parametrize("need_weights", [False, True])
def test_causal_hint(need_weights):
    ours, theirs = pair("MultiheadAttention", 6, 3)
    x = real(4, 2, 6)

    def program(library, module):
        inputs = leaves(library, x)
        given = {"is_causal": True, "need_weights": need_weights}
        return module(*inputs * 3, attn_mask=library.tensor(CAUSAL), **given), inputs

    assert_agree(ours, theirs, program)


def test_keys_that_are_values_are_projected_together():
    ours, theirs = pair("MultiheadAttention", 6, 3)
    x, memory = real(3, 2, 6), real(5, 2, 6)

    def program(library, module):
        x_, memory_ = leaves(library, x, memory)
        return module(x_, memory_, memory_), [x_, memory_]

    assert_agree(ours, theirs, program)


def test_static_keys_and_values_are_pytorchs():
    torch = pytest.importorskip("torch")
    arrays = [real(3, 2, 4), real(3, 2, 4), real(3, 2, 4), real(12, 4), real(4, 4)]
    fixed = [real(4, 5, 2), real(4, 5, 2)]

    def run(library):
        q, k, v, w, out = (library.tensor(each) for each in arrays)
        function = library.nn.functional.multi_head_attention_forward
        static = dict(zip(("static_k", "static_v"), (library.tensor(each) for each in fixed)))
        return function(q, k, v, 4, 2, w, None, None, None, False, 0.0, out, None, **static)

    for one, other in zip(run(airi), run(torch)):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-12)


def test_dropout_of_attention_acts_in_training_only():
    attention, x = nn.MultiheadAttention(8, 2, dropout=0.5), airi.randn(5, 2, 8)
    for need_weights in (False, True):
        attention.train()
        runs = [attention(x, x, x, need_weights=need_weights)[0] for _ in range(2)]
        assert not airi.equal(*runs)
        attention.eval()
        runs = [attention(x, x, x, need_weights=need_weights)[0] for _ in range(2)]
        assert airi.equal(*runs)


LAYER = [
    {},
    {"norm_first": True, "activation": "gelu", "layer_norm_eps": 1e-3},
    {"bias": False, "batch_first": True},
    {"norm_first": True, "batch_first": True},
]


@pytest.mark.parametrize("settings", LAYER)
@pytest.mark.parametrize("padded", [False, True])
def test_encoder_layer_agrees_with_pytorch(settings, padded):
    ours, theirs = pair("TransformerEncoderLayer", 6, 2, 8, dropout=0.0, **settings)
    x = real(2, 4, 6) if settings.get("batch_first") else real(4, 2, 6)
    given = {"src_mask": CAUSAL, "src_key_padding_mask": PADDING} if padded else {}

    def program(library, module):
        inputs = leaves(library, x)
        return module(*inputs, **masks(library, **given)), inputs

    assert_agree(ours, theirs, program)


@pytest.mark.parametrize("settings", LAYER)
@pytest.mark.parametrize("padded", [False, True])
def test_decoder_layer_agrees_with_pytorch(settings, padded):
    ours, theirs = pair("TransformerDecoderLayer", 6, 2, 8, dropout=0.0, **settings)
    arrays = [real(3, 2, 6), real(4, 2, 6)]
    if settings.get("batch_first"):
        arrays = [each.swapaxes(0, 1) for each in arrays]
    given = {
        "tgt_mask": CAUSAL[:3, :3],
        "memory_mask": real(3, 4),
        "tgt_key_padding_mask": PADDING[:, :3] & False,
        "memory_key_padding_mask": PADDING,
    }

    def program(library, module):
        inputs = leaves(library, *arrays)
        return module(*inputs, **masks(library, **(given if padded else {}))), inputs

    assert_agree(ours, theirs, program)


@pytest.mark.parametrize("batched", [False, True])
def test_transformer_agrees_with_pytorch(batched):
    settings = {"dropout": 0.0, "batch_first": True, "norm_first": True}
    ours, theirs = pair("Transformer", 6, 2, 2, 2, 8, **settings)
    arrays = [real(2, 4, 6), real(2, 3, 6)] if batched else [real(4, 6), real(3, 6)]

    def program(library, module):
        inputs = leaves(library, *arrays)
        causal = module.generate_square_subsequent_mask(3, dtype=library.float64)
        padding = library.tensor(PADDING if batched else PADDING[0])
        given = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding}
        return module(*inputs, tgt_mask=causal, **given), inputs

    assert_agree(ours, theirs, program)


def test_second_derivatives_of_an_encoder():
    layer = nn.TransformerEncoderLayer(4, 2, 4, dropout=0.0, activation="gelu").double()
    x = airi.tensor(real(3, 1, 4), requires_grad=True)
    parameters = tuple(layer.parameters())
    assert gradcheck(lambda x, *_: layer(x), (x, *parameters), fast_mode=True)
    assert gradgradcheck(lambda x, *_: layer(x), (x, *parameters), fast_mode=True)


def test_stacks_hold_copies_and_take_modules():
    layer = nn.TransformerEncoderLayer(8, 2, 16, activation=nn.Tanh())
    encoder = nn.TransformerEncoder(layer, 3, nn.LayerNorm(8))
    assert len(encoder.layers) == encoder.num_layers == 3
    assert encoder.layers[0].linear1.weight is not encoder.layers[1].linear1.weight
    assert airi.equal(encoder.layers[0].linear1.weight, encoder.layers[1].linear1.weight)
    assert isinstance(encoder.layers[2].activation, nn.Tanh)
    whole = nn.Transformer(8, 2, custom_encoder=encoder, num_decoder_layers=1)
    assert whole.encoder is encoder


def test_a_causal_mask_is_found_out():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)
    seen = []
    layer.forward = lambda src, src_mask, is_causal, src_key_padding_mask: (
        seen.append(is_causal) or src
    )
    encoder = nn.TransformerEncoder(layer, 1)
    encoder.layers[0].forward = layer.forward
    x = airi.randn(4, 2, 8)
    causal = nn.Transformer.generate_square_subsequent_mask(4)
    for given in (None, causal, airi.tensor(CAUSAL), causal.T, airi.zeros(8, 4, 4)):
        encoder(x, given)
    encoder(x, causal, is_causal=False)
    assert seen == [False, True, True, False, False, False]


def test_the_square_subsequent_mask():
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    assert mask.dtype == airi.float32
    assert mask.tolist() == [[0, -np.inf, -np.inf], [0, 0, -np.inf], [0, 0, 0]]
    assert (
        nn.Transformer.generate_square_subsequent_mask(2, dtype=airi.float64).dtype == airi.float64
    )


def test_parameters_begin_as_pytorchs():
    attention = nn.MultiheadAttention(64, 4, add_bias_kv=True)
    bound = (6 / (64 + 192)) ** 0.5
    weight = attention.in_proj_weight.detach().numpy()
    assert abs(weight).max() <= bound
    assert abs(weight.std() - bound / 3**0.5) < 0.02 * bound
    assert attention.in_proj_bias.tolist() == [0] * 192
    assert attention.out_proj.bias.tolist() == [0] * 64
    assert abs(attention.bias_k.std().item() - (2 / 128) ** 0.5) < 0.04
    hidden = nn.Transformer(32, 2, 1, 1, 64).encoder.layers[0].linear1.weight.detach().numpy()
    bound = (6 / 96) ** 0.5
    assert 0.98 * bound < abs(hidden).max() <= bound


def test_choosing_a_kernel_is_accepted():
    x = airi.randn(1, 2, 3, 4)
    plain = F.scaled_dot_product_attention(x, x, x)
    with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION], set_priority=True):
        assert airi.equal(F.scaled_dot_product_attention(x, x, x), plain)
    with pytest.raises(TypeError, match="SDPBackend or a list of them, got str"):
        sdpa_kernel("math").__enter__()


def attend(*inputs, **settings):
    return nn.MultiheadAttention(4, 2)(*inputs, **settings)


X = airi.zeros(3, 2, 4)
MASK = airi.zeros(3, 3)
REFUSED = [
    (ValueError, "divisible by num_heads, got 5 and 2", lambda: nn.MultiheadAttention(5, 2)),
    (ValueError, "must be positive", lambda: nn.MultiheadAttention(0, 2)),
    (
        RuntimeError,
        r"must be \(4, 4, 4\), got \(5, 4, 4\)",
        lambda: attend(airi.zeros(3, 2, 5), X, X),
    ),
    (RuntimeError, "all have 3 dimensions", lambda: attend(X, X[0], X[0])),
    (RuntimeError, "all have 3 dimensions", lambda: attend(X[0, 0], X[0, 0], X[0, 0])),
    (RuntimeError, "key and value must agree", lambda: attend(X, X, X[:2])),
    (RuntimeError, "there is none", lambda: attend(X, X, X, is_causal=True)),
    (
        RuntimeError,
        r"attn_mask must have shape \(3, 3\)",
        lambda: attend(X, X, X, attn_mask=MASK[:2]),
    ),
    (RuntimeError, r"\(4, 3, 3\), got \(1, 3, 3\)", lambda: attend(X, X, X, attn_mask=MASK[None])),
    (RuntimeError, "2 or 3 dimensions", lambda: attend(X, X, X, attn_mask=MASK[0])),
    (RuntimeError, "bool or float, got airi.int64", lambda: attend(X, X, X, attn_mask=MASK.long())),
    (
        RuntimeError,
        r"key_padding_mask must have shape \(2, 3\), got \(3, 3\)",
        lambda: attend(X, X, X, key_padding_mask=MASK.bool()),
    ),
    (
        RuntimeError,
        "key_padding_mask must have 2 dimensions",
        lambda: attend(X, X, X, key_padding_mask=MASK[0].bool()),
    ),
    (
        RuntimeError,
        "'relu', 'gelu' or a function, got 'swish'",
        lambda: nn.TransformerEncoderLayer(4, 2, activation="swish"),
    ),
    (RuntimeError, "one batch size", lambda: nn.Transformer(4, 2, 1, 1, 4)(X, X[:, :1])),
    (RuntimeError, "d_model = 6", lambda: nn.Transformer(6, 2, 1, 1, 4)(X, X)),
    (TypeError, "key must be a Tensor, got NoneType", lambda: attend(X, None, X)),
    (TypeError, "query must be a Tensor, got ndarray", lambda: attend(X.numpy(), X, X)),
    (TypeError, "the layer must be a Module, got str", lambda: nn.TransformerEncoder("layer", 2)),
    (
        TypeError,
        "TransformerDecoder: num_layers must be an int, got '2'",
        lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2), "2"),
    ),
]


@pytest.mark.parametrize(("error", "message", "make"), REFUSED)
def test_refusals(error, message, make):
    with pytest.raises(error, match=message):
        make()


def test_functions_refuse_features_and_static_keys_that_do_not_fit():
    weights = (airi.zeros(12, 4), None, None, None, False, 0.0, airi.zeros(4, 4), None)
    with pytest.raises(RuntimeError, match="query must have 5 features"):
        F.multi_head_attention_forward(X, X, X, 5, 2, *weights)
    with pytest.raises(RuntimeError, match="cannot be divided into 3 heads"):
        F.multi_head_attention_forward(X, X, X, 4, 3, *weights)
    with pytest.raises(RuntimeError, match=r"static_k must have shape \(4, S, 2\)"):
        F.multi_head_attention_forward(X, X, X, 4, 2, *weights, static_k=X)
