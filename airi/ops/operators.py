"""Arithmetic as it is written: ``a + b``, ``a - b``, ``a * b``, ``a / b`` and ``-a``.

They are the commonest ops of all. Where airi is compiled (`operators.pxd`) Python finds them in C
and no Python function is called on the way to their rules, which are in `elementwise.py`; the other
operators stand among the methods, in `methods.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from airi.autograd.graph import TensorCore, apply
from airi.ops import elementwise

_ADD = elementwise.Add.facts
_SUB = elementwise.Sub.facts
_MUL = elementwise.Mul.facts
_DIV = elementwise.Div.facts
_NEG = elementwise.Neg.facts
_times: Callable[[Any, Any], Any] = elementwise.times
_NO_ATTRIBUTES: dict[str, Any] = {}


def _or_reflected(error: TypeError, other: Any, name: str) -> Any:
    """NotImplemented where the operator is the business of `other`'s class; else the error."""
    if isinstance(other, (TensorCore, np.ndarray, np.generic, int, float, complex)):
        raise error
    if not hasattr(type(other), name):
        raise error
    return NotImplemented


class Operators(TensorCore):
    """The arithmetic operators of a Tensor."""

    def __add__(self, other: Any) -> Any:
        try:
            return apply(_ADD, (self, other), _NO_ATTRIBUTES)
        except TypeError as error:
            return _or_reflected(error, other, "__radd__")

    def __radd__(self, other: Any) -> Any:
        return apply(_ADD, (self, other), _NO_ATTRIBUTES)

    def __sub__(self, other: Any) -> Any:
        try:
            return apply(_SUB, (self, other), _NO_ATTRIBUTES)
        except TypeError as error:
            return _or_reflected(error, other, "__rsub__")

    def __rsub__(self, other: Any) -> Any:
        return apply(_SUB, (other, self), _NO_ATTRIBUTES)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, (list, tuple, str)):  # an int tensor repeats it
            return _times(self, other)
        try:
            return apply(_MUL, (self, other), _NO_ATTRIBUTES)
        except TypeError as error:
            return _or_reflected(error, other, "__rmul__")

    def __rmul__(self, other: Any) -> Any:
        if isinstance(other, (list, tuple, str)):
            return _times(self, other)
        return apply(_MUL, (self, other), _NO_ATTRIBUTES)

    def __truediv__(self, other: Any) -> Any:
        try:
            return apply(_DIV, (self, other), _NO_ATTRIBUTES)
        except TypeError as error:
            return _or_reflected(error, other, "__rtruediv__")

    def __rtruediv__(self, other: Any) -> Any:
        return apply(_DIV, (other, self), _NO_ATTRIBUTES)

    def __neg__(self) -> Any:
        return apply(_NEG, (self,), _NO_ATTRIBUTES)
