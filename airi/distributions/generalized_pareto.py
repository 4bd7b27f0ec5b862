"""GeneralizedPareto: what is left of many distributions far out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from airi.distributions import constraints
from airi.distributions.distribution import Distribution
from airi.distributions.utils import broadcast_all
from airi.ops.elementwise import where
from airi.ops.random import rand
from airi.tensor import Tensor

__all__ = ["GeneralizedPareto"]

_ZERO = 1e-8  # concentrations up to here are taken for 0


class GeneralizedPareto(Distribution):
    """Numbers from loc on with ``1 - cdf = (1 + c * z)**(-1 / c)``, z = (x - loc) / scale, c the
    concentration.

    For c = 0 it is an exponential distribution; for c below 0 it ends at ``loc - scale / c``.
    Source: ``torch.distributions.GeneralizedPareto``.
    """

    arg_constraints = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }
    has_rsample = True

    def __init__(
        self,
        loc: Tensor | float,
        scale: Tensor | float,
        concentration: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        c = self.concentration
        end = self.loc - self.scale / where(c < 0, c, 1.0)
        return constraints.interval(self.loc, where(c < 0, end, math.inf))

    @property
    def mean(self) -> Tensor:
        c = self.concentration
        return where(c < 1, self.loc + self.scale / (1 - where(c < 1, c, 0.5)), math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        finite = self.concentration < 0.5
        c = where(finite, self.concentration, 0.25)
        return where(finite, self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)), math.nan)

    def _parted(self) -> tuple[Tensor, Tensor]:
        """Where the concentration is 0, and the concentration with 1 in those places."""
        flat = self.concentration.abs() <= _ZERO
        return flat, where(flat, 1.0, self.concentration)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.icdf(rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        z = (self._checked(value) - self.loc) / self.scale
        flat, c = self._parted()
        power = 1 / c + 1
        curved = where(power == 0, 0.0, power * (c * z).log1p())
        return -self.scale.log() - where(flat, z, curved)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """``log(1 - cdf(value))``"""
        z = (self._checked(value) - self.loc) / self.scale
        flat, c = self._parted()
        return where(flat, -z, -(c * z).log1p() / c)

    def log_cdf(self, value: Tensor) -> Tensor:
        """``log(cdf(value))``"""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Tensor) -> Tensor:
        return -self.log_survival_function(value).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        flat, c = self._parted()
        survival = (-value).log1p()
        return self.loc + self.scale * where(flat, -survival, (-c * survival).expm1() / c)

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1
