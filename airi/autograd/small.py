"""The compiled kernels of small arrays, where there are any (`small_ext.pyx`)."""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    from airi.autograd import small_ext
except ImportError:  # not compiled: every rule computes with NumPy
    small_ext = None


def _make(kind: Any) -> Any:
    """An instance of `kind` that no __init__ has seen."""
    return kind.__new__(kind)


make = _make if small_ext is None else small_ext.make


def add_to(x: np.ndarray, y: Any) -> None:
    """x += y."""
    if small_ext is None or not small_ext.add_to(x, y):
        np.add(x, y, out=x)


def small_kernel(name: str) -> Any:
    """A kernel of that name for a rule, or None."""
    return None if small_ext is None else getattr(small_ext, name)()
