"""``torch.jit`` without its compiler: what PyTorch itself does under ``PYTORCH_JIT=0``.

Functions and modules stay as they are written, so a scripted or traced one is the eager one: the
same results, in the eager time. `save`, `load` and `freeze` are about compiled programs, which
there are none of. Source: ``torch.jit``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from airi.nn.module import Module

__all__ = [
    "Attribute",
    "Final",
    "ScriptModule",
    "annotate",
    "export",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "script",
    "script_if_tracing",
    "script_method",
    "trace",
    "trace_module",
    "unused",
]

T = TypeVar("T")


class ScriptModule(Module):
    """A module; that it is of this class says that it was compiled, and none is here.

    Source: ``torch.jit.ScriptModule``.
    """


def script(obj: T, *_: Any, **options: Any) -> T:
    """The function, class or module itself. Source: ``torch.jit.script``.

    Example: ``@airi.jit.script`` above a function.
    """
    return obj


def trace(func: T, *_: Any, **options: Any) -> T:
    """The function or module itself, also for inputs unlike the examples.

    Source: ``torch.jit.trace``.
    """
    return func


def trace_module(mod: T, *_: Any, **options: Any) -> T:
    """The module itself. Source: ``torch.jit.trace_module``."""
    return mod


def script_method(fn: T) -> T:
    """The method itself. Source: ``torch.jit.script_method``."""
    return fn


def script_if_tracing(fn: T) -> T:
    """The function itself. Source: ``torch.jit.script_if_tracing``."""
    return fn


def export(fn: T) -> T:
    """The method itself. Source: ``torch.jit.export``."""
    return fn


def interface(obj: T) -> T:
    """The class itself. Source: ``torch.jit.interface``."""
    return obj


def ignore(drop: Any = False, **options: Any) -> Any:
    """The function itself, as a decorator with or without arguments.

    Source: ``torch.jit.ignore``.
    """
    return drop if callable(drop) else _unchanged


def unused(fn: Callable[..., T]) -> Callable[..., T]:
    """The function itself. Source: ``torch.jit.unused``."""
    return fn


def annotate(the_type: Any, the_value: T) -> T:
    """The value. Source: ``torch.jit.annotate``."""
    return the_value


def Attribute(value: T, type: Any) -> T:
    """The value. Source: ``torch.jit.Attribute``."""
    return value


def is_scripting() -> bool:
    """False. Source: ``torch.jit.is_scripting``."""
    return False


def is_tracing() -> bool:
    """False. Source: ``torch.jit.is_tracing``."""
    return False


def _unchanged(fn: T) -> T:
    return fn
