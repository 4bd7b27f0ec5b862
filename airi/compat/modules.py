"""PyTorch's modules, provided by airi: ``import torch.nn.functional as F`` after `install`.

A module named ``torch...`` is a stand-in: it looks its names up in one or more modules of airi when
they are asked for. airi's own modules stay as they are.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from airi import spelling
from airi.compat import names

# Where airi keeps what PyTorch has in a module of another name; the first that has a name counts.
_ELSEWHERE: dict[str, tuple[str, ...]] = {
    "safetensors": ("airi.serialization.safetensors",),  # the package makes PyTorch's tensors
    "safetensors.torch": ("airi.serialization.safetensors",),
    "torch._tensor": ("airi.serialization.pickled_names", "airi"),
    "torch._utils": ("airi.serialization.pickled_names",),
    "torch.autograd.variable": ("airi.autograd", "airi"),
    "torch.cuda.amp": ("airi.cuda.amp",),
    "torch.cuda.amp.autocast_mode": ("airi.cuda.amp",),
    "torch.cuda.amp.grad_scaler": ("airi.cuda.amp",),
    "torch.nn.modules": ("airi.nn.modules", "airi.nn"),
    "torch.nn.utils.clip_grad": ("airi.nn.utils",),
    "torch.storage": ("airi.serialization.pickled_names",),
    "torch.torch_version": ("airi.compat.version",),
    "torch.utils._pytree": ("airi.utils._pytree",),
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
    if not names.is_module(torch_module):
        return ()
    own = "airi" + torch_module.removeprefix("torch")
    if _exists(own):
        # PyTorch's files of layers may hold others than airi's.
        return (own, "airi.nn") if torch_module.startswith("torch.nn.modules.") else (own,)
    # PyTorch's file of one part of a package, such as torch.optim.sgd: airi's may be another.
    package = torch_module.rpartition(".")[0]
    return airi_names(package) if package != "torch" else ()


def provides(namespace: str, name: str) -> bool:
    """Whether airi has a public name of a module of PyTorch, or of ``torch.Tensor``."""
    if namespace == "torch.Tensor":
        return hasattr(importlib.import_module("airi").Tensor, name)
    if airi_names(f"{namespace}.{name}"):
        return True
    return any(hasattr(home, name) for home in homes(namespace))


def homes(namespace: str) -> tuple[ModuleType, ...]:
    """The modules of airi that provide a module of PyTorch, imported."""
    return tuple(importlib.import_module(each) for each in airi_names(namespace))


@cache
def _exists(module: str) -> bool:
    try:
        importlib.import_module(module.rpartition(".")[0])
        return module in sys.modules or importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


# The import system


class _StandIn(ModuleType):
    """A module of PyTorch's name whose names are airi's."""

    _homes: tuple[ModuleType, ...] = ()

    def __getattr__(self, name: str) -> Any:
        value = self._find(name)
        self.__dict__[name] = value  # the next time it is there
        return value

    def _find(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        for home in self._homes:
            value = getattr(home, name, _MISSING)
            if value is not _MISSING and not isinstance(value, ModuleType):
                return value
        inner = f"{self.__name__}.{name}"
        if airi_names(inner):
            return importlib.import_module(inner)
        where = f"{self.__name__}, provided by airi,"
        text = names.missing(where, self.__name__, name, dir(self))
        # obj=None keeps Python from adding a suggestion of its own.
        raise AttributeError(text, name=name, obj=None)

    def __dir__(self) -> list[str]:
        return sorted({name for home in self._homes for name in dir(home) if self._has(home, name)})

    @property
    def __all__(self) -> list[str]:
        listed = {n for home in self._homes for n in getattr(home, "__all__", dir(home))}
        return [name for name in dir(self) if name in listed and not name.startswith("_")]

    def _has(self, home: ModuleType, name: str) -> bool:
        """Whether it is a name here too: modules of airi's own, such as airi.viz, are not."""
        is_module = name in getattr(home, "_LAZY", ()) or isinstance(
            vars(home).get(name), ModuleType
        )
        return not is_module or bool(airi_names(f"{self.__name__}.{name}"))


_MISSING = object()


class _Finder(MetaPathFinder, Loader):
    """Finds ``torch`` and everything below it in airi, before PyTorch itself is found."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        top = fullname.partition(".")[0]
        if top in _BUILT_ON_TORCH:
            if _is_plain_python(top):
                return None
            raise ModuleNotFoundError(
                f"{fullname} is built on PyTorch's own binaries and does not run on airi; for "
                "data sets see airi.datasets",
                name=fullname,
            ) from None
        if top not in ("safetensors", "torch"):
            return None
        if not airi_names(fullname):
            # Without name=: `from torch import x` would replace an error that names torch.x.
            raise ModuleNotFoundError(_no_module(fullname)) from None
        return ModuleSpec(fullname, self, origin="airi", is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name, f"{spec.name}, provided by airi")

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["_homes"] = homes(module.__name__)
        if module.__name__ == "torch":
            from airi.compat.version import __version__

            module.__dict__["__version__"] = __version__


def _is_plain_python(package: str) -> bool:
    """Whether the installed package is a script's own of that name, without compiled parts."""
    spec = PathFinder.find_spec(package)
    if spec is None:
        return False
    return not any(
        next(Path(folder).glob(f"*{suffix}"), None)
        for folder in spec.submodule_search_locations or ()
        for suffix in (".so", ".pyd", ".dylib")
    )


def _no_module(name: str) -> str:
    package, _, last = name.rpartition(".")
    known = dir(sys.modules[package]) if package in sys.modules else ()
    return names.missing(f"{package}, provided by airi,", package, last, known)


_finder = _Finder()


def install() -> None:
    """Let ``import torch`` in this process and its workers mean airi.

    RuntimeError where PyTorch was imported already.
    """
    if _finder in sys.meta_path:
        return
    if "torch" in sys.modules:
        raise RuntimeError("airi cannot stand in for PyTorch: torch is imported already")
    sys.meta_path.insert(0, _finder)
    spelling.own_name = "torch"
    _install_in_workers()


def _install_in_workers() -> None:
    """Forked workers have what their parent has; those that start anew import `installed`."""
    from multiprocessing import set_forkserver_preload, spawn

    command_line = spawn.get_command_line

    def with_airi(**options: Any) -> list[str]:
        command = command_line(**options)
        if "-c" not in command:  # a frozen program, which runs itself
            return command
        at = command.index("-c") + 1
        folder = str(Path(__file__).parents[2])
        start = f"import sys; sys.path.append({folder!r}); import airi.compat.installed; "
        return [*command[:at], start + command[at], *command[at + 1 :]]

    spawn.get_command_line = with_airi
    set_forkserver_preload(["airi.compat.installed"])
