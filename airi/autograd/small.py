"""The compiled kernels of small arrays, where there are any (`small_ext.pyx`)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np


def add_to(x: np.ndarray, y: Any) -> None:
    """x += y."""
    np.add(x, y, out=x)


def added(x: np.ndarray, y: Any) -> np.ndarray:
    """x + y."""
    return np.add(x, y, out=np.empty_like(x))


small_ext: Any = None

if not TYPE_CHECKING:
    with contextlib.suppress(ImportError):  # not compiled: every rule computes with NumPy
        from airi.autograd import small_ext

        add_to, added = small_ext.add_to, small_ext.added


def small_kernel(name: str) -> Any:
    """A kernel of that name for a rule, or None."""
    return None if small_ext is None else getattr(small_ext, name)()
