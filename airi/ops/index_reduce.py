"""Elements along one dimension reduced into the places of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airi.ops.conversion import clone
from airi.ops.inplace import Copy, write
from airi.ops.names import normal_dim, takes_out
from airi.ops.scattering import scatter_reduce
from airi.ops.views import expand, reshape, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["index_reduce"]


@takes_out
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """A copy of input with slice k of `source` reduced into slice index[k] along `dim`.

    `reduce` is "prod", "mean", "amax" or "amin"; input's own elements count with `include_self`.
    Raises RuntimeError where source does not have input's shape but for `dim`.
    Source: ``torch.index_reduce``.
    """
    return _reduced("index_reduce", input, dim, index, source, reduce, include_self)


def index_reduce_(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """`index_reduce` in place. Source: ``torch.Tensor.index_reduce_``."""
    name = "index_reduce_"
    out = _reduced(name, clone(input), dim, index, source, reduce, include_self)
    return write(input, name, Copy, out)


def _reduced(
    name: str, input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, with_self: bool
) -> Tensor:
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"{name}: reduce must be prod, mean, amax or amin, got {reduce!r}")
    at = normal_dim(name, dim, input.ndim)
    if index.ndim > 1:
        raise IndexError(f"{name}: index must be a vector, got shape {shape_of(index)}")
    wanted = list(shape_of(input))
    wanted[at : at + 1] = [index.numel()] * bool(wanted)
    if list(shape_of(source)) != wanted:
        raise RuntimeError(
            f"{name}: source must have shape {tuple(wanted)}, got {shape_of(source)}"
        )
    if source.dtype != input.dtype:
        raise RuntimeError(
            f"{name}: source must have input's dtype {input.dtype}, got {source.dtype}"
        )
    if wanted:
        line = [index.numel() if i == at else 1 for i in range(len(wanted))]
        index = expand(reshape(index, line), wanted)
    else:
        index = reshape(index, ())
    return scatter_reduce(input, at, index, source, reduce, include_self=with_self)
