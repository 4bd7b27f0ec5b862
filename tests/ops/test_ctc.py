"""Refusals of ctc_loss, and targets that cannot be written."""

import pytest

import airi
from airi.nn import functional as F


def test_a_target_longer_than_the_input_is_infinitely_unlikely():
    x = airi.randn(3, 2, 4, requires_grad=True)
    given = (airi.tensor([[1, 1, 2], [1, 2, 3]]), (3, 3), (3, 3))
    losses = F.ctc_loss(x.log_softmax(-1), *given, reduction="none")
    assert losses[0].isinf()
    assert losses[1].isfinite()
    losses = F.ctc_loss(x.log_softmax(-1), *given, reduction="none", zero_infinity=True)
    losses.sum().backward()
    assert losses[0].item() == 0
    assert not x.grad[:, 0].any()
    assert x.grad[:, 1].any()


def test_it_is_differentiable_once():
    x = airi.randn(3, 1, 4, requires_grad=True)
    loss = F.ctc_loss(x.log_softmax(-1), airi.tensor([[1]]), (3,), (1,))
    (grad,) = airi.autograd.grad(loss, x, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiated once only"):
        grad.square().sum().backward()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"input_lengths": (9, 1)}, "input_lengths must be at most 5"),
        ({"input_lengths": (5,)}, "one value for each of the 2"),
        ({"target_lengths": (9, 1)}, "too few"),
        ({"target_lengths": (1, -1)}, "must not be negative"),
        ({"target_lengths": (1.0, 1.0)}, "must be integers"),
        ({"targets": airi.tensor([[1, 7], [1, 1]])}, "must be classes, 0 to 3"),
        ({"targets": airi.ones(2, 2)}, "targets must be integers"),
        ({"blank": 4}, "blank must be one of the 4"),
        ({"log_probs": airi.ones(5)}, "log_probs must be"),
    ],
)
def test_refusals(arguments, match):
    given = {
        "log_probs": airi.zeros(5, 2, 4),
        "targets": airi.tensor([[1, 2], [2, 1]]),
        "input_lengths": (5, 5),
        "target_lengths": (2, 2),
        **arguments,
    }
    with pytest.raises(RuntimeError, match=match):
        F.ctc_loss(**given)
