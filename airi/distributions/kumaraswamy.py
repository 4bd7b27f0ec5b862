"""Kumaraswamy: much like Beta, with a cdf in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from airi.distributions import constraints
from airi.distributions.transformed_distribution import TransformedDistribution
from airi.distributions.transforms import AffineTransform, PowerTransform
from airi.distributions.uniform import Uniform
from airi.distributions.utils import EULER, broadcast_all
from airi.ops.creation import full_like
from airi.ops.elementwise import where
from airi.tensor import Tensor

__all__ = ["Kumaraswamy"]


class Kumaraswamy(TransformedDistribution):
    """Numbers in [0, 1] with cdf ``1 - (1 - x**a)**b``, for a `concentration1`, b `concentration0`.

    Source: ``torch.distributions.Kumaraswamy``.
    """

    arg_constraints = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval

    def __init__(
        self,
        concentration1: Tensor | float,
        concentration0: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        zero = full_like(self.concentration0, 0.0)
        base = Uniform(zero, zero + 1, validate_args=validate_args)
        steps = [
            PowerTransform(1 / self.concentration0),
            AffineTransform(1.0, -1.0),
            PowerTransform(1 / self.concentration1),
        ]
        super().__init__(base, steps, validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Kumaraswamy:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        Kumaraswamy.__init__(
            new,
            self.concentration1.expand(batch_shape),
            self.concentration0.expand(batch_shape),
            validate_args=False,
        )
        new._validate_args = self._validate_args
        return new

    def _moment(self, n: int) -> Tensor:
        """The expected ``x**n``."""
        b, share = self.concentration0, 1 + n / self.concentration1
        return (b.log() + share.lgamma() + b.lgamma() - (share + b).lgamma()).exp()

    @property
    def mean(self) -> Tensor:
        return self._moment(1)

    @property
    def mode(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        inside = (a >= 1) & (b >= 1) & ~((a == 1) & (b == 1))
        mode = ((a - 1) / (a * b - 1)) ** (1 / a)
        return where(inside, mode, math.nan)

    @property
    def variance(self) -> Tensor:
        return self._moment(2) - self._moment(1) ** 2

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        harmonic = (b + 1).digamma() + EULER
        return (1 - 1 / b) + (1 - 1 / a) * harmonic - a.log() - b.log()
