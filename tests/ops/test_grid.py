"""What the op table cannot say of `airi/ops/grid.py`."""

import pytest

import airi
from airi.nn import functional as F


def test_the_grid_of_the_identity_gives_the_image_back():
    theta = airi.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    x = airi.randn(1, 2, 4, 5)
    for align_corners in (False, True):
        grid = F.affine_grid(theta, x.shape, align_corners=align_corners)
        assert airi.allclose(F.grid_sample(x, grid, align_corners=align_corners), x, atol=1e-6)


def test_positions_that_are_no_numbers_do_not_fail():
    x = airi.ones(1, 1, 2, 2)
    grid = airi.full((1, 1, 2, 2), airi.nan)
    for mode in ("bilinear", "nearest", "bicubic"):
        assert F.grid_sample(x, grid, mode, align_corners=False).shape == (1, 1, 1, 2)


def test_leaving_out_align_corners_warns():
    with pytest.warns(UserWarning, match="affine_grid: pass align_corners"):
        grid = F.affine_grid(airi.randn(1, 2, 3), (1, 1, 2, 2))
    with pytest.warns(UserWarning, match="grid_sample: pass align_corners"):
        F.grid_sample(airi.ones(1, 1, 2, 2), grid)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x, g: F.grid_sample(x, g, "cubic"), ValueError, "mode must be one of"),
        (lambda x, g: F.grid_sample(x, g, padding_mode="same"), ValueError, "padding_mode"),
        (lambda x, g: F.grid_sample(x[0], g), RuntimeError, "expected input"),
        (lambda x, g: F.grid_sample(x, g[..., :1]), RuntimeError, "needs a grid"),
        (lambda x, g: F.grid_sample(x, g.double()), RuntimeError, "one floating-point dtype"),
        (lambda x, g: F.affine_grid(airi.ones(2, 2, 3), (1, 1, 2, 2)), ValueError, "needs theta"),
        (lambda x, g: F.affine_grid(airi.ones(1, 2, 3), (1, 1, 0, 2)), ValueError, "positive"),
    ],
)
def test_refusals(call, error, match):
    with pytest.raises(error, match=match):
        call(airi.ones(1, 2, 3, 4), airi.zeros(1, 2, 2, 2))
