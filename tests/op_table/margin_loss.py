"""Rows of `airi/ops/margin_loss.py`."""

import numpy as np

from .loss import functional, reduced, reductions
from .row import call, real


def _signs(rng, *shape):
    return rng.choice([-1, 1], shape)


def _hinge(x, y, margin=1.0, reduction="mean"):
    return reduced(np.where(y == 1, x, np.maximum(0, margin - x)), reduction)


def _ranking(x, y, target, margin=0, reduction="mean"):
    return reduced(np.maximum(0, margin - target * (x - y)), reduction)


def _cosine(x, y, target, margin=0, reduction="mean"):
    cosine = (x * y).sum(-1) / np.linalg.norm(x, axis=-1) / np.linalg.norm(y, axis=-1)
    return reduced(np.where(target == 1, 1 - cosine, np.maximum(0, cosine - margin)), reduction)


def _distance(x, y, p=2, eps=1e-6):
    return np.linalg.norm(x - y + eps, p, -1)


def _triplet(anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, reduction="mean"):
    far = _distance(anchor, negative, p, eps)
    if swap:
        far = np.minimum(far, _distance(positive, negative, p, eps))
    return reduced(np.maximum(0, _distance(anchor, positive, p, eps) - far + margin), reduction)


def _soft_margin(x, y, reduction="mean"):
    return reduced(np.log1p(np.exp(-y * x)), reduction)


def _multi_margin(x, target, p=1, margin=1.0, reduction="mean"):
    own = np.take_along_axis(x, target[..., None], -1)
    others = np.arange(x.shape[-1]) != target[..., None]
    return reduced((np.maximum(0, margin - own + x) ** p * others).mean(-1), reduction)


def _multilabel(x, target, reduction="mean"):
    rows = np.atleast_2d(x)
    losses = []
    for row, labels in zip(rows, np.atleast_2d(target)):
        count = np.argmax(labels < 0) if (labels < 0).any() else len(labels)
        wanted = labels[:count]
        rest = np.setdiff1d(np.arange(len(row)), wanted)
        losses.append(sum(np.maximum(0, 1 - row[t] + row[rest]).sum() for t in wanted) / len(row))
    losses = np.array(losses, float)
    return reduced(losses if x.ndim > 1 else losses[0], reduction)


def _vectors(rng, count):
    return [real(rng, 3, 4) for _ in range(count)]


ROWS = [
    functional(
        "hinge_embedding_loss",
        lambda rng: [
            *reductions(lambda rng: (real(rng, 3, 4), _signs(rng, 3, 4)))(rng),
            call(real(rng, 5), _signs(rng, 5), 0.5),
        ],
        _hinge,
    ),
    functional(
        "margin_ranking_loss",
        lambda rng: [
            *reductions(lambda rng: (*_vectors(rng, 2), _signs(rng, 3, 4)))(rng),
            call(*_vectors(rng, 2), _signs(rng, 3, 4), margin=0.3),
        ],
        _ranking,
    ),
    functional(
        "cosine_embedding_loss",
        lambda rng: [
            *reductions(lambda rng: (*_vectors(rng, 2), np.array([1, -1, 1])))(rng),
            call(real(rng, 4), real(rng, 4), np.array(-1), -0.9),
        ],
        _cosine,
    ),
    functional(
        "triplet_margin_loss",
        lambda rng: [
            *reductions(lambda rng: (*_vectors(rng, 3), 3.0))(rng),
            call(*_vectors(rng, 3), margin=5.0, p=3, eps=1e-3, swap=True),
        ],
        _triplet,
    ),
    functional(
        "triplet_margin_with_distance_loss",
        lambda rng: [
            call(*_vectors(rng, 3), margin=3.0),
            call(*_vectors(rng, 3), distance_function=lambda a, b: ((a - b) ** 2).sum(-1)),
            call(*_vectors(rng, 3), margin=5.0, swap=True, reduction="none"),
        ],
        # The distance works on arrays and tensors alike, so PyTorch's result says it all.
    ),
    functional(
        "soft_margin_loss",
        reductions(lambda rng: (real(rng, 3, 4), _signs(rng, 3, 4))),
        _soft_margin,
    ),
    functional(
        "multi_margin_loss",
        lambda rng: [
            *reductions(lambda rng: (real(rng, 3, 4), np.array([1, 3, 0])))(rng),
            call(real(rng, 4), np.array(2), 2, 0.5),
        ],
        _multi_margin,
    ),
    functional(
        "multilabel_margin_loss",
        lambda rng: [
            *reductions(
                lambda rng: (
                    real(rng, 3, 4),
                    np.array([[3, 0, -1, 1], [-1, 0, 0, 0], [1, 2, 3, 0]]),
                )
            )(rng),
            call(real(rng, 4), np.array([2, -1, 0, 0])),
        ],
        _multilabel,
    ),
]
