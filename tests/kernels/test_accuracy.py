"""Errors of float32 against float64: at most 4 times PyTorch's, on every instruction set.

An error is counted in roundings: in how far the exact result moves when the arguments are rounded
to float32, which no kernel can do anything about, and the result is. Without PyTorch at most
`MOST_ROUNDINGS` are allowed.
"""

import numpy as np
import pytest

import airi

from .implementations import REFERENCE, SETS, computed_by
from .table import TABLE, arguments, computed

try:
    import torch
except ImportError:
    torch = None

EPS = float(np.finfo(np.float32).eps)
MOST_ROUNDINGS = 12, 120  # in the mean, at one place; sums of thousands of products have most
# PyTorch may be lucky: this much is always allowed.
FEW_ROUNDINGS = 2, 6


def truth(work, arrays):
    """The results in float64 by airi's NumPy code, and the size of one rounding of each element."""
    doubles = [each.astype(np.float64) for each in arrays]
    with computed_by(REFERENCE):
        exact = computed(work, doubles, airi)
        units = [EPS * spread(np.abs(each), work.measure) for each in exact]
        for position, seed in np.ndindex(len(doubles), 2):
            moved = list(doubles)
            signs = np.random.default_rng(seed).choice([-1, 1], moved[position].shape)
            moved[position] = moved[position] * (1 + EPS / 2 * signs)
            for i, each in enumerate(computed(work, moved, airi)):
                units[i] = units[i] + spread(np.abs(each - exact[i]), work.measure) / 2
    least = float(np.finfo(np.float32).tiny)  # what is smaller may become 0
    return exact, [unit + least for unit in units]


def spread(sizes, measure):
    """The root of the mean square over what `measure` names, see `Work`."""
    if measure == "element" or sizes.ndim == 0:
        return sizes
    dims = -1 if measure == "row" else None
    return np.sqrt(np.mean(np.square(sizes), dims, keepdims=True))


def error(found, exact, unit):
    """In roundings: the root of the mean square, and the largest."""
    roundings = np.abs(found - exact) / unit
    return np.sqrt(np.mean(np.square(roundings))), roundings.max()


def allowed(work, arrays, exact, units):
    """For the output and each gradient: the most that `error` may be."""
    if torch is None:
        return [MOST_ROUNDINGS] * len(exact)
    # The largest error of an array's thousands of sums is a matter of luck, and so is a single one.
    factors = 4, 10 if work.measure == "array" else 4
    found = []
    for theirs, true, unit in zip(computed(work, arrays, torch), exact, units, strict=True):
        sizes = error(theirs, true, unit)
        mean, largest = (
            max(factor * size, few)
            for factor, size, few in zip(factors, sizes, FEW_ROUNDINGS, strict=True)
        )
        found.append((largest if true.size == 1 else mean, largest))
    return found


@pytest.mark.parametrize("work", TABLE, ids=str)
def test_error_is_at_most_four_times_pytorchs(work):
    for kind in work.kinds:
        arrays = arguments(work, kind)
        exact, units = truth(work, arrays)
        limits = allowed(work, arrays, exact, units)
        for implementation in (*SETS, REFERENCE):
            with computed_by(implementation):
                ours = computed(work, arrays, airi)
            for number, (mine, true, unit) in enumerate(zip(ours, exact, units, strict=True)):
                mean, largest = error(mine, true, unit)
                where = f"{implementation}, {kind} numbers, result {number}"  # 1...: gradients
                assert mine.dtype == np.float32
                assert mean <= limits[number][0], f"{where}: the mean error"
                assert largest <= limits[number][1], f"{where}: the largest error"
