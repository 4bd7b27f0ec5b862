"""ContinuousBernoulli: numbers from 0 to 1 with a density that grows or falls exponentially."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airi.distributions import constraints
from airi.distributions.distribution import ExponentialFamily
from airi.distributions.utils import (
    broadcast_all,
    clamp_probs,
    exactly_one,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
)
from airi.ops.bounds import clamp
from airi.ops.elementwise import where
from airi.ops.random import rand
from airi.tensor import Size, Tensor

__all__ = ["ContinuousBernoulli"]

# Logits around 0 for which the formulas cancel, and series are used instead.
_SMALL = 0.1
_TINY = 4e-3  # of cdf and its inverse, where only the gradients cancel


class ContinuousBernoulli(ExponentialFamily):
    """Numbers x in [0, 1] with density ``exp(t * x - A(t))``, for t the `logits`.

    ``A(t) = log((exp(t) - 1) / t)``. For images, whose pixels lie between 0 and 1, it makes what a
    VAE's binary cross-entropy lacks to be a log-density. Exactly one of `probs` and `logits` is
    given (ValueError); `lims` has no effect. Samples have gradients.
    Source: Loaiza-Ganem and Cunningham, The continuous Bernoulli (2019);
    ``torch.distributions.ContinuousBernoulli``.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        if exactly_one("ContinuousBernoulli", probs=probs, logits=logits) == "probs":
            (self.probs,) = broadcast_all(probs)
            shape = self.probs.shape
        else:
            (self.logits,) = broadcast_all(logits)
            shape = self.logits.shape
        super().__init__(shape, validate_args=validate_args)
        if probs is not None:
            self.probs = clamp_probs(self.probs)

    @property
    def param_shape(self) -> Size:
        return self._batch_shape

    @lazy_property
    def probs(self) -> Tensor:
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    @lazy_property
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs, is_binary=True)

    def _parted(self, limit: float) -> tuple[Tensor, Tensor]:
        """Whether the logits are near 0, and the logits with 1 in those places."""
        near = self.logits.abs() < limit
        return near, where(near, 1.0, self.logits)

    @property
    def mean(self) -> Tensor:
        near, t = self._parted(_SMALL)
        series = 0.5 + _polynomial(
            self.logits, 0, 1 / 12, 0, -1 / 720, 0, 1 / 30240, 0, -1 / 1209600
        )
        return where(near, series, -1 / (-t).expm1() - 1 / t)

    @property
    def variance(self) -> Tensor:
        near, t = self._parted(_SMALL)
        series = _polynomial(self.logits**2, 1 / 12, -1 / 240, 1 / 6048, -1 / 172800)
        return where(near, series, 1 / t**2 - 0.25 / (t / 2).sinh() ** 2)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(rand(shape, dtype=self.logits.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        return self.logits * self._checked(value) - self._log_normalizer(self.logits)

    def cdf(self, value: Tensor) -> Tensor:
        near, t = self._parted(_TINY)
        value = clamp(self._checked(value), 0, 1)
        series = value * _expm1_ratio(self.logits * value) / _expm1_ratio(self.logits)
        return where(near, series, (t * value).expm1() / t.expm1())

    def icdf(self, value: Tensor) -> Tensor:
        near, t = self._parted(_TINY)
        share = value * _expm1_ratio(self.logits)
        series = share * _polynomial(self.logits * share, 1, -1 / 2, 1 / 3, -1 / 4)
        return where(near, series, (value * t.expm1()).log1p() / t)

    def entropy(self) -> Tensor:
        return self._log_normalizer(self.logits) - self.logits * self.mean

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Any) -> Tensor:  # type: ignore[override]
        near = x.abs() < _SMALL
        size = where(near, 1.0, x).abs()
        series = _polynomial(x**2, 0, 1 / 24, -1 / 2880, 1 / 181440, -1 / 9676800)
        exact = clamp(x, min=0) + (-(-size).expm1() / size).log()
        return where(near, x / 2 + series, exact)


def _polynomial(x: Tensor, *coefficients: float) -> Tensor:
    """``c0 + c1 x + c2 x**2 + ...``"""
    total: Any = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total


def _expm1_ratio(x: Tensor) -> Tensor:
    """expm1(x) / x for x near 0."""
    return _polynomial(x, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120)
