"""Rows of `airi/ops/splitting.py`."""

import numpy as np

from .row import Row, call, real


def _unbind(x, dim=0):
    return tuple(np.moveaxis(x, dim, 0))


def _split(x, split_size_or_sections, dim=0):
    sizes = split_size_or_sections
    if isinstance(sizes, int):
        return tuple(np.split(x, range(sizes, x.shape[dim], sizes), dim))
    return tuple(np.split(x, np.cumsum(sizes)[:-1], dim))


def _chunk(x, chunks, dim=0):
    return _split(x, -(-x.shape[dim] // chunks), dim)


def _tensor_split(x, indices_or_sections, dim=0):
    return tuple(np.array_split(x, indices_or_sections, dim))


ROWS = [
    *(
        Row(name, lambda rng: [call(real(rng, 2, 5), [1, 4], 1)], _split)
        for name in ("split_with_sizes", "unsafe_split_with_sizes")
    ),
    Row(
        "unsafe_split",
        lambda rng: [call(real(rng, 5, 2), 2, dim=0)],
        lambda x, n, dim: _split(x, n),
    ),
    Row("unsafe_chunk", lambda rng: [call(real(rng, 5, 2), 2)], _chunk),
    Row(
        "unbind",
        lambda rng: [call(real(rng, 3, 2)), call(real(rng, 3, 2), -1)],
        _unbind,
        integers=True,
        complex=True,
    ),
    Row(
        "split",
        lambda rng: [
            call(real(rng, 5, 2), 2),
            call(real(rng, 2, 5), [1, 4], 1),
            call(real(rng, 2, 5), split_size_or_sections=3, dim=-1),
        ],
        _split,
        integers=True,
        complex=True,
    ),
    Row(
        "chunk",
        lambda rng: [call(real(rng, 5, 2), 2), call(real(rng, 2, 5), chunks=4, dim=1)],
        _chunk,
        integers=True,
        complex=True,
    ),
    Row(
        "tensor_split",
        lambda rng: [
            call(real(rng, 5, 2), 3),
            call(real(rng, 2, 5), (1, 3), 1),
            call(real(rng, 2, 5), 2, dim=-1),
        ],
        _tensor_split,
        integers=True,
        complex=True,
    ),
    Row(
        "hsplit",
        lambda rng: [call(real(rng, 4), 2), call(real(rng, 2, 4), (1, 3))],
        lambda x, parts: tuple(np.hsplit(x, parts)),
        complex=True,
    ),
    Row(
        "vsplit",
        lambda rng: [call(real(rng, 4, 2), 2), call(real(rng, 4, 2), [1])],
        lambda x, parts: tuple(np.vsplit(x, parts)),
        complex=True,
    ),
    Row(
        "dsplit",
        lambda rng: [call(real(rng, 2, 2, 4), 2), call(real(rng, 1, 2, 4), [3])],
        lambda x, parts: tuple(np.dsplit(x, parts)),
        complex=True,
    ),
]
