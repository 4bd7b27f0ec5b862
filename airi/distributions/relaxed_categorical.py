"""RelaxedOneHotCategorical: a soft choice, whose samples have gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from airi.distributions import constraints
from airi.distributions.categorical import Categorical
from airi.distributions.distribution import Distribution
from airi.distributions.transformed_distribution import TransformedDistribution
from airi.distributions.transforms import ExpTransform
from airi.distributions.utils import broadcast_all, clamp_probs
from airi.ops.creation import full_like
from airi.ops.random import rand
from airi.ops.reduction import logsumexp
from airi.tensor import Size, Tensor

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(Distribution):
    """The logs of a RelaxedOneHotCategorical: log-softmax of ``(logits + Gumbel noise) / t``.

    Source: Maddison, Mnih and Teh, The Concrete Distribution (2017);
    ``torch.distributions.relaxed_categorical.ExpRelaxedCategorical``.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        temperature: Tensor | float,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature: Any = temperature
        self._categorical = Categorical(probs, logits)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> ExpRelaxedCategorical:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        new.__dict__.update(vars(self))
        new._categorical = self._categorical.expand(batch_shape)
        new._batch_shape = Size(batch_shape)
        return new

    @property
    def probs(self) -> Tensor:
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        return self._categorical.logits

    @property
    def param_shape(self) -> Size:
        return self._categorical.param_shape

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        noise = clamp_probs(rand(shape, dtype=self.logits.dtype))
        gumbels = -(-noise.log()).log()
        scores = (self.logits + gumbels) / self.temperature
        return scores - logsumexp(scores, -1, keepdim=True)

    def log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, self._checked(value))
        n, t = self.event_shape[0], self.temperature
        log_t = t.log() if isinstance(t, Tensor) else math.log(t)
        constant = full_like(logits[..., 0], math.lgamma(n)) + (n - 1) * log_t
        scores = logits - value * t
        return (scores - logsumexp(scores, -1, keepdim=True)).sum(-1) + constant


class RelaxedOneHotCategorical(TransformedDistribution):
    """Vectors of probabilities that tend to a OneHotCategorical's as `temperature` falls to 0.

    Also known as Gumbel-softmax. Exactly one of `probs` and `logits` is given (ValueError).
    Source: Maddison, Mnih and Teh, The Concrete Distribution (2017); Jang, Gu and Poole,
    Categorical Reparameterization with Gumbel-Softmax (2017);
    ``torch.distributions.RelaxedOneHotCategorical``.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex

    def __init__(
        self,
        temperature: Tensor | float,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args)

    @property
    def temperature(self) -> Tensor:
        return self.base_dist.temperature

    @property
    def probs(self) -> Tensor:
        return self.base_dist.probs

    @property
    def logits(self) -> Tensor:
        return self.base_dist.logits
