"""LKJCholesky: random correlations, as Cholesky factors of their matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from airi.autograd.mode import no_grad
from airi.distributions import constraints
from airi.distributions.beta import Beta
from airi.distributions.distribution import Distribution
from airi.distributions.utils import broadcast_all
from airi.dtypes import finfo
from airi.ops.elementwise import where
from airi.ops.gamma import mvlgamma
from airi.ops.random import randn
from airi.ops.ranges import arange
from airi.tensor import Size, Tensor

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Lower triangular L of size `dim` for which ``L L'`` is a correlation matrix R with density in
    proportion to ``|R|**(concentration - 1)``.

    A concentration of 1 makes all correlation matrices alike; above, those near the identity are
    likelier. Raises ValueError for a dim below 2.
    Source: Lewandowski, Kurowicka and Joe, Generating random correlation matrices based on vines
    and extended onion method (2009); ``torch.distributions.LKJCholesky``.
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(
        self, dim: int, concentration: Tensor | float = 1.0, validate_args: bool | None = None
    ) -> None:
        if dim < 2:
            raise ValueError(f"LKJCholesky: dim must be at least 2, got {dim}")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        # Of row k, of size k, the squared length of what is beside the diagonal.
        before = (arange(dim, dtype=self.concentration.dtype) - 1).clamp(min=0)
        rest = (self.concentration + 0.5 * (dim - 2)).unsqueeze(-1) - 0.5 * before
        self._beta = Beta(before + 0.5, rest)
        super().__init__(self.concentration.shape, (dim, dim), validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> LKJCholesky:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        new.__dict__.update(vars(self))
        new.concentration = self.concentration.expand(batch_shape)
        new._beta = self._beta.expand((*batch_shape, self.dim))
        new._batch_shape = Size(batch_shape)
        return new

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            squared = self._beta.sample(sample_shape).unsqueeze(-1)
            shape = self._extended_shape(sample_shape)
            directions = randn(shape, dtype=squared.dtype).tril(-1)
            lengths = directions.norm(dim=-1, keepdim=True)
            directions = directions / where(lengths == 0, 1.0, lengths)  # of the first row
            beside = squared.sqrt() * directions
            diagonal = 1 - (beside**2).sum(-1)
            return beside + diagonal.clamp(min=finfo(squared.dtype).tiny).sqrt().diag_embed()

    def log_prob(self, value: Tensor) -> Tensor:
        a = self.concentration
        diagonal = self._checked(value).diagonal(dim1=-1, dim2=-2)[..., 1:]
        # |R|**(a - 1) and the change of volume from R to L, both powers of the diagonal
        rows = arange(2, self.dim + 1, dtype=a.dtype)
        powers = 2 * (a - 1).unsqueeze(-1) + self.dim - rows
        count = self.dim - 1
        half = a + 0.5 * count
        constant = 0.5 * count * math.log(math.pi) + mvlgamma(half - 0.5, count)
        return (powers * diagonal.log()).sum(-1) - (constant - half.lgamma() * count)
