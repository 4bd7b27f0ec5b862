"""Transforms of vectors and matrices, and of parts of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from airi.autograd.graph import wrap
from airi.distributions import constraints
from airi.distributions.transform import FixedTransform, Transform
from airi.distributions.utils import sum_rightmost
from airi.dtypes import finfo
from airi.ops.activation import logsigmoid
from airi.ops.bounds import clamp
from airi.ops.creation import ones_like
from airi.ops.joining import cat, stack
from airi.ops.linalg_factor import cholesky
from airi.ops.ranges import eye
from airi.ops.transcendental import sigmoid
from airi.tensor import Size, Tensor

__all__ = [
    "CatTransform",
    "CorrCholeskyTransform",
    "LowerCholeskyTransform",
    "PositiveDefiniteTransform",
    "ReshapeTransform",
    "SoftmaxTransform",
    "StackTransform",
    "StickBreakingTransform",
]


class ReshapeTransform(Transform):
    """y is x with its last dimensions `in_shape` reshaped to `out_shape`.

    Raises ValueError where the two differ in their number of elements.
    Source: ``torch.distributions.transforms.ReshapeTransform``.
    """

    bijective = True

    def __init__(
        self, in_shape: Sequence[int], out_shape: Sequence[int], cache_size: int = 0
    ) -> None:
        super().__init__(cache_size)
        self.in_shape, self.out_shape = Size(in_shape), Size(out_shape)
        if math.prod(in_shape) != math.prod(out_shape):
            raise ValueError(
                f"ReshapeTransform: {tuple(in_shape)} and {tuple(out_shape)} differ in their "
                "number of elements"
            )

    @property
    def domain(self) -> Any:
        return constraints.independent(constraints.real, len(self.in_shape))

    @property
    def codomain(self) -> Any:
        return constraints.independent(constraints.real, len(self.out_shape))

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return ReshapeTransform(self.in_shape, self.out_shape, cache_size)

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape(self.forward_shape(x.shape))

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape(self.inverse_shape(y.shape))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(tuple(x.shape[: x.ndim - len(self.in_shape)]))

    def forward_shape(self, shape: Sequence[int]) -> Size:
        return self._replaced(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Sequence[int]) -> Size:
        return self._replaced(shape, self.out_shape, self.in_shape)

    def _replaced(self, shape: Sequence[int], old: Size, new: Size) -> Size:
        cut = len(shape) - len(old)
        if cut < 0 or tuple(shape[cut:]) != tuple(old):
            raise ValueError(
                f"ReshapeTransform: shape {tuple(shape)} does not end with {tuple(old)}"
            )
        return Size((*shape[:cut], *new))


class SoftmaxTransform(FixedTransform):
    """y = softmax(x) along the last dimension; its inverse is log, one of many.

    Source: ``torch.distributions.transforms.SoftmaxTransform``.
    """

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return x.softmax(-1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()


class StickBreakingTransform(FixedTransform):
    """From n - 1 numbers to n probabilities, each a share of what those before have left of 1

    ``y[k] = s[k] * (1 - y[0] - ... - y[k - 1])`` with ``s = sigmoid(x - log(n - 1 - k))``, and the
    last y is the rest. Source: ``torch.distributions.transforms.StickBreakingTransform``.
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        share = sigmoid(x - self._offset(x))
        limits = finfo(x.dtype)
        share = clamp(share, limits.tiny, 1 - limits.eps)
        left = (1 - share).cumprod(-1)
        one = ones_like(x[..., :1])
        return cat([share, one], -1) * cat([one, left], -1)

    def _inverse(self, y: Tensor) -> Tensor:
        kept = y[..., :-1]
        left = clamp(1 - kept.cumsum(-1), min=finfo(y.dtype).tiny)
        return kept.log() - left.log() + self._offset(kept)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        x = x - self._offset(x)
        return (-x + logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def _offset(self, x: Tensor) -> Tensor:
        """log of how many shares come after each, which makes x = 0 the even distribution."""
        count = x.shape[-1]
        return x.new_tensor([math.log(count - at) for at in range(count)])

    def forward_shape(self, shape: Sequence[int]) -> Size:
        return Size((*shape[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: Sequence[int]) -> Size:
        return Size((*shape[:-1], shape[-1] - 1))


class LowerCholeskyTransform(FixedTransform):
    """From any matrix to a lower triangular one whose diagonal is the exp of the given one.

    Source: ``torch.distributions.transforms.LowerCholeskyTransform``.
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        diagonal = x.diagonal(dim1=-2, dim2=-1)
        return x.tril(-1) + diagonal.exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        diagonal = y.diagonal(dim1=-2, dim2=-1)
        return y.tril(-1) + diagonal.log().diag_embed()


class PositiveDefiniteTransform(FixedTransform):
    """From any matrix to L L', where L is what LowerCholeskyTransform makes of it.

    Source: ``torch.distributions.transforms.PositiveDefiniteTransform``.
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        lower = LowerCholeskyTransform()(x)
        return lower @ lower.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(cholesky(y))


class CorrCholeskyTransform(FixedTransform):
    """From n (n - 1) / 2 numbers to the Cholesky factor of a correlation matrix of size n

    ``tanh(x)``, filled into the rows below the diagonal, says of each element how much of what its
    row has left of length 1 it takes; the diagonal takes the rest.
    Source: ``torch.distributions.transforms.CorrCholeskyTransform``.
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        eps = finfo(x.dtype).eps
        n = self.forward_shape(x.shape)[-1]
        share = clamp(x.tanh(), -1 + eps, 1 - eps)
        places = _below(n, -1).expand(tuple(x.shape))
        flat = x.new_zeros((*x.shape[:-1], n * n)).scatter(-1, places, share)
        shares = flat.reshape((*x.shape[:-1], n, n))
        left = (1 - shares**2).sqrt().cumprod(-1)
        before = cat([ones_like(left[..., :1]), left[..., :-1]], -1)
        return (shares + eye(n, dtype=x.dtype)) * before

    def _inverse(self, y: Tensor) -> Tensor:
        left = 1 - (y * y).cumsum(-1)
        before = cat([ones_like(left[..., :1]), left[..., :-1]], -1)
        return (_taken(y, -1) / _taken(before, -1).sqrt()).atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        left = _taken(1 - (y * y).cumsum(-1), -2)
        slopes = 2.0 * (math.log(2.0) - x + logsigmoid(2.0 * x))
        return 0.5 * left.log().sum(-1) + slopes.sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> Size:
        n = round((0.25 + 2 * shape[-1]) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != shape[-1]:
            raise ValueError(
                f"CorrCholeskyTransform: expected n * (n - 1) / 2 numbers, got {shape[-1]}"
            )
        return Size((*shape[:-1], n, n))

    def inverse_shape(self, shape: Sequence[int]) -> Size:
        if shape[-1] != shape[-2]:
            raise ValueError(
                f"CorrCholeskyTransform: expected square matrices, got shape {tuple(shape)}"
            )
        return Size((*shape[:-2], shape[-1] * (shape[-1] - 1) // 2))


def _below(n: int, diagonal: int) -> Tensor:
    """Where the elements on and below a diagonal are in a flat matrix of size n, row by row."""
    rows, columns = np.tril_indices(n, diagonal)
    return wrap(rows * n + columns)


def _taken(matrix: Tensor, diagonal: int) -> Tensor:
    """The elements on and below a diagonal, row by row."""
    n = matrix.shape[-1]
    return matrix.reshape((*matrix.shape[:-2], n * n))[..., _below(n, diagonal)]


class CatTransform(Transform):
    """Each of the transforms `tseq` for its part along `dim`; the parts have sizes `lengths`

    Raises ValueError where there are not as many lengths as transforms.
    Source: ``torch.distributions.transforms.CatTransform``.
    """

    def __init__(
        self,
        tseq: Sequence[Transform],
        dim: int = 0,
        lengths: Sequence[int] | None = None,
        cache_size: int = 0,
    ) -> None:
        super().__init__(cache_size)
        self.transforms = [each.with_cache(cache_size) if cache_size else each for each in tseq]
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        self.dim = dim
        if len(self.lengths) != len(self.transforms):
            raise ValueError(
                f"CatTransform: {len(self.lengths)} lengths for {len(self.transforms)} transforms"
            )

    @property
    def event_dim(self) -> int:
        return max(each.event_dim for each in self.transforms)

    @property
    def length(self) -> int:
        return sum(self.lengths)

    @property
    def bijective(self) -> bool:
        return all(each.bijective for each in self.transforms)

    @property
    def domain(self) -> Any:
        parts = [each.domain for each in self.transforms]
        return constraints.cat(parts, self.dim, self.lengths)

    @property
    def codomain(self) -> Any:
        parts = [each.codomain for each in self.transforms]
        return constraints.cat(parts, self.dim, self.lengths)

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _call(self, x: Tensor) -> Tensor:
        parts = zip(self.transforms, x.split(self.lengths, self.dim), strict=True)
        return cat([t(part) for t, part in parts], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        parts = zip(self.transforms, y.split(self.lengths, self.dim), strict=True)
        return cat([t.inv(part) for t, part in parts], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        parts = zip(
            self.transforms,
            x.split(self.lengths, self.dim),
            y.split(self.lengths, self.dim),
            strict=True,
        )
        slopes = []
        for t, of_x, of_y in parts:
            slope = t.log_abs_det_jacobian(of_x, of_y)
            slopes.append(sum_rightmost(slope, self.event_dim - t.event_dim))
        dim = self.dim if self.dim < 0 else self.dim - x.ndim
        dim += self.event_dim
        return cat(slopes, dim) if dim < 0 else sum(slopes[1:], slopes[0])


class StackTransform(Transform):
    """Each of the transforms `tseq` for its index of dimension `dim`.

    Source: ``torch.distributions.transforms.StackTransform``.
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.transforms = [each.with_cache(cache_size) if cache_size else each for each in tseq]
        self.dim = dim

    @property
    def bijective(self) -> bool:
        return all(each.bijective for each in self.transforms)

    @property
    def domain(self) -> Any:
        return constraints.stack([each.domain for each in self.transforms], self.dim)

    @property
    def codomain(self) -> Any:
        return constraints.stack([each.codomain for each in self.transforms], self.dim)

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return StackTransform(self.transforms, self.dim, cache_size)

    def _parts(self, value: Tensor) -> tuple[Tensor, ...]:
        if value.shape[self.dim] != len(self.transforms):
            raise ValueError(
                f"StackTransform: {len(self.transforms)} transforms for dimension {self.dim} of "
                f"shape {tuple(value.shape)}"
            )
        return value.unbind(self.dim)

    def _call(self, x: Tensor) -> Tensor:
        parts = zip(self.transforms, self._parts(x), strict=True)
        return stack([t(part) for t, part in parts], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        parts = zip(self.transforms, self._parts(y), strict=True)
        return stack([t.inv(part) for t, part in parts], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        parts = zip(self.transforms, self._parts(x), self._parts(y), strict=True)
        return stack([t.log_abs_det_jacobian(a, b) for t, a, b in parts], self.dim)
