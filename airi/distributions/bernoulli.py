"""Bernoulli: 1 with a probability, else 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from airi.autograd.mode import no_grad
from airi.distributions import constraints
from airi.distributions.distribution import ExponentialFamily
from airi.distributions.utils import (
    broadcast_all,
    exactly_one,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
)
from airi.ops.activation import logsigmoid
from airi.ops.elementwise import where
from airi.ops.random import bernoulli
from airi.ops.ranges import arange
from airi.tensor import Size, Tensor

__all__ = ["Bernoulli"]


class Bernoulli(ExponentialFamily):
    """1 with probability `probs`, else 0; `logits` are log-odds.

    Exactly one of both is given (ValueError). Example: ``Bernoulli(probs=0.3).sample((5,))``.
    Source: ``torch.distributions.Bernoulli``.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if exactly_one("Bernoulli", probs=probs, logits=logits) == "probs":
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        super().__init__(self._param.shape, validate_args=validate_args)

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

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        mode = (self.probs >= 0.5).type_as(self.probs)
        return where(self.probs == 0.5, math.nan, mode)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            return bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        return _log_prob(self.logits, self._checked(value))

    def entropy(self) -> Tensor:
        return -_log_prob(self.logits, self.probs)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(2, dtype=self._param.dtype)
        values = values.reshape(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Any) -> Tensor:  # type: ignore[override]
        return -logsigmoid(-x)


def _log_prob(logits: Tensor, value: Tensor) -> Tensor:
    """``value * log(p) + (1 - value) * log(1 - p)`` from log-odds of p."""
    return value * logits + logsigmoid(-logits)
