"""Laplace: two exponentials back to back."""

from __future__ import annotations

import math
from collections.abc import Sequence

from airi.distributions import constraints
from airi.distributions.distribution import Distribution
from airi.distributions.utils import broadcast_all
from airi.dtypes import finfo
from airi.ops.bounds import clamp
from airi.tensor import Tensor

__all__ = ["Laplace"]


class Laplace(Distribution):
    """Numbers with density ``exp(-|x - loc| / scale) / (2 * scale)``.

    Source: ``torch.distributions.Laplace``.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(
        self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return math.sqrt(2) * self.scale

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale**2

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        limits = finfo(self.loc.dtype)
        at = self.loc.new_empty(self._extended_shape(sample_shape)).uniform_(limits.eps - 1, 1)
        rest = (-clamp(at.abs(), min=limits.tiny)).log1p()
        return self.loc - self.scale * at.sign() * rest

    def log_prob(self, value: Tensor) -> Tensor:
        distance = (self._checked(value) - self.loc).abs() / self.scale
        return -(2 * self.scale).log() - distance

    def cdf(self, value: Tensor) -> Tensor:
        distance = self._checked(value) - self.loc
        return 0.5 - 0.5 * distance.sign() * (-distance.abs() / self.scale).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        rest = value - 0.5
        return self.loc - self.scale * rest.sign() * (-2 * rest.abs()).log1p()

    def entropy(self) -> Tensor:
        return 1 + (2 * self.scale).log()
