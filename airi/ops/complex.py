"""Complex numbers: made from real ones, taken apart and conjugated.

The gradient of a real loss L for a complex x = a + ib is dL/da + i dL/db (see
`airi/autograd/graph.py`). Signs and absolute values are in `elementwise.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Rule
from airi.ops.elementwise import div, mul, where
from airi.ops.inplace import write
from airi.ops.names import require_tensor
from airi.ops.out import written
from airi.ops.promotion import Elementwise
from airi.ops.views import View, array_of, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "angle",
    "complex",
    "conj",
    "conj_physical",
    "imag",
    "polar",
    "real",
    "resolve_conj",
    "resolve_neg",
    "view_as_complex",
    "view_as_real",
]


def _is_complex(value: Any) -> bool:
    return array_of(value).dtype.kind == "c"


class Conj(Elementwise):
    """out = the conjugate of x;  dx = the conjugate of g"""

    complex = True

    @staticmethod
    def forward(x):
        return np.conjugate(x)

    @staticmethod
    def backward(g):
        return conj(g)


def conj(input: Tensor) -> Tensor:
    """out = a - ib for input = a + ib; a real tensor itself. Source: ``torch.conj``."""
    return Conj.apply(input) if _is_complex(input) else input


def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`conj`, which airi computes at once in any case. Source: ``torch.conj_physical``."""
    result = conj(input)
    return result if out is None else written("conj_physical", out, result)


def conj_physical_(input: Tensor) -> Tensor:
    """`conj`, in place. Source: ``torch.Tensor.conj_physical_``."""
    return write(input, "conj_physical_", Conj) if _is_complex(input) else input


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: no conjugation is outstanding. Source: ``torch.resolve_conj``."""
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: no negation is outstanding. Source: ``torch.resolve_neg``."""
    return input


class Real(View):
    """out = a for x = a + ib;  dx = g"""

    @staticmethod
    def forward(x):
        return x.real

    @staticmethod
    def backward(g):
        return g


class Imag(View):
    """out = b for x = a + ib;  dx = i * g"""

    @staticmethod
    def forward(x):
        return x.imag

    @staticmethod
    def backward(g):
        return g * 1j


def real(input: Tensor) -> Tensor:
    """The real part, a view; of a real tensor the tensor itself. Source: ``torch.real``."""
    return Real.apply(input) if _is_complex(input) else input


def imag(input: Tensor) -> Tensor:
    """The imaginary part, a view. Raises RuntimeError for real tensors. Source: ``torch.imag``."""
    if not _is_complex(input):
        raise RuntimeError(f"imag: expected a complex tensor, got {input.dtype}")
    return Imag.apply(input)


class Complex(Rule):
    """out = a + ib;  da = the real part of g, db = its imaginary part"""

    broadcasts = True

    @staticmethod
    def forward(a, b):
        out = np.empty(np.broadcast_shapes(a.shape, b.shape), dtypes.complex_of(a.dtype))
        out.real, out.imag = a, b
        return out

    @staticmethod
    def backward(g):
        return real(g), imag(g)


def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = real + i * imag, with broadcasting: float32 gives complex64, float64 complex128.

    Raises RuntimeError where both are not of the same of these dtypes.
    Example: ``airi.complex(airi.zeros(2), airi.ones(2))``. Source: ``torch.complex``.
    """
    _check_parts("complex", real=real, imag=imag)
    result = Complex.apply(real, imag)
    return result if out is None else written("complex", out, result)


def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = abs * (cos(angle) + i * sin(angle)), with broadcasting.

    Raises RuntimeError as `complex` does. Source: ``torch.polar``.
    """
    _check_parts("polar", abs=abs, angle=angle)
    result = Complex.apply(mul(abs, angle.cos()), mul(abs, angle.sin()))
    return result if out is None else written("polar", out, result)


def _check_parts(function: str, **parts: Any) -> None:
    for name, each in parts.items():
        require_tensor(function, name, each)
    given = [each.dtype for each in parts.values()]
    if given[0] != given[1] or given[0] not in (dtypes.float32, dtypes.float64):
        got = " and ".join(f"{name} {each.dtype}" for name, each in parts.items())
        raise RuntimeError(f"{function}: expected two float32 or two float64 tensors, got {got}")


class Angle(Elementwise):
    """out = the angle of x in the complex plane;  dx = i * g * x / |x|**2, 0 at 0

    For real x: 0, pi for negative numbers, NaN for NaN; no gradient.
    """

    complex = True
    floating = True

    @staticmethod
    def forward(x):
        if x.dtype.kind == "c":
            return np.angle(x)
        return np.where(np.isnan(x), x, np.where(x < 0, np.pi, 0)).astype(x.dtype)

    @staticmethod
    def backward(g, x):
        if x.dtype.kind != "c":
            return g * 0.0
        square = (x * conj(x)).real
        return g * div(x * 1j, where(square == 0, 1.0, square))


def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out = the angle in [-pi, pi]; of real numbers 0, or pi where they are negative.

    Integers give the default float dtype. Source: ``torch.angle``.
    """
    result = Angle.apply(input)
    return result if out is None else written("angle", out, result)


class ViewAsReal(View):
    """out[..., 0] = a and out[..., 1] = b for x = a + ib;  dx = g[..., 0] + i * g[..., 1]"""

    @staticmethod
    def forward(x):
        x = np.asarray(x)  # arithmetic makes scalars of 0-dim arrays, which have no memory to view
        part = x.real.dtype
        strides = (*x.strides, part.itemsize)
        return np.lib.stride_tricks.as_strided(x.real, (*x.shape, 2), strides)

    @staticmethod
    def backward(g):
        return _FromParts.apply(g)


class ViewAsComplex(View):
    """out = x[..., 0] + i * x[..., 1];  dx[..., 0] = the real part of g, dx[..., 1] = the other"""

    @staticmethod
    def forward(x):
        return x.view(dtypes.complex_of(x.dtype))[..., 0]

    @staticmethod
    def backward(g):
        return ViewAsReal.apply(g)


class _FromParts(Rule):
    """`ViewAsComplex` without sharing memory, so that any layout does"""

    @staticmethod
    def forward(x):
        return ViewAsComplex.forward(np.ascontiguousarray(x))

    @staticmethod
    def backward(g):
        return ViewAsReal.apply(g)


def view_as_real(input: Tensor) -> Tensor:
    """A view with a last dimension of size 2: the real and the imaginary part.

    Raises RuntimeError for real tensors. Source: ``torch.view_as_real``.
    """
    if not _is_complex(input):
        raise RuntimeError(f"view_as_real: expected a complex tensor, got {input.dtype}")
    return ViewAsReal.apply(input)


def view_as_complex(input: Tensor) -> Tensor:
    """A view of pairs as complex numbers: shape (..., 2) gives (...).

    Raises RuntimeError for other dtypes than float32 and float64, another size of the last
    dimension, and pairs that are no neighbours in memory. Source: ``torch.view_as_complex``.
    """
    array = array_of(input)
    if array.dtype not in (np.float32, np.float64):
        raise RuntimeError(f"view_as_complex: expected float32 or float64, got {input.dtype}")
    if array.ndim == 0 or array.shape[-1] != 2:
        raise RuntimeError(
            f"view_as_complex: the last dimension must have size 2, got shape {shape_of(input)}"
        )
    if array.strides[-1] != array.itemsize:
        raise RuntimeError(
            "view_as_complex: the two of a pair must be neighbours in memory; use contiguous()"
        )
    if any(step % (2 * array.itemsize) for step in array.strides[:-1]):
        raise RuntimeError("view_as_complex: strides must be even but for the last; contiguous()")
    return ViewAsComplex.apply(input)
