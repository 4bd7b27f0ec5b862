"""Layers that change the shape alone."""

from __future__ import annotations

from airi.nn.module import Module
from airi.tensor import Tensor


class Flatten(Module):
    """Dimensions `start_dim` to `end_dim` as one: a batch of images as a batch of vectors.

    Example: ``nn.Flatten()(airi.zeros(8, 3, 5, 5))`` has shape (8, 75).
    Source: ``torch.nn.Flatten``.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Dimension `dim` split into several of the given sizes, one of which may be -1.

    Example: ``nn.Unflatten(1, (3, 5, 5))``. Raises TypeError for sizes that are no ints.
    Source: ``torch.nn.Unflatten``.
    """

    def __init__(self, dim: int, unflattened_size: tuple[int, ...] | list[int]) -> None:
        super().__init__()
        sizes = unflattened_size
        if not isinstance(sizes, (tuple, list)) or any(not isinstance(n, int) for n in sizes):
            raise TypeError(f"Unflatten: unflattened_size must be a tuple of ints, got {sizes!r}")
        self.dim = dim
        self.unflattened_size = tuple(sizes)

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
