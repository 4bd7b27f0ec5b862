"""``airi.fft``: discrete Fourier transforms of any dimensions, PyTorch's ``torch.fft``.

With gradients of every order; the rules are in ``airi/ops/fft.py``.
"""

# ruff: noqa: F403

from __future__ import annotations

from airi.ops.fft import *
from airi.ops.fft import __all__ as __all__
