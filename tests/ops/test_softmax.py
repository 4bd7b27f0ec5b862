"""What the op table cannot say of softmax: large numbers, rows of -inf, dtypes, errors."""

import numpy as np
import pytest

import airi
from airi.ops.softmax import softmin

INF = float("inf")


def test_large_numbers_do_not_overflow():
    x = airi.tensor([1e4, 0.0, -1e4])
    assert airi.softmax(x, 0).tolist() == [1.0, 0.0, 0.0]
    assert airi.log_softmax(x, 0).tolist() == [0.0, -1e4, -2e4]
    assert softmin(x, 0).tolist() == [0.0, 0.0, 1.0]


def test_masked_elements_get_nothing():
    x = airi.tensor([0.0, -INF, 0.0], requires_grad=True)
    out = airi.softmax(x, -1)
    assert out.tolist() == [0.5, 0.0, 0.5]
    out[0].backward()
    assert x.grad.tolist() == [0.25, 0.0, -0.25]


@pytest.mark.parametrize("function", [airi.softmax, airi.log_softmax])
def test_a_row_of_minus_infinity_is_nan(function):
    out = function(airi.tensor([[-INF, -INF], [0.0, 0.0]]), 1).numpy()
    assert np.isnan(out[0]).all()
    assert np.isfinite(out[1]).all()


@pytest.mark.parametrize("function", [airi.softmax, airi.log_softmax])
def test_dtypes(function):
    whole = airi.tensor([1, 2])
    with pytest.raises(RuntimeError, match="floating-point"):
        function(whole, 0)
    assert function(whole, 0, dtype=airi.float64).dtype == airi.float64
    single = airi.tensor([1.0, 2.0], requires_grad=True)
    out = function(single, 0, dtype=airi.float64)
    out[0].backward()
    assert out.dtype == airi.float64
    assert single.grad.dtype == airi.float32


def test_dimensions():
    assert airi.softmax(airi.tensor(3.0), 0).item() == 1.0
    assert airi.log_softmax(airi.tensor(3.0), -1).item() == 0.0
    assert airi.softmax(airi.zeros(2, 3), axis=1).shape == (2, 3)
    with pytest.raises(IndexError, match="dim 2"):
        airi.softmax(airi.zeros(2, 3), 2)


def test_the_input_is_left_alone():
    x = airi.tensor([1.0, 2.0])
    airi.softmax(x, 0)
    airi.log_softmax(x, 0)
    assert x.tolist() == [1.0, 2.0]
