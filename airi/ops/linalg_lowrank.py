"""The largest singular values by random projection: svd_lowrank and pca_lowrank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airi.ops import reduction
from airi.ops.linalg_checks import check_matrix, mH
from airi.ops.linalg_factor import qr
from airi.ops.linalg_older import OlderSVD
from airi.ops.linalg_spectrum import svd
from airi.ops.matmul import matmul
from airi.ops.random import randn
from airi.ops.views import shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["pca_lowrank", "svd_lowrank"]


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> OlderSVD:
    """(U, S, V) with A (minus M) close to U @ diag(S) @ V.mH: the `q` largest singular values.

    The range of A is found by multiplying random vectors `niter` times by A and A.mH (N. Halko et
    al., "Finding structure with randomness", 2009, algorithm 5.1 after 4.4). Exact for matrices
    whose rank is at most q. Uses airi's random numbers. Source: ``torch.svd_lowrank``.
    """
    q, niter = 6 if q is None else q, 2 if niter is None else niter
    check_matrix("svd_lowrank", A)
    B = A if M is None else A - M
    m, n = shape_of(B)[-2:]
    if not 0 <= q <= min(m, n):
        raise ValueError(f"svd_lowrank: q must be between 0 and {min(m, n)}, got {q}")
    if niter < 0:
        raise ValueError(f"svd_lowrank: niter must not be negative, got {niter}")
    wide = m < n
    B = mH(B) if wide else B
    Q = qr(matmul(B, randn(B.shape[-1], q, dtype=A.dtype))).Q
    for _ in range(niter):
        Q = qr(matmul(mH(B), Q)).Q
        Q = qr(matmul(B, Q)).Q
    U, S, Vh = svd(matmul(mH(Q), B), full_matrices=False)
    U, V = matmul(Q, U), mH(Vh)
    return OlderSVD(V, S, U) if wide else OlderSVD(U, S, V)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> OlderSVD:
    """`svd_lowrank` of A (..., samples, features) with the mean of each feature taken away.

    The columns of V are the principal directions; `q` is min(6, samples, features) by default.
    Source: ``torch.pca_lowrank``.
    """
    check_matrix("pca_lowrank", A)
    smaller = min(A.shape[-2:])
    q = min(6, smaller) if q is None else q
    if not 0 <= q <= smaller:
        raise ValueError(f"pca_lowrank: q must be between 0 and {smaller}, got {q}")
    centred = A - reduction.mean(A, -2, keepdim=True) if center else A
    return svd_lowrank(centred, q, niter)
