"""Rows of `airi/ops/normal_distribution.py` and `airi/ops/entropy.py`."""

import math

import numpy as np

from .row import binary, positive, unary

_erfc = np.vectorize(math.erfc, otypes=[float])


def _inside(rng, *shape):
    return rng.uniform(0.05, 0.95, shape)


def _ndtr(x):
    return _erfc(-x / math.sqrt(2)) / 2


ROWS = [
    unary("special.erfcx", lambda x: np.exp(x * x) * _erfc(x), integers=True),
    unary("special.ndtr", _ndtr, integers=True),
    unary("special.log_ndtr", lambda x: np.log(_ndtr(x)), integers=True),
    # NumPy has no inverse: PyTorch is the reference.
    unary("special.ndtri", None, make=_inside),
    unary("special.entr", lambda x: -x * np.log(x), make=positive, integers=True),
    binary("special.xlog1py", lambda x, y: x * np.log1p(y), make=positive, integers=True),
]
