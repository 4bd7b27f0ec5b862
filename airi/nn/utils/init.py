"""Modules whose initial values are not drawn. Source: ``torch.nn.utils.init``."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from airi.nn.module import Module

M = TypeVar("M", bound=Module)


def skip_init(module_cls: type[M], *args: Any, **kwargs: Any) -> M:
    """A module of that class whose parameters are to be loaded: their values are arbitrary.

    Raises RuntimeError for a class that is no Module or that takes no `device`.
    Example: ``skip_init(nn.Linear, 5, 1)``. Source: ``torch.nn.utils.skip_init``.
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise RuntimeError(f"skip_init: expected a Module class, got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError(f"skip_init: {module_cls.__name__} does not take device=")
    return module_cls(*args, **kwargs)
