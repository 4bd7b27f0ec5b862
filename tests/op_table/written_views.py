"""Rows of `airi/ops/written_views.py`. The results are the views', whose rows NumPy checks."""

import numpy as np

from .row import Row, call, real


def _select_scatter(x, src, dim, index):
    out = np.moveaxis(x.copy(), dim, 0)
    out[index] = src
    return np.moveaxis(out, 0, dim)


def _slice_scatter(x, src, dim=0, start=None, end=None, step=1):
    out = x.copy()
    out[(slice(None),) * dim + (slice(start, end, step),)] = src
    return out


def _diagonal_scatter(x, src, offset=0, dim1=0, dim2=1):
    out = x.copy()
    diagonal = np.diagonal(out, offset, dim1, dim2)
    diagonal.flags.writeable = True
    diagonal[...] = src
    return out


def _copy(name, *samples):
    return Row(
        f"{name}_copy",
        lambda rng: [call(real(rng, *shape), *args) for shape, *args in samples],
        method=name == "narrow",
        layout=name != "view",
    )


ROWS = [
    Row(
        "select_scatter",
        lambda rng: [
            call(real(rng, 3, 4), real(rng, 4), 0, 1),
            call(real(rng, 3, 4), real(rng, 3), dim=1, index=-1),
        ],
        _select_scatter,
    ),
    Row(
        "slice_scatter",
        lambda rng: [
            call(real(rng, 5, 2), real(rng, 2, 2), start=1, end=4, step=2),
            call(real(rng, 2, 3), real(rng, 2, 2), 1, 1),
        ],
        _slice_scatter,
    ),
    Row(
        "diagonal_scatter",
        lambda rng: [
            call(real(rng, 3, 3), real(rng, 3)),
            call(real(rng, 2, 3, 4), real(rng, 2, 3), offset=1, dim1=1, dim2=2),
        ],
        _diagonal_scatter,
    ),
    Row(
        "as_strided_scatter",
        lambda rng: [call(real(rng, 3, 3), real(rng, 2, 2), (2, 2), (3, 1), 1)],
        layout=False,
        torch=None,  # its gradient for input is that of the places that are replaced
    ),
    Row(
        "fill",
        lambda rng: [call(real(rng, 2, 3), 2.5), call(real(rng, 2, 3), real(rng))],
        lambda x, value: np.full_like(x, value),
        method=False,
        in_place=True,
        second=False,
    ),
    _copy("alias", ((2, 3),)),
    Row(
        "as_strided_copy",
        lambda rng: [call(real(rng, 6), (2, 2), (2, 1), 1)],
        method=False,
        layout=False,
    ),
    _copy("diagonal", ((3, 4), 1)),
    _copy("expand", ((3, 1), (2, 3, 4))),
    _copy("narrow", ((3, 4), 1, 1, 2)),
    _copy("permute", ((2, 3, 4), (2, 0, 1))),
    _copy("select", ((3, 4), 1, 2)),
    _copy("slice", ((5, 2), 0, 1, 4, 2)),
    _copy("split", ((5, 2), 2)),
    _copy("split_with_sizes", ((2, 5), (2, 3), 1)),
    _copy("squeeze", ((2, 1, 3), 1)),
    _copy("t", ((2, 3),)),
    _copy("transpose", ((2, 3), 0, 1)),
    _copy("unbind", ((2, 3), 1)),
    _copy("unfold", ((5,), 0, 2, 1)),
    _copy("unsqueeze", ((2, 3), 1)),
    _copy("view", ((2, 3), (3, 2))),
]
