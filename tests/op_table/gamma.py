"""Rows of `airi/ops/gamma.py`. NumPy has none of these but lgamma: PyTorch is the reference."""

import math

import numpy as np

from .row import Row, call, positive, real, unary

_lgamma = np.vectorize(math.lgamma, otypes=[float])


def _pairs(rng):
    """Of the first, which has no gradient, integers that are floats are not asked for one."""
    a = np.float32(1) * np.array([0.5, 1.0, 2.5, 40.0], np.float32)
    return [call(a.copy(), positive(rng, 4)), call(a.copy(), positive(rng, 3, 1))]


ROWS = [
    unary("lgamma", _lgamma, in_place=True, integers=True),
    unary("digamma", None, in_place=True, integers=True),
    Row(
        "polygamma",
        lambda rng: (
            [call(n, real(rng, 3)) for n in (0, 1)] + [call(n, positive(rng, 2, 3)) for n in (2, 3)]
        ),
        method=False,  # whose order is (x, n)
        integers=True,
    ),
    Row(
        "mvlgamma",
        lambda rng: [call(positive(rng, 3), 1), call(2 + positive(rng, 2, 3), p=4)],
        in_place=True,
        integers=True,
    ),
    Row(
        "special.zeta",
        lambda rng: [call(s, positive(rng, 3)) for s in (1.5, 2, 7.0)],
        method=False,
    ),
    Row("igamma", _pairs, in_place=False, second=False),
    Row("igammac", _pairs, in_place=False, second=False),
]
