"""Multinomial: how often each of n comes up in a number of draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airi.autograd.mode import no_grad
from airi.distributions import constraints
from airi.distributions.binomial import Binomial
from airi.distributions.categorical import Categorical
from airi.distributions.distribution import Distribution
from airi.distributions.utils import broadcast_all
from airi.ops.creation import ones_like
from airi.tensor import Size, Tensor

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """The counts of each of n outcomes of ``Categorical(probs, logits)`` in `total_count` draws.

    `total_count` is an int, the same for all (NotImplementedError for a Tensor).
    Source: ``torch.distributions.Multinomial``.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("Multinomial: total_count must be an int, the same for all")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits, validate_args=validate_args)
        self._binomial = Binomial(total_count, probs=self.probs, validate_args=False)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Multinomial:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        new.__dict__.update(vars(self))
        new._categorical = self._categorical.expand(batch_shape)
        new._binomial = self._binomial.expand((*batch_shape, *self.event_shape))
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

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            draws = self._categorical.sample((self.total_count, *sample_shape))
            counts = draws.new_zeros(self._extended_shape(sample_shape))
            # From (draws, ...) to (..., draws): along the last dimension they are counted.
            draws = draws.movedim(0, -1)
            return counts.scatter_add(-1, draws, ones_like(draws)).type_as(self.probs)

    def log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, self._checked(value))
        ways = (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1)
        impossible = (value == 0) & (logits == float("-inf"))
        return ways + (logits.masked_fill(impossible, 0.0) * value).sum(-1)

    def entropy(self) -> Tensor:
        n = self.probs.new_tensor(float(self.total_count))
        draws = n * self._categorical.entropy() - (n + 1).lgamma()
        support = self._binomial.enumerate_support(expand=False)[1:]
        weights = self._binomial.log_prob(support).exp()
        return draws + (weights * (support + 1).lgamma()).sum((0, -1))
