"""Every distribution beside PyTorch in float64: what it is, log_prob, cdf, entropy, gradients."""

import inspect

import numpy as np
import pytest

import airi
from airi import distributions
from tests.distributions.cases import CASES

torch = pytest.importorskip("torch")

cases = pytest.mark.parametrize("case", CASES, ids=str)
MOMENTS = ("mean", "variance", "stddev", "mode")


@pytest.fixture(autouse=True)
def float64_by_default():
    """Some of PyTorch's distributions mix dtypes otherwise."""
    for package in (airi, torch):
        package.set_default_dtype(package.float64)
    yield
    for package in (airi, torch):
        package.set_default_dtype(package.float32)


def both(case, **kwargs):
    return zip((airi, torch), (case.make(airi, **kwargs), case.make(torch, **kwargs)), strict=True)


def compare(case, compute, gradients=True):
    """The result and its gradients, or the NotImplementedError, of both."""
    results = []
    for package, (distribution, parameters) in both(case):
        try:
            result = compute(package, distribution)
        except NotImplementedError:
            results.append(NotImplementedError)
            continue
        grads = []
        if gradients and result.requires_grad:
            weights = package.tensor(np.linspace(1.0, 2.0, result.numel()).reshape(result.shape))
            (result * weights).sum().backward()
            grads = [p.grad for p in parameters]
        results.append((result.detach(), grads))
    mine, other = results
    if other is NotImplementedError:
        return  # what PyTorch lacks
    # PyTorch's are approximations: of Bessel functions, and of a lgamma in float32.
    rtol = {"VonMises": 2e-6, "Multinomial": 1e-7}.get(case.name, 1e-10)
    np.testing.assert_allclose(mine[0].numpy(), other[0].numpy(), rtol=rtol, atol=1e-12)
    assert mine[0].numpy().dtype == other[0].numpy().dtype
    for p, q in zip(mine[1], other[1], strict=True):
        assert (p is None) == (q is None)
        if q is not None:
            # And of the slope of digamma.
            rtol = 1e-4 if case.name == "VonMises" else 2e-8
            mine, other = p.numpy(), q.numpy()
            if (
                case.name == "Wishart" and q.ndim > 1
            ):  # what is above the diagonal of scale_tril does not count
                mine, other = np.tril(mine), np.tril(other)
            np.testing.assert_allclose(mine, other, rtol=rtol, atol=1e-11)


@pytest.mark.parametrize(
    "name", sorted(set(distributions.__all__) & set(torch.distributions.__all__))
)
def test_arguments_are_those_of_pytorch(name):
    mine, other = getattr(distributions, name), getattr(torch.distributions, name)
    if not (isinstance(other, type) and issubclass(other, torch.distributions.Distribution)):
        return
    ours, theirs = (inspect.signature(each).parameters.values() for each in (mine, other))
    for p, q in zip(ours, theirs, strict=True):
        assert p.name == q.name
        assert p.default == q.default or p.default == tuple(q.default)
    if not isinstance(other.has_rsample, property) and isinstance(mine.has_rsample, bool):
        assert mine.has_rsample == other.has_rsample
    assert mine.has_enumerate_support == other.has_enumerate_support or isinstance(
        other.has_enumerate_support, property
    )


def test_every_distribution_is_compared():
    built = {"Independent", "TransformedDistribution", "MixtureSameFamily"}
    base = {"Distribution", "ExponentialFamily"}
    names = {
        name
        for name in distributions.__all__
        if isinstance(getattr(distributions, name), type)
        and issubclass(getattr(distributions, name), distributions.Distribution)
    }
    assert names - built - base == {case.name for case in CASES}


@cases
@pytest.mark.filterwarnings("ignore:Singular sample")  # PyTorch says so of every sample
def test_shapes(case):
    (_, (mine, _)), (_, (other, _)) = both(case)
    for name in ("batch_shape", "event_shape"):
        assert tuple(getattr(mine, name)) == tuple(getattr(other, name))
    for shape in ((), (5,), (2, 3)):
        assert tuple(mine.sample(shape).shape) == tuple(other.sample(shape).shape)
    wide = (4, *mine.batch_shape)
    mine, other = mine.expand(wide), other.expand(wide)
    assert type(mine).__name__ == type(other).__name__
    assert tuple(mine.batch_shape) == wide
    assert tuple(mine.sample((2,)).shape) == tuple(other.sample((2,)).shape)
    assert mine.has_rsample == other.has_rsample
    assert mine.support.event_dim == other.support.event_dim
    assert mine.support.is_discrete == other.support.is_discrete


@cases
@pytest.mark.parametrize("name", MOMENTS)
def test_moments(case, name):
    if (case.name, name) == ("Kumaraswamy", "mode"):
        return  # NaN in PyTorch; see test_distributions.py
    compare(case, lambda package, d: getattr(d, name))


@cases
def test_log_prob(case):
    compare(case, lambda package, d: d.log_prob(package.tensor(case.values)))


@cases
def test_log_prob_of_an_expanded_distribution(case):
    def compute(package, d):
        wide = d.expand((3, *d.batch_shape))
        return wide.log_prob(package.tensor(case.values[:1]))

    compare(case, compute)


@cases
def test_gradient_to_the_outcome(case):
    grads = []
    for package, (d, _) in both(case, validate_args=False):
        value = package.tensor(case.values, requires_grad=True)
        log_prob = d.log_prob(value)
        if d.support.is_discrete or case.name == "Uniform":
            return
        log_prob.sum().backward()
        grads.append(value.grad.numpy())
    np.testing.assert_allclose(*grads, rtol=1e-9, atol=1e-11)


@cases
def test_entropy(case):
    compare(case, lambda package, d: d.entropy())


@cases
def test_cdf(case):
    gradients = case.name not in ("Gamma", "Chi2", "InverseGamma")
    compare(case, lambda package, d: d.cdf(package.tensor(case.values)), gradients)


@cases
def test_icdf(case):
    probabilities = np.array([[0.2], [0.9], [0.5]])
    compare(case, lambda package, d: d.icdf(package.tensor(probabilities)))


@cases
@pytest.mark.parametrize("expand", [True, False])
def test_enumerate_support(case, expand):
    compare(case, lambda package, d: d.enumerate_support(expand))


def test_mixtures():
    for event in (0, 1):
        results = []
        for package in (airi, torch):
            d = package.distributions
            rng = np.random.default_rng(0)
            loc = package.tensor(rng.normal(size=(2, 3, 4)), requires_grad=True)
            weights = package.tensor(rng.uniform(size=(2, 3)), requires_grad=True)
            if event == 0:
                loc = loc[..., 0]
            parts = d.Independent(d.Normal(loc, 0.7), event)
            mixture = d.MixtureSameFamily(d.Categorical(weights), parts)
            value = package.tensor(rng.normal(size=(5, 2, 4) if event else (5, 2)))
            log_prob = mixture.log_prob(value)
            log_prob.sum().backward()
            got = [log_prob, mixture.mean, mixture.variance, weights.grad]
            if event == 0:
                got.append(
                    d.MixtureSameFamily(d.Categorical(weights), d.Normal(loc, 0.7)).cdf(value)
                )
            got += [mixture.expand((3, 2)).log_prob(value[:1])]
            results.append([each.detach().numpy() for each in got])
            assert mixture.sample((6,)).shape == (6, 2, 4)[: 2 + event]
            assert mixture.batch_shape == (2,)
        for mine, other in zip(*results, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-10)
