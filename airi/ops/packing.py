"""Sequences of different lengths: padded to one length, or packed without padding.

Packed rows are in order of time: those of one step together, the longest sequence first.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from airi.autograd.graph import Rule
from airi.ops.views import Slice


class Pack(Rule):
    """out = x (T, B, *) without its padding, (N, *);  dx = g padded with 0"""

    @staticmethod
    def forward(x, *, batch_sizes):
        return np.concatenate([x[time, :size] for time, size in enumerate(batch_sizes)])

    @staticmethod
    def backward(g, x_shape, batch_sizes):
        return Pad.apply(g, batch_sizes=batch_sizes, length=x_shape[0], value=0)


class Pad(Rule):
    """out = packed rows (N, *) apart again, (length, B, *), and value elsewhere;  dx = g packed"""

    @staticmethod
    def forward(x, *, batch_sizes, length, value):
        out = np.full((length, batch_sizes[0], *x.shape[1:]), value, x.dtype)
        ends = accumulate(batch_sizes)
        for time, (end, size) in enumerate(zip(ends, batch_sizes, strict=True)):
            out[time, :size] = x[end - size : end]
        return out

    @staticmethod
    def backward(g, batch_sizes):
        return Pack.apply(g, batch_sizes=batch_sizes)


class PadSequences(Rule):
    """out = the xs (T_i, *) side by side, value where they are shorter;  each dx = its part of g"""

    @staticmethod
    def forward(*xs, batch_first, value, left):
        shapes = [x.shape for x in xs]
        length = max(shape[0] for shape in shapes)
        sizes = (len(xs), length) if batch_first else (length, len(xs))
        out = np.full((*sizes, *shapes[0][1:]), value, xs[0].dtype)
        for x, place in zip(xs, _places(shapes, batch_first, left), strict=True):
            out[place] = x
        return out

    @staticmethod
    def backward(g, xs_shape, batch_first, left):
        return tuple([Slice.apply(g, index=at) for at in _places(xs_shape, batch_first, left)])


def _places(shapes: Sequence[tuple[int, ...]], batch_first: bool, left: bool) -> list[Any]:
    """Where in the padded array each sequence is."""
    length = max(shape[0] for shape in shapes)
    places = []
    for number, (own, *_) in enumerate(shapes):
        time = slice(length - own, length) if left else slice(0, own)
        places.append((number, time) if batch_first else (time, number))
    return places
