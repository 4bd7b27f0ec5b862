"""Pareto: few large and many small ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from airi.distributions import constraints
from airi.distributions.exponential import Exponential
from airi.distributions.transformed_distribution import TransformedDistribution
from airi.distributions.transforms import AffineTransform, ExpTransform
from airi.distributions.utils import broadcast_all
from airi.ops.elementwise import where
from airi.tensor import Tensor

__all__ = ["Pareto"]


class Pareto(TransformedDistribution):
    """Numbers from scale on with density ``alpha * scale**alpha / x**(alpha + 1)``.

    Source: ``torch.distributions.Pareto``.
    """

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(
        self, scale: Tensor | float, alpha: Tensor | float, validate_args: bool | None = None
    ) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args=validate_args)
        steps = [ExpTransform(), AffineTransform(0, self.scale)]
        super().__init__(base, steps, validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Pareto:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        Pareto.__init__(
            new, self.scale.expand(batch_shape), self.alpha.expand(batch_shape), validate_args=False
        )
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        a = self.alpha
        return where(a > 1, a * self.scale / (a - 1), math.inf)

    @property
    def mode(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        a = self.alpha
        return where(a > 2, self.scale**2 * a / ((a - 1) ** 2 * (a - 2)), math.inf)

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + (1 + 1 / self.alpha)
