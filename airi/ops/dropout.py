"""Dropout: elements or whole channels set to 0 at random while training.

What is kept is drawn from the default generator, which `airi.manual_seed` seeds; it is a constant
of the graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from airi.autograd.graph import Rule
from airi.ops import draws, fused
from airi.ops.inplace import write
from airi.ops.views import shape_of
from airi.random import generator_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]

# What SELU tends to for large negative numbers, negated: scale * alpha.
SATURATION = 1.7580993408473766


class Dropout(Rule):
    """out = scale * x where keep, else 0;  dx = scale * g where keep, else 0"""

    @staticmethod
    def forward(x, keep, *, scale):
        if keep.shape != x.shape:  # whole channels
            factors = np.multiply(keep, scale, dtype=x.dtype)
            fast = fused.times_planes(x, factors)
            return x * factors if fast is None else fast
        out = x * x.dtype.type(scale)
        out *= keep
        return out

    @staticmethod
    def backward(g, keep, scale):
        return Dropout.apply(g, keep, scale=scale), None


class AlphaDropout(Rule):
    """out = scale * x + shift where keep, else level + shift;  dx = scale * g where keep, else 0"""

    @staticmethod
    def forward(x, keep, *, scale, level, shift):
        out = x * x.dtype.type(scale)
        out += x.dtype.type(shift)
        return np.where(keep, out, x.dtype.type(level + shift))

    @staticmethod
    def backward(g, keep, scale):
        return Dropout.apply(g, keep, scale=scale), None


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element 0 with probability `p`, else divided by 1 - p, so that means stay as they are.

    Without `training` the input itself. `inplace` writes into the input. Raises ValueError for a
    p outside 0 to 1. Example: ``dropout(x, 0.1, training=self.training)``.
    Source: Srivastava et al., 2014; ``torch.nn.functional.dropout``.
    """
    _check("dropout", input, p, training)
    return _dropped(input, p, training, inplace, shape_of(input), "dropout_")


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """`dropout` of whole channels of signals (N, C, L) or (C, L).

    Source: ``torch.nn.functional.dropout1d``.
    """
    return _channels_dropped("dropout1d", (2, 3), 2, input, p, training, inplace)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """`dropout` of whole channels of images (N, C, H, W); three dimensions are (N, C, L).

    Neighbouring pixels are alike, so dropping single ones would hide little. Source: Tompson et
    al., 2015; ``torch.nn.functional.dropout2d``.
    """
    return _channels_dropped("dropout2d", (3, 4), None, input, p, training, inplace)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """`dropout` of whole channels of volumes (N, C, D, H, W) or (C, D, H, W).

    Source: ``torch.nn.functional.dropout3d``.
    """
    return _channels_dropped("dropout3d", (4, 5), 4, input, p, training, inplace)


def _channels_dropped(
    function: str,
    dims: tuple[int, int],
    unbatched: int | None,
    input: Tensor,
    p: float,
    training: bool,
    inplace: bool,
) -> Tensor:
    _check(function, input, p, training)
    if input.ndim not in dims:
        raise RuntimeError(
            f"{function}: expected an input of {dims[0]} or {dims[1]} dimensions, got shape "
            f"{shape_of(input)}"
        )
    kept = shape_of(input)[: 1 if input.ndim == unbatched else 2]
    shape = (*kept, *(1,) * (input.ndim - len(kept)))
    return _dropped(input, p, training, inplace, shape, f"{function}_")


def _check(function: str, input: Tensor, p: float, training: bool) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{function}: p must be a probability between 0 and 1, got {p}")
    if training and p and not input.is_floating_point():
        raise RuntimeError(f"{function}: expected floating-point input, got {input.dtype}")


def _dropped(
    input: Tensor, p: float, training: bool, inplace: bool, shape: tuple[int, ...], name: str
) -> Tensor:
    if not training or p == 0:
        return input
    scale = 1 / (1 - p) if p < 1 else 0.0
    keep = _kept(shape, p)
    if inplace:
        return write(input, name, Dropout, keep, scale=scale)
    return Dropout.apply(input, keep, scale=scale)


def _kept(shape: tuple[int, ...], p: float) -> np.ndarray:
    """True with probability 1 - p."""
    return draws.bernoulli(generator_of(None), shape, 1.0 - p)


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout that keeps mean 0 and variance 1 of its input, to go with SELU.

    Dropped elements become SELU's lower bound, then all are scaled and shifted. Without `training`
    the input itself. Raises ValueError for a p outside 0 to 1. Source: Klambauer et al., 2017;
    ``torch.nn.functional.alpha_dropout``.
    """
    _check("alpha_dropout", input, p, training)
    return _alpha_dropped(input, p, training, inplace, shape_of(input), "alpha_dropout_")


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels of an input (N, C, ...).

    Source: ``torch.nn.functional.feature_alpha_dropout``.
    """
    _check("feature_alpha_dropout", input, p, training)
    if input.ndim < 2 and training and p:
        raise RuntimeError(
            f"feature_alpha_dropout: expected an input (N, C, ...), got shape {shape_of(input)}"
        )
    shape = (*shape_of(input)[:2], *(1,) * (input.ndim - 2))
    return _alpha_dropped(input, p, training, inplace, shape, "feature_alpha_dropout_")


def _alpha_dropped(
    input: Tensor, p: float, training: bool, inplace: bool, shape: tuple[int, ...], name: str
) -> Tensor:
    if not training or p == 0 or p == 1:
        return _dropped(input, p, training, inplace, shape, name)  # nothing or all of it
    scale = ((SATURATION**2 * p + 1) * (1 - p)) ** -0.5
    values = {"scale": scale, "level": -SATURATION * scale, "shift": SATURATION * scale * p}
    keep = _kept(shape, p)
    if inplace:
        return write(input, name, AlphaDropout, keep, **values)
    return AlphaDropout.apply(input, keep, **values)
