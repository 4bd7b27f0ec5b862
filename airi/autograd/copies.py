"""Copies of gradients, of which many are one number everywhere: that of a sum for what it added."""

from __future__ import annotations

from typing import Any

import numpy as np

PIECE = 1 << 14  # elements that stay in the cache


def contiguous_copy(array: Any) -> np.ndarray:
    """A contiguous copy of an array; one without strides is filled by copying a piece of it.

    NumPy stores such a number one by one, which takes twice as long as to copy from the cache.
    """
    if array.size < 4 * PIECE or any(array.strides):
        return np.array(array, order="C")
    out = np.empty(array.shape, array.dtype)
    flat = out.reshape(-1)
    whole = flat.size // PIECE * PIECE
    pieces = flat[:whole].reshape(-1, PIECE)
    pieces[0] = flat[whole:] = array.flat[0]
    pieces[1:] = pieces[0]
    return out
