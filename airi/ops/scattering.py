"""Gathering and scattering along one dimension, by an index for every element.

``gather``: out[i, k] = x[i, index[i, k]];  ``scatter``: out[i, index[i, k]] = src[i, k].
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Rule, wrap
from airi.ops import places
from airi.ops.along import TakeAlong
from airi.ops.conversion import clone
from airi.ops.elementwise import div, where
from airi.ops.inplace import Copy, Overwrite, write
from airi.ops.names import normal_dim, numpy_names, require_tensor
from airi.ops.places import checked
from airi.ops.views import Slice, expand, reshape, shape_of

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = [
    "gather",
    "scatter",
    "scatter_add",
    "scatter_reduce",
    "take_along_dim",
]


def _corner(shape: tuple[int, ...], of: tuple[int, ...], dim: int) -> tuple[slice, ...] | None:
    """The index of the part of a tensor `of` that shape which `index` of `shape` speaks of.

    Along dim it is everything; None where it is so everywhere.
    """
    if all(n == m for i, (n, m) in enumerate(zip(shape, of)) if i != dim):
        return None
    return tuple([slice(None) if i == dim else slice(n) for i, n in enumerate(shape)])


def _gathered(x: Any, index: Any, dim: int) -> Any:
    """gather() without its checks, of arrays or Tensors."""
    corner = _corner(shape_of(index), shape_of(x), dim)
    if corner is not None:
        x = Slice.apply(x, index=corner)
    return TakeAlong.apply(x, index, dim=dim, distinct=False)


def _reduce_at(ufunc: np.ufunc, x: np.ndarray, index: np.ndarray, src: Any, dim: int) -> None:
    """``x[index along dim] = ufunc(x[index along dim], src)``, once for every index."""
    if ufunc is np.add and places.add_each(x, index, src, dim):
        return
    if not x.flags.c_contiguous:
        grid = list(np.ogrid[tuple([slice(n) for n in index.shape])])
        grid[dim] = index
        ufunc.at(x, tuple(grid), src)
        return
    # On flat arrays ufunc.at is several times faster.
    positions = np.asarray(0)
    stride = 1
    for i in range(x.ndim - 1, -1, -1):
        along = (
            index if i == dim else np.arange(index.shape[i]).reshape(-1, *[1] * (x.ndim - 1 - i))
        )
        positions = positions + along * stride
        stride *= x.shape[i]
    src = np.broadcast_to(np.asarray(src, x.dtype), index.shape)
    ufunc.at(x.reshape(-1), positions.reshape(-1), src.reshape(-1))


class Scatter(Overwrite):
    """out = x with src at index along dim;  dx = g with 0 there, dsrc = g gathered at index"""

    complex = True

    @staticmethod
    def forward(x, index, src, *, dim):
        out = x.copy()
        Scatter.into(out, index, src, dim=dim)
        return out

    @staticmethod
    def into(x, index, src, *, dim):
        corner = _corner(index.shape, x.shape, dim)
        np.put_along_axis(x if corner is None else x[corner], index, src, dim)

    @staticmethod
    def backward(g, index, dim, needs):
        dsrc = _gathered(g, index, dim) if needs[2] else None
        return Scatter.apply(g, index, 0.0, dim=dim), None, dsrc


class ScatterAdd(Overwrite):
    """out = x with src added at index along dim;  dx = g, dsrc = g gathered at index"""

    complex = True

    @staticmethod
    def forward(x, index, src, *, dim):
        out = x.copy(order="C")
        ScatterAdd.into(out, index, src, dim=dim)
        return out

    @staticmethod
    def into(x, index, src, *, dim):
        _reduce_at(np.add, x, index, src, dim)

    @staticmethod
    def backward(g, index, dim, needs):
        return g, None, _gathered(g, index, dim) if needs[2] else None


class ScatterProd(Overwrite):
    """out = x multiplied at index by src;  dx, dsrc = g * the product of the other factors

    Second derivatives are those where no factor is 0.
    """

    @staticmethod
    def forward(x, index, src, *, dim):
        out = x.copy(order="C")
        ScatterProd.into(out, index, src, dim=dim)
        return out

    @staticmethod
    def into(x, index, src, *, dim):
        _reduce_at(np.multiply, x, index, src, dim)

    @staticmethod
    def backward(g, x, index, src, dim):
        zero_x, zero_src, alone_x, alone_src = _Zeros.apply(x, index, src, dim=dim)
        x, src = where(zero_x, 1.0, x), where(zero_src, 1.0, src)
        product = ScatterProd.apply(x, index, src, dim=dim)
        dsrc = _gathered(g * product, index, dim) * alone_src
        return g * product * alone_x / x, None, dsrc / src


class _Zeros(Rule):
    """Which factors of ScatterProd are 0, and whose other factors are not: constants"""

    complex = True
    outputs = ("zero_x", "zero_src", "alone_x", "alone_src")

    @staticmethod
    def forward(x, index, src, *, dim):
        zero_x, zero_src = x == 0, src == 0
        count = ScatterAdd.forward(zero_x.astype(np.int64), index, zero_src, dim=dim)
        return zero_x, zero_src, count == zero_x, _gathered(count, index, dim) == zero_src


class ScatterExtreme(Overwrite):
    """out = the largest (or smallest) of x and src at index;  g is shared among equal ones"""

    @staticmethod
    def forward(x, index, src, *, dim, largest):
        out = x.copy(order="C")
        ScatterExtreme.into(out, index, src, dim=dim, largest=largest)
        return out

    @staticmethod
    def into(x, index, src, *, dim, largest):
        _reduce_at(np.maximum if largest else np.minimum, x, index, src, dim)

    @staticmethod
    def backward(g, x, index, src, out, dim):
        share_x, share_src = _Shares.apply(x, index, src, out, dim=dim)
        return g * share_x, None, _gathered(g, index, dim) * share_src


class _Shares(Rule):
    """1 / (number of equal ones) for the x and src that are the result, else 0: constants"""

    outputs = ("of_x", "of_src")

    @staticmethod
    def forward(x, index, src, out, *, dim):
        chosen_x = (x == out).astype(x.dtype)
        chosen_src = (src == _gathered(out, index, dim)).astype(x.dtype)
        count = ScatterAdd.forward(chosen_x, index, chosen_src, dim=dim)
        np.maximum(count, 1, out=count)  # 0 where the result is NaN
        return chosen_x / count, chosen_src / _gathered(count, index, dim)


# -- gather -------------------------------------------------------------------------------------


def _looked_at(function: str, input: Tensor, dim: int, index: Tensor) -> int:
    """The dimension from the front, with dtype and shape of the index looked at."""
    if not hasattr(index, "_array"):
        raise TypeError(f"{function}: index must be a Tensor, got {type(index).__name__}")
    require_tensor(function, "input", input)
    at = normal_dim(function, dim, input.ndim)
    array = index._array
    if not array.size:  # of any dtype and shape, as in PyTorch
        return at
    if array.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{function}: index must be int64 or int32, got {index.dtype}")
    if max(index.ndim, 1) != max(input.ndim, 1):
        raise RuntimeError(
            f"{function}: index must have as many dimensions as the tensor; got shapes "
            f"{shape_of(index)} and {shape_of(input)}"
        )
    sizes = list(zip(shape_of(index), shape_of(input)))
    if any(n > m for i, (n, m) in enumerate(sizes) if i != at):
        raise RuntimeError(
            f"{function}: index of shape {shape_of(index)} must not be larger than the tensor of "
            f"shape {shape_of(input)} apart from dimension {at}"
        )
    return at


def _checked_dim(function: str, input: Tensor, dim: int, index: Tensor) -> int:
    """As `_looked_at`, with the range too, which the rule of gather looks at itself."""
    at = _looked_at(function, input, dim, index)
    if index.numel():
        checked(function, index._array, at, input.shape[at] if input.ndim else 1, negative=False)
    return at


def _line(value: Any) -> Any:
    """A tensor of 0 dimensions with one."""
    return reshape(value, 1) if hasattr(value, "_array") and not value.ndim else value


@numpy_names
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """out[i][j] = input[index[i][j]][j] for ``dim=0``, and so for other dimensions: index's shape.

    `index` (int64 or int32) has input's number of dimensions and, apart from `dim`, is not larger.
    Raises IndexError where an index is out of range. Gradients of elements taken twice add up;
    ``sparse_grad`` is accepted and has no effect.
    Example: ``logits.gather(1, labels.unsqueeze(1))``. Source: ``torch.gather``.
    """
    at = _looked_at("gather", input, dim, index)
    if not index.numel():
        return Slice.apply(_line(input), index=(slice(0), ...)).reshape(shape_of(index))
    return reshape(_gathered(_line(input), _line(index), at), shape_of(index))


@numpy_names
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather` whose two tensors are broadcast together apart from `dim` (None: both flattened).

    Negative indices count from the end. Example: ``x.take_along_dim(x.argsort(1), 1)``.
    Source: ``torch.take_along_dim``.
    """
    if indices._array.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"take_along_dim: indices must be int64, got {indices.dtype}")
    if dim is None:
        input, indices, dim = reshape(input, -1), reshape(indices, -1), 0
    if input.ndim != indices.ndim:
        raise RuntimeError(
            f"take_along_dim: input and indices must have as many dimensions, got shapes "
            f"{shape_of(input)} and {shape_of(indices)}"
        )
    at = normal_dim("take_along_dim", dim, input.ndim)
    shapes = []
    for each in (input, indices):
        shape = list(shape_of(each))
        shape[at : at + 1] = [1] * len(shape[at : at + 1])
        shapes.append(shape)
    try:
        common = np.broadcast_shapes(*shapes)
    except ValueError:
        raise RuntimeError(
            f"take_along_dim: shapes {shape_of(input)} and {shape_of(indices)} cannot be broadcast "
            f"together apart from dimension {at}"
        ) from None
    size = input.shape[at] if input.ndim else 1
    if indices.numel() and indices._array.min() < 0:
        indices = wrap(np.where(indices._array < 0, indices._array + size, indices._array))
    full = [[-1 if i == at else n for i, n in enumerate(common)]] * 2 if common else [[], []]
    return gather(expand(input, full[0]), at, expand(indices, full[1]))


# -- scatter ------------------------------------------------------------------------------------


def _source(function: str, input: Tensor, index: Tensor, src: Any) -> Any:
    """The part of src that index speaks of, with its dtype and shape looked at; a number as is."""
    if not hasattr(src, "_array"):
        if not isinstance(src, (int, float, complex)):
            raise TypeError(
                f"{function}: src must be a Tensor or value a number, got {type(src).__name__}"
            )
        return src
    if src.dtype != input.dtype:
        raise RuntimeError(
            f"{function}: src must have the tensor's dtype {input.dtype}, got {src.dtype}"
        )
    if max(src.ndim, 1) != max(index.ndim, 1) or any(
        n > m for n, m in zip(shape_of(index), shape_of(src))
    ):
        raise RuntimeError(
            f"{function}: index of shape {shape_of(index)} must not be larger than src of shape "
            f"{shape_of(src)}"
        )
    src = _line(src)
    if shape_of(src) == shape_of(_line(index)):
        return src
    return Slice.apply(src, index=tuple([slice(n) for n in index.shape]))


def _value_or_src(function: str, src: Any, value: Any) -> Any:
    if (src is None) == (value is None):
        raise TypeError(f"{function}: either src or value must be given")
    return value if src is None else src


_RULES: dict[str | None, type[Overwrite]] = {
    None: Scatter,
    "add": ScatterAdd,
    "multiply": ScatterProd,
}


def _scatter_rule(function: str, reduce: str | None) -> type[Overwrite]:
    if reduce not in _RULES:
        raise RuntimeError(f"{function}: reduce must be 'add' or 'multiply', got {reduce!r}")
    return _RULES[reduce]


def _full(src: Any, index: Tensor, input: Tensor, rule: type[Overwrite]) -> Any:
    """A number as an array where the rule needs one."""
    if hasattr(src, "_array") or rule is Scatter:
        return src
    return np.full(_line(index)._array.shape, src).astype(input._array.dtype)


@numpy_names
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | Number | None = None,
    *,
    value: Number | None = None,
    reduce: str | None = None,
) -> Tensor:
    """A copy of input with src[i][j] at out[index[i][j]][j] for ``dim=0``, and so for others.

    `src` is a Tensor not smaller than index, of input's dtype, or a number; ``reduce`` "add" or
    "multiply" combines it with what is there. Where an index comes twice without reduce, the last
    one stays, and each gets its gradient. Raises IndexError where an index is out of range.
    Source: ``torch.scatter``.
    """
    rule = _scatter_rule("scatter", reduce)
    given = _value_or_src("scatter", src, value)
    return _scattered("scatter", rule, input, dim, index, given)


def _scattered(
    function: str,
    rule: type[Overwrite],
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any,
    **attributes: Any,
) -> Tensor:
    at = _checked_dim(function, input, dim, index)
    src = _full(_source(function, input, index, src), index, input, rule)
    if not index.numel():
        return clone(input)
    out = rule.apply(_line(input), _line(index), src, dim=at, **attributes)
    return out if input.ndim else reshape(out, ())


def scatter_(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | Number | None = None,
    *,
    value: Number | None = None,
    reduce: str | None = None,
) -> Tensor:
    """`scatter` in place. Source: ``torch.Tensor.scatter_``."""
    rule = _scatter_rule("scatter_", reduce)
    given = _value_or_src("scatter_", src, value)
    return _scatter_in_place("scatter_", rule, input, dim, index, given)


def _scatter_in_place(
    function: str, rule: type[Overwrite], input: Tensor, dim: int, index: Tensor, src: Any
) -> Tensor:
    at = _checked_dim(function, input, dim, index)
    src = _full(_source(function, input, index, src), index, input, rule)
    if index.numel():
        write(_line(input), function, rule, _line(index), src, dim=at)
    return input


@numpy_names
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of input with src[i][j] added to out[index[i][j]][j] for ``dim=0``, and so for others.

    An index that comes twice adds twice. Shapes, dtypes and errors as for `scatter`.
    Example: ``airi.zeros(3).scatter_add(0, labels, airi.ones(100))``.
    Source: ``torch.scatter_add``.
    """
    return _scattered("scatter_add", ScatterAdd, input, dim, index, src)


def scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """`scatter_add` in place. Source: ``torch.Tensor.scatter_add_``."""
    return _scatter_in_place("scatter_add_", ScatterAdd, input, dim, index, src)


@numpy_names
def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """The elements of src that one index names, reduced: "sum", "prod", "mean", "amax" or "amin".

    They stand at ``out[index[i][j]][j]`` for ``dim=0``; input's own element there counts with
    `include_self`, and elements that no index names stay as they are. Gradients of equal largest
    or smallest elements are shared. Source: ``torch.scatter_reduce``.
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(
            f"scatter_reduce: reduce must be sum, prod, mean, amax or amin, got {reduce!r}"
        )
    if not include_self:
        start = _identity(reduce, input._array.dtype)
        input = scatter(input, dim, index, value=start)
    if reduce in ("amax", "amin"):
        largest = reduce == "amax"
        return _scattered("scatter_reduce", ScatterExtreme, input, dim, index, src, largest=largest)
    rule = ScatterProd if reduce == "prod" else ScatterAdd
    out = _scattered("scatter_reduce", rule, input, dim, index, src)
    if reduce != "mean":
        return out
    counts = np.full(_line(input)._array.shape, int(include_self), input._array.dtype)
    at = normal_dim("scatter_reduce", dim, input.ndim)
    if index.numel():
        ScatterAdd.into(counts, _line(index)._array, 1, dim=at)
    divisor = wrap(np.maximum(counts, 1).reshape(input._array.shape))
    return div(out, divisor, rounding_mode=None if out.is_floating_point() else "floor")


def _identity(reduce: str, dtype: np.dtype) -> Any:
    """The number that changes nothing."""
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if dtype.kind in dtypes.FLOATING:
        return -math.inf if reduce == "amax" else math.inf
    if dtype.kind == "b":
        return reduce == "amin"
    limits = np.iinfo(dtype)
    return limits.min if reduce == "amax" else limits.max


def scatter_reduce_(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """`scatter_reduce` in place. Source: ``torch.Tensor.scatter_reduce_``."""
    # Of a copy, since what its rules save is about to be overwritten.
    out = scatter_reduce(clone(input), dim, index, src, reduce, include_self=include_self)
    return write(input, "scatter_reduce_", Copy, out)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Vectors with 1 at the class and 0 elsewhere, as a last dimension, int64.

    Without `num_classes` it is one more than the largest class. Raises RuntimeError for classes
    below 0 or not below `num_classes`, or other than int64.
    Example: ``one_hot(airi.tensor([0, 2]))`` has shape (2, 3).
    Source: ``torch.nn.functional.one_hot``.
    """
    classes = tensor._array
    if classes.dtype != np.int64:
        raise RuntimeError(f"one_hot: expects int64 classes, got {tensor.dtype}")
    if not classes.size and num_classes <= 0:
        raise RuntimeError("one_hot: num_classes cannot be worked out from an empty tensor")
    if classes.size and classes.min() < 0:
        raise RuntimeError(f"one_hot: classes must not be negative, got {classes.min()}")
    if num_classes == -1:
        num_classes = int(classes.max()) + 1
    elif classes.size and classes.max() >= num_classes:
        raise RuntimeError(
            f"one_hot: class {classes.max()} is not smaller than num_classes={num_classes}"
        )
    out = np.zeros((*classes.shape, num_classes), np.int64)
    np.put_along_axis(out, classes[..., None], 1, -1)
    return wrap(out)
