"""Rows of `airi/ops/linalg_older.py`."""

import warnings

import numpy as np

from .linalg_factor import definite, of_symmetric
from .linalg_solve import regular
from .linalg_spectrum import spread
from .row import Row, call, real


def _quietly(function):
    """PyTorch warns that these names are the older ones."""

    def tried(*args, **kwargs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return function(*args, **kwargs)

    return tried


def _triangle(L, upper):
    L = np.triu(L).mT if upper else np.tril(L)
    return L @ L.mT


def _on_triangle(function):
    """PyTorch's gradients of `cholesky_solve` are wrong in the triangle that is not read."""

    def tried(*args, **kwargs):
        *first, L = args
        upper = kwargs.get("upper", False)
        return function(*first, L.triu() if upper else L.tril(), **kwargs)

    return tried


def _svd_without_signs(svd):
    def tried(x, some=True, compute_uv=True):
        U, S, V = svd(x, some=some, compute_uv=compute_uv)
        k = S.shape[-1]
        return S, U[..., :k] * U[..., :1, :k].conj(), V[..., :k] * V[..., :1, :k].conj()

    return tried


ROWS = [
    Row(
        "cholesky",
        lambda rng: [call(definite(rng, 3, 3)), call(definite(rng, 2, 3, 3), upper=True)],
        None,  # as linalg.cholesky
        tried=lambda function: of_symmetric(_quietly(function)),
        complex=True,
    ),
    Row(
        "cholesky_solve",
        lambda rng: [
            call(real(rng, 3, 2), regular(rng, 3, 3)),
            call(real(rng, 3, 2), regular(rng, 2, 3, 3), upper=True),
        ],
        lambda B, L, upper=False: np.linalg.solve(_triangle(L, upper), B),
        tried=_on_triangle,
        complex=True,
    ),
    Row(
        "cholesky_inverse",
        lambda rng: [call(regular(rng, 3, 3)), call(regular(rng, 2, 3, 3), upper=True)],
        lambda L, upper=False: np.linalg.inv(_triangle(L, upper)),
        tried=_on_triangle,
    ),
    Row(
        "triangular_solve",
        lambda rng: [
            call(real(rng, 3, 2), regular(rng, 3, 3)),
            call(real(rng, 3, 2), regular(rng, 2, 3, 3), False, True),
            call(real(rng, 3, 2), regular(rng, 3, 3), unitriangular=True),
        ],
        None,  # as linalg.solve_triangular
        tried=_quietly,
        complex=True,
    ),
    Row(
        "qr",
        lambda rng: [call(real(rng, 3, 2)), call(real(rng, 2, 3), some=False)],
        lambda A, some=True: tuple(np.linalg.qr(A, "reduced" if some else "complete")),
        tried=_quietly,
        complex=True,
    ),
    Row(
        "svd",
        lambda rng: [call(spread(rng, 3, 2)), call(spread(rng, 2, 2, 3), some=False)],
        None,  # as linalg.svd
        tried=_svd_without_signs,
        complex=True,
    ),
    Row(
        "pinverse",
        lambda rng: [call(real(rng, 3, 2)), call(spread(rng, 2, 2), rcond=1e-8)],
        lambda x, rcond=0: np.linalg.pinv(x),
        complex=True,
    ),
    # NumPy has no LU and no products of reflections: PyTorch is the reference.
    Row(
        "lu",
        lambda rng: [call(real(rng, 3, 3)), call(real(rng, 2, 2, 3), get_infos=True)],
        tried=_quietly,
    ),
    Row(
        "lu_solve",
        lambda rng: [call(real(rng, 2, 3), regular(rng, 2, 2), np.array([2, 2], np.int32))],
        tried=_quietly,
    ),
    Row(
        "lu_unpack",
        lambda rng: [
            call(real(rng, 2, 2), np.array([2, 2], np.int32)),
            call(real(rng, 2, 3), np.array([2, 2], np.int32), unpack_pivots=False),
        ],
        method=False,
        second=False,
    ),
    Row("geqrf", lambda rng: [call(real(rng, 3, 2)), call(real(rng, 2, 2, 3))], grad=False),
    Row(
        "ormqr",
        lambda rng: [
            call(real(rng, 3, 2), real(rng, 2), real(rng, 3, 2)),
            call(real(rng, 2, 3, 2), real(rng, 2, 2), real(rng, 2, 3, 1), transpose=True),
            call(real(rng, 3, 2), real(rng, 2), real(rng, 2, 3), left=False),
        ],
        complex=True,
    ),
    Row(
        "chain_matmul",
        lambda rng: [call(real(rng, 2, 3), real(rng, 3, 4), real(rng, 4, 1))],
        lambda *matrices: np.linalg.multi_dot(matrices),
        method=False,
        tried=_quietly,
        complex=True,
    ),
    Row(
        "dist",
        lambda rng: [
            call(real(rng, 3, 2), real(rng, 3, 2)),
            call(real(rng, 3, 1), real(rng, 2), 3.0),
            call(real(rng, 3), real(rng, 3), p=1),
        ],
        lambda x, y, p=2: np.linalg.norm((x - y).ravel(), p),
        second=False,
        complex=True,
    ),
]


def _of_rank_2(rng, *shape):
    *batch, m, n = shape
    return real(rng, *batch, m, 2) @ real(rng, *batch, 2, n)


def _lowrank(function):
    """What does not depend on the random vectors: the values and the product."""

    def tried(A, *args, **kwargs):
        U, S, V = function(A, *args, **kwargs)
        return S[..., :2], (U * S[..., None, :]) @ V.mT.conj()

    return tried


ROWS += [
    Row(
        "svd_lowrank",
        lambda rng: [call(_of_rank_2(rng, 5, 4), 2), call(_of_rank_2(rng, 2, 3, 4), q=2, niter=1)],
        method=False,
        # Steps of a derivative leave rank 2, where the result is only near the truth.
        grad=False,
        tried=lambda function: lambda A, *args, **kw: _lowrank(function)(A.detach(), *args, **kw),
        complex=True,
        torch=None,  # made complex these are not of rank 2; tests/parity/test_ops.py has such
    ),
    Row(
        "pca_lowrank",
        lambda rng: [call(_of_rank_2(rng, 5, 4), q=2), call(_of_rank_2(rng, 5, 4), 2, False)],
        method=False,
        grad=False,
        tried=lambda function: lambda A, *args, **kw: _lowrank(function)(A.detach(), *args, **kw),
        complex=True,
        torch=None,  # made complex these are not of rank 2; tests/parity/test_ops.py has such
    ),
    Row(
        "vander",
        lambda rng: [call(real(rng, 4)), call(real(rng, 3), N=2), call(real(rng, 3), 4, True)],
        lambda x, N=None, increasing=False: np.vander(x, N, increasing),
        torch=None,  # whose gradient fails with an error of its own
        method=False,
        integers=True,
    ),
]
