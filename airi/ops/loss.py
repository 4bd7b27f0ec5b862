"""Losses of classification: cross-entropy in its forms, and the Kullback-Leibler divergence.

Losses of regression are in `regression_loss.py`, those with a margin in `margin_loss.py`.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd import graph
from airi.autograd.graph import Rule
from airi.autograd.sums import add_up
from airi.ops import bounds, elementwise, fused, transcendental
from airi.ops.along import SpreadAlong
from airi.ops.names import require_tensor
from airi.ops.promotion import Elementwise
from airi.ops.reduction import mean, sum
from airi.ops.softmax import log_softmax
from airi.ops.views import Expand, Reshape, reshape, shape_of, unsqueeze

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "kl_div",
    "multilabel_soft_margin_loss",
    "nll_loss",
]


def reduction_named(function: str, how: str, size_average: bool | None, reduce: bool | None) -> str:
    """The reduction asked for, also in the words of PyTorch before 0.4; ValueError for others.

    TypeError for tensors: those of ``MSELoss(output, target)``, where ``MSELoss()(output, target)``
    is meant.
    """
    for name, value in (("size_average", size_average), ("reduce", reduce)):
        if isinstance(value, graph.Tensor):
            raise TypeError(
                f"{function}: {name} must be True, False or None, got a Tensor; a loss module is "
                f"made first and called then: loss = {function}(); loss(input, target)"
            )
    if size_average is not None or reduce is not None:
        if reduce is False:
            how = "none"
        else:
            how = "sum" if size_average is False else "mean"
        warnings.warn(
            f"size_average and reduce are deprecated; pass reduction={how!r} instead", stacklevel=3
        )
    if how not in ("none", "mean", "sum"):
        raise ValueError(f"{function}: reduction must be 'none', 'mean' or 'sum', got {how!r}")
    return how


def check_fit(function: str, **tensors: Any) -> None:
    """RuntimeError where the shapes of a loss's tensors cannot be broadcast together."""
    for name, each in tensors.items():
        require_tensor(function, name, each)
    if len({shape_of(each) for each in tensors.values()}) == 1:
        return
    try:
        np.broadcast_shapes(*(tuple(each.shape) for each in tensors.values()))
    except ValueError:
        shapes = " and ".join(f"{name} {tuple(each.shape)}" for name, each in tensors.items())
        raise RuntimeError(f"{function}: the shapes do not fit: {shapes}") from None


def reduced(loss: Tensor, how: str) -> Tensor:
    """The loss of every element, their mean or their sum."""
    if how == "none":
        return loss
    return mean(loss) if how == "mean" else sum(loss)


class CrossEntropy(Rule):
    """out_i = s_i * (log_sum_i - z[i, target_i]) with z[i] = x[i] - its largest number

    log_sum_i = log(sum over c of e**z[i, c]);  dx = g * s_i * (softmax(x) - 1 at the target);
    s_i = 1 / n for the mean, times the weight. The output log_sum is there so that the softmax need
    not be kept, and second derivatives pass through it; `largest` counts as a constant, since it
    cancels. Their sum would round what is small beside the largest number.
    """

    outputs = ("out", "largest", "log_sum")

    @staticmethod
    def forward(x, places, shares, *, total):
        found = fused.log_sum_exp(x)
        if found is None:
            largest = np.maximum.reduce(x, 1, keepdims=True)
            powers = x - largest
            np.exp(powers, out=powers)
            log_sum = np.log(add_up(powers, 1, keepdims=True))
        else:
            largest, log_sum = found
        losses = log_sum - (np.take_along_axis(x, places, 1) - largest)
        return _shared(losses, shares, total), largest, log_sum

    @staticmethod
    def backward(g, x, places, shares, largest, log_sum, x_shape, total):
        g, _, g_log_sum = g
        row = _row(g, places, shares, total)
        fast = fused.cross_entropy_grad(x, largest, log_sum, row + g_log_sum, places, row)
        if fast is not None:
            return fast, None, None
        at_target = SpreadAlong.apply(row, places, dim=1, size=x_shape[1], distinct=True)
        softmax = transcendental.exp(x - largest - log_sum)
        return softmax * (row + g_log_sum) - at_target, None, None


class NLLLoss(Rule):
    """out_i = -s_i * x[i, target_i], with shares s_i as in CrossEntropy;  dx = -g * s_i there"""

    @staticmethod
    def forward(x, places, shares, *, total):
        return _shared(-np.take_along_axis(x, places, 1), shares, total)

    @staticmethod
    def backward(g, places, shares, x_shape, total):
        row = -_row(g, places, shares, total)
        dx = SpreadAlong.apply(row, places, dim=1, size=x_shape[1], distinct=True)
        return dx, None, None


def _shared(losses: np.ndarray, shares: Any, total: bool) -> Any:
    """The losses (N, 1, ...) times their shares, added up or as (N, ...)."""
    if isinstance(shares, np.ndarray):  # an ignored loss counts nothing, even if infinite
        losses = np.multiply(losses, shares, out=np.zeros_like(losses), where=shares != 0)
    else:
        losses = losses * shares
    if not total:
        return losses.squeeze(1)
    return np.add.reduce(losses, axis=None)


def _row(g: Any, places: Any, shares: Any, total: bool) -> Any:
    """The gradient of each loss, (N, 1, ...), from that of the result."""
    if not total:
        g = unsqueeze(g, 1)
    return Expand.apply(g * shares, shape=shape_of(places))


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(input)[target]: logits against class indices, or against probabilities.

    Shapes: input (N, C, ...) or (C,); target int64 (N, ...) without `ignore_index` counted, or
    probabilities of input's shape. `weight` (C,) scales each class, and the mean divides by the
    weights of the targets. `label_smoothing` mixes the target with the uniform distribution.
    Raises IndexError for a target that is no class, ValueError or RuntimeError where shapes or
    dtypes do not belong together. Example: ``cross_entropy(logits, labels)``.
    Source: ``torch.nn.functional.cross_entropy``.
    """
    how = reduction_named("cross_entropy", reduction, size_average, reduce)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(
            f"cross_entropy: label_smoothing must lie in 0 to 1, got {label_smoothing}"
        )
    _check_tensors("cross_entropy", input, target)
    _check_weight("cross_entropy", input, weight)
    if shape_of(input) == shape_of(target):
        return _against_probabilities(input, target, weight, ignore_index, how, label_smoothing)
    batch, places, shares, factors, offset = _targets(
        "cross_entropy", input, target, weight, ignore_index, how
    )
    if label_smoothing == 0.0:
        out, _, _ = CrossEntropy.apply(batch, places, shares, total=how != "none")
    else:
        log_p = log_softmax(batch, 1)
        hard = NLLLoss.apply(log_p, places, shares, total=how != "none")
        uniform = _Uniform.apply(log_p, weight, factors, total=how != "none")
        out = hard * (1 - label_smoothing) + uniform * label_smoothing
    out = out + offset if offset else out
    return reshape(out, shape_of(target)) if how == "none" else out


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-input[target]: log-probabilities against class indices.

    Shapes, `weight`, `ignore_index` and errors as in `cross_entropy`.
    Example: ``nll_loss(log_softmax(logits, 1), labels)``.
    Source: ``torch.nn.functional.nll_loss``.
    """
    how = reduction_named("nll_loss", reduction, size_average, reduce)
    _check_tensors("nll_loss", input, target)
    _check_weight("nll_loss", input, weight)
    batch, places, shares, _, offset = _targets(
        "nll_loss", input, target, weight, ignore_index, how
    )
    out = NLLLoss.apply(batch, places, shares, total=how != "none")
    out = out + offset if offset else out
    return reshape(out, shape_of(target)) if how == "none" else out


def _check_tensors(function: str, input: Tensor, target: Tensor) -> None:
    for name, value in (("input", input), ("target", target)):
        if not isinstance(value, graph.Tensor):
            raise TypeError(f"{function}: {name} must be a Tensor, got {type(value).__name__}")


def _check_weight(function: str, input: Tensor, weight: Tensor | None) -> None:
    if not input.is_floating_point() or not input.shape:
        raise RuntimeError(
            f"{function}: input must be floating-point (N, C, ...) or (C,), got {input.dtype} of "
            f"shape {shape_of(input)}"
        )
    if weight is None:
        return
    classes = input.shape[1 if len(input.shape) > 1 else 0]
    if shape_of(weight) != (classes,) or weight.dtype != input.dtype:
        raise RuntimeError(
            f"{function}: weight must have shape ({classes},) and dtype {input.dtype}, one value a "
            f"class; got shape {shape_of(weight)}, {weight.dtype}"
        )


def _targets(
    function: str,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    how: str,
) -> tuple[Tensor, np.ndarray, Any, Any, float]:
    """The input as a batch, the classes to look at (N, 1, ...), and each one's share in the loss.

    A class to be ignored is looked at as 0, with share 0. Then the shares without the classes'
    weights, and what is to be added: NaN where a mean is that of nothing, whose gradient is 0.
    """
    batch, labels = _as_batch(function, input, target)
    classes = batch.shape[1]
    places = labels.astype(np.int64).reshape(len(labels), 1, *labels.shape[1:])  # a copy to keep
    inside = places.size == 0 or (places.min() >= 0 and places.max() < classes)
    shares: Any = 1.0
    factors: Any = 1.0
    offset = 0.0
    if weight is not None or not inside or 0 <= ignore_index < classes:
        counted = places != ignore_index
        wrong = counted & ((places < 0) | (places >= classes))
        if wrong.any():
            raise IndexError(
                f"{function}: target {places[wrong][0]} is out of bounds: there are {classes} "
                f"classes, 0 to {classes - 1}"
            )
        places = np.where(counted, places, 0)
        shares = factors = counted.astype(input._array.dtype)
        if weight is not None:
            shares = weight._array[places] * factors
    if how == "mean":
        whole = float(shares.sum()) if isinstance(shares, np.ndarray) else places.size
        if not whole:
            shares = factors = 0.0
            offset = math.nan
        else:
            shares, factors = shares / whole, factors / whole
    return batch, places, shares, factors, offset


def _as_batch(function: str, input: Tensor, target: Tensor) -> tuple[Tensor, np.ndarray]:
    """The input as (N, C, ...) and the target's array as (N, ...), if they belong together."""
    labels, have = target._array, shape_of(input)
    if labels.dtype not in (np.int64, np.uint8):
        raise RuntimeError(
            f"{function}: class indices must be int64 or uint8, got {target.dtype} of shape "
            f"{labels.shape} for an input of shape {have}"
        )
    if len(have) == 1:
        if labels.size != 1 or labels.ndim > 1:
            raise ValueError(
                f"{function}: an input of shape {have} wants a single target, got {labels.shape}"
            )
        return Reshape.apply(input, shape=(1, *have)), labels.reshape(1)
    if labels.ndim and len(labels) != have[0]:
        raise ValueError(
            f"{function}: input and target must have one batch size, got shapes {have} and "
            f"{labels.shape}"
        )
    if labels.shape != (have[0], *have[2:]):
        raise RuntimeError(
            f"{function}: an input of shape {have} wants class indices of shape "
            f"{(have[0], *have[2:])}, got {labels.shape}"
        )
    return input, labels


class _Uniform(Rule):
    """out_i = -f_i / C * sum over c of w_c * x[i, c]: the loss against the uniform distribution"""

    @staticmethod
    def forward(x, w, factors, *, total):
        weighted = x if w is None else x * _by_class(w, x.ndim)
        return _shared(np.add.reduce(weighted, 1, keepdims=True) / -x.shape[1], factors, total)

    @staticmethod
    def backward(g, w, factors, x_shape, total):
        if not total:
            g = unsqueeze(g, 1)
        each = Expand.apply(g * factors, shape=(x_shape[0], 1, *x_shape[2:])) / -x_shape[1]
        dx = Expand.apply(each, shape=x_shape)
        return dx if w is None else dx * _by_class(w, len(x_shape)), None, None


def _by_class(weight: Any, ndim: int) -> Any:
    return reshape(weight, (-1, *(1,) * (ndim - 2)))


def _against_probabilities(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    how: str,
    label_smoothing: float,
) -> Tensor:
    if not target.is_floating_point():
        raise RuntimeError(
            f"cross_entropy: a target of the input's shape {shape_of(input)} holds probabilities "
            f"and must be floating-point, got {target.dtype}"
        )
    if ignore_index >= 0:
        raise RuntimeError(
            f"cross_entropy: ignore_index={ignore_index} is for class indices, not probabilities"
        )
    dim = 1 if len(input.shape) > 1 else 0
    classes = input.shape[dim]
    if label_smoothing > 0.0:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    losses = log_softmax(input, dim) * target
    if weight is not None:
        losses = losses * (_by_class(weight, len(input.shape)) if dim else weight)
    if how == "none":
        return -sum(losses, dim)
    total = -sum(losses)
    if how == "sum":
        return total
    return elementwise.div(total, math.prod(shape_of(input)) // classes if classes else 0)


class BinaryCrossEntropy(Elementwise):
    """out = -y * log(x) - (1 - y) * log(1 - x), each log at least -100

    dx = g * (x - y) / (x * (1 - x)),  dy = g * (log(1 - x) - log(x))
    """

    @staticmethod
    def forward(x, y):
        log_x, log_not_x = np.log(x), np.log1p(-x)
        return (y - 1) * np.maximum(log_not_x, -100) - y * np.maximum(log_x, -100)

    @staticmethod
    def backward(g, x, y, needs):
        dx = dy = None
        if needs[0]:
            dx = g * (x - y) / bounds.clamp(x * (1 - x), min=1e-12)
        if needs[1]:
            log_not_x = bounds.clamp(transcendental.log1p(-x), min=-100)
            dy = g * (log_not_x - bounds.clamp(transcendental.log(x), min=-100))
        return dx, dy


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-target * log(input) - (1 - target) * log(1 - input), for probabilities `input`.

    The logarithms are cut off at -100. `weight` scales each element. Raises RuntimeError for an
    input outside 0 to 1, ValueError where input and target differ in shape. With logits use
    `binary_cross_entropy_with_logits`, which is exact where sigmoid rounds to 0 or 1.
    Source: ``torch.nn.functional.binary_cross_entropy``.
    """
    how = reduction_named("binary_cross_entropy", reduction, size_average, reduce)
    _check_same_shape("binary_cross_entropy", input, target)
    array = input._array
    if array.size and not (array.min() >= 0 and array.max() <= 1):
        raise RuntimeError("binary_cross_entropy: all elements of input must lie between 0 and 1")
    loss = BinaryCrossEntropy.apply(input, target)
    return reduced(loss if weight is None else loss * weight, how)


class BinaryCrossEntropyWithLogits(Elementwise):
    """out = (1 - y) * x + log(1 + e**-x);  dx = g * (sigmoid(x) - y), dy = -g * x"""

    only_for = {"y": "x"}

    @staticmethod
    def forward(x, y):
        # log(1 + e**-x) = max(-x, 0) + log(1 + e**-|x|); NumPy's logaddexp is ten times slower.
        out = np.abs(x, out=np.empty_like(x))
        np.negative(out, out=out)
        np.exp(out, out=out)
        np.log1p(out, out=out)
        out -= np.minimum(x, 0)
        return out + (1 - y) * x

    @staticmethod
    def backward(g, x, y, needs):
        dx = g * (transcendental.sigmoid(x) - y) if needs[0] else None
        return dx, -g * x if needs[1] else None


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """`binary_cross_entropy` of sigmoid(input), computed from the logits without overflow.

    `weight` scales each element, `pos_weight` the term of positive targets (broadcast). Raises
    ValueError where input and target differ in shape.
    Source: ``torch.nn.functional.binary_cross_entropy_with_logits``.
    """
    how = reduction_named("binary_cross_entropy_with_logits", reduction, size_average, reduce)
    _check_same_shape("binary_cross_entropy_with_logits", input, target)
    if pos_weight is None:
        loss = BinaryCrossEntropyWithLogits.apply(input, target)
    else:
        losses_if_true = BinaryCrossEntropyWithLogits.apply(input, 1.0)
        losses_if_false = BinaryCrossEntropyWithLogits.apply(input, 0.0)
        loss = target * pos_weight * losses_if_true + (1 - target) * losses_if_false
    return reduced(loss if weight is None else loss * weight, how)


def _check_same_shape(function: str, input: Tensor, target: Tensor) -> None:
    if shape_of(input) != shape_of(target):
        raise ValueError(
            f"{function}: input and target must have one shape, got {shape_of(input)} and "
            f"{shape_of(target)}"
        )


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """target * (log(target) - input): the divergence from log-probabilities `input` to target.

    With `log_target` target holds logarithms too. ``reduction="batchmean"``, the sum over the
    batch size, is the mathematical mean; "mean" divides by the number of elements, and warns.
    Source: ``torch.nn.functional.kl_div``.
    """
    if reduction == "batchmean" and size_average is None and reduce is None:
        total = kl_div(input, target, reduction="sum", log_target=log_target)
        return total / input.shape[0] if input.shape else total
    how = reduction_named("kl_div", reduction, size_average, reduce)
    if how == "mean":
        warnings.warn(
            "kl_div: reduction='mean' divides by the number of elements; 'batchmean' divides by "
            "the batch size, as the divergence is defined",
            stacklevel=2,
        )
    if log_target:
        loss = transcendental.exp(target) * (target - input)
    else:
        loss = transcendental.xlogy(target, target) - target * input
    return reduced(loss, how)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`binary_cross_entropy_with_logits` averaged over the classes, the last dimension.

    `weight` (C,) scales each class. Source: ``torch.nn.functional.multilabel_soft_margin_loss``.
    """
    how = reduction_named("multilabel_soft_margin_loss", reduction, size_average, reduce)
    losses = BinaryCrossEntropyWithLogits.apply(input, target)
    if weight is not None:
        losses = losses * weight
    return reduced(mean(losses, -1), how)
