"""Weibull: lifetimes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airi.distributions import constraints
from airi.distributions.exponential import Exponential
from airi.distributions.transformed_distribution import TransformedDistribution
from airi.distributions.transforms import AffineTransform, PowerTransform
from airi.distributions.utils import EULER, broadcast_all
from airi.ops.creation import ones_like
from airi.tensor import Tensor

__all__ = ["Weibull"]


class Weibull(TransformedDistribution):
    """``scale * x**(1 / concentration)`` for x of ``Exponential(1)``.

    Source: ``torch.distributions.Weibull``.
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(
        self,
        scale: Tensor | float,
        concentration: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        self.concentration_reciprocal = 1 / self.concentration
        base = Exponential(ones_like(self.scale), validate_args=validate_args)
        steps = [PowerTransform(self.concentration_reciprocal), AffineTransform(0, self.scale)]
        super().__init__(base, steps, validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Weibull:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        Weibull.__init__(
            new,
            self.scale.expand(batch_shape),
            self.concentration.expand(batch_shape),
            validate_args=False,
        )
        new._validate_args = self._validate_args
        return new

    @property
    def mean(self) -> Tensor:
        return self.scale * (1 + self.concentration_reciprocal).lgamma().exp()

    @property
    def mode(self) -> Tensor:
        k = self.concentration
        return self.scale * ((k - 1) / k) ** (1 / k)

    @property
    def variance(self) -> Tensor:
        first = (2 * (1 + self.concentration_reciprocal).lgamma()).exp()
        second = (1 + 2 * self.concentration_reciprocal).lgamma().exp()
        return self.scale**2 * (second - first)

    def entropy(self) -> Tensor:
        shape = self.concentration_reciprocal
        return EULER * (1 - shape) + (self.scale * shape).log() + 1
