"""New tensors of numbers in order: ranges, evenly spaced numbers, and the identity matrix."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.ops.creation import float_dtype, made, plain_number, shape_from

if TYPE_CHECKING:
    from airi.ops.creation import Number
    from airi.tensor import Tensor

__all__ = ["arange", "eye", "linspace", "logspace", "range"]


def _bounds(function: str, *given: Any) -> list[Any]:
    """start, end and step as Python numbers; an error where they lead nowhere."""
    bounds = [plain_number(each) for each in given]
    for name, each in zip(("start", "end", "step"), bounds, strict=True):
        if not isinstance(each, (int, float)):
            raise TypeError(f"{function}: {name} must be a number, got {each!r}")
    start, end, step = bounds
    if step == 0:
        raise RuntimeError(f"{function}: step must not be 0")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"{function}: the bounds must be finite, got {start} and {end}")
    if (end - start) * step < 0:
        raise RuntimeError(f"{function}: step {step} leads from {start} away from {end}")
    return bounds


def arange(
    *bounds: Any,
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """start, start + step, ... without end: ``arange(end)``, ``arange(start, end, step)``.

    ceil((end - start) / step) elements; int64 for three integers, else the default dtype.
    Raises RuntimeError where step is 0 or leads away from end. Example: ``arange(0, 1, 0.25)``.
    Source: ``torch.arange``.
    """
    if len(bounds) > 3:
        raise TypeError(f"arange: expected at most start, end and step, got {len(bounds)} numbers")
    if len(bounds) == 1 and end is None:
        end = bounds[0]
    elif bounds:
        start, end, step = (*bounds, *(start, end, step)[len(bounds) :])
    if end is None:
        raise TypeError("arange: end is missing")
    start, end, step = _bounds("arange", start, end, step)
    if dtype is None and not any(isinstance(each, float) for each in (start, end, step)):
        dtype = int
    wanted = float_dtype(dtype)
    if wanted.kind == "b":
        raise TypeError("arange: there is no range of bools")
    if wanted == np.int64:  # as in PyTorch, all three are rounded towards zero first
        array = np.arange(int(start), int(end), int(step) or step, dtype=np.int64)
    else:
        count = math.ceil((end - start) / step)
        if wanted.kind in "iu":
            start, step = int(start), int(step)
        array = start + step * np.arange(count)
    return made("arange", array.astype(wanted, copy=False), device, requires_grad, hints)


def range(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """start, start + step, ... to end inclusive, of the default dtype: the older form of `arange`.

    floor((end - start) / step) + 1 elements. Raises RuntimeError where step is 0 or leads away
    from end. Example: ``airi.range(1, 3)`` is ``[1., 2., 3.]``. Source: ``torch.range``.
    """
    if end is None:
        start, end = 0, start
    start, end, step = _bounds("range", start, end, step)
    array = start + step * np.arange(math.floor((end - start) / step) + 1)
    wanted = float_dtype(dtype)
    return made("range", array.astype(wanted, copy=False), device, requires_grad, hints)


def _evenly_spaced(function: str, start: Any, end: Any, steps: int, dtype: np.dtype) -> np.ndarray:
    """float64 numbers from start to end, which are made whole first for an integer dtype."""
    try:
        count = operator.index(steps)
    except TypeError:
        raise TypeError(f"{function}: steps must be an int, got {steps!r}") from None
    if count < 0:
        raise RuntimeError(f"{function}: steps must not be negative, got {count}")
    bounds = []
    for name, each in (("start", start), ("end", end)):
        if getattr(each, "ndim", 0):
            raise RuntimeError(
                f"{function}: {name} must be a number or have 0 dimensions, got shape "
                f"{tuple(each.shape)}"
            )
        bounds.append(int(plain_number(each)) if dtype.kind in "iu" else plain_number(each))
    first, last = bounds
    return np.linspace(first, last, count)


def linspace(
    start: Number | Tensor,
    end: Number | Tensor,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """`steps` numbers from start to end, both included, at equal distances.

    An integer dtype cuts off the fractions of start, end and then of the numbers. Raises
    RuntimeError for negative steps. Example: ``airi.linspace(-1, 1, 5)``.
    Source: ``torch.linspace``.
    """
    wanted = float_dtype(dtype)
    array = _evenly_spaced("linspace", start, end, steps, wanted).astype(wanted)
    return made("linspace", array, device, requires_grad, hints)


def logspace(
    start: Number | Tensor,
    end: Number | Tensor,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """``base ** linspace(start, end, steps)``. Source: ``torch.logspace``."""
    wanted = float_dtype(dtype)
    exponents = _evenly_spaced("logspace", start, end, steps, wanted)
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.power(base, exponents, dtype=exponents.dtype).astype(wanted)
    return made("logspace", array, device, requires_grad, hints)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """The n by m (default n by n) matrix with ones on the diagonal. Source: ``torch.eye``."""
    shape = shape_from("eye", (n, n if m is None else m), {})
    return made("eye", np.eye(*shape, dtype=float_dtype(dtype)), device, requires_grad, hints)
