"""Dropout: in training, parts of the activations are set to zero at random."""

from __future__ import annotations

from airi.nn import functional as F
from airi.nn.module import Module
from airi.tensor import Tensor


class _DropoutNd(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p must be between 0 and 1, got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """In training, every element is 0 with probability p, the others are divided by 1 - p.

    In evaluation mode the input itself. Example: ``nn.Dropout(0.2)``.
    Source: Srivastava et al. 2014, "Dropout"; ``torch.nn.Dropout``.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """Dropout of whole channels of (N, C, L) or (C, L). Source: ``torch.nn.Dropout1d``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """Dropout of whole channels of (N, C, H, W): neighbouring pixels are much alike.

    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks";
    ``torch.nn.Dropout2d``.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """Dropout of whole channels of (N, C, D, H, W). Source: ``torch.nn.Dropout3d``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout that keeps mean 0 and variance 1, to go with SELU.

    Source: Klambauer et al. 2017, "Self-normalizing neural networks"; ``torch.nn.AlphaDropout``.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_DropoutNd):
    """AlphaDropout of whole channels. Source: ``torch.nn.FeatureAlphaDropout``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
