"""Rows of `airi/ops/diagonals.py`."""

import numpy as np

from .row import Row, call, real


def _diag_embed(x, offset=0, dim1=-2, dim2=-1):
    side = x.shape[-1] + abs(offset)
    out = np.zeros((*x.shape[:-1], side, side))
    rows = np.arange(x.shape[-1]) + max(-offset, 0)
    out[..., rows, rows + offset] = x
    return np.moveaxis(out, (-2, -1), (dim1, dim2))


def _triangles(rng):
    return [
        call(real(rng, 3, 4)),
        call(real(rng, 4, 3), 1),
        call(real(rng, 2, 3, 3), diagonal=-1),
    ]


ROWS = [
    Row(
        "diagonal",
        lambda rng: [
            call(real(rng, 3, 4)),
            call(real(rng, 3, 4), 1),
            call(real(rng, 3, 4), -1),
            call(real(rng, 2, 3, 4), offset=0, dim1=2, dim2=0),
        ],
        lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2),
        integers=True,
        complex=True,
    ),
    Row(
        "diag_embed",
        lambda rng: [
            call(real(rng, 3)),
            call(real(rng, 2, 3), 1),
            call(real(rng, 2, 3), offset=-2, dim1=0, dim2=2),
        ],
        _diag_embed,
        integers=True,
        complex=True,
    ),
    Row(
        "diag",
        lambda rng: [call(real(rng, 3)), call(real(rng, 3, 4), 1), call(real(rng, 3), diagonal=-1)],
        lambda x, diagonal=0: np.diag(x, diagonal),
        integers=True,
        complex=True,
    ),
    Row(
        "diagflat",
        lambda rng: [call(real(rng, 2, 2)), call(real(rng, 3), 1), call(real(rng), offset=-1)],
        lambda x, offset=0: np.diagflat(x, offset),
        integers=True,
        complex=True,
    ),
    Row(
        "triu",
        _triangles,
        lambda x, diagonal=0: np.triu(x, diagonal),
        in_place=True,
        integers=True,
        empty=lambda: [call(np.zeros((0, 3)))],
        complex=True,
    ),
    Row(
        "tril",
        _triangles,
        lambda x, diagonal=0: np.tril(x, diagonal),
        in_place=True,
        integers=True,
        empty=lambda: [call(np.zeros((3, 0)))],
        complex=True,
    ),
    Row(
        "tril_indices",
        lambda rng: [call(3, 4), call(3, 4, 1), call(row=4, col=2, offset=-1)],
        lambda row, col, offset=0: np.stack(np.tril_indices(row, offset, col)),
        method=False,
        grad=False,
    ),
    Row(
        "triu_indices",
        lambda rng: [call(3, 4), call(3, 4, 1), call(row=4, col=2, offset=-1)],
        lambda row, col, offset=0: np.stack(np.triu_indices(row, offset, col)),
        method=False,
        grad=False,
    ),
]
