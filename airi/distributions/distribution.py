"""Distribution and ExponentialFamily: what all distributions share."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from airi.autograd import grad
from airi.autograd.mode import enable_grad, no_grad
from airi.distributions import constraints
from airi.distributions.utils import lazy_property, sum_rightmost
from airi.tensor import Size, Tensor

__all__ = ["Distribution", "ExponentialFamily"]


class Distribution:
    """Base class of probability distributions.

    `batch_shape` is the shape of the parameters: so many distributions, each on its own;
    `event_shape` is that of one outcome. A sample has shape ``sample_shape + batch_shape +
    event_shape`` and ``log_prob`` of a value the shape without the event's. Unless
    ``validate_args=False``, parameters and values out of range raise ValueError.

    Subclasses define ``arg_constraints``, ``support`` and what of ``sample rsample log_prob entropy
    cdf icdf mean mode variance enumerate_support`` they have; the rest raises NotImplementedError.
    Source: ``torch.distributions.Distribution``.
    """

    has_rsample: ClassVar[bool] = False
    has_enumerate_support: ClassVar[bool] = False
    arg_constraints: Any = None
    _validate_args: bool = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check their arguments from now on, unless told."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: expected True or False, got {value!r}")
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Sequence[int] = (),
        event_shape: Sequence[int] = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self) -> None:
        if self.arg_constraints is None:
            warnings.warn(
                f"{type(self).__name__} has no arg_constraints; set it to {{}} or pass "
                "validate_args=False",
                stacklevel=3,
            )
            return
        for name, constraint in self.arg_constraints.items():
            lazy = isinstance(getattr(type(self), name, None), lazy_property)
            if constraints.is_dependent(constraint) or (lazy and name not in vars(self)):
                continue  # cannot be checked, or was not given
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"{type(self).__name__}: parameter {name} must satisfy {constraint}, got a "
                    f"{type(value).__name__} of shape {tuple(value.shape)} with values\n{value}"
                )

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Self:
        """The same distribution with parameters expanded to `batch_shape`, without copies."""
        new = type(self).__new__(type(self)) if _instance is None else _instance
        shape, before = Size(batch_shape), len(self._batch_shape)
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                value = value.expand(shape + value.shape[before:])
            elif isinstance(value, Distribution):
                value = value.expand(shape)
            new.__dict__[name] = value
        new._batch_shape = shape
        return new

    # -- what it is -------------------------------------------------------------------------------

    @property
    def batch_shape(self) -> Size:
        """The shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one outcome."""
        return self._event_shape

    @property
    def support(self) -> Any:
        """The constraint that every outcome satisfies."""
        raise self._has_no("support")

    @property
    def mean(self) -> Tensor:
        """The expected outcome."""
        raise self._has_no("mean")

    @property
    def mode(self) -> Tensor:
        """The most probable outcome."""
        raise self._has_no("mode")

    @property
    def variance(self) -> Tensor:
        """The expected square of the distance from the mean."""
        raise self._has_no("variance")

    @property
    def stddev(self) -> Tensor:
        """The square root of the variance."""
        return self.variance.sqrt()

    # -- samples ----------------------------------------------------------------------------------

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Outcomes at random, of shape ``sample_shape + batch_shape + event_shape``."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """As `sample`, with gradients to the parameters (where ``has_rsample``)."""
        raise self._has_no("rsample")

    def sample_n(self, n: int) -> Tensor:
        """``sample((n,))``, its old name."""
        return self.sample((n,))

    def _extended_shape(self, sample_shape: Sequence[int] = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    # -- probabilities ----------------------------------------------------------------------------

    def log_prob(self, value: Tensor) -> Tensor:
        """The log of the probability, or of the density, of `value`."""
        raise self._has_no("log_prob")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of an outcome of at most `value`."""
        raise self._has_no("cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """The outcome at which `cdf` is `value`."""
        raise self._has_no("icdf")

    def entropy(self) -> Tensor:
        """The expected ``-log_prob`` of an outcome, in nats."""
        raise self._has_no("entropy")

    def perplexity(self) -> Tensor:
        """e to the power of the entropy."""
        return self.entropy().exp()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All outcomes of a discrete distribution along a new first dimension.

        With ``expand=False`` the batch dimensions have size 1.
        """
        raise self._has_no("enumerate_support")

    def _validate_sample(self, value: Tensor) -> None:
        """Raise ValueError for what is no outcome; subclasses call it where they validate."""
        name = type(self).__name__
        if not isinstance(value, Tensor):
            raise ValueError(f"{name}: value must be a Tensor, got a {type(value).__name__}")
        shape, event = tuple(value.shape), tuple(self._event_shape)
        if shape[len(shape) - len(event) :] != event:
            raise ValueError(f"{name}: value of shape {shape} must end with event_shape {event}")
        expected = (*self._batch_shape, *event)
        pairs = zip(reversed(shape), reversed(expected), strict=False)
        if any(i != j and 1 not in (i, j) for i, j in pairs):
            raise ValueError(
                f"{name}: value of shape {shape} does not broadcast with batch_shape + event_shape "
                f"{expected}"
            )
        if not self.support.check(value).all():
            raise ValueError(
                f"{name}: value must be within the support {self.support}, got a tensor of shape "
                f"{shape} with values\n{value}"
            )

    def _checked(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return value

    def _has_no(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} has no {what}")

    def __repr__(self) -> str:
        parts = []
        for name in self.arg_constraints or ():
            if isinstance(value := vars(self).get(name), Tensor):
                parts.append(f"{name}: {value if value.numel() == 1 else value.shape}")
        return f"{type(self).__name__}({', '.join(parts)})"


class ExponentialFamily(Distribution):
    """Base class of densities ``h(x) * exp(theta . t(x) - A(theta))``.

    A subclass may define ``_natural_params``, the theta, and ``_log_normalizer(*theta)``, the A;
    ``_mean_carrier_measure`` is the expected log h. The entropy then follows from A and its
    gradient. Source: Nielsen and Nock, Entropies and Cross-Entropies of Exponential Families
    (2010); ``torch.distributions.ExponentialFamily``.
    """

    _mean_carrier_measure: float = 0

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise self._has_no("_natural_params")

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        raise self._has_no("_log_normalizer")

    def entropy(self) -> Tensor:
        """``A(theta) - theta . dA/dtheta``, less the expected log h."""
        with enable_grad():
            theta = [each.detach().requires_grad_() for each in self._natural_params]
            log_normalizer = self._log_normalizer(*theta)
            slopes = grad(log_normalizer.sum(), theta, create_graph=True)
            result = log_normalizer - self._mean_carrier_measure
            for natural, slope in zip(theta, slopes, strict=True):
                result = result - sum_rightmost(natural * slope, len(self.event_shape))
        return result
