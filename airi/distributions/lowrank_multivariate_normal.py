"""LowRankMultivariateNormal: a covariance of few factors and a diagonal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from airi.distributions import constraints
from airi.distributions.distribution import Distribution
from airi.distributions.multivariate_normal import half_log_det, mahalanobis
from airi.distributions.utils import lazy_property, require_dims
from airi.ops.linalg_factor import cholesky
from airi.ops.linalg_solve import solve_triangular
from airi.ops.ranges import eye
from airi.tensor import Tensor

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(Distribution):
    """Vectors of size n around `loc` with covariance ``W W' + diag(D)``.

    `cov_factor` W has shape (..., n, rank) and `cov_diag` D (..., n). Only a matrix of size rank is
    factorized. Raises ValueError for shapes that do not fit together.
    Source: ``torch.distributions.LowRankMultivariateNormal``.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        cov_factor: Tensor,
        cov_diag: Tensor,
        validate_args: bool | None = None,
    ) -> None:
        name = "LowRankMultivariateNormal"
        require_dims(name, "loc", loc, 1)
        n = loc.shape[-1]
        if cov_factor.ndim < 2 or cov_factor.shape[-2] != n:
            raise ValueError(
                f"{name}: cov_factor must have shape (..., {n}, rank), got "
                f"{tuple(cov_factor.shape)}"
            )
        if cov_diag.ndim < 1 or cov_diag.shape[-1] != n:
            raise ValueError(
                f"{name}: cov_diag must have shape (..., {n}), got {tuple(cov_diag.shape)}"
            )
        shapes = loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1]
        try:
            batch_shape = np.broadcast_shapes(*map(tuple, shapes))
        except ValueError as error:
            raise ValueError(
                f"{name}: the batch shapes {', '.join(str(tuple(s)) for s in shapes)} of loc, "
                "cov_factor and cov_diag do not broadcast"
            ) from error
        self.loc = loc.expand((*batch_shape, n))
        self.cov_factor = cov_factor.expand((*batch_shape, *cov_factor.shape[-2:]))
        self.cov_diag = cov_diag.expand((*batch_shape, n))
        # I + W' D**-1 W, of size rank
        scaled = cov_factor.mT / cov_diag.unsqueeze(-2)
        identity = eye(cov_factor.shape[-1], dtype=cov_factor.dtype)
        small = cholesky(scaled @ cov_factor + identity)
        self._capacitance_tril = small.expand((*batch_shape, *small.shape[-2:]))
        super().__init__(batch_shape, (n,), validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        return (self.cov_factor**2).sum(-1) + self.cov_diag

    @lazy_property
    def scale_tril(self) -> Tensor:
        return cholesky(self.covariance_matrix)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        return self.cov_factor @ self.cov_factor.mT + self.cov_diag.diag_embed()

    @lazy_property
    def precision_matrix(self) -> Tensor:
        scaled = self.cov_factor.mT / self.cov_diag.unsqueeze(-2)
        half = solve_triangular(self._capacitance_tril, scaled, upper=False)
        return (1 / self.cov_diag).diag_embed() - half.mT @ half

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        of_factors = self.loc.new_empty((*shape[:-1], self.cov_factor.shape[-1])).normal_()
        of_diag = self.loc.new_empty(shape).normal_()
        moved = (self.cov_factor @ of_factors.unsqueeze(-1)).squeeze(-1)
        return self.loc + moved + self.cov_diag.sqrt() * of_diag

    def log_det(self) -> Tensor:
        """log|W W' + diag(D)|, by the matrix determinant lemma."""
        return 2 * half_log_det(self._capacitance_tril) + self.cov_diag.log().sum(-1)

    def squared_distance(self, difference: Tensor) -> Tensor:
        """``d (W W' + diag(D))**-1 d``, by Woodbury's identity."""
        scaled = self.cov_factor.mT / self.cov_diag.unsqueeze(-2)
        along = (scaled @ difference.unsqueeze(-1)).squeeze(-1)
        direct = (difference**2 / self.cov_diag).sum(-1)
        return direct - mahalanobis(self._capacitance_tril, along)

    def log_prob(self, value: Tensor) -> Tensor:
        distance = self.squared_distance(self._checked(value) - self.loc)
        constant = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + self.log_det() + distance)

    def entropy(self) -> Tensor:
        n = self._event_shape[0]
        return 0.5 * (n * (1.0 + math.log(2 * math.pi)) + self.log_det())
