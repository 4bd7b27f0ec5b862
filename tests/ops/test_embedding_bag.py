"""Refusals of embedding_bag, and gradients by frequency."""

import pytest

import airi
from airi.nn import functional as F


def test_the_gradient_by_frequency_is_divided_by_it():
    weight = airi.zeros(4, 1, requires_grad=True)
    bags = airi.tensor([[0, 1, 1], [1, 2, 2]])
    F.embedding_bag(bags, weight, mode="sum", scale_grad_by_freq=True).sum().backward()
    assert weight.grad.flatten().tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("error", "arguments", "match"),
    [
        (ValueError, {"mode": "median"}, "mode must be"),
        (ValueError, {"offsets": airi.tensor([0])}, "offsets go with an input of one dim"),
        (ValueError, {"mode": "max", "scale_grad_by_freq": True}, "does not go with"),
        (NotImplementedError, {"per_sample_weights": airi.ones(2, 2)}, "mode 'sum' only"),
        (ValueError, {"mode": "sum", "per_sample_weights": airi.ones(4)}, "shape of input"),
        (ValueError, {"padding_idx": 9}, "padding_idx must be within"),
        (ValueError, {"input": airi.tensor([1, 2])}, "needs offsets"),
        (RuntimeError, {"input": airi.tensor([1, 2]), "offsets": airi.tensor([1])}, "begin with 0"),
        (IndexError, {"input": airi.tensor([[7]])}, "index 7 is out of range"),
    ],
)
def test_refusals(error, arguments, match):
    given = {"input": airi.tensor([[0, 1], [2, 0]]), "weight": airi.ones(3, 2), **arguments}
    with pytest.raises(error, match=match):
        F.embedding_bag(**given)
