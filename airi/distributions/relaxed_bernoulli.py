"""RelaxedBernoulli: a soft coin, whose samples have gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from airi.distributions import constraints
from airi.distributions.distribution import Distribution
from airi.distributions.transformed_distribution import TransformedDistribution
from airi.distributions.transforms import SigmoidTransform
from airi.distributions.utils import (
    broadcast_all,
    clamp_probs,
    exactly_one,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
)
from airi.ops.random import rand
from airi.tensor import Size, Tensor

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(Distribution):
    """The log-odds of a RelaxedBernoulli: ``(logits + logistic noise) / temperature``.

    Source: Maddison, Mnih and Teh, The Concrete Distribution (2017);
    ``torch.distributions.relaxed_bernoulli.LogitRelaxedBernoulli``.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        temperature: Tensor | float,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature: Any = temperature
        if exactly_one("LogitRelaxedBernoulli", probs=probs, logits=logits) == "probs":
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> LogitRelaxedBernoulli:
        temperature, self.temperature = self.temperature, None  # has a shape of its own
        new = super().expand(batch_shape, _instance)
        new.temperature = self.temperature = temperature
        return new

    @property
    def _param(self) -> Tensor:
        """What was given: the probabilities or the logits."""
        if "probs" in vars(self):
            return self.probs
        return self.logits

    @property
    def param_shape(self) -> Size:
        return self._param.shape

    @lazy_property
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits, is_binary=True)

    @lazy_property
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs, is_binary=True)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        noise = clamp_probs(rand(shape, dtype=probs.dtype))
        odds = noise.log() - (-noise).log1p() + probs.log() - (-probs).log1p()
        return odds / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, self._checked(value))
        distance = logits - value * self.temperature
        t = self.temperature
        constant = t.log() if isinstance(t, Tensor) else math.log(t)
        return constant + distance - 2 * distance.exp().log1p()


class RelaxedBernoulli(TransformedDistribution):
    """Numbers between 0 and 1 that tend to a Bernoulli's as `temperature` falls to 0.

    Exactly one of `probs` and `logits` is given (ValueError). Samples have gradients.
    Source: Maddison, Mnih and Teh, The Concrete Distribution (2017); Jang, Gu and Poole,
    Categorical Reparameterization with Gumbel-Softmax (2017);
    ``torch.distributions.RelaxedBernoulli``.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval

    def __init__(
        self,
        temperature: Tensor | float,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, SigmoidTransform(), validate_args)

    @property
    def temperature(self) -> Tensor:
        return self.base_dist.temperature

    @property
    def probs(self) -> Tensor:
        return self.base_dist.probs

    @property
    def logits(self) -> Tensor:
        return self.base_dist.logits
