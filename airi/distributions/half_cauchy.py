"""HalfCauchy: the absolute value of a Cauchy number."""

from __future__ import annotations

import math

from airi.distributions import constraints
from airi.distributions.cauchy import Cauchy
from airi.distributions.transformed_distribution import TransformedDistribution
from airi.distributions.transforms import AbsTransform
from airi.ops.creation import full_like, zeros_like
from airi.ops.elementwise import where
from airi.tensor import Tensor

__all__ = ["HalfCauchy"]


class HalfCauchy(TransformedDistribution):
    """|x| for x of ``Cauchy(0, scale)``. Source: ``torch.distributions.HalfCauchy``."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(Cauchy(0, scale, validate_args=False), AbsTransform(), validate_args)

    @property
    def scale(self) -> Tensor:
        return self.base_dist.scale

    @property
    def mean(self) -> Tensor:
        return full_like(self.scale, math.inf)

    @property
    def mode(self) -> Tensor:
        return zeros_like(self.scale)

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def log_prob(self, value: Tensor) -> Tensor:
        result = self.base_dist.log_prob(self._checked(value)) + math.log(2)
        return where(value >= 0, result, -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        return 2 * self.base_dist.cdf(self._checked(value)) - 1

    def icdf(self, value: Tensor) -> Tensor:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)
