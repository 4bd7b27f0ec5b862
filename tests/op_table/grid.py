"""Rows of `airi/ops/grid.py`; PyTorch is the reference."""

import numpy as np

from .row import Row, call, real


def _grid(rng, *shape):
    """Positions within and beyond the image."""
    return rng.uniform(-1.6, 1.6, shape)


def _grid_sample(rng):
    images = [
        call(real(rng, 2, 2, 3, 4), _grid(rng, 2, 2, 3, 2), mode, padding, align)
        for mode in ("bilinear", "bicubic")
        for padding in ("zeros", "border", "reflection")
        for align in (False, True)
    ]
    volumes = [
        call(real(rng, 1, 2, 3, 2, 4), _grid(rng, 1, 2, 1, 3, 3), "bilinear", padding, align)
        for padding, align in (("zeros", True), ("border", False), ("reflection", False))
    ]
    nearest = [
        call(real(rng, 2, 2, 3, 4), _grid(rng, 2, 2, 3, 2), "nearest", padding, align_corners=True)
        for padding in ("zeros", "border", "reflection")
    ]
    one_pixel = call(
        real(rng, 1, 1, 1, 3), _grid(rng, 1, 2, 2, 2), "bilinear", "reflection", align_corners=True
    )
    return [*images, *volumes, *nearest, one_pixel]


def _affine_grid(rng):
    return [
        call(real(rng, 2, 2, 3), (2, 1, 3, 4), align_corners=False),
        call(real(rng, 1, 2, 3), [1, 3, 2, 4], align_corners=True),
        call(real(rng, 1, 3, 4), (1, 2, 2, 3, 2), align_corners=False),
    ]


ROWS = [
    Row(
        "nn.functional.grid_sample",
        _grid_sample,
        method=False,
        empty=lambda: [
            call(np.zeros((0, 2, 3, 3)), np.zeros((0, 2, 2, 2)), align_corners=False),
        ],
    ),
    Row("nn.functional.affine_grid", _affine_grid, method=False),
]
