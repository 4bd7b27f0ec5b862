"""Rows of `airi/ops/ternary.py`."""

from .row import Row, call, positive, real


def _lerp(x, y, w):
    return x + w * (y - x)


ROWS = [
    Row(
        "lerp",
        lambda rng: [
            call(real(rng, 3, 4), real(rng, 4), 0.3),
            call(real(rng, 3, 4), real(rng, 3, 4), real(rng, 3, 1)),
        ],
        _lerp,
        in_place=True,
        broadcast=True,
        integers=True,
        complex=True,
    ),
    Row(
        "addcmul",
        lambda rng: [
            call(real(rng, 3, 4), real(rng, 4), real(rng, 3, 1)),
            call(real(rng, 3, 4), real(rng, 3, 4), real(rng, 3, 4), value=-2),
        ],
        lambda x, y, z, value=1: x + value * y * z,
        in_place=True,
        broadcast=True,
        integers=True,
        complex=True,
    ),
    Row(
        "addcdiv",
        lambda rng: [
            call(real(rng, 3, 4), real(rng, 4), positive(rng, 3, 1)),
            call(real(rng, 3, 4), real(rng, 3, 4), positive(rng, 3, 4), value=-2),
        ],
        lambda x, y, z, value=1: x + value * y / z,
        in_place=True,
        broadcast=True,
        integers=True,
        complex=True,
    ),
]
