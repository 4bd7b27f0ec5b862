"""PyTorch's modules, provided by airi: ``import torch.nn.functional as F`` after `install`.

A module named ``torch...`` is a stand-in: it looks its names up in one or more modules of airi when
they are asked for. airi's own modules stay as they are.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Sequence
from functools import cache
from types import ModuleType
from typing import Any

from airi.compat import names

# Where airi keeps what PyTorch has in a module of another name; the first that has a name counts.
_ELSEWHERE: dict[str, tuple[str, ...]] = {
    "torch._tensor": ("airi",),
    "torch._utils": ("airi.serialization.pickled_names",),
    "torch.autograd.variable": ("airi.autograd", "airi"),
    "torch.nn.modules": ("airi.nn",),
    "torch.nn.modules.batchnorm": ("airi.nn.normalization", "airi.nn"),
    "torch.nn.modules.container": ("airi.nn",),
    "torch.nn.modules.utils": ("airi.nn.sizes",),
    "torch.nn.utils.clip_grad": ("airi.nn.utils",),
    "torch.storage": ("airi.serialization.pickled_names",),
    "torch.version": ("airi.compat.version",),
}
# Compiled against PyTorch itself, so that no other torch can stand in for it.
_BUILT_ON_TORCH = ("torchaudio", "torchtext", "torchvision")


def airi_names(torch_module: str) -> tuple[str, ...]:
    """The modules of airi that provide a module of PyTorch; none where airi has nothing of it."""
    if torch_module == "torch":
        return ("airi",)
    if torch_module in _ELSEWHERE:
        return _ELSEWHERE[torch_module]
    own = "airi" + torch_module.removeprefix("torch")
    if torch_module.startswith("torch.nn.modules."):
        own = own.replace(".modules", "")
        return (own, "airi.nn") if _exists(own) else ("airi.nn",)
    if not names.is_module(torch_module) or not _exists(own):
        parent = torch_module.rpartition(".")[0]
        is_inner = names.is_module(torch_module) and parent != "torch"
        return airi_names(parent) if is_inner else ()
    return (own,)


@cache
def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


# The import system


class _StandIn(ModuleType):
    """A module of PyTorch's name whose names are airi's."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"{name}, provided by airi")
        self.__path__: list[str] = []  # it may have submodules
        homes = [importlib.import_module(each) for each in airi_names(name)]
        self.__dict__["_homes"] = homes

    def __getattr__(self, name: str) -> Any:
        inner = f"{self.__name__}.{name}"
        if airi_names(inner) and not _is_value(self._homes, name):
            return importlib.import_module(inner)
        for home in self._homes:
            try:
                return getattr(home, name)
            except AttributeError:
                continue
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        where = f"{self.__name__}, provided by airi,"
        text = names.missing(where, self.__name__, name, dir(self))
        raise AttributeError(text, name=name, obj=None)

    def __dir__(self) -> Iterable[str]:
        return sorted({name for home in self._homes for name in dir(home)})

    @property
    def __all__(self) -> list[str]:
        found = {n for home in self._homes for n in getattr(home, "__all__", dir(home))}
        return sorted(name for name in found if not name.startswith("_"))


def _is_value(homes: Sequence[ModuleType], name: str) -> bool:
    """Whether airi has something of that name that is not a module."""
    return any(not isinstance(vars(home).get(name, home), ModuleType) for home in homes)
