"""Rows of `airi/ops/regression_loss.py`. Shapes that are broadcast, with a warning: tests/ops."""

import numpy as np

from .loss import functional, reduced, reductions
from .row import call, positive, real


def _weighted(losses, weight, reduction):
    if weight is None:
        return reduced(losses, reduction)
    losses = losses * weight
    return losses.sum() / weight.sum() if reduction == "mean" else reduced(losses, reduction)


def _mse(x, y, reduction="mean", weight=None):
    return _weighted((x - y) ** 2, weight, reduction)


def _l1(x, y, reduction="mean", weight=None):
    return _weighted(np.abs(x - y), weight, reduction)


def _huber(x, y, reduction="mean", delta=1.0, weight=1.0):
    d = np.abs(x - y)
    return reduced(weight * np.where(d <= delta, d**2 / 2, delta * (d - delta / 2)), reduction)


def _smooth_l1(x, y, reduction="mean", beta=1.0):
    return _l1(x, y, reduction) if beta == 0 else _huber(x, y, reduction, beta) / beta


def _gaussian(x, y, var, full=False, eps=1e-6, reduction="mean"):
    var = np.asarray(var)
    if var.ndim and var.shape == x.shape[:-1]:
        var = var[..., None]
    var = np.maximum(var, eps)
    return reduced((np.log(var) + (x - y) ** 2 / var + full * np.log(2 * np.pi)) / 2, reduction)


def _poisson(x, y, log_input=True, full=False, eps=1e-8, reduction="mean"):
    losses = np.exp(x) - y * x if log_input else x - y * np.log(x + eps)
    if full:
        losses += np.where(y > 1, y * np.log(y) - y + np.log(2 * np.pi * y) / 2, 0)
    return reduced(losses, reduction)


def _pair(rng):
    return real(rng, 3, 4), real(rng, 3, 4)


def _differences(rng):
    """Pairs whose difference is never near 0, 0.5, 1 or 2, where the losses have a kink."""
    x = real(rng, 3, 4)
    return x, x + rng.choice([-1.3, -0.7, -0.3, 0.2, 0.8, 1.4], (3, 4))


def _weighted_samples(make):
    def samples(rng):
        weights = [{"weight": positive(rng, 3, 4), "reduction": how} for how in ("mean", "none")]
        return [*reductions(make)(rng), *(call(*make(rng), **each) for each in weights)]

    return samples


def _gaussian_samples(rng):
    return [
        call(*_pair(rng), positive(rng, 3, 4)),
        call(*_pair(rng), positive(rng, 3), full=True, reduction="sum"),
        call(*_pair(rng), positive(rng, 3, 1), eps=1e-3, reduction="none"),
        call(*_pair(rng), 0.7),
    ]


def _poisson_samples(rng):
    return [
        call(*_pair(rng)),
        call(real(rng, 3, 4), real(rng, 3, 4) + 2.5, full=True, reduction="sum"),
        call(positive(rng, 3), positive(rng, 3), False, eps=1e-3, reduction="none"),
    ]


ROWS = [
    functional(
        "mse_loss",
        _weighted_samples(_pair),
        _mse,
        empty=lambda: [call(np.zeros((0, 2)), np.zeros((0, 2)), reduction="sum")],
    ),
    functional("l1_loss", _weighted_samples(_differences), _l1),
    functional(
        "huber_loss",
        lambda rng: [
            *_weighted_samples(_differences)(rng),
            call(*_differences(rng), delta=0.5),
        ],
        _huber,
    ),
    functional(
        "smooth_l1_loss",
        lambda rng: [
            *reductions(_differences)(rng),
            call(*_differences(rng), beta=0.5),
            call(*_differences(rng), beta=0),
        ],
        _smooth_l1,
    ),
    functional("gaussian_nll_loss", _gaussian_samples, _gaussian),
    functional("poisson_nll_loss", _poisson_samples, _poisson),
]
