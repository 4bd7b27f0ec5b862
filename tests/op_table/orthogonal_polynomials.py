"""Rows of `airi/ops/orthogonal_polynomials.py`."""

import numpy as np

from .row import Row, call, integers, real

_SERIES = {
    "hermite_polynomial_h": np.polynomial.Hermite,
    "hermite_polynomial_he": np.polynomial.HermiteE,
    "laguerre_polynomial_l": np.polynomial.Laguerre,
    "legendre_polynomial_p": np.polynomial.Legendre,
    "chebyshev_polynomial_t": np.polynomial.Chebyshev,
}


def _by_numpy(name):
    if name not in _SERIES:
        return None  # NumPy lacks the other kinds: PyTorch is the reference

    def one(x, n):
        return 0.0 if n < 0 else _SERIES[name].basis(int(n))(x)

    return np.vectorize(one, otypes=[float])


def _samples(rng):
    return [
        call(real(rng, 3, 4), integers(rng, 4, low=-1, high=9).astype(float)),
        call(real(rng, 3), 7),
        call(0.4, integers(rng, 3, low=0, high=12).astype(float)),
    ]


ROWS = [
    Row(f"special.{name}", _samples, _by_numpy(name), grad=False, broadcast=True)
    for name in (
        *_SERIES,
        "chebyshev_polynomial_u",
        "chebyshev_polynomial_v",
        "chebyshev_polynomial_w",
        "shifted_chebyshev_polynomial_t",
        "shifted_chebyshev_polynomial_u",
        "shifted_chebyshev_polynomial_v",
        "shifted_chebyshev_polynomial_w",
    )
]
