"""NaN, infinities, signed zeros and denormal numbers: they come out where PyTorch's do."""

import itertools

import numpy as np
import pytest

import airi

from .implementations import REFERENCE, SETS, computed_by
from .table import CONVOLUTIONS, ELEMENTWISE, NORMS, SEQUENCES, TABLE, arguments, computed

torch = pytest.importorskip("torch")

SPECIAL = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, "-0": -0.0, "denormal": 1e-40}

# What is left out, with the reason.
DIFFERENT = {
    **{
        (name, "nan"): "PyTorch's gradients differ between large tensors and small ones"
        for name in ("celu", "elu", "hardshrink", "hardswish", "selu", "softshrink")
    },
    ("gelu", "inf"): "PyTorch's float32 kernel makes NaN of infinity, that for float64 infinity",
}
ATTENTION = [work for work in SEQUENCES if "attention" in work.name]  # has a test of its own
# Gradients here are sums, in which infinities of both signs may meet or cancel before.
MAY_BE_NAN_OR_INFINITE = [*NORMS, *SEQUENCES]


def with_a_special_number(work, position, number):
    """The arguments, where one of them has that number in one place."""
    arrays = arguments(work)
    flat = arrays[position].reshape(-1)
    flat[flat.size // 3] = number
    return arrays


def kind_of(work, values):
    """0 for a finite number, 1 and -1 for infinities, 2 for NaN."""
    if work in MAY_BE_NAN_OR_INFINITE:
        return ~np.isfinite(values)
    return np.where(np.isnan(values), 2, np.sign(values) * np.isinf(values))


def difference(work, position, mine, other):
    """Where results are of different kinds, or finite and different."""
    differ = kind_of(work, mine) != kind_of(work, other)
    if work in CONVOLUTIONS and position == 1:
        # A weight times the zeros of padding: PyTorch leaves that product out.
        differ &= ~np.isnan(mine)
    finite = np.isfinite(mine) & np.isfinite(other)
    least = 1e-4 * np.abs(other[finite]).max(initial=0)
    differ |= finite & (np.abs(mine - other) > 1e-4 * np.abs(other) + least)
    if work in ELEMENTWISE:
        differ |= (mine == 0) & (other == 0) & (np.signbit(mine) != np.signbit(other))
    return differ


@pytest.mark.parametrize("work", [each for each in TABLE if each not in ATTENTION], ids=str)
def test_special_numbers_come_out_where_pytorchs_do(work):
    wrong = []
    for position, name in itertools.product(range(len(work.shapes)), SPECIAL):
        if (work.name, name) in DIFFERENT:
            continue
        arrays = with_a_special_number(work, position, SPECIAL[name])
        theirs = computed(work, arrays, torch)
        for implementation in (*SETS, REFERENCE):
            with computed_by(implementation), np.errstate(all="ignore"):
                ours = computed(work, arrays, airi)
            for number, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
                with np.errstate(all="ignore"):
                    differ = difference(work, position, mine, other)
                if differ.any():
                    at = tuple(int(i) for i in np.argwhere(differ)[0])
                    wrong.append(
                        f"{implementation}, {name} in argument {position}: result {number} differs "
                        f"at {differ.sum()} places, say {at}: {mine[at]}, PyTorch {other[at]}"
                    )
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("implementation", [*SETS, REFERENCE])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("work", ATTENTION, ids=str)
def test_what_is_not_finite_stays_in_its_query(work, number, implementation):
    """In its row of the output, and in no other matrix of the batch. (PyTorch's ways differ.)"""
    arrays = arguments(work)
    arrays[0][1, 2, 7, 3] = number
    with computed_by(implementation), np.errstate(all="ignore"):
        out, dq, dk, dv = computed(work, arrays, airi)
    spoiled = np.zeros(out.shape[:3], bool)
    spoiled[1, 2, 7] = True
    for each in (out, dq):
        assert np.array_equal(np.isnan(each).any(-1), spoiled)
    for each in (dk, dv):
        assert np.array_equal(np.isnan(each).any((-1, -2)), spoiled.any(-1))
