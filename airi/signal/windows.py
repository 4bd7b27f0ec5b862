"""Windows: weights that fade a stretch of a signal out at its ends, by their formulas.

Each has M points, symmetric, or with ``sym=False`` the first M of M + 1: one period, as Fourier
transforms want it. The dtype is the default one, or float32 or float64 as asked.
Source: ``torch.signal.windows``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.ops.bessel import I0
from airi.ops.creation import float_dtype, made

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]


def _checked(function: str, M: int, dtype: Any) -> np.dtype:
    wanted = float_dtype(dtype)
    if wanted not in (np.float32, np.float64):
        raise ValueError(f"{function}: expects dtype float32 or float64, got {dtype}")
    if M < 0:
        raise ValueError(f"{function}: M must not be negative, got {M}")
    return wanted


def _window(
    function: str, values: Any, M: int, dtype: Any, device: Any, grad: bool, hints: Any
) -> Tensor:
    """The values as a tensor; a window of one point is 1."""
    values = np.ones(1) if M == 1 else values
    return made(function, values.astype(_checked(function, M, dtype)), device, grad, hints)


def _steps(M: int, sym: bool) -> int:
    """How many steps there are from the first point to the last of a whole window."""
    return max(M - 1 if sym else M, 1)


def _cosines(
    function: str,
    M: int,
    weights: list[float],
    sym: bool = True,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """The sum of (-1)**i * weights[i] * cos(i * x) for x from 0 to 2 pi."""
    _checked(function, M, dtype)
    x = 2 * math.pi / _steps(M, sym) * np.arange(M)
    values = np.zeros(M)
    for i, weight in enumerate(weights):
        values += (-1) ** i * weight * np.cos(i * x)
    return _window(function, values, M, dtype, device, requires_grad, hints)


def general_cosine(
    M: int, *, a: Iterable[float], sym: bool = True, dtype: Any = None, **options: Any
) -> Tensor:
    """a[0] - a[1] cos(x) + a[2] cos(2x) - ... for x from 0 to 2 pi.

    Raises ValueError for a negative M, TypeError where `a` is no list of numbers.
    Source: ``torch.signal.windows.general_cosine``.
    """
    if not isinstance(a, Iterable):
        raise TypeError("general_cosine: a must be a list or tuple of numbers")
    weights = list(a)
    if not weights:
        raise ValueError("general_cosine: a must not be empty")
    return _cosines("general_cosine", M, weights, sym, dtype, **options)


def general_hamming(
    M: int, *, alpha: float = 0.54, sym: bool = True, dtype: Any = None, **options: Any
) -> Tensor:
    """alpha - (1 - alpha) cos(x). Source: ``torch.signal.windows.general_hamming``."""
    return _cosines("general_hamming", M, [alpha, 1 - alpha], sym, dtype, **options)


def hamming(M: int, *, sym: bool = True, dtype: Any = None, **options: Any) -> Tensor:
    """`general_hamming` with alpha 0.54. Source: ``torch.signal.windows.hamming``."""
    return _cosines("hamming", M, [0.54, 0.46], sym, dtype, **options)


def hann(M: int, *, sym: bool = True, dtype: Any = None, **options: Any) -> Tensor:
    """`general_hamming` with alpha 0.5. Source: ``torch.signal.windows.hann``."""
    return _cosines("hann", M, [0.5, 0.5], sym, dtype, **options)


def blackman(M: int, *, sym: bool = True, dtype: Any = None, **options: Any) -> Tensor:
    """0.42 - 0.5 cos(x) + 0.08 cos(2x). Source: ``torch.signal.windows.blackman``."""
    return _cosines("blackman", M, [0.42, 0.5, 0.08], sym, dtype, **options)


def nuttall(M: int, *, sym: bool = True, dtype: Any = None, **options: Any) -> Tensor:
    """Nuttall's minimal window of four terms. Source: ``torch.signal.windows.nuttall``."""
    weights = [0.3635819, 0.4891775, 0.1365995, 0.0106411]
    return _cosines("nuttall", M, weights, sym, dtype, **options)


def bartlett(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """A triangle: 1 - |x| for x from -1 to 1. Source: ``torch.signal.windows.bartlett``."""
    _checked("bartlett", M, dtype)
    values = 1 - np.abs(2 / _steps(M, sym) * np.arange(M) - 1)
    return _window("bartlett", values, M, dtype, device, requires_grad, hints)


def cosine(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """Half a wave: sin(pi (k + 1/2) / M). Source: ``torch.signal.windows.cosine``."""
    _checked("cosine", M, dtype)
    values = np.sin(math.pi / (M if sym else M + 1) * (np.arange(M) + 0.5)) if M else np.empty(0)
    return _window("cosine", values, M, dtype, device, requires_grad, hints)


def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """e ** -(|k - center| / tau), `center` being the middle unless given (for ``sym=False`` only).

    Raises ValueError for tau <= 0. Source: ``torch.signal.windows.exponential``.
    """
    _checked("exponential", M, dtype)
    if tau <= 0:
        raise ValueError(f"exponential: tau must be positive, got {tau}")
    if sym and center is not None:
        raise ValueError("exponential: center must be None for a symmetric window")
    middle = _steps(M, sym) / 2 if center is None else center
    values = np.exp(-np.abs(np.arange(M) - middle) / tau)
    return _window("exponential", values, M, dtype, device, requires_grad, hints)


def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """e ** -((k - middle) / std) ** 2 / 2. Raises ValueError for std <= 0.

    Source: ``torch.signal.windows.gaussian``.
    """
    _checked("gaussian", M, dtype)
    if std <= 0:
        raise ValueError(f"gaussian: std must be positive, got {std}")
    distance = (np.arange(M) - _steps(M, sym) / 2) / std
    values = np.exp(-0.5 * distance * distance)
    return _window("gaussian", values, M, dtype, device, requires_grad, hints)


def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """I0(beta sqrt(1 - x ** 2)) / I0(beta) for x from -1 to 1. Raises ValueError for beta < 0.

    Source: ``torch.signal.windows.kaiser``.
    """
    _checked("kaiser", M, dtype)
    if beta < 0:
        raise ValueError(f"kaiser: beta must not be negative, got {beta}")
    x = 2 / _steps(M, sym) * np.arange(M) - 1
    inside = np.sqrt(np.maximum(1 - x * x, 0))
    values = I0.forward(beta * inside) / I0.forward(np.asarray(float(beta)))
    return _window("kaiser", values, M, dtype, device, requires_grad, hints)
