"""The compiled kernels of small arrays, where there are any (`small_ext.pyx`)."""

from __future__ import annotations

import contextlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.threads import threads_that_sleep


def add_to(x: np.ndarray, y: Any) -> None:
    """x += y."""
    np.add(x, y, out=x)


def added(x: np.ndarray, y: Any) -> np.ndarray:
    """x + y."""
    return np.add(x, y, out=np.empty_like(x))


if not TYPE_CHECKING:
    with contextlib.suppress(ImportError):  # not compiled: every rule computes with NumPy
        _compiled = import_module("airi.autograd.small_ext")
        add_to, added = _compiled.add_to, _compiled.added


def small_kernel(name: str, module: str = "airi.autograd.small_ext") -> Any:
    """A kernel of that name for a rule, or None."""
    try:
        with threads_that_sleep():
            return getattr(import_module(module), name)()
    except ImportError:
        return None
