"""Views: the same memory in another shape, order or part. Results share memory with the input.

A view's rule is used again when its base is written in place (see `inplace.py`), so the attributes
say all there is to know: no shape of the input is left to be guessed twice.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.engine import sum_to
from airi.autograd.graph import Rule
from airi.ops import fused
from airi.ops.names import normal_dim, normal_dims, require_tensor

if TYPE_CHECKING:
    from airi.tensor import Tensor

    Shape = int | Sequence[int]

__all__ = [
    "adjoint",
    "as_strided",
    "broadcast_to",
    "flatten",
    "moveaxis",
    "movedim",
    "narrow",
    "permute",
    "ravel",
    "reshape",
    "select",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "transpose",
    "unflatten",
    "unsqueeze",
]


def sizes(function: str, given: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """The ints of ``f(2, 3)`` or ``f((2, 3))``, or of PyTorch's keyword, ``f(shape=(2, 3))``."""
    if named is not None:
        if given:
            raise TypeError(f"{function}: given twice, as {given!r} and by keyword as {named!r}")
        given = (named,)
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = tuple(given[0])
    try:
        return tuple([each.__index__() for each in given])
    except (AttributeError, TypeError):
        raise TypeError(f"{function}: expected ints, got {given!r}") from None


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of an array or a Tensor as a plain tuple."""
    return tuple(value.shape)


def array_of(value: Any) -> Any:
    """The array under a Tensor, or the array itself."""
    return getattr(value, "_array", value)


class View(Rule):
    """A rule whose result shares the memory of its input."""

    complex = True
    is_view = True


class Reshape(View):
    """out = x in another shape;  dx = g in x's shape. Copies where strides do not allow a view."""

    @staticmethod
    def forward(x, *, shape):
        return x.reshape(shape)

    @staticmethod
    def backward(g, x_shape):
        return reshape(g, x_shape)


def _full_shape(function: str, input: Any, given: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with a -1 worked out; RuntimeError where the number of elements differs."""
    size = math.prod(input.shape)
    if given.count(-1) > 1 or any(n < -1 for n in given):
        raise RuntimeError(f"{function}: invalid shape {given}: at most one -1, no other negative")
    known = math.prod([n for n in given if n != -1])
    if -1 in given:
        if known == 0:
            raise RuntimeError(
                f"{function}: cannot work out -1 in {given}: the other sizes multiply to 0"
            )
        if size % known == 0:
            return tuple([size // known if n == -1 else n for n in given])
    elif known == size:
        return given
    raise RuntimeError(
        f"{function}: shape {given} is invalid for input of shape {tuple(input.shape)} "
        f"with {size} elements"
    )


def reshape(input: Tensor, *sizes_: Any, shape: Any = None) -> Tensor:
    """The same elements in another shape; -1 stands for what is left. A view where possible.

    Raises RuntimeError where the number of elements differs.
    Example: ``airi.arange(6).reshape(2, -1)``. Source: ``torch.reshape``.
    """
    require_tensor("reshape", "input", input)
    given = sizes("reshape", sizes_, shape)
    return Reshape.apply(input, shape=_full_shape("reshape", input, given))


class ViewAs(View):
    """out = the bytes of x read as another dtype: no gradient"""

    @staticmethod
    def forward(x, *, dtype):
        return x.view(dtype)


def _view_as_dtype(input: Tensor, dtype: Any) -> Tensor:
    wanted, array = dtypes.to_numpy(dtype), input._array
    if wanted == array.dtype:
        return Reshape.apply(input, shape=array.shape)
    if wanted.itemsize != array.dtype.itemsize:
        if not array.ndim or array.strides[-1] != array.itemsize:
            raise RuntimeError(
                f"view: to read {input.dtype} as {dtype}, of another size, the elements of the "
                f"last dimension must be neighbours; shape {array.shape}, strides {input.stride()}"
            )
        if array.shape[-1] * array.itemsize % wanted.itemsize:
            raise RuntimeError(
                f"view: the last dimension of shape {array.shape} of {input.dtype} has no whole "
                f"number of elements of {dtype}"
            )
    return ViewAs.apply(input, dtype=wanted)


def view(input: Tensor, *shape: Any, dtype: Any = None) -> Tensor:
    """`reshape` that never copies; with a dtype, the memory read as that dtype (no gradient).

    Raises RuntimeError where the strides do not allow a view: use reshape().
    Example: ``x.view(-1, 784)``. Source: ``torch.Tensor.view``.
    """
    if dtype is None and len(shape) == 1 and isinstance(shape[0], (dtypes.dtype, type)):
        dtype = shape[0]
    if dtype is not None:
        return _view_as_dtype(input, dtype)
    full = _full_shape("view", input, sizes("view", shape))
    result = Reshape.apply(input, shape=full)
    if math.prod(full) and not np.may_share_memory(array_of(result), array_of(input)):
        raise RuntimeError(
            f"view: shape {full} is not compatible with the strides of this tensor of shape "
            f"{shape_of(input)}; use reshape(), or contiguous() first"
        )
    return result


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.view(other.shape)``. Source: ``torch.Tensor.view_as``."""
    return view(input, shape_of(other))


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.reshape(other.shape)``. Source: ``torch.Tensor.reshape_as``."""
    return reshape(input, shape_of(other))


class Permute(View):
    """out = x with its dimensions in the order dims;  dx = g with them back in place"""

    @staticmethod
    def forward(x, *, dims):
        return x.transpose(dims)

    @staticmethod
    def backward(g, dims):
        return permute(g, tuple(sorted(range(len(dims)), key=dims.__getitem__)))


def permute(input: Tensor, *order_: Any, dims: Any = None) -> Tensor:
    """The dimensions in the order `dims`. A view.

    Raises RuntimeError where `dims` is no permutation of all dimensions.
    Example: ``images.permute(0, 2, 3, 1)``. Source: ``torch.permute``.
    """
    require_tensor("permute", "input", input)
    given = sizes("permute", order_, dims)
    order = tuple([normal_dim("permute", each, input.ndim) for each in given])
    if sorted(order) != list(range(input.ndim)):
        raise RuntimeError(
            f"permute: dims {given} must name each of the {input.ndim} dimensions of a tensor of "
            f"shape {shape_of(input)} once"
        )
    return Permute.apply(input, dims=order)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Dimensions `dim0` and `dim1` swapped. A view. Source: ``torch.transpose``."""
    require_tensor("transpose", "input", input)
    if input.ndim == 0:
        return Permute.apply(input, dims=())
    first, second = (normal_dim("transpose", each, input.ndim) for each in (dim0, dim1))
    order = list(range(input.ndim))
    order[first], order[second] = second, first
    return Permute.apply(input, dims=tuple(order))


swapaxes = swapdims = transpose


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; tensors of 0 and 1 dimensions as they are.

    Raises RuntimeError above 2 dimensions. Source: ``torch.t``.
    """
    require_tensor("t", "input", input)
    if input.ndim > 2:
        raise RuntimeError(f"t: expects at most 2 dimensions, got shape {shape_of(input)}")
    return Permute.apply(input, dims=tuple(reversed(range(input.ndim))))


def adjoint(input: Tensor) -> Tensor:
    """Matrices transposed and conjugated. Of real ones a view.

    Raises RuntimeError below 2 dimensions. Source: ``torch.adjoint``.
    """
    require_tensor("adjoint", "input", input)
    if input.ndim < 2:
        raise RuntimeError(f"adjoint: needs at least 2 dimensions, got shape {shape_of(input)}")
    return transpose(input, -2, -1).conj()


def movedim(input: Tensor, source: Shape, destination: Shape) -> Tensor:
    """Dimensions `source` moved to the places `destination`, the others in their order.

    Example: ``airi.movedim(x, 1, -1)``. Source: ``torch.movedim``.
    """
    require_tensor("movedim", "input", input)
    as_tuples = [
        each if isinstance(each, (tuple, list)) else (each,) for each in (source, destination)
    ]
    sources, places = (normal_dims("movedim", tuple(each), input.ndim) for each in as_tuples)
    if len(sources) != len(places):
        raise RuntimeError(
            f"movedim: source {source} and destination {destination} differ in length"
        )
    order = [dim for dim in range(input.ndim) if dim not in sources]
    for place, dim in sorted(zip(places, sources, strict=True)):
        order.insert(place, dim)
    return Permute.apply(input, dims=tuple(order))


moveaxis = movedim


class Expand(View):
    """out = x repeated along dimensions of size 1, without a copy;  dx = sum of g over them"""

    broadcasts = True  # the engine sums the gradient back to x's shape

    @staticmethod
    def forward(x, *, shape):
        return np.broadcast_to(x, shape)

    @staticmethod
    def backward(g):
        return g


def expand(input: Tensor, *sizes_: Any, size: Any = None) -> Tensor:
    """Dimensions of size 1 seen as larger, without a copy; -1 keeps a size. A view.

    New dimensions are put in front. Raises RuntimeError where a dimension is neither 1 nor the
    wanted size. Example: ``airi.ones(3, 1).expand(-1, 4)``. Source: ``torch.Tensor.expand``.
    """
    given = sizes("expand", sizes_, size)
    have = shape_of(input)
    added = len(given) - len(have)
    if (
        added < 0
        or any(
            n != -1 and (n < 0 or (i >= added and have[i - added] not in (1, n)))
            for i, n in enumerate(given)
        )
        or -1 in given[: max(added, 0)]
    ):
        raise RuntimeError(f"expand: a tensor of shape {have} cannot be expanded to {given}")
    full = tuple([have[i - added] if n == -1 else n for i, n in enumerate(given)])
    return Expand.apply(input, shape=full)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.expand(other.shape)``. Source: ``torch.Tensor.expand_as``."""
    return expand(input, shape_of(other))


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """``input.expand(size)``. Source: ``torch.broadcast_to``."""
    return expand(input, tuple(size))


class SumTo(Rule):
    """out = x summed back to the shape it was broadcast from;  dx = g expanded"""

    complex = True

    @staticmethod
    def forward(x, *, shape):
        fast = fused.sum_to_channels(x, shape)
        if fast is not None:
            return fast
        # Unlike in gradients, the sum of integers has the dtype that sum() gives it.
        return sum_to(x if x.dtype.kind in "fc" else x.astype(np.int64), shape)

    @staticmethod
    def backward(g, x_shape):
        return Expand.apply(g, shape=x_shape)


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Sum over the dimensions that broadcasting `size` would stretch: the opposite of expand.

    Source: ``torch.Tensor.sum_to_size``.
    """
    shape = sizes("sum_to_size", size)
    have = shape_of(input)
    tail = have[len(have) - len(shape) :]
    if len(shape) > len(have) or any(n not in (1, m) for n, m in zip(shape, tail, strict=True)):
        raise RuntimeError(f"sum_to_size: size {shape} cannot be expanded to {have}")
    return input if shape == have else SumTo.apply(input, shape=shape)


def squeeze(input: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """Without the dimensions of size 1, or without those of `dim` that have size 1. A view.

    Example: ``airi.ones(1, 3, 1).squeeze(0)`` has shape (3, 1). Source: ``torch.squeeze``.
    """
    require_tensor("squeeze", "input", input)
    if dim is None:
        dims: Sequence[int] = range(input.ndim)
    else:  # of no dimension at all: nothing to do
        dims = () if dim == () else normal_dims("squeeze", dim, input.ndim)
    have = shape_of(input)
    gone = {each for each in dims if have[each] == 1}
    return Reshape.apply(input, shape=tuple([n for i, n in enumerate(have) if i not in gone]))


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 at `dim`. A view. Source: ``torch.unsqueeze``."""
    require_tensor("unsqueeze", "input", input)
    at = normal_dim("unsqueeze", dim, input.ndim + 1)
    have = shape_of(input)
    return Reshape.apply(input, shape=(*have[:at], 1, *have[at:]))


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions `start_dim` to `end_dim` made one. A view where possible.

    Example: ``images.flatten(1)``. Source: ``torch.flatten``.
    """
    require_tensor("flatten", "input", input)
    start = normal_dim("flatten", start_dim, input.ndim)
    end = normal_dim("flatten", end_dim, input.ndim)
    if start > end:
        raise RuntimeError(f"flatten: start_dim {start_dim} is behind end_dim {end_dim}")
    have = shape_of(input) or (1,)
    merged = math.prod(have[start : end + 1])
    return Reshape.apply(input, shape=(*have[:start], merged, *have[end + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """All dimensions made one. Source: ``torch.ravel``."""
    return flatten(input)


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Dimension `dim` split into `sizes`, of which one may be -1. A view.

    Raises RuntimeError where they do not multiply to its size. Source: ``torch.unflatten``.
    """
    require_tensor("unflatten", "input", input)
    at = normal_dim("unflatten", dim, input.ndim)
    have = shape_of(input)
    part = np.empty((have[at], 0)).shape[:1]
    split = _full_shape("unflatten", np.broadcast_to(0, part), tuple(sizes))
    return Reshape.apply(input, shape=(*have[:at], *split, *have[at + 1 :]))


class Slice(View):
    """out = x[index] for an index of ints, slices, None and Ellipsis;  dx = g there, 0 elsewhere"""

    @staticmethod
    def forward(x, *, index):
        return x[index]

    @staticmethod
    def backward(g, index, x_shape):
        return Unslice.apply(g, index=index, shape=x_shape)


class Unslice(Rule):
    """out = 0 with x at the places of index;  dx = g[index]"""

    complex = True

    @staticmethod
    def forward(x, *, index, shape):
        out = np.zeros(shape, x.dtype)
        out[index] = x
        return out

    @staticmethod
    def backward(g, index):
        return Slice.apply(g, index=index)


def along(dim: int, part: Any) -> tuple[Any, ...]:
    """The index that takes `part` of dimension `dim`."""
    return (*[slice(None)] * dim, part, ...)


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """Elements `start` to `start + length` of dimension `dim`. A view.

    Raises RuntimeError where they are not all there. Source: ``torch.narrow``.
    """
    require_tensor("narrow", "input", input)
    if input.ndim == 0:
        raise RuntimeError("narrow: cannot be applied to a 0-dimensional tensor")
    at = normal_dim("narrow", dim, input.ndim)
    size = input.shape[at]
    if hasattr(start, "_array") and (start._array.ndim or start._array.dtype.kind not in "iu"):
        raise RuntimeError(
            "narrow: start must be an int or a 0-dimensional tensor of integers, got "
            f"{start.dtype} of shape {tuple(start.shape)}"
        )
    try:
        start = operator.index(start)
    except TypeError:
        raise TypeError(f"narrow: start must be an int, got {start!r}") from None
    if not -size <= start <= size:
        raise IndexError(f"narrow: start {start} is out of range for a dimension of size {size}")
    first = start + size if start < 0 else start
    if length < 0 or first + length > size:
        raise RuntimeError(
            f"narrow: start ({start}) + length ({length}) exceeds the size {size} of dim {dim}"
        )
    return Slice.apply(input, index=along(at, slice(first, first + length)))


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Element `index` of dimension `dim`, which is dropped. A view.

    Raises IndexError where it is not there. Source: ``torch.select``.
    """
    require_tensor("select", "input", input)
    if input.ndim == 0:
        raise IndexError("select: cannot be applied to a 0-dimensional tensor")
    at = normal_dim("select", dim, input.ndim)
    size = input.shape[at]
    if not -size <= index < size:
        raise IndexError(f"select: index {index} is out of range for a dimension of size {size}")
    return Slice.apply(input, index=along(at, int(index)))


class Unfold(View):
    """out = windows of `size` every `step` along dim, as a last dimension;  dx = them added up"""

    @staticmethod
    def forward(x, *, dim, size, step):
        if x.ndim == 0:
            return x.reshape(1)[:size]
        windows = np.lib.stride_tricks.sliding_window_view(
            x, size, dim, writeable=x.flags.writeable
        )
        return windows[along(dim, slice(None, None, step))]

    @staticmethod
    def backward(g, dim, size, step, x_shape):
        return FoldWindows.apply(g, dim=dim, size=size, step=step, shape=x_shape)


class FoldWindows(Rule):
    """out = windows added into their places;  dx = the windows of g"""

    complex = True

    @staticmethod
    def forward(x, *, dim, size, step, shape):
        if not shape:
            return x.reshape(-1)[:1].sum()
        out = np.zeros(shape, x.dtype)
        count = x.shape[dim]
        for offset in range(size):
            places = slice(offset, offset + (count - 1) * step + 1, step)
            out[along(dim, places)] += x[..., offset]
        return out

    @staticmethod
    def backward(g, dim, size, step):
        return Unfold.apply(g, dim=dim, size=size, step=step)


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of `size` elements every `step` along `dimension`, as a last dimension. A view.

    Raises RuntimeError where the window is larger than the dimension or step is not positive.
    Example: ``airi.arange(5.0).unfold(0, 3, 1)`` has shape (3, 3). Source: ``torch.Tensor.unfold``.
    """
    require_tensor("unfold", "input", input)
    at = normal_dim("unfold", dimension, input.ndim)
    have = input.shape[at] if input.ndim else 1
    if step <= 0 or not 0 <= size <= have:
        raise RuntimeError(
            f"unfold: needs step > 0 and 0 <= size <= {have}, the size of dimension {dimension}; "
            f"got size={size}, step={step}"
        )
    return Unfold.apply(input, dim=at, size=size, step=step)


class AsStrided(View):
    """out = elements of x, laid out in order, by strides;  dx = g added up where each was taken"""

    @staticmethod
    def forward(x, *, size, stride, offset):
        x = np.ascontiguousarray(x)
        steps = [each * x.itemsize for each in stride]
        repeats = any(n > 1 and step == 0 for n, step in zip(size, steps, strict=True))
        return np.lib.stride_tricks.as_strided(
            x.reshape(-1)[offset:], size, steps, writeable=x.flags.writeable and not repeats
        )

    @staticmethod
    def backward(g, size, stride, offset, x_shape):
        return FromStrided.apply(g, size=size, stride=stride, offset=offset, shape=x_shape)


class FromStrided(Rule):
    """out = 0 with x added up at the places of the strides;  dx = g at these places"""

    complex = True

    @staticmethod
    def forward(x, *, size, stride, offset, shape):
        places = np.asarray(offset)
        for i, (n, step) in enumerate(zip(size, stride, strict=True)):
            places = places + (np.arange(n) * step).reshape(-1, *[1] * (len(size) - 1 - i))
        out = np.zeros(math.prod(shape), x.dtype)
        np.add.at(out, places.reshape(-1), x.reshape(-1))
        return out.reshape(shape)

    @staticmethod
    def backward(g, size, stride, offset):
        return AsStrided.apply(g, size=size, stride=stride, offset=offset)


def as_strided(
    input: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """The memory of input seen with other sizes and strides, counted in elements. A view.

    `storage_offset` counts from the start of the memory; None begins where input does. Raises
    RuntimeError for negative strides, outside the memory, and for a tensor that is no contiguous
    part of contiguous memory. Example: ``airi.as_strided(x, (3, 2), (1, 1))`` has windows of two.
    Source: ``torch.as_strided``.
    """
    size, stride = sizes("as_strided", (size,)), sizes("as_strided", (stride,))
    if len(size) != len(stride):
        raise RuntimeError(f"as_strided: size {size} and stride {stride} differ in length")
    if any(n < 0 for n in (*size, *stride, storage_offset or 0)):
        raise RuntimeError(
            f"as_strided: negative numbers in size {size}, stride {stride} or offset "
            f"{storage_offset}"
        )
    root = input if input._base is None else input._base
    start = (input.data_ptr() - root.data_ptr()) // input.itemsize
    offset = start if storage_offset is None else storage_offset
    reach = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) + 1
    if math.prod(size) == 0:
        reach = offset
    if not root.is_contiguous():
        raise RuntimeError(
            f"as_strided: the memory behind this tensor of shape {shape_of(input)} is not "
            "contiguous; call contiguous() first"
        )
    if reach > root.numel():
        raise RuntimeError(
            f"as_strided: size {size}, stride {stride} and offset {offset} reach element "
            f"{reach - 1} of a memory of {root.numel()} elements"
        )
    if input.is_contiguous() and start <= offset and reach <= start + input.numel():
        root, offset = input, offset - start
    return AsStrided.apply(root, size=size, stride=stride, offset=offset)
