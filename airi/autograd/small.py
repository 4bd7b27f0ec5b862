"""The compiled kernels of small arrays, where there are any (`small_ext.pyx`)."""

from __future__ import annotations

import contextlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np


def add_to(x: np.ndarray, y: Any) -> None:
    """x += y."""
    np.add(x, y, out=x)


def added(x: np.ndarray, y: Any) -> np.ndarray:
    """x + y."""
    return np.add(x, y, out=np.empty_like(x))


is_compiled = False

if not TYPE_CHECKING:
    with contextlib.suppress(ImportError):  # not compiled: every rule computes with NumPy
        is_compiled = True


def small_kernel(name: str, module: str = "airi.autograd.small_ext") -> Any:
    """A kernel of that name for a rule, or None."""
    return getattr(import_module(module), name)() if is_compiled else None
