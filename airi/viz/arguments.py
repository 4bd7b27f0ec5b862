"""Checks of arguments, with errors that name the function, the argument and what was expected."""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from airi.tensor import Tensor


def whole(function: str, name: str, value: Any, least: int = 0) -> int:
    """An integer of at least `least`."""
    try:
        found = None if isinstance(value, Tensor) else operator.index(value)
    except TypeError:
        found = None
    if found is None:
        raise TypeError(f"{function}: {name} must be an integer, got {type(value).__name__}")
    if found < least:
        raise ValueError(f"{function}: {name} must be at least {least}, got {found}")
    return found


def positive(function: str, name: str, value: Any) -> float:
    """A number above 0."""
    if not isinstance(value, int | float | np.number):
        raise TypeError(f"{function}: {name} must be a number, got {type(value).__name__}")
    if not value > 0:
        raise ValueError(f"{function}: {name} must be above 0, got {value}")
    return float(value)


def real_numbers(function: str, name: str, value: Any, shape: tuple[int, ...], form: str) -> Any:
    """Finite numbers in an array of that shape; `form` says how they are written."""
    try:
        array = np.asarray(value.tolist() if isinstance(value, Tensor) else value, dtype=float)
    except (TypeError, ValueError, RuntimeError):  # of a list of Tensors that require grad
        array = None
    if array is None or array.shape != shape or not np.isfinite(array).all():
        raise (TypeError if array is None or array.ndim == 0 else ValueError)(
            f"{function}: {name} must be {form}, got {value!r}"
        )
    return array


def tensor_names(function: str, names: Any) -> dict[str, Tensor]:
    """The labels of tensors; none for None."""
    if names is None:
        return {}
    pairs = list(names.items()) if isinstance(names, Mapping) else [(None, None)]
    for key, each in pairs:
        if isinstance(key, str) and isinstance(each, Tensor):
            continue
        got = type(names).__name__
        got += f" with {key!r}: {type(each).__name__}" if isinstance(names, Mapping) else ""
        raise TypeError(
            f"{function}: names must be a dict of names and Tensors, such as {{'x': x}}, got {got}"
        )
    return dict(pairs)


def file_path(function: str, path: Any) -> Path:
    """Where to save."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{function}: expected the path of a file, got {type(path).__name__}")
    return Path(path)
