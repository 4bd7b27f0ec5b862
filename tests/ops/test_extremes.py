"""Beyond the rows of the op table, max and min: ties, NaN, errors, the three ways to call."""

import math

import numpy as np
import pytest

import airi


def leaf(values):
    return airi.tensor(values, dtype=airi.float64, requires_grad=True)


def test_ties_share_the_gradient_of_all_but_not_of_an_index():
    for op in (airi.max, airi.amax, lambda x: airi.amax(x, (0, 1)), lambda x: airi.aminmax(x).max):
        x = leaf([[1.0, 2.0], [2.0, 0.0]])
        op(x).backward()
        assert x.grad.tolist() == [[0, 0.5], [0.5, 0]]
    x = leaf([1.0, 2.0, 2.0])
    values, indices = airi.max(x, 0)
    assert indices.item() == 1
    values.backward()
    assert x.grad.tolist() == [0, 1, 0]


def test_results_have_names():
    result = airi.min(airi.tensor([[3.0, 1.0]]), dim=1)
    assert result.values.tolist() == [1]
    assert result.indices.tolist() == [1]
    assert not result.indices.requires_grad
    low, high = airi.aminmax(airi.tensor([3.0, 1.0]))
    assert (low.item(), high.item()) == (1, 3)


def test_nan_is_the_extreme():
    x = leaf([1.0, math.nan, 3.0, math.nan])
    for op in (airi.max, airi.min, airi.amax, airi.amin):
        assert math.isnan(op(x).item())
    for op in (airi.argmax, airi.argmin):
        assert op(x).item() == 1
    for op in (airi.max, airi.min):
        values, indices = op(x, 0)
        assert math.isnan(values.item())
        assert indices.item() == 1
    airi.max(x).backward()
    assert x.grad.tolist() == [0, 0.5, 0, 0.5]


def test_of_two_tensors():
    x, y = leaf([1.0, 5.0]), leaf([3.0, 5.0])
    for out in (airi.max(x, y), x.max(other=y)):
        assert out.tolist() == [3, 5]
    airi.max(x, y).backward(airi.ones(2, dtype=airi.float64))
    assert x.grad.tolist() == [0, 0.5]
    with pytest.raises(TypeError, match="not both"):
        airi.max(x, 0, other=y)


@pytest.mark.parametrize("op", [airi.max, airi.min, airi.amax, airi.amin])
def test_nothing_has_no_extreme(op):
    with pytest.raises(RuntimeError, match=r"shape \(0, 3\) has no elements"):
        op(airi.zeros(0, 3))
    with pytest.raises(IndexError, match="dimension 0"):
        op(airi.zeros(0, 3), 0)


@pytest.mark.parametrize("op", [airi.argmax, airi.argmin])
def test_nothing_has_no_index(op):
    with pytest.raises(IndexError, match="no elements"):
        op(airi.zeros(0, 3))
    with pytest.raises(IndexError, match="dimension 0"):
        op(airi.zeros(0, 3), 0)
    with pytest.raises(RuntimeError, match="bool"):
        op(airi.tensor([True, False]))


def test_dims_of_an_index_are_single():
    with pytest.raises(TypeError, match="dim must be an int, got tuple"):
        airi.max(airi.ones(2, 3), (0, 1))
    with pytest.raises(IndexError):
        airi.argmax(airi.ones(2, 3), 2)


def test_argmax_of_all_keeps_dimensions_on_request():
    x = airi.tensor([[1.0, 3.0], [2.0, 0.0]])
    assert x.argmax(keepdim=True).shape == (1, 1)
    assert x.argmax(keepdim=True).item() == 1
    assert x.argmax(axis=0).tolist() == [1, 0]


def test_bool_and_integers():
    x = airi.tensor([[True, False], [False, False]])
    assert x.max().item() is True
    assert x.max(1).values.tolist() == [True, False]
    assert airi.amin(airi.tensor([3, 1], dtype=airi.int32)).dtype == airi.int32


def test_second_derivative_goes_through_the_index():
    x = leaf([[1.0, 3.0], [5.0, 2.0]])
    (first,) = airi.autograd.grad((airi.max(x, 1).values ** 3).sum(), x, create_graph=True)
    (second,) = airi.autograd.grad(first.sum(), x)
    np.testing.assert_allclose(second, [[0, 18], [30, 0]])
