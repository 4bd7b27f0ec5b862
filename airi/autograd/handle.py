"""What registering a hook returns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, ClassVar


class Handle:
    """Returned for a registered hook: ``remove()`` takes the hook away. Usable in ``with``."""

    _keys: ClassVar[Iterator[int]] = itertools.count()

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        if not callable(hook):
            raise TypeError(f"a hook must be callable, got {type(hook).__name__}")
        self._hooks = hooks
        self.id = next(self._keys)
        hooks[self.id] = hook

    def remove(self) -> None:
        self._hooks.pop(self.id, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()
