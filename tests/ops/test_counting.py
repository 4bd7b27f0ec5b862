"""Beyond the rows of the op table, unique elements, bins and places: NaN, dtypes, errors."""

import math

import numpy as np
import pytest

import airi

NAN = math.nan


def test_every_nan_is_unique():
    x = airi.tensor([NAN, 1.0, NAN])
    values, counts = x.unique(return_counts=True)
    assert values.shape == (3,)
    assert counts.tolist() == [1, 1, 1]
    assert airi.tensor([NAN, NAN]).unique_consecutive().shape == (2,)


def test_unique_of_a_number_is_a_vector():
    assert airi.tensor(3).unique().tolist() == [3]
    assert airi.tensor(3.0).unique(return_inverse=True)[1].shape == ()


def test_indices_and_counts_are_int64():
    for each in airi.tensor([1.0, 1.0]).unique(return_inverse=True, return_counts=True)[1:]:
        assert each.dtype == airi.int64
    for op in (airi.unique, airi.unique_consecutive):
        with pytest.raises(IndexError, match=f"{op.__name__}: dim 1"):
            op(airi.ones(3), dim=1)


def test_search_in_many_lines_is_a_search_in_each():
    rng = np.random.default_rng(0)
    sequence = np.sort(rng.integers(0, 20, (3, 2, 33)), -1)
    values = rng.integers(-1, 21, (3, 2, 50))
    for right in (False, True):
        got = airi.searchsorted(airi.tensor(sequence), airi.tensor(values), right=right).numpy()
        for i, j in np.ndindex(3, 2):
            side = "right" if right else "left"
            np.testing.assert_array_equal(
                got[i, j], np.searchsorted(sequence[i, j], values[i, j], side)
            )


def test_search_with_nan():
    lines = airi.tensor([[1.0, 2.0, NAN], [1.0, NAN, NAN]])
    wanted = airi.tensor([[NAN, 5.0], [NAN, 1.0]])
    assert airi.searchsorted(lines, wanted).tolist() == [[2, 2], [1, 0]]
    assert airi.searchsorted(lines, wanted, right=True).tolist() == [[3, 2], [3, 1]]


def test_search_in_nothing():
    assert airi.searchsorted(airi.zeros(2, 0), airi.ones(2, 3)).tolist() == [[0] * 3] * 2


def test_search_refuses():
    steps = airi.tensor([1, 3, 5])
    with pytest.raises(RuntimeError, match="contradict"):
        airi.searchsorted(steps, 3, side="left", right=True)
    with pytest.raises(RuntimeError, match="'left' or 'right'"):
        airi.searchsorted(steps, 3, side="middle")
    with pytest.raises(RuntimeError, match=r"\(2, 3\).*\(1,\)"):
        airi.searchsorted(airi.tensor([[1, 3, 5], [2, 4, 6]]), airi.tensor([3]))
    with pytest.raises(RuntimeError, match="1 dimension"):
        airi.bucketize(steps, airi.ones(1, 2))


def test_bincount_dtypes():
    x = airi.tensor([1, 1, 3], dtype=airi.uint8)
    assert x.bincount().dtype == airi.int64
    assert x.bincount(airi.tensor([1.0, 1.0, 1.0])).dtype == airi.float32
    assert x.bincount(airi.tensor([1, 1, 1])).dtype == airi.float64


def test_bincount_refuses():
    for wrong in (airi.tensor([-1]), airi.tensor([1.0]), airi.tensor([[1]])):
        with pytest.raises(RuntimeError, match="vector of non-negative ints"):
            wrong.bincount()
    with pytest.raises(RuntimeError, match="weights"):
        airi.tensor([1, 2]).bincount(airi.ones(1))
    with pytest.raises(RuntimeError, match="minlength"):
        airi.tensor([1, 2]).bincount(minlength=-1)


def test_histc_ranges():
    assert airi.tensor([1.0, 1.0]).histc(4).tolist() == [0, 0, 2, 0]
    assert airi.tensor([1.0, NAN, 9.0]).histc(3, 0, 2).tolist() == [0, 1, 0]
    assert airi.zeros(0).histc(3).tolist() == [0, 0, 0]
    with pytest.raises(RuntimeError, match="not finite"):
        airi.tensor([1.0, NAN]).histc(3)
    with pytest.raises(RuntimeError, match="larger"):
        airi.ones(2).histc(3, 2, 1)
    with pytest.raises(RuntimeError, match="bins"):
        airi.ones(2).histc(0)
    with pytest.raises(RuntimeError, match="floating-point"):
        airi.tensor([1, 2]).histc(4)
