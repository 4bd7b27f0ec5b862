"""Rows of `airi/ops/views.py`."""

import numpy as np

from .row import Row, call, integers, real


def _reshape(x, *shape):
    return x.reshape(*shape)


def _expand(x, *size):
    size = size[0] if isinstance(size[0], tuple) else size
    added = len(size) - x.ndim
    full = [x.shape[i - added] if n == -1 else n for i, n in enumerate(size)]
    return np.broadcast_to(x, full)


def _squeeze(x, dim=None):
    if dim is None:
        return np.squeeze(x)
    dims = (dim,) if isinstance(dim, int) else dim
    return np.squeeze(x, tuple(d for d in dims if x.shape[d] == 1))


def _flatten(x, start_dim=0, end_dim=-1):
    shape = x.shape or (1,)
    end = end_dim % len(shape)
    return x.reshape(*shape[:start_dim], -1, *shape[end + 1 :])


def _unflatten(x, dim, sizes):
    dim %= x.ndim
    return x.reshape(*x.shape[:dim], *sizes, *x.shape[dim + 1 :])


def _narrow(x, dim, start, length):
    start = start % x.shape[dim]
    return np.take(x, np.arange(start, start + length), dim)


def _unfold(x, dimension, size, step):
    dimension %= x.ndim
    count = (x.shape[dimension] - size) // step + 1
    windows = [np.take(x, np.arange(i * step, i * step + size), dimension) for i in range(count)]
    return np.moveaxis(np.stack(windows, dimension), dimension + 1, -1)


def _as_strided(x, size, stride, storage_offset=0):
    places = storage_offset + sum(
        np.ogrid[tuple(slice(n) for n in size)][i] * s for i, s in enumerate(stride)
    )
    return x.reshape(-1)[places]


def _sum_to_size(x, *size):
    size = size[0] if isinstance(size[0], tuple) else size
    added = x.ndim - len(size)
    dims = (*range(added), *(added + i for i, n in enumerate(size) if n == 1))
    return x.sum(dims).reshape(size)


def _movedim(x, source, destination):
    return np.moveaxis(x, source, destination)


def _swap(rng):
    return [
        call(real(rng, 2, 3, 4), 0, 2),
        call(real(rng, 2, 3), -1, 0),
        call(real(rng, 2, 3), dim0=1, dim1=1),
        call(real(rng), 0, -1),
    ]


def _moves(rng):
    return [
        call(real(rng, 2, 3, 4), 0, -1),
        call(real(rng, 2, 3, 4), (0, 1), (2, 0)),
        call(real(rng, 2, 3, 4), source=1, destination=0),
    ]


def _swapaxes(x, dim0, dim1):
    return np.swapaxes(x, dim0, dim1) if x.ndim else x


ROWS = [
    Row(
        "reshape",
        lambda rng: [
            call(real(rng, 3, 4), (2, 6)),
            call(real(rng, 3, 4), (-1,)),
            call(real(rng, 2, 3), (3, -1, 1)),
            call(real(rng), (1, 1)),
        ],
        _reshape,
        integers=True,
        empty=lambda: [call(np.zeros((0, 3)), (3, 0)), call(np.zeros((2, 0)), (0,))],
        complex=True,
    ),
    Row(
        ".view",
        lambda rng: [call(real(rng, 3, 4), 2, 6), call(real(rng, 3, 4), (-1, 3))],
        _reshape,
        integers=True,
        empty=lambda: [call(np.zeros((0, 3)), 3, 0)],
        layout=False,
        complex=True,
    ),
    Row(
        ".view_as",
        lambda rng: [call(real(rng, 3, 4), integers(rng, 2, 6))],
        lambda x, other: x.reshape(other.shape),
        layout=False,
        complex=True,
    ),
    Row(
        ".reshape_as",
        lambda rng: [call(real(rng, 3, 4), integers(rng, 6, 2))],
        lambda x, other: x.reshape(other.shape),
        complex=True,
    ),
    Row(
        "permute",
        lambda rng: [call(real(rng, 2, 3, 4), (2, 0, 1)), call(real(rng, 2, 3), (-1, 0))],
        np.transpose,
        integers=True,
        empty=lambda: [call(np.zeros((0, 3)), (1, 0))],
        complex=True,
    ),
    Row("transpose", _swap, _swapaxes, integers=True, complex=True),
    Row(
        "t",
        lambda rng: [call(real(rng, 2, 3)), call(real(rng, 3)), call(real(rng))],
        np.transpose,
        integers=True,
        complex=True,
    ),
    Row("movedim", _moves, _movedim, integers=True, complex=True),
    Row(
        "adjoint",
        lambda rng: [call(real(rng, 2, 3)), call(real(rng, 2, 3, 4))],
        lambda x: np.swapaxes(x, -1, -2),
        complex=True,
    ),
    Row(
        ".expand",
        lambda rng: [
            call(real(rng, 3, 1), 3, 4),
            call(real(rng, 3, 1), (2, -1, 4)),
            call(real(rng), 2, 3),
        ],
        _expand,
        integers=True,
        empty=lambda: [call(np.zeros((0, 1)), 0, 4), call(np.zeros((1, 2)), 0, 2)],
        complex=True,
    ),
    Row(
        ".expand_as",
        lambda rng: [call(real(rng, 3, 1), integers(rng, 2, 3, 4))],
        lambda x, other: np.broadcast_to(x, other.shape),
        complex=True,
    ),
    Row(
        "broadcast_to",
        lambda rng: [call(real(rng, 3, 1), (2, 3, 4)), call(real(rng, 1), (3,))],
        np.broadcast_to,
        integers=True,
        complex=True,
    ),
    Row(
        ".sum_to_size",
        lambda rng: [
            call(real(rng, 2, 3, 4), 3, 1),
            call(real(rng, 2, 3), (1, 3)),
            call(real(rng, 2, 3), 2, 3),
        ],
        _sum_to_size,
        integers=True,
        complex=True,
    ),
    Row(
        "squeeze",
        lambda rng: [
            call(real(rng, 1, 3, 1)),
            call(real(rng, 1, 3, 1), 0),
            call(real(rng, 1, 3, 1), -2),
            call(real(rng, 1, 3, 1), dim=(0, 1, 2)),
            call(real(rng), 0),
        ],
        lambda x, dim=None: _squeeze(x, dim) if x.ndim else x,
        integers=True,
        empty=lambda: [call(np.zeros((1, 0)))],
        complex=True,
    ),
    Row(
        "unsqueeze",
        lambda rng: [call(real(rng, 2, 3), 0), call(real(rng, 2, 3), -1), call(real(rng), dim=0)],
        lambda x, dim: np.expand_dims(x, dim),
        integers=True,
        empty=lambda: [call(np.zeros((0,)), 1)],
        complex=True,
    ),
    Row(
        "flatten",
        lambda rng: [
            call(real(rng, 2, 3, 4)),
            call(real(rng, 2, 3, 4), 1),
            call(real(rng, 2, 3, 4), start_dim=0, end_dim=-2),
            call(real(rng)),
        ],
        _flatten,
        integers=True,
        empty=lambda: [call(np.zeros((2, 0, 3)))],
        complex=True,
    ),
    Row(
        "ravel",
        lambda rng: [call(real(rng, 2, 3)), call(real(rng))],
        np.ravel,
        integers=True,
        complex=True,
    ),
    Row(
        "unflatten",
        lambda rng: [call(real(rng, 2, 12), 1, (3, -1)), call(real(rng, 6), dim=-1, sizes=(2, 3))],
        _unflatten,
        integers=True,
        complex=True,
    ),
    Row(
        "narrow",
        lambda rng: [
            call(real(rng, 4, 3), 0, 1, 2),
            call(real(rng, 4, 3), -1, -2, 2),
            call(real(rng, 4, 3), dim=0, start=4, length=0),
        ],
        lambda x, dim, start, length: _narrow(x, dim, start, length) if length else x[:0],
        integers=True,
        complex=True,
    ),
    Row(
        "select",
        lambda rng: [call(real(rng, 4, 3), 0, 1), call(real(rng, 4, 3), dim=-1, index=-1)],
        lambda x, dim, index: np.take(x, index, dim),
        integers=True,
        empty=lambda: [call(np.zeros((0, 2)), 1, 0)],
        complex=True,
    ),
    Row(
        ".unfold",
        lambda rng: [
            call(real(rng, 7), 0, 3, 2),
            call(real(rng, 2, 5), -1, 2, 1),
            call(real(rng, 5, 2), dimension=0, size=2, step=2),
        ],
        _unfold,
        integers=True,
        complex=True,
    ),
    Row(
        "as_strided",
        lambda rng: [
            call(real(rng, 3, 4), (2, 3), (4, 1)),
            call(real(rng, 12), (3, 3), (2, 1), 1),  # elements that overlap
            call(real(rng, 3, 4), size=(2, 2), stride=(0, 5), storage_offset=2),
        ],
        _as_strided,
        integers=True,
        layout=False,
        complex=True,
    ),
]
