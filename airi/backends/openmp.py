"""OpenMP, with which airi's compiled kernels use several processors."""

from __future__ import annotations

import importlib.util


def is_available() -> bool:
    """Whether the compiled kernels are there."""
    return importlib.util.find_spec("airi.ops.conv_ext") is not None
