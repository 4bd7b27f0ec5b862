"""Memory of large arrays, kept for the next ones: `memory_blocks.h` says why and how.

It is NumPy's allocator (its enhancement proposal 49) for every array that is made after airi was
imported, those of the program too, since they change hands freely. An array goes back where it
came from, whoever drops it and whenever. What is kept is bounded; the environment variable
``AIRI_MEMORY_LIMIT`` sets the bound in bytes at the start, 0 leaves NumPy as it is.

NumPy asks for its allocator by context: threads start with NumPy's own, and so do the cells of
some notebooks. There airi's large kernels set it again (`install`).
"""

from __future__ import annotations

import os

__all__ = ["empty_memory", "memory_stats", "set_memory_limit"]

_GIBIBYTE = 1 << 30
_ALL_ZERO = (
    "used_bytes", "used_blocks", "kept_bytes", "kept_blocks", "peak_bytes", "reused", "mapped",
    "limit",
)  # fmt: skip

try:
    import airi.memory_ext as _compiled
except ImportError:
    _compiled = None

_is_on = False  # whether the limit is above 0


def memory_stats() -> dict[str, int]:
    """What the large arrays (from 64 KiB) of this process use, in bytes and blocks of memory.

    ``used_bytes`` are in arrays, ``kept_bytes`` wait for the next ones (at most ``limit``), their
    sum was at most ``peak_bytes``; ``reused`` arrays got memory that had been kept, for ``mapped``
    ones the system was asked. All are 0 where the extension was not built or is switched off.

    Example:
        >>> airi.memory_stats()["kept_bytes"]
        0
    """
    if _compiled is None:
        return dict.fromkeys(_ALL_ZERO, 0)
    return _compiled.stats()


def set_memory_limit(num_bytes: int) -> None:
    """Keep at most `num_bytes` of released arrays for the next ones; 0 keeps none and is NumPy's.

    The default is an eighth of the machine's memory, at most 1 GiB.

    Raises:
        TypeError: if `num_bytes` is not an int.
        ValueError: if `num_bytes` is negative.

    Example:
        >>> airi.set_memory_limit(256 * 2**20)
    """
    global _is_on
    if not isinstance(num_bytes, int) or isinstance(num_bytes, bool):
        raise TypeError(
            f"set_memory_limit: num_bytes must be an int, got {type(num_bytes).__name__}"
        )
    if num_bytes < 0:
        raise ValueError(f"set_memory_limit: num_bytes must not be negative, got {num_bytes}")
    if _compiled is not None:
        _compiled.set_limit(min(num_bytes, 2**62))
        _is_on = num_bytes > 0
        install()


def empty_memory() -> None:
    """Give the memory that is kept for the next arrays back to the system."""
    if _compiled is not None:
        _compiled.empty()


def install() -> None:
    """Have this context's arrays made with memory that is kept, where that is switched on."""
    if _is_on:
        _compiled.install()


def _limit_at_start() -> int:
    asked = os.environ.get("AIRI_MEMORY_LIMIT", "").strip()
    if asked.isdecimal():
        return int(asked)
    try:
        installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on every system
        return _GIBIBYTE // 4
    return min(installed // 8, _GIBIBYTE)


set_memory_limit(_limit_at_start())
