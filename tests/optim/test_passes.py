"""The compiled passes compute what those in NumPy do, on whatever arrays they are given."""

import numpy as np
import pytest

from airi.optim import passes

FORMULAS = {
    "scale_add": lambda x, y, z: 0.5 * x - 3.0 * y,
    "scale_add_square": lambda x, y, z: 0.5 * x - 3.0 * y**2,
    "add_ratio": lambda x, y, z: x + 0.5 * y / (np.sqrt(z) + 0.1),
}
CALLS = {
    "scale_add": lambda x, y, z: passes.scale_add(x, 0.5, y, -3.0),
    "scale_add_square": lambda x, y, z: passes.scale_add_square(x, 0.5, y, -3.0),
    "add_ratio": lambda x, y, z: passes.add_ratio(x, 0.5, y, z, 0.1),
}
LAYOUTS = {
    "contiguous": lambda values: values.copy(),
    "transposed": lambda values: values.T.copy().T,
    "every second": lambda values: np.repeat(values, 2, axis=1)[:, ::2],
    "without dimensions": lambda values: values[0, 0].copy(),
    "empty": lambda values: values[:0].copy(),
    "not aligned to a vector": lambda values: values.reshape(-1)[3:].copy()[1:],
}

each_pass = pytest.mark.parametrize("name", FORMULAS)


@pytest.fixture(params=["compiled", "numpy"])
def implementation(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setattr(passes, "_compiled", None)
    elif passes._compiled is None:
        pytest.skip("the extension was not built")
    return request.param


def arrays(layout, dtype):
    rng = np.random.default_rng(0)
    x, y, z = (rng.normal(size=(7, 37)).astype(dtype) for _ in range(3))
    return [np.asarray(layout(each)) for each in (x, y, np.abs(z))]


@each_pass
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_formula(name, layout, dtype, implementation):
    x, y, z = arrays(layout, dtype)
    expected = FORMULAS[name](*(each.astype(np.float64) for each in (x, y, z)))
    CALLS[name](x, y, z)
    accuracy = 20 * np.finfo(dtype).eps
    assert x.dtype == dtype
    np.testing.assert_allclose(x, expected, rtol=accuracy, atol=accuracy)


@each_pass
def test_different_layouts_and_dtypes(name, implementation):
    x, y, z = arrays(LAYOUTS["contiguous"], np.float64)
    y, z = np.asfortranarray(y), z.astype(np.float32)
    expected = FORMULAS[name](x, y, z)
    CALLS[name](x, y, z)
    np.testing.assert_allclose(x, expected, rtol=1e-6)


@each_pass
def test_sizes_that_do_not_fit_are_refused(name, implementation):
    x, y, z = arrays(LAYOUTS["contiguous"], np.float64)
    before = x.copy()
    with pytest.raises(ValueError, match="broadcast"):
        CALLS[name](x, y[:, :36].copy(), z[:, :36].copy())
    np.testing.assert_array_equal(x / x, before / before)


@each_pass
def test_arrays_that_may_not_be_written_are_refused(name, implementation):
    x, y, z = arrays(LAYOUTS["contiguous"], np.float64)
    x.flags.writeable = False
    y.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        CALLS[name](x, y, z)
    x.flags.writeable = True
    CALLS[name](x, y, z)  # what is only read may be read-only


def test_a_ratio_with_nan_and_infinity(implementation):
    x = np.zeros(5)
    y = np.array([1.0, 1.0, np.nan, 1.0, 0.0])
    z = np.array([np.inf, -1.0, 1.0, 0.0, 0.0])
    with np.errstate(all="ignore"):
        passes.add_ratio(x, 2.0, y, z, 0.0)
    np.testing.assert_array_equal(x, [0, np.nan, np.nan, np.inf, np.nan])
