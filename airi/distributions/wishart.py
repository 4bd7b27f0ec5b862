"""Wishart: random covariances."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from airi.distributions import constraints
from airi.distributions.chi2 import Chi2
from airi.distributions.distribution import ExponentialFamily
from airi.distributions.multivariate_normal import MultivariateNormal, half_log_det
from airi.distributions.utils import exactly_one, lazy_property, require_dims
from airi.dtypes import finfo
from airi.ops.gamma import mvlgamma
from airi.ops.linalg_functions import slogdet
from airi.ops.linalg_solve import solve_triangular
from airi.ops.random import randn
from airi.ops.ranges import arange
from airi.tensor import Size, Tensor

__all__ = ["Wishart"]


class Wishart(ExponentialFamily):
    """The sum of x x' over `df` vectors x of ``MultivariateNormal(0, C)``, of shape (..., n, n).

    `df` is any number above n - 1. Exactly one of `covariance_matrix` C, `precision_matrix`
    ``C**-1`` and `scale_tril` L with ``L L' = C`` is given (ValueError). Samples have gradients;
    they are made by Bartlett's decomposition, and may be singular for a df below n (a warning).
    Source: Bartlett, On the theory of statistical regression (1933);
    ``torch.distributions.Wishart``.
    """

    support = constraints.positive_definite
    has_rsample = True

    def __init__(
        self,
        df: Tensor | float,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        name = exactly_one("Wishart", **given)
        matrix: Any = given[name]
        require_dims("Wishart", name, matrix, 2)
        n = matrix.shape[-1]
        df = df if isinstance(df, Tensor) else matrix.new_tensor(float(df))
        batch_shape = np.broadcast_shapes(tuple(matrix.shape[:-2]), tuple(df.shape))
        self.df = df.expand(batch_shape)
        if not (self.df > n - 1).all():
            raise ValueError(
                f"Wishart: df must be above {n - 1} for matrices of size {n}, got {df}"
            )
        if (self.df < n).any():
            warnings.warn(
                f"Wishart: for df below {n} samples are likely to be singular", stacklevel=2
            )
        setattr(self, name, matrix.expand((*batch_shape, n, n)))
        super().__init__(batch_shape, (n, n), validate_args)
        zeros = matrix.new_zeros((n,))
        self._normal = MultivariateNormal(zeros, **given, validate_args=False)
        degrees = self.df.unsqueeze(-1) - arange(n, dtype=matrix.dtype)
        self._chi2 = Chi2(degrees, validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Any]:
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Wishart:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        new.__dict__.update(vars(self))
        for name in ("covariance_matrix", "precision_matrix", "scale_tril"):
            if name in vars(self):
                new.__dict__[name] = getattr(self, name).expand((*batch_shape, *self.event_shape))
        new.df = self.df.expand(batch_shape)
        new._chi2 = self._chi2.expand((*batch_shape, self.event_shape[0]))
        new._batch_shape = Size(batch_shape)
        return new

    @property
    def _lower(self) -> Tensor:
        return self._normal._unbroadcasted_scale_tril

    @lazy_property
    def scale_tril(self) -> Tensor:
        return self._normal.scale_tril.expand((*self._batch_shape, *self._event_shape))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        return self._normal.covariance_matrix.expand((*self._batch_shape, *self._event_shape))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        return self._normal.precision_matrix.expand((*self._batch_shape, *self._event_shape))

    def _column(self, value: Tensor) -> Tensor:
        return value.reshape((*self._batch_shape, 1, 1))

    @property
    def mean(self) -> Tensor:
        return self._column(self.df) * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = self.df - self._event_shape[0] - 1
        return self._column(factor.masked_fill(factor <= 0, math.nan)) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        matrix = self.covariance_matrix
        diagonal = matrix.diagonal(dim1=-2, dim2=-1)
        products = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self._column(self.df) * (matrix**2 + products)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        diagonal = self._chi2.rsample(sample_shape).sqrt()
        diagonal = diagonal.clamp(min=finfo(diagonal.dtype).eps)
        beside = randn(self._extended_shape(sample_shape), dtype=diagonal.dtype).tril(-1)
        factor = self._lower @ (beside + diagonal.diag_embed())
        return factor @ factor.mT

    def log_prob(self, value: Tensor) -> Tensor:
        df, n, lower = self.df, self._event_shape[0], self._lower
        value = self._checked(value)
        half = solve_triangular(lower, value, upper=False)
        trace = solve_triangular(lower, half.mT, upper=False)
        trace = trace.diagonal(dim1=-2, dim2=-1).sum(-1)
        constant = df * (0.5 * n * math.log(2) + half_log_det(lower)) + mvlgamma(df / 2, n)
        return 0.5 * ((df - n - 1) * slogdet(value)[1] - trace) - constant

    def entropy(self) -> Tensor:
        df, n = self.df, self._event_shape[0]
        spread = (n + 1) * (0.5 * n * math.log(2) + half_log_det(self._lower))
        steps = arange(n, dtype=df.dtype) / 2
        slope = ((df / 2).unsqueeze(-1) - steps).digamma().sum(-1)
        return spread + mvlgamma(df / 2, n) - 0.5 * (df - n - 1) * slope + 0.5 * df * n

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return -0.5 * self.precision_matrix, 0.5 * (self.df - self._event_shape[0] - 1)

    def _log_normalizer(self, x: Any, y: Any) -> Tensor:  # type: ignore[override]
        n = self._event_shape[0]
        half = y + 0.5 * (n + 1)
        return half * (n * math.log(2) - slogdet(-2 * x)[1]) + mvlgamma(half, n)
