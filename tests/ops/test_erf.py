"""The error function: accuracy of the compiled loops and of their fallback, and its inverse."""

import math
import sys

import numpy as np
import pytest

import airi
from airi.ops import erf


def ulps(got, wanted, dtype):
    return np.abs(got - wanted) / np.spacing(np.abs(wanted).astype(dtype)).astype(np.float64)


def spread():
    return np.concatenate([np.linspace(-6, 6, 2001), np.logspace(-30, 0, 200), [0.0, 3.92, 3.93]])


@pytest.fixture(params=["compiled", "fallback"])
def either(request, monkeypatch):
    """Both implementations, so that they pass the same tests."""
    if request.param == "compiled":
        pytest.importorskip("airi.ops.erf_ext")
    else:
        monkeypatch.setitem(sys.modules, "airi.ops.erf_ext", None)
    erf._kernel.cache_clear()
    yield
    erf._kernel.cache_clear()


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(("dtype", "limit"), [(np.float64, 1), (np.float32, 7)])
@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_within_a_few_units_in_the_last_place(name, dtype, limit):
    x = spread().astype(dtype)
    wanted = np.array([getattr(math, name)(each) for each in x.tolist()])
    got = getattr(airi, name)(airi.tensor(x)).numpy()
    assert got.dtype == dtype
    assert ulps(got.astype(np.float64), wanted, dtype).max() <= limit
    assert np.abs(got).max() <= (1 if name == "erf" else 2)


@pytest.mark.usefixtures("either")
def test_special_values_and_layout():
    x = np.array([np.nan, np.inf, -np.inf, -0.0], np.float32)
    got = airi.erf(airi.tensor(x)).numpy()
    np.testing.assert_array_equal(got, [np.nan, 1, -1, 0])
    assert np.signbit(got[3])
    turned = airi.tensor(np.arange(6.0).reshape(2, 3)).t()
    np.testing.assert_array_equal(airi.erf(turned).t().numpy(), airi.erf(turned.t()).numpy())
    assert airi.erf(airi.zeros(0, 3)).shape == (0, 3)
    assert airi.erf(airi.tensor(0.5, dtype=airi.float16)).dtype == airi.float16


@pytest.mark.usefixtures("either")
def test_logarithm_of_gamma():
    x = np.array([0.0, -1.0, -2.5, 1e-10, 0.5, 3.0, 100.5, np.inf, -np.inf, np.nan])
    poles = [np.inf, np.inf]
    wanted = [*poles, *[math.lgamma(each) for each in x[2:7]], np.inf, np.inf, np.nan]
    np.testing.assert_allclose(airi.lgamma(airi.tensor(x)), wanted, rtol=1e-14)
    got = airi.lgamma(airi.tensor(x.astype(np.float32)))
    np.testing.assert_allclose(got, wanted, rtol=1e-6)


def test_inverse_to_the_last_places():
    y = np.concatenate([np.linspace(-3, 3, 601), np.logspace(-12, -1, 50)])
    x = np.array([math.erf(each) for each in y])
    got = airi.erfinv(airi.tensor(x)).numpy()
    # x is rounded itself: what that is worth in y, by the derivative, is allowed beside 2 units.
    allowed = 2 * np.spacing(np.abs(y)) + np.spacing(np.abs(x)) * np.exp(y * y)
    assert (np.abs(got - y) <= allowed).all()


def test_inverse_at_the_ends():
    got = airi.erfinv(airi.tensor([1.0, -1.0, 1.5, 0.0])).tolist()
    assert got[:2] == [math.inf, -math.inf]
    assert math.isnan(got[2])
    assert got[3] == 0.0
