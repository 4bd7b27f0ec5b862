"""Rows of `airi/ops/erf.py`."""

import math

import numpy as np

from .row import unary

_erf = np.vectorize(math.erf, otypes=[float])
_erfc = np.vectorize(math.erfc, otypes=[float])


def _inside_one(rng, *shape):
    return rng.uniform(-0.9, 0.9, shape)


ROWS = [
    unary("erf", _erf, in_place=True, integers=True),
    unary("erfc", _erfc, in_place=True, integers=True),
    # NumPy has no inverse of erf: PyTorch is the reference.
    unary("erfinv", None, make=_inside_one, in_place=True),
]
