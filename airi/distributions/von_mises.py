"""VonMises: angles, much like Normal on a circle."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from airi.autograd.graph import wrap
from airi.autograd.mode import no_grad
from airi.distributions import constraints
from airi.distributions.distribution import Distribution
from airi.distributions.utils import broadcast_all, lazy_property
from airi.ops.bessel import i0e, i1e
from airi.random import generator_of
from airi.tensor import Tensor

__all__ = ["VonMises"]


class VonMises(Distribution):
    """Angles with density ``exp(concentration * cos(x - loc)) / (2 * pi * I0(concentration))``.

    `loc` is an angle in radians; samples lie in [-pi, pi).
    Source: ``torch.distributions.VonMises``.
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(
        self,
        loc: Tensor | float,
        concentration: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        """The circular variance, ``1 - I1(concentration) / I0(concentration)``."""
        return 1 - i1e(self.concentration) / i0e(self.concentration)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            spread = self.concentration.detach().numpy()
            noise = np.asarray(generator_of(None).numpy.vonmises(0.0, spread, shape))
            angles = wrap(noise.astype(spread.dtype)) + self.loc
            return (angles + math.pi) % (2 * math.pi) - math.pi

    def log_prob(self, value: Tensor) -> Tensor:
        k = self.concentration
        height = k * (self._checked(value) - self.loc).cos()
        # I0(k) = i0e(k) * e**k, which overflows only in the end
        return height - math.log(2 * math.pi) - i0e(k).log() - k
