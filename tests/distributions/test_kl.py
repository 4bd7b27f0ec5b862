"""Divergences of all pairs that PyTorch knows, beside PyTorch and beside their definition."""

import numpy as np
import pytest

import airi
from airi.distributions import (
    Bernoulli,
    Categorical,
    ContinuousBernoulli,
    Distribution,
    ExponentialFamily,
    Independent,
    LogNormal,
    MultivariateNormal,
    Normal,
    Poisson,
    Uniform,
    kl,
    kl_divergence,
    register_kl,
)
from tests.distributions.cases import COVARIANCE, LOWER, case

ALMOST = {"rtol": 1e-9, "atol": 1e-11}

# Two of each, with other parameters.
PARAMETERS = {
    "Bernoulli": [{"probs": [0.3, 0.9]}, {"logits": [0.5, -1.0]}],
    "Beta": [
        {"concentration1": [0.7, 3.0], "concentration0": [0.5, 2.0]},
        {"concentration1": [1.7, 2.0], "concentration0": [2.5, 0.5]},
    ],
    "Binomial": [
        {"total_count": [5.0, 4.0], "probs": [0.3, 0.9]},
        {"total_count": [5.0, 3.0], "probs": [0.5, 0.6]},
    ],
    "Categorical": [
        {"probs": [[0.2, 0.8, 0.0], [0.3, 0.3, 0.4]]},
        {"probs": [[0.5, 0.4, 0.1], [0.5, 0.0, 0.5]]},
    ],
    "Cauchy": [{"loc": [0.3, -1.0], "scale": [1.2, 0.4]}, {"loc": [0.1, 0.0], "scale": [1, 2]}],
    "ContinuousBernoulli": [{"probs": [0.3, 0.9]}, {"logits": [0.5, -1.0]}],
    "Dirichlet": [
        {"concentration": [[0.7, 3.0, 1.0], [0.2, 0.5, 0.9]]},
        {"concentration": [[1.7, 2.0, 0.5], [1.0, 0.8, 0.3]]},
    ],
    "Exponential": [{"rate": [0.7, 2.0]}, {"rate": [1.5, 0.4]}],
    "Gamma": [
        {"concentration": [0.7, 3.0], "rate": [0.5, 2.0]},
        {"concentration": [1.7, 2.0], "rate": [2.5, 0.5]},
    ],
    "Geometric": [{"probs": [0.3, 0.9]}, {"logits": [0.5, -1.0]}],
    "Gumbel": [{"loc": [0.3, -1.0], "scale": [1.2, 0.4]}, {"loc": [0.1, 0.0], "scale": [1, 2]}],
    "HalfNormal": [{"scale": [1.2, 0.4]}, {"scale": [0.5, 2.0]}],
    "Laplace": [{"loc": [0.3, -1.0], "scale": [1.2, 0.4]}, {"loc": [0.1, 0.0], "scale": [1, 2]}],
    "LogNormal": [{"loc": [0.3, -1.0], "scale": [1.2, 0.4]}, {"loc": [0.1, 0.0], "scale": [1, 2]}],
    "LowRankMultivariateNormal": [
        {"loc": [0.1, 0.2, 0.3], "cov_factor": [[1.0], [0.5], [0.0]], "cov_diag": [1.0, 2.0, 0.5]},
        {"loc": [0.0, 0.0, 1.0], "cov_factor": [[0.2], [0.5], [1.0]], "cov_diag": [0.3, 1.0, 0.7]},
    ],
    "MultivariateNormal": [
        {"loc": [[0.1, 0.2, 0.3], [1.0, 2.0, 3.0]], "covariance_matrix": COVARIANCE},
        {"loc": [0.0, 0.0, 1.0], "scale_tril": np.add(LOWER, np.diag([0.1, 0.5, 0.3]))},
    ],
    "Normal": [{"loc": [0.3, -1.0], "scale": [1.2, 0.4]}, {"loc": [0.1, 0.0], "scale": [1, 2]}],
    "OneHotCategorical": [
        {"probs": [[0.2, 0.8, 0.0], [0.3, 0.3, 0.4]]},
        {"logits": [[0.5, 0.4, 0.1], [0.5, 0.0, 0.5]]},
    ],
    "Pareto": [{"scale": [0.7, 0.9], "alpha": [2.5, 0.8]}, {"scale": [0.3, 0.9], "alpha": [1, 3]}],
    "Poisson": [{"rate": [0.7, 4.0]}, {"rate": [2.0, 0.5]}],
    "Uniform": [{"low": [0.1, -2.0], "high": [0.7, 3.0]}, {"low": [0.0, -1.0], "high": [1.0, 4.0]}],
}


def known_pairs():
    torch = pytest.importorskip("torch")
    for p, q in torch.distributions.kl._KL_REGISTRY:
        # Of these PyTorch says that they are infinite where they are not.
        wrong = {p.__name__, q.__name__} == {"ContinuousBernoulli", "Uniform"}
        if p.__name__ in PARAMETERS and q.__name__ in PARAMETERS and not wrong:
            yield p.__name__, q.__name__
    yield "LogNormal", "LogNormal"


def made(package, name, which):
    parameters = PARAMETERS[name][which]
    return case(name, [], **parameters).make(package)


def pairs():
    try:
        return sorted(known_pairs())
    except pytest.skip.Exception:
        return []


@pytest.mark.parametrize(("name_p", "name_q"), pairs())
def test_as_in_pytorch(name_p, name_q):
    torch = pytest.importorskip("torch")
    for which in (0, 1):
        results = []
        for package in (airi, torch):
            p, of_p = made(package, name_p, which)
            q, of_q = made(package, name_q, 1 - which)
            try:
                result = package.distributions.kl_divergence(p, q)
            except NotImplementedError:
                results.append("not in closed form")
                continue
            finite = result.isfinite()
            if finite.any() and result.requires_grad:
                result[finite].sum().backward()
            grads = [each.grad for each in (*of_p, *of_q)]
            results.append((result.detach().numpy(), grads))
        mine, other = results
        if isinstance(mine, str) or isinstance(other, str):
            assert mine == other
            continue
        np.testing.assert_allclose(mine[0], other[0], **ALMOST)
        for one, two in zip(mine[1], other[1], strict=True):
            if one is not None and two is not None and np.isfinite(two.numpy()).all():
                np.testing.assert_allclose(one.numpy(), two.numpy(), rtol=1e-7, atol=1e-9)


def test_no_pair_of_pytorch_is_forgotten():
    torch = pytest.importorskip("torch")

    def names(registry):
        return {(p.__name__, q.__name__) for p, q in registry}

    assert names(torch.distributions.kl._KL_REGISTRY) <= names(kl._registry)


def test_the_definition():
    airi.manual_seed(0)
    for name in ("Normal", "Gamma", "Beta", "Laplace", "Gumbel", "Exponential"):
        p, _ = made(airi, name, 0)
        q, _ = made(airi, name, 1)
        x = p.sample((40_000,))
        mean = (p.log_prob(x) - q.log_prob(x)).mean(0).detach().numpy()
        exact = kl_divergence(p, q).detach().numpy()
        np.testing.assert_allclose(mean, exact, rtol=0.1, atol=0.02)


def test_uniform_and_continuous_bernoulli():
    flat, slope = Uniform(0.0, 1.0), ContinuousBernoulli(logits=airi.tensor([0.0, 2.0]))
    x = airi.linspace(0.0005, 0.9995, 1000)[:, None]
    exact = -slope.log_prob(x).mean(0)
    np.testing.assert_allclose(kl_divergence(flat, slope).numpy(), exact.numpy(), atol=1e-6)
    exact = (slope.log_prob(x).exp() * slope.log_prob(x)).mean(0)
    np.testing.assert_allclose(kl_divergence(slope, flat).numpy(), exact.numpy(), atol=1e-5)
    assert kl_divergence(Uniform(0.0, 1.5), slope).tolist() == [float("inf")] * 2
    assert kl_divergence(slope, Uniform(0.5, 1.5)).tolist() == [float("inf")] * 2


def test_independent_and_transformed():
    p, q = Normal(airi.zeros(2, 3), 1.0), Normal(airi.ones(2, 3), 2.0)
    each = kl_divergence(p, q)
    joint = kl_divergence(Independent(p, 1), Independent(q, 1))
    np.testing.assert_allclose(joint.numpy(), each.sum(-1).numpy())
    with pytest.raises(NotImplementedError, match="same reinterpreted_batch_ndims"):
        kl_divergence(Independent(p, 1), Independent(q, 2))
    logs = kl_divergence(LogNormal(0.0, 1.0), LogNormal(1.0, 1.0))
    assert logs.item() == pytest.approx(0.5)


def test_by_the_log_normalizer():
    class Own(ExponentialFamily):
        """A Poisson that nobody has registered."""

        arg_constraints = {}

        def __init__(self, rate):
            self.rate = airi.tensor(rate)
            super().__init__(self.rate.shape)

        @property
        def _natural_params(self):
            return (self.rate.log(),)

        def _log_normalizer(self, x):
            return x.exp()

    mine = kl_divergence(Own([2.0, 3.0]), Own([1.0, 5.0]))
    other = kl_divergence(*(Poisson(airi.tensor(r)) for r in ([2.0, 3.0], [1.0, 5.0])))
    np.testing.assert_allclose(mine.detach().numpy(), other.numpy(), rtol=1e-5)
    with pytest.raises(NotImplementedError, match="Own and Poisson"):
        kl_divergence(Own([2.0]), Poisson(1.0))


def test_registering():
    class Base(Distribution):
        arg_constraints = {}

    class Derived(Base):
        pass

    try:
        register_kl(Base, Base)(lambda p, q: "base")
        assert kl_divergence(Derived(), Derived()) == "base"
        register_kl(Derived, Base)(lambda p, q: "p")
        assert kl_divergence(Derived(), Derived()) == "p"
        register_kl(Base, Derived)(lambda p, q: "q")
        with pytest.warns(RuntimeWarning, match="several functions fit Derived and Derived"):
            kl_divergence(Derived(), Derived())
        register_kl(Derived, Derived)(lambda p, q: "both")
        assert kl_divergence(Derived(), Derived()) == "both"
    finally:
        for pair in [pair for pair in kl._registry if Base in pair or Derived in pair]:
            del kl._registry[pair]
    with pytest.raises(TypeError, match="classes of distributions, got 'Normal'"):
        register_kl("Normal", Normal)
    with pytest.raises(NotImplementedError, match="Categorical and Normal"):
        kl_divergence(Categorical(airi.ones(2)), Normal(0.0, 1.0))


def test_impossible_outcomes_and_certain_ones():
    zero, one = Bernoulli(airi.tensor([0.0, 1.0, 0.5])), Bernoulli(airi.tensor([1.0, 1.0, 0.0]))
    assert kl_divergence(zero, one).tolist() == [float("inf"), 0.0, float("inf")]
    with pytest.raises(ValueError, match="different sizes"):
        kl_divergence(
            MultivariateNormal(airi.zeros(2), airi.eye(2)),
            MultivariateNormal(airi.zeros(3), airi.eye(3)),
        )
