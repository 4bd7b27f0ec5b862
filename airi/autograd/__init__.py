"""The graph of recorded operations and the reverse walk over it. Knows no op.

Source: ``torch.autograd``.
"""

from airi.autograd.anomaly import detect_anomaly
from airi.autograd.engine import backward, grad
from airi.autograd.function import Function, once_differentiable
from airi.autograd.gradcheck import gradcheck, gradgradcheck
from airi.autograd.mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)

__all__ = [
    "Function",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "once_differentiable",
    "set_grad_enabled",
]
