"""MixtureSameFamily: an outcome of one of several distributions of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airi.autograd.mode import no_grad
from airi.distributions import constraints
from airi.distributions.categorical import Categorical
from airi.distributions.distribution import Distribution
from airi.ops.reduction import logsumexp
from airi.tensor import Size, Tensor

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """Outcomes of a component that `mixture_distribution`, a Categorical, chooses.

    The components are the rightmost batch dimension of `component_distribution`, whose others
    broadcast with the mixture's. Raises ValueError where they do not fit.
    Example: ``MixtureSameFamily(Categorical(ones(3)), Normal(randn(3), ones(3)))``.
    Source: ``torch.distributions.MixtureSameFamily``.
    """

    arg_constraints: Any = {}

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                "MixtureSameFamily: mixture_distribution must be a Categorical, got a "
                f"{type(mixture_distribution).__name__}"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "MixtureSameFamily: component_distribution must be a Distribution, got a "
                f"{type(component_distribution).__name__}"
            )
        mixtures = tuple(mixture_distribution.batch_shape)
        components = tuple(component_distribution.batch_shape[:-1])
        pairs = zip(reversed(mixtures), reversed(components), strict=False)
        if any(1 not in pair and pair[0] != pair[1] for pair in pairs):
            raise ValueError(
                f"MixtureSameFamily: batch shapes {mixtures} of the mixture and {components} of "
                "the components do not fit"
            )
        count = mixture_distribution.logits.shape[-1]
        if count != component_distribution.batch_shape[-1]:
            raise ValueError(
                f"MixtureSameFamily: {count} probabilities for "
                f"{component_distribution.batch_shape[-1]} components"
            )
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        event_shape = component_distribution.event_shape
        self._event_ndims = len(event_shape)
        super().__init__(components, event_shape, validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> MixtureSameFamily:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        new.__dict__.update(vars(self))
        count = self._component_distribution.batch_shape[-1]
        new._component_distribution = self._component_distribution.expand((*batch_shape, count))
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        new._batch_shape = Size(batch_shape)
        return new

    @property
    def mixture_distribution(self) -> Categorical:
        """Which component is taken."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components, in the rightmost batch dimension."""
        return self._component_distribution

    @constraints.dependent_property
    def support(self) -> Any:
        return _MixtureSupport(self._component_distribution.support, self._event_ndims)

    @property
    def mean(self) -> Tensor:
        return self._mixed(self.component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        """The mean of the variances plus the variance of the means."""
        means = self.component_distribution.mean
        within = self._mixed(self.component_distribution.variance)
        return within + self._mixed((means - self._padded(self.mean)) ** 2)

    def _mixed(self, values: Tensor) -> Tensor:
        """The mean over the components."""
        probs = self.mixture_distribution.probs
        shape = (*probs.shape, *(1,) * self._event_ndims)
        return (probs.reshape(shape) * values).sum(-1 - self._event_ndims)

    def _padded(self, value: Tensor) -> Tensor:
        """With a dimension for the components."""
        return value.unsqueeze(-1 - self._event_ndims)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            chosen = self.mixture_distribution.expand(self.batch_shape).sample(sample_shape)
            samples = self.component_distribution.sample(sample_shape)
            dim = samples.ndim - 1 - self._event_ndims
            index = chosen.reshape((*chosen.shape, *(1,) * (self._event_ndims + 1)))
            sizes = list(samples.shape)
            sizes[dim] = 1
            return samples.gather(dim, index.expand(sizes)).squeeze(dim)

    def log_prob(self, value: Tensor) -> Tensor:
        value = self._padded(self._checked(value))
        weights = self.mixture_distribution.logits.log_softmax(-1)
        return logsumexp(self.component_distribution.log_prob(value) + weights, -1)

    def cdf(self, value: Tensor) -> Tensor:
        below = self.component_distribution.cdf(self._padded(value))
        return (below * self.mixture_distribution.probs).sum(-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamily({self.mixture_distribution}, {self.component_distribution})"


class _MixtureSupport(constraints.Constraint):
    """The outcomes of any component; all have the same kind of support."""

    def __init__(self, base: constraints.Constraint, event_ndims: int) -> None:
        self.base = base
        self._event_ndims = event_ndims

    @property
    def is_discrete(self) -> bool:
        return self.base.is_discrete

    @property
    def event_dim(self) -> int:
        return self.base.event_dim

    def check(self, value: Tensor) -> Tensor:
        inside = self.base.check(value.unsqueeze(-1 - self._event_ndims))
        dim = -1 - (self._event_ndims - self.base.event_dim)
        return inside.any(dim)
