"""Parameter and Buffer: tensors that a module keeps as its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import Version
from airi.ops.creation import empty
from airi.tensor import Tensor


class Parameter(Tensor):
    """A tensor that, assigned as an attribute of a Module, is one of its parameters.

    It shares the memory of `data`. Raises TypeError where `data` is not a Tensor and RuntimeError
    for integers that should require grad. Example: ``self.scale = nn.Parameter(airi.ones(3))``.
    Source: ``torch.nn.Parameter``.
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        _share_memory(self, data)
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that, assigned as an attribute of a Module, is one of its buffers.

    A buffer is state that no optimizer changes; it is in the state dict unless `persistent` is
    False. It shares the memory of `data`. Example: ``self.mean = nn.Buffer(airi.zeros(3))``.
    Source: ``torch.nn.Buffer``.
    """

    persistent: bool = True

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        _share_memory(self, data)
        if data is not None and data.requires_grad:
            self.requires_grad_()
        self.persistent = persistent


def new_parameter(*shape: int, device: Any = None, dtype: Any = None) -> Parameter:
    """A parameter of that shape with values still to be set, as a layer begins with."""
    return Parameter(empty(shape, device=device, dtype=dtype))


def _share_memory(tensor: Tensor, data: Any) -> None:
    if data is None:
        tensor._array = np.empty(0, dtypes.default_numpy())
        tensor._counter = Version()
        return
    if not isinstance(data, Tensor):
        name = type(tensor).__name__
        raise TypeError(f"{name}: data must be a Tensor or None, got {type(data).__name__}")
    tensor._array = data._array
    tensor._counter = data._counter  # a write to one is seen by backward through the other
