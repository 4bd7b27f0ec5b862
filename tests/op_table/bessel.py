"""Rows of `airi/ops/bessel.py`. NumPy has only i0: PyTorch is the reference."""

import numpy as np

from .row import positive, real, unary


def _far(rng, *shape):
    return np.asarray(real(rng, *shape) * 10)


# PyTorch's J, Y and Airy are right to 8 digits only: tests/ops/test_special.py has exact values.
_ROUGH = {"grad": False, "method": False, "atol": 1e-7, "torch": None}

ROWS = [
    unary("i0", np.i0, in_place=True, integers=True),
    unary("special.i0e", None, make=_far, integers=True),
    unary("special.i1", None, integers=True),
    unary("special.i1e", None, make=_far, integers=True),
    *(
        unary(f"special.{name}", None, make=positive, grad=False, integers=True)
        for name in (
            "modified_bessel_i0",
            "modified_bessel_i1",
            "modified_bessel_k0",
            "modified_bessel_k1",
            "scaled_modified_bessel_k0",
            "scaled_modified_bessel_k1",
            "spherical_bessel_j0",
        )
    ),
    *(
        unary(f"special.{name}", None, make=_far, **_ROUGH)
        for name in ("airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1")
    ),
]
