"""Rows of `airi/ops/number_parts.py`, `renorm.py`, `index_reduce.py` and `positions.py`."""

import warnings

import numpy as np

from .row import Row, booleans, call, integers, positive, real


def _whole_pairs(rng):
    return [
        call(integers(rng, 3, 4, low=-20, high=20), integers(rng, 4, low=-20, high=20)),
        call(integers(rng, 3), integers(rng, 1)),
    ]


def _renorm(x, p, dim, maxnorm):
    others = tuple(i for i in range(x.ndim) if i != dim % x.ndim)
    norms = (np.abs(x) ** p).sum(others, keepdims=True) ** (1 / p)
    return x * np.where(norms > maxnorm, maxnorm / (norms + 1e-7), 1)


def _reductions(rng):
    index = np.array([2, 0, 2, 1])
    return [
        *(call(positive(rng, 3, 2), 0, index, positive(rng, 4, 2), each) for each in _KINDS),
        call(positive(rng, 2, 3), 1, index, positive(rng, 2, 4), "mean", include_self=False),
    ]


def _quietly(function):
    """PyTorch warns that its function is new."""

    def tried(*args, **kwargs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return function(*args, **kwargs)

    return tried


_KINDS = ("prod", "mean", "amax", "amin")


ROWS = [
    Row("gcd", _whole_pairs, np.gcd, grad=False, in_place=True, broadcast=True),
    Row("lcm", _whole_pairs, np.lcm, grad=False, in_place=True, broadcast=True),
    Row(
        "nextafter",
        lambda rng: [
            call(real(rng, 3, 4).astype(np.float32), real(rng, 4).astype(np.float32)),
        ],
        np.nextafter,
        grad=False,
        in_place=True,
        broadcast=True,
    ),
    Row("frexp", lambda rng: [call(real(rng, 3, 4)), call(real(rng))], np.frexp, second=False),
    Row(
        "renorm",
        lambda rng: [
            call(real(rng, 3, 4), 2, 0, 1.5),
            call(real(rng, 3, 4), p=1.5, dim=-1, maxnorm=2),
        ],
        _renorm,
        in_place=True,
    ),
    # NumPy reduces into no index: PyTorch is the reference.
    Row("index_reduce", _reductions, in_place=True, tried=_quietly),
    Row(
        "isin",
        lambda rng: [
            call(integers(rng, 3, 4), integers(rng, 3)),
            call(integers(rng, 5), integers(rng, 2), invert=True),
            call(np.arange(5), np.array([7, 3]), assume_unique=True),
            call(integers(rng, 4), 2),
        ],
        np.isin,
        method=False,
        grad=False,
    ),
    Row(
        "nonzero_static",
        lambda rng: [
            call(booleans(rng, 3, 4), size=5),
            call(integers(rng, 4), size=6, fill_value=9),
        ],
        grad=False,
    ),
    Row(
        "unravel_index",
        lambda rng: [
            call(integers(rng, 3, 2, low=0, high=24), (2, 3, 4)),
            call(integers(rng, 3, low=0, high=5), shape=5),
        ],
        lambda indices, shape: tuple(np.unravel_index(indices, shape)),
        method=False,
        grad=False,
    ),
]
