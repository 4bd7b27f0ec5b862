"""Rows of `airi/ops/resize.py`; PyTorch is the reference of interpolation."""

import numpy as np

from .row import Row, call, real


def _interpolate(rng):
    return [
        call(real(rng, 1, 2, 4), 7),
        call(real(rng, 2, 1, 3, 2), scale_factor=2),
        call(real(rng, 1, 2, 4, 3), scale_factor=(1.5, 0.7), mode="nearest-exact"),
        call(real(rng, 1, 1, 2, 3, 2), (3, 2, 4)),
        call(real(rng, 2, 2, 5, 4), (2, 3), mode="area"),
        call(real(rng, 1, 2, 5), scale_factor=1.3, mode="linear"),
        call(real(rng, 1, 2, 3, 4), (5, 3), None, "bilinear"),
        call(real(rng, 1, 2, 3, 4), (5, 1), mode="bilinear", align_corners=True),
        call(
            real(rng, 1, 1, 3, 4), scale_factor=1.7, mode="bilinear",
            align_corners=False, recompute_scale_factor=True,
        ),
        call(real(rng, 1, 2, 3, 4), (6, 3), mode="bicubic"),
        call(real(rng, 1, 1, 4, 3), scale_factor=2.0, mode="bicubic", align_corners=True),
        call(real(rng, 1, 1, 2, 3, 2), (3, 2, 4), mode="trilinear", align_corners=True),
        call(real(rng, 1, 1, 4, 3, 2), (3, 2, 4), mode="area"),
        call(real(rng, 1, 2, 7, 5), (3, 8), mode="bilinear", antialias=True),
        call(real(rng, 1, 1, 9, 5), (3, 2), mode="bicubic", antialias=True),
        call(real(rng, 1, 1, 9, 5), scale_factor=0.4, mode="bilinear", antialias=True),
        call(
            real(rng, 1, 1, 7, 5), (3, 8), mode="bicubic", antialias=True, align_corners=True
        ),
    ]  # fmt: skip


def _pixel_shuffle(x, r):
    *batch, channels, height, width = x.shape
    out = np.empty((*batch, channels // r**2, height * r, width * r))
    for i in range(r):
        for j in range(r):
            out[..., i::r, j::r] = x[..., i * r + j :: r**2, :, :]
    return out


def _pixel_unshuffle(x, r):
    parts = [x[..., i::r, j::r] for i in range(r) for j in range(r)]
    stacked = np.stack(parts, -3)
    return stacked.reshape(*x.shape[:-3], -1, *stacked.shape[-2:])


def _channel_shuffle(x, groups):
    parts = np.split(x, groups, 1)
    return np.stack(parts, 2).reshape(x.shape)


def _functional(name, samples, numpy=None):
    return Row(f"nn.functional.{name}", samples, numpy, method=False)


ROWS = [
    _functional("interpolate", _interpolate),
    _functional(
        "pixel_shuffle",
        lambda rng: [call(real(rng, 2, 8, 2, 3), 2), call(real(rng, 9, 1, 2), 3)],
        _pixel_shuffle,
    ),
    _functional(
        "pixel_unshuffle",
        lambda rng: [call(real(rng, 2, 2, 4, 6), 2), call(real(rng, 1, 3, 6), 3)],
        _pixel_unshuffle,
    ),
    _functional(
        "channel_shuffle",
        lambda rng: [call(real(rng, 2, 6, 2, 3), 3), call(real(rng, 1, 4, 3), 2)],
        _channel_shuffle,
    ),
]
