"""Distances and similarities of vectors, and vectors of unit length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from airi.autograd.graph import wrap
from airi.ops.bounds import clamp
from airi.ops.elementwise import add, div, mul, sub
from airi.ops.index_along import index_select
from airi.ops.joining import broadcast_tensors
from airi.ops.names import numpy_names
from airi.ops.reduction import norm, sum
from airi.ops.views import shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "cosine_similarity",
    "normalize",
    "pairwise_distance",
    "pdist",
]


@numpy_names
def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """input / max(||input||_p, eps), the norm taken along `dim`.

    Example: ``normalize(features, dim=-1)``. Source: ``torch.nn.functional.normalize``.
    """
    return div(input, clamp(norm(input, p, dim, keepdim=True), min=eps))


@numpy_names
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 . x2 / (max(||x1||, eps) * max(||x2||, eps)) along `dim`, which is dropped.

    The shapes are broadcast together. Example: ``cosine_similarity(a, b, dim=-1)``.
    Source: ``torch.nn.functional.cosine_similarity``.
    """
    x1, x2 = broadcast_tensors(x1, x2)
    lengths = [clamp(norm(each, 2, dim), min=eps) for each in (x1, x2)]
    return div(sum(mul(x1, x2), dim), mul(*lengths))


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """||x1 - x2 + eps||_p along the last dimension; the shapes are broadcast together.

    `eps` keeps the gradient finite where both are equal. Example: ``pairwise_distance(a, b)``.
    Source: ``torch.nn.functional.pairwise_distance``.
    """
    try:
        difference = sub(x1, x2)
    except RuntimeError as error:
        raise RuntimeError(f"pairwise_distance: {error}") from None
    return norm(add(difference, eps), p, -1, keepdim)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norms of the differences of every two rows: of 0 and 1, 0 and 2, ... 1 and 2, ...

    Shapes: input (N, M); result (N * (N - 1) / 2). The gradient is 0 where the distance is 0.
    Raises RuntimeError for other dimensions or a negative p. Example: ``pdist(points)``.
    Source: ``torch.nn.functional.pdist``.
    """
    if input.ndim != 2 or not input.is_floating_point():
        raise RuntimeError(
            f"pdist: expected floating-point (N, M), got {input.dtype} of shape {shape_of(input)}"
        )
    if p < 0:
        raise RuntimeError(f"pdist: p must not be negative, got {p}")
    first, second = np.triu_indices(input.shape[0], 1)
    rows = [index_select(input, 0, wrap(each)) for each in (first, second)]
    return norm(sub(*rows), p, -1)
