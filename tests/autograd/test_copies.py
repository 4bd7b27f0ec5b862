"""Contiguous copies, also of one number everywhere."""

import numpy as np
import pytest

from airi.autograd.copies import PIECE, contiguous_copy


@pytest.mark.parametrize("size", [0, 1, 5, 4 * PIECE - 1, 4 * PIECE, 4 * PIECE + 3])
@pytest.mark.parametrize("number", [np.float32(3), np.float64(np.nan), np.complex64(1 - 2j)])
def test_of_one_number_everywhere(number, size):
    spread = np.broadcast_to(number, (1, size))
    copy = contiguous_copy(spread)
    np.testing.assert_array_equal(copy, spread)
    assert copy.dtype == number.dtype
    assert copy.flags.c_contiguous
    assert copy.flags.writeable


def test_of_other_arrays():
    grid = np.arange(6 * PIECE, dtype=np.float32).reshape(-1, 512)
    for array in (grid, grid.T, np.broadcast_to(grid[0], grid.shape), np.array(2.0)):
        copy = contiguous_copy(array)
        np.testing.assert_array_equal(copy, array)
        assert copy.flags.c_contiguous
        assert not np.may_share_memory(copy, array)
