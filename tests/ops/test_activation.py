"""What the op table cannot say of activations: in-place forms, random slopes, memory, errors."""

import numpy as np
import pytest

import airi
from airi.ops import activation, elementwise_inplace

NAMES = {
    "relu": {},
    "relu6": {},
    "leaky_relu": {"negative_slope": 0.2},
    "elu": {"alpha": 0.7},
    "selu": {},
    "celu": {"alpha": 0.7},
    "silu": {},
    "mish": {},
    "hardtanh": {"min_val": -0.5, "max_val": 0.5},
    "hardsigmoid": {},
    "hardswish": {},
    "threshold": {"threshold": 0.3, "value": -1.0},
    "rrelu": {},
}


def numbers(requires_grad=True):
    values = np.random.default_rng(3).uniform(-4, 4, (5, 6))
    return airi.tensor(values, requires_grad=requires_grad)


@pytest.mark.parametrize("settings", [*NAMES.items(), ("leaky_relu", {"negative_slope": -0.2})])
def test_in_place_form_agrees(settings):
    name, arguments = settings
    x, y = numbers(), numbers()
    wanted = getattr(activation, name)(x, **arguments)
    target = y * 1
    got = getattr(elementwise_inplace, f"{name}_")(target, **arguments)
    assert got is target
    np.testing.assert_array_equal(got.detach().numpy(), wanted.detach().numpy())
    (wanted * wanted).sum().backward()
    (got * got).sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), x.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "sigmoid", "tanh", "hardtanh"])
def test_backward_needs_only_the_output(name):
    x = numbers() * 1
    out = getattr(airi, name, None) or getattr(activation, name)
    y = out(x)
    with airi.no_grad():
        x.zero_()
    y.sum().backward()  # the input may be overwritten


def test_zero_gradient_beats_infinity():
    x = airi.tensor([0.0, 4.0], requires_grad=True)
    airi.sqrt(airi.relu(x)).sum().backward()  # inf arrives at 0, where relu lets nothing pass
    assert x.grad.tolist() == [0.0, 0.25]


def test_rrelu_draws_a_slope_for_each_element():
    x = airi.full((1000,), -1.0, requires_grad=True)
    airi.manual_seed(0)
    out = airi.rrelu(x, 0.1, 0.3, training=True)
    slopes = -out.detach().numpy()
    assert slopes.dtype == np.float32
    assert 0.1 <= slopes.min() < 0.12
    assert 0.28 < slopes.max() <= 0.3
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), slopes)
    airi.manual_seed(0)
    np.testing.assert_array_equal(-airi.rrelu(x, 0.1, 0.3, training=True).detach().numpy(), slopes)
    assert airi.rrelu(airi.tensor([2.0]), training=True).tolist() == [2.0]


def test_softplus_beyond_its_threshold_is_the_input():
    x = airi.tensor([1000.0, -1000.0])
    assert activation.softplus(x).tolist() == [1000.0, 0.0]


def test_prelu_weight_of_a_wrong_size():
    with pytest.raises(RuntimeError, match="3 channels"):
        airi.prelu(airi.zeros(2, 3), airi.zeros(2))
    with pytest.raises(RuntimeError, match="weight"):
        airi.prelu(airi.zeros(3), airi.zeros(3))


def test_bad_arguments():
    x = airi.zeros(3)
    with pytest.raises(RuntimeError, match="bool"):
        airi.relu(airi.tensor([True]))
    with pytest.raises(RuntimeError, match="floating-point"):
        airi.nn.functional.gelu(airi.tensor([1]))
    with pytest.raises(RuntimeError, match="approximate"):
        airi.nn.functional.gelu(x, approximate="erf")
    with pytest.raises(RuntimeError, match="alpha"):
        airi.celu(x, 0.0)
    with pytest.raises(RuntimeError, match="lambd"):
        activation.softshrink(x, -1)
    with pytest.raises(ValueError, match="min_val"):
        activation.hardtanh(x, 1, -1)
    with pytest.raises(RuntimeError, match="halved"):
        activation.glu(x)
    with pytest.raises(RuntimeError, match="lower"):
        airi.rrelu(x, 0.5, 0.1)
    with pytest.raises(IndexError, match="glu"):
        activation.glu(x, 3)


def test_relu_of_integers():
    assert airi.relu(airi.tensor([1, -2])).tolist() == [1, 0]
    assert airi.relu(airi.tensor([1, -2])).dtype == airi.int64


def test_limits_of_integers_are_cut_off():
    x = airi.tensor([-3, 0, 2, 9])
    assert activation.hardtanh(x, -1.5, 1.5).tolist() == [-1, 0, 1, 1]
    assert activation.relu6(x).tolist() == [0, 0, 2, 6]
    assert activation.relu6(x.to(airi.uint8)).dtype == airi.uint8
    with pytest.raises(RuntimeError, match=r"hardtanh.*negative"):
        activation.hardtanh(x.to(airi.uint8))
    with pytest.raises(RuntimeError, match=r"hardtanh.*bool"):
        activation.hardtanh(x > 0)
