"""Rows of `airi/ops/complex.py`, and of sgn, which is more than sign for complex numbers only."""

import numpy as np

from .row import Row, call, positive, real, unary


def _parts(rng):
    return [
        call(real(rng, 3, 4), real(rng, 3, 4)),
        call(real(rng, 3, 1), real(rng, 4)),
        call(real(rng), real(rng)),
    ]


def _lengths_and_angles(rng):
    # PyTorch's gradient is wrong for negative lengths.
    return [
        call(positive(rng, 3, 4), real(rng, 3, 4)),
        call(positive(rng, 3, 1), real(rng, 4)),
        call(positive(rng), real(rng)),
    ]


def _complex(rng, *shape):
    return np.asarray(real(rng, *shape) + 1j * real(rng, *shape))


def _pairs(rng):
    return [call(real(rng, 3, 2)), call(real(rng, 2))]


def _empty():
    return [call(np.zeros((0,), np.complex128)), call(np.zeros((2, 0, 3), np.complex128))]


def _of_complex(name, function, **fields):
    return Row(
        name,
        lambda rng: [call(_complex(rng, 3, 4)), call(_complex(rng)), call(_complex(rng, 2, 1, 3))],
        function,
        empty=_empty,
        complex=True,
        **fields,
    )


ROWS = [
    Row(
        "complex",
        _parts,
        lambda a, b: a + 1j * b,
        method=False,
        empty=lambda: [call(np.zeros((0,)), np.ones((1,)))],
    ),
    Row("polar", _lengths_and_angles, lambda r, angle: r * np.exp(1j * angle), method=False),
    unary("angle", np.angle, complex=True, integers=True),
    _of_complex("conj", np.conj),
    _of_complex("conj_physical", np.conj, in_place=True),
    unary("real", np.real, complex=True, method=False),
    _of_complex("sgn", np.sign, in_place=True),
    _of_complex("imag", np.imag, method=False),
    unary("resolve_conj", np.asarray, complex=True),
    unary("resolve_neg", np.asarray, complex=True),
    Row(
        "view_as_complex", _pairs, lambda x: x[..., 0] + 1j * x[..., 1], method=False, layout=False
    ),
    _of_complex("view_as_real", lambda x: np.stack([x.real, x.imag], -1), method=False),
]
