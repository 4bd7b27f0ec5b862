"""Kullback-Leibler divergences between distributions of different kinds.

``KL(p, q) = -entropy(p) - E[log q(x)]``, and of x only a few expectations are needed: its mean and
variance, E[log x] or E[exp(s x)]. So each q has one function for all p.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from airi.distributions.bernoulli import Bernoulli
from airi.distributions.beta import Beta
from airi.distributions.binomial import Binomial
from airi.distributions.continuous_bernoulli import ContinuousBernoulli
from airi.distributions.exponential import Exponential
from airi.distributions.gamma import Gamma
from airi.distributions.gumbel import Gumbel
from airi.distributions.kl import Divergence, register_kl
from airi.distributions.laplace import Laplace
from airi.distributions.normal import Normal
from airi.distributions.pareto import Pareto
from airi.distributions.poisson import Poisson
from airi.distributions.uniform import Uniform
from airi.distributions.utils import EULER, broadcast_all
from airi.ops.creation import full_like
from airi.ops.elementwise import where
from airi.ops.erf import erf
from airi.ops.transcendental import xlogy
from airi.tensor import Tensor

# Some outcome of p is impossible under q, whatever the parameters.
_INFINITE: dict[type, list[type]] = {
    Beta: [Pareto],
    ContinuousBernoulli: [Pareto],
    Exponential: [Beta, ContinuousBernoulli, Pareto, Uniform],
    Gamma: [Beta, ContinuousBernoulli, Pareto, Uniform],
    Gumbel: [Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform],
    Laplace: [Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform],
    Normal: [Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform],
    Pareto: [Beta, ContinuousBernoulli, Uniform],
    Poisson: [Bernoulli, Binomial],
}


def _infinite(p: Any, q: Any) -> Tensor:
    parameters = (getattr(each, name) for each in (p, q) for name in _numbers(each))
    return full_like(broadcast_all(*parameters)[0], math.inf)


def _numbers(distribution: Any) -> list[str]:
    """The names of the parameters that were given: asking for others would compute them."""
    given = [name for name in distribution.arg_constraints if name in vars(distribution)]
    return given or list(distribution.arg_constraints)


for _p, _several in _INFINITE.items():
    for _q in _several:
        register_kl(_p, _q)(_infinite)


# -- expectations ---------------------------------------------------------------------------------


@functools.singledispatch
def _expected_log(p: Any) -> Tensor:
    """E[log x]"""
    raise NotImplementedError(f"{type(p).__name__} has no expected log")


@_expected_log.register
def _(p: Beta) -> Tensor:
    return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()


@_expected_log.register
def _(p: Exponential) -> Tensor:
    return -EULER - p.rate.log()


@_expected_log.register
def _(p: Pareto) -> Tensor:
    return p.scale.log() + 1 / p.alpha


@_expected_log.register
def _(p: Uniform) -> Tensor:
    return _mean_log(p.low, p.high)


def _mean_log(low: Tensor, high: Tensor) -> Tensor:
    """The mean of log between two numbers: that of ``(x log x - x)'``."""
    return (xlogy(high, high) - xlogy(low, low)) / (high - low) - 1


@functools.singledispatch
def _expected_exp(p: Any, s: Tensor) -> Tensor:
    """E[exp(-s * x)] for positive s"""
    raise NotImplementedError(f"{type(p).__name__} has no expected exp")


@_expected_exp.register
def _(p: Exponential, s: Tensor) -> Tensor:
    return p.rate / (p.rate + s)


@_expected_exp.register
def _(p: Gamma, s: Tensor) -> Tensor:
    return (1 + s / p.rate) ** -p.concentration


@_expected_exp.register
def _(p: Normal, s: Tensor) -> Tensor:
    return (-s * p.loc + 0.5 * (s * p.scale) ** 2).exp()


@_expected_exp.register
def _(p: Uniform, s: Tensor) -> Tensor:
    return ((-s * p.low).exp() - (-s * p.high).exp()) / (s * (p.high - p.low))


# -- for each q -----------------------------------------------------------------------------------


@register_kl(Beta, Normal)
@register_kl(ContinuousBernoulli, Normal)
@register_kl(Exponential, Normal)
@register_kl(Gamma, Normal)
@register_kl(Gumbel, Normal)
@register_kl(Laplace, Normal)
@register_kl(Uniform, Normal)
def _to_normal(p: Any, q: Normal) -> Tensor:
    squares = (p.variance + (p.mean - q.loc) ** 2) / q.variance
    return 0.5 * squares + q.scale.log() + 0.5 * math.log(2 * math.pi) - p.entropy()


@register_kl(Normal, Laplace)
def _normal_to_laplace(p: Normal, q: Laplace) -> Tensor:
    distance = (p.loc - q.loc) / p.scale
    bell = math.sqrt(2 / math.pi) * (-0.5 * distance**2).exp()
    expected_distance = p.scale * (bell + distance * erf(distance / math.sqrt(2)))
    return expected_distance / q.scale + (2 * q.scale).log() - p.entropy()


@register_kl(Beta, Exponential)
@register_kl(ContinuousBernoulli, Exponential)
@register_kl(Gamma, Exponential)
@register_kl(Uniform, Exponential)
def _to_exponential(p: Any, q: Exponential) -> Tensor:
    return _positive(p, q.rate * p.mean - q.rate.log() - p.entropy())


@register_kl(Beta, Gamma)
@register_kl(Exponential, Gamma)
@register_kl(Uniform, Gamma)
def _to_gamma(p: Any, q: Gamma) -> Tensor:
    a = q.concentration
    constant = a.lgamma() - a * q.rate.log()
    return _positive(p, constant - (a - 1) * _expected_log(p) + q.rate * p.mean - p.entropy())


@register_kl(Exponential, Gumbel)
@register_kl(Gamma, Gumbel)
@register_kl(Normal, Gumbel)
@register_kl(Uniform, Gumbel)
def _to_gumbel(p: Any, q: Gumbel) -> Tensor:
    tail = (q.loc / q.scale).exp() * _expected_exp(p, 1 / q.scale)
    return (p.mean - q.loc) / q.scale + tail + q.scale.log() - p.entropy()


@register_kl(Beta, Uniform)
@register_kl(ContinuousBernoulli, Uniform)
def _to_uniform(p: Any, q: Uniform) -> Tensor:
    result = (q.high - q.low).log() - p.entropy()
    return where((q.low > 0) | (q.high < 1), math.inf, result)


@register_kl(Uniform, Beta)
def _uniform_to_beta(p: Uniform, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    constant = a.lgamma() + b.lgamma() - (a + b).lgamma()
    logs = (a - 1) * _mean_log(p.low, p.high) + (b - 1) * _mean_log(1 - p.high, 1 - p.low)
    return where((p.low < 0) | (p.high > 1), math.inf, constant - logs - p.entropy())


@register_kl(Beta, ContinuousBernoulli)
@register_kl(Uniform, ContinuousBernoulli)
def _to_continuous_bernoulli(p: Any, q: ContinuousBernoulli) -> Tensor:
    result = q._log_normalizer(q.logits) - q.logits * p.mean - p.entropy()
    return where((p.low < 0) | (p.high > 1), math.inf, result) if isinstance(p, Uniform) else result


@register_kl(Uniform, Pareto)
def _uniform_to_pareto(p: Uniform, q: Pareto) -> Tensor:
    constant = q.alpha.log() + q.alpha * q.scale.log()
    result = (q.alpha + 1) * _expected_log(p) - constant - p.entropy()
    return where(p.low < q.scale, math.inf, result)


@register_kl(Bernoulli, Poisson)
def _bernoulli_to_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return q.rate - p.probs * q.rate.log() - p.entropy()


def _positive(p: Any, divergence: Tensor) -> Tensor:
    """Infinite where p has negative outcomes."""
    return where(p.low < 0, math.inf, divergence) if isinstance(p, Uniform) else divergence


def _with_moment(to_q: Divergence, order: int) -> Divergence:
    """For p a Pareto: infinite where its moment of that order is, without NaN in gradients."""

    def divergence(p: Pareto, q: Any) -> Tensor:
        finite = p.alpha > order
        tame = Pareto(p.scale, where(finite, p.alpha, order + 1.0), validate_args=False)
        return where(finite, to_q(tame, q), math.inf)

    return divergence


register_kl(Pareto, Normal)(_with_moment(_to_normal, 2))
register_kl(Pareto, Exponential)(_with_moment(_to_exponential, 1))
register_kl(Pareto, Gamma)(_with_moment(_to_gamma, 1))
