"""Embedding: which rows get a gradient, norms that are limited, and what is refused."""

import numpy as np
import pytest

import airi
from airi.nn import functional as F
from tests.second_order import assert_agrees_with_pytorch

TOKENS = np.array([[1, 2, 1], [4, 0, 1]])
TABLE = np.random.default_rng(7).standard_normal((5, 3))


@pytest.mark.parametrize("settings", [{}, {"padding_idx": 1}, {"padding_idx": -1}])
def test_pytorchs_to_second_order(settings):
    def program(library, f, table):
        return f.embedding(library.tensor(TOKENS), table, **settings) ** 3

    assert_agrees_with_pytorch(program, TABLE)


def test_gradient_scaled_by_frequency():
    def program(library, f, table):
        return f.embedding(library.tensor(TOKENS), table, 2, scale_grad_by_freq=True)

    assert_agrees_with_pytorch(program, TABLE, second=False)  # PyTorch has no second one


def test_a_row_that_is_used_often_adds_up():
    table = airi.tensor(TABLE, requires_grad=True)
    F.embedding(airi.tensor([1, 1, 3, 1]), table).sum().backward()
    assert table.grad[:, 0].tolist() == [0, 3, 0, 1, 0]


@pytest.mark.parametrize("norm_type", [1.0, 2.0])
def test_norms_are_limited_in_place_as_in_pytorch(norm_type):
    torch = pytest.importorskip("torch")
    tables = []
    for library in (airi, torch):
        table = library.tensor(TABLE * 2, requires_grad=True)
        out = library.nn.functional.embedding(
            library.tensor(TOKENS), table, max_norm=1.5, norm_type=norm_type
        )
        out.sum().backward()
        tables.append([each.detach().numpy() for each in (table, out, table.grad)])
    for ours, theirs in zip(*tables, strict=True):
        np.testing.assert_allclose(ours, theirs)
    assert (tables[0][0][3] == TABLE[3] * 2).all()  # not looked up, so not touched


def test_indices_changed_before_backward_are_noticed():
    table, tokens = airi.tensor(TABLE, requires_grad=True), airi.tensor([0, 1])
    out = F.embedding(tokens, table)
    tokens.fill_(2)
    with pytest.raises(RuntimeError, match="changed in place"):
        out.sum().backward()


@pytest.mark.parametrize(
    ("error", "tokens", "settings", "message"),
    [
        (IndexError, [0, 5], {}, r"index 5 is out of range for a weight of shape \(5, 3\)"),
        (IndexError, [-1, 0], {}, "index -1 is out of range"),
        (RuntimeError, [0.0], {}, "int64 or int32, got airi.float32"),
        (ValueError, [0], {"padding_idx": 5}, "within the 5 rows, got 5"),
    ],
)
def test_refusals_say_what_was_given(error, tokens, settings, message):
    with pytest.raises(error, match=message):
        F.embedding(airi.tensor(tokens), airi.tensor(TABLE), **settings)


def test_the_table_must_have_two_dimensions():
    with pytest.raises(RuntimeError, match=r"\(V, D\), got shape \(3,\)"):
        F.embedding(airi.tensor([0]), airi.ones(3))


@pytest.mark.parametrize("tokens", [TOKENS, [1, 2]])
def test_indices_that_are_no_tensor_are_named(tokens):
    with pytest.raises(TypeError, match=r"embedding: input must be a Tensor, got (ndarray|list)"):
        F.embedding(tokens, airi.tensor(TABLE))
