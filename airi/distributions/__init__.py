"""Probability distributions: samples, log-probabilities, entropies, divergences, with gradients.

Two ways to let gradients through a random choice. The score function, for policies::

    m = Categorical(logits=policy(state))
    action = m.sample()
    loss = -m.log_prob(action) * reward(action)

and the path of the sample, where ``has_rsample``::

    z = Normal(mean, std).rsample()
    loss = decoder(z).square().sum() + kl_divergence(Normal(mean, std), Normal(0.0, 1.0)).sum()

Names, arguments and the files are those of ``torch.distributions``.
"""

# ruff: noqa: F401, F403  # kl_pairs is imported for what it registers

from airi.distributions import constraints, kl_pairs, transforms
from airi.distributions.bernoulli import Bernoulli
from airi.distributions.beta import Beta
from airi.distributions.binomial import Binomial
from airi.distributions.categorical import Categorical
from airi.distributions.cauchy import Cauchy
from airi.distributions.chi2 import Chi2
from airi.distributions.constraint_registry import biject_to, transform_to
from airi.distributions.continuous_bernoulli import ContinuousBernoulli
from airi.distributions.dirichlet import Dirichlet
from airi.distributions.distribution import Distribution
from airi.distributions.exp_family import ExponentialFamily
from airi.distributions.exponential import Exponential
from airi.distributions.fishersnedecor import FisherSnedecor
from airi.distributions.gamma import Gamma
from airi.distributions.generalized_pareto import GeneralizedPareto
from airi.distributions.geometric import Geometric
from airi.distributions.gumbel import Gumbel
from airi.distributions.half_cauchy import HalfCauchy
from airi.distributions.half_normal import HalfNormal
from airi.distributions.independent import Independent
from airi.distributions.inverse_gamma import InverseGamma
from airi.distributions.kl import kl_divergence, register_kl
from airi.distributions.kumaraswamy import Kumaraswamy
from airi.distributions.laplace import Laplace
from airi.distributions.lkj_cholesky import LKJCholesky
from airi.distributions.log_normal import LogNormal
from airi.distributions.logistic_normal import LogisticNormal
from airi.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from airi.distributions.mixture_same_family import MixtureSameFamily
from airi.distributions.multinomial import Multinomial
from airi.distributions.multivariate_normal import MultivariateNormal
from airi.distributions.negative_binomial import NegativeBinomial
from airi.distributions.normal import Normal
from airi.distributions.one_hot_categorical import (
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
)
from airi.distributions.pareto import Pareto
from airi.distributions.poisson import Poisson
from airi.distributions.relaxed_bernoulli import RelaxedBernoulli
from airi.distributions.relaxed_categorical import RelaxedOneHotCategorical
from airi.distributions.studentT import StudentT
from airi.distributions.transformed_distribution import TransformedDistribution
from airi.distributions.transforms import *
from airi.distributions.uniform import Uniform
from airi.distributions.von_mises import VonMises
from airi.distributions.weibull import Weibull
from airi.distributions.wishart import Wishart

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Chi2",
    "ContinuousBernoulli",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "ExponentialFamily",
    "FisherSnedecor",
    "Gamma",
    "GeneralizedPareto",
    "Geometric",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "Independent",
    "InverseGamma",
    "Kumaraswamy",
    "LKJCholesky",
    "Laplace",
    "LogNormal",
    "LogisticNormal",
    "LowRankMultivariateNormal",
    "MixtureSameFamily",
    "Multinomial",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "Pareto",
    "Poisson",
    "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
    "StudentT",
    "TransformedDistribution",
    "Uniform",
    "VonMises",
    "Weibull",
    "Wishart",
    "biject_to",
    "constraints",
    "kl_divergence",
    "register_kl",
    "transform_to",
    "transforms",
]
__all__ += transforms.__all__
