"""Gamma-distributed numbers and their slope in the parameter, beside PyTorch's cdf."""

import numpy as np
import pytest

import airi
from airi.ops.gamma_sample import StandardGammaSlope, standard_gamma

COUNT = 20_000


def slope_by_differences(a, x):
    """dx/da at a fixed place in the distribution, from PyTorch's cdf in float64."""
    torch = pytest.importorskip("torch")
    h = 1e-5 * a

    def cdf(a, x, lower):
        function = torch.special.gammainc if lower else torch.special.gammaincc
        return function(torch.tensor(a), torch.tensor(x)).numpy()

    density = np.exp((a - 1) * np.log(x) - x - torch.lgamma(torch.tensor(a)).numpy())
    lower = cdf(a, x, True) < 0.5
    below = -(cdf(a + h, x, True) - cdf(a - h, x, True)) / (2 * h) / density
    above = (cdf(a + h, x, False) - cdf(a - h, x, False)) / (2 * h) / density
    return np.where(lower, below, above)


@pytest.mark.parametrize("a", [0.05, 0.3, 1.0, 2.5, 7.9, 8.1, 30.0, 500.0])
def test_slope_of_a_gamma_sample(a):
    rng = np.random.default_rng(0)
    x = np.maximum(rng.standard_gamma(a, 300), 1e-8)
    parameters = np.full_like(x, a)
    slope = StandardGammaSlope.forward(parameters, x)
    np.testing.assert_allclose(slope, slope_by_differences(parameters, x), rtol=2e-4, atol=1e-8)


def test_slopes_grow_and_meet():
    """For a = 1 the slope grows with the sample, from 0 on, in both ways of computing it."""
    x = np.array([1e-300, 1e-12, 0.1, 3.9, 4.1, 50.0, 700.0])
    ones = np.ones_like(x)
    slope = StandardGammaSlope.forward(ones, x)
    assert (slope[1:] > 0).all()
    assert (np.diff(slope[1:]) > 0).all()
    # Both ways of computing it meet.
    near = StandardGammaSlope.forward(np.ones(2), np.array([4.0, 4.0 + 1e-9]))
    np.testing.assert_allclose(*near, rtol=1e-8)


def test_gamma_samples_have_expected_gradients():
    """d E[x] / da = 1 and d E[x**2] / da = 2 a + 1."""
    airi.manual_seed(0)
    for value in (0.2, 1.5, 20.0):
        a = airi.full((COUNT,), value, dtype=airi.float64, requires_grad=True)
        x = standard_gamma(a)
        x.sum().backward(retain_graph=True)
        assert a.grad.mean().item() == pytest.approx(1.0, rel=0.05)
        a.grad = None
        (x * x).sum().backward()
        assert a.grad.mean().item() == pytest.approx(2 * value + 1, rel=0.1)
