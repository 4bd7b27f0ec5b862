"""Gamma: how long it takes until something has happened a number of times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airi.distributions import constraints
from airi.distributions.distribution import ExponentialFamily
from airi.distributions.utils import broadcast_all
from airi.dtypes import finfo
from airi.ops.bounds import clamp
from airi.ops.gamma import igamma
from airi.ops.gamma_sample import standard_gamma
from airi.ops.transcendental import xlogy
from airi.tensor import Tensor

__all__ = ["Gamma"]


class Gamma(ExponentialFamily):
    """Positive numbers with density ``rate**a * x**(a - 1) * exp(-rate * x) / gamma(a)``, for a the
    concentration.

    Samples have gradients to both parameters. Source: ``torch.distributions.Gamma``.
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(
        self,
        concentration: Tensor | float,
        rate: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return clamp((self.concentration - 1) / self.rate, min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate**2

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        value = standard_gamma(self.concentration.expand(shape)) / self.rate
        # Where it rounds to 0 its log would be infinite.
        value.detach().clamp_(min=finfo(value.dtype).tiny)
        return value

    def log_prob(self, value: Tensor) -> Tensor:
        a, value = self.concentration, self._checked(value)
        return xlogy(a, self.rate) + xlogy(a - 1, value) - self.rate * value - a.lgamma()

    def cdf(self, value: Tensor) -> Tensor:
        return igamma(self.concentration, self.rate * self._checked(value))

    def entropy(self) -> Tensor:
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1 - a) * a.digamma()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x: Any, y: Any) -> Tensor:  # type: ignore[override]
        return (x + 1).lgamma() + (x + 1) * (-1 / y).log()
