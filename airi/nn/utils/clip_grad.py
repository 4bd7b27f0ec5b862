"""Keeping gradients from growing without bound."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import wrap
from airi.autograd.mode import no_grad
from airi.tensor import Tensor

_EPSILON = 1e-6  # keeps the factor finite where all gradients are zero


def _as_list(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    if isinstance(tensors, Tensor):
        return [tensors]
    if hasattr(tensors, "parameters"):
        kind = type(tensors).__name__
        raise TypeError(
            f"expected parameters, got the module {kind}: pass its parameters() instead"
        )
    return list(tensors)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [each.grad for each in _as_list(parameters) if each.grad is not None]


def _norm(array: np.ndarray, norm_type: float) -> Any:
    if array.size == 0:
        return array.dtype.type(0)
    if norm_type == 2:
        flat = array.ravel("K")
        return np.sqrt(np.dot(flat, flat))
    return np.linalg.norm(array.ravel("K"), norm_type)


@no_grad()
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all elements of the tensors together, a 0-dimensional tensor.

    `norm_type` may be ``float("inf")``: the largest absolute value. With `error_if_nonfinite` a
    NaN or infinite norm raises RuntimeError. `foreach` is accepted and changes nothing.
    Example: ``get_total_norm([p.grad for p in net.parameters()])``.
    Source: ``torch.nn.utils.get_total_norm``.
    """
    tensors = _as_list(tensors)
    if not tensors:
        return wrap(np.zeros((), dtypes.default_numpy()))
    norm_type = float(norm_type)
    with np.errstate(all="ignore"):  # an infinite norm is for the caller to judge
        norms = np.stack([np.asarray(_norm(each._array, norm_type)) for each in tensors])
        total = wrap(np.asarray(_norm(norms, norm_type), norms.dtype))
    if error_if_nonfinite and not np.isfinite(total._array):
        raise RuntimeError(
            f"get_total_norm: the norm of order {norm_type} of the {len(tensors)} tensors is "
            f"{total.item()}, non-finite; pass error_if_nonfinite=False to go on with it"
        )
    return total


@no_grad()
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Scale the gradients in place by max_norm / total_norm where that is below 1.

    Source: ``torch.nn.utils.clip_grads_with_norm_``.
    """
    factor = float(max_norm) / (total_norm.item() + _EPSILON)
    if factor >= 1:
        return
    with np.errstate(invalid="ignore"):  # infinite gradients become NaN, as in PyTorch
        for gradient in _gradients(parameters):
            gradient.mul_(factor)


@no_grad()
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients in place so that their norm, all together, is at most `max_norm`.

    Returns the norm before. Parameters without a gradient are passed over. With
    `error_if_nonfinite` a NaN or infinite norm raises RuntimeError.
    Example: ``nn.utils.clip_grad_norm_(net.parameters(), 1.0)``.
    Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks";
    ``torch.nn.utils.clip_grad_norm_``.
    """
    parameters = _as_list(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


@no_grad()
def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Clamp every element of the gradients, in place, to [-clip_value, clip_value].

    Source: ``torch.nn.utils.clip_grad_value_``.
    """
    clip_value = float(clip_value)
    for gradient in _gradients(parameters):
        gradient.clamp_(-clip_value, clip_value)


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The older name of `clip_grad_norm_`. Source: ``torch.nn.utils.clip_grad_norm``."""
    warnings.warn("clip_grad_norm is deprecated; call clip_grad_norm_", FutureWarning, stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)
