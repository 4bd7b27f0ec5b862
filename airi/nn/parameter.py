"""Parameter and Buffer: tensors that a module keeps as its own."""

from __future__ import annotations

from typing import Any, ClassVar

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


class _Uninitialized(Tensor):
    """What a parameter and a buffer have in common whose shape is not known yet."""

    _becomes: ClassVar[type[Tensor]]

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        kind = empty(0, device=device, dtype=dtype)
        self._counter = Version()
        self._requires_grad = requires_grad
        self._kind = kind.dtype

    @property
    def _array(self) -> Any:  # type: ignore[override]
        raise ValueError(
            f"{type(self).__name__} has no shape and no values yet: call its module once with an "
            "input, which says what they are, before they are used (by an optimizer, for instance)"
        )

    @property
    def dtype(self) -> Any:
        """The dtype that it will have."""
        return self._kind

    def is_floating_point(self) -> bool:
        """Whether that is a float one."""
        return self._kind.is_floating_point

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Say whether its gradient will be wanted; returns it."""
        self._requires_grad = bool(requires_grad)
        return self

    def convert(self, function: Any) -> None:
        """Take the dtype that `function` gives a tensor of the present one."""
        self._kind = function(empty(0, dtype=self._kind)).dtype

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become a Parameter or Tensor of that shape, the same object; values are still to be set.

        Source: ``torch.nn.parameter.UninitializedParameter.materialize``.
        """
        values = empty(tuple(shape), device=device, dtype=self._kind if dtype is None else dtype)
        del self._kind
        self.__class__ = self._becomes  # type: ignore[assignment]
        self._array = values._array  # type: ignore[misc]  # it is of another class now

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        result = type(self)(self._requires_grad, dtype=self._kind)
        memo[id(self)] = result
        return result

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self._requires_grad, None, self._kind)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter whose shape the first input says; anything that needs its values is a ValueError.

    Source: ``torch.nn.parameter.UninitializedParameter``.
    """

    _becomes = Parameter


class UninitializedBuffer(_Uninitialized):
    """A buffer whose shape the first input says.

    Source: ``torch.nn.parameter.UninitializedBuffer``.
    """

    _becomes = Tensor

    def __init__(self, requires_grad: bool = False, device: Any = None, dtype: Any = None) -> None:
        super().__init__(requires_grad, device, dtype)


def is_lazy(tensor: Any) -> bool:
    """Whether a parameter or buffer is not initialized yet."""
    return isinstance(tensor, _Uninitialized)
