"""What users add to the list of names that a file may hold."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

allowed_by_user: dict[tuple[str, str], Any] = {}  # by module and name


class Refused(pickle.UnpicklingError):
    """The file asked for something that is not on the list."""


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Let `load` make objects of these classes.

    Raises TypeError for what is no class or function. Example:
    ``add_safe_globals([Config])``. Source: ``torch.serialization.add_safe_globals``.
    """
    for each in safe_globals:
        if not isinstance(each, type) and not callable(each):
            raise TypeError(f"add_safe_globals: expected classes or functions, got {each!r}")
        allowed_by_user[each.__module__, each.__qualname__] = each


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` has added. Source: ``torch.serialization.get_safe_globals``."""
    return list(allowed_by_user.values())


def clear_safe_globals() -> None:
    """Forget what was added. Source: ``torch.serialization.clear_safe_globals``."""
    allowed_by_user.clear()


@contextmanager
def safe_globals(safe_globals: list[Any]) -> Iterator[None]:
    """`add_safe_globals` for the length of a ``with``. Source: ``torch.serialization``."""
    before = dict(allowed_by_user)
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        allowed_by_user.clear()
        allowed_by_user.update(before)
