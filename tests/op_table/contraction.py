"""Rows of `airi/ops/contraction.py`."""

import numpy as np

from .row import Row, call, real

EQUATIONS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,jk": [(2, 3), (3, 4)],
    "ij,jk->ki": [(2, 3), (3, 4)],
    "bij,bjk->bik": [(2, 3, 4), (2, 4, 2)],
    "bhqd,bhkd->bhqk": [(2, 2, 3, 4), (2, 2, 2, 4)],
    "bhqk,bkhd->bqhd": [(2, 2, 3, 4), (2, 4, 2, 2)],
    "i,i->": [(3,), (3,)],
    "i,j->ji": [(2,), (3,)],
    "ij,ij->ij": [(2, 3), (2, 3)],
    "ijk,jil->kl": [(2, 3, 2), (3, 2, 2)],
    "ij,kl->": [(2, 3), (2, 2)],
    "ij,j->i": [(2, 3), (3,)],
    "ba": [(2, 3)],
    "ii->i": [(3, 3)],
    "ii": [(3, 3)],
    "iij->j": [(3, 3, 2)],
    "iji->j": [(2, 3, 2)],
    "ij->": [(2, 3)],
    "...ij->...ji": [(2, 3, 4)],
    "...ij,...jk->...ik": [(5, 1, 2, 3), (4, 3, 2)],
    "...,...": [(2, 1), (3,)],
    "i...,i...->...": [(2, 3), (2, 3)],
    "ab,bc,cd->ad": [(2, 3), (3, 4), (4, 2)],
    "ab,bc,cd,de->ea": [(2, 3), (3, 2), (2, 3), (3, 2)],
    "i,i,i->i": [(3,), (3,), (3,)],
    "a,b,c->abc": [(2,), (3,), (2,)],
    "ni,oij,nj->no": [(4, 2), (3, 2, 3), (4, 3)],
    "i j -> j i": [(2, 3)],
    "Aa,aB": [(2, 3), (3, 4)],
}


def _einsum(equation, *operands):
    return np.einsum(equation, *operands)


def _bilinear(x, y, weight, bias=None):
    return np.einsum("...i,...j,oij->...o", x, y, weight) + (0 if bias is None else bias)


def _tensordot(a, b, dims=2):
    return np.tensordot(a, b, dims)


def _tensordot_samples(rng):
    return [
        call(real(rng, 2, 3, 4), real(rng, 3, 4, 2)),
        call(real(rng, 2, 3), real(rng, 3, 4), 1),
        call(real(rng, 2, 3), real(rng, 4), dims=0),
        call(real(rng, 2, 3, 4), real(rng, 4, 5, 2), dims=([0, -1], [2, 0])),
        call(real(rng, 3), real(rng, 3), dims=([0], [0])),
    ]


ROWS = [
    Row(
        "einsum",
        lambda rng: [
            call(equation, *[real(rng, *shape) for shape in shapes])
            for equation, shapes in EQUATIONS.items()
        ],
        _einsum,
        method=False,
        integers=True,
        empty=lambda: [
            call("ij,jk->ik", np.zeros((2, 0)), np.zeros((0, 3))),
            call("bij,bjk->bik", np.zeros((0, 2, 3)), np.zeros((0, 3, 2))),
        ],
        complex=True,
    ),
    Row(
        "nn.functional.bilinear",
        lambda rng: [
            call(real(rng, 3, 2), real(rng, 3, 4), real(rng, 5, 2, 4), real(rng, 5)),
            call(real(rng, 2), real(rng, 3), real(rng, 2, 2, 3)),
        ],
        _bilinear,
        method=False,
    ),
    Row("tensordot", _tensordot_samples, _tensordot, method=False, integers=True, complex=True),
    Row(
        "kron",
        lambda rng: [
            call(real(rng, 2, 3), real(rng, 3, 2)),
            call(real(rng, 2, 3), real(rng, 2)),
            call(real(rng, 2), real(rng, 2, 1, 2)),
        ],
        np.kron,
        integers=True,
        complex=True,
    ),
]
