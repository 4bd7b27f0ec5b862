"""Positions in tensors: of flat indices, of what is not zero, of what is among others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from airi.autograd.graph import wrap
from airi.ops.names import takes_out
from airi.ops.views import array_of

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = ["isin", "nonzero_static", "unravel_index"]


@takes_out
def isin(
    elements: Tensor | Number,
    test_elements: Tensor | Number,
    *,
    assume_unique: bool = False,
    invert: bool = False,
) -> Tensor:
    """Whether each element is one of `test_elements` (not, with `invert`), bool.

    ``assume_unique=True`` promises that neither holds an element twice.
    Example: ``airi.isin(labels, airi.tensor([3, 5]))``. Source: ``torch.isin``.
    """
    if not any(hasattr(each, "_array") for each in (elements, test_elements)):
        raise TypeError("isin: elements or test_elements must be a Tensor")
    found = np.isin(
        array_of(elements), array_of(test_elements), assume_unique=assume_unique, invert=invert
    )
    return wrap(np.asarray(found))


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The first `size` rows of `nonzero`, (size, ndim), filled up with `fill_value`.

    Source: ``torch.nonzero_static``.
    """
    if size < 0:
        raise RuntimeError(f"nonzero_static: size must not be negative, got {size}")
    found = np.argwhere(array_of(input))[:size]
    out = np.full((size, input.ndim), fill_value, np.int64)
    out[: len(found)] = found
    return wrap(out)


def unravel_index(indices: Tensor, shape: int | Sequence[int]) -> tuple[Tensor, ...]:
    """The coordinates, a tensor for each dimension, of flat positions in a tensor of that shape.

    Raises TypeError for indices that are no integers, ValueError for those out of range.
    Source: ``torch.unravel_index``.
    """
    array = array_of(indices)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu":
        raise TypeError("unravel_index: expected indices of integers")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(not isinstance(n, int) for n in sizes):
        raise TypeError(f"unravel_index: shape must hold ints, got {shape!r}")
    if any(n < 0 for n in sizes):
        raise ValueError(f"unravel_index: shape must not be negative, got {shape!r}")
    if array.size and not -1 < array.min() <= array.max() < math.prod(sizes):
        raise ValueError(f"unravel_index: an index is out of range for shape {sizes}")
    rest = array.astype(np.int64)
    found = []
    for n in reversed(sizes):
        found.append(wrap(rest % max(n, 1)))
        rest = rest // max(n, 1)
    return tuple(reversed(found))
