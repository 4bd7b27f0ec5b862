"""Tensors made small enough for a page: some of the values, exact statistics of all of them."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

from airi.viz.statistics import as_real, statistics

# How much of a tensor is shown at most: a row of numbers, a matrix, and tiles of an image's size.
_VECTOR, _PER_ROW = 256, 16
_MATRIX = 32
_USUAL_TILES, _TILES, _WHOLE_TILE, CELLS = 16, 256, 32, 9216


def sampled(array: np.ndarray, most: int = CELLS) -> dict[str, Any]:
    """Shape, dtype, statistics, and values picked evenly, as float32 in base64.

    ``cells`` are the rows and columns of a tile, ``grid`` the rows and columns of tiles: one for a
    matrix; for more dimensions the last two are a tile, the first example's channels first, in
    full where all of these are not more than `most` values. A
    vector fills rows of 16. Element i of k that are shown of n is element floor(i * n / k).
    """
    values = as_real(array)
    stats = statistics(array)
    picked, cells, grid = _picked(values, most)
    with np.errstate(over="ignore"):
        data = picked.astype("<f4").tobytes()
    sample = {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "cells": cells,
        "grid": grid,
        "data": base64.b64encode(data).decode(),
        "stats": [
            number(each) for each in (stats.min, stats.max, stats.mean, stats.norm, stats.zeros)
        ],
        "nan": stats.nan,
        "inf": stats.inf,
    }
    usual = {"cells": sample["shape"], "grid": [1, 1], "nan": 0, "inf": 0}  # left out
    return {key: value for key, value in sample.items() if usual.get(key) != value}


def _picked(values: np.ndarray, most: int) -> tuple[np.ndarray, list[int], list[int]]:
    if values.ndim < 2:
        flat = values.reshape(-1)
        picked = flat[_evenly(flat.size, _VECTOR)]
        columns = max(1, min(picked.size, _PER_ROW))
        return picked, [math.ceil(picked.size / columns), columns], [1, 1]
    if values.ndim == 2:
        picked = values[
            np.ix_(_evenly(values.shape[0], _MATRIX), _evenly(values.shape[1], _MATRIX))
        ]
        return picked, list(picked.shape), [1, 1]
    *leading, height, width = values.shape
    is_whole = leading[-1] * height * width <= most
    tile = _WHOLE_TILE if is_whole else math.isqrt(most // _USUAL_TILES)
    rows, columns = _evenly(height, tile), _evenly(width, tile)
    cells = len(rows) * len(columns)
    count = min(math.prod(leading), _TILES, max(1, most // max(cells, 1)))
    channels = leading[-1]
    if count > channels > 0:
        count = count // channels * channels  # whole examples
    tiles = values.reshape(-1, height, width)[:count] if values.size else values[:0]
    usual = 4 if cells > 64 else 16 if cells <= 25 and channels > 9 else 9
    whole = usual // channels * channels if 0 < channels <= usual else usual  # whole examples
    across = max(1, min(whole, count))
    picked = tiles[:, rows[:, None], columns] if values.size else np.zeros(0)
    return picked, [len(rows), len(columns)], [math.ceil(count / across), across]


def _evenly(size: int, most: int) -> np.ndarray:
    """The indices of at most `most` elements out of `size`."""
    count = min(size, most)
    return np.arange(count) * size // max(count, 1)


def number(value: float) -> float | str:
    """A number that JSON can hold, with six digits; NaN and infinities as text."""
    value = float(value)
    return brief(float(f"{value:.6g}")) if math.isfinite(value) else str(value)


def brief(value: float) -> float:
    """A small whole number as an integer: ``2`` for ``2.0``."""
    return int(value) if value.is_integer() and abs(value) < 1e6 else value
