"""What all distributions share: checks of arguments and outcomes, constraints, subclasses."""

import math
import pickle

import numpy as np
import pytest

import airi
from airi import distributions
from airi.distributions import (
    Bernoulli,
    Binomial,
    Categorical,
    Dirichlet,
    Distribution,
    Gamma,
    Geometric,
    Independent,
    Kumaraswamy,
    LowRankMultivariateNormal,
    MixtureSameFamily,
    Multinomial,
    MultivariateNormal,
    Normal,
    Poisson,
    Uniform,
    constraints,
)
from airi.distributions.utils import broadcast_all, lazy_property
from tests.distributions.cases import CASES

cases = pytest.mark.parametrize("case", CASES, ids=str)


# -- arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Normal(0.0, -1.0), r"Normal: parameter scale must satisfy greater_than\(lower"),
        (lambda: Normal(float("nan"), 1.0), "Normal: parameter loc must satisfy Real"),
        (lambda: Normal("0", 1.0), "must be numbers or Tensors, got a str"),
        (lambda: Bernoulli(1.5), "Bernoulli: parameter probs must satisfy interval"),
        (lambda: Bernoulli(), "Bernoulli: give exactly one of probs and logits, got none"),
        (lambda: Bernoulli(0.5, 0.0), "one of probs and logits, got probs and logits"),
        (lambda: Categorical(airi.tensor([-1.0, 2.0])), "Categorical: parameter probs must"),
        (lambda: Categorical(airi.tensor(1.0)), "probs must have at least one dimension"),
        (lambda: Uniform(1.0, 0.0), "Uniform: low must be below high"),
        (lambda: Gamma(0.0, 1.0), "Gamma: parameter concentration must"),
        (lambda: Geometric(0.0), "Geometric: probs must be above 0"),
        (lambda: Binomial(-1, 0.5), "Binomial: parameter total_count must"),
        (lambda: Poisson(-1.0), "Poisson: parameter rate must"),
        (lambda: Dirichlet(airi.tensor(1.0)), "concentration must have at least one dimension"),
        (
            lambda: MultivariateNormal(airi.zeros(2), -airi.eye(2)),
            "parameter covariance_matrix must satisfy PositiveDefinite",
        ),
        (lambda: MultivariateNormal(airi.zeros(2)), "exactly one of covariance_matrix and"),
        (lambda: MultivariateNormal(airi.tensor(0.0), airi.eye(1)), "loc must have at least one"),
        (
            lambda: MultivariateNormal(airi.zeros(2), scale_tril=airi.ones(2, 2)),
            "scale_tril must satisfy LowerCholesky",
        ),
        (
            lambda: LowRankMultivariateNormal(airi.zeros(2), airi.ones(3, 1), airi.ones(2)),
            r"cov_factor must have shape \(..., 2, rank\), got \(3, 1\)",
        ),
        (
            lambda: MixtureSameFamily(Categorical(airi.ones(3)), Normal(airi.zeros(2), 1.0)),
            "3 probabilities for 2 components",
        ),
        (
            lambda: MixtureSameFamily(Normal(0.0, 1.0), Normal(0.0, 1.0)),
            "mixture_distribution must be a Categorical, got a Normal",
        ),
    ],
)
def test_parameters_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_parameters_that_are_no_tensors_are_refused():
    for make in (Categorical, Dirichlet, lambda p: MultivariateNormal(p, airi.eye(2))):
        with pytest.raises(TypeError, match="must be a Tensor, got list"):
            make([0.5, 0.5])


@pytest.mark.parametrize(
    ("distribution", "value", "message"),
    [
        (
            Normal(airi.zeros(3), 1.0),
            airi.zeros(2),
            r"shape \(2,\) does not broadcast with .*\(3,\)",
        ),
        (Normal(0.0, 1.0), 1.0, "Normal: value must be a Tensor, got a float"),
        (Normal(0.0, 1.0), airi.tensor(math.nan), "Normal: value must be within the support Real"),
        (Gamma(1.0, 1.0), airi.tensor(-1.0), "Gamma: value must be within the support"),
        (Bernoulli(0.5), airi.tensor(0.5), "within the support Boolean"),
        (Categorical(airi.ones(3)), airi.tensor(3), "within the support integer_interval"),
        (Dirichlet(airi.ones(3)), airi.ones(3), "within the support Simplex"),
        (Dirichlet(airi.ones(3)), airi.ones(2), r"\(2,\) must end with event_shape \(3,\)"),
        (Poisson(1.0), airi.tensor(0.5), "within the support"),
        (Multinomial(2, airi.ones(2)), airi.tensor([2.0, 2.0]), "within the support multinomial"),
        (Uniform(0.0, 1.0), airi.tensor(2.0), "within the support interval"),
    ],
)
def test_impossible_outcomes_are_refused(distribution, value, message):
    with pytest.raises(ValueError, match=message):
        distribution.log_prob(value)


def test_without_validation():
    assert Uniform(0.0, 1.0, validate_args=False).log_prob(airi.tensor(2.0)).item() == -math.inf
    Normal(0.0, -1.0, validate_args=False)
    try:
        Distribution.set_default_validate_args(False)
        Normal(0.0, -1.0)
    finally:
        Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="expected True or False, got 3"):
        Distribution.set_default_validate_args(3)


def test_what_a_distribution_has_not():
    with pytest.raises(NotImplementedError, match="Poisson has no entropy in closed form"):
        Poisson(1.0).entropy()
    with pytest.raises(NotImplementedError, match="Bernoulli has no rsample"):
        Bernoulli(0.5).rsample()
    with pytest.raises(NotImplementedError, match="StudentT has no cdf"):
        distributions.StudentT(3.0).cdf(airi.tensor(0.0))
    with pytest.raises(NotImplementedError, match="total_count must be an int"):
        Multinomial(airi.tensor([1, 2]), airi.ones(2))
    with pytest.raises(NotImplementedError, match="needs one total_count for all"):
        Binomial(airi.tensor([1.0, 2.0]), 0.5).enumerate_support()


# -- dtypes and shapes ----------------------------------------------------------------------------


def test_dtypes():
    assert Normal(0.0, 1.0).sample().dtype == airi.float32
    assert Normal(airi.zeros(2, dtype=airi.float64), 1.0).sample().dtype == airi.float64
    assert Normal(airi.zeros(2), 1.0).loc.dtype == airi.float32
    assert Bernoulli(airi.tensor(0.5, dtype=airi.float64)).sample().dtype == airi.float64
    assert Categorical(airi.ones(2)).sample().dtype == airi.int64
    one, other = broadcast_all(airi.zeros(2, 1), 3)
    assert one.shape == other.shape == (2, 1)
    assert other.dtype == airi.float32


def test_a_value_has_more_sample_dimensions():
    normal = Normal(airi.zeros(3), airi.ones(3))
    assert normal.log_prob(airi.zeros(4, 5, 3)).shape == (4, 5, 3)
    assert Independent(normal, 1).log_prob(airi.zeros(4, 5, 3)).shape == (4, 5)
    many = Categorical(airi.ones(2, 3)).log_prob(airi.zeros(7, 2))
    assert many.shape == (7, 2)
    one = MultivariateNormal(airi.zeros(2), airi.eye(2))
    assert one.log_prob(airi.zeros(5, 2)).shape == (5,)
    assert one.sample_n(3).shape == (3, 2)


@cases
def test_expanding_makes_no_copies_and_leaves_the_original(case):
    d, _ = case.make(airi)
    before = tuple(d.batch_shape)
    log_prob = d.log_prob(airi.tensor(case.values)).detach().numpy()
    wide = d.expand((4, *before))
    assert tuple(d.batch_shape) == before
    assert tuple(d.expand(before).batch_shape) == before
    again = d.log_prob(airi.tensor(case.values)).detach().numpy()
    np.testing.assert_array_equal(log_prob, again)
    assert repr(wide).startswith(case.name)


@cases
def test_probabilities_sum_to_one(case):
    d, _ = case.make(airi)
    if d.has_enumerate_support:
        total = d.log_prob(d.enumerate_support()).exp().sum(0)
        np.testing.assert_allclose(total.detach().numpy(), 1.0, rtol=1e-10)


def test_densities_integrate_to_one():
    x = np.linspace(1e-4, 1 - 1e-4, 200_001)
    for case in CASES:
        d, _ = case.make(airi, validate_args=False)
        if d.event_shape or d.support.is_discrete or case.name == "RelaxedBernoulli":
            continue  # the last is infinite at 0 and 1
        low, high = {"VonMises": (-math.pi, math.pi)}.get(case.name, (-400.0, 400.0))
        # Most of the points near 0, where the densities are.
        at = low + (high - low) * (0.5 + 4 * (x - 0.5) ** 3)
        values = airi.tensor(at)[:, None]
        inside = d.support.check(values).numpy()
        safe = np.where(inside, at[:, None], d.sample().numpy())
        density = d.log_prob(airi.tensor(safe)).exp().detach().numpy() * inside
        density[~np.isfinite(density)] = 0
        total = np.trapezoid(density, at, axis=0)
        np.testing.assert_allclose(total, 1.0, atol=0.05, err_msg=str(case))


def test_continuous_bernoulli_near_the_uniform():
    """Where series take over from the formulas, both agree; and so do their slopes."""
    x = airi.tensor(0.3, dtype=airi.float64)
    for limit in (4e-3, 0.1):
        t = airi.tensor([0.0, limit - 1e-7, limit + 1e-7], dtype=airi.float64, requires_grad=True)
        d = distributions.ContinuousBernoulli(logits=t)
        for values in (d.mean, d.variance, d.cdf(x), d.icdf(x), d.log_prob(x), d.entropy()):
            (slopes,) = airi.autograd.grad(values.sum(), t, retain_graph=True)
            jump = values[2] - values[1] - slopes[1] * 2e-7
            assert abs(jump.item()) < 1e-12
            assert slopes[1].item() == pytest.approx(slopes[2].item(), abs=1e-7)
    assert d.mean[0].item() == 0.5
    assert d.cdf(x)[0].item() == 0.3


def test_the_mode_of_kumaraswamy():
    d = Kumaraswamy(airi.tensor([1.7, 3.0, 0.5]), airi.tensor([1.5, 2.0, 2.0]))
    x = airi.linspace(0.001, 0.999, 999)[:, None]
    highest = x[d.log_prob(x).argmax(0), 0]
    np.testing.assert_allclose(d.mode[:2].numpy(), highest[:2].numpy(), atol=2e-3)
    assert math.isnan(d.mode[2].item())


def test_infinite_logits():
    d = Categorical(logits=airi.tensor([0.0, -math.inf, 0.0]))
    assert d.probs.tolist() == [0.5, 0.0, 0.5]
    assert d.entropy().item() == pytest.approx(math.log(2))
    assert d.log_prob(airi.tensor(1)).item() == -math.inf
    counts = Multinomial(2, logits=airi.tensor([0.0, -math.inf]))
    assert counts.log_prob(airi.tensor([2.0, 0.0])).item() == pytest.approx(0.0)


def test_policy_gradient():
    """The score function: the gradient of an expected reward."""
    airi.manual_seed(0)
    logits = airi.zeros(3, requires_grad=True)
    rewards = airi.tensor([1.0, 0.0, 2.0])
    m = Categorical(logits=logits.expand(20_000, 3))
    action = m.sample()
    (m.log_prob(action) * rewards[action]).mean().backward()
    expected = (rewards - rewards.mean()) / 3
    np.testing.assert_allclose(logits.grad.numpy(), expected.numpy(), atol=0.02)


# -- users' own -----------------------------------------------------------------------------------


class Triangular(Distribution):
    """Density 2 x on [0, 1]."""

    arg_constraints = {}
    support = constraints.unit_interval
    has_rsample = True

    def rsample(self, sample_shape=()):
        return airi.rand(self._extended_shape(sample_shape)).sqrt()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return (2 * value).log()

    def entropy(self):
        return airi.tensor(0.5 - math.log(2))


def test_a_distribution_of_ones_own():
    own = Triangular(airi.Size((2,)))
    assert own.sample((3,)).shape == (3, 2)
    assert own.log_prob(airi.tensor(0.5)).item() == 0.0
    assert own.perplexity().item() == pytest.approx(math.exp(0.5) / 2)
    with pytest.raises(ValueError, match="within the support interval"):
        own.log_prob(airi.tensor(2.0))
    with pytest.raises(NotImplementedError, match="Triangular has no mean"):
        own.mean  # noqa: B018
    with pytest.warns(UserWarning, match="has no arg_constraints"):
        Distribution()


def test_a_lazy_property_is_computed_once_and_recorded():
    class Own:
        count = 0

        @lazy_property
        def value(self):
            """What it is."""
            self.count += 1
            return airi.ones(1, requires_grad=True) * 2

    own = Own()
    with airi.no_grad():
        assert own.value.requires_grad
        assert own.value is own.value
    assert own.count == 1
    assert Own.value.__doc__ == "What it is."


@cases
def test_pickled(case):
    d, _ = case.make(airi)
    again = pickle.loads(pickle.dumps(d.expand(d.batch_shape)))
    value = airi.tensor(case.values)
    np.testing.assert_array_equal(
        again.log_prob(value).detach().numpy(), d.log_prob(value).detach().numpy()
    )


# -- constraints ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "inside", "outside"),
    [
        (constraints.boolean, [0.0, 1.0], [0.5, 2.0]),
        (constraints.nonnegative_integer, [0.0, 3.0], [-1.0, 0.5]),
        (constraints.positive_integer, [1.0, 3.0], [0.0, 1.5]),
        (constraints.integer_interval(-1, 2), [-1.0, 2.0], [-2.0, 0.5]),
        (constraints.positive, [0.1, 5.0], [0.0, -1.0]),
        (constraints.nonnegative, [0.0, 5.0], [-0.1, math.nan]),
        (constraints.less_than(1.0), [0.9, -5.0], [1.0, 2.0]),
        (constraints.half_open_interval(0.0, 1.0), [0.0, 0.9], [1.0, -0.1]),
        (constraints.simplex, [[0.2, 0.8]], [[0.2, 0.7], [-0.5, 1.5]]),
        (constraints.one_hot, [[0.0, 1.0]], [[1.0, 1.0], [0.5, 0.5]]),
        (constraints.real_vector, [[0.0, 1.0]], [[math.nan, 1.0]]),
        (constraints.lower_triangular, [[[1.0, 0.0], [2.0, -1.0]]], [[[1.0, 1.0], [2.0, 1.0]]]),
        (constraints.lower_cholesky, [[[1.0, 0.0], [2.0, 1.0]]], [[[1.0, 0.0], [2.0, -1.0]]]),
        (constraints.corr_cholesky, [[[1.0, 0.0], [0.6, 0.8]]], [[[1.0, 0.0], [0.6, 0.9]]]),
        (constraints.symmetric, [[[1.0, 2.0], [2.0, -1.0]]], [[[1.0, 2.0], [1.0, -1.0]]]),
        (constraints.positive_semidefinite, [[[1.0, 1.0], [1.0, 1.0]]], [[[1.0, 2.0], [2.0, 1.0]]]),
        (constraints.positive_definite, [[[2.0, 1.0], [1.0, 1.0]]], [[[0.0, 0.0], [0.0, 1.0]]]),
        (constraints.square, np.ones((1, 2, 2)), np.ones((1, 2, 3))),
        (
            constraints.cat([constraints.positive, constraints.real], 0, [2, 1]),
            [1.0, 2.0, -1.0],
            None,
        ),
        (constraints.stack([constraints.positive, constraints.real]), [[1.0], [-2.0]], None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_constraints(constraint, inside, outside):
    assert constraint.check(airi.tensor(inside)).all()
    if outside is not None:
        assert not constraint.check(airi.tensor(outside)).any()


def test_dependent_constraints():
    assert constraints.is_dependent(constraints.dependent)
    assert constraints.is_dependent(Uniform.support)
    assert not constraints.is_dependent(Normal.support)
    known = constraints.dependent(is_discrete=True, event_dim=1)
    assert known.is_discrete
    assert known.event_dim == 1
    assert Uniform.support.event_dim == 0
    with pytest.raises(NotImplementedError, match="event_dim of a dependent constraint"):
        constraints.dependent.event_dim  # noqa: B018
    with pytest.raises(ValueError, match="cannot be checked"):
        known.check(airi.ones(1))
