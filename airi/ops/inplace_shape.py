"""The shape of a tensor changed in place: squeeze_, unsqueeze_, transpose_, resize_.

No element moves: the tensor becomes a view of what it was. Views of it that exist already know the
shape it had, so a base remembers the way back to that shape (``Tensor._back``).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule, move_retained
from airi.autograd.mode import current
from airi.ops.inplace import refuse_in_graph
from airi.ops.views import Permute, Reshape, shape_of, sizes, squeeze, t, transpose, unsqueeze

if TYPE_CHECKING:
    from airi.tensor import Tensor


def _become(target: Tensor, name: str, shown: Tensor, step: tuple[type[Rule], Any]) -> Tensor:
    """Let `target` take the place of `shown`, a view of it; `step` leads back."""
    if current().grad and target.requires_grad:
        refuse_in_graph(target, name)
    target._steps = shown._steps
    if target._base is None:
        target._back = (step, *target._back)
    else:
        target._base_edge = shown._base_edge
    before = target._edge
    target._edge = shown._edge
    target._array = shown._array
    move_retained(target, before)
    if target._counter is not None:
        target._counter.value += 1
    return target


def squeeze_(input: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """`squeeze` in place. Source: ``torch.Tensor.squeeze_``."""
    step = (Reshape, {"shape": shape_of(input)})
    return _become(input, "squeeze_", squeeze(input, dim), step)


def unsqueeze_(input: Tensor, dim: int) -> Tensor:
    """`unsqueeze` in place. Source: ``torch.Tensor.unsqueeze_``."""
    step = (Reshape, {"shape": shape_of(input)})
    return _become(input, "unsqueeze_", unsqueeze(input, dim), step)


def transpose_(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` in place. Source: ``torch.Tensor.transpose_``."""
    shown = transpose(input, dim0, dim1)
    dims = list(range(input.ndim))
    if dims:
        dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
    return _become(input, "transpose_", shown, (Permute, {"dims": tuple(dims)}))


swapaxes_ = swapdims_ = transpose_


def t_(input: Tensor) -> Tensor:
    """`t` in place. Source: ``torch.Tensor.t_``."""
    dims = tuple(reversed(range(input.ndim)))
    return _become(input, "t_", t(input), (Permute, {"dims": dims}))


def resize_(input: Tensor, *size: Any) -> Tensor:
    """Another shape in place; elements are taken in memory order, further ones are uninitialised.

    A smaller tensor keeps its memory, a larger one gets memory of its own, so that views do not
    follow it. Raises RuntimeError for a tensor that requires grad.
    Source: ``torch.Tensor.resize_``.
    """
    shape = sizes("resize_", size)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"resize_: sizes must not be negative, got {shape}")
    if input.requires_grad:
        raise RuntimeError("resize_: not for a tensor that requires grad; use a new tensor")
    count = math.prod(shape)
    flat = input._array.ravel(order="K")
    if count > flat.size:
        flat = np.empty(count, flat.dtype)
        flat[: input._array.size] = input._array.ravel(order="K")
    input._array = flat[:count].reshape(shape)
    input._base, input._steps, input._back = None, (), ()
    if input._counter is not None:
        input._counter.value += 1
    return input


def resize_as_(input: Tensor, the_template: Tensor) -> Tensor:
    """`resize_` to another tensor's shape. Source: ``torch.Tensor.resize_as_``."""
    return resize_(input, shape_of(the_template))
