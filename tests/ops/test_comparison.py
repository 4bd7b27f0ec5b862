"""What the op table cannot say of comparisons: operators, other types, in-place forms, errors."""

import numpy as np
import pytest

import airi


def test_operators_compare_elementwise():
    x, y = airi.tensor([1.0, 2.0, 3.0]), airi.tensor([3.0, 2.0, 1.0])
    assert (x == y).tolist() == [False, True, False]
    assert (x != y).tolist() == [True, False, True]
    assert (x < y).tolist() == [True, False, False]
    assert (x <= 2).tolist() == [True, True, False]
    assert (x > 2).tolist() == [False, False, True]
    assert (x >= np.array([2.0, 2.0, 2.0])).tolist() == [False, True, True]
    assert (x == y).dtype == airi.bool


def test_beside_other_types_python_decides():
    x = airi.tensor([1.0])
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert (x == "one") is False
    assert (x == [1.0]) is False
    with pytest.raises(TypeError):
        _ = x < None
    with pytest.raises(TypeError):
        airi.eq(x, None)


def test_hash_is_by_identity():
    x = airi.tensor([1.0])
    assert len({x, x, x.clone()}) == 2
    assert {x: "found"}[x] == "found"


def test_nan_compares_false():
    nan = airi.tensor([float("nan")])
    assert not (nan == nan).item()
    assert (nan != nan).item()
    assert not (nan < 1).item()
    assert not (nan >= 1).item()


def test_no_gradient_passes():
    x = airi.tensor([1.0, 2.0], requires_grad=True)
    assert not (x > 1).requires_grad
    assert not airi.isnan(x).requires_grad


def test_bits_and_shifts():
    a, b = airi.tensor([12, 10]), airi.tensor([10, 3])
    assert (a & b).tolist() == [8, 2]
    assert (a | 1).tolist() == [13, 11]
    assert (1 ^ a).tolist() == [13, 11]
    assert (~a).tolist() == [-13, -11]
    assert (a << 1).tolist() == [24, 20]
    assert (1 << b).tolist() == [1024, 8]
    assert (a >> airi.tensor([1, 64])).tolist() == [6, 0]
    assert (airi.tensor([-8]) >> 70).tolist() == [-1]
    assert (~airi.tensor([True, False])).tolist() == [False, True]
    assert (airi.tensor([True]) & 1).dtype == airi.int64


@pytest.mark.parametrize("name", ["bitwise_and", "bitwise_or", "bitwise_left_shift"])
def test_floats_have_no_bits(name):
    with pytest.raises(RuntimeError, match=r"bit.*float32|expected integers"):
        getattr(airi, name)(airi.tensor([1.0]), 1)
    with pytest.raises(RuntimeError, match="expected integers"):
        _ = ~airi.tensor([1.0])


def test_in_place_operators():
    a = airi.tensor([12, 10])
    same = a
    a &= 10
    a |= 1
    a ^= airi.tensor([1, 0])
    a <<= 2
    a >>= 1
    a %= 7
    a //= 2
    assert a is same
    assert a.tolist() == [((((12 & 10) | 1) ^ 1) * 2 % 7) // 2, (((10 & 10) | 1) * 2 % 7) // 2]


def test_comparisons_in_place_keep_the_dtype():
    x = airi.tensor([1.0, 2.0, 3.0])
    assert x.gt_(1.5) is x
    assert x.tolist() == [0.0, 1.0, 1.0]
    assert x.dtype == airi.float32
    whole = airi.tensor([1, 2])
    assert whole.eq_(1.5).tolist() == [0, 0]
    assert airi.tensor([0.0, 2.0]).logical_not_().tolist() == [1.0, 0.0]
    assert airi.tensor([3, 0]).logical_and_(airi.tensor([1.0, 1.0])).tolist() == [1, 0]


def test_comparison_in_place_cuts_the_gradient():
    x = airi.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.eq_(2.0)
    y.sum().backward()
    assert x.grad is None or x.grad.tolist() == [0.0, 0.0]


def test_close():
    x = airi.tensor([1.0, float("inf"), float("nan")])
    assert airi.isclose(x, x).tolist() == [True, True, False]
    assert airi.allclose(x, x, equal_nan=True) is True
    assert airi.allclose(airi.tensor([1, 5]), airi.tensor([1, 6]), rtol=0.2) is True
    opposite = airi.tensor([float("inf")]), airi.tensor([-float("inf")])
    assert not airi.allclose(*opposite)
    with pytest.raises(RuntimeError, match="rtol"):
        airi.isclose(x, x, rtol=-1)
    with pytest.raises(RuntimeError, match="one dtype"):
        airi.allclose(x, airi.tensor([1, 2, 3]))


def test_equal():
    a = airi.tensor([1, 2])
    assert airi.equal(a, airi.tensor([1.0, 2.0])) is True
    assert airi.equal(a, airi.tensor([[1, 2]])) is False
    assert airi.equal(airi.tensor([float("nan")]), airi.tensor([float("nan")])) is False


def test_signs_of_integers_and_zero():
    assert airi.signbit(airi.tensor([-0.0, 0.0, -1.0])).tolist() == [True, False, True]
    assert airi.signbit(airi.tensor([-3, 0])).tolist() == [True, False]
    assert airi.isposinf(airi.tensor([1, 2])).tolist() == [False, False]
    assert airi.isfinite(airi.tensor([1, 2])).tolist() == [True, True]
