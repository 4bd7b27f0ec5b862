"""TransformedDistribution: outcomes of a distribution, sent through transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from airi.autograd.mode import no_grad
from airi.distributions import constraints
from airi.distributions.distribution import Distribution
from airi.distributions.independent import Independent
from airi.distributions.transforms import ComposeTransform, Transform
from airi.distributions.utils import sum_rightmost
from airi.tensor import Size, Tensor

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """The distribution of y = t(x), for x from `base_distribution` and t one or more transforms.

    ``log p(y) = log p_base(t.inv(y)) - log|dy/dx|``. Raises ValueError for what is no transform.
    Example: ``TransformedDistribution(Uniform(0, 1), [SigmoidTransform().inv])``, a logistic.
    Source: ``torch.distributions.TransformedDistribution``.
    """

    arg_constraints: Any = {}
    base_dist: Any

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | list[Transform],
        validate_args: bool | None = None,
    ) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else transforms
        if not isinstance(self.transforms, list) or not all(
            isinstance(each, Transform) for each in self.transforms
        ):
            raise ValueError(
                "TransformedDistribution: transforms must be a Transform or a list of them, got "
                f"{transforms!r}"
            )
        whole = ComposeTransform(self.transforms)
        base_shape = (*base_distribution.batch_shape, *base_distribution.event_shape)
        if len(base_shape) < whole.domain.event_dim:
            raise ValueError(
                f"TransformedDistribution: the base distribution needs {whole.domain.event_dim} "
                f"dimensions at least, got shape {base_shape}"
            )
        shape = whole.forward_shape(base_shape)
        base_event_dim = len(base_distribution.event_shape)
        needed = whole.inverse_shape(shape)
        if tuple(needed) != base_shape:  # parameters of the transforms broadcast it
            batch_shape = needed[: len(needed) - base_event_dim]
            base_distribution = base_distribution.expand(batch_shape)
        if whole.domain.event_dim > base_event_dim:
            mixed = whole.domain.event_dim - base_event_dim
            base_distribution = Independent(base_distribution, mixed)
        self.base_dist = base_distribution
        grown = whole.codomain.event_dim - whole.domain.event_dim
        event_dim = max(base_event_dim + grown, whole.codomain.event_dim)
        cut = len(shape) - event_dim
        super().__init__(shape[:cut], shape[cut:], validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Self:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        new.__dict__.update(vars(self))
        whole = ComposeTransform(self.transforms)
        shape = whole.inverse_shape((*batch_shape, *self.event_shape))
        new.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        new._batch_shape = Size(batch_shape)
        return new

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return self.base_dist.has_rsample

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        if not self.transforms:
            return self.base_dist.support
        support = self.transforms[-1].codomain
        missing = len(self.event_shape) - support.event_dim
        return constraints.independent(support, missing) if missing > 0 else support

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            return self._transformed(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self._transformed(self.base_dist.rsample(sample_shape))

    def _transformed(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def log_prob(self, value: Tensor) -> Tensor:
        y = self._checked(value)
        event_dim = len(self.event_shape)
        result: Any = 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            slope = transform.log_abs_det_jacobian(x, y)
            result = result - sum_rightmost(slope, event_dim - transform.domain.event_dim)
            y = x
        base = self.base_dist.log_prob(y)
        return result + sum_rightmost(base, event_dim - len(self.base_dist.event_shape))

    def cdf(self, value: Tensor) -> Tensor:
        self._checked(value)
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        return self._turned(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._transformed(self.base_dist.icdf(self._turned(value)))

    def _turned(self, probability: Tensor) -> Tensor:
        """1 - probability where the transforms decrease."""
        sign = ComposeTransform(self.transforms).sign
        if isinstance(sign, int) and sign == 1:
            return probability
        return sign * (probability - 0.5) + 0.5

    def __repr__(self) -> str:
        if self.arg_constraints:
            return super().__repr__()
        return f"{type(self).__name__}({self.base_dist}, {self.transforms})"
