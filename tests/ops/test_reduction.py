"""Beyond the rows of the op table, reductions: errors, dtypes, NaN, infinities, accuracy."""

import math

import numpy as np
import pytest

import airi


def leaf(*values, **kwargs):
    return airi.tensor(*values, dtype=airi.float64, requires_grad=True, **kwargs)


@pytest.mark.parametrize("dtype", [airi.bool, airi.uint8, airi.int32, airi.int64])
@pytest.mark.parametrize("op", [airi.sum, airi.prod, airi.nansum])
def test_integers_accumulate_in_int64(op, dtype):
    assert op(airi.tensor([1, 1, 1], dtype=dtype)).dtype == airi.int64
    assert op(airi.tensor([1, 1, 1], dtype=dtype), 0, dtype=airi.float32).dtype == airi.float32


def test_dtype_converts_before_the_reduction():
    x = airi.tensor([1.5, 1.75])
    assert airi.sum(x, dtype=airi.int64).item() == 2
    assert airi.mean(airi.tensor([1, 2]), dtype=airi.float64).item() == 1.5
    big = airi.tensor([200, 100], dtype=airi.uint8)
    assert airi.sum(big).item() == 300


def test_gradient_returns_in_the_inputs_dtype():
    x = airi.tensor([1.5, 2.5], requires_grad=True)
    x.sum(dtype=airi.float64).backward()
    assert x.grad.dtype == airi.float32


@pytest.mark.parametrize(
    "op", [airi.mean, airi.nanmean, airi.var, airi.std, airi.norm, airi.var_mean, airi.std_mean]
)
def test_integers_are_refused_where_the_result_is_fractional(op):
    with pytest.raises(RuntimeError, match=r"floating-point.*int64"):
        op(airi.tensor([1, 2]))


@pytest.mark.parametrize(
    "op", [airi.sum, airi.mean, airi.var, airi.std, airi.norm, airi.logsumexp, airi.all, airi.any]
)
def test_dims_are_checked(op):
    x = airi.ones(2, 3)
    with pytest.raises(IndexError, match=rf"{op.__name__}: dim 2 is out of range"):
        op(x, dim=2)
    with pytest.raises(RuntimeError, match="appears twice"):
        op(x, dim=(0, -2))
    with pytest.raises(TypeError, match="dim must be an int"):
        op(x, dim=0.5)


def test_numpys_argument_names():
    x = airi.ones(2, 3)
    assert x.sum(axis=1, keepdims=True).shape == (2, 1)
    with pytest.raises(TypeError, match="both dim= and axis="):
        x.sum(dim=1, axis=1)


def test_no_dims_mean_all():
    assert airi.sum(airi.ones(2, 3), ()).item() == 6
    assert airi.ones(2, 3).sum((), keepdim=True).shape == (1, 1)


@pytest.mark.parametrize("op", [airi.sum, airi.prod, airi.mean, airi.amax, airi.logsumexp])
def test_zero_dimensional_counts_as_one_dimension(op):
    x = leaf(3.0)
    for out in (op(x, 0), op(x, -1, keepdim=True)):
        assert out.shape == ()
        assert out.item() == pytest.approx(3.0)
    with pytest.raises(IndexError):
        op(x, 1)


def test_what_reductions_of_nothing_give():
    nothing = airi.zeros(0)
    assert nothing.sum().item() == 0
    assert nothing.prod().item() == 1
    assert math.isnan(nothing.mean().item())
    assert nothing.logsumexp(0).item() == -math.inf
    assert nothing.norm().item() == 0
    assert nothing.all().item() is True
    assert nothing.any().item() is False


def test_float32_sums_are_pairwise():
    x = airi.full((10_000_000,), 0.1)
    assert x.sum().item() == pytest.approx(1e6, rel=1e-6)


def test_nan_is_left_out_with_its_gradient():
    x = leaf([1.0, math.nan, 4.0])
    assert airi.nansum(x).item() == 5
    assert airi.nanmean(x).item() == 2.5
    airi.nanmean(x).backward()
    assert x.grad.tolist() == [0.5, 0, 0.5]
    assert math.isnan(airi.nanmean(airi.tensor([math.nan])).item())


def test_product_of_zeros_has_exact_derivatives():
    one_zero = leaf([2.0, 0.0, 3.0])
    (first,) = airi.autograd.grad(one_zero.prod(), one_zero, create_graph=True)
    assert first.tolist() == [0, 6, 0]
    (second,) = airi.autograd.grad(first[0], one_zero)
    assert second.tolist() == [0, 3, 0]
    two_zeros = leaf([0.0, 0.0, 3.0])
    two_zeros.prod().backward()
    assert two_zeros.grad.tolist() == [0, 0, 0]


def test_corrections():
    x = leaf([1.0, 2.0, 4.0])
    assert x.var(unbiased=False).item() == pytest.approx(np.var([1, 2, 4]))
    assert x.var(False).item() == x.var(correction=0).item()
    assert x.std(correction=1).item() == pytest.approx(np.std([1, 2, 4], ddof=1))
    with pytest.raises(TypeError, match="not both"):
        x.var(unbiased=True, correction=1)
    assert math.isnan(airi.ones(1).var().item())
    assert airi.tensor([1.0, 3.0]).var(correction=2).item() == math.inf


def test_gradient_of_a_root_at_zero_is_zero():
    for op in (airi.std, airi.norm, lambda x: airi.norm(x, 3), lambda x: airi.norm(x, 0.5)):
        x = airi.zeros(3, dtype=airi.float64, requires_grad=True)
        op(x).backward()
        assert x.grad.tolist() == [0, 0, 0]


def test_norm_with_a_zero_among_the_elements():
    x = leaf([0.0, 3.0, -4.0])
    for p, wanted in ((2, [0, 0.6, -0.8]), (1, [0, 1, -1]), (math.inf, [0, 0, -1]), (0, [0] * 3)):
        (gradient,) = airi.autograd.grad(airi.norm(x, p), x)
        np.testing.assert_allclose(gradient, wanted)
    assert airi.norm(x, 0).item() == 2
    with pytest.raises(RuntimeError, match="'nuc' without dim is for matrices"):
        airi.norm(x, "nuc")
    with pytest.raises(ValueError, match="p must be a number, 'fro' or 'nuc'"):
        airi.norm(x, "sum")


def test_norm_of_a_transposed_matrix():
    x = airi.tensor(np.arange(6.0).reshape(2, 3).T)
    assert airi.norm(x).item() == pytest.approx(math.sqrt(55))
    assert airi.norm(x, keepdim=True).shape == (1, 1)


def test_logsumexp_neither_overflows_nor_underflows():
    x = leaf([1000.0, 1000.0, -1000.0])
    out = airi.logsumexp(x, 0)
    assert out.item() == pytest.approx(1000 + math.log(2))
    out.backward()
    np.testing.assert_allclose(x.grad, [0.5, 0.5, 0])
    lowest = leaf([-math.inf, -math.inf])
    out = airi.logsumexp(lowest, 0)
    assert out.item() == -math.inf
    out.backward()
    assert lowest.grad.tolist() == [0, 0]
    assert airi.logsumexp(airi.tensor([math.inf, 1.0]), 0).item() == math.inf
    assert math.isnan(airi.logsumexp(airi.tensor([math.nan, 1.0]), 0).item())


def test_truth():
    assert airi.all(airi.tensor([1.0, math.nan])).item() is True
    assert airi.any(airi.tensor([0, 0])).dtype == airi.bool
    assert airi.all(airi.tensor([1, 2], dtype=airi.uint8)).dtype == airi.uint8
    assert airi.all(airi.tensor([3, 2], dtype=airi.uint8)).item() == 1


@pytest.mark.parametrize("op", [airi.sum, airi.nansum, airi.prod, airi.cumsum, airi.cumprod])
def test_a_narrow_dtype_asked_for_is_the_results(op):
    x = airi.tensor([100, 100, 2])
    wanted = {"sum": 202, "nansum": 202, "prod": 20000 % 256}.get(op.__name__)
    out = op(x, 0, dtype=airi.uint8)
    assert out.dtype == airi.uint8
    assert wanted is None or out.item() == wanted
    assert op(x, 0, dtype=airi.bool).dtype == airi.bool
