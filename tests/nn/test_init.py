"""nn.init: the distributions, and the deterministic ones against PyTorch's."""

import math

import numpy as np
import pytest

import airi
from airi import nn
from airi.nn import init

from .parity import assert_same


def seeded(seed=0):
    return airi.Generator().manual_seed(seed)


def draws(function, *args, shape=(400, 300), **kwargs):
    """The values that an initialiser gives a parameter."""
    parameter = nn.Parameter(airi.empty(shape))
    version = parameter._version
    assert function(parameter, *args, generator=seeded(), **kwargs) is parameter
    assert parameter._version > version
    assert parameter.is_leaf
    assert parameter.requires_grad
    assert parameter.dtype is airi.float32
    values = parameter.detach().numpy()
    again = function(airi.empty(shape), *args, generator=seeded(), **kwargs)
    np.testing.assert_array_equal(again.numpy(), values)
    return values


def assert_uniform(values, low, high):
    width = high - low
    assert low <= values.min() < low + 0.01 * width
    assert high - 0.01 * width < values.max() <= high
    assert values.mean() == pytest.approx((low + high) / 2, abs=0.01 * width)
    assert values.std() == pytest.approx(width / math.sqrt(12), rel=0.01)


def assert_normal(values, mean, std):
    standard = (values - mean) / std
    assert standard.mean() == pytest.approx(0, abs=0.02)
    assert standard.std() == pytest.approx(1, rel=0.01)
    assert (np.abs(standard) < 1).mean() == pytest.approx(0.6827, abs=0.01)
    assert (np.abs(standard) < 2).mean() == pytest.approx(0.9545, abs=0.01)


def test_uniform_and_normal():
    assert_uniform(draws(init.uniform_, -1.0, 3.0), -1, 3)
    assert_normal(draws(init.normal_, 2.0, 0.5), 2, 0.5)


@pytest.mark.parametrize("shape", [(400, 300), (40, 30, 5, 3)])
def test_xavier_and_kaiming(shape):
    field = math.prod(shape[2:])
    fan_in, fan_out = shape[1] * field, shape[0] * field
    std = 1.5 * math.sqrt(2 / (fan_in + fan_out))
    bound = math.sqrt(3) * std
    assert_uniform(draws(init.xavier_uniform_, 1.5, shape=shape), -bound, bound)
    assert_normal(draws(init.xavier_normal_, 1.5, shape=shape), 0, std)
    std = math.sqrt(2 / (1 + 0.3**2) / fan_in)
    bound = math.sqrt(3) * std
    assert_uniform(draws(init.kaiming_uniform_, 0.3, shape=shape), -bound, bound)
    assert_normal(draws(init.kaiming_normal_, 0.3, shape=shape), 0, std)
    std = math.sqrt(2 / fan_out)
    values = draws(init.kaiming_normal_, mode="fan_out", nonlinearity="relu", shape=shape)
    assert_normal(values, 0, std)


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        (0.0, 1.0, -2.0, 2.0),
        (1.0, 2.0, -1.0, 1.5),
        (0.0, 1.0, -0.1, 0.05),
        (0.0, 1.0, 3.0, 4.0),
        (0.0, 1.0, 3.0, 1e9),
        (0.0, 0.5, -9.0, -1.5),
        (0.0, 0.02, -2.0, 2.0),
    ],
)
def test_trunc_normal(mean, std, a, b):
    values = draws(init.trunc_normal_, mean, std, a, b)
    assert a <= values.min()
    assert values.max() <= b
    low, high = (a - mean) / std, (b - mean) / std
    grid = np.linspace(max(low, -12), min(high, 12), 200_001)
    density = np.exp(-(grid**2) / 2)
    density /= density.sum()
    expected_mean = (grid * density).sum()
    expected_std = math.sqrt(((grid - expected_mean) ** 2 * density).sum())
    standard = (values - mean) / std
    assert standard.mean() == pytest.approx(expected_mean, abs=0.01 * expected_std)
    assert standard.std() == pytest.approx(expected_std, rel=0.01)


@pytest.mark.parametrize("shape", [(20, 30), (30, 20), (8, 3, 2, 2), (5, 5)])
def test_orthogonal(shape):
    parameter = init.orthogonal_(airi.empty(shape, dtype=airi.float64), gain=2.0)
    matrix = parameter.numpy().reshape(shape[0], -1) / 2
    if matrix.shape[0] > matrix.shape[1]:
        matrix = matrix.T
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(len(matrix)), atol=1e-12)


def test_orthogonal_has_no_preferred_sign():
    diagonals = [
        init.orthogonal_(airi.empty(4, 4), generator=seeded(i)).numpy()[0, 0] for i in range(60)
    ]
    assert 15 < np.count_nonzero(np.array(diagonals) > 0) < 45


def test_sparse():
    values = draws(init.sparse_, 0.1, 0.5, shape=(305, 200))
    assert (np.count_nonzero(values == 0, axis=0) == 31).all()
    assert_normal(values[values != 0], 0, 0.5)
    assert np.ptp(np.count_nonzero(values == 0, axis=1)) > 5


@pytest.mark.parametrize(
    "fill",
    [
        lambda i, t: i.constant_(t.empty(2, 3), 1.5),
        lambda i, t: i.ones_(t.empty(2, 3)),
        lambda i, t: i.zeros_(t.empty(2, 3)),
        lambda i, t: i.eye_(t.empty(2, 3)),
        lambda i, t: i.eye_(t.empty(3, 2)),
        lambda i, t: i.dirac_(t.empty(4, 3, 3)),
        lambda i, t: i.dirac_(t.empty(2, 3, 4, 3)),
        lambda i, t: i.dirac_(t.empty(6, 2, 3, 3), groups=3),
        lambda i, t: i.dirac_(t.empty(2, 2, 2, 2, 3)),
        lambda i, t: [i.calculate_gain(n) for n in ("linear", "conv2d", "sigmoid", "tanh", "relu")],
        lambda i, t: [i.calculate_gain("leaky_relu", s) for s in (None, 0.2, 3)],
        lambda i, t: [i.calculate_gain(n) for n in ("selu", "conv_transpose3d")],
        lambda i, t: i._calculate_fan_in_and_fan_out(t.empty(2, 3, 4, 5)),
        lambda i, t: list(i.kaiming_uniform_(t.empty(3, 0), mode="fan_out").shape),
    ],
)
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_same_as_pytorch(fill):
    assert_same(lambda t: fill(t.nn.init, t))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda i, t: i.eye_(t.empty(2)),
        lambda i, t: i.dirac_(t.empty(2, 2)),
        lambda i, t: i.dirac_(t.empty(3, 2, 2), groups=2),
        lambda i, t: i.xavier_uniform_(t.empty(3)),
        lambda i, t: i.kaiming_normal_(t.empty(3)),
        lambda i, t: i.kaiming_normal_(t.empty(3, 3), mode="fan"),
        lambda i, t: i.kaiming_normal_(t.empty(3, 3), nonlinearity="softmax"),
        lambda i, t: i.calculate_gain("leaky_relu", True),
        lambda i, t: i.orthogonal_(t.empty(3)),
        lambda i, t: i.sparse_(t.empty(3), 0.1),
    ],
)
def test_refused_as_by_pytorch(wrong):
    def program(t):
        with pytest.raises(ValueError):
            wrong(t.nn.init, t)

    assert_same(program)


def test_trunc_normal_refuses_an_empty_interval():
    for arguments in [{"a": 2.0, "b": 1.0}, {"std": 0.0}]:
        with pytest.raises(ValueError, match="needs std > 0 and a < b"):
            init.trunc_normal_(airi.empty(3), **arguments)


def test_old_names():
    for name in init.__all__:
        if not name.endswith("_") and name != "calculate_gain":
            assert getattr(init, name).__wrapped__ is getattr(init, name + "_")
    weight = airi.empty(2, 2)
    with pytest.warns(FutureWarning, match="call nn.init.constant_"):
        assert init.constant(weight, 3.0) is weight
    assert weight.tolist() == [[3, 3], [3, 3]]


def test_names_are_sorted():
    assert init.__all__ == sorted(init.__all__)
    assert nn.__all__ == sorted(nn.__all__)
