"""Categorical: one of n, each with its probability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from airi.autograd.mode import no_grad
from airi.distributions import constraints
from airi.distributions.distribution import Distribution
from airi.distributions.utils import (
    exactly_one,
    lazy_property,
    logits_to_probs,
    normalized,
    probs_to_logits,
    require_dims,
)
from airi.dtypes import finfo, int64
from airi.ops.creation import full
from airi.ops.joining import broadcast_tensors
from airi.ops.random import multinomial
from airi.ops.ranges import arange
from airi.tensor import Size, Tensor

__all__ = ["Categorical"]


class Categorical(Distribution):
    """Integers 0 to n - 1 with probabilities `probs`, of shape (..., n).

    `probs` need not sum to 1, nor `logits` be normalized: both are divided by what they sum to.
    Exactly one of both is given (ValueError). Example: ``Categorical(logits=net(x)).sample()``.
    Source: ``torch.distributions.Categorical``.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        name = exactly_one("Categorical", probs=probs, logits=logits)
        given: Any = probs if name == "probs" else logits
        require_dims("Categorical", name, given, 1)
        if name == "probs":
            self.probs = given / given.sum(-1, keepdim=True)
        else:
            self.logits = normalized(given)
        self._num_events = given.shape[-1]
        super().__init__(given.shape[:-1], validate_args=validate_args)

    @property
    def _param(self) -> Tensor:
        """What was given, normalized: the probabilities or the logits."""
        if "probs" in vars(self):
            return self.probs
        return self.logits

    @property
    def param_shape(self) -> Size:
        return self._param.shape

    @lazy_property
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits)

    @lazy_property
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        return full(self._batch_shape, math.nan, dtype=self.probs.dtype)

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    @property
    def variance(self) -> Tensor:
        return full(self._batch_shape, math.nan, dtype=self.probs.dtype)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        rows = self.probs.detach().reshape(-1, self._num_events)
        with no_grad():
            drawn = multinomial(rows, math.prod(sample_shape), True)
        return drawn.T.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        index = self._checked(value).to(int64).unsqueeze(-1)
        # Broadcast the batch dimensions of both, not the last.
        index, logits = broadcast_tensors(index, self.logits)
        return logits.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        least = finfo(self.logits.dtype).min
        return -(self.logits.clamp(min=least) * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(self._num_events).reshape(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values
