"""``compile`` and what belongs to it: airi runs every program as it is written, eagerly.

Source: ``torch.compiler``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["compile", "cudagraph_mark_step_begin", "disable", "is_compiling", "reset"]


def compile(model: Callable[..., Any] | None = None, **options: Any) -> Any:
    """The function or module itself; without one, a decorator that returns what it is given.

    Nothing is compiled: the results are those of PyTorch's, the time is the eager one. All options
    (``fullgraph``, ``dynamic``, ``backend``, ``mode``) are accepted. Raises TypeError for what
    cannot be called. Source: ``torch.compile``.
    """
    if model is None:
        return compile
    if not callable(model):
        raise TypeError(f"compile: expected a function or module, got {type(model).__name__}")
    return model


def disable(fn: Callable[..., Any] | None = None, recursive: bool = True, **options: Any) -> Any:
    """The function itself; a decorator, too. Source: ``torch.compiler.disable``."""
    return disable if fn is None else fn


def is_compiling() -> bool:
    """False. Source: ``torch.compiler.is_compiling``."""
    return False


def reset() -> None:
    """Nothing is kept that could be forgotten. Source: ``torch.compiler.reset``."""


def cudagraph_mark_step_begin() -> None:
    """Nothing. Source: ``torch.compiler.cudagraph_mark_step_begin``."""
