"""Beyond the rows of the op table, running sums: NaN, ties, infinities, dtypes, in place."""

import math

import numpy as np
import pytest

import airi


def leaf(values):
    return airi.tensor(values, dtype=airi.float64, requires_grad=True)


def test_dtypes():
    x = airi.tensor([1, 2, 3], dtype=airi.uint8)
    assert airi.cumsum(x, 0).dtype == airi.int64
    assert airi.cumprod(x, 0, dtype=airi.float32).dtype == airi.float32
    assert airi.cumsum(airi.tensor([True, True]), 0).tolist() == [1, 2]
    assert airi.cummax(x, 0).values.dtype == airi.uint8
    assert airi.logcumsumexp(x, 0).dtype == airi.float32


def test_third_derivative_of_a_product_with_zeros():
    torch = pytest.importorskip("torch")
    values = [2.0, 0.0, 3.0, 0.0, -1.5]
    results = []
    for library in (airi, torch):
        x = library.tensor(values, dtype=library.float64, requires_grad=True)
        weights = library.tensor([1.0, 2.0, 3.0, 4.0, 5.0], dtype=library.float64)
        y = (x.cumprod(0) * weights).sum()
        for _ in range(3):
            (gradient,) = library.autograd.grad(y, x, create_graph=True)
            y = (gradient * weights).sum()
            results.append(gradient.detach().numpy())
    for mine, theirs in zip(results[:3], results[3:], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)


def test_long_products_follow_numpy():
    x = leaf(np.random.default_rng(0).uniform(0.9, 1.1, 1000))
    out = airi.cumprod(x, 0)
    out.sum().backward()
    wanted = np.cumsum(out.detach().numpy()[::-1])[::-1] / x.detach().numpy()
    np.testing.assert_allclose(x.grad, wanted)


@pytest.mark.parametrize("op", [airi.cummax, airi.cummin])
def test_the_last_of_equal_ones_counts_and_nan_stays(op):
    x = leaf([2.0, 2.0, 2.0])
    values, indices = op(x, 0)
    assert indices.tolist() == [0, 1, 2]
    x = leaf([1.0, math.nan, 5.0, -5.0])
    values, indices = op(x, 0)
    assert np.isnan(values.detach()).tolist() == [False, True, True, True]
    assert indices.tolist() == [0, 1, 1, 1]
    values.sum().backward()
    assert x.grad.tolist() == [1, 3, 0, 0]


def test_logcumsumexp_of_extreme_values():
    x = leaf([-math.inf, -math.inf, 800.0, 1.0, 801.0])
    out = airi.logcumsumexp(x, 0)
    np.testing.assert_allclose(
        out.detach(), [-math.inf, -math.inf, 800, 800, 801 + math.log1p(math.exp(-1))]
    )
    out[-1].backward()
    share = 1 / (1 + math.exp(-1))
    np.testing.assert_allclose(x.grad, [0, 0, 1 - share, 0, share], atol=1e-12)


@pytest.mark.parametrize("op", [airi.cumsum, airi.cumprod, airi.cummax, airi.logcumsumexp])
def test_dims_are_checked(op):
    with pytest.raises(IndexError, match=f"{op.__name__}: dim 2"):
        op(airi.ones(2, 3), 2)
    assert op(airi.ones(2, 3), axis=-1) is not None


def test_in_place_of_integers_keeps_the_dtype():
    x = airi.tensor([1, 2, 3], dtype=airi.int32)
    assert x.cumsum_(0) is x
    assert x.tolist() == [1, 3, 6]
    assert x.dtype == airi.int32
    assert x.cumprod_(0, dtype=airi.int32).tolist() == [1, 3, 18]
    with pytest.raises(RuntimeError, match="cumsum_: dtype"):
        x.cumsum_(0, dtype=airi.int64)
    number = airi.tensor(3.0)
    assert number.cumprod_(0) is number


def test_diff():
    assert airi.diff(airi.tensor([True, False, False])).tolist() == [True, False]
    assert airi.diff(airi.tensor([1, 4, 9, 16]), n=2).tolist() == [2, 2]
    assert airi.diff(airi.ones(3), n=5).shape == (0,)
    x = airi.ones(3)
    same = airi.diff(x, n=0, prepend=airi.zeros(1))
    assert same.tolist() == [1, 1, 1]
    assert same is not x
    with pytest.raises(RuntimeError, match="one-dimensional"):
        airi.diff(airi.tensor(1.0))
    with pytest.raises(RuntimeError, match="negative"):
        airi.diff(airi.ones(3), n=-1)
