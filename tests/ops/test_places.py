"""Elements taken from and added at places: the compiled loops do what NumPy's form does."""

import numpy as np
import pytest

import airi
from airi.ops import places

try:
    from airi.ops import places_ext
except ImportError:
    places_ext = None

pytestmark = pytest.mark.skipif(places_ext is None, reason="the extension is not built")

# Shapes and the dimension of the index. Wide tables are cut into strips, long ones of them packed.
TABLES = [
    ((7,), 0),
    ((5, 3), 1),
    ((3, 5, 4), 1),
    ((40, 70), 0),
    ((900, 700), 0),
    ((2, 2100, 130), 1),
]
DTYPES = [np.float32, np.float64, np.int32, np.int64]


@pytest.fixture(params=[1, 2], autouse=True)
def threads(request, monkeypatch):
    monkeypatch.setattr(places, "_compiled", lambda: places_ext)
    before = airi.get_num_threads()
    airi.set_num_threads(request.param)
    yield
    airi.set_num_threads(before)


def numbers(shape, dtype=np.float32):
    return (np.random.default_rng(0).standard_normal(shape) * 100).astype(dtype)


def index_for(shape, dim, count):
    return np.random.default_rng(1).integers(
        0, shape[dim], (*shape[:dim], count, *shape[dim + 1 :])
    )


@pytest.mark.parametrize("count", [1, 6, 1200])
@pytest.mark.parametrize(("shape", "dim"), TABLES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_as_numpy(shape, dim, count, dtype):
    x, index = numbers(shape, dtype), index_for(shape, dim, count)
    np.testing.assert_array_equal(
        places.take_each(x, index, dim), np.take_along_axis(x, index, dim)
    )
    rows = index.reshape(-1)[:count]
    np.testing.assert_array_equal(places.take_rows(x, rows, dim), np.take(x, rows, dim))

    src = numbers(index.shape, dtype)
    added, expected = x.copy(), x.copy()
    assert places.add_each(added, index, src, dim)
    at = [np.arange(n).reshape(-1, *[1] * (x.ndim - 1 - i)) for i, n in enumerate(index.shape)]
    at[dim] = index
    np.add.at(expected, tuple(at), src)
    np.testing.assert_array_equal(added, expected)

    added, expected = x.copy(), x.copy()
    assert places.add_rows(added, rows, src, dim)
    np.add.at(expected, (*[slice(None)] * dim, rows), src)
    np.testing.assert_array_equal(added, expected)


def test_indices_of_any_shape_and_layout():
    x, index = numbers((6, 5)), np.array([[0, 5], [3, 3]], np.int32).T
    np.testing.assert_array_equal(places.take_rows(x, index, 0), x[index])
    np.testing.assert_array_equal(places.take_rows(x, np.array(2), 1), x[:, 2])
    out = np.zeros_like(x)
    assert places.add_rows(out, np.array(2), 1.0, 1)
    assert out.sum() == out[:, 2].sum() == 6


def test_what_is_added_may_be_a_part_of_the_table():
    x = numbers((4, 3))
    expected = x.copy()
    np.add.at(expected, [1, 2, 3, 0], x.copy())
    assert places.add_rows(x, np.array([1, 2, 3, 0]), x, 0)
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("wrong", [-1, 6, -(2**63), 2**63 - 1])
@pytest.mark.parametrize("shape", [(6,), (6, 4), (6, 30000)])
def test_an_index_out_of_range_changes_nothing(shape, wrong):
    x = np.zeros(shape, np.float32)
    index = np.zeros((3, *shape[1:]), np.int64)
    index[-1] = wrong
    assert places.take_each(x, index, 0) is None
    with pytest.raises(IndexError):
        places.add_each(np.zeros_like(x), index, 1.0, 0)
    row = np.array([0, wrong])
    assert places.take_rows(x, row, 0) is None
    assert not places.add_rows(x, row, 1.0, 0)
    assert not x.any()


def test_other_arrays_are_left_to_numpy():
    index = np.zeros((2, 2), np.int64)
    for x in (np.zeros((2, 2), np.float16), np.zeros((2, 2), bool), np.zeros((4, 4))[::2, ::2]):
        assert places.take_each(x, index, 0) is None
        assert places.take_rows(x, index, 0) is None
        assert not places.add_each(x, index, x, 0)
    wide = np.zeros((2, 3), np.float32)  # the index speaks of a part of it
    assert places.take_each(wide, index, 0) is None


def test_within():
    for dtype in (np.int64, np.int32):
        assert places.within(np.arange(100, dtype=dtype), 100)
        assert not places.within(np.arange(100, dtype=dtype), 99)
        assert not places.within(np.arange(-1, 100, dtype=dtype), 100)
        assert places.within(np.zeros(0, dtype), 0)


def test_empty():
    x = np.zeros((0, 3), np.float32)
    nothing = np.zeros((0, 3), np.int64)
    assert places.take_each(x, nothing, 0).shape == (0, 3)
    assert places.take_rows(np.zeros((4, 0), np.float32), np.array([1, 1]), 0).shape == (2, 0)
    assert places.add_rows(np.zeros((4, 0), np.float32), np.array([1, 1]), 0.0, 0)
