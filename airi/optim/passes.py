"""The passes over memory that updates are made of.

What each computes is written here in NumPy. Where the extension was built it does the same without
temporaries, several times as fast.
"""

from __future__ import annotations

import numpy as np

try:
    import airi.optim.update_ext as _compiled
except ImportError:
    _compiled = None


def scale_add(x: np.ndarray, a: float, y: np.ndarray, b: float) -> None:
    """x = a * x + b * y"""
    if _compiled is not None and _compiled.scale_add(x, a, y, b):
        return
    x *= a
    x += y * b


def scale_add_square(x: np.ndarray, a: float, y: np.ndarray, b: float) -> None:
    """x = a * x + b * y**2"""
    if _compiled is not None and _compiled.scale_add_square(x, a, y, b):
        return
    square = y * y
    square *= b
    x *= a
    x += square


def add_ratio(x: np.ndarray, a: float, y: np.ndarray, z: np.ndarray, eps: float) -> None:
    """x = x + a * y / (sqrt(z) + eps)"""
    if _compiled is not None and _compiled.add_ratio(x, a, y, z, eps):
        return
    ratio = np.sqrt(z, out=np.empty_like(z))  # an array also without dimensions
    ratio += eps
    np.divide(y, ratio, out=ratio)
    ratio *= a
    x += ratio
