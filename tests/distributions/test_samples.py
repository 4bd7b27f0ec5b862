"""Samples: their moments and gradients, and seeds."""

import numpy as np
import pytest

import airi
from airi import distributions
from airi.distributions import (
    Beta,
    Categorical,
    Dirichlet,
    Gamma,
    MixtureSameFamily,
    Multinomial,
    MultivariateNormal,
    Normal,
    OneHotCategoricalStraightThrough,
    RelaxedOneHotCategorical,
    VonMises,
)
from tests.distributions.cases import CASES, COVARIANCE

COUNT = 20_000
cases = pytest.mark.parametrize("case", CASES, ids=str)


@cases
def test_moments(case):
    airi.manual_seed(1)
    d, _ = case.make(airi)
    try:
        mean, std = d.mean.detach().numpy(), d.stddev.detach().numpy()
    except NotImplementedError:
        return
    samples = d.sample((COUNT,)).numpy()
    assert d.support.check(airi.tensor(samples)).all()
    if not np.isfinite(mean).all() or case.name == "VonMises":  # whose mean is one of directions
        return
    error = np.where(np.isfinite(std), std, 0) / COUNT**0.5
    known = np.isfinite(std) & (case.name != "FisherSnedecor")
    assert (np.abs(samples.mean(0) - mean)[known] <= 4.5 * error[known] + 1e-12).all()
    if case.name not in ("StudentT", "FisherSnedecor", "InverseGamma", "Pareto"):
        np.testing.assert_allclose(samples.std(0), std, rtol=0.08)


@cases
def test_samples_follow_the_cdf(case):
    airi.manual_seed(2)
    d, _ = case.make(airi)
    samples = d.sample((COUNT,))
    try:
        shares = d.cdf(samples).detach().numpy()
    except NotImplementedError:
        return
    # The distance of Kolmogorov and Smirnov from the uniform distribution.
    ordered = np.sort(shares, axis=0)
    steps = np.arange(1, COUNT + 1) / COUNT
    distance = np.abs(ordered - steps[:, None]).max(0)
    assert (distance < 1.95 / COUNT**0.5).all()


@cases
def test_seeds(case):
    d, _ = case.make(airi)
    samples = []
    for seed in (0, 0, 1):
        airi.manual_seed(seed)
        samples.append(d.sample((50,)).numpy())
    assert (samples[0] == samples[1]).all()
    assert (samples[0] != samples[2]).any()


@cases
def test_gradients_through_samples(case):
    d, parameters = case.make(airi)
    if not d.has_rsample:
        assert not d.sample().requires_grad
        with pytest.raises(NotImplementedError, match="has no rsample"):
            d.rsample()
        return
    samples = d.rsample((3,))
    assert samples.requires_grad
    (
        samples * airi.tensor(np.linspace(1, 2, samples.numel())).reshape(samples.shape)
    ).sum().backward()
    given = [p for p in parameters if p.grad is not None]
    assert given
    assert all(np.isfinite(p.grad.numpy()).all() for p in given)


@pytest.mark.parametrize("name", ["Normal", "Uniform", "Bernoulli", "Categorical", "Exponential"])
def test_the_samples_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch")
    for case in CASES:
        if case.name != name:
            continue
        samples = []
        for package in (airi, torch):
            d, _ = case.make(package)
            package.manual_seed(3)
            samples.append(d.sample((4,)).numpy())
        np.testing.assert_allclose(*samples, rtol=1e-6)


# -- gradients ------------------------------------------------------------------------------------


def test_gradients_of_expectations():
    airi.manual_seed(0)

    def tensor(value):
        return airi.tensor(value, dtype=airi.float64, requires_grad=True)

    a, b = tensor(2.0), tensor(3.0)
    Beta(a, b).rsample((COUNT,)).mean().backward()
    np.testing.assert_allclose([a.grad.item(), b.grad.item()], [3 / 25, -2 / 25], rtol=0.1)

    c = tensor([1.0, 2.0, 3.0])
    Dirichlet(c).rsample((COUNT,)).mean(0)[0].backward()
    np.testing.assert_allclose(c.grad.numpy(), [5 / 36, -1 / 36, -1 / 36], rtol=0.1)

    a, rate = tensor(2.0), tensor(4.0)
    Gamma(a, rate).rsample((COUNT,)).mean().backward()
    np.testing.assert_allclose([a.grad.item(), rate.grad.item()], [1 / 4, -2 / 16], rtol=0.05)


def test_small_concentrations_give_no_zero_and_no_nan():
    airi.manual_seed(0)
    a = airi.full((2000,), 1e-3, requires_grad=True)
    x = Gamma(a, 1.0).rsample()
    assert (x > 0).all()
    x.log().sum().backward()
    assert airi.isfinite(a.grad).all()
    shares = Beta(a, a).sample()
    assert airi.isfinite(shares).all()


# -- vectors and choices --------------------------------------------------------------------------


def test_covariance():
    airi.manual_seed(0)
    d = MultivariateNormal(airi.zeros(3, dtype=airi.float64), airi.tensor(COVARIANCE))
    found = np.cov(d.sample((COUNT,)).numpy().T)
    np.testing.assert_allclose(found, COVARIANCE, atol=0.08)


def test_frequencies():
    airi.manual_seed(0)
    probs = np.array([[0.2, 0.5, 0.3], [0.0, 0.9, 0.1]])
    drawn = Categorical(airi.tensor(probs)).sample((COUNT,)).numpy()
    assert drawn.dtype == np.int64
    for row in range(2):
        shares = np.bincount(drawn[:, row], minlength=3) / COUNT
        np.testing.assert_allclose(shares, probs[row], atol=0.015)

    counts = Multinomial(7, airi.tensor(probs)).sample((100,)).numpy()
    assert (counts.sum(-1) == 7).all()
    assert (counts[:, 1, 0] == 0).all()

    relaxed = RelaxedOneHotCategorical(airi.tensor(0.1), airi.tensor(probs[:1])).sample((COUNT,))
    np.testing.assert_allclose((relaxed.numpy() > 0.5).mean(0)[0], probs[0], atol=0.02)


def test_a_mixture_takes_components_by_their_weights():
    airi.manual_seed(0)
    weights = Categorical(airi.tensor([0.25, 0.75]))
    mixture = MixtureSameFamily(weights, Normal(airi.tensor([-10.0, 10.0]), 1.0))
    samples = mixture.sample((COUNT,)).numpy()
    assert (samples > 0).mean() == pytest.approx(0.75, abs=0.02)
    assert samples.mean() == pytest.approx(mixture.mean.item(), abs=0.3)


def test_directions():
    airi.manual_seed(0)
    loc, k = np.array([0.3, -3.0]), np.array([1.2, 30.0])
    d = VonMises(airi.tensor(loc), airi.tensor(k))
    directions = np.exp(1j * d.sample((COUNT,)).numpy()).mean(0)
    np.testing.assert_allclose(np.angle(directions), loc, atol=0.03)
    np.testing.assert_allclose(1 - np.abs(directions), d.variance.numpy(), atol=0.02)


def test_straight_through():
    probs = airi.tensor([0.2, 0.8], requires_grad=True)
    sample = OneHotCategoricalStraightThrough(probs).rsample()
    assert sorted(sample.tolist()) == pytest.approx([0.0, 1.0])
    (sample * airi.tensor([1.0, 3.0])).sum().backward()
    assert probs.grad.tolist() == pytest.approx([-1.6, 0.4])


def test_names_are_sorted():
    names = distributions.__all__
    own = names[: names.index("transforms") + 1]
    assert own == sorted(own)
    assert all(hasattr(distributions, name) for name in names)
