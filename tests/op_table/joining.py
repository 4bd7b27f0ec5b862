"""Rows of `airi/ops/joining.py`."""

import itertools

import numpy as np

from .row import Row, call, real


def _lists(rng):
    return [
        call([real(rng, 2, 3), real(rng, 2, 3)]),
        call((real(rng, 2), real(rng, 2), real(rng, 2))),
    ]


def _column(x):
    return x.reshape(-1, 1) if x.ndim < 2 else x


def _atleast(rng):
    return [call(real(rng)), call(real(rng, 3)), call(real(rng, 2, 3)), call(real(rng, 1, 2, 2))]


def _block_diag(*xs):
    xs = [np.atleast_2d(x) for x in xs]
    out = np.zeros(np.sum([x.shape for x in xs], 0))
    top = left = 0
    for x in xs:
        out[top : top + x.shape[0], left : left + x.shape[1]] = x
        top, left = top + x.shape[0], left + x.shape[1]
    return out


def _tile(x, *dims):
    dims = dims[0] if isinstance(dims[0], tuple) else dims
    return np.tile(x, dims)


def _repeat_interleave(x, repeats=None, dim=None, output_size=None):
    return np.repeat(np.arange(x.size), x) if repeats is None else np.repeat(x, repeats, dim)


def _roll(x, shifts, dims=None):
    return np.roll(x, shifts, dims)


def _combinations(x, r=2, with_replacement=False):
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    return np.array(list(choose(x, r)))


ROWS = [
    Row(
        "cat",
        lambda rng: [
            call([real(rng, 2, 3), real(rng, 1, 3)]),
            call((real(rng, 2, 3), real(rng, 2, 1), real(rng, 2, 2)), 1),
            call([real(rng, 2, 3)], dim=-1),
        ],
        lambda xs, dim=0: np.concatenate([x for x in xs if x.shape != (0,)] or xs, dim),
        method=False,
        integers=True,
        empty=lambda: [
            call([np.zeros((0, 3)), np.zeros((2, 3))]),
            call([np.zeros((0,)), np.zeros((2, 3))], 1),
            call([np.zeros((0,))]),
        ],
        complex=True,
    ),
    Row(
        "stack",
        lambda rng: [
            call([real(rng, 2, 3), real(rng, 2, 3)]),
            call((real(rng, 2), real(rng, 2), real(rng, 2)), dim=-1),
            call([real(rng), real(rng)]),
        ],
        lambda xs, dim=0: np.stack(xs, dim),
        method=False,
        integers=True,
        empty=lambda: [call([np.zeros((0,)), np.zeros((0,))], 1)],
        complex=True,
    ),
    Row("hstack", _lists, np.hstack, method=False, integers=True, complex=True),
    Row("vstack", _lists, np.vstack, method=False, integers=True, complex=True),
    Row("dstack", _lists, np.dstack, method=False, integers=True, complex=True),
    Row(
        "column_stack",
        lambda rng: [*_lists(rng), call([real(rng, 2), real(rng, 2, 2)])],
        lambda xs: np.hstack([_column(x) for x in xs]),
        method=False,
        complex=True,
    ),
    Row("atleast_1d", _atleast, np.atleast_1d, method=False, complex=True),
    Row("atleast_2d", _atleast, np.atleast_2d, method=False, complex=True),
    Row("atleast_3d", _atleast, np.atleast_3d, method=False, complex=True),
    Row(
        "block_diag",
        lambda rng: [call(real(rng, 2, 3), real(rng), real(rng, 2)), call(real(rng, 1, 2))],
        _block_diag,
        method=False,
        complex=True,
    ),
    Row(
        ".repeat",
        lambda rng: [
            call(real(rng, 3), 4, 2),
            call(real(rng, 2, 3), (1, 3)),
            call(real(rng), 3),
            call(real(rng, 2), 0),
        ],
        _tile,
        integers=True,
        empty=lambda: [call(np.zeros((0, 2)), 2, 2)],
        complex=True,
    ),
    Row(
        "tile",
        lambda rng: [call(real(rng, 2, 3), (2,)), call(real(rng, 3), (2, 2))],
        _tile,
        integers=True,
        complex=True,
    ),
    Row(
        "repeat_interleave",
        lambda rng: [
            call(real(rng, 2, 3), 2),
            call(real(rng, 2, 3), 2, 1),
            call(real(rng, 2, 3), np.array([1, 0, 3]), dim=-1),
            call(real(rng, 3), np.array([1, 0, 3]), output_size=4),
        ],
        _repeat_interleave,
        integers=True,
        complex=True,
    ),
    Row(
        "flip",
        lambda rng: [call(real(rng, 2, 3), (0, 1)), call(real(rng, 2, 3), (-1,))],
        np.flip,
        integers=True,
        empty=lambda: [call(np.zeros((0, 2)), (0,))],
        complex=True,
    ),
    Row("fliplr", lambda rng: [call(real(rng, 2, 3))], np.fliplr, integers=True, complex=True),
    Row("flipud", lambda rng: [call(real(rng, 2, 3)), call(real(rng, 3))], np.flipud, complex=True),
    Row(
        "roll",
        lambda rng: [
            call(real(rng, 2, 3), 1),
            call(real(rng, 2, 3), 2, 1),
            call(real(rng, 2, 3), (1, -2), (0, 1)),
            call(real(rng, 4), shifts=5, dims=(0,)),
        ],
        _roll,
        integers=True,
        empty=lambda: [call(np.zeros((0, 2)), 1, 0)],
        complex=True,
    ),
    Row(
        "rot90",
        lambda rng: [
            call(real(rng, 2, 3)),
            call(real(rng, 2, 3), 2),
            call(real(rng, 2, 3, 2), 3, (2, 1)),
            call(real(rng, 2, 3), k=-1, dims=[0, 1]),
            call(real(rng, 2, 3), 0),
        ],
        lambda x, k=1, dims=(0, 1): np.rot90(x, k, tuple(dims)),
        integers=True,
        complex=True,
    ),
    Row(
        "broadcast_tensors",
        lambda rng: [call(real(rng, 3, 1), real(rng, 4)), call(real(rng), real(rng, 2))],
        np.broadcast_arrays,
        method=False,
        complex=True,
    ),
    Row(
        "meshgrid",
        lambda rng: [
            call(real(rng, 2), real(rng, 3), indexing="ij"),
            call(real(rng, 2), real(rng, 3), real(rng, 2), indexing="xy"),
            call([real(rng, 2), real(rng)], indexing="ij"),
        ],
        lambda *xs, indexing: np.meshgrid(
            *(xs[0] if isinstance(xs[0], list) else xs), indexing=indexing
        ),
        method=False,
        complex=True,
    ),
    Row(
        "cartesian_prod",
        lambda rng: [call(real(rng, 2), real(rng, 3)), call(real(rng, 3))],
        lambda *xs: np.array(list(itertools.product(*xs))) if len(xs) > 1 else xs[0],
        method=False,
        complex=True,
    ),
    Row(
        "combinations",
        lambda rng: [
            call(real(rng, 4)),
            call(real(rng, 4), 3),
            call(real(rng, 3), r=2, with_replacement=True),
        ],
        _combinations,
        method=False,
        integers=True,
        complex=True,
    ),
]
