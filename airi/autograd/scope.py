"""Where in the model an operation was recorded: the chain of modules being called."""

from __future__ import annotations

import sys
import weakref
from types import FrameType
from typing import Any


class Scope:
    """One call of a module, inside the call of its parent.

    Only a weak reference to the module is kept, so a recorded graph that a module stores as an
    attribute makes no reference cycle. The name is looked up when somebody asks: a call costs
    nothing for it.
    """

    __slots__ = ("parent", "kind", "_module")

    def __init__(self, module: Any, parent: Scope | None) -> None:
        self.parent = parent
        self.kind = type(module).__name__
        self._module = weakref.ref(module)

    @property
    def module(self) -> Any:
        """The module that was called, or None where it is gone."""
        return self._module()

    @property
    def path(self) -> str:
        """The module's dotted name as seen from the outermost module called, e.g. ``net.conv1``.

        The outermost one is named after its class.
        """
        root = self
        while root.parent is not None:
            root = root.parent
        if root is self:
            return self.kind
        return f"{root.kind}.{self._name_in(root)}"

    def _name_in(self, root: Scope) -> str:
        module, top = self.module, root.module
        if module is not None and top is not None:
            for name, each in top.named_modules():
                if each is module:
                    return name
        assert self.parent is not None
        outer = "" if self.parent is root else self.parent._name_in(root) + "."
        return outer + self.kind  # a module made on the fly, that nobody holds by a name


def user_line() -> str:
    """``file:line`` of the nearest caller outside airi."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] == "airi":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "<unknown>"
