"""Forward mode: tangents that travel with values, as ``torch.autograd.forward_ad`` has them.

A dual tensor stands for a value and its derivative. Inside a level, what is computed from dual
tensors is recorded; `unpack_dual` then takes the derivative of its argument along all tangents of
the level at once, by two backward passes (see `transforms`): no op needs a rule for forward mode,
but a result is worth a backward pass, not half a forward one. Within a level dual tensors require
grad, and under ``no_grad`` nothing of them is recorded.

Example::

    with forward_ad.dual_level():
        x = forward_ad.make_dual(primal, tangent)
        derivative = forward_ad.unpack_dual(airi.sin(x)).tangent
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

from airi.autograd import graph
from airi.autograd.transforms import Alias, Pushforward, Variables, settled, wants_graph
from airi.dtypes import DIFFERENTIABLE

__all__ = ["dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


class UnpackedDualTensor(NamedTuple):
    """What `unpack_dual` returns: the value, and its derivative or None."""

    primal: Any
    tangent: Any


class _Level:
    """The dual tensors made since the level was entered."""

    def __init__(self) -> None:
        self.variables = Variables()
        self.duals: list[Any] = []
        self.tangents: list[Any] = []

    def given_tangent(self, tensor: Any) -> Any:
        """The tangent that a dual tensor was made with; None for what was computed."""
        for dual, tangent in zip(self.duals, self.tangents, strict=True):
            if dual is tensor and _is_variable(tensor):
                return tangent
        return None


def _is_variable(tensor: Any) -> bool:
    """Whether it is as `make_dual` made it, not overwritten since."""
    edge = graph.edge_of(tensor)
    return isinstance(edge, tuple) and edge[0].rule is Alias


class _Levels(threading.local):
    current: _Level | None = None


_levels = _Levels()


def enter_dual_level() -> int:
    """Begin a level; RuntimeError inside another. `dual_level` ends it by itself.

    Source: ``torch.autograd.forward_ad.enter_dual_level``.
    """
    if _levels.current is not None:
        raise RuntimeError(
            "enter_dual_level: dual levels cannot be nested; use airi.func.jvp for derivatives of "
            "derivatives"
        )
    _levels.current = _Level()
    return 0


def exit_dual_level(level: int | None = None) -> None:
    """End the level: its dual tensors become constants. RuntimeError where there is none.

    Source: ``torch.autograd.forward_ad.exit_dual_level``.
    """
    if _levels.current is None:
        raise RuntimeError("exit_dual_level: there is no level to exit")
    _levels.current.variables.close()
    _levels.current = None


class dual_level:
    """``with dual_level():`` dual tensors may be made and unpacked.

    Source: ``torch.autograd.forward_ad.dual_level``.
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exc: object) -> None:
        exit_dual_level()


def _level(function: str) -> _Level:
    if _levels.current is None:
        raise RuntimeError(f"{function}: only inside `with dual_level():`")
    return _levels.current


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Any:
    """A tensor with the values of `tensor`, with respect to which `tangent` is a derivative.

    Both are floating point and of one shape, else ValueError or RuntimeError is raised. A tangent
    of another dtype or in another order of memory is copied, others are used as they are.
    Source: ``torch.autograd.forward_ad.make_dual``.
    """
    current = _level("make_dual")
    for name, each in (("tensor", tensor), ("tangent", tangent)):
        if not isinstance(each, graph.Tensor):
            raise TypeError(f"make_dual: {name} must be a Tensor, got {type(each).__name__}")
        if each._array.dtype.kind not in DIFFERENTIABLE:
            raise ValueError(f"make_dual: {name} must be floating point, got {each.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            f"make_dual: tensor and tangent must be of one shape, got {tuple(tensor.shape)} and "
            f"{tuple(tangent.shape)}"
        )
    if tangent.dtype != tensor.dtype or tangent.stride() != tensor.stride():
        tangent = tangent.to(tensor.dtype, copy=True)
    dual = current.variables.alias(tensor)
    current.duals.append(dual)
    current.tangents.append(tangent)
    return dual


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """The value and its derivative along the tangents of the level, None where it has none.

    Both stay differentiable by tensors that require grad themselves.
    Source: ``torch.autograd.forward_ad.unpack_dual``.
    """
    current = _levels.current
    if not isinstance(tensor, graph.Tensor):
        raise TypeError(f"unpack_dual: expected a Tensor, got {type(tensor).__name__}")
    if current is None or not current.duals or not tensor.requires_grad:
        return UnpackedDualTensor(tensor, None)
    given = current.given_tangent(tensor)
    current.variables.close()  # what depends on nothing but duals needs no graph
    try:
        if given is not None:
            return UnpackedDualTensor(settled(tensor), given)
        record = wants_graph([tensor, *current.tangents])
        (tangent,) = Pushforward([tensor], current.duals)(current.tangents, record)
        if tangent is None:
            return UnpackedDualTensor(tensor, None)
        return UnpackedDualTensor(settled(tensor), tangent)
    finally:
        current.variables.reopen()
