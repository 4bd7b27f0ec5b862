"""Transforms, beside PyTorch and beside their own jacobian, and what is built with them."""

import numpy as np
import pytest

import airi
from airi.distributions import (
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    Independent,
    Normal,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    StickBreakingTransform,
    TanhTransform,
    TransformedDistribution,
    Uniform,
    biject_to,
    constraints,
    identity_transform,
    transform_to,
)

NUMBERS = np.array([[-2.0, -0.3, 0.1], [0.4, 1.2, 3.0]])
SQUARE = np.array([[0.3, -1.0, 0.5], [0.2, 0.1, -0.4], [1.0, 0.3, -0.2]])

# Each from the distributions of a package.
TRANSFORMS = {
    "exp": (lambda d: d.ExpTransform(), NUMBERS),
    "power": (lambda d: d.PowerTransform(2.5), np.abs(NUMBERS)),
    "sigmoid": (lambda d: d.SigmoidTransform(), NUMBERS),
    "softplus": (lambda d: d.SoftplusTransform(), NUMBERS),
    "tanh": (lambda d: d.TanhTransform(), NUMBERS),
    "affine": (lambda d: d.AffineTransform(0.5, -2.0), NUMBERS),
    "affine of vectors": (lambda d: d.AffineTransform(0.5, -2.0, event_dim=1), NUMBERS),
    "abs": (lambda d: d.AbsTransform(), NUMBERS),
    "softmax": (lambda d: d.SoftmaxTransform(), NUMBERS),
    "stick breaking": (lambda d: d.StickBreakingTransform(), NUMBERS),
    "correlations": (lambda d: d.CorrCholeskyTransform(), NUMBERS),
    "lower cholesky": (lambda d: d.LowerCholeskyTransform(), SQUARE),
    "positive definite": (lambda d: d.PositiveDefiniteTransform(), SQUARE),
    "reshape": (lambda d: d.ReshapeTransform((3,), (3, 1)), NUMBERS),
    "cat": (
        lambda d: d.CatTransform([d.ExpTransform(), d.TanhTransform()], 1, [1, 2]),
        NUMBERS,
    ),
    "stack": (lambda d: d.StackTransform([d.ExpTransform(), d.TanhTransform()], 0), NUMBERS),
    "cdf": (lambda d: d.CumulativeDistributionTransform(d.Normal(0.3, 2.0)), NUMBERS),
    "inverse": (lambda d: d.ExpTransform().inv, np.abs(NUMBERS)),
    "independent": (lambda d: d.IndependentTransform(d.TanhTransform(), 1), NUMBERS),
    "composed": (
        lambda d: d.ComposeTransform(
            [d.AffineTransform(1.0, 0.5), d.TanhTransform(), d.StickBreakingTransform()]
        ),
        NUMBERS,
    ),
    "nothing": (lambda d: d.identity_transform, NUMBERS),
}
every = pytest.mark.parametrize("name", TRANSFORMS)


def value_of(compute):
    """A result as an array, or the NotImplementedError."""
    try:
        result = compute()
    except NotImplementedError:
        return "none"
    return result.detach().numpy() if hasattr(result, "detach") else result


@every
def test_as_in_pytorch(name):
    torch = pytest.importorskip("torch")
    make, numbers = TRANSFORMS[name]
    results = []
    for package in (airi, torch):
        t = make(package.distributions)
        x = package.tensor(numbers, requires_grad=True)
        y = t(x)
        found = [y.detach().numpy(), value_of(lambda t=t, y=y: t.inv(y))]
        slope = value_of(lambda t=t, x=x, y=y: t.log_abs_det_jacobian(x, y))
        found += [slope, t.bijective, t.domain.event_dim, t.codomain.event_dim]
        found.append(value_of(lambda t=t: t.sign))
        found += [tuple(t.forward_shape(x.shape)), tuple(t.inverse_shape(y.shape))]
        (y**2).sum().backward()
        found.append(x.grad.numpy())
        results.append(found)
    for mine, other in zip(*results, strict=True):
        if isinstance(other, np.ndarray):
            # PyTorch has the exponent in float32.
            rtol = 1e-6 if name == "power" else 1e-9
            np.testing.assert_allclose(mine, other, rtol=rtol, atol=1e-12)
        else:
            assert mine == other


@pytest.mark.parametrize("name", ["exp", "power", "sigmoid", "softplus", "tanh", "affine"])
def test_the_jacobian_is_that_of_the_transform(name):
    make, numbers = TRANSFORMS[name]
    t = make(airi.distributions)
    x = airi.tensor(numbers, requires_grad=True)
    y = t(x)
    (slope,) = airi.autograd.grad(y.sum(), x)
    expected = np.log(np.abs(slope.numpy()))
    np.testing.assert_allclose(t.log_abs_det_jacobian(x, y).detach().numpy(), expected, rtol=1e-9)


def test_the_jacobian_of_stick_breaking():
    t, x = StickBreakingTransform(), airi.tensor([0.3, -1.0, 0.5], dtype=airi.float64)
    rows = []
    for at in range(3):
        z = x.clone().requires_grad_()
        rows.append(airi.autograd.grad(t(z)[at], z)[0].numpy())
    expected = np.linalg.slogdet(np.array(rows))[1]
    assert t.log_abs_det_jacobian(x, t(x)).item() == pytest.approx(expected)


def test_tails_are_finite():
    x = airi.tensor([-800.0, -40.0, 40.0, 800.0], dtype=airi.float64, requires_grad=True)
    for t in (SigmoidTransform(), TanhTransform()):
        slope = t.log_abs_det_jacobian(x, t(x))
        assert airi.isfinite(slope).all()
        assert airi.isfinite(airi.autograd.grad(slope.sum(), x)[0]).all()


def test_a_cache_returns_what_the_result_came_from():
    t = TanhTransform(cache_size=1)
    x = airi.tensor([0.5, 30.0])
    y = t(x)
    assert t.inv(y) is x
    assert TanhTransform().inv(y)[1].item() == float("inf")
    assert t.with_cache(1) is t
    assert ComposeTransform([ExpTransform()], cache_size=1).parts[0]._cache_size == 1
    with pytest.raises(ValueError, match="cache_size must be 0 or 1, got 2"):
        ExpTransform(cache_size=2)


def test_equality_and_inverses():
    assert ExpTransform() == ExpTransform()
    assert ExpTransform() != SigmoidTransform()
    assert AffineTransform(0, airi.tensor([1.0, 2.0])) == AffineTransform(
        0, airi.tensor([1.0, 2.0])
    )
    assert AffineTransform(0, 1.0) != AffineTransform(0, 2.0)
    assert PowerTransform(2) == PowerTransform(2)
    assert ExpTransform().inv == ExpTransform().inv
    t = ExpTransform()
    assert t.inv.inv is t
    both = ComposeTransform([t, AffineTransform(1, 2)])
    assert both.inv.inv is both
    assert identity_transform(3) == 3
    assert repr(both) == "ComposeTransform([ExpTransform(), AffineTransform()])"


def test_transformed_distributions_beside_pytorch():
    torch = pytest.importorskip("torch")

    def built(d, package):
        loc = package.tensor([0.5, 1.0, -1.0], dtype=package.float64, requires_grad=True)
        base = d.Normal(loc, package.tensor(0.7, dtype=package.float64))
        logistic = d.Uniform(package.zeros(3, dtype=package.float64), 1)
        scale = package.tensor([[1.0], [2.0]], dtype=package.float64)
        yield d.TransformedDistribution(base, d.SigmoidTransform()), 0.3
        yield d.TransformedDistribution(logistic, [d.SigmoidTransform().inv]), 0.3
        yield d.TransformedDistribution(base, [d.ExpTransform(), d.AffineTransform(0, scale)]), 0.3
        yield d.TransformedDistribution(base, d.StickBreakingTransform()), 0.25
        yield d.TransformedDistribution(d.Independent(base, 1), d.TanhTransform()), 0.3

    for (mine, value), (other, _) in zip(
        built(airi.distributions, airi), built(torch.distributions, torch), strict=True
    ):
        for name in ("batch_shape", "event_shape"):
            assert tuple(getattr(mine, name)) == tuple(getattr(other, name))
        shape = (2, *mine.batch_shape, *mine.event_shape)
        ours = airi.full(shape, value, dtype=airi.float64)
        theirs = torch.full(shape, value, dtype=torch.float64)
        np.testing.assert_allclose(
            mine.log_prob(ours).detach().numpy(), other.log_prob(theirs).detach().numpy()
        )
        if not mine.event_shape:
            for function in ("cdf", "icdf"):
                np.testing.assert_allclose(
                    getattr(mine, function)(ours).detach().numpy(),
                    getattr(other, function)(theirs).detach().numpy(),
                )
        wide = (5, *mine.batch_shape)
        assert tuple(mine.expand(wide).sample().shape) == tuple(other.expand(wide).sample().shape)
        assert tuple(mine.rsample((4,)).shape) == tuple(other.rsample((4,)).shape)
        assert mine.support.event_dim == other.support.event_dim


@pytest.mark.parametrize(
    "constraint",
    [
        constraints.real,
        constraints.positive,
        constraints.nonnegative,
        constraints.greater_than(-1.5),
        constraints.less_than(2.0),
        constraints.unit_interval,
        constraints.interval(-2.0, 3.0),
        constraints.half_open_interval(1.0, 2.0),
        constraints.simplex,
        constraints.real_vector,
        constraints.independent(constraints.positive, 1),
        constraints.cat([constraints.positive, constraints.unit_interval], 0, [1, 2]),
        constraints.stack([constraints.positive, constraints.real, constraints.positive], 1),
        constraints.corr_cholesky,
        constraints.lower_cholesky,
        constraints.positive_definite,
    ],
    ids=repr,
)
def test_numbers_are_sent_into_constraints(constraint):
    x = airi.tensor(SQUARE)
    assert constraint.check(transform_to(constraint)(x)).all()
    if constraint.event_dim < 2:
        t = biject_to(constraint)
        y = t(x)
        assert constraint.check(y).all()
        np.testing.assert_allclose(t.inv(y).numpy(), SQUARE, rtol=1e-9)
        assert t.bijective
        assert t.log_abs_det_jacobian(x, y).shape == x.shape[: x.ndim - constraint.event_dim]


def test_what_is_refused():
    with pytest.raises(NotImplementedError, match="no transform is registered for _Boolean"):
        biject_to(constraints.boolean)
    with pytest.raises(TypeError, match="expected a constraint"):
        biject_to.register(int, ExpTransform)
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\) differ in their number"):
        ReshapeTransform((2,), (3,))
    with pytest.raises(ValueError, match=r"shape \(3,\) does not end with \(2,\)"):
        ReshapeTransform((2,), (2, 1))(airi.ones(3))
    with pytest.raises(ValueError, match="transforms must be a Transform or a list"):
        TransformedDistribution(Normal(0.0, 1.0), [3])
    with pytest.raises(ValueError, match="needs 1 dimensions at least"):
        TransformedDistribution(Normal(0.0, 1.0), StickBreakingTransform())
    with pytest.raises(ValueError, match="reinterpreted_batch_ndims=2, but batch_shape is"):
        Independent(Uniform(airi.zeros(2), 1), 2)
