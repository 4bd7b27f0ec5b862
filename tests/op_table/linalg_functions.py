"""Rows of `airi/ops/linalg_functions.py` and `airi/ops/linalg_products.py`."""

import numpy as np

from .linalg_solve import regular
from .row import Row, call, real


def _positive_determinant(rng, *shape):
    return regular(rng, *shape)


def _exponential(A):
    """By eigenvalues, which a general A has."""
    w, V = np.linalg.eig(A)
    out = (V * np.exp(w)[..., None, :]) @ np.linalg.inv(V)
    return out if np.iscomplexobj(A) else out.real


ROWS = [
    Row(
        "det",
        lambda rng: [call(real(rng, 3, 3)), call(real(rng, 2, 2, 2)), call(real(rng, 1, 1))],
        np.linalg.det,
        empty=lambda: [call(np.zeros((0, 0)))],
        complex=True,
    ),
    Row(
        "slogdet",
        lambda rng: [call(real(rng, 3, 3)), call(regular(rng, 2, 2, 2))],
        lambda A: tuple(np.linalg.slogdet(A)),
        complex=True,
    ),
    Row(
        "logdet",
        lambda rng: [call(_positive_determinant(rng, 3, 3)), call(regular(rng, 2, 2, 2))],
        lambda A: np.linalg.slogdet(A)[1],
        complex=True,
    ),
    Row(
        "matrix_exp",
        lambda rng: [call(real(rng, 3, 3)), call(8 * real(rng, 2, 2, 2))],
        _exponential,
        atol=1e-4,  # of the reference where values are large
        empty=lambda: [call(np.zeros((0, 0)))],
        complex=True,
    ),
    Row(
        "linalg.multi_dot",
        lambda rng: [
            call([real(rng, 2, 3), real(rng, 3, 4), real(rng, 4, 1), real(rng, 1, 2)]),
            call([real(rng, 2), real(rng, 2, 3), real(rng, 3)]),
            call([real(rng, 2, 3), real(rng, 3)]),
        ],
        np.linalg.multi_dot,
        complex=True,
    ),
    Row(
        "linalg.cross",
        lambda rng: [
            call(real(rng, 2, 3), real(rng, 2, 3)),
            call(real(rng, 3, 1), real(rng, 3, 2), dim=0),
        ],
        lambda x, y, dim=-1: np.cross(x, y, axis=dim),
        complex=True,
    ),
    Row(
        "linalg.diagonal",
        lambda rng: [
            call(real(rng, 2, 3, 4)),
            call(real(rng, 2, 3, 4), offset=1, dim1=0, dim2=2),
        ],
        lambda A, offset=0, dim1=-2, dim2=-1: np.diagonal(A, offset, dim1, dim2),
        integers=True,
        complex=True,
    ),
    Row(
        "linalg.vecdot",
        lambda rng: [
            call(real(rng, 2, 3), real(rng, 2, 3)),
            call(real(rng, 3, 1), real(rng, 3, 2), dim=0),
        ],
        lambda x, y, dim=-1: (x * y).sum(dim),
        complex=True,
    ),
    Row(
        "linalg.vander",
        lambda rng: [call(real(rng, 3)), call(real(rng, 2, 3), N=4)],
        lambda x, N=None: x[..., None] ** np.arange(x.shape[-1] if N is None else N),
        integers=True,
        complex=True,
    ),
]
