"""``out=``: a result that goes into a tensor given for it.

It saves no memory here, as the result is computed first; it is there for the programs that use it.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from airi.autograd import graph
from airi.autograd.mode import current
from airi.ops.promotion import RANK


def written(function: str, out: Any, result: Any, any_dtype: bool = False) -> Any:
    """`out` with the values of `result`; for several results a tuple or list of tensors.

    An empty `out` takes the result's shape; so does another, with a warning, as in PyTorch. Raises
    RuntimeError where a gradient would have to pass, or where the result's kind of number does not
    fit the dtype (unless `any_dtype`), TypeError where `out` is no Tensor.
    """
    if isinstance(result, tuple):
        if not isinstance(out, (tuple, list)) or len(out) != len(result):
            kind = type(out).__name__
            raise TypeError(f"{function}: out must be a tuple of {len(result)} Tensors, got {kind}")
        pairs = zip(out, result, strict=True)
        parts = [written(function, each, values, any_dtype) for each, values in pairs]
        return type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)
    if not isinstance(out, graph.Tensor):
        raise TypeError(f"{function}: out must be a Tensor, got {type(out).__name__}")
    if current().grad and (out.requires_grad or result.requires_grad):
        raise RuntimeError(
            f"{function}: no gradient can pass through out=, but an argument requires grad; leave "
            "out= away, or compute under no_grad()"
        )
    values, dtype = result._array, out._array.dtype
    if not any_dtype and _rank(values.dtype) > _rank(dtype):
        raise RuntimeError(
            f"{function}: the result is {result.dtype}, which cannot be cast to out's {out.dtype}"
        )
    if out._array.shape != values.shape:
        _resize(function, out, values.shape)
    if not out._array.flags.writeable:
        raise RuntimeError(f"{function}: out may not be written: its memory is read-only or shared")
    np.copyto(out._array, values, casting="unsafe")
    if out._counter is not None:
        out._counter.value += 1
    return out


def _rank(dtype: np.dtype) -> int:
    return RANK.get(dtype.kind, RANK["f"])


def _resize(function: str, out: Any, shape: tuple[int, ...]) -> None:
    if out._array.size:
        warnings.warn(
            f"{function}: out has shape {tuple(out.shape)} and is resized to {shape}, the shape of "
            "the result; give it that shape, or none: resize_(0)",
            stacklevel=4,
        )
    out._array = np.empty(shape, out._array.dtype)
