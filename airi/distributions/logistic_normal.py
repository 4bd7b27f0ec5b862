"""LogisticNormal: random probabilities from normal numbers."""

from __future__ import annotations

from airi.distributions import constraints
from airi.distributions.normal import Normal
from airi.distributions.transformed_distribution import TransformedDistribution
from airi.distributions.transforms import StickBreakingTransform
from airi.tensor import Tensor

__all__ = ["LogisticNormal"]


class LogisticNormal(TransformedDistribution):
    """Vectors of n + 1 probabilities: n numbers of ``Normal(loc, scale)``, by stick breaking.

    Source: ``torch.distributions.LogisticNormal``.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex

    def __init__(
        self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None
    ) -> None:
        base = Normal(loc, scale, validate_args=validate_args)
        if not base.batch_shape:
            base = base.expand((1,))
        super().__init__(base, StickBreakingTransform(), validate_args)

    @property
    def loc(self) -> Tensor:
        return self.base_dist.base_dist.loc

    @property
    def scale(self) -> Tensor:
        return self.base_dist.base_dist.scale
