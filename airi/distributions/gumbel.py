"""Gumbel: the greatest of many numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from airi.distributions import constraints
from airi.distributions.transformed_distribution import TransformedDistribution
from airi.distributions.transforms import AffineTransform, ExpTransform
from airi.distributions.uniform import Uniform
from airi.distributions.utils import EULER, broadcast_all
from airi.dtypes import finfo
from airi.ops.creation import full_like, ones_like
from airi.tensor import Tensor

__all__ = ["Gumbel"]


class Gumbel(TransformedDistribution):
    """Numbers with cdf ``exp(-exp(-(x - loc) / scale))``.

    Source: ``torch.distributions.Gumbel``.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real

    def __init__(
        self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        limits = finfo(self.loc.dtype)
        low = full_like(self.loc, limits.tiny)
        base = Uniform(low, full_like(self.loc, 1 - limits.eps), validate_args=validate_args)
        log = ExpTransform().inv
        steps = [
            log,
            AffineTransform(0, -ones_like(self.scale)),
            log,
            AffineTransform(self.loc, -self.scale),
        ]
        super().__init__(base, steps, validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Gumbel:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        Gumbel.__init__(
            new, self.loc.expand(batch_shape), self.scale.expand(batch_shape), validate_args=False
        )
        new._validate_args = self._validate_args
        return new

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * EULER

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return math.pi / math.sqrt(6) * self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev**2

    def log_prob(self, value: Tensor) -> Tensor:
        distance = (self.loc - self._checked(value)) / self.scale
        return distance - distance.exp() - self.scale.log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + EULER)
