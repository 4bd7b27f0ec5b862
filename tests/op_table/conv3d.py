"""Rows of `airi/ops/conv3d.py`; PyTorch is the reference."""

import numpy as np

from .row import Row, call, real


def _conv3d(rng):
    return [
        call(real(rng, 2, 2, 3, 4, 3), real(rng, 3, 2, 2, 3, 2), real(rng, 3)),
        call(
            real(rng, 1, 4, 4, 3, 4), real(rng, 2, 2, 2, 2, 2), None,
            stride=(2, 1, 2), padding=(1, 0, 1), dilation=(2, 1, 1), groups=2,
        ),
        call(real(rng, 1, 3, 3, 4), real(rng, 2, 1, 2, 3, 3), padding="same", dilation=(2, 1, 1)),
        call(real(rng, 1, 1, 3, 3, 3), real(rng, 1, 1, 2, 2, 2), padding="valid"),
    ]  # fmt: skip


def _conv_transpose3d(rng):
    return [
        call(real(rng, 2, 2, 2, 3, 2), real(rng, 2, 3, 2, 2, 3), real(rng, 3)),
        call(
            real(rng, 1, 4, 2, 2, 3), real(rng, 4, 1, 3, 2, 2), real(rng, 2),
            stride=2, padding=1, output_padding=(1, 0, 1), groups=2,
        ),
        call(
            real(rng, 1, 2, 2, 2), real(rng, 1, 1, 2, 2, 2),
            padding=1, output_padding=2, dilation=3,
        ),
    ]  # fmt: skip


ROWS = [
    Row(
        "nn.functional.conv3d",
        _conv3d,
        method=False,
        empty=lambda: [call(np.zeros((0, 2, 3, 3, 3)), np.ones((3, 2, 2, 2, 2)), np.ones(3))],
    ),
    Row("nn.functional.conv_transpose3d", _conv_transpose3d, method=False),
]
