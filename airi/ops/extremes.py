"""Largest and smallest elements: over dimensions, and along one together with their index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from airi.autograd.graph import Rule
from airi.ops import bounds
from airi.ops.along import SpreadAlong, ValuesIndices
from airi.ops.names import numpy_names, require_tensor
from airi.ops.over_dims import over_dims, over_one_dim, restored
from airi.ops.views import array_of

if TYPE_CHECKING:
    from airi.ops.over_dims import Dim
    from airi.tensor import Tensor

__all__ = [
    "amax",
    "amin",
    "aminmax",
    "argmax",
    "argmin",
    "max",
    "min",
]


def refuse_empty(function: str, x: np.ndarray, dim: Any) -> None:
    """Extremes of nothing do not exist."""
    if x.size:
        return
    if dim is None:
        raise RuntimeError(
            f"{function}: a tensor of shape {x.shape} has no elements to choose from"
        )
    for each in dim if isinstance(dim, tuple) else (dim,):
        if x.shape[each] == 0:
            raise IndexError(
                f"{function}: dimension {each} of a tensor of shape {x.shape} has no elements to "
                "choose from"
            )


class Amax(Rule):
    """out = largest x over dim, NaN if any is;  g is shared equally by the elements that tie"""

    @staticmethod
    def forward(x, *, dim, keepdim):
        refuse_empty("amax", x, dim)
        return np.maximum.reduce(x, dim, keepdims=keepdim)

    @staticmethod
    def backward(g, x, out, dim, keepdim, x_shape):
        share = _TieShare.apply(x, restored(out, dim, keepdim, x_shape), dim=dim)
        return restored(g, dim, keepdim, x_shape) * share


class Amin(Amax):
    """out = smallest x over dim, NaN if any is;  g is shared equally by the elements that tie"""

    @staticmethod
    def forward(x, *, dim, keepdim):
        refuse_empty("amin", x, dim)
        return np.minimum.reduce(x, dim, keepdims=keepdim)


class _TieShare(Rule):
    """out = 1 / number of ties where x is the extreme, 0 elsewhere: a constant"""

    @staticmethod
    def forward(x, extreme, *, dim):
        ties = np.equal(x, extreme)
        if np.isnan(extreme).any():
            ties |= np.isnan(x)
        count = np.add.reduce(ties, dim, np.intp, keepdims=True).astype(x.dtype)
        share = ties.astype(x.dtype)
        share /= count
        return share


@numpy_names
def amax(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """out = the largest element over `dim`; NaN where any is NaN.

    Elements that tie share the gradient equally. Raises IndexError where a dimension to reduce is
    empty. Example: ``airi.amax(x, dim=(1, 2))``. Source: ``torch.amax``.
    """
    return over_dims("amax", Amax, input, dim, keepdim)


@numpy_names
def amin(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """out = the smallest element over `dim`; NaN where any is NaN.

    Elements that tie share the gradient equally. Raises IndexError where a dimension to reduce is
    empty. Example: ``airi.amin(x, dim=(1, 2))``. Source: ``torch.amin``.
    """
    return over_dims("amin", Amin, input, dim, keepdim)


class MinMax(NamedTuple):
    """What `aminmax` returns."""

    min: Any
    max: Any


@numpy_names
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    """The smallest and the largest element along `dim`, or of all, as ``(min, max)``.

    Source: ``torch.aminmax``.
    """
    return MinMax(amin(input, dim, keepdim), amax(input, dim, keepdim))


class Max(Rule):
    """values = largest x along dim, at indices;  dx = g at the indices, 0 elsewhere"""

    outputs = ("values", "indices")

    @staticmethod
    def forward(x, *, dim, keepdim):
        refuse_empty("max", x, dim)
        return chosen(x, np.argmax(x, dim, keepdims=True), dim, keepdim)

    @staticmethod
    def backward(g, indices, dim, keepdim, x_shape):
        return chosen_gradient(g[0], indices, dim, keepdim, x_shape)


class Min(Max):
    """values = smallest x along dim, at indices;  dx = g at the indices, 0 elsewhere"""

    @staticmethod
    def forward(x, *, dim, keepdim):
        refuse_empty("min", x, dim)
        return chosen(x, np.argmin(x, dim, keepdims=True), dim, keepdim)


def chosen_gradient(g: Any, indices: Any, dim: int, keepdim: bool, x_shape: tuple[int, ...]) -> Any:
    """g put at the indices of the chosen elements, 0 elsewhere."""
    g, indices = (restored(each, (dim,), keepdim, x_shape) for each in (g, indices))
    return SpreadAlong.apply(g, indices, dim=dim, size=x_shape[dim], distinct=True)


def chosen(
    x: np.ndarray, indices: np.ndarray, dim: int, keepdim: bool
) -> tuple[np.ndarray, np.ndarray]:
    values = np.take_along_axis(x, indices, dim)
    return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))


def _of_all_along_or_of_two(
    function: str, rules: tuple[Any, Any, Any], input: Any, dim: Any, keepdim: bool, other: Any
) -> Any:
    """The three ops that are called max, and min: of all, along a dimension, of two tensors."""
    of_all, along, of_two = rules
    if isinstance(dim, np.ndarray) or hasattr(dim, "_array"):  # max(x, y)
        dim, other = None, dim
    if other is not None:
        if dim is not None:
            raise TypeError(f"{function}: takes dim or other, not both")
        return of_two(input, other)
    if dim is None:
        return over_dims(function, of_all, input, None, keepdim)
    return ValuesIndices(*over_one_dim(function, along, input, dim, keepdim=keepdim))


@numpy_names
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The largest element: of all, along `dim`, or of two tensors.

    ``max(x)`` is one value, whose gradient elements that tie share; ``max(x, dim)`` is
    ``(values, indices)``, whose gradient goes to the index; ``max(x, y)`` is ``maximum(x, y)``. NaN
    is larger than all. Raises RuntimeError or IndexError where there are no elements.
    Example: ``values, indices = airi.max(scores, 1)``. Source: ``torch.max``.
    """
    rules = (Amax, Max, bounds.maximum)
    return _of_all_along_or_of_two("max", rules, input, dim, keepdim, other)


@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The smallest element: of all, along `dim`, or of two tensors; NaN is smaller than all.

    Returned as by `max`. Example: ``values, indices = airi.min(distances, 1)``.
    Source: ``torch.min``.
    """
    rules = (Amin, Min, bounds.minimum)
    return _of_all_along_or_of_two("min", rules, input, dim, keepdim, other)


class Argmax(Rule):
    """out = the index of the largest x along dim, the first of equal ones"""

    @staticmethod
    def forward(x, *, dim, keepdim):
        refuse_empty("argmax", x, dim)
        return np.argmax(x, dim, keepdims=keepdim)


class Argmin(Rule):
    """out = the index of the smallest x along dim, the first of equal ones"""

    @staticmethod
    def forward(x, *, dim, keepdim):
        refuse_empty("argmin", x, dim)
        return np.argmin(x, dim, keepdims=keepdim)


def _arg_extreme(name: str, rule: type[Rule], input: Any, dim: int | None, keepdim: bool) -> Any:
    require_tensor(name, "input", input)
    if array_of(input).dtype.kind == "b":
        raise RuntimeError(f"{name}: bool tensors are not supported; convert with to(airi.uint8)")
    if dim is None:
        if not array_of(input).size:
            raise IndexError(f"{name}: a tensor of shape {tuple(input.shape)} has no elements")
        return over_dims(name, rule, input, None, keepdim)
    return over_one_dim(name, rule, input, dim, keepdim=keepdim)


@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index (int64) of the largest element along `dim`, or in the flattened tensor.

    Of equal ones the first, of NaNs the first NaN. Raises IndexError where there are no elements.
    Example: ``logits.argmax(1)``. Source: ``torch.argmax``.
    """
    return _arg_extreme("argmax", Argmax, input, dim, keepdim)


@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index (int64) of the smallest element along `dim`, or in the flattened tensor.

    Of equal ones the first, of NaNs the first NaN. Raises IndexError where there are no elements.
    Example: ``distances.argmin(1)``. Source: ``torch.argmin``.
    """
    return _arg_extreme("argmin", Argmin, input, dim, keepdim)
