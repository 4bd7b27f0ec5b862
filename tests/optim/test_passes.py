"""The compiled passes compute what those in NumPy do, on whatever arrays they are given."""

import numpy as np
import pytest

import airi
from airi import optim
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


@pytest.mark.skipif(passes._compiled is None, reason="the extension is not built")
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (optim.SGD, {}),
        (optim.SGD, {"momentum": 0.9, "weight_decay": 0.1, "dampening": 0.2}),
        (optim.SGD, {"momentum": 0.9, "nesterov": True}),
        (optim.Adam, {"weight_decay": 0.1}),
        (optim.AdamW, {"weight_decay": 0.1}),
    ],
)
def test_all_parameters_at_once_as_one_after_the_other(optimizer, options, maximize, monkeypatch):
    """Whatever their layout and dtype: those that the loops do not take are done in NumPy."""

    def trained(threads):
        before = airi.get_num_threads()
        airi.set_num_threads(threads)
        rng = np.random.default_rng(0)
        arrays = [rng.standard_normal(shape) for shape in ((300, 301), (), (7,), (0, 3))]
        params = [airi.tensor(each.astype(np.float32)) for each in arrays]
        params.append(airi.tensor(arrays[0]))
        params.append(airi.from_numpy(arrays[0].astype(np.float32)).t())
        params.append(airi.tensor([np.inf, 1.0, np.nan]))
        stepping = optimizer(
            [p.requires_grad_() for p in params], lr=0.1, maximize=maximize, **options
        )
        for _ in range(3):
            for p in params:
                p.grad = airi.from_numpy(
                    rng.standard_normal(p.shape).astype(p.detach().numpy().dtype)
                )
            stepping.step()
            params[1].grad = None
            stepping.step()
        airi.set_num_threads(before)
        return [p.detach().numpy() for p in params]

    one, two = trained(1), trained(2)
    monkeypatch.setattr(passes, "_compiled", None)
    for a, b, expected in zip(one, two, trained(1), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, expected, rtol=2e-5, atol=1e-6)
