"""A tensor taken apart: unbind, split, chunk, tensor_split. Results share memory with the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.ops.names import normal_dim, numpy_names, require_tensor
from airi.ops.views import Slice, View, along, sizes

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "chunk",
    "dsplit",
    "hsplit",
    "split",
    "split_with_sizes",
    "tensor_split",
    "unbind",
    "unsafe_chunk",
    "unsafe_split",
    "unsafe_split_with_sizes",
    "vsplit",
]


class Unbind(View):
    """outs = the slices of x along dim;  dx = the gradients stacked again"""

    outputs = ("slices",)

    @staticmethod
    def forward(x, *, dim):
        return tuple(x[along(dim, i)] for i in range(x.shape[dim]))

    @staticmethod
    def backward(g, dim):
        from airi.ops.joining import Stack

        return Stack.apply(*g, dim=dim)


@numpy_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All slices along `dim`, which is dropped. Views, which may not be written in place.

    Example: ``q, k, v = qkv.unbind(2)``. Source: ``torch.unbind``.
    """
    require_tensor("unbind", "input", input)
    if input.ndim == 0:
        raise RuntimeError("unbind: cannot be applied to a 0-dimensional tensor")
    return Unbind.apply(input, dim=normal_dim("unbind", dim, input.ndim))


class Split(View):
    """outs = consecutive parts of x along dim, of the given sizes;  dx = the gradients joined"""

    outputs = ("parts",)

    @staticmethod
    def forward(x, *, sizes, dim):
        ends = np.cumsum(sizes).tolist()
        return tuple(
            x[along(dim, slice(end - size, end))] for size, end in zip(sizes, ends, strict=True)
        )

    @staticmethod
    def backward(g, dim):
        from airi.ops.joining import Cat

        return Cat.apply(*g, dim=dim)


def split(
    tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Parts along `dim`: of one size (the last may be smaller), or of the listed sizes. Views.

    Raises RuntimeError where listed sizes do not add up. Example: ``airi.split(x, [2, 3])``.
    Source: ``torch.split``.
    """
    require_tensor("split", "tensor", tensor)
    if tensor.ndim == 0:
        raise RuntimeError("split: cannot be applied to a 0-dimensional tensor")
    at = normal_dim("split", dim, tensor.ndim)
    size = tensor.shape[at]
    if isinstance(split_size_or_sections, int):
        each = split_size_or_sections
        if each < 0 or (each == 0 and size):
            raise RuntimeError(f"split: split_size must be positive, got {each}")
        full, rest = divmod(size, each) if each else (1, 0)
        parts = (each,) * full + ((rest,) if rest else ()) or (0,)
    else:
        parts = tuple(split_size_or_sections)
        if sum(parts) != size or any(n < 0 for n in parts):
            raise RuntimeError(
                f"split: sizes {parts} do not add up to {size}, the size of dim {dim}"
            )
    return Split.apply(tensor, sizes=parts, dim=at)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` parts of equal size along `dim` (the last may be smaller). Views.

    Source: ``torch.chunk``.
    """
    if chunks <= 0:
        raise RuntimeError(f"chunk: chunks must be positive, got {chunks}")
    if input.ndim == 0:
        raise RuntimeError("chunk: cannot be applied to a 0-dimensional tensor")
    size = input.shape[normal_dim("chunk", dim, input.ndim)]
    if size == 0:
        return split(input, [0] * chunks, dim)
    return split(input, -(-size // chunks), dim)


@numpy_names
def tensor_split(
    input: Tensor, indices_or_sections: int | Sequence[int] | Tensor, dim: int = 0
) -> tuple[Tensor, ...]:
    """Parts along `dim`: a number of parts of nearly equal size, or cut before each index. Views.

    Raises RuntimeError where the number is not positive.
    Example: ``airi.tensor_split(airi.arange(5), 3)`` has sizes 2, 2, 1.
    Source: ``torch.tensor_split``.
    """
    require_tensor("tensor_split", "input", input)
    if input.ndim == 0:
        raise RuntimeError("tensor_split: cannot be applied to a 0-dimensional tensor")
    at = normal_dim("tensor_split", dim, input.ndim)
    cuts: Any = indices_or_sections
    if hasattr(cuts, "_array"):
        cuts = cuts.tolist()
    if isinstance(cuts, int):
        if cuts <= 0:
            raise RuntimeError(f"tensor_split: the number of parts must be above 0, got {cuts}")
        size, larger = divmod(input.shape[at], cuts)
        ends = [(i + 1) * size + min(i + 1, larger) for i in range(cuts)]
        bounds = list(zip([0, *ends], ends))
    else:
        cuts = sizes("tensor_split", (tuple(cuts),))
        bounds = list(zip([0, *cuts], [*cuts, input.shape[at]], strict=True))
    return tuple([Slice.apply(input, index=along(at, slice(*each))) for each in bounds])


def _split_along(
    function: str, input: Tensor, parts: int | Sequence[int], dim: int
) -> tuple[Tensor, ...]:
    if isinstance(parts, int) and (parts <= 0 or input.shape[dim] % parts):
        raise RuntimeError(
            f"{function}: dimension {dim} of size {input.shape[dim]} cannot be split into {parts} "
            "equal parts"
        )
    return tensor_split(input, parts, dim)


def _refuse_below(function: str, input: Tensor, ndim: int) -> None:
    if input.ndim < ndim:
        raise RuntimeError(
            f"{function}: needs at least {ndim} dimensions, got shape {tuple(input.shape)}"
        )


def hsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """`tensor_split` into equal parts by columns (of one dimension: by elements). Views.

    Source: ``torch.hsplit``.
    """
    _refuse_below("hsplit", input, 1)
    return _split_along("hsplit", input, indices_or_sections, 0 if input.ndim == 1 else 1)


def vsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """`tensor_split` into equal parts by rows. Views. Source: ``torch.vsplit``."""
    _refuse_below("vsplit", input, 2)
    return _split_along("vsplit", input, indices_or_sections, 0)


def dsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """`tensor_split` into equal parts along dimension 2. Views. Source: ``torch.dsplit``."""
    _refuse_below("dsplit", input, 3)
    return _split_along("dsplit", input, indices_or_sections, 2)


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """`split` by listed sizes. Views. Source: ``torch.split_with_sizes``."""
    return split(input, tuple(split_sizes), dim)


def unsafe_split(input: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`split`; no part may be written in place here either. Source: ``torch.unsafe_split``."""
    return split(input, split_size, dim)


def unsafe_split_with_sizes(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """`split_with_sizes`. Source: ``torch.unsafe_split_with_sizes``."""
    return split_with_sizes(input, split_sizes, dim)


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`chunk`. Source: ``torch.unsafe_chunk``."""
    return chunk(input, chunks, dim)
