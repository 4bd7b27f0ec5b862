"""What distributions share: broadcasting of parameters, probabilities and logits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from numbers import Number
from typing import Any

from airi import dtypes
from airi.autograd.mode import enable_grad
from airi.dtypes import finfo
from airi.ops.bounds import clamp
from airi.ops.creation import tensor
from airi.ops.joining import broadcast_tensors
from airi.ops.reduction import logsumexp
from airi.ops.softmax import softmax
from airi.ops.transcendental import sigmoid
from airi.tensor import Size, Tensor

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
    "sum_rightmost",
]

EULER = 0.57721566490153286060  # Euler's constant


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and Tensors as Tensors of one shape.

    A number takes the dtype of the first Tensor, or the default dtype. Raises ValueError for
    anything else. Source: ``torch.distributions.utils.broadcast_all``.
    """
    for each in values:
        if not isinstance(each, Tensor | Number):
            raise ValueError(
                "a distribution's parameters must be numbers or Tensors, got a "
                f"{type(each).__name__}"
            )
    dtype = next((each.dtype for each in values if isinstance(each, Tensor)), None)
    if dtype is None:
        dtype = dtypes.get_default_dtype()
    tensors = [each if isinstance(each, Tensor) else tensor(each, dtype=dtype) for each in values]
    return tuple(broadcast_tensors(*tensors))


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities at least the dtype's spacing away from 0 and 1, where logs are finite."""
    eps = finfo(probs.dtype).eps
    return clamp(probs, eps, 1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities from log-odds (`is_binary`), or from logs of them in the last dimension."""
    return sigmoid(logits) if is_binary else softmax(logits, -1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Log-odds of probabilities (`is_binary`), or their logs."""
    probs = clamp_probs(probs)
    return probs.log() - (-probs).log1p() if is_binary else probs.log()


def normalized(logits: Tensor) -> Tensor:
    """Logits whose exponentials sum to 1 along the last dimension."""
    return logits - logsumexp(logits, -1, keepdim=True)


def sum_rightmost(value: Tensor, dims: int) -> Tensor:
    """The sum over the last `dims` dimensions."""
    return value if dims == 0 else value.sum(tuple(range(-dims, 0)))


def shape_of(value: Any) -> Size:
    """The shape of a Tensor; that of a number has no dimension."""
    return value.shape if isinstance(value, Tensor) else Size()


def exactly_one(distribution: str, **given: Any) -> str:
    """The name of the one argument that is not None; ValueError where it is none, or several."""
    names = [name for name, value in given.items() if value is not None]
    if len(names) != 1:
        raise ValueError(
            f"{distribution}: give exactly one of {' and '.join(given)}, got "
            f"{' and '.join(names) or 'none'}"
        )
    return names[0]


def require_dims(distribution: str, name: str, value: Any, count: int) -> None:
    """TypeError unless a parameter is a Tensor, ValueError unless it has so many dimensions."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{distribution}: {name} must be a Tensor, got {type(value).__name__}")
    if value.ndim < count:
        words = {1: "one dimension", 2: "two dimensions"}
        raise ValueError(f"{distribution}: {name} must have at least {words[count]}")


class lazy_property:
    """A property that is computed once, when it is first asked for, with gradients recorded.

    Source: ``torch.distributions.utils.lazy_property``.
    """

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        functools.update_wrapper(self, wrapped)  # type: ignore[arg-type]  # a property has no call

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value
