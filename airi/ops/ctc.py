"""Connectionist temporal classification: the loss of a sequence whose alignment is not known.

The probability of a target is the sum over all ways to write it with blanks and repetitions, by
dynamic programming over time. Everything is vectorised over the batch and the places of the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd import graph
from airi.autograd.graph import Rule, wrap
from airi.ops.loss import reduced, reduction_named
from airi.ops.views import reshape, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["ctc_loss"]


class CTCLoss(Rule):
    """out[n] = -log of the probability of target n;  dx = -g[n] * CTCOccupancy

    `labels` (N, 2 S + 1) are the targets with a blank around each; the lengths say how much counts.
    """

    @staticmethod
    def forward(x, labels, steps, lengths, *, zero_infinity):
        losses = -_log_likelihood(_forward_variables(x, labels, steps), lengths)
        return np.where(np.isposinf(losses), 0, losses) if zero_infinity else losses

    @staticmethod
    def backward(g, x, labels, steps, lengths, zero_infinity):
        occupancy = CTCOccupancy.apply(x, labels, steps, lengths, zero_infinity=zero_infinity)
        return -reshape(g, (1, -1, 1)) * occupancy, None, None, None


class CTCOccupancy(Rule):
    """out[t, n, c] = the probability of class c at time t, given that target n is written

    NaN, or with `zero_infinity` 0, for a target that cannot be written.
    """

    @staticmethod
    def forward(x, labels, steps, lengths, *, zero_infinity):
        alpha = _forward_variables(x, labels, steps)
        beta = _backward_variables(x, labels, steps, lengths)
        at_labels = _at_labels(x, labels)
        total = _log_likelihood(alpha, lengths)
        shares = np.exp(alpha[1:] + beta - at_labels - total[:, None])
        shares[np.isneginf(at_labels)] = 0  # impossible, where the difference above is no number
        shares[np.arange(len(x))[:, None] >= steps] = 0
        shares[:, np.isneginf(total)] = 0 if zero_infinity else np.nan
        out = np.zeros_like(x)
        samples = np.arange(x.shape[1])
        for place in range(labels.shape[1]):
            out[:, samples, labels[:, place]] += shares[:, :, place]
        return out

    @staticmethod
    def backward(g):
        raise RuntimeError("ctc_loss can be differentiated once only, as in PyTorch")


def _at_labels(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The log-probability of each place of the extended targets, (T, N, 2 S + 1)."""
    return np.take_along_axis(x, np.broadcast_to(labels, (len(x), *labels.shape)), 2)


def _skips(labels: np.ndarray) -> np.ndarray:
    """-inf where a place must not be reached from two places before: from an equal label."""
    skips = np.full(labels.shape, -np.inf)
    different = labels[:, 2:] != labels[:, :-2]
    skips[:, 2:][different] = 0
    return skips


def _forward_variables(x: np.ndarray, labels: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """alpha[t, n, s]: the log-probability of having written the first s places after t steps.

    alpha[0] is before the first step; from a sample's last step on it stays as it is.
    """
    at_labels, skips = _at_labels(x, labels), _skips(labels).astype(x.dtype)
    alpha = np.full((len(x) + 1, *labels.shape), -np.inf, x.dtype)
    # As if one had been before the first place: from there one gets to the first or second.
    start = np.full(labels.shape, -np.inf, x.dtype)
    start[:, :2] = 0
    alpha[0, :, 0] = 0
    for t, now in enumerate(at_labels):
        before = alpha[t]
        if t == 0:
            reached = start
        else:
            reached = before.copy()
            np.logaddexp(reached[:, 1:], before[:, :-1], out=reached[:, 1:])
            np.logaddexp(reached[:, 2:], before[:, :-2] + skips[:, 2:], out=reached[:, 2:])
        alpha[t + 1] = np.where((t < steps)[:, None], reached + now, before)
    return alpha


def _backward_variables(
    x: np.ndarray, labels: np.ndarray, steps: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    """beta[t, n, s]: the log-probability of writing from place s at time t to the end."""
    at_labels, skips = _at_labels(x, labels), _skips(labels).astype(x.dtype)
    beta = np.full((len(x), *labels.shape), -np.inf, x.dtype)
    last = np.full(labels.shape, -np.inf, x.dtype)
    samples = np.arange(len(labels))
    last[samples, 2 * lengths] = 0
    last[samples, np.maximum(2 * lengths - 1, 0)] = 0
    behind = last
    for t in reversed(range(len(x))):
        onward = behind.copy()
        np.logaddexp(onward[:, :-1], behind[:, 1:], out=onward[:, :-1])
        np.logaddexp(onward[:, :-2], behind[:, 2:] + skips[:, 2:], out=onward[:, :-2])
        here = np.where((steps - 1 == t)[:, None], last, onward) + at_labels[t]
        beta[t] = behind = np.where((t < steps)[:, None], here, -np.inf)
    return beta


def _log_likelihood(alpha: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The whole target is written at its last label or at the blank behind it."""
    samples = np.arange(alpha.shape[1])
    blank = alpha[-1, samples, 2 * lengths]
    label = alpha[-1, samples, np.maximum(2 * lengths - 1, 0)]
    return np.where(lengths > 0, np.logaddexp(blank, label), blank)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log of the probability of each target, summed over its alignments with the input.

    Shapes: log_probs (T, N, C) or (T, C), logarithms of probabilities; targets (N, S), or all
    targets one behind another; input_lengths and target_lengths (N,) say how much of each counts;
    result (N,) for reduction "none". "mean" divides each loss by its target's length first.
    `zero_infinity` makes losses of targets that do not fit into their input zero. Gradients are
    those of log_probs as given (PyTorch's are of the logits behind a log_softmax; both give the
    same after it), of first order. Raises RuntimeError where lengths or shapes do not fit.
    Example: ``ctc_loss(log_softmax(x, -1), targets, [50] * 16, [20] * 16)``.
    Source: Graves et al. 2006, "Connectionist temporal classification";
    ``torch.nn.functional.ctc_loss``.
    """
    how = reduction_named("ctc_loss", reduction, None, None)
    if log_probs.ndim not in (2, 3) or not log_probs.is_floating_point():
        raise RuntimeError(
            "ctc_loss: log_probs must be floating-point (T, N, C) or (T, C), got "
            f"{log_probs.dtype} of shape {shape_of(log_probs)}"
        )
    batched = log_probs.ndim == 3
    x = log_probs if batched else reshape(log_probs, (log_probs.shape[0], 1, -1))
    time, batch, classes = shape_of(x)
    if not 0 <= blank < classes:
        raise RuntimeError(f"ctc_loss: blank must be one of the {classes} classes, got {blank}")
    steps = _lengths("input_lengths", input_lengths, batch)
    lengths = _lengths("target_lengths", target_lengths, batch)
    if batch and steps.max() > time:
        raise RuntimeError(
            f"ctc_loss: input_lengths must be at most {time}, the steps of log_probs, got "
            f"{steps.max()}"
        )
    labels = _extended(targets, lengths, blank, classes)
    out = CTCLoss.apply(
        x, wrap(labels), wrap(steps), wrap(lengths), zero_infinity=bool(zero_infinity)
    )
    if how == "mean":
        out = out / wrap(np.maximum(lengths, 1).astype(x._array.dtype))
    out = reduced(out, how)
    return out if batched or how != "none" else reshape(out, ())


def _lengths(argument: str, given: Any, batch: int) -> np.ndarray:
    """Lengths as an array (N,)."""
    lengths = np.asarray(given._array if isinstance(given, graph.Tensor) else given).reshape(-1)
    if lengths.size and lengths.dtype.kind not in "iu":
        raise RuntimeError(f"ctc_loss: {argument} must be integers, got {lengths.dtype}")
    if lengths.size != batch:
        raise RuntimeError(
            f"ctc_loss: {argument} must have one value for each of the {batch} sequences, got "
            f"{lengths.size}"
        )
    if lengths.size and lengths.min() < 0:
        raise RuntimeError(f"ctc_loss: {argument} must not be negative, got {lengths.min()}")
    return lengths.astype(np.int64)


def _extended(targets: Tensor, lengths: np.ndarray, blank: int, classes: int) -> np.ndarray:
    """The targets with a blank before, between and behind their labels, (N, 2 S + 1)."""
    given = targets._array
    longest = int(lengths.max(initial=0))
    if given.dtype.kind not in "iu":
        raise RuntimeError(f"ctc_loss: targets must be integers, got {targets.dtype}")
    inside = np.arange(longest) < lengths[:, None]
    labels = np.full((len(lengths), longest), blank, np.int64)
    if given.ndim == 2:
        if len(given) != len(lengths) or given.shape[1] < longest:
            raise RuntimeError(
                f"ctc_loss: targets of shape {given.shape} are too few for {len(lengths)} "
                f"sequences with target_lengths up to {longest}"
            )
        labels[inside] = given[:, :longest][inside]
    elif given.ndim == 1 and given.size >= lengths.sum():
        labels[inside] = given[: lengths.sum()]
    else:
        raise RuntimeError(
            "ctc_loss: targets must be (N, S) or all in one dimension, as many as target_lengths "
            f"say, {lengths.sum()}; got shape {given.shape}"
        )
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise RuntimeError(
            f"ctc_loss: targets must be classes, 0 to {classes - 1}, got {labels.min()} to "
            f"{labels.max()}"
        )
    extended = np.full((len(lengths), 2 * longest + 1), blank, np.int64)
    extended[:, 1::2] = labels
    return extended
