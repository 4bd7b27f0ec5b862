"""The passes over memory that updates are made of.

What each computes is written here in NumPy. Where the extension was built it does the same without
temporaries, several times as fast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from airi.ops import kernels

try:
    with kernels.threads_that_sleep():
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


# ---- updates of all parameters at once ----------------------------------------------------------

# What takes microseconds for each parameter in Python is most of the time of small ones. The
# updates are specified by `SGD._update` and `Adam._update`; both functions return the numbers of
# the parameters that are left to these.


def sgd_steps(tensors: list[tuple[np.ndarray, ...]], **options: Any) -> list[int]:
    """SGD's update of each (parameter, gradient), with momentum its buffer behind them"""
    if _compiled is None:
        return list(range(len(tensors)))
    return _compiled.sgd_steps(tensors, **options)


def adam_steps(
    tensors: list[tuple[np.ndarray, ...]], sizes: list[tuple[float, float]], **options: Any
) -> list[int]:
    """Adam's update of each (parameter, gradient, exp_avg, exp_avg_sq) with its (size, eps)"""
    if _compiled is None:
        return list(range(len(tensors)))
    return _compiled.adam_steps(tensors, sizes, **options)
