"""`Variable`, which was PyTorch's differentiable tensor before all Tensors were."""

from __future__ import annotations

from typing import Any

from airi.autograd import graph


class _IsTensor(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, graph.Tensor)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, graph.Tensor)


class Variable(metaclass=_IsTensor):
    """``Variable(tensor, requires_grad=False)``: the same memory as a leaf of its own.

    For old scripts: every Tensor is one, so ``isinstance(x, Variable)`` holds and leaving the call
    out changes nothing else. ``volatile=True`` turns requires_grad off. Raises TypeError for what
    is no Tensor. Source: ``torch.autograd.Variable``.
    """

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        if not isinstance(data, graph.Tensor):
            raise TypeError(f"Variable: data has to be a Tensor, got {type(data).__name__}")
        leaf = data.detach()
        return leaf.requires_grad_() if requires_grad and not volatile else leaf
