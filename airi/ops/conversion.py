"""The same values in another dtype or in memory of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Rule
from airi.device import device

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["clone"]


class Cast(Rule):
    """out = x in another dtype;  dx = g in x's dtype, which the engine sees to"""

    @staticmethod
    def forward(x, *, dtype):
        with np.errstate(invalid="ignore", over="ignore"):  # out of range is as in C
            return x.astype(dtype)

    @staticmethod
    def backward(g):
        return g


def cast(input: Tensor, dtype: Any) -> Tensor:
    """The values in another dtype; the tensor itself where it has that dtype already.

    Gradients pass between floating-point dtypes. Example: ``x.type(airi.float64)``.
    Source: ``torch.Tensor.type``.
    """
    wanted = dtypes.to_numpy(dtype)
    have = input.dtype if isinstance(input, np.ndarray) else input._array.dtype
    return input if have == wanted else Cast.apply(input, dtype=wanted)


class Clone(Rule):
    """out = a copy of x;  dx = g"""

    @staticmethod
    def forward(x, *, order="K"):
        return x.copy(order)

    @staticmethod
    def backward(g):
        return g


def clone(input: Tensor) -> Tensor:
    """A copy with memory of its own; gradients pass to the input. Source: ``torch.clone``."""
    return Clone.apply(input)


def contiguous(input: Tensor) -> Tensor:
    """The tensor itself where it is contiguous, else a contiguous copy.

    Source: ``torch.Tensor.contiguous``.
    """
    return input if input.is_contiguous() else Clone.apply(input, order="C")


def to(input: Tensor, *args: Any, copy: bool = False, **kwargs: Any) -> Tensor:
    """The tensor in another dtype: ``x.to(airi.float64)``, ``x.to("cpu")``, ``x.to(other)``.

    Returns the tensor itself where nothing changes, unless `copy`. Raises RuntimeError for a
    device that is not the CPU. Source: ``torch.Tensor.to``.
    """
    dtype, copy = _target(input, args, kwargs, copy)
    result = input if dtype is None else cast(input, dtype)
    return clone(result) if copy and result is input else result


def _target(input: Any, args: tuple[Any, ...], kwargs: Any, copy: bool) -> tuple[Any, bool]:
    """The dtype asked for in the many ways of calling `to`; the device is checked."""
    dtype = kwargs.pop("dtype", None)
    given = [*args, *([kwargs.pop("other")] if "other" in kwargs else [])]
    if "device" in kwargs:
        given.append(kwargs.pop("device"))
    for name in ("non_blocking", "memory_format"):
        kwargs.pop(name, None)
    if kwargs:
        raise TypeError(f"to: unexpected arguments {sorted(kwargs)}")
    flags = [each for each in given if isinstance(each, bool)]
    for each in given:
        if isinstance(each, bool) or each is None:
            continue
        if hasattr(each, "_array"):
            dtype = each._array.dtype
        elif isinstance(each, (str, device)):
            device(each)
        else:
            dtype = each
    return dtype, copy or (len(flags) > 1 and flags[1])
