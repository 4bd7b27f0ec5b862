"""Functions computed in float64 whatever floats come in, and Chebyshev series: for special ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def require_a_tensor(function: str, *given: Any) -> None:
    """TypeError for numbers alone."""
    if not any(hasattr(each, "_array") for each in given):
        kinds = " and ".join(type(each).__name__ for each in given)
        raise TypeError(f"{function}: at least one argument must be a Tensor, got {kinds}")


def in_double(function: Callable[..., Any], *given: Any) -> np.ndarray:
    """The function of float64 arrays, in the common dtype of what is given."""
    dtype = np.result_type(*given)
    values = [np.asarray(each, np.float64) for each in given]
    return np.asarray(function(*values)).astype(dtype, copy=False)


def series(coefficients: Sequence[float], t: Any) -> Any:
    """c[0] / 2 + c[1] * T1(t) + c[2] * T2(t) + ... by Clenshaw's recurrence (1955)."""
    twice = 2 * t
    ahead = behind = 0.0
    for c in reversed(coefficients[1:]):
        ahead, behind = twice * ahead - behind + c, ahead
    return t * ahead - behind + coefficients[0] / 2
