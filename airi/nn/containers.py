"""Containers: modules and parameters in a row, or by name."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Self

from airi.nn.module import Module, arranged, indented
from airi.nn.parameter import Parameter
from airi.tensor import Tensor


class _Row(Module):
    """Modules by position: what Sequential and ModuleList have in common."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __contains__(self, module: object) -> bool:
        return any(module is each for each in self)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._part(index)
        return self._modules[self._key(index)]

    def _part(self, index: slice) -> Self:
        kind: Any = type(self)  # the subclasses are made of their modules
        return kind(list(self)[index])

    def __setitem__(self, index: int, module: Module) -> None:
        if isinstance(index, slice):
            kind = type(self).__name__
            raise TypeError(f"{kind}: assign to one position at a time, not to a slice")
        setattr(self, self._key(index), module)

    def __delitem__(self, index: int | slice) -> None:
        keys = list(self._modules)
        for key in keys[index] if isinstance(index, slice) else [self._key(index)]:
            delattr(self, key)
        self._number(list(self))

    def _key(self, index: int) -> str:
        at = operator.index(index)
        length = len(self)
        if not -length <= at < length:
            kind = type(self).__name__
            raise IndexError(f"{kind}: index {at} is out of range, it has {length} modules")
        return next(islice(self._modules, at % length, None))

    def _number(self, modules: list[Module]) -> None:
        """Hold these modules, named 0, 1, 2, ..."""
        self._modules.clear()
        for number, module in enumerate(modules):
            self.register_module(str(number), module)

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.register_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several modules at the end."""
        if not isinstance(modules, Iterable):
            kind = type(self).__name__
            raise TypeError(f"{kind}.extend: expected modules, got {type(modules).__name__}")
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before position `index`."""
        if not isinstance(module, Module):
            kind = type(self).__name__
            raise TypeError(f"{kind}.insert: expected a Module, got {type(module).__name__}")
        if not -len(self) <= index <= len(self):
            kind = type(self).__name__
            raise IndexError(f"{kind}.insert: index {index} is out of range, it has {len(self)}")
        modules = list(self)
        modules.insert(index, module)
        self._number(modules)
        return self

    def pop(self, index: int | slice = -1) -> Any:
        """Take out and return the module at `index`."""
        module = self[index]
        del self[index]
        return module

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)


class Sequential(_Row):
    """Modules called one after the other, each with the result of the one before.

    Takes modules, or an OrderedDict that names them. Can be indexed, sliced, joined with ``+``.
    Example: ``nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))``.
    Source: ``torch.nn.Sequential``.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], (list, tuple)):
            kind = type(args[0]).__name__
            raise TypeError(
                f"Sequential: expected modules, got a {kind} of them; write Sequential(*modules)"
            )
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.register_module(name, module)
        else:
            self._number(list(args))

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input

    def _part(self, index: slice) -> Self:
        return type(self)(dict(list(self._modules.items())[index]))

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            kind = type(other).__name__
            raise ValueError(f"Sequential: only another Sequential can be added, not {kind}")
        return Sequential(*self, *other)

    def __mul__(self, times: int) -> Sequential:
        if not isinstance(times, int) or times <= 0:
            raise ValueError(f"Sequential: can be repeated a positive number of times, not {times}")
        return Sequential(*(list(self) * times))

    __rmul__ = __mul__


class ModuleList(_Row):
    """A list of modules, which are thereby part of the module that has the list.

    Example: ``self.blocks = nn.ModuleList([Block() for _ in range(4)])``.
    Source: ``torch.nn.ModuleList``.
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(chain(self, other))

    def __repr__(self) -> str:
        """As other modules, with equal neighbours written once: ``(0-3): 4 x Linear(...)``."""
        runs: list[tuple[int, int, str]] = []
        for number, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], number, text)
            else:
                runs.append((number, number, text))
        lines = []
        for first, last, text in runs:
            place = f"({first})" if first == last else f"({first}-{last}): {last - first + 1} x"
            colon = ":" if first == last else ""
            lines.append(f"{place}{colon} {indented(text)}")
        return f"{type(self).__name__}({arranged('', lines)})"


class ModuleDict(Module):
    """A dict of modules, which are thereby part of the module that has the dict.

    Keeps the order of insertion. Example: ``nn.ModuleDict({"relu": nn.ReLU()})["relu"]``.
    Source: ``torch.nn.ModuleDict``.
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[Any] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.register_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take out all modules."""
        self._modules.clear()

    def pop(self, key: str) -> Any:
        """Take out and return a module."""
        return self._modules.pop(key)

    def keys(self) -> Iterable[str]:
        return self._modules.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        return self._modules.items()

    def values(self) -> Iterable[Any]:
        return self._modules.values()

    def update(self, modules: Mapping[str, Module] | Iterable[Any]) -> None:
        """Add modules by name from a dict, a ModuleDict or pairs; equal names are replaced."""
        for key, module in _pairs(self, modules):
            self[key] = module


class ParameterList(Module):
    """A list of parameters, which are thereby part of the module that has the list.

    Tensors in it become Parameters. Example: ``nn.ParameterList([airi.zeros(3), airi.ones(2)])``.
    Source: ``torch.nn.ParameterList``.
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _key(self, index: int) -> str:
        at = operator.index(index)
        if not -len(self) <= at < len(self):
            raise IndexError(f"ParameterList: index {at} is out of range, it has {len(self)}")
        return str(at % len(self))

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, self._key(index))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._key(index), _parameter(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (self[at] for at in range(len(self)))

    def append(self, value: Any) -> Self:
        """Add a parameter at the end."""
        setattr(self, str(self._size), _parameter(value))
        self._size += 1
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add several parameters at the end."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            kind = type(values).__name__
            raise TypeError(f"ParameterList.extend: expected a list of parameters, got {kind}")
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def extra_repr(self) -> str:
        return "\n".join(f"({at}): {_summary(value)}" for at, value in enumerate(self))

    def __repr__(self) -> str:
        return _repr_of_values(self)


class ParameterDict(Module):
    """A dict of parameters, which are thereby part of the module that has the dict.

    Tensors in it become Parameters. Example: ``nn.ParameterDict({"scale": airi.ones(3)})``.
    Source: ``torch.nn.ParameterDict``.
    """

    def __init__(self, parameters: Mapping[str, Any] | Iterable[Any] | None = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        self._check(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(f"ParameterDict: a name must be a string, got {type(key).__name__}")
        if key not in self._keys and hasattr(self, key):
            raise KeyError(f"ParameterDict: {key!r} is a name of its own; choose another")
        setattr(self, key, _parameter(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        self._check(key)
        delattr(self, key)
        del self._keys[key]

    def _check(self, key: str) -> None:
        if key not in self._keys:
            raise KeyError(key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __or__(self, other: Mapping[str, Any] | ParameterDict) -> ParameterDict:
        result = self.copy()
        result.update(other)
        return result

    def __ior__(self, other: Mapping[str, Any] | ParameterDict) -> Self:
        self.update(other)
        return self

    def copy(self) -> ParameterDict:
        """Another dict with the same parameters."""
        return ParameterDict(dict(self.items()))

    def get(self, key: str, default: Any = None) -> Any:
        """The parameter of that name, or `default`."""
        return self[key] if key in self._keys else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The parameter of that name, which is `default` if there was none."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Any:
        """Take out and return a parameter."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take out and return the last pair."""
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def clear(self) -> None:
        """Take out all parameters."""
        for key in list(self._keys):
            del self[key]

    def keys(self) -> Iterable[str]:
        return self._keys.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        return ((key, self[key]) for key in self._keys)

    def values(self) -> Iterable[Any]:
        return (self[key] for key in self._keys)

    def update(self, parameters: Mapping[str, Any] | Iterable[Any]) -> None:
        """Add parameters by name from a dict, a ParameterDict or pairs."""
        for key, value in _pairs(self, parameters):
            self[key] = value

    def extra_repr(self) -> str:
        return "\n".join(f"({key}): {_summary(value)}" for key, value in self.items())

    def __repr__(self) -> str:
        return _repr_of_values(self)


def _parameter(value: Any) -> Any:
    return Parameter(value) if type(value) is Tensor else value


def _pairs(container: Module, given: Any) -> list[tuple[str, Any]]:
    if hasattr(given, "keys") and hasattr(given, "items"):
        return list(given.items())
    if not isinstance(given, Iterable):
        kind, got = type(container).__name__, type(given).__name__
        raise TypeError(f"{kind}: expected a dict or pairs of name and value, got {got}")
    pairs = [tuple(each) for each in given]
    for each in pairs:
        if len(each) != 2:
            kind = type(container).__name__
            raise ValueError(f"{kind}: expected pairs of name and value, got {len(each)} items")
    return pairs


def _summary(value: Any) -> str:
    if isinstance(value, Tensor):
        kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
        sizes = "x".join(map(str, value.shape))
        return f"{kind} containing: [{value.dtype} of size {sizes}]"
    if isinstance(value, Module):
        return indented(repr(value))
    return f"Object of type: {type(value).__name__}"


def _repr_of_values(container: ParameterList | ParameterDict) -> str:
    lines = container.extra_repr().split("\n") if len(container) else []
    return f"{type(container).__name__}({arranged('', lines)})"


class DataParallel(Module):
    """The module itself, under the name `module`: there are no GPUs to spread a batch over.

    Its state dict has the keys that one of PyTorch's has. RuntimeError for `device_ids` other than
    an empty list or None. Source: ``torch.nn.DataParallel``.

    Example: ``nn.DataParallel(model)(x)``.
    """

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        if device_ids:
            raise RuntimeError(f"DataParallel: airi has no GPUs, got device_ids={device_ids}")
        self.module = module
        self.device_ids: list[int] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)
