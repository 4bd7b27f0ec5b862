"""Binomial: how many of a number of trials succeed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airi.autograd.mode import no_grad
from airi.distributions import constraints
from airi.distributions.distribution import Distribution
from airi.distributions.utils import (
    broadcast_all,
    exactly_one,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
)
from airi.ops.activation import logsigmoid
from airi.ops.random import binomial
from airi.ops.ranges import arange
from airi.tensor import Size, Tensor

__all__ = ["Binomial"]


class Binomial(Distribution):
    """The number of successes in `total_count` trials, each of probability `probs`.

    Exactly one of `probs` and `logits` is given (ValueError).
    Source: ``torch.distributions.Binomial``.
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    def __init__(
        self,
        total_count: Tensor | int = 1,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if exactly_one("Binomial", probs=probs, logits=logits) == "probs":
            self.total_count, self.probs = broadcast_all(total_count, probs)
            self.total_count = self.total_count.type_as(self.probs)
        else:
            self.total_count, self.logits = broadcast_all(total_count, logits)
            self.total_count = self.total_count.type_as(self.logits)
        super().__init__(self.total_count.shape, validate_args=validate_args)

    @lazy_property
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits, is_binary=True)

    @lazy_property
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs, is_binary=True)

    @property
    def param_shape(self) -> Size:
        return self.total_count.shape

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        n, value = self.total_count, self._checked(value)
        ways = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        return ways + value * self.logits + n * logsigmoid(-self.logits)

    def entropy(self) -> Tensor:
        """Summed over all outcomes; NotImplementedError where the counts differ."""
        count = int(self.total_count.max())
        if not (self.total_count == count).all():
            raise NotImplementedError("Binomial: entropy needs one total_count for all")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        count = int(self.total_count.max())
        if not (self.total_count == count).all():
            raise NotImplementedError("Binomial: enumerate_support needs one total_count for all")
        values = arange(1 + count, dtype=self.total_count.dtype)
        values = values.reshape(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values
