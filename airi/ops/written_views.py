"""Copies of a tensor of which a part is replaced, and copies of views.

What `x[0] = y` does in place, `select_scatter(x, y, 0, 0)` does without changing x. The functions
``NAME_copy`` give what the view NAME does, in memory of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airi.ops import diagonals, splitting, views
from airi.ops.conversion import clone
from airi.ops.inplace import copy_, fill_
from airi.ops.names import normal_dim, takes_out
from airi.ops.views import along, shape_of

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = [
    "alias_copy",
    "as_strided_copy",
    "as_strided_scatter",
    "diagonal_copy",
    "diagonal_scatter",
    "expand_copy",
    "fill",
    "narrow_copy",
    "permute_copy",
    "select_copy",
    "select_scatter",
    "slice_copy",
    "slice_scatter",
    "split_copy",
    "split_with_sizes_copy",
    "squeeze_copy",
    "t_copy",
    "transpose_copy",
    "unbind_copy",
    "unfold_copy",
    "unsqueeze_copy",
    "view_copy",
]


def _replaced(function: str, input: Tensor, src: Tensor, view: Callable[[Tensor], Any]) -> Tensor:
    """A copy of input whose part that `view` shows is src."""
    if not hasattr(src, "_array"):
        raise TypeError(f"{function}: src must be a Tensor, got {type(src).__name__}")
    out = clone(input)
    part = view(out)
    if shape_of(part) != shape_of(src):
        raise RuntimeError(
            f"{function}: expected src to have the shape of the part, {shape_of(part)}, got "
            f"{shape_of(src)}"
        )
    if src.dtype != input.dtype:
        raise RuntimeError(
            f"{function}: src must have input's dtype {input.dtype}, got {src.dtype}"
        )
    copy_(part, src)
    return out


def fill(input: Tensor, value: Tensor | Number) -> Tensor:
    """A copy of input with every element = value, a number or a 0-dimensional tensor.

    Source: ``torch.fill``.
    """
    return fill_(clone(input), value)


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of input with `src` for element `index` of dimension `dim`.

    Source: ``torch.select_scatter``.
    """
    return _replaced("select_scatter", input, src, lambda out: views.select(out, dim, index))


def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """A copy of input with `src` on a diagonal, see `diagonal`.

    Source: ``torch.diagonal_scatter``.
    """
    return _replaced(
        "diagonal_scatter", input, src, lambda out: diagonals.diagonal(out, offset, dim1, dim2)
    )


def _part(
    function: str, input: Any, dim: int, start: int | None, end: int | None, step: int
) -> Any:
    if step <= 0:
        raise RuntimeError(f"{function}: step must be positive, got {step}")
    at = normal_dim(function, dim, input.ndim)
    if not input.ndim:
        raise RuntimeError(f"{function}: cannot be applied to a 0-dimensional tensor")
    return views.Slice.apply(input, index=along(at, slice(start, end, step)))


@takes_out
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """A copy of input with `src` for elements ``start:end:step`` of dimension `dim`.

    Source: ``torch.slice_scatter``.
    """
    name = "slice_scatter"
    return _replaced(name, input, src, lambda out: _part(name, out, dim, start, end, step))


def as_strided_scatter(
    input: Tensor,
    src: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """A copy of input with `src` at the places that `as_strided` shows.

    Raises RuntimeError where several of them are one place. Source: ``torch.as_strided_scatter``.
    """
    return _replaced(
        "as_strided_scatter",
        input,
        src,
        lambda out: views.as_strided(out, size, stride, storage_offset),
    )


@takes_out
def alias_copy(input: Tensor) -> Tensor:
    """A copy. Source: ``torch.alias_copy``."""
    return clone(input)


@takes_out
def as_strided_copy(
    input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """`as_strided`, copied. Source: ``torch.as_strided_copy``."""
    return clone(views.as_strided(input, size, stride, storage_offset))


@takes_out
def diagonal_copy(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """`diagonal`, copied. Source: ``torch.diagonal_copy``."""
    return clone(diagonals.diagonal(input, offset, dim1, dim2))


@takes_out
def expand_copy(input: Tensor, size: Sequence[int]) -> Tensor:
    """`expand`, copied. Source: ``torch.expand_copy``."""
    return clone(views.expand(input, size))


@takes_out
def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`narrow`, copied. Source: ``torch.narrow_copy``."""
    return clone(views.narrow(input, dim, start, length))


@takes_out
def permute_copy(input: Tensor, dims: Sequence[int]) -> Tensor:
    """`permute`, copied. Source: ``torch.permute_copy``."""
    return clone(views.permute(input, dims))


def select_copy(input: Tensor, dim: int, index: int) -> Tensor:
    """`select`, copied. Source: ``torch.select_copy``."""
    return clone(views.select(input, dim, index))


def slice_copy(
    input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """Elements ``start:end:step`` of dimension `dim`, copied. Source: ``torch.slice_copy``."""
    return clone(_part("slice_copy", input, dim, start, end, step))


def split_copy(input: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`split`, copied. Source: ``torch.split_copy``."""
    return tuple(clone(each) for each in splitting.split(input, split_size, dim))


@takes_out
def split_with_sizes_copy(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """`split_with_sizes`, copied. Source: ``torch.split_with_sizes_copy``."""
    return tuple(clone(each) for each in splitting.split_with_sizes(input, split_sizes, dim))


@takes_out
def squeeze_copy(input: Tensor, dim: Any = None) -> Tensor:
    """`squeeze`, copied. Source: ``torch.squeeze_copy``."""
    return clone(views.squeeze(input, dim))


@takes_out
def t_copy(input: Tensor) -> Tensor:
    """`t`, copied. Source: ``torch.t_copy``."""
    return clone(views.t(input))


@takes_out
def transpose_copy(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose`, copied. Source: ``torch.transpose_copy``."""
    return clone(views.transpose(input, dim0, dim1))


@takes_out
def unbind_copy(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """`unbind`, copied. Source: ``torch.unbind_copy``."""
    return tuple(clone(each) for each in splitting.unbind(input, dim))


@takes_out
def unfold_copy(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """The method `unfold`, copied. Source: ``torch.unfold_copy``."""
    return clone(views.unfold(input, dimension, size, step))


@takes_out
def unsqueeze_copy(input: Tensor, dim: int) -> Tensor:
    """`unsqueeze`, copied. Source: ``torch.unsqueeze_copy``."""
    return clone(views.unsqueeze(input, dim))


@takes_out
def view_copy(input: Tensor, size: Any) -> Tensor:
    """The method `view`, copied. Source: ``torch.view_copy``."""
    return clone(views.view(input, size))
