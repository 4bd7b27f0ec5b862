"""MultivariateNormal: vectors whose every projection is normal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from airi.distributions import constraints
from airi.distributions.distribution import Distribution
from airi.distributions.utils import exactly_one, lazy_property, require_dims
from airi.ops.linalg_factor import cholesky
from airi.ops.linalg_solve import solve_triangular
from airi.ops.ranges import eye
from airi.tensor import Tensor

__all__ = ["MultivariateNormal"]


class MultivariateNormal(Distribution):
    """Vectors of size n around `loc`, of shape (..., n), with the covariance C.

    ``log p(x) = -((x - loc) C**-1 (x - loc) + log|2 pi C|) / 2``. Exactly one of
    `covariance_matrix` C, `precision_matrix` ``C**-1`` and `scale_tril` L, lower triangular with
    ``L L' = C``, is given (ValueError), of shape (..., n, n); L is what is computed with.
    Source: ``torch.distributions.MultivariateNormal``.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        require_dims("MultivariateNormal", "loc", loc, 1)
        name = exactly_one(
            "MultivariateNormal",
            covariance_matrix=covariance_matrix,
            scale_tril=scale_tril,
            precision_matrix=precision_matrix,
        )
        given = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        matrix: Any = given[name]
        require_dims("MultivariateNormal", name, matrix, 2)
        batch_shape = np.broadcast_shapes(tuple(matrix.shape[:-2]), tuple(loc.shape[:-1]))
        setattr(self, name, matrix.expand((*batch_shape, *matrix.shape[-2:])))
        self.loc = loc.expand((*batch_shape, loc.shape[-1]))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args)
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = _of_precision(matrix)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> MultivariateNormal:
        unbroadcasted = self.__dict__.pop("_unbroadcasted_scale_tril")
        try:
            new = super().expand(batch_shape, _instance)
        finally:
            self._unbroadcasted_scale_tril = unbroadcasted
        new._unbroadcasted_scale_tril = unbroadcasted
        return new

    @lazy_property
    def scale_tril(self) -> Tensor:
        n = self._event_shape[0]
        return self._unbroadcasted_scale_tril.expand((*self._batch_shape, n, n))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        lower = self._unbroadcasted_scale_tril
        n = self._event_shape[0]
        return (lower @ lower.mT).expand((*self._batch_shape, n, n))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        n = self._event_shape[0]
        lower = self._unbroadcasted_scale_tril
        inverse = solve_triangular(lower, eye(n, dtype=lower.dtype), upper=False)
        return (inverse.mT @ inverse).expand((*self._batch_shape, n, n))

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        squares = (self._unbroadcasted_scale_tril**2).sum(-1)
        return squares.expand((*self._batch_shape, *self._event_shape))

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        noise = self.loc.new_empty(self._extended_shape(sample_shape)).normal_()
        return self.loc + (self._unbroadcasted_scale_tril @ noise.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        n, lower = self._event_shape[0], self._unbroadcasted_scale_tril
        distance = mahalanobis(lower, self._checked(value) - self.loc)
        return -0.5 * (n * math.log(2 * math.pi) + distance) - half_log_det(lower)

    def entropy(self) -> Tensor:
        n = self._event_shape[0]
        entropy = 0.5 * n * (1.0 + math.log(2 * math.pi))
        entropy = entropy + half_log_det(self._unbroadcasted_scale_tril)
        return entropy.expand(self._batch_shape)


def half_log_det(lower: Tensor) -> Tensor:
    """log|L| of a lower triangular matrix: half of log|L L'|."""
    return lower.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def mahalanobis(lower: Tensor, difference: Tensor) -> Tensor:
    """``d (L L')**-1 d`` of vectors d."""
    shape = np.broadcast_shapes(tuple(lower.shape[:-1]), tuple(difference.shape))
    columns = difference.expand(shape).unsqueeze(-1)
    return (solve_triangular(lower, columns, upper=False) ** 2).sum((-2, -1))


def _of_precision(precision: Tensor) -> Tensor:
    """The lower triangular L with ``L L' = P**-1``.

    With R that turns the order of rows and columns round, ``R P R = U U'`` for U lower triangular
    gives ``L = (R U R)'**-1``.
    """
    turned = cholesky(precision.flip((-2, -1)))
    upper = turned.flip((-2, -1)).mT
    identity = eye(precision.shape[-1], dtype=precision.dtype)
    return solve_triangular(upper, identity, upper=False)
