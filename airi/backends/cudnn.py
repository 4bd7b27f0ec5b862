"""NVIDIA's library for GPUs: not there. ``cudnn.benchmark = True`` and its kin do nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """False."""
    return False


def version() -> None:
    """None: there is no version of it."""
    return None


@contextlib.contextmanager
def flags(**switches: Any) -> Iterator[None]:
    """``with flags(enabled=False):`` the switches have these values inside, to no effect."""
    before = {name: globals()[name] for name in switches}
    globals().update(switches)
    try:
        yield
    finally:
        globals().update(before)
