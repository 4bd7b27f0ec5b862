"""PyTorch's questions about GPUs, answered: there are none. What only tidies up does nothing.

So that ``device = "cuda" if airi.cuda.is_available() else "cpu"`` and its kin run as they are. What
would need a GPU raises RuntimeError. Source: ``torch.cuda``.
"""

from __future__ import annotations

import contextlib
from typing import Any

from airi.cuda import amp

__all__ = [
    "Event",
    "Stream",
    "amp",
    "current_device",
    "current_stream",
    "default_stream",
    "device",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "init",
    "initial_seed",
    "ipc_collect",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "memory_summary",
    "reset_max_memory_allocated",
    "reset_peak_memory_stats",
    "seed",
    "seed_all",
    "set_device",
    "set_rng_state",
    "set_rng_state_all",
    "stream",
    "synchronize",
]


# Answers


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def is_initialized() -> bool:
    """False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False."""
    return False


def memory_allocated(device: Any = None) -> int:
    """0 bytes."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0 bytes."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """0 bytes."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """0 bytes."""
    return 0


def get_rng_state_all() -> list[Any]:
    """An empty list: a state for each GPU."""
    return []


# What tidies up, and what concerns all GPUs


def manual_seed(seed: int) -> None:
    """Nothing: use ``airi.manual_seed``."""


def manual_seed_all(seed: int) -> None:
    """Nothing: use ``airi.manual_seed``."""


def seed() -> None:
    """Nothing: use ``airi.seed``."""


def seed_all() -> None:
    """Nothing: use ``airi.seed``."""


def set_rng_state_all(new_states: Any) -> None:
    """Nothing; RuntimeError where there is a state for a GPU."""
    if len(new_states):
        raise _no_gpu("set_rng_state_all")


def empty_cache() -> None:
    """Nothing."""


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing."""


def reset_max_memory_allocated(device: Any = None) -> None:
    """Nothing."""


class device(contextlib.nullcontext[None]):
    """``with device(0):`` changes nothing, as in PyTorch without GPUs."""

    def __init__(self, device: Any) -> None:
        super().__init__()


def stream(stream: Any) -> contextlib.nullcontext[None]:
    """``with stream(None):`` changes nothing, as in PyTorch without GPUs."""
    return contextlib.nullcontext()


# What needs a GPU


def _no_gpu(function: str) -> RuntimeError:
    return RuntimeError(f"cuda.{function}: airi computes on the CPU, there is no GPU")


class Stream:
    """Raises RuntimeError: there is no GPU."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise _no_gpu("Stream")


class Event:
    """Raises RuntimeError: there is no GPU."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise _no_gpu("Event")


def synchronize(device: Any = None) -> None:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("synchronize")


def init() -> None:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("init")


def set_device(device: Any) -> None:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("set_device")


def current_device() -> int:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("current_device")


def current_stream(device: Any = None) -> Any:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("current_stream")


def default_stream(device: Any = None) -> Any:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("default_stream")


def get_device_name(device: Any = None) -> str:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("get_device_name")


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("get_device_capability")


def get_device_properties(device: Any = None) -> Any:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("get_device_properties")


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("mem_get_info")


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("memory_summary")


def ipc_collect() -> None:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("ipc_collect")


def get_rng_state(device: Any = "cuda") -> Any:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("get_rng_state")


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("set_rng_state")


def initial_seed() -> int:
    """Raises RuntimeError: there is no GPU."""
    raise _no_gpu("initial_seed")
