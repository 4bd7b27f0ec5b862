"""Rows of `airi/ops/loss.py`. Weights of classes, which get no gradient: tests/ops/test_loss.py."""

import numpy as np

from .row import Row, call, real


def reduced(losses, reduction):
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


def probabilities(rng, *shape):
    return rng.uniform(0.1, 0.9, shape)


def reductions(make):
    """Samples: the arguments that `make` gives, with each reduction."""

    def samples(rng):
        return [call(*make(rng), reduction=how) for how in ("mean", "sum", "none")]

    return samples


def _log_softmax(x, dim):
    return x - np.log(np.exp(x).sum(dim, keepdims=True))


def _nll_loss(x, target, weight=None, ignore_index=-100, reduction="mean"):
    dim = 1 if x.ndim > 1 else 0
    counted = target != ignore_index
    places = np.expand_dims(np.where(counted, target, 0), dim)
    losses = np.where(counted, -np.take_along_axis(x, places, dim).squeeze(dim), 0)
    return losses.sum() / counted.sum() if reduction == "mean" else reduced(losses, reduction)


def _cross_entropy(
    x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0
):
    dim = 1 if x.ndim > 1 else 0
    log_p = _log_softmax(x, dim)
    if target.shape != x.shape:
        hard = _nll_loss(log_p, target, None, ignore_index, reduction)
        if not label_smoothing:
            return hard
        uniform = np.where(target != ignore_index, -log_p.mean(dim), 0)
        if reduction == "mean":
            uniform = uniform.sum() / (target != ignore_index).sum()
        return (1 - label_smoothing) * hard + label_smoothing * reduced(uniform, reduction)
    target = target * (1 - label_smoothing) + label_smoothing / x.shape[dim]
    return reduced(-(log_p * target).sum(dim), reduction)


def _cross_entropy_samples(rng):
    labels = np.array([2, 0, 1, 2])
    return [
        call(real(rng, 4, 3), labels),
        call(real(rng, 4, 3), labels, reduction="sum"),
        call(real(rng, 4, 3), np.array([2, -100, 1, -100]), reduction="none"),
        call(real(rng, 4, 3), labels, ignore_index=2),
        call(real(rng, 2, 3, 2), rng.integers(0, 3, (2, 2)), label_smoothing=0.2),
        call(real(rng, 2, 3, 2), np.array([[0, 1], [2, 2]]), ignore_index=1, label_smoothing=0.1),
        call(real(rng, 3), np.array(1)),
        call(real(rng, 4, 3), probabilities(rng, 4, 3)),
        call(real(rng, 2, 3, 2), probabilities(rng, 2, 3, 2), label_smoothing=0.3),
        call(real(rng, 3), probabilities(rng, 3), reduction="none"),
    ]


def _nll_loss_samples(rng):
    return [
        call(real(rng, 4, 3), np.array([2, 0, 1, 2])),
        call(real(rng, 4, 3), np.array([2, -100, 1, -100]), reduction="none"),
        call(real(rng, 2, 3, 2), np.array([[0, 1], [2, 2]]), ignore_index=2, reduction="sum"),
        call(real(rng, 3), np.array(1)),
    ]


def _binary_cross_entropy(x, y, weight=None, reduction="mean"):
    losses = -y * np.log(x) - (1 - y) * np.log(1 - x)
    return reduced(losses if weight is None else losses * weight, reduction)


def _with_logits(x, y, weight=None, reduction="mean", pos_weight=1.0):
    p = 1 / (1 + np.exp(-x))
    losses = -pos_weight * y * np.log(p) - (1 - y) * np.log(1 - p)
    return reduced(losses if weight is None else losses * weight, reduction)


def _kl_div(x, y, reduction="mean", log_target=False):
    losses = np.exp(y) * (y - x) if log_target else y * (np.log(y) - x)
    if reduction == "batchmean":
        return losses.sum() / len(x)
    return reduced(losses, reduction)


def _multilabel_soft_margin(x, y, weight=None, reduction="mean"):
    return reduced(_with_logits(x, y, weight, "none").mean(-1), reduction)


def functional(name, samples, numpy=None, **fields):
    return Row(f"nn.functional.{name}", samples, numpy, method=False, **fields)


ROWS = [
    functional(
        "cross_entropy",
        _cross_entropy_samples,
        _cross_entropy,
        empty=lambda: [call(np.zeros((0, 3)), np.zeros(0, np.int64), reduction="sum")],
    ),
    functional("nll_loss", _nll_loss_samples, _nll_loss),
    functional(
        "binary_cross_entropy",
        reductions(lambda rng: (probabilities(rng, 3, 4), probabilities(rng, 3, 4))),
        _binary_cross_entropy,
    ),
    functional(
        "binary_cross_entropy_with_logits",
        reductions(lambda rng: (real(rng, 3, 4), probabilities(rng, 3, 4))),
        _with_logits,
    ),
    functional(
        "kl_div",
        lambda rng: [
            call(real(rng, 3, 4), probabilities(rng, 3, 4), reduction="sum"),
            call(real(rng, 3, 4), probabilities(rng, 3, 4), reduction="batchmean"),
            call(real(rng, 3, 4), real(rng, 3, 4), reduction="none", log_target=True),
        ],
        _kl_div,
    ),
    functional(
        "multilabel_soft_margin_loss",
        reductions(lambda rng: (real(rng, 3, 4), probabilities(rng, 3, 4))),
        _multilabel_soft_margin,
    ),
]
