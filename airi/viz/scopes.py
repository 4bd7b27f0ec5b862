"""Names of the modules that were being called, for many ops at once."""

from __future__ import annotations

from typing import Any

from airi.autograd.scope import Scope


class ScopeNames:
    """``Scope.path`` for all scopes of a graph; a module's parts are listed once, not each time."""

    def __init__(self) -> None:
        self._names: dict[int, dict[int, str]] = {}
        self._paths: dict[Scope, str] = {}

    def path(self, scope: Scope | None) -> str:
        """``Net.blocks.0.fc``: the outermost module's class, then the name inside it."""
        if scope is None:
            return ""
        if scope not in self._paths:
            top = scope
            while top.parent is not None:
                top = top.parent
            inner = "" if scope is top else f".{self._inner(scope, top)}"
            self._paths[scope] = f"{top.kind}{inner}"
        return self._paths[scope]

    def learn(self, scope: Scope | None) -> None:
        """Look the names up now: the modules may be gone when the picture is wanted."""
        while scope is not None and scope not in self._paths:
            self.path(scope)
            scope = scope.parent

    def _inner(self, scope: Scope, top: Scope) -> str:
        name = self._known(top.module).get(id(scope.module)) if scope.module is not None else None
        if name is not None:
            return name
        assert scope.parent is not None
        outer = "" if scope.parent is top else self._inner(scope.parent, top) + "."
        return outer + scope.kind  # a module made on the fly, that nobody holds by a name

    def _known(self, module: Any) -> dict[int, str]:
        if module is None:
            return {}
        if id(module) not in self._names:
            self._names[id(module)] = {id(each): name for name, each in module.named_modules()}
        return self._names[id(module)]

    def label(self, scope: Scope) -> str:
        """``conv1: Conv2d``, and the class alone for the outermost module."""
        path = self.path(scope)
        name = path.rpartition(".")[2]
        return scope.kind if name == scope.kind else f"{path.partition('.')[2]}: {scope.kind}"


def level(scope: Scope | None) -> int:
    """How many modules are around what is computed in `scope`."""
    count = 0
    while scope is not None:
        scope = scope.parent
        count += 1
    return count
