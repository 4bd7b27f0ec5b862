"""Distances between vectors, as modules."""

from __future__ import annotations

from airi.nn import functional as F
from airi.nn.module import Module
from airi.tensor import Tensor


class CosineSimilarity(Module):
    """out = x1 . x2 / (max(||x1||, eps) * max(||x2||, eps)) along `dim`.

    Source: ``torch.nn.CosineSimilarity``.
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """out = ||x1 - x2 + eps||_p along the last dimension. Source: ``torch.nn.PairwiseDistance``."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
