"""The errors of ops: with the op's name, its arguments, shapes and dtypes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

MADE_IN_INFERENCE_MODE = (
    "a tensor made in inference_mode cannot be saved for backward; clone() it outside "
    "inference_mode, or make it under no_grad instead"
)


def explained(rule: Any, error: Exception, arrays: list[Any], attributes: Any) -> Exception:
    """The error of a forward with the op, its arguments, shapes and dtypes before it.

    NumPy's ValueErrors (shapes that do not fit) and OverflowErrors (a number that is too large for
    the dtype) become RuntimeErrors, as in PyTorch.
    """
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", rule.__name__).lower()
    parts = []
    for i, array in enumerate(arrays):
        label = rule.inputs[min(i, len(rule.inputs) - 1)]
        parts.append(f"{label}: {described(array)}")
    parts += [f"{key}={short(value)}" for key, value in attributes.items()]
    kind = RuntimeError if type(error) in (ValueError, OverflowError) else type(error)
    return kind(f"{name}({', '.join(parts)}): {error}")


def require_array(rule: Any, arrays: list[Any], attributes: Any) -> None:
    """TypeError where an op is called with no Tensor and no array, but numbers or lists."""
    if not any(isinstance(each, (np.ndarray, np.generic)) for each in arrays):
        raise explained(rule, TypeError("expected a Tensor"), arrays, attributes)


def described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {tuple(value.shape)}"
    return short(value)


def short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def counted(number: int, noun: str) -> str:
    """``1 input``, ``2 inputs``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
