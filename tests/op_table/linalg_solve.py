"""Rows of `airi/ops/linalg_solve.py`."""

import numpy as np

from .row import Row, call, real


def regular(rng, *shape):
    """Matrices far from singular."""
    return real(rng, *shape) + 5 * np.eye(shape[-1])


def _solve(A, B, left=True):
    return np.linalg.solve(A, B) if left else np.linalg.solve(A.mT, B.mT).mT


def _solve_triangular(A, B, upper, left=True, unitriangular=False):
    A = np.triu(A) if upper else np.tril(A)
    if unitriangular:
        A = A - A * np.eye(A.shape[-1]) + np.eye(A.shape[-1])
    return _solve(A, B, left)


def _with_info(function):
    return lambda A, *args, **kwargs: (
        function(A, *args, **kwargs),
        np.zeros(A.shape[:-2], np.int32),
    )


def _solve_samples(rng):
    return [
        call(regular(rng, 3, 3), real(rng, 3, 2)),
        call(regular(rng, 2, 3, 3), real(rng, 3, 2)),
        call(regular(rng, 3, 3), real(rng, 2, 2, 3), left=False),
    ]


ROWS = [
    Row(
        "linalg.inv",
        lambda rng: [call(regular(rng, 3, 3)), call(regular(rng, 2, 2, 2))],
        np.linalg.inv,
        empty=lambda: [call(np.zeros((0, 0))), call(np.zeros((0, 2, 2)))],
        complex=True,
    ),
    Row(
        "linalg.inv_ex",
        lambda rng: [call(regular(rng, 3, 3)), call(regular(rng, 2, 2, 2), check_errors=True)],
        lambda A, check_errors=False: _with_info(np.linalg.inv)(A),
        complex=True,
    ),
    Row(
        "linalg.solve",
        lambda rng: [*_solve_samples(rng), call(regular(rng, 3, 3), real(rng, 3))],
        _solve,
        empty=lambda: [call(np.zeros((0, 0)), np.zeros((0, 2)))],
        complex=True,
    ),
    Row(
        "linalg.solve_ex",
        lambda rng: [
            *_solve_samples(rng)[:1],
            call(regular(rng, 2, 3, 3), real(rng, 2, 1, 3), left=False, check_errors=True),
        ],
        lambda A, B, left=True, check_errors=False: _with_info(_solve)(A, B, left),
        complex=True,
    ),
    Row(
        "linalg.solve_triangular",
        lambda rng: [
            call(regular(rng, 3, 3), real(rng, 3, 2), upper=True),
            call(regular(rng, 2, 3, 3), real(rng, 3, 2), upper=False),
            call(regular(rng, 3, 3), real(rng, 2, 2, 3), upper=True, left=False),
            call(real(rng, 3, 3), real(rng, 3, 2), upper=False, unitriangular=True),
        ],
        _solve_triangular,
        empty=lambda: [call(np.zeros((0, 0)), np.zeros((0, 2)), upper=True)],
        complex=True,
    ),
    Row(
        "linalg.tensorinv",
        lambda rng: [
            call(regular(rng, 4, 4).reshape(2, 2, 4), ind=2),
            call(regular(rng, 6, 6).reshape(6, 2, 3), ind=1),
        ],
        np.linalg.tensorinv,
        complex=True,
    ),
    Row(
        "linalg.tensorsolve",
        lambda rng: [
            call(regular(rng, 6, 6).reshape(2, 3, 6), real(rng, 2, 3)),
            call(regular(rng, 4, 4).reshape(2, 4, 2), real(rng, 4), dims=(0,)),
        ],
        # NumPy moves axes otherwise.
        None,
        complex=True,
    ),
]
