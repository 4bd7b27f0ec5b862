"""Rows of `airi/ops/linalg_spectrum.py`."""

import numpy as np

from .linalg_factor import of_symmetric
from .row import Row, call, real


def spread(rng, *shape):
    """Matrices whose eigenvalues and singular values are apart."""
    n = min(shape[-2:])
    out = 0.5 * real(rng, *shape)
    out[..., range(n), range(n)] += 2.0 * np.arange(1, n + 1)
    return out


def _eigh_without_signs(eigh):
    def tried(x, *args, **kwargs):
        w, V = eigh((x + x.mT.conj()) / 2, *args, **kwargs)
        return w, V * V[..., :1, :].conj()

    return tried


def _svd_without_signs(svd):
    def tried(x, *args, **kwargs):
        U, S, Vh = svd(x, *args, **kwargs)
        k = S.shape[-1]
        return S, U[..., :k] * U[..., :1, :k].conj(), Vh[..., :k, :] * Vh[..., :k, :1].conj()

    return tried


def _numpy_svd(x, full_matrices=True):
    return _svd_without_signs(lambda y: np.linalg.svd(y, full_matrices=False))(x)


def _numpy_eigh(x, UPLO="L"):
    return _eigh_without_signs(np.linalg.eigh)(x, UPLO)


def _of_rank_1(rng):
    return real(rng, 3, 1) @ real(rng, 1, 2)


def _eig_without_phases(eig):
    def tried(x):
        w, V = eig(x)
        return w, V * V[..., :1, :].conj()

    return tried


ROWS = [
    # NumPy gives real results for real eigenvalues: PyTorch is the reference.
    Row(
        "linalg.eig",
        lambda rng: [call(spread(rng, 3, 3)), call(spread(rng, 2, 2, 2))],
        tried=_eig_without_phases,
        complex=True,
    ),
    Row(
        "linalg.eigvals",
        lambda rng: [call(spread(rng, 3, 3)), call(spread(rng, 2, 2, 2))],
        complex=True,
    ),
    Row(
        "linalg.eigh",
        lambda rng: [call(spread(rng, 3, 3)), call(spread(rng, 2, 3, 3), UPLO="U")],
        _numpy_eigh,
        tried=_eigh_without_signs,
        empty=None,
        complex=True,
    ),
    Row(
        "linalg.eigvalsh",
        lambda rng: [call(spread(rng, 3, 3)), call(spread(rng, 2, 3, 3), "U")],
        lambda x, UPLO="L": np.linalg.eigvalsh((x + x.mT) / 2),
        tried=of_symmetric,
        empty=lambda: [call(np.zeros((0, 0)))],
        complex=True,
    ),
    Row(
        "linalg.svd",
        lambda rng: [
            call(spread(rng, 3, 3)),
            call(spread(rng, 2, 4, 2), full_matrices=False),
            call(spread(rng, 2, 3), False),
        ],
        _numpy_svd,
        tried=_svd_without_signs,
        complex=True,
    ),
    Row(
        "linalg.svdvals",
        lambda rng: [call(spread(rng, 3, 4)), call(spread(rng, 2, 3, 2))],
        lambda x: np.linalg.svd(x, compute_uv=False),
        empty=lambda: [call(np.zeros((2, 0)))],
        complex=True,
    ),
    Row(
        "linalg.matrix_rank",
        lambda rng: [
            call(_of_rank_1(rng)),
            call(real(rng, 2, 3, 3), tol=1.5),
            call(np.diag([3.0, 2.0, 0.1]), atol=0.5),
            call(np.diag([3.0, -2.0, 0.1]), rtol=0.5, hermitian=True),
        ],
        # NumPy's tolerances are otherwise.
        None,
        grad=False,
        complex=True,
    ),
    Row(
        "linalg.pinv",
        lambda rng: [
            call(real(rng, 4, 2)),
            call(spread(rng, 2, 2, 3), rcond=1e-10),
            call(spread(rng, 3, 3), atol=1e-8, rtol=1e-8),
        ],
        lambda x, rcond=0, **_: np.linalg.pinv(x),
        empty=lambda: [call(np.zeros((0, 2)))],
        complex=True,
    ),
    Row(
        "linalg.lstsq",
        lambda rng: [
            call(spread(rng, 4, 2), real(rng, 4, 3)),
            call(spread(rng, 2, 2, 3), real(rng, 2, 2), 1e-12),
            call(spread(rng, 4, 2), real(rng, 4, 3), driver="gels"),
            call(spread(rng, 4, 2), real(rng, 4), driver="gelsd"),
        ],
        # NumPy's takes no batches.
        None,
        complex=True,
    ),
]
