"""Rows of `airi/ops/linalg_factor.py`. Of LU and Householder products PyTorch is the reference."""

import numpy as np

from .linalg_solve import regular
from .row import Row, call, real


def of_symmetric(function):
    """The function of (x + x.mT) / 2, for ops that read one triangle."""

    def tried(x, *args, **kwargs):
        return function((x + x.mT.conj()) / 2, *args, **kwargs)

    return tried


def definite(rng, *shape):
    return real(rng, *shape) + 8 * np.eye(shape[-1])


def _cholesky(A, upper=False):
    L = np.linalg.cholesky((A + A.mT.conj()) / 2)
    return L.mT.conj() if upper else L


def _lu_solve_samples(rng):
    def pivots(*batch):
        return np.broadcast_to(np.array([3, 2, 3], np.int32), (*batch, 3)).copy()

    return [
        call(regular(rng, 3, 3), pivots(), real(rng, 3, 2)),
        call(regular(rng, 2, 3, 3), pivots(2), real(rng, 3, 2), adjoint=True),
        call(regular(rng, 3, 3), pivots(), real(rng, 2, 3), left=False),
        call(regular(rng, 3, 3), pivots(), real(rng, 2, 3), left=False, adjoint=True),
    ]


def _lu_samples(rng):
    return [
        call(regular(rng, 3, 3)[::-1].copy()),
        call(real(rng, 2, 4, 3)),
        call(real(rng, 3, 5)),
    ]


ROWS = [
    Row(
        "linalg.cholesky",
        lambda rng: [call(definite(rng, 3, 3)), call(definite(rng, 2, 3, 3), upper=True)],
        _cholesky,
        tried=of_symmetric,
        empty=lambda: [call(np.zeros((0, 0)))],
        complex=True,
    ),
    Row(
        "linalg.cholesky_ex",
        lambda rng: [call(definite(rng, 3, 3)), call(definite(rng, 2, 2, 2), check_errors=True)],
        lambda A, check_errors=False: (_cholesky(A), np.zeros(A.shape[:-2], np.int32)),
        tried=of_symmetric,
        complex=True,
    ),
    Row(
        "linalg.qr",
        lambda rng: [
            call(regular(rng, 3, 3)),
            call(real(rng, 2, 4, 2)),
            call(real(rng, 2, 3, 4)),
            call(real(rng, 2, 4), mode="complete"),
        ],
        lambda A, mode="reduced": tuple(np.linalg.qr(A, mode)),
        empty=lambda: [call(np.zeros((0, 3))), call(np.zeros((2, 0)))],
        complex=True,
    ),
    Row("linalg.lu", _lu_samples, None, complex=True),
    Row("linalg.lu_factor", _lu_samples, None, complex=True),
    Row("linalg.lu_factor_ex", _lu_samples, None, complex=True),
    Row("linalg.lu_solve", _lu_solve_samples, None, complex=True),
    Row(
        "linalg.householder_product",
        lambda rng: [
            call(real(rng, 4, 3), real(rng, 3)),
            call(real(rng, 2, 3, 3), real(rng, 2, 2)),
        ],
        None,
        complex=True,
    ),
]


def _indefinite(rng, *shape):
    x = real(rng, *shape)
    return x + x.mT


def _ldl_solve_samples(rng):
    """Factors of one 2 x 2 block between two of 1 x 1."""
    LD = np.tril(real(rng, 4, 4)) + np.diag([3.0, 0, 0, 2])
    pivots = np.array([2, -4, -4, 4], np.int32)
    return [
        call(LD.astype(np.float32), pivots, real(rng, 4, 2).astype(np.float32)),
        call(
            np.stack([LD, 2 * LD]).astype(np.float32),
            np.stack([pivots, pivots]),
            real(rng, 4, 1).astype(np.float32),
            hermitian=True,
        ),
    ]


# Of `airi/ops/linalg_ldl.py`; without gradients.
ROWS += [
    Row(
        name,
        lambda rng: [
            call(_indefinite(rng, 5, 5)),
            call(_indefinite(rng, 3, 4, 4)),
            call(np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]])),
        ],
        None,
        grad=False,
        complex=True,
    )
    for name in ("linalg.ldl_factor", "linalg.ldl_factor_ex")
] + [Row("linalg.ldl_solve", _ldl_solve_samples, None, grad=False, atol=1e-5)]
