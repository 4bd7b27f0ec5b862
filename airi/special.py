"""``airi.special``: special functions, PyTorch's ``torch.special``.

Most are also top-level names and methods. The rules are in ``airi/ops``: ``gamma.py``,
``bessel.py``, ``erf.py``, ``normal_distribution.py``, ``entropy.py`` and
``orthogonal_polynomials.py``.
"""

# ruff: noqa: F401, F403

from __future__ import annotations

from airi.compat.names import refusing
from airi.ops.bessel import *
from airi.ops.entropy import *
from airi.ops.erf import erf, erfc, erfinv
from airi.ops.gamma import digamma, polygamma, zeta
from airi.ops.gamma import digamma as psi
from airi.ops.gamma import igamma as gammainc
from airi.ops.gamma import igammac as gammaincc
from airi.ops.gamma import lgamma as gammaln
from airi.ops.gamma import mvlgamma as multigammaln
from airi.ops.normal_distribution import *
from airi.ops.orthogonal_polynomials import *
from airi.ops.reduction import logsumexp
from airi.ops.rounding import round
from airi.ops.softmax import log_softmax, softmax
from airi.ops.transcendental import exp2, expm1, log1p, logit, xlogy
from airi.ops.transcendental import sigmoid as expit
from airi.ops.trigonometry import sinc

__all__ = sorted(
    {name for name in globals() if not name.startswith("_")} - {"annotations", "refusing"}
)

__getattr__ = refusing("airi.special", "torch.special", __all__)
