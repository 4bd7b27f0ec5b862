"""What a tensor's values are like in a few exact numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from airi.autograd.anomaly import array_of
from airi.viz.words import Text, joined, text


@dataclass(frozen=True)
class Statistics:
    """Exact numbers about all elements; min, max, mean and norm are those of the finite ones.

    ``zeros`` is a share between 0 and 1, ``nan`` and ``inf`` are counts. Of complex numbers the
    absolute values are described.
    """

    size: int
    min: float
    max: float
    mean: float
    norm: float
    zeros: float
    nan: int
    inf: int

    @property
    def finite(self) -> bool:
        """Whether no element is NaN or infinite."""
        return self.nan == 0 and self.inf == 0

    def __str__(self) -> str:
        text = f"|·| {self.norm:.4g}  [{self.min:.4g}, {self.max:.4g}]  mean {self.mean:.4g}"
        text += f"  {self.zeros:.0%} zeros" if self.zeros else ""
        text += f"  {self.nan} NaN" if self.nan else ""
        return text + (f"  {self.inf} Inf" if self.inf else "")


def as_real(array: np.ndarray) -> np.ndarray:
    """The array in float64; of complex numbers the absolute values."""
    if array.dtype.kind == "c":
        array = np.abs(array)
    return array.astype(np.float64)


def statistics(array: np.ndarray) -> Statistics:
    """The `Statistics` of an array of any shape and dtype."""
    values = as_real(array)
    size = values.size
    nan = int(np.isnan(values).sum())
    inf = int(np.isinf(values).sum())
    finite = values if nan + inf == 0 else values[np.isfinite(values)]
    if finite.size == 0:
        return Statistics(size, 0.0, 0.0, 0.0, 0.0, 0.0, nan, inf)
    zeros = 1 - np.count_nonzero(values) / size
    largest = float(np.abs(finite).max())
    # A power of 2, by which nothing is rounded: sums and squares can neither overflow nor vanish.
    scale = 2.0 ** (math.frexp(largest)[1] - 1) if largest else 1.0
    norm = scale * float(np.sqrt(np.square(finite / scale).sum()))
    mean = scale * float((finite / scale).mean())
    return Statistics(size, float(finite.min()), float(finite.max()), mean, norm, zeros, nan, inf)


def described(name: str, value: Any) -> Text:
    """``x: float32 (2, 3) in [-1, 4], 2 zeros``: an input of an op in one line."""
    array = array_of(value)
    if not isinstance(array, np.ndarray):
        shown = repr(array)
        return joined(f"{name}: {shown if len(shown) <= 60 else shown[:57] + '...'}")
    what = f"{name}: {array.dtype} {tuple(array.shape)}"
    if array.dtype.kind not in "fiuV" or array.size == 0:
        return joined(what)
    stats = statistics(array)
    if array.size == 1:
        return text("isValue", what=what, value=float(array.item()))
    counts = [text("zerosCount", n=array.size - np.count_nonzero(array))] if stats.zeros else []
    counts += [joined(f"{stats.nan} NaN")] if stats.nan else []
    counts += [joined(f"{stats.inf} Inf")] if stats.inf else []
    is_known = stats.nan + stats.inf < array.size
    head = text("isSpread", what=what, min=stats.min, max=stats.max) if is_known else joined(what)
    return joined(head, *(piece for each in counts for piece in (", ", each)))
