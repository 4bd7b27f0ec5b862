"""Rows of `airi/ops/masking.py`."""

import numpy as np

from .row import Row, booleans, call, real


def _masked_scatter(x, mask, source):
    out = np.array(np.broadcast_to(x, np.broadcast_shapes(x.shape, mask.shape)))
    mask = np.broadcast_to(mask, out.shape)
    out[mask] = source.reshape(-1)[: mask.sum()]
    return out


def _masked_select(x, mask):
    x, mask = np.broadcast_arrays(x, mask)
    return x[mask]


def _some(rng):
    return np.where(booleans(rng, 3, 4), real(rng, 3, 4), 0.0)


ROWS = [
    Row(
        "masked_fill",
        lambda rng: [
            call(real(rng, 3, 4), booleans(rng, 3, 4), -1.5),
            call(real(rng, 3, 4), booleans(rng, 4), real(rng)),
            call(real(rng, 4), booleans(rng, 3, 1), value=3.0),
        ],
        lambda x, mask, value: np.where(mask, value, x),
        in_place=True,
        empty=lambda: [call(np.zeros((0, 3)), np.zeros((3,), bool), 1.0)],
        complex=True,
    ),
    Row(
        ".where",
        lambda rng: [
            call(real(rng, 3, 1), booleans(rng, 4), real(rng, 3, 4)),
            call(real(rng, 3), condition=booleans(rng, 3), other=1.5),
        ],
        lambda x, condition, other: np.where(condition, x, other),
        complex=True,
    ),
    Row(
        "masked_select",
        lambda rng: [
            call(real(rng, 3, 4), booleans(rng, 3, 4)),
            call(real(rng, 3, 1), booleans(rng, 4)),
            call(real(rng), np.array(True)),
        ],
        _masked_select,
        integers=True,
        empty=lambda: [call(np.zeros((3,)), np.zeros((3,), bool))],
        complex=True,
    ),
    Row(
        "masked_scatter",
        lambda rng: [
            call(real(rng, 3, 4), booleans(rng, 3, 4), real(rng, 12)),
            call(real(rng, 3, 4), booleans(rng, 4), real(rng, 4, 4)),
            call(real(rng, 4), booleans(rng, 3, 4), real(rng, 12)),
        ],
        _masked_scatter,
        in_place=True,
        integers=True,
        complex=True,
    ),
    Row(
        "nonzero",
        lambda rng: [call(_some(rng)), call(_some(rng), as_tuple=True), call(real(rng))],
        lambda x, as_tuple=False: np.nonzero(x) if as_tuple else np.argwhere(x),
        grad=False,
        integers=True,
        complex=True,
    ),
    Row(
        "argwhere",
        lambda rng: [call(_some(rng)), call(real(rng))],
        np.argwhere,
        grad=False,
        integers=True,
        complex=True,
    ),
]
