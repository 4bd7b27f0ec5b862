"""``airi.linalg``: linear algebra on matrices and batches of matrices, PyTorch's ``torch.linalg``.

All but the `ldl` functions have derivatives of every order; the rules are in
``airi/ops/linalg_*.py``.
"""

# ruff: noqa: F401, F403

from __future__ import annotations

from airi.compat.names import refusing
from airi.ops.linalg import matrix_power
from airi.ops.linalg_checks import LinAlgError
from airi.ops.linalg_factor import *
from airi.ops.linalg_functions import det, matrix_exp, multi_dot, slogdet
from airi.ops.linalg_ldl import *
from airi.ops.linalg_norm import *
from airi.ops.linalg_products import *
from airi.ops.linalg_solve import *
from airi.ops.linalg_spectrum import *
from airi.ops.matmul import matmul

__all__ = sorted(
    {name for name in globals() if not name.startswith("_")} - {"annotations", "refusing"}
)

__getattr__ = refusing("airi.linalg", "torch.linalg", __all__)
