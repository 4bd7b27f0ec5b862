"""bfloat16 is stored in 16 bits and computed in float32: here, once, for every rule.

NumPy has no bfloat16; the package ml_dtypes gives it the dtype, but few functions and sums that
round after every step. So the inputs of a rule are made float32 before forward and its results
bfloat16 after it; backward gets float32 too, and the engine rounds what it returns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from airi import dtypes


def is_bfloat16(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "V"


def computed(
    rule: Any, inputs: tuple[Any, ...], arrays: list[Any], attributes: dict[str, Any]
) -> Any:
    """What forward gives for these arrays, in bfloat16 where that is the inputs' common dtype."""
    if rule.is_view or not any(is_bfloat16(each) for each in arrays):
        return rule.forward(*rule.prepare(arrays), **attributes)
    out = rule.forward(*rule.prepare(widened(arrays)), **attributes)
    if "dtype" in attributes or not _gives_bfloat16(inputs):
        return out
    return tuple([narrowed(each) for each in out]) if isinstance(out, tuple) else narrowed(out)


def _gives_bfloat16(inputs: tuple[Any, ...]) -> bool:
    """Whether all floats are bfloat16; those without dimensions count where there are no others.

    Arrays among the inputs are constants of the op's own and do not count.
    """
    arrays = [each._array for each in inputs if hasattr(each, "_array")]
    floats = [each for each in arrays if each.dtype.kind in dtypes.FLOATING]
    floats = [each for each in floats if each.ndim] or floats
    return all(is_bfloat16(each) for each in floats)


def narrowed(value: Any) -> Any:
    """A result in float32 as bfloat16."""
    if getattr(value, "dtype", None) == np.float32:
        return np.asarray(value).astype(dtypes.bfloat16.numpy)
    return value


def widened(values: Iterable[Any]) -> list[Any]:
    """The values with every bfloat16 array, Tensor or tuple of them in float32."""
    return [_wide(each) for each in values]


def _wide(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple([_wide(each) for each in value])
    if is_bfloat16(value):
        return value.astype(np.float32)
    if getattr(value, "dtype", None) is dtypes.bfloat16:  # a Tensor, under create_graph
        return value.to(dtypes.float32)
    return value
