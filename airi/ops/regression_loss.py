"""Losses of regression: squared, absolute and mixed errors, and two negative log-likelihoods."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.mode import no_grad
from airi.autograd.sums import add_up
from airi.ops import fused
from airi.ops.bounds import clamp
from airi.ops.comparison import gt
from airi.ops.elementwise import div, sgn, where
from airi.ops.elementwise_inplace import clamp_
from airi.ops.loss import check_fit, reduced, reduction_named
from airi.ops.names import require_tensor
from airi.ops.promotion import Elementwise
from airi.ops.reduction import sum
from airi.ops.transcendental import exp, log
from airi.ops.views import Expand, shape_of, unsqueeze

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "gaussian_nll_loss",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
]


class MSELoss(Elementwise):
    """out = (x - y)**2, of each element or its sum or mean;  dx = 2 * g * (x - y), dy = -dx"""

    @staticmethod
    def forward(x, y, *, reduction):
        if reduction == "none":
            fast = fused.of_two("squared_difference", x, y)
            return np.square(x - y) if fast is None else fast
        total = fused.sum_of_differences("squares", x, y)
        if total is None:
            difference = np.asarray(x - y)
            if (
                difference.size < fused.LEAST_ELEMENTS
            ):  # many would lose digits, added one after the other
                total = np.vdot(difference, difference)
            else:
                total = add_up(np.square(difference, out=difference), None)
        return x.dtype.type(total * _scale_of(x.shape, y.shape, reduction))

    @staticmethod
    def backward(g, x, y, x_shape, y_shape, reduction, needs):
        scale = 2 * _scale_of(x_shape, y_shape, reduction)
        dx = _slopes("scaled_difference", g, x, y, scale)
        if dx is None:
            dx = (x - y) * (scale * g)
        return dx, -dx if needs[1] else None


def _scale(size: int, reduction: str) -> float:
    if reduction != "mean":
        return 1.0
    return 1 / size if size else math.nan


def _scale_of(x_shape: tuple[int, ...], y_shape: tuple[int, ...], reduction: str) -> float:
    shape = x_shape if x_shape == y_shape else np.broadcast_shapes(x_shape, y_shape)
    return _scale(math.prod(shape), reduction)


def _slopes(
    name: str, g: Any, x: Any, y: Any, scale: float, bound: float = 0.0
) -> np.ndarray | None:
    """A kernel's slopes of a loss that is a number, times its gradient g; None if there is none."""
    if type(g) is not np.ndarray or g.ndim:
        return None
    return fused.of_two(name, x, y, scale * float(g), bound)


def _totalled(losses: Any, reduction: str) -> Any:
    if reduction == "none":
        return losses
    return add_up(losses, None) * losses.dtype.type(_scale(losses.size, reduction))


class L1Loss(Elementwise):
    """out = |x - y|, of each element or its sum or mean;  dx = g * sgn(x - y), dy = -dx"""

    complex = True

    @staticmethod
    def forward(x, y, *, reduction):
        if reduction != "none":
            total = fused.sum_of_differences("distances", x, y)
            if total is not None:
                return x.dtype.type(total * _scale(x.size, reduction))
        return _totalled(np.abs(x - y), reduction)

    @staticmethod
    def backward(g, x, y, x_shape, y_shape, reduction, needs):
        scale = _scale_of(x_shape, y_shape, reduction)
        dx = _slopes("scaled_sign", g, x, y, scale)
        if dx is None:
            dx = sgn(x - y) * (g * scale)
        return dx, -dx if needs[1] else None


class HuberLoss(Elementwise):
    """out = d**2 / 2 where |d| <= delta, else delta * (|d| - delta / 2), for d = x - y

    Of each element, or their sum or mean;  dx = g * clamp(d, -delta, delta), dy = -dx
    """

    @staticmethod
    def forward(x, y, *, delta, reduction):
        if reduction != "none":
            total = fused.sum_of_differences("huber", x, y, delta)
            if total is not None:
                return x.dtype.type(total * _scale(x.size, reduction))
        distance = np.abs(x - y)
        near = np.minimum(distance, delta)
        return _totalled(near * (distance - near / 2), reduction)

    @staticmethod
    def backward(g, x, y, x_shape, y_shape, delta, reduction, needs):
        scale = _scale_of(x_shape, y_shape, reduction)
        dx = _slopes("scaled_clamp", g, x, y, scale, delta)
        if dx is None:
            dx = clamp(x - y, -delta, delta) * (g * scale)
        return dx, -dx if needs[1] else None


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(input - target)**2: its mean, its sum or (reduction="none") each element.

    With `weight`, of input's shape, a weighted mean. Warns where the shapes differ and are
    broadcast. Example: ``mse_loss(prediction, y)``. Source: ``torch.nn.functional.mse_loss``.
    """
    how = reduction_named("mse_loss", reduction, size_average, reduce)
    _check("mse_loss", input, target)
    if weight is None:
        return MSELoss.apply(input, target, reduction=how)
    return _weighted("mse_loss", MSELoss.apply(input, target, reduction="none"), input, weight, how)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|input - target|: its mean, its sum or (reduction="none") each element.

    `weight` and warning as in `mse_loss`. Source: ``torch.nn.functional.l1_loss``.
    """
    how = reduction_named("l1_loss", reduction, size_average, reduce)
    _check("l1_loss", input, target)
    if weight is None:
        return L1Loss.apply(input, target, reduction=how)
    return _weighted("l1_loss", L1Loss.apply(input, target, reduction="none"), input, weight, how)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d**2 / (2 * beta) where d = |input - target| < beta, else d - beta / 2.

    ``beta=0`` is `l1_loss`. Raises RuntimeError for a negative beta. Source: Girshick, 2015;
    ``torch.nn.functional.smooth_l1_loss``.
    """
    how = reduction_named("smooth_l1_loss", reduction, size_average, reduce)
    _check("smooth_l1_loss", input, target)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    if beta == 0:
        return L1Loss.apply(input, target, reduction=how)
    loss = HuberLoss.apply(input, target, delta=float(beta), reduction=how)
    return loss if beta == 1 else loss / beta


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """d**2 / 2 where d = |input - target| <= delta, else delta * (d - delta / 2).

    `weight`, of input's shape, scales each element (the mean stays over their number, unlike in
    `mse_loss`). Raises RuntimeError unless delta is positive. Source: Huber, 1964;
    ``torch.nn.functional.huber_loss``.
    """
    how = reduction_named("huber_loss", reduction, None, None)
    _check("huber_loss", input, target)
    if delta <= 0:
        raise RuntimeError(f"huber_loss: delta must be positive, got {delta}")
    if weight is None:
        return HuberLoss.apply(input, target, delta=float(delta), reduction=how)
    _check_weight("huber_loss", input, weight)
    loss = HuberLoss.apply(input, target, delta=float(delta), reduction="none")
    return reduced(loss * weight, how)


def _check(function: str, input: Tensor, target: Tensor) -> None:
    require_tensor(function, "input", input)
    require_tensor(function, "target", target)
    if not any(each.is_floating_point() or each.is_complex() for each in (input, target)):
        raise RuntimeError(
            f"{function}: expected floating-point tensors, got {input.dtype} and {target.dtype}"
        )
    check_fit(function, input=input, target=target)
    if shape_of(input) != shape_of(target):
        warnings.warn(
            f"{function}: the target's shape {shape_of(target)} differs from the input's "
            f"{shape_of(input)}; they are broadcast, which is rarely what is meant",
            stacklevel=3,
        )


def _weighted(
    function: str, loss: Tensor, input: Tensor, weight: Tensor | None, how: str
) -> Tensor:
    """The reduced loss; with a weight per element the mean is the weighted one."""
    if weight is None:
        return reduced(loss, how)
    _check_weight(function, input, weight)
    loss = loss * weight
    return div(sum(loss), sum(weight)) if how == "mean" else reduced(loss, how)


def _check_weight(function: str, input: Tensor, weight: Tensor) -> None:
    if shape_of(weight) != shape_of(input):
        raise ValueError(
            f"{function}: weight must have the input's shape {shape_of(input)}, got "
            f"{shape_of(weight)}"
        )


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """(log(var) + (input - target)**2 / var) / 2: -log of the normal density of target.

    `input` is its mean, `var` its variance: a number, of input's shape, or with the last
    dimension missing or 1. Variances below `eps` count as eps; their gradient passes as if they
    were above. `full` adds log(2 pi) / 2. Raises ValueError for a negative or misshapen var.
    Source: Nix and Weigend, 1994; ``torch.nn.functional.gaussian_nll_loss``.
    """
    how = reduction_named("gaussian_nll_loss", reduction, None, None)
    check_fit("gaussian_nll_loss", input=input, target=target)
    have = shape_of(input)
    if isinstance(var, (int, float)):
        if var < 0:
            raise ValueError(f"gaussian_nll_loss: var must not be negative, got {var}")
        variance = Expand.apply(input.new_full((), var), shape=have)
    else:
        if (var._array < 0).any():
            raise ValueError("gaussian_nll_loss: var has negative elements")
        variance = (
            var if shape_of(var) != have[:-1] or shape_of(var) == have else unsqueeze(var, -1)
        )
        given = shape_of(variance)
        stretched = [n for n, m in zip(given, have) if n != m]
        if len(given) != len(have) or stretched not in ([], [1]):
            raise ValueError(
                f"gaussian_nll_loss: var must have the input's shape {have}, with at most one "
                f"dimension 1 instead or the last one missing; got {shape_of(var)}"
            )
    variance = variance.clone()
    with no_grad():
        clamp_(variance, min=eps)
    loss = (log(variance) + (input - target) ** 2 / variance) * 0.5
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, how)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """exp(input) - target * input: -log of the Poisson probability of target, without log(target!).

    `input` is the log of the rate, or with ``log_input=False`` the rate, and the loss
    ``input - target * log(input + eps)``. `full` adds Stirling's approximation of log(target!)
    where target > 1. Source: ``torch.nn.functional.poisson_nll_loss``.
    """
    how = reduction_named("poisson_nll_loss", reduction, size_average, reduce)
    check_fit("poisson_nll_loss", input=input, target=target)
    if log_input:
        loss = exp(input) - target * input
    else:
        loss = input - target * log(input + eps)
    if full:
        large = where(gt(target, 1), target, 1.0)
        stirling = target * log(large) - target + 0.5 * log(2 * math.pi * large)
        loss = loss + where(gt(target, 1), stirling, 0.0)
    return reduced(loss, how)
