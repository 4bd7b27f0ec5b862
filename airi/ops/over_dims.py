"""What all reductions share: `dim` and `keepdim`, and gradients spread over what was reduced."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule
from airi.dtypes import DIFFERENTIABLE
from airi.ops.names import normal_dim, normal_dims
from airi.ops.views import Expand, Reshape, reshape

if TYPE_CHECKING:
    Dim = int | tuple[int, ...] | list[int] | None


def over_dims(
    function: str, rule: type[Rule], input: Any, dim: Dim, keepdim: bool, **attributes: Any
) -> Any:
    """Apply a rule over several dimensions; None and () mean all, which the rule gets as None.

    A 0-dimensional tensor counts as one with one dimension, so rules see 1 or more.
    """
    ndim = _ndim_of(function, input)
    if dim is not None:
        dim = normal_dims(function, dim, ndim) or None
    if ndim == 0:
        input, keepdim = reshape(input, (1,)), False
    return rule.apply(input, dim=dim, keepdim=keepdim, **attributes)


def over_one_dim(function: str, rule: type[Rule], input: Any, dim: int, **attributes: Any) -> Any:
    """Apply a rule along `dim`; a 0-dimensional tensor counts as one with one dimension."""
    ndim = _ndim_of(function, input)
    at = normal_dim(function, dim, ndim)
    if ndim:
        return rule.apply(input, dim=at, **attributes)
    out = rule.apply(reshape(input, (1,)), dim=0, **attributes)
    if isinstance(out, tuple):
        return tuple(reshape(each, ()) for each in out)
    return reshape(out, ())


def _ndim_of(function: str, input: Any) -> int:
    try:
        return input.ndim
    except AttributeError:
        raise TypeError(f"{function}: expected a Tensor, got {type(input).__name__}") from None


def restored(value: Any, dim: Any, keepdim: bool, x_shape: tuple[int, ...]) -> Any:
    """A result with the reduced dimensions back in, of size 1."""
    if keepdim:
        return value
    reduced = range(len(x_shape)) if dim is None else dim
    shape = tuple([1 if i in reduced else n for i, n in enumerate(x_shape)])
    return Reshape.apply(value, shape=shape)


def spread(g: Any, dim: Any, keepdim: bool, x_shape: tuple[int, ...]) -> Any:
    """The gradient of each result for every element that went into it."""
    return Expand.apply(restored(g, dim, keepdim, x_shape), shape=x_shape)


def count(x_shape: tuple[int, ...], dim: tuple[int, ...] | None) -> int:
    """How many elements go into one result."""
    return math.prod(x_shape if dim is None else [x_shape[i] for i in dim])


def accumulator(dtype: np.dtype) -> np.dtype:
    """The dtype that sums and products of elements of `dtype` have: int64 for all integers."""
    return dtype if dtype.kind in DIFFERENTIABLE else np.dtype(np.int64)
