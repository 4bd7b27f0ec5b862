"""Kullback-Leibler divergences: which function computes that of a pair, and those of a kind.

Those between distributions of different kinds are in `kl_pairs.py`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from airi.autograd import grad
from airi.autograd.mode import enable_grad
from airi.distributions.bernoulli import Bernoulli
from airi.distributions.beta import Beta
from airi.distributions.binomial import Binomial
from airi.distributions.categorical import Categorical
from airi.distributions.cauchy import Cauchy
from airi.distributions.continuous_bernoulli import ContinuousBernoulli
from airi.distributions.dirichlet import Dirichlet
from airi.distributions.distribution import Distribution, ExponentialFamily
from airi.distributions.exponential import Exponential
from airi.distributions.gamma import Gamma
from airi.distributions.geometric import Geometric
from airi.distributions.gumbel import Gumbel
from airi.distributions.half_normal import HalfNormal
from airi.distributions.independent import Independent
from airi.distributions.laplace import Laplace
from airi.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from airi.distributions.multivariate_normal import MultivariateNormal, half_log_det, mahalanobis
from airi.distributions.normal import Normal
from airi.distributions.one_hot_categorical import OneHotCategorical
from airi.distributions.pareto import Pareto
from airi.distributions.poisson import Poisson
from airi.distributions.transformed_distribution import TransformedDistribution
from airi.distributions.uniform import Uniform
from airi.distributions.utils import EULER, sum_rightmost
from airi.ops.activation import logsigmoid
from airi.ops.elementwise import where
from airi.ops.linalg_solve import solve_triangular
from airi.tensor import Tensor

__all__ = ["kl_divergence", "register_kl"]

Divergence = Callable[[Any, Any], Tensor]
_registry: dict[tuple[type, type], Divergence] = {}
_chosen: dict[tuple[type, type], Divergence] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Divergence], Divergence]:
    """A decorator: the function computes ``kl_divergence(p, q)`` for these classes and subclasses.

    Raises TypeError for what is no class of distributions. Example::

        @register_kl(Normal, Normal)
        def kl_normal_normal(p, q): ...

    Source: ``torch.distributions.kl.register_kl``.
    """
    for each in (type_p, type_q):
        if not (isinstance(each, type) and issubclass(each, Distribution)):
            raise TypeError(f"register_kl: expected classes of distributions, got {each!r}")

    def decorator(function: Divergence) -> Divergence:
        _registry[type_p, type_q] = function
        _chosen.clear()
        return function

    return decorator


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p, q), the expected ``p.log_prob(x) - q.log_prob(x)`` for x of p, of shape batch_shape.

    Raises NotImplementedError for pairs that have no registered function.
    Example: ``kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))`` is 0.5.
    Source: ``torch.distributions.kl_divergence``.
    """
    pair = type(p), type(q)
    if pair not in _chosen:
        _chosen[pair] = _most_specific(*pair)
    return _chosen[pair](p, q)


def _most_specific(type_p: type, type_q: type) -> Divergence:
    """The function that is registered for the nearest base classes."""
    matches = [
        (type_p.__mro__.index(of_p), type_q.__mro__.index(of_q), function)
        for (of_p, of_q), function in _registry.items()
        if issubclass(type_p, of_p) and issubclass(type_q, of_q)
    ]
    if not matches:
        raise NotImplementedError(
            f"kl_divergence: no function is registered for {type_p.__name__} and {type_q.__name__}"
        )
    by_p = min(matches, key=lambda match: (match[0], match[1]))
    by_q = min(matches, key=lambda match: (match[1], match[0]))
    if by_p[2] is not by_q[2]:
        warnings.warn(
            f"kl_divergence: several functions fit {type_p.__name__} and {type_q.__name__} alike; "
            "register_kl one for just these",
            RuntimeWarning,
            stacklevel=3,
        )
    return by_p[2]


# -- discrete -------------------------------------------------------------------------------------


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    one = p.probs * (logsigmoid(p.logits) - logsigmoid(q.logits))
    one = where(p.probs == 0, 0.0, where(q.probs == 0, math.inf, one))
    zero = (1 - p.probs) * (logsigmoid(-p.logits) - logsigmoid(-q.logits))
    zero = where(p.probs == 1, 0.0, where(q.probs == 1, math.inf, zero))
    return one + zero


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "kl_divergence: of Binomials, only where q.total_count is at most p.total_count"
        )
    each = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return where(p.total_count > q.total_count, math.inf, p.total_count * each)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    return where(p.probs == 0, 0.0, where(q.probs == 0, math.inf, terms)).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: ContinuousBernoulli, q: ContinuousBernoulli) -> Tensor:
    constant = q._log_normalizer(q.logits) - p._log_normalizer(p.logits)
    return constant + (p.logits - q.logits) * p.mean


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


# -- of numbers -----------------------------------------------------------------------------------


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return distance / q.scale + ratio * (-distance / p.scale).exp() - ratio.log() - 1


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    squares = (p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2
    return squares.log() - (4 * p.scale * q.scale).log()


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, shift = p.scale / q.scale, (p.loc - q.loc) / q.scale
    tail = (-shift + (1 + ratio).lgamma()).exp()
    return shift - ratio.log() + ratio * EULER + tail - (1 + EULER)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return where((q.low > p.low) | (q.high < p.high), math.inf, result)


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    return (
        b * (p.rate / q.rate).log()
        + b.lgamma()
        - a.lgamma()
        + (a - b) * a.digamma()
        + (q.rate - p.rate) * (a / p.rate)
    )


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    expected_log = a.digamma() - total.digamma().unsqueeze(-1)
    constant = total.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return constant + ((a - b) * expected_log).sum(-1)


@register_kl(Pareto, Pareto)
def _pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio = q.alpha / p.alpha
    result = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return where(p.scale < q.scale, math.inf, result)


# -- of vectors -----------------------------------------------------------------------------------


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    n = _common_size(p, q)
    lower_p, lower_q = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    trace = (solve_triangular(lower_q, lower_p, upper=False) ** 2).sum((-2, -1))
    distance = mahalanobis(lower_q, q.loc - p.loc)
    return half_log_det(lower_q) - half_log_det(lower_p) + 0.5 * (trace + distance - n)


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _low_rank(p: Any, q: Any) -> Tensor:
    n = _common_size(p, q)
    trace = (q.precision_matrix * p.covariance_matrix).sum((-2, -1))
    difference = q.loc - p.loc
    if isinstance(q, LowRankMultivariateNormal):
        distance = q.squared_distance(difference)
    else:
        distance = mahalanobis(q._unbroadcasted_scale_tril, difference)
    return 0.5 * (_log_det(q) - _log_det(p) + trace + distance - n)


def _log_det(normal: Any) -> Tensor:
    """The log of the determinant of the covariance."""
    if isinstance(normal, LowRankMultivariateNormal):
        return normal.log_det()
    return 2 * half_log_det(normal._unbroadcasted_scale_tril)


def _common_size(p: Distribution, q: Distribution) -> int:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "kl_divergence: the distributions are of vectors of different sizes, "
            f"{tuple(p.event_shape)} and {tuple(q.event_shape)}"
        )
    return p.event_shape[0]


# -- made of others -------------------------------------------------------------------------------


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: Any, q: Any) -> Tensor:
    """The Bregman divergence of the log-normalizer: A(q) - A(p) - dA(p) (q - p)."""
    if type(p) is not type(q):
        raise NotImplementedError(
            f"kl_divergence: no function is registered for {type(p).__name__} and "
            f"{type(q).__name__}"
        )
    with enable_grad():
        at_p = [each.detach().requires_grad_() for each in p._natural_params]
        log_normalizer = p._log_normalizer(*at_p)
        slopes = grad(log_normalizer.sum(), at_p, create_graph=True)
    result = q._log_normalizer(*q._natural_params) - log_normalizer
    for one, other, slope in zip(at_p, q._natural_params, slopes, strict=True):
        result = result - sum_rightmost((other - one) * slope, len(q.event_shape))
    return result


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError(
            "kl_divergence: of TransformedDistributions, only where their transforms are equal"
        )
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(
            "kl_divergence: of Independents, only of the same reinterpreted_batch_ndims"
        )
    result = kl_divergence(p.base_dist, q.base_dist)
    return sum_rightmost(result, p.reinterpreted_batch_ndims)
