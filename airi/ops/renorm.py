"""Slices whose norm is limited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airi.ops import elementwise, reduction
from airi.ops.conversion import clone
from airi.ops.inplace import Copy, write
from airi.ops.names import normal_dim, takes_out
from airi.ops.views import shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = ["renorm"]

_TINY = 1e-7  # PyTorch adds it to the norm that is divided by


@takes_out
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """A copy in which each slice along `dim` whose p-norm exceeds `maxnorm` is scaled to that.

    Raises RuntimeError below 2 dimensions, for p <= 0 and a negative maxnorm.
    Example: ``airi.renorm(weight, 2, 0, 1.0)``. Source: ``torch.renorm``.
    """
    return _limited("renorm", input, p, dim, maxnorm)


def renorm_(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """`renorm` in place. Source: ``torch.Tensor.renorm_``."""
    return write(input, "renorm_", Copy, _limited("renorm_", clone(input), p, dim, maxnorm))


def _limited(function: str, input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    if p <= 0:
        raise RuntimeError(f"{function}: p must be positive, got {p}")
    if maxnorm < 0:
        raise RuntimeError(f"{function}: maxnorm must not be negative, got {maxnorm}")
    if input.ndim < 2:
        raise RuntimeError(f"{function}: needs at least 2 dimensions, got shape {shape_of(input)}")
    at = normal_dim(function, dim, input.ndim)
    others = tuple(i for i in range(input.ndim) if i != at)
    norms = reduction.norm(input, p, others, keepdim=True)
    scale = elementwise.where(norms > maxnorm, maxnorm / (norms + _TINY), 1.0)
    return elementwise.mul(input, scale)
