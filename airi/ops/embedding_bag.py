"""Embedding bags: the sum, mean or maximum of the rows of a table that each bag asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd import graph
from airi.autograd.graph import wrap
from airi.ops.creation import zeros
from airi.ops.elementwise import where
from airi.ops.embedding import embedding
from airi.ops.index_along import index_add, index_select
from airi.ops.reduction import sum as sum_
from airi.ops.scattering import gather
from airi.ops.views import reshape, shape_of, unsqueeze

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["embedding_bag"]

_MODES = ("sum", "mean", "max")


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, mean or maximum of the rows of `weight` in each bag of indices.

    Shapes: input (B, S), B bags of S indices, or (M,), all bags in a row, of which bag i begins at
    ``offsets[i]``; weight (V, D); result (B, D). With `include_last_offset` the last offset is
    where the last bag ends. `per_sample_weights`, of the shape of input, scales each row (mode
    "sum" only). Indices that are `padding_idx` do not count; an empty bag is 0. `max_norm`,
    `norm_type`, `scale_grad_by_freq` and `sparse` as in `embedding`. Raises ValueError where
    arguments do not go together, RuntimeError for offsets and IndexError for indices out of range.
    Example: ``embedding_bag(airi.tensor([[1, 2], [4, 3]]), table, mode="sum")``.
    Source: ``torch.nn.functional.embedding_bag``.
    """
    _check_modes(input, weight, mode, scale_grad_by_freq, per_sample_weights)
    bags, count = _bags(input, offsets, include_last_offset)
    indices = reshape(input, -1)
    weights = None if per_sample_weights is None else reshape(per_sample_weights, -1)
    full = input.ndim == 2 and padding_idx is None
    if padding_idx is not None:
        rows = weight.shape[0]
        if not -rows <= padding_idx < rows:
            raise ValueError(
                f"embedding_bag: padding_idx must be within the {rows} rows, got {padding_idx}"
            )
        kept = np.flatnonzero(indices._array != padding_idx % rows)
        indices, bags = index_select(indices, 0, wrap(kept)), bags[kept]
        weights = None if weights is None else index_select(weights, 0, wrap(kept))
    vectors = embedding(indices, weight, None, max_norm, norm_type, scale_grad_by_freq)
    if mode == "max":
        return _largest(vectors, bags, count)
    if weights is not None:
        vectors = vectors * unsqueeze(weights, 1)
    if full:
        out = sum_(reshape(vectors, (count, input.shape[1], weight.shape[1])), 1)
    else:
        nothing = zeros(count, weight.shape[1], dtype=weight.dtype)
        out = index_add(nothing, 0, wrap(bags), vectors)
    if mode == "mean":
        sizes = np.maximum(np.bincount(bags, minlength=count), 1)
        out = out / wrap(sizes[:, None].astype(out._array.dtype))
    return out


def _check_modes(
    input: Tensor, weight: Tensor, mode: str, by_frequency: bool, per_sample_weights: Tensor | None
) -> None:
    if mode not in _MODES:
        raise ValueError(f"embedding_bag: mode must be one of {_MODES}, got {mode!r}")
    if not isinstance(input, graph.Tensor):
        raise TypeError(f"embedding_bag: input must be a Tensor, got {type(input).__name__}")
    if input.dtype.is_floating_point and weight._array.dtype.kind != "f":
        raise ValueError(
            "embedding_bag: input holds the indices and comes first, weight the table; got "
            f"{input.dtype} and {weight.dtype}"
        )
    if mode == "max" and by_frequency:
        raise ValueError("embedding_bag: mode 'max' does not go with scale_grad_by_freq")
    if per_sample_weights is None:
        return
    if mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights go with mode 'sum' only, not with {mode!r}"
        )
    if shape_of(per_sample_weights) != shape_of(input):
        raise ValueError(
            f"embedding_bag: per_sample_weights must have the shape of input, {shape_of(input)}, "
            f"got {shape_of(per_sample_weights)}"
        )


def _bags(
    input: Tensor, offsets: Tensor | None, include_last_offset: bool
) -> tuple[np.ndarray, int]:
    """The bag that each index is in, and the number of bags."""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError("embedding_bag: offsets go with an input of one dimension")
        count, length = input.shape
        return np.repeat(np.arange(count), length), count
    if input.ndim != 1:
        raise ValueError(
            f"embedding_bag: input must have 1 or 2 dimensions, got shape {shape_of(input)}"
        )
    if not isinstance(offsets, graph.Tensor):
        raise ValueError(
            "embedding_bag: an input of one dimension needs offsets, a Tensor, got "
            f"{type(offsets).__name__}"
        )
    if offsets.ndim != 1:
        raise ValueError(
            f"embedding_bag: offsets must have 1 dimension, got shape {shape_of(offsets)}"
        )
    total = input.shape[0]
    starts: Any = offsets._array
    if include_last_offset:
        if not starts.size:
            raise RuntimeError("embedding_bag: include_last_offset needs at least one offset")
        ends, starts = starts[1:], starts[:-1]
    else:
        ends = np.append(starts[1:], total)
    if starts.size and (starts[0] != 0 or ends[-1] > total or (ends < starts).any()):
        raise RuntimeError(
            f"embedding_bag: offsets must begin with 0 and grow up to {total}, the number of "
            f"indices, got {offsets._array.tolist()}"
        )
    bags = np.repeat(np.arange(len(starts)), ends - starts)
    return np.append(bags, np.full(total - len(bags), max(len(starts) - 1, 0))), len(starts)


def _largest(vectors: Tensor, bags: np.ndarray, count: int) -> Tensor:
    """The largest of each column in each bag; the gradient goes to the first of equal ones."""
    sizes = np.bincount(bags, minlength=count)
    columns = vectors.shape[1]
    if not bags.size:
        return index_add(zeros(count, columns, dtype=vectors.dtype), 0, wrap(bags), vectors)
    starts = np.cumsum(sizes) - sizes
    within = np.arange(len(bags)) - starts[bags]
    padded = np.full((count, sizes.max(), columns), -np.inf, vectors._array.dtype)
    padded[bags, within] = vectors._array
    places = np.where(sizes[:, None] > 0, padded.argmax(1) + starts[:, None], 0)
    out = gather(vectors, 0, wrap(places))
    return where(wrap(sizes[:, None] > 0), out, 0.0)
