"""The compiled kernel of Linear for small and narrow products, beside the rule in double."""

import numpy as np
import pytest

import airi
from airi.ops.matmul import Linear

linear_ext = pytest.importorskip("airi.ops.linear_ext")

ROWS = (1, 3, 17, 100)
INPUTS = (1, 2, 31, 65, 600)
OUTPUTS = (1, 2, 5, 10, 17, 33)
ALL = (True, True, True)


@pytest.fixture(params=[0, 1, 2], ids=["portable", "avx2", "avx512"])
def instructions(request):
    linear_ext.limit_instructions(request.param)
    yield
    linear_ext.limit_instructions(2)


def numbers(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def assert_near(result, x, y, added=0.0):
    """result is x @ y + added, but for roundings of the sum of the products' sizes."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    assert result.dtype == np.float32
    size = np.abs(x) @ np.abs(y) + np.abs(added)
    assert result.shape == size.shape
    assert np.all(np.abs(result - (x @ y + added)) <= 1e-6 * size)


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("inputs", INPUTS)
def test_forward_and_backward_are_those_of_the_rule(inputs, outputs, instructions):
    taken = 0
    for rows in ROWS:
        x, weight, bias = numbers(rows, inputs), numbers(outputs, inputs), numbers(outputs)
        g = numbers(rows, outputs)
        out = Linear.small.forward(x, weight, bias)
        if out is None:
            continue
        taken += 1
        assert_near(out, x, weight.T, bias)
        assert_near(Linear.small.forward(x, weight, None), x, weight.T)
        dx, dweight, dbias = Linear.small.backward(g, (x, weight, x.shape, ALL), False)
        assert_near(dx, g, weight)
        assert_near(dweight, g.T, x)
        assert_near(dbias[None], np.ones((1, rows)), g)
    assert taken


def test_a_nan_stays_in_its_row(instructions):
    x, weight = numbers(12, 20), numbers(7, 20)
    x[5, 19] = np.nan
    out = Linear.small.forward(x, weight, None)
    assert np.isnan(out[5]).all()
    assert np.isfinite(np.delete(out, 5, 0)).all()


def test_only_gradients_that_are_wanted_are_computed():
    weight, g = numbers(2, 3), numbers(4, 2)
    saved = (None, weight, (4, 3), (True, False, False))
    dx, *others = Linear.small.backward(g, saved, False)
    assert_near(dx, g, weight)
    assert others == [None, None]


def test_what_the_kernel_does_not_know_is_left_to_the_rule():
    x, weight, bias = numbers(4, 3), numbers(2, 3), numbers(2)
    assert Linear.small.forward(x, weight, bias) is not None
    for wrong in (
        (x.astype(np.float64), weight.astype(np.float64), bias.astype(np.float64)),
        (x[::2], weight, bias),
        (numbers(2, 4, 3), weight, bias),
        (numbers(4, 4), weight, bias),
        (x, weight, numbers(1)),
        (numbers(0, 3), weight, bias),
        (numbers(300, 300), numbers(300, 300), numbers(300)),
    ):
        assert Linear.small.forward(*wrong) is None


def test_the_number_of_threads_changes_no_number():
    x, weight, g = numbers(128, 3072), numbers(10, 3072), numbers(128, 10)
    threads = airi.get_num_threads()
    results = []
    try:
        for count in (1, 2):
            airi.set_num_threads(count)
            out = Linear.small.forward(x, weight, None)
            results.append([out, *Linear.small.backward(g, (x, weight, x.shape, ALL), False)])
    finally:
        airi.set_num_threads(threads)
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_errors_are_those_of_the_function():
    for dtype in (airi.float32, airi.float64):
        x, weight = airi.ones(4, 3, dtype=dtype), airi.ones(2, 5, dtype=dtype)
        with pytest.raises(RuntimeError, match=r"linear: expected shapes .* input \(4, 3\)"):
            airi.nn.functional.linear(x, weight)
    with pytest.raises(RuntimeError, match="one number dtype"):
        airi.nn.functional.linear(airi.ones(4, 3), airi.ones(2, 3, dtype=airi.float64))
    with pytest.raises(TypeError, match="expected Tensors"):
        airi.nn.functional.linear([1.0], airi.ones(2, 1))
