"""Tensors put together, repeated and turned round: cat, stack, repeat, flip, roll, meshgrid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Rule, wrap
from airi.ops.indexing import Index
from airi.ops.names import normal_dim, normal_dims, numpy_names, takes_out
from airi.ops.promotion import result_dtype
from airi.ops.splitting import Split, Unbind
from airi.ops.views import Slice, SumTo, expand, reshape, shape_of, sizes, transpose, unsqueeze

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block_diag",
    "broadcast_tensors",
    "cartesian_prod",
    "cat",
    "column_stack",
    "combinations",
    "concat",
    "concatenate",
    "dstack",
    "flip",
    "fliplr",
    "flipud",
    "hstack",
    "meshgrid",
    "repeat_interleave",
    "roll",
    "rot90",
    "row_stack",
    "stack",
    "tile",
    "vstack",
]


class _Joining(Rule):
    """A rule whose inputs are joined in their common dtype."""

    complex = True

    @classmethod
    def prepare(cls, arrays: list[Any]) -> list[Any]:
        if all(each.dtype is arrays[0].dtype for each in arrays):
            return arrays
        dtype = result_dtype(arrays)
        return [each.astype(dtype, copy=False) for each in arrays]


class Cat(_Joining):
    """out = the xs one after another along dim;  each dx = its part of g"""

    @staticmethod
    def forward(*xs, dim):
        return np.concatenate(xs, dim)

    @staticmethod
    def backward(g, xs_shape, dim):
        return Split.apply(g, sizes=tuple([shape[dim] for shape in xs_shape]), dim=dim)


class Stack(_Joining):
    """out = the xs side by side along a new dimension;  each dx = its slice of g"""

    @staticmethod
    def forward(*xs, dim):
        return np.stack(xs, dim)

    @staticmethod
    def backward(g, dim):
        return Unbind.apply(g, dim=dim)


def _sequence(function: str, tensors: Any) -> tuple[Any, ...]:
    """The tensors as a tuple of at least one; TypeError for anything else in it."""
    if not isinstance(tensors, (tuple, list)):
        kind = type(tensors).__name__
        raise TypeError(f"{function}: expected a tuple or list of Tensors, got {kind}")
    if not tensors:
        error = ValueError if function == "cat" else RuntimeError
        raise error(f"{function}: expected at least one tensor, got none")
    for position, each in enumerate(tensors):
        if not hasattr(each, "shape"):
            kind = type(each).__name__
            raise TypeError(f"{function}: expected Tensors, got {kind} at position {position}")
    return tuple(tensors)


@numpy_names
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after another along `dim`, in their common dtype.

    Shapes must agree but for that dimension; empty tensors of shape (0,) are skipped.
    Raises RuntimeError where they do not. Example: ``airi.cat([a, b], dim=1)``.
    Source: ``torch.cat``.
    """
    xs = _sequence("cat", tensors)
    shapes = [shape_of(each) for each in xs]
    first = next((shape for shape in shapes if shape != (0,)), (0,))
    if () in shapes:
        raise RuntimeError(
            f"cat: the tensor at position {shapes.index(())} has 0 dimensions; use stack()"
        )
    at = normal_dim("cat", dim, len(first))
    if first != (0,) and (0,) in shapes:  # empty ones count for nothing but the dtype
        nothing = (*first[:at], 0, *first[at + 1 :])
        xs = tuple([reshape(x, nothing) if s == (0,) else x for x, s in zip(xs, shapes)])
        shapes = [shape_of(each) for each in xs]
    for position, shape in enumerate(shapes):
        if len(shape) != len(first) or (
            shape != first and any(n != m for i, (n, m) in enumerate(zip(shape, first)) if i != at)
        ):
            raise RuntimeError(
                f"cat: sizes must match except in dimension {at}; got {shape} at position "
                f"{position} beside {first}"
            )
    return Cat.apply(*xs, dim=at)


@numpy_names
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, all of one shape, side by side along a new dimension `dim`.

    Raises RuntimeError where shapes differ. Example: ``airi.stack([a, b])`` has shape (2, ...).
    Source: ``torch.stack``.
    """
    xs = _sequence("stack", tensors)
    first = shape_of(xs[0])
    for position, each in enumerate(xs):
        if shape_of(each) != first:
            raise RuntimeError(
                f"stack: all tensors must have one shape; got {shape_of(each)} at position "
                f"{position} beside {first}"
            )
    return Stack.apply(*xs, dim=normal_dim("stack", dim, len(first) + 1))


concat = concatenate = cat


def _each_at_least(tensors: Any, ndim: int) -> Any:
    form = (atleast_1d, atleast_2d, atleast_3d)[ndim - 1]
    return tuple([form(each) for each in tensors])


def atleast_1d(*tensors: Any) -> Any:
    """Tensors of 0 dimensions with one; a tuple where several (or a sequence) are given.

    Source: ``torch.atleast_1d``.
    """
    if len(tensors) == 1 and hasattr(tensors[0], "shape"):
        return tensors[0] if tensors[0].ndim else reshape(tensors[0], 1)
    return _each_at_least(_one_sequence(tensors), 1)


def atleast_2d(*tensors: Any) -> Any:
    """Tensors as rows, (1, n), where they have fewer than two dimensions.

    Source: ``torch.atleast_2d``.
    """
    if len(tensors) == 1 and hasattr(tensors[0], "shape"):
        return tensors[0] if tensors[0].ndim > 1 else reshape(tensors[0], 1, -1)
    return _each_at_least(_one_sequence(tensors), 2)


def atleast_3d(*tensors: Any) -> Any:
    """Tensors as (1, n, 1) or (m, n, 1) where they have fewer than three dimensions.

    Source: ``torch.atleast_3d``.
    """
    if len(tensors) == 1 and hasattr(tensors[0], "shape"):
        x = tensors[0]
        if x.ndim > 2:
            return x
        return unsqueeze(x, 2) if x.ndim == 2 else reshape(x, 1, math.prod(x.shape), 1)
    return _each_at_least(_one_sequence(tensors), 3)


def _one_sequence(tensors: tuple[Any, ...]) -> tuple[Any, ...]:
    """The tensors of ``f(a, b)`` or ``f([a, b])``."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        return tuple(tensors[0])
    return tensors


@takes_out
def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Side by side: `cat` along dimension 1, of tensors of one dimension along dimension 0.

    Source: ``torch.hstack``.
    """
    xs = _each_at_least(_sequence("hstack", tensors), 1)
    return cat(xs, 0 if xs[0].ndim == 1 else 1)


@takes_out
def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """One below the other: `cat` of at least two-dimensional tensors along dimension 0.

    Source: ``torch.vstack``.
    """
    return cat(_each_at_least(_sequence("vstack", tensors), 2), 0)


row_stack = vstack


@takes_out
def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Behind each other: `cat` of at least three-dimensional tensors along dimension 2.

    Source: ``torch.dstack``.
    """
    return cat(_each_at_least(_sequence("dstack", tensors), 3), 2)


@takes_out
def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """`hstack` in which tensors of at most one dimension are columns.

    Source: ``torch.column_stack``.
    """
    xs = _sequence("column_stack", tensors)
    return hstack([reshape(each, -1, 1) if each.ndim < 2 else each for each in xs])


class BlockDiag(_Joining):
    """out = the matrices along the diagonal, 0 elsewhere;  each dx = its block of g"""

    @staticmethod
    def forward(*xs):
        height, width = (sum(x.shape[i] for x in xs) for i in (0, 1))
        out = np.zeros((height, width), xs[0].dtype)
        for block, x in zip(_blocks([x.shape for x in xs]), xs):
            out[block] = x
        return out

    @staticmethod
    def backward(g, xs_shape):
        return tuple([Slice.apply(g, index=block) for block in _blocks(xs_shape)])


def _blocks(shapes: Sequence[tuple[int, ...]]) -> list[tuple[slice, slice]]:
    """Where each matrix lies in a block-diagonal one."""
    blocks = []
    top = left = 0
    for height, width in shapes:
        blocks.append((slice(top, top + height), slice(left, left + width)))
        top, left = top + height, left + width
    return blocks


def block_diag(*tensors: Tensor) -> Tensor:
    """The matrix with the given ones along its diagonal; smaller tensors count as rows.

    Raises RuntimeError above two dimensions. Source: ``torch.block_diag``.
    """
    for position, each in enumerate(tensors):
        if each.ndim > 2:
            raise RuntimeError(
                f"block_diag: expected at most 2 dimensions, got shape {shape_of(each)} at "
                f"position {position}"
            )
    if not tensors:
        return wrap(np.empty((1, 0), dtypes.default_numpy()))
    return BlockDiag.apply(*[atleast_2d(each) for each in tensors])


# -- repeated -----------------------------------------------------------------------------------


class Repeat(Rule):
    """out = x as often as `repeats` says along each dimension;  dx = sum of g over the copies"""

    complex = True

    @staticmethod
    def forward(x, *, repeats):
        return np.tile(x, repeats)

    @staticmethod
    def backward(g, repeats, x_shape):
        full = (1,) * (len(repeats) - len(x_shape)) + x_shape
        apart = [n for pair in zip(repeats, full) for n in pair]
        summed = SumTo.apply(reshape(g, apart), shape=tuple([n for m in full for n in (1, m)]))
        return reshape(summed, x_shape)


def repeat(input: Tensor, *repeats_: Any, repeats: Any = None) -> Tensor:
    """Copies of the whole tensor along each dimension; further dimensions are put in front.

    Raises RuntimeError for fewer repeats than dimensions, or negative ones.
    Example: ``airi.ones(3).repeat(4, 2)`` has shape (4, 6). Source: ``torch.Tensor.repeat``.
    """
    times = sizes("repeat", repeats_, repeats)
    if len(times) < input.ndim or any(n < 0 for n in times):
        raise RuntimeError(
            f"repeat: needs a number >= 0 for each of the {input.ndim} dimensions of shape "
            f"{shape_of(input)}, got {times}"
        )
    return Repeat.apply(input, repeats=times)


def tile(input: Tensor, *dims_: Any, dims: Any = None) -> Tensor:
    """`repeat` in which missing numbers in front count as 1. Source: ``torch.tile``."""
    times = sizes("tile", dims_, dims)
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


@numpy_names
def repeat_interleave(
    input: Tensor,
    repeats: int | Tensor | None = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """Each element `repeats` times along `dim` (None: flattened); a Tensor says how often each.

    With the first argument alone, that is the repeats, and the positions 0, 1, ... are repeated.
    Raises RuntimeError for negative repeats or the wrong number of them.
    Example: ``airi.repeat_interleave(airi.tensor([1, 2]), 2)`` is ``[1, 1, 2, 2]``.
    Source: ``torch.repeat_interleave``.
    """
    if repeats is None:
        return wrap(_interleaved(input, input.numel(), output_size))
    if dim is None:
        input, dim = reshape(input, -1), 0
    at = normal_dim("repeat_interleave", dim, input.ndim)
    input = atleast_1d(input)
    index = _interleaved(repeats, input.shape[at], output_size)
    return Index.apply(input, index, dims=(at,))


def _interleaved(repeats: Any, size: int, output_size: int | None) -> np.ndarray:
    """The positions 0 to size, each repeated."""
    times = repeats._array if hasattr(repeats, "_array") else np.asarray(repeats)
    if times.dtype.kind not in "iu" or times.ndim > 1:
        raise RuntimeError(
            "repeat_interleave: repeats must be an int or an integer tensor of 0 or 1 dimensions, "
            f"got {repeats!r}"
        )
    if times.size not in (1, size):
        raise RuntimeError(
            f"repeat_interleave: repeats must be one number or {size}, the size of the dimension; "
            f"got {times.size}"
        )
    if times.size and times.min() < 0:
        raise RuntimeError("repeat_interleave: repeats must not be negative")
    index = np.repeat(np.arange(size), times)
    if output_size is not None and output_size != index.size:
        raise RuntimeError(
            f"repeat_interleave: repeats give {index.size} elements, not output_size={output_size}"
        )
    return index


# -- turned round -------------------------------------------------------------------------------


class Flip(Rule):
    """out = x with the order of its elements reversed along dims;  dx = g reversed"""

    complex = True

    @staticmethod
    def forward(x, *, dims):
        return np.flip(x, dims).copy()

    @staticmethod
    def backward(g, dims):
        return Flip.apply(g, dims=dims)


def flip(input: Tensor, *dims_: Any, dims: Any = None) -> Tensor:
    """The elements in reverse order along `dims`: a copy. Source: ``torch.flip``."""
    given = sizes("flip", dims_, dims)
    return Flip.apply(input, dims=normal_dims("flip", given, input.ndim) if given else ())


def fliplr(input: Tensor) -> Tensor:
    """The columns in reverse order. Source: ``torch.fliplr``."""
    if input.ndim < 2:
        raise RuntimeError(f"fliplr: needs at least 2 dimensions, got shape {shape_of(input)}")
    return Flip.apply(input, dims=(1,))


def flipud(input: Tensor) -> Tensor:
    """The rows in reverse order. Source: ``torch.flipud``."""
    if input.ndim < 1:
        raise RuntimeError("flipud: needs at least 1 dimension, got a 0-dimensional tensor")
    return Flip.apply(input, dims=(0,))


class Roll(Rule):
    """out = x shifted round along dims;  dx = g shifted back"""

    complex = True

    @staticmethod
    def forward(x, *, shifts, dims):
        return np.roll(x, shifts, dims)

    @staticmethod
    def backward(g, shifts, dims):
        return Roll.apply(g, shifts=tuple([-each for each in shifts]), dims=dims)


def roll(
    input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None
) -> Tensor:
    """The elements shifted along `dims`, those pushed out coming in again at the other end.

    Without `dims` the flattened tensor is shifted, and gets its shape back.
    Raises RuntimeError where shifts and dims differ in number. Source: ``torch.roll``.
    """
    given = sizes("roll", (shifts,))
    if dims is None or not sizes("roll", (dims,)):
        if len(given) != 1:
            raise RuntimeError(f"roll: {len(given)} shifts but no dims")
        flat = Roll.apply(reshape(input, -1), shifts=given, dims=(0,))
        return reshape(flat, shape_of(input))
    if input.ndim == 0:
        raise IndexError("roll: a 0-dimensional tensor has no dimension to roll along")
    along = tuple([normal_dim("roll", each, input.ndim) for each in sizes("roll", (dims,))])
    if len(given) != len(along):
        raise RuntimeError(f"roll: {len(given)} shifts but {len(along)} dims")
    return Roll.apply(input, shifts=given, dims=along)


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned `k` times by 90 degrees in the plane of `dims`, from the first to the second.

    Raises RuntimeError where dims are not two different ones. Source: ``torch.rot90``.
    """
    if len(dims) != 2 or input.ndim < 2:
        raise RuntimeError(
            f"rot90: needs two dims and a tensor of at least 2 dimensions, got dims={dims} and "
            f"shape {shape_of(input)}"
        )
    first, second = (normal_dim("rot90", each, input.ndim) for each in dims)
    if first == second:
        raise RuntimeError(f"rot90: the two dims must differ, got {dims}")
    turns = k % 4
    flipped = {0: (), 1: (second,), 2: (first, second), 3: (first,)}[turns]
    out = Flip.apply(input, dims=flipped)
    return transpose(out, first, second) if turns % 2 else out


# -- combined -----------------------------------------------------------------------------------


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """All tensors expanded to their common shape: views.

    Raises RuntimeError where they have none. Source: ``torch.broadcast_tensors``.
    """
    xs = _one_sequence(tensors)
    shapes = [shape_of(each) for each in xs]
    try:
        common = np.broadcast_shapes(*shapes)
    except ValueError:
        raise RuntimeError(
            f"broadcast_tensors: shapes {', '.join(map(str, shapes))} cannot be broadcast together"
        ) from None
    return tuple([expand(each, common) for each in xs])


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of all points of a grid, one tensor per given axis: views.

    With "ij" the first axis runs along dimension 0; with "xy" the first two are exchanged.
    Raises RuntimeError above one dimension or for another indexing.
    Example: ``airi.meshgrid(y, x, indexing="ij")``. Source: ``torch.meshgrid``.
    """
    axes = _sequence("meshgrid", list(_one_sequence(tensors)))
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}")
    for each in axes:
        if each.ndim > 1:
            raise RuntimeError(f"meshgrid: axes have at most 1 dimension, got {shape_of(each)}")
        if each.dtype != axes[0].dtype:
            raise RuntimeError("meshgrid: all axes must have one dtype")
    shape = [math.prod(each.shape) for each in axes]
    lying = [[1] * i + [n] + [1] * (len(shape) - 1 - i) for i, n in enumerate(shape)]
    grids = [expand(reshape(each, form), shape) for each, form in zip(axes, lying)]
    if indexing == "xy" and len(grids) > 1:
        grids = [transpose(each, 0, 1) for each in grids]
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All tuples of one element from each vector, (count, number of vectors).

    Of one vector: that vector. Source: ``torch.cartesian_prod``.
    """
    xs = _sequence("cartesian_prod", tensors)
    for each in xs:
        if each.ndim != 1:
            raise RuntimeError(f"cartesian_prod: expects vectors, got shape {shape_of(each)}")
    if len(xs) == 1:
        return xs[0]
    return stack([reshape(each, -1) for each in meshgrid(*xs)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of `r` elements of a vector, (count, r), in order.

    Source: ``torch.combinations``.
    """
    if input.ndim != 1:
        raise RuntimeError(f"combinations: expects a vector, got shape {shape_of(input)}")
    if r < 0:
        raise RuntimeError(f"combinations: r must not be negative, got {r}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = np.array(list(choose(range(input.shape[0]), r)), np.int64)
    if r == 0:
        chosen = chosen[0]
    return Index.apply(input, chosen.reshape(-1, r) if r else chosen, dims=(0,))
