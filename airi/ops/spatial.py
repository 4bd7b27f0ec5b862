"""What convolution and pooling share: sizes given as one int or several, and 1-D seen as 2-D.

The kernels know batches of images, (N, C, H, W). A signal is an image of height 1, and an input
without a batch dimension is a batch of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airi.ops.views import Reshape, reshape, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

Sizes = int | Sequence[int]


def numbers(function: str, argument: str, value: Any, count: int, least: int) -> tuple[int, ...]:
    """`value` as `count` ints, of which none is below `least`; one int stands for all."""
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    try:
        ints = tuple([each.__index__() for each in given])
    except AttributeError:
        raise TypeError(
            f"{function}: {argument} must be an int or {count} of them, got {value!r}"
        ) from None
    if len(ints) == 1:
        ints *= count
    if len(ints) != count:
        raise RuntimeError(
            f"{function}: {argument} must be an int or a list of {count} ints, got {value!r}"
        )
    if min(ints) < least:
        raise RuntimeError(f"{function}: {argument} must be at least {least}, got {value!r}")
    return ints


def plane(values: tuple[int, ...], height: int) -> tuple[int, ...]:
    """Values of a signal as those of an image, `height` first; others as they are."""
    return (height, *values) if len(values) == 1 else values


def check_dimensions(function: str, input: Tensor, dims: int) -> None:
    """Refuse what is neither a batch (dims + 2 dimensions) nor unbatched (dims + 1)."""
    if not hasattr(input, "shape"):
        raise TypeError(f"{function}: expected a Tensor, got {type(input).__name__}")
    if len(input.shape) not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{function}: expected an input of {dims + 1} (unbatched) or {dims + 2} (batched) "
            f"dimensions, got shape {shape_of(input)}"
        )


def as_images(input: Tensor, dims: int) -> Tensor:
    """(N, C, L), (C, L) or (C, H, W) as (N, C, H, W)."""
    shape = shape_of(input)
    if len(shape) == 4 and dims == 2:
        return input
    batch = shape[: len(shape) - dims - 1] or (1,)
    return Reshape.apply(input, shape=(*batch, shape[-dims - 1], *plane(shape[-dims:], 1)))


def from_images(result: Tensor, input: Tensor, dims: int) -> Tensor:
    """(N, C, H, W) with the dimensions that `input` had before `as_images`."""
    shape = shape_of(result)
    if len(input.shape) == 4 and dims == 2:
        return result
    batch = shape[:1] if len(input.shape) == dims + 2 else ()
    return Reshape.apply(result, shape=(*batch, shape[1], *shape[-dims:]))


def with_batch(input: Tensor, dims: int) -> Tensor:
    """(C, D, H, W) as (1, C, D, H, W), and the like for other numbers of dimensions."""
    return input if len(input.shape) == dims + 2 else reshape(input, (1, *shape_of(input)))


def like_input(result: Tensor, input: Tensor, dims: int) -> Tensor:
    """The result without the batch dimension that `with_batch` added."""
    if len(input.shape) == dims + 2:
        return result
    return reshape(result, shape_of(result)[1:])
