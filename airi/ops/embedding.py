"""Embedding: the rows of a table that indices ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from airi.autograd import graph
from airi.autograd.graph import Rule, wrap
from airi.autograd.mode import no_grad
from airi.ops import places
from airi.ops.index_along import index_copy_
from airi.ops.indexing import Unindex
from airi.ops.views import shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["embedding"]


class Embedding(Rule):
    """out = the rows of w at the indices;  dw = g, times the factors, added up in these rows"""

    @staticmethod
    def forward(w, indices, factors):
        fast = places.take_rows(w, indices, 0)
        return np.take(w, indices, axis=0) if fast is None else fast

    @staticmethod
    def backward(g, indices, factors, w_shape):
        if factors is not None:
            g = g * factors
        return Unindex.apply(g, indices, dims=(0,), shape=w_shape), None, None


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` that the indices `input` name.

    Shapes: input (...) of int64 or int32, weight (V, D); result (..., D). The row `padding_idx`
    gets no gradient; `scale_grad_by_freq` divides the gradient of a row by how often it occurs.
    With `max_norm` rows of a larger norm are first scaled down, in place. `sparse` is accepted:
    gradients are dense. Raises IndexError for an index that is no row.
    Example: ``embedding(tokens, table)``. Source: ``torch.nn.functional.embedding``.
    """
    if not isinstance(input, graph.Tensor):
        raise TypeError(f"embedding: input must be a Tensor, got {type(input).__name__}")
    if weight.ndim != 2:
        raise RuntimeError(f"embedding: weight must be (V, D), got shape {shape_of(weight)}")
    indices, rows = input._array, weight.shape[0]
    if indices.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"embedding: input must be int64 or int32, got {input.dtype}")
    if not places.within(indices, rows):
        wrong = indices.min() if indices.min() < 0 else indices.max()
        raise IndexError(
            f"embedding: index {wrong} is out of range for a weight of shape {shape_of(weight)}"
        )
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise ValueError(
                f"embedding: padding_idx must be within the {rows} rows, got {padding_idx}"
            )
        padding_idx %= rows
    if max_norm is not None:
        _limit_norms(weight, indices, max_norm, norm_type)
    factors = None
    if weight.requires_grad and (padding_idx is not None or scale_grad_by_freq):
        factors = _factors(indices, weight._array, padding_idx, scale_grad_by_freq)
    return Embedding.apply(weight, input, factors)


def _factors(
    indices: np.ndarray, weight: np.ndarray, padding_idx: int | None, by_frequency: bool
) -> np.ndarray:
    """What the gradient of each looked-up row is multiplied by, (..., 1)."""
    factors = np.ones(indices.shape, weight.dtype)
    if by_frequency:
        factors /= np.bincount(indices.reshape(-1), minlength=len(weight))[indices]
    if padding_idx is not None:
        factors[indices == padding_idx] = 0
    return factors[..., None]


def _limit_norms(weight: Tensor, indices: np.ndarray, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are looked up and longer than `max_norm` down to it, in place."""
    used = np.unique(indices)
    norms = np.linalg.norm(weight._array[used], norm_type, axis=1, keepdims=True)
    long = norms[:, 0] > max_norm
    if long.any():
        shorter = weight._array[used[long]] * (max_norm / (norms[long] + 1e-7))
        with no_grad():
            index_copy_(weight, 0, wrap(used[long]), wrap(shorter.astype(weight._array.dtype)))
