"""Parametrizations: a parameter that is a function of another tensor, which is trained instead.

Source: ``torch.nn.utils.parametrize``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from airi.autograd.mode import no_grad
from airi.nn.containers import ModuleDict, ModuleList
from airi.nn.module import Module
from airi.nn.parameter import Parameter
from airi.tensor import Tensor

_cache_depth = 0
_cache: dict[tuple[int, str], Tensor] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Within it each parametrized tensor is computed once, however often it is used.

    Example: ``with cached(): out = rnn(x)``. Source: ``torch.nn.utils.parametrize.cached``.
    """
    global _cache_depth
    _cache_depth += 1
    try:
        yield
    finally:
        _cache_depth -= 1
        if not _cache_depth:
            _cache.clear()


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, in order, and what they start from: ``original``.

    Where the first parametrization's ``right_inverse`` gives several tensors these are
    ``original0``, ``original1``, ... Calling it computes the tensor.
    Source: ``torch.nn.utils.parametrize.ParametrizationList``.
    """

    def __init__(
        self, modules: Sequence[Module], original: Tensor | Parameter, unsafe: bool = False
    ) -> None:
        if not modules:
            raise ValueError("ParametrizationList: expected one module at least")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        start: Any = original
        with no_grad():
            for each in reversed(self):
                inverse = getattr(each, "right_inverse", None)
                if inverse is None:
                    continue
                try:
                    start = inverse(start)
                except NotImplementedError:
                    continue
        self.is_tensor = isinstance(start, Tensor)
        starts = [start] if self.is_tensor else self._several(start)
        self.ntensors = len(starts)
        for name, each in zip(self._names(), starts):
            self._keep(name, original, each)
        if not unsafe:
            self._check_result(shape, dtype)

    def _several(self, starts: Any) -> list[Tensor]:
        if not isinstance(starts, Sequence) or not all(isinstance(t, Tensor) for t in starts):
            raise ValueError(
                "right_inverse must return a Tensor or a sequence of Tensors, got "
                f"{type(starts).__name__}"
            )
        return list(starts)

    def _names(self) -> list[str]:
        return ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]

    def _keep(self, name: str, original: Tensor, start: Tensor) -> None:
        if isinstance(original, Parameter):
            if self.is_tensor:  # the same object, so that an optimizer still has it
                if start is not original:
                    original.data = start.detach()
                self.register_parameter(name, original)
            else:
                self.register_parameter(name, Parameter(start.detach(), original.requires_grad))
        else:
            self.register_buffer(name, start.detach())

    def _check_result(self, shape: Any, dtype: Any) -> None:
        with no_grad():
            result = self()
        _require_kept(result, shape, dtype)

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the parametrized tensor becomes `value`.

        Raises RuntimeError where a parametrization has no ``right_inverse``.
        """
        with no_grad():
            start: Any = value
            for each in reversed(self):
                if not hasattr(each, "right_inverse"):
                    raise RuntimeError(
                        f"{type(each).__name__} has no right_inverse, which assigning to a "
                        "parametrized tensor needs"
                    )
                start = each.right_inverse(start)
            starts = [start] if self.is_tensor else self._several(start)
            if len(starts) != self.ntensors:
                raise ValueError(
                    f"right_inverse must return {self.ntensors} tensors, got {len(starts)}"
                )
            for name, each in zip(self._names(), starts):
                getattr(self, name).data = each.detach()

    def forward(self) -> Tensor:
        starts = [getattr(self, name) for name in self._names()]
        out = self[0](*starts)
        for each in list(self)[1:]:
            out = each(out)
        return out


def _property(name: str) -> property:
    """The attribute of a module that its parametrizations compute."""

    def get(module: Any) -> Tensor:
        if not _cache_depth:
            return module.parametrizations[name]()
        key = (id(module), name)
        if key not in _cache:
            _cache[key] = module.parametrizations[name]()
        return _cache[key]

    def put(module: Any, value: Tensor) -> None:
        module.parametrizations[name].right_inverse(value)

    return property(get, put)


def _own_class(module: Module) -> None:
    """Give the module a class of its own, which can have properties."""
    kind = type(module)

    def refuse(self: Any, protocol: Any) -> Any:
        raise RuntimeError("a parametrized module cannot be pickled; save its state_dict() instead")

    def copied(self: Any, memo: dict[int, Any]) -> Any:
        other: Any = object.__new__(type(self))
        memo[id(self)] = other
        other.__dict__.update(copy.deepcopy(self.__dict__, memo))
        # A class of its own: what is parametrized later in one is not in the other.
        other.__class__ = type(type(self).__name__, (kind,), dict(vars(type(self))))
        return other

    members = {"__deepcopy__": copied, "__reduce_ex__": refuse, "__module__": kind.__module__}
    module.__class__ = type(f"Parametrized{kind.__name__}", (kind,), members)


def _require_kept(result: Any, shape: Any, dtype: Any) -> None:
    if not isinstance(result, Tensor):
        raise ValueError(
            "register_parametrization: a parametrization must return a Tensor, got "
            f"{type(result).__name__}"
        )
    if result.dtype != dtype or result.shape != shape:
        raise ValueError(
            f"register_parametrization: a parametrization must keep shape {tuple(shape)} and dtype "
            f"{dtype}, got {tuple(result.shape)} and {result.dtype}; pass unsafe=True to allow that"
        )


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Make ``module.tensor_name`` a function of what is trained in its place.

    Reading it calls `parametrization` on ``module.parametrizations.tensor_name.original``;
    assigning to it sets that by the parametrization's ``right_inverse``. Several are chained.
    Raises ValueError where there is no such parameter or buffer, or where shape or dtype change
    and not `unsafe`. Example: ``register_parametrization(linear, "weight", Symmetric())``.
    Source: ``torch.nn.utils.parametrize.register_parametrization``.
    """
    if not isinstance(parametrization, Module):
        raise TypeError(
            "register_parametrization: parametrization must be a Module, got "
            f"{type(parametrization).__name__}"
        )
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        chain = module.parametrizations[tensor_name]
        before = getattr(module, tensor_name)
        if not unsafe:
            _require_kept(parametrization(before), before.shape, before.dtype)
        if hasattr(parametrization, "right_inverse"):
            with no_grad():
                value = parametrization.right_inverse(before)
                if not isinstance(value, Tensor):
                    raise ValueError(
                        "register_parametrization: right_inverse of a parametrization behind "
                        f"another one must return a Tensor, got {type(value).__name__}"
                    )
                chain.right_inverse(value)
        chain.append(parametrization)
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ValueError(
            f"register_parametrization: {type(module).__name__} has no parameter or buffer "
            f"{tensor_name!r}"
        )
    original = getattr(module, tensor_name)
    chain = ParametrizationList([parametrization], original, unsafe=unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        _own_class(module)
        module.parametrizations = ModuleDict()
    setattr(type(module), tensor_name, _property(tensor_name))
    module.parametrizations[tensor_name] = chain
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module has parametrizations, or one of that tensor."""
    chains = module._modules.get("parametrizations")
    if not isinstance(chains, ModuleDict):
        return False
    return len(chains) > 0 if tensor_name is None else tensor_name in chains


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make ``module.tensor_name`` an ordinary parameter or buffer again.

    With its present value, or if not `leave_parametrized` with that of its original. Raises
    ValueError where it is not parametrized, or where several originals could only be left.
    Source: ``torch.nn.utils.parametrize.remove_parametrizations``.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(
            f"remove_parametrizations: {tensor_name!r} of {type(module).__name__} is not "
            "parametrized"
        )
    chain: Any = module.parametrizations[tensor_name]
    if chain.is_tensor:
        tensor = chain.original
        if leave_parametrized:
            with no_grad():
                value = getattr(module, tensor_name).detach().clone()
            tensor.data = value
    elif leave_parametrized:
        wants_grad = any(each.requires_grad for each in chain.parameters(recurse=False))
        with no_grad():
            value = getattr(module, tensor_name).detach().clone()
        tensor = Parameter(value, wants_grad) if chain._parameters else value
    else:
        raise ValueError(
            f"remove_parametrizations: {tensor_name!r} is made of {chain.ntensors} tensors; only "
            "its value can be left"
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    if isinstance(tensor, Parameter):
        module.register_parameter(tensor_name, tensor)
    else:
        module.register_buffer(tensor_name, tensor)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that a module had before it was parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)
