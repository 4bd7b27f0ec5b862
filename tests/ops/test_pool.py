"""Pooling as an op: special values, indices, and what it refuses."""

import numpy as np
import pytest

import airi
from airi.nn import functional as F
from tests.second_order import assert_agrees_with_pytorch

RNG = np.random.default_rng(4)


def normal(*shape):
    return RNG.standard_normal(shape)


@pytest.mark.parametrize(
    "program",
    [
        lambda _, f, x: f.max_pool2d(x, 3, 2, 1, ceil_mode=True) ** 2,
        lambda _, f, x: f.max_pool2d(x, 2, dilation=2) ** 3,
        lambda _, f, x: f.avg_pool2d(x, 3, 2, 1, True, False) ** 2,
        lambda _, f, x: f.adaptive_avg_pool2d(x, (3, 4)) ** 2,
        lambda _, f, x: f.adaptive_max_pool2d(x, (3, 4)) ** 2,
        lambda _, f, x: f.lp_pool2d(x.abs(), 3.0, 2),
    ],
)
def test_pytorchs_to_second_order(program):
    assert_agrees_with_pytorch(program, normal(2, 3, 7, 6))


def test_nan_wins_and_infinity_stays_in_its_windows():
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, 0, 0], x[0, 0, 3, 3] = np.nan, np.inf
    largest = F.max_pool2d(airi.tensor(x), 2).numpy()[0, 0]
    mean = F.adaptive_avg_pool2d(airi.tensor(x), 3).numpy()[0, 0]
    assert np.isnan(largest[0, 0])
    assert largest[1, 1] == np.inf
    assert np.isnan(mean).sum() == 1
    assert np.isinf(mean).sum() == 1


def test_the_first_of_equal_elements_gets_the_gradient():
    x = airi.ones(1, 1, 2, 2).requires_grad_()
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[1, 0], [0, 0]]]]


def test_an_element_that_wins_two_windows_gets_both_gradients():
    x = airi.tensor([[[0.0, 5.0, 0.0]]], requires_grad=True)
    F.max_pool1d(x, 2, 1).backward(airi.tensor([[[2.0, 3.0]]]))
    assert x.grad.tolist() == [[[0, 5, 0]]]


def test_indices_are_integers_outside_the_graph():
    x = airi.randn(2, 3, 4, 4).requires_grad_()
    out, indices = F.max_pool2d(x, 2, return_indices=True)
    assert indices.dtype == airi.int64
    assert out.grad_fn.name() == "MaxPool2dBackward"
    np.testing.assert_array_equal(
        out.detach().numpy(),
        np.take_along_axis(
            x.detach().numpy().reshape(2, 3, 16), indices.numpy().reshape(2, 3, 4), 2
        ).reshape(2, 3, 2, 2),
    )


def test_unpooling_of_overlapping_windows_puts_an_element_back_once():
    x = airi.tensor([[[1.0, 2.0, 5.0, 4.0, 3.0]]], requires_grad=True)
    out, indices = F.max_pool1d(x, 3, stride=2, return_indices=True)
    back = F.max_unpool1d(out, indices, 3, stride=2)
    assert back.tolist() == [[[0, 0, 5, 0, 0]]]
    back.sum().backward()
    assert x.grad.tolist() == [[[0, 0, 2, 0, 0]]]  # each window passes its gradient, as in PyTorch


def test_unpooling_puts_the_largest_back():
    x = airi.tensor([[[1.0, 4.0, 3.0, 2.0]]])
    out, indices = F.max_pool1d(x, 2, return_indices=True)
    assert F.max_unpool1d(out, indices, 2).tolist() == [[[0, 4, 3, 0]]]
    assert F.max_unpool1d(out, indices, 2, output_size=(1, 1, 5)).tolist() == [[[0, 4, 3, 0, 0]]]


def test_lp_pool_of_zeros_has_no_gradient_instead_of_nan():
    x = airi.zeros(1, 1, 2, 2).requires_grad_()
    F.lp_pool2d(x, 2, 2).sum().backward()
    assert x.grad.tolist() == [[[[0, 0], [0, 0]]]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: F.max_pool2d(x, 5), r"\(0, 0\), which is too small"),
        (lambda x: F.max_pool2d(x, 3, padding=2), "at most half of the window"),
        (lambda x: F.max_pool2d(x, 2, stride=0), "stride must be at least 1"),
        (lambda x: F.max_pool2d(x[0, 0], 2), r"3 \(unbatched\) or 4"),
        (lambda x: F.max_pool2d(x[:, :0], 2), "only the batch may be empty"),
        (lambda x: F.avg_pool2d(x, 2, divisor_override=0), "divisor_override must not be 0"),
        (lambda x: F.adaptive_avg_pool2d(x, -1), "output_size must be at least 0"),
        (lambda x: F.adaptive_avg_pool2d(x, (1, 2, 3)), "must have 2 ints"),
        (lambda x: F.max_unpool2d(x, airi.zeros(1, dtype=airi.int64), 2), "must have one shape"),
        (lambda x: F.max_unpool2d(x, x.to(airi.int64) + 99, 2), "indices must lie in 0"),
    ],
)
def test_refusals_say_what_was_given(make, message):
    with pytest.raises(RuntimeError, match=message):
        make(airi.ones(1, 2, 4, 4))
