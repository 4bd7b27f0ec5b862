"""Losses with a margin: pairs, triplets and classes that must differ by so much.

They are compositions of other ops. `clamp` passes no gradient below its bound, so that examples
beyond the margin stop pulling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from airi.autograd.graph import wrap
from airi.ops.activation import logsigmoid
from airi.ops.bounds import clamp, minimum
from airi.ops.distance import pairwise_distance
from airi.ops.elementwise import mul, sub, where
from airi.ops.loss import check_fit, reduced, reduction_named
from airi.ops.reduction import sum
from airi.ops.scattering import gather
from airi.ops.transcendental import sqrt
from airi.ops.views import reshape, shape_of, unsqueeze

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """input where target is 1, max(0, margin - input) where it is -1.

    `input` is a distance of pairs that belong together (1) or not (-1).
    Source: ``torch.nn.functional.hinge_embedding_loss``.
    """
    how = reduction_named("hinge_embedding_loss", reduction, size_average, reduce)
    together = where(target != -1, input, 0.0)
    apart = where(target != 1, clamp(margin - input, min=0), 0.0)
    return reduced(together + apart, how)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin - target * (input1 - input2)): input1 is to rank higher where target is 1.

    Where target is -1, input2 is. Raises RuntimeError where the numbers of dimensions differ.
    Source: ``torch.nn.functional.margin_ranking_loss``.
    """
    how = reduction_named("margin_ranking_loss", reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss: input1, input2 and target must have the same number of "
            f"dimensions, got shapes {shape_of(input1)}, {shape_of(input2)}, {shape_of(target)}"
        )
    return reduced(clamp(margin - target * sub(input1, input2), min=0), how)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos(input1, input2) where target is 1, max(0, cos - margin) where it is -1.

    Shapes: inputs (N, D) with target (N,), or (D,) with (). Raises RuntimeError for others.
    Source: ``torch.nn.functional.cosine_embedding_loss``.
    """
    how = reduction_named("cosine_embedding_loss", reduction, size_average, reduce)
    dims = target.ndim + 1
    if dims > 2 or input1.ndim != dims or input2.ndim != dims:
        raise RuntimeError(
            "cosine_embedding_loss: expected inputs (N, D) and a target (N,), or (D,) and (); got "
            f"{shape_of(input1)}, {shape_of(input2)} and {shape_of(target)}"
        )
    check_fit("cosine_embedding_loss", input1=input1, input2=input2)
    tiny = 1e-12  # keeps the gradient finite for a vector of zeros
    squares = [sum(mul(each, each), -1) + tiny for each in (input1, input2)]
    cosine = sum(mul(input1, input2), -1) / sqrt(mul(*squares))
    check_fit("cosine_embedding_loss", cosines=cosine, target=target)
    alike = where(target == 1, 1 - cosine, 0.0)
    unlike = where(target == -1, clamp(cosine - margin, min=0), 0.0)
    return reduced(alike + unlike, how)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), d the `pairwise_distance`.

    With `swap` the negative counts from the positive, if that is nearer. Raises ValueError unless
    margin is positive. Source: Balntas et al., 2016; ``torch.nn.functional.triplet_margin_loss``.
    """
    how = reduction_named("triplet_margin_loss", reduction, size_average, reduce)
    if anchor.ndim == positive.ndim == negative.ndim:
        check_fit("triplet_margin_loss", anchor=anchor, positive=positive, negative=negative)
    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=lambda a, b: pairwise_distance(a, b, p, eps),
        margin=margin,
        swap=swap,
        reduction=how,
    )


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of one's own; `pairwise_distance` where left out.

    Source: ``torch.nn.functional.triplet_margin_with_distance_loss``.
    """
    how = reduction_named("triplet_margin_with_distance_loss", reduction, None, None)
    if margin <= 0:
        raise ValueError(f"triplet_margin_loss: margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "triplet_margin_loss: anchor, positive and negative must have the same number of "
            f"dimensions, got shapes {shape_of(anchor)}, {shape_of(positive)}, {shape_of(negative)}"
        )
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced(clamp(near - far + margin, min=0), how)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(-target * input)), for targets 1 and -1.

    Source: ``torch.nn.functional.soft_margin_loss``.
    """
    how = reduction_named("soft_margin_loss", reduction, size_average, reduce)
    check_fit("soft_margin_loss", input=input, target=target)
    return reduced(-logsigmoid(target * input), how)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Sum over classes c other than the target t of max(0, margin - x[t] + x[c])**p / C.

    Shapes: input (N, C) with int64 target (N,), or (C,) with (); `weight` (C,) scales by
    the target's class. Raises ValueError unless p is 1 or 2, RuntimeError or IndexError
    where shapes or classes do not fit. Source: ``torch.nn.functional.multi_margin_loss``.
    """
    how = reduction_named("multi_margin_loss", reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p must be 1 or 2, got {p}")
    if target._array.dtype != np.int64:
        raise RuntimeError(f"multi_margin_loss: target must be int64, got {target.dtype}")
    if input.ndim == 0:
        input = unsqueeze(input, 0)
    if input.ndim == 1 and shape_of(target) == (1,):
        target = reshape(target, ())
    if target.ndim + 1 != input.ndim or shape_of(input)[:-1] != shape_of(target):
        raise RuntimeError(
            "multi_margin_loss: expected an input (N, C) and a target (N,), or (C,) and (); got "
            f"{shape_of(input)} and {shape_of(target)}"
        )
    classes = input.shape[-1]
    places = unsqueeze(target, -1)
    distances = clamp(margin - gather(input, -1, places) + input, min=0) ** p
    if weight is not None:
        distances = distances * gather(weight, 0, reshape(target, -1)).reshape(places.shape)
    others = wrap(np.arange(classes) != places._array)
    return reduced(sum(where(others, distances, 0.0), -1) / classes, how)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Sum over targets t and other classes c of max(0, 1 - x[t] + x[c]) / C.

    Shapes: input (N, C) or (C,), target int64 of the same shape: classes, of which those before
    the first -1 count. Raises RuntimeError where the shapes differ or a target is no class.
    Source: ``torch.nn.functional.multilabel_margin_loss``.
    """
    how = reduction_named("multilabel_margin_loss", reduction, size_average, reduce)
    if input.ndim == target.ndim == 0:
        input, target = unsqueeze(input, 0), unsqueeze(target, 0)
    if shape_of(input) != shape_of(target) or input.ndim not in (1, 2) or not input.shape[-1]:
        raise RuntimeError(
            "multilabel_margin_loss: expected input and target of one shape (N, C) or (C,), got "
            f"{shape_of(input)} and {shape_of(target)}"
        )
    if target._array.dtype != np.int64:
        raise RuntimeError(f"multilabel_margin_loss: target must be int64, got {target.dtype}")
    labels, classes = target._array, input.shape[-1]
    if labels.size and (labels.min() < -1 or labels.max() >= classes):
        raise RuntimeError(f"multilabel_margin_loss: targets must lie in -1 to {classes - 1}")
    listed = np.logical_and.accumulate(labels >= 0, axis=-1)
    is_target = (listed[..., None] & (labels[..., None] == np.arange(classes))).any(-2)
    pairs = wrap(listed[..., None] & ~is_target[..., None, :])
    of_targets = gather(input, -1, clamp(target, min=0))
    distances = clamp(1 - unsqueeze(of_targets, -1) + unsqueeze(input, -2), min=0)
    return reduced(sum(where(pairs, distances, 0.0), (-2, -1)) / classes, how)
