"""Beyond the rows of the op table, sorting and ranks: ties, NaN, errors, dtypes."""

import math

import numpy as np
import pytest

import airi

NAN = math.nan


def leaf(values):
    return airi.tensor(values, dtype=airi.float64, requires_grad=True)


def test_stable_keeps_the_order_of_equal_elements():
    rng = np.random.default_rng(0)
    x = airi.tensor(rng.integers(0, 5, (3, 200)))
    up = airi.argsort(x, stable=True).numpy()
    np.testing.assert_array_equal(up, np.argsort(x.numpy(), -1, kind="stable"))
    down = airi.argsort(x, descending=True, stable=True).numpy()
    np.testing.assert_array_equal(down, np.argsort(-x.numpy(), -1, kind="stable"))


@pytest.mark.parametrize("stable", [False, True])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, np.bool_])
def test_long_lines(dtype, descending, stable):
    values = np.random.default_rng(1).integers(0, 100, (500, 3)).astype(dtype)
    result = airi.sort(airi.tensor(values), 0, descending, stable)
    wanted = np.sort(values, 0)
    np.testing.assert_array_equal(result.values, wanted[::-1] if descending else wanted)
    assert result.values.numpy().dtype == dtype
    np.testing.assert_array_equal(
        np.take_along_axis(values, result.indices.numpy(), 0), result.values
    )


@pytest.mark.parametrize("stable", [False, True])
def test_nan_is_the_largest(stable):
    x = airi.tensor([3.0, NAN, 1.0])
    assert airi.sort(x, stable=stable).indices.tolist() == [2, 0, 1]
    assert airi.sort(x, descending=True, stable=stable).indices.tolist() == [1, 0, 2]
    assert x.topk(2).indices.tolist() == [1, 0]
    assert x.topk(2, largest=False).indices.tolist() == [2, 0]
    assert math.isnan(x.kthvalue(3).values.item())


@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("k", [1, 7, 50])
def test_topk_of_integers_with_ties(k, largest):
    values = np.random.default_rng(2).integers(0, 9, (4, 50))
    result = airi.topk(airi.tensor(values), k, largest=largest)
    wanted = np.sort(values, -1)
    wanted = wanted[:, ::-1][:, :k] if largest else wanted[:, :k]
    np.testing.assert_array_equal(result.values, wanted)
    np.testing.assert_array_equal(
        np.take_along_axis(values, result.indices.numpy(), -1), result.values
    )
    assert all(len(set(line)) == k for line in result.indices.tolist())
    unsorted = airi.topk(airi.tensor(values), k, largest=largest, sorted=False)
    np.testing.assert_array_equal(np.sort(unsorted.values, -1), np.sort(wanted, -1))


def test_zero_dimensional():
    x = airi.tensor(3.0)
    for result in (x.sort(), x.topk(1), x.kthvalue(1), x.median(0), x.mode()):
        assert result.values.shape == result.indices.shape == ()
        assert (result.values.item(), result.indices.item()) == (3.0, 0)


def test_ranks_out_of_range():
    x = airi.ones(2, 3)
    with pytest.raises(RuntimeError, match="topk: k must be 0 to 3"):
        x.topk(4)
    with pytest.raises(RuntimeError, match="kthvalue: k must be 1 to 2"):
        x.kthvalue(0, dim=0)
    with pytest.raises(RuntimeError, match="kthvalue: k must be 1 to 3"):
        x.kthvalue(4)
    for op in (airi.sort, airi.argsort, airi.median, airi.mode):
        with pytest.raises(IndexError, match=f"{op.__name__}: dim 2"):
            op(x, dim=2)
    for op in (airi.median, airi.nanmedian, airi.mode):
        with pytest.raises(IndexError, match="no elements"):
            op(airi.zeros(0, 3), 0)


def test_median_of_all_shares_its_gradient_but_not_along_a_dimension():
    x = leaf([1.0, 2.0, 2.0, 3.0])
    airi.median(x).backward()
    assert x.grad.tolist() == [0, 0.5, 0.5, 0]
    x = leaf([1.0, 2.0, 2.0, 3.0])
    airi.median(x, 0).values.backward()
    assert sorted(x.grad.tolist()) == [0, 0, 0, 1]


def test_median_and_nan():
    x = leaf([3.0, NAN, 2.0, 4.0])
    assert math.isnan(airi.median(x).item())
    assert math.isnan(airi.median(x, 0).values.item())
    assert airi.median(x, 0).indices.item() == 1
    assert airi.nanmedian(x).item() == 3
    assert airi.nanmedian(x, 0).indices.item() == 0
    airi.nanmedian(x).backward()
    assert x.grad.tolist() == [1, 0, 0, 0]
    assert math.isnan(airi.nanmedian(airi.tensor([NAN, NAN]), 0).values.item())
    assert math.isnan(airi.median(airi.zeros(0)).item())
    assert airi.nanmedian(airi.tensor([3, 1, 2])).item() == 2


def test_mode_is_the_smallest_of_the_commonest_at_its_last_place():
    for values, mode, at in (([2, 1, 2, 1, 3], 1, 3), ([1, 1, 2, 2], 1, 1), ([5, 4, 4], 4, 2)):
        result = airi.mode(airi.tensor(values))
        assert (result.values.item(), result.indices.item()) == (mode, at)
    result = airi.mode(airi.tensor([[1, 2], [2, 2]]), 0, keepdim=True)
    assert result.values.tolist() == [[1, 2]]
    assert result.indices.tolist() == [[0, 1]]


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("dim", [None, 0, -1])
@pytest.mark.parametrize("keepdim", [False, True])
def test_several_quantiles_at_once(interpolation, dim, keepdim):
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(3).standard_normal((4, 7))
    values[1, 2] = values[3, 5] = NAN
    q = np.array([0.0, 0.21, 0.5, 1.0])
    for name in ("quantile", "nanquantile"):
        mine, theirs = (
            getattr(library, name)(
                library.tensor(values),
                library.tensor(q),
                dim,
                keepdim,
                interpolation=interpolation,
            )
            for library in (airi, torch)
        )
        assert mine.shape == tuple(theirs.shape)
        np.testing.assert_allclose(mine, theirs.numpy())


def test_quantile_refuses():
    x = airi.tensor([1.0, 2.0])
    with pytest.raises(RuntimeError, match="0 to 1"):
        x.quantile(1.5)
    with pytest.raises(RuntimeError, match="floating-point"):
        airi.tensor([1, 2]).quantile(0.5)
    with pytest.raises(RuntimeError, match="input's dtype"):
        x.quantile(airi.tensor([0.5], dtype=airi.float64))
    with pytest.raises(ValueError, match="interpolation"):
        x.quantile(0.5, interpolation="cubic")
    with pytest.raises(RuntimeError, match="vector"):
        x.quantile(airi.ones(1, 1))
    with pytest.raises(RuntimeError, match="no elements"):
        airi.zeros(0).quantile(0.5)
