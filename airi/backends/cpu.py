"""What the processor can do."""

from __future__ import annotations

import contextlib
import importlib


def get_cpu_capability() -> str:
    """``"AVX512"``, ``"AVX2"`` or ``"DEFAULT"``, as NumPy finds it at its start.

    Source: ``torch.backends.cpu.get_cpu_capability``.
    """
    found: dict[str, bool] = {}
    with contextlib.suppress(ImportError, AttributeError):
        found = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
    if found.get("AVX512F"):
        return "AVX512"
    return "AVX2" if found.get("AVX2") else "DEFAULT"
