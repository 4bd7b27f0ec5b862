"""Kernel sizes, strides and paddings of layers: one number for all dimensions, or one for each."""

from __future__ import annotations

from typing import Any


def per_dimension(layer: str, argument: str, value: Any, count: int) -> tuple[int, ...]:
    """`value` as a tuple of `count` ints; TypeError or ValueError where it is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,) * count
    if isinstance(value, (tuple, list)):
        if len(value) == count:
            return tuple(value)
        raise ValueError(f"{layer}: {argument} must have {count} values, got {tuple(value)}")
    kind = type(value).__name__
    raise TypeError(f"{layer}: {argument} must be an int or {count} ints, got {kind}")
