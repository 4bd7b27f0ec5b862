"""What a tensor's values are like in a few exact numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
    scale = largest or 1.0  # squares of what is left can neither overflow nor vanish
    norm = scale * float(np.sqrt(np.square(finite / scale).sum()))
    return Statistics(
        size, float(finite.min()), float(finite.max()), float(finite.mean()), norm, zeros, nan, inf
    )
