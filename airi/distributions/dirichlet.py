"""Dirichlet: random probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airi.distributions import constraints
from airi.distributions.distribution import ExponentialFamily
from airi.distributions.utils import require_dims
from airi.ops.bounds import clamp
from airi.ops.elementwise import where
from airi.ops.gamma_sample import standard_gamma
from airi.ops.ranges import arange
from airi.ops.transcendental import xlogy
from airi.tensor import Tensor

__all__ = ["Dirichlet"]


class Dirichlet(ExponentialFamily):
    """Vectors x of probabilities with density in proportion to the product of ``x**(a - 1)``, for a
    the concentration, of shape (..., n).

    Samples, which have gradients, are gamma-distributed numbers divided by their sum. Raises
    ValueError for a concentration without dimension. Source: ``torch.distributions.Dirichlet``.
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        require_dims("Dirichlet", "concentration", concentration, 1)
        self.concentration = concentration
        shape = concentration.shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        above = clamp(self.concentration - 1, min=0.0)
        mode = above / above.sum(-1, True)
        # Where all are below 1 the density is infinite at every corner; as in PyTorch the first.
        at_corners = (self.concentration < 1).all(-1, keepdim=True)
        first = arange(mode.shape[-1]) == 0
        return where(at_corners, first.type_as(mode), mode)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total**2 * (total + 1))

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        parts = standard_gamma(self.concentration.expand(shape))
        return parts / parts.sum(-1, True)

    def log_prob(self, value: Tensor) -> Tensor:
        a, value = self.concentration, self._checked(value)
        return xlogy(a - 1, value).sum(-1) + a.sum(-1).lgamma() - a.lgamma().sum(-1)

    def entropy(self) -> Tensor:
        a, count = self.concentration, self.concentration.shape[-1]
        total = a.sum(-1)
        return (
            a.lgamma().sum(-1)
            - total.lgamma()
            - (count - total) * total.digamma()
            - ((a - 1) * a.digamma()).sum(-1)
        )

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.concentration,)

    def _log_normalizer(self, x: Any) -> Tensor:  # type: ignore[override]
        return x.lgamma().sum(-1) - x.sum(-1).lgamma()
