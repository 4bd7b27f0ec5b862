"""Comparing results in tests. Source: ``torch.testing``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from airi import dtypes
from airi.ops.creation import tensor
from airi.tensor import Tensor

__all__ = ["assert_close"]

# Relative and absolute tolerance; what is not listed must be equal.
_TOLERANCES = {
    dtypes.float16: (1e-3, 1e-5),
    dtypes.bfloat16: (1.6e-2, 1e-5),
    dtypes.float32: (1.3e-6, 1e-5),
    dtypes.float64: (1e-7, 1e-7),
    dtypes.complex64: (1.3e-6, 1e-5),
    dtypes.complex128: (1e-7, 1e-7),
}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """AssertionError where ``|actual - expected| > atol + rtol * |expected|`` anywhere.

    Tensors, arrays and numbers, in sequences and mappings too. Without `rtol` and `atol`, which go
    together, the tolerances are those of the dtype (float32: 1.3e-6 and 1e-5, float64: 1e-7 and
    1e-7, integers: 0). Shapes must agree, dtypes unless ``check_dtype=False``. `msg` replaces the
    message, or makes another of it. Source: ``torch.testing.assert_close``.

    Example: ``airi.testing.assert_close(airi.sin(x), expected)``.
    """
    if (rtol is None) != (atol is None):
        raise ValueError("assert_close: rtol and atol must be given both or not at all")
    tolerances = None if rtol is None or atol is None else (rtol, atol)
    options = (tolerances, equal_nan, check_dtype, check_stride, allow_subclasses)
    text = _difference(actual, expected, "", options)
    if text is not None:
        raise AssertionError(msg(text) if callable(msg) else msg or text)


def _difference(actual: Any, expected: Any, where: str, options: Any) -> str | None:
    """What is wrong, or None. `where` is the place in the outermost sequence or mapping."""
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        if set(actual) != set(expected):
            return f"The keys differ{_at(where)}: {sorted(actual)} and {sorted(expected)}"
        pairs: Any = ((actual[key], expected[key], f"{where}[{key!r}]") for key in actual)
        return next(filter(None, itertools.starmap(_with(options), pairs)), None)
    if _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            return f"The lengths differ{_at(where)}: {len(actual)} and {len(expected)}"
        both = enumerate(zip(actual, expected, strict=True))
        pairs = ((mine, theirs, f"{where}[{at}]") for at, (mine, theirs) in both)
        return next(filter(None, itertools.starmap(_with(options), pairs)), None)
    return _difference_of_values(actual, expected, where, options)


def _with(options: Any) -> Callable[[Any, Any, str], str | None]:
    return lambda actual, expected, where: _difference(actual, expected, where, options)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _at(where: str) -> str:
    return f" at {where}" if where else ""


def _difference_of_values(actual: Any, expected: Any, where: str, options: Any) -> str | None:
    tolerances, equal_nan, check_dtype, check_stride, allow_subclasses = options
    if actual is None or expected is None:
        same = actual is expected
        return None if same else f"None is only one of both{_at(where)}: {actual} and {expected}"
    both_tensors = isinstance(actual, Tensor) and isinstance(expected, Tensor)
    comparable = both_tensors or type(actual) is type(expected) or _are_numbers(actual, expected)
    if not comparable or (not allow_subclasses and type(actual) is not type(expected)):
        kinds = f"{type(actual).__name__} and {type(expected).__name__}"
        raise TypeError(f"assert_close: cannot compare {kinds}{_at(where)}")
    mine, theirs = _tensor(actual), _tensor(expected)
    if mine.shape != theirs.shape:
        return f"The shapes differ{_at(where)}: {tuple(mine.shape)} and {tuple(theirs.shape)}"
    if check_dtype and both_tensors and mine.dtype != theirs.dtype:
        return f"The dtypes differ{_at(where)}: {mine.dtype} and {theirs.dtype}"
    if check_stride and mine.stride() != theirs.stride():
        return f"The strides differ{_at(where)}: {mine.stride()} and {theirs.stride()}"
    rtol, atol = tolerances or _tolerances(mine.dtype, theirs.dtype)
    first, second = mine._array, theirs._array
    if rtol == atol == 0:
        close = first == second
    else:
        first, second = _wide(first), _wide(second)
        close = np.isclose(first, second, rtol=rtol, atol=atol, equal_nan=equal_nan)
    return None if close.all() else _report(first, second, close, where, (rtol, atol))


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(each, (int, float, complex)) for each in values)


def _tensor(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, (int, float, complex)) and not isinstance(value, bool):
        return tensor(value, dtype=dtypes.complex128 if isinstance(value, complex) else None)
    return tensor(value)


def _tolerances(first: Any, second: Any) -> tuple[float, float]:
    """Those of the less exact dtype."""
    return max(_TOLERANCES.get(first, (0.0, 0.0)), _TOLERANCES.get(second, (0.0, 0.0)))


def _wide(array: np.ndarray) -> np.ndarray:
    """The numbers in a dtype whose differences neither overflow nor are rounded."""
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _report(first: Any, second: Any, close: Any, where: str, tolerances: Any) -> str:
    """How much differs, how far, and where it is farthest."""
    rtol, atol = tolerances
    first, second = _wide(first), _wide(second)
    with np.errstate(all="ignore"):
        absolute = np.where(close, 0, np.abs(first - second))
        relative = np.where(close, 0, absolute / np.abs(second))
    wrong = close.size - np.count_nonzero(close)
    lines = [
        f"The values differ{_at(where)}.",
        "",
        f"Mismatched elements: {wrong} / {close.size} ({100 * wrong / close.size:.1f}%)",
    ]
    for name, difference, allowed in (("absolute", absolute, atol), ("relative", relative, rtol)):
        place = np.unravel_index(np.argmax(difference), difference.shape)
        at = tuple(int(each) for each in place)
        lines.append(
            f"Greatest {name} difference: {difference[place]:.6g} at index {at} "
            f"(up to {allowed} allowed)"
        )
    return "\n".join(lines)
