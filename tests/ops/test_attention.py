"""Scaled dot-product attention: masks beside PyTorch to second order, and what is refused."""

import math

import numpy as np
import pytest

import airi
from airi.nn import functional as F
from airi.ops import attention
from tests.second_order import assert_agrees_with_pytorch

RNG = np.random.default_rng(9)
MASK = np.array([[1, 0, 1, 1, 0], [0, 1, 1, 0, 1], [1, 1, 1, 1, 1]], bool)


def inputs(*batch):
    return [RNG.standard_normal((*batch, *shape)) for shape in ((3, 4), (5, 4), (5, 2))]


@pytest.mark.parametrize("settings", [{}, {"is_causal": True}, {"scale": 0.3}])
def test_pytorchs_to_second_order(settings):
    def program(_, f, q, k, v):
        return f.scaled_dot_product_attention(q, k, v, **settings)

    assert_agrees_with_pytorch(program, *inputs(2, 2))


def test_masks_are_pytorchs_to_second_order():
    def program(library, f, q, k, v, added):
        chosen = f.scaled_dot_product_attention(q, k, v, library.tensor(MASK))
        return chosen + f.scaled_dot_product_attention(q, k, v, added)

    assert_agrees_with_pytorch(program, *inputs(2), RNG.standard_normal((3, 5)))


@pytest.mark.parametrize("block", [1, 7, 12, 31, 100])
@pytest.mark.parametrize("settings", [{}, {"is_causal": True}, {"attn_mask": MASK}])
def test_blocks_do_not_change_the_result(monkeypatch, block, settings):
    q, k, v = (airi.tensor(each, requires_grad=True) for each in inputs(2, 3))
    settings = {name: airi.tensor(x) if x is MASK else x for name, x in settings.items()}

    def results():
        out = F.scaled_dot_product_attention(q, k, v, **settings)
        return out, *airi.autograd.grad((out * out).sum(), (q, k, v))

    whole = results()
    monkeypatch.setattr(attention, "BLOCK", block)
    for one, other in zip(results(), whole, strict=True):
        assert airi.allclose(one, other, rtol=1e-12)


def test_leading_dimensions_are_broadcast():
    def program(_, f, q, k, v, added):
        return f.scaled_dot_product_attention(q, k, v, added)

    q, k, v = inputs()
    q, k = RNG.standard_normal((2, 3, 3, 4)), RNG.standard_normal((3, 5, 4))
    assert_agrees_with_pytorch(program, q, k, v[None], RNG.standard_normal((2, 1, 3, 5)))


def test_no_matrix_of_scores_is_kept():
    q = airi.randn(64, 4, requires_grad=True)
    out = F.scaled_dot_product_attention(q, q, q)
    assert max(each.array.size for each in out.grad_fn.saved if hasattr(each, "array")) == 64 * 4


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_a_query_that_may_see_nothing_gives_zero_and_no_nan(kind):
    q, k, v = (airi.tensor(each, requires_grad=True) for each in inputs())
    seen = np.array(MASK)
    seen[1] = False
    mask = airi.tensor(seen if kind == "bool" else np.where(seen, 0, -math.inf))
    out = F.scaled_dot_product_attention(q, k, v, mask)
    out.sum().backward()
    assert out[1].tolist() == [0, 0]
    assert q.grad[1].tolist() == [0, 0, 0, 0]
    assert all(airi.isfinite(each.grad).all() for each in (q, k, v))


def test_heads_are_shared():
    q, k, v = airi.randn(2, 6, 3, 4), airi.randn(2, 2, 5, 4), airi.randn(2, 2, 5, 4)
    got = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    repeated = [each.repeat_interleave(3, 1) for each in (k, v)]
    assert got.tolist() == F.scaled_dot_product_attention(q, *repeated).tolist()


@pytest.mark.parametrize("settings", [{}, {"is_causal": True}, {"attn_mask": MASK}, {"scale": 0.2}])
def test_dropout_takes_the_same_weights(monkeypatch, settings):
    settings = {name: airi.tensor(x) if x is MASK else x for name, x in settings.items()}
    q, k, v = map(airi.tensor, inputs(2))
    wanted = F.scaled_dot_product_attention(q, k, v, **settings)
    monkeypatch.setattr(attention, "dropout", lambda weights, p: weights)
    got = F.scaled_dot_product_attention(q, k, v, dropout_p=0.5, **settings)
    assert airi.allclose(got, wanted, rtol=1e-12)


def test_dropout_of_weights():
    q, k, v = airi.zeros(1, 4), airi.zeros(4000, 4), airi.ones(4000, 1)
    out = F.scaled_dot_product_attention(q, k, v, dropout_p=0.5).item()
    assert out != 1
    assert abs(out - 1) < 0.1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda q, f: f(q, q[:, :2], q), r"\(\.\.\., L, E\).*\(3, 4\), \(3, 2\)"),
        (lambda q, f: f(q, q, q[:2]), "expected query"),
        (lambda q, f: f(q[0], q, q), "need 2 dimensions"),
        (lambda q, f: f(q, q.double(), q), "one floating-point dtype"),
        (lambda q, f: f(q, q, q, airi.ones(3, 3).bool(), is_causal=True), "must be None when"),
        (lambda q, f: f(q, q, q, airi.ones(3, 3).long()), "bool or float.* got airi.int64"),
        (lambda q, f: f(q, q, q, airi.ones(3, 3).double()), "bool or float.* got airi.float64"),
        (lambda q, f: f(q, q, q, airi.ones(2, 3)), r"mask to .*and a mask of shape \(2, 3\)"),
        (lambda q, f: f(q.expand(2, 3, 4), q.expand(3, 3, 4), q), "must be broadcastable"),
        (lambda q, f: f(q.long(), q.long(), q.long()), "one floating-point dtype"),
        (lambda q, f: f(q, q, q, enable_gqa=True), "multiple of the others'"),
        (
            lambda q, f: f(
                q.expand(3, 3, 4), q.expand(2, 3, 4), q.expand(2, 3, 4), enable_gqa=True
            ),
            "multiple of the others'",
        ),
    ],
)
def test_refusals_say_what_was_given(make, message):
    with pytest.raises(RuntimeError, match=message):
        make(airi.ones(3, 4), F.scaled_dot_product_attention)


def test_what_is_no_tensor_is_a_type_error():
    with pytest.raises(TypeError, match="key must be a Tensor, got list"):
        F.scaled_dot_product_attention(airi.ones(3, 4), [[1.0]], airi.ones(3, 4))


@pytest.mark.parametrize("sizes", [(0, 3, 4, 2), (3, 0, 4, 2), (3, 2, 0, 2), (3, 2, 4, 0)])
def test_nothing_to_attend_to(sizes):
    def program(_, f, q, k, v):
        return f.scaled_dot_product_attention(q, k, v)

    length, source, features, values = sizes
    arrays = [
        RNG.standard_normal((2, *shape))
        for shape in ((length, features), (source, features), (source, values))
    ]
    assert_agrees_with_pytorch(program, *arrays)
