"""Rows of `airi/ops/linalg_norm.py`."""

import numpy as np

from .linalg_solve import regular
from .row import Row, call, real


def _vector_norm(x, ord=2, dim=None, keepdim=False):
    if dim is None and not keepdim:
        return np.linalg.norm(x.ravel(), ord)
    return np.linalg.vector_norm(x, ord=ord, axis=dim, keepdims=keepdim)


def _matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False):
    return np.linalg.norm(A, ord, axis=tuple(dim), keepdims=keepdim)


def _norm(A, ord=None, dim=None, keepdim=False):
    return np.linalg.norm(A, ord, axis=dim, keepdims=keepdim)


ROWS = [
    Row(
        "linalg.vector_norm",
        lambda rng: [
            call(real(rng, 3, 4)),
            call(real(rng, 3, 4), 3, dim=1),
            call(real(rng, 3, 4), float("inf"), (0,), True),
            *(call(real(rng, 5), ord=p) for p in (0, 1, 2.5, -1, float("-inf"))),
        ],
        _vector_norm,
        second=False,
        empty=lambda: [call(np.zeros((0,))), call(np.zeros((2, 0)), dim=1)],
        complex=True,
    ),
    Row(
        "linalg.matrix_norm",
        lambda rng: [
            call(real(rng, 3, 4)),
            *(call(real(rng, 3, 4), p) for p in ("nuc", 2, -2, 1, -1, np.inf, -np.inf)),
            call(real(rng, 3, 2, 4), 2, dim=(0, 2), keepdim=True),
            call(real(rng, 3, 2, 4), 1, dim=(2, 0)),
        ],
        _matrix_norm,
    ),
    Row(
        "linalg.norm",
        lambda rng: [
            call(real(rng, 2, 3, 4)),
            call(real(rng, 4), 3),
            call(real(rng, 3, 4), "nuc"),
            call(real(rng, 3, 4), 1, dim=0, keepdim=True),
            call(real(rng, 3, 4), 1, dim=(0, 1)),
        ],
        lambda A, *args, **kwargs: _norm(A if args or kwargs else A.ravel(), *args, **kwargs),
    ),
    Row(
        "linalg.cond",
        lambda rng: [
            call(regular(rng, 3, 3)),
            call(real(rng, 2, 4, 3), p=-2),
            *(call(regular(rng, 3, 3), p) for p in ("fro", "nuc", 1, -1, np.inf, -np.inf)),
        ],
        lambda A, p=None: np.linalg.cond(A, p),
        torch=None,  # its gradient of "fro" fails with an error of its own
    ),
]
