"""The graph of recorded operations and the reverse walk over it. Knows no op.

Source: ``torch.autograd``.
"""

from typing import TYPE_CHECKING, Any

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
from airi.autograd.variable import Variable

if TYPE_CHECKING:
    from airi.autograd import forward_ad, functional, profiler

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "once_differentiable",
    "profiler",
    "set_grad_enabled",
]

# Few programs use them; `functional` stands on the ops, which stand on this package.
_LAZY = ("forward_ad", "functional", "profiler")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return importlib.import_module(f"airi.autograd.{name}")
    raise AttributeError(f"airi.autograd has no {name!r}")
