"""Elements picked along one dimension by an index for every result: max, sort, topk and cummax.

These are the rules of their gradients; the functions for users are in `indexing.py`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from airi.autograd.graph import Rule
from airi.ops import places


class ValuesIndices(NamedTuple):
    """What ops return that choose elements: the chosen and where they were along the dimension."""

    values: Any
    indices: Any


class TakeAlong(Rule):
    """out[i, k] = x[i, indices[i, k]] along dim;  dx = g put or added back at the indices

    `distinct` says that no index occurs twice in a line, so nothing has to be added up.
    """

    complex = True

    @staticmethod
    def forward(x, indices, *, dim, distinct):
        fast = places.take_each(x, indices, dim)
        if fast is not None:
            return fast
        places.checked("gather", indices, dim, x.shape[dim], negative=False)
        return np.take_along_axis(x, indices, dim)

    @staticmethod
    def backward(g, indices, dim, distinct, x_shape):
        dx = SpreadAlong.apply(g, indices, dim=dim, size=x_shape[dim], distinct=distinct)
        return dx, None


class SpreadAlong(Rule):
    """out[i, indices[i, k]] += x[i, k] along dim, from zeros;  dx = g at the indices"""

    complex = True

    @staticmethod
    def forward(x, indices, *, dim, size, distinct):
        shape = (*indices.shape[:dim], size, *indices.shape[dim + 1 :])
        out = np.zeros(shape, x.dtype)
        if places.add_each(out, indices, x, dim):
            return out
        if distinct:
            np.put_along_axis(out, indices, x, dim)
        else:
            np.add.at(out.reshape(-1), _flat_positions(indices, dim, size), x.reshape(-1))
        return out

    @staticmethod
    def backward(g, indices, dim, distinct):
        return TakeAlong.apply(g, indices, dim=dim, distinct=distinct), None


def _flat_positions(indices: np.ndarray, dim: int, size: int) -> np.ndarray:
    """Where in the flattened array of that size along dim the indices point, itself flat."""
    inner = math.prod(indices.shape[dim + 1 :])
    outer = math.prod(indices.shape[:dim])
    by_line = indices.reshape(outer, indices.shape[dim], inner)
    starts = np.arange(outer)[:, None, None] * (size * inner) + np.arange(inner)
    return (by_line * inner + starts).reshape(-1)
