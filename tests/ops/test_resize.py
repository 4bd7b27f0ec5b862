"""Interpolation beside PyTorch over sizes and modes; pixels and channels exchanged."""

import numpy as np
import pytest

import airi
from airi.nn import functional as F
from tests.second_order import assert_agrees_with_pytorch

X = np.random.default_rng(8).standard_normal((2, 3, 5, 4))


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(1, 1), (3, 7), (10, 8), (5, 4), (4, 13)])
def test_sizes(mode, size):
    assert_agrees_with_pytorch(lambda _, f, x: f.interpolate(x, size, mode=mode) ** 2, X)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("factor", [0.4, 1.0, 2.0, 2.6])
@pytest.mark.parametrize("recompute", [None, True])
@pytest.mark.parametrize("corners", [False, True])
def test_factors(mode, factor, recompute, corners):
    def program(_, f, x):
        return f.interpolate(
            x, None, factor, mode, align_corners=corners, recompute_scale_factor=recompute
        )

    assert_agrees_with_pytorch(program, X)


@pytest.mark.parametrize("factor", [0.4, 1.5, 2, 3.0])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_by_a_factor(mode, factor):
    assert_agrees_with_pytorch(lambda _, f, x: f.interpolate(x, None, factor, mode), X)


def test_pixel_unshuffle_is_the_inverse():
    x = airi.randn(2, 8, 3, 5)
    there = F.pixel_shuffle(x, 2)
    assert there.shape == (2, 2, 6, 10)
    assert F.pixel_unshuffle(there, 2).tolist() == x.tolist()


@pytest.mark.parametrize(
    ("error", "make", "message"),
    [
        (ValueError, lambda x: F.interpolate(x), "one of size and scale_factor"),
        (ValueError, lambda x: F.interpolate(x, 3, 2.0), "one of size and scale_factor"),
        (ValueError, lambda x: F.interpolate(x, 3, mode="linear"), "'linear' is not for an input"),
        (ValueError, lambda x: F.interpolate(x, 3, align_corners=True), "align_corners is for"),
        (ValueError, lambda x: F.interpolate(x, (1, 2, 3)), "expected 2 values"),
        (ValueError, lambda x: F.interpolate(x[0, 0], 3), "3 to 5 dimensions"),
        (ValueError, lambda x: F.interpolate(x, 3, antialias=True), "antialias is for bilinear"),
        (RuntimeError, lambda x: F.interpolate(x, scale_factor=0.1), "must be positive"),
        (RuntimeError, lambda x: F.interpolate(x.byte(), 3, mode="bicubic"), "bicubic.*floating"),
        (RuntimeError, lambda x: F.pixel_shuffle(x, 3), "4 channels.* do not divide .* 9"),
        (RuntimeError, lambda x: F.pixel_unshuffle(x, 3), "do not divide by downscale_factor 3"),
    ],
)
def test_refusals_say_what_was_given(error, make, message):
    with pytest.raises(error, match=message):
        make(airi.ones(1, 4, 2, 2))
