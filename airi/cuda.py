"""PyTorch's questions about GPUs, answered: there are none. What only tidies up does nothing.

So that ``device = "cuda" if airi.cuda.is_available() else "cpu"`` and its kin run as they are.
"""

from __future__ import annotations

from typing import Any


def is_available() -> bool:
    """False. Source: ``torch.cuda.is_available``."""
    return False


def device_count() -> int:
    """0. Source: ``torch.cuda.device_count``."""
    return 0


def is_initialized() -> bool:
    """False. Source: ``torch.cuda.is_initialized``."""
    return False


def manual_seed(seed: int) -> None:
    """Nothing: use ``airi.manual_seed``. Source: ``torch.cuda.manual_seed``."""


def manual_seed_all(seed: int) -> None:
    """Nothing: use ``airi.manual_seed``. Source: ``torch.cuda.manual_seed_all``."""


def empty_cache() -> None:
    """Nothing. Source: ``torch.cuda.empty_cache``."""


def memory_allocated(device: Any = None) -> int:
    """0. Source: ``torch.cuda.memory_allocated``."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0. Source: ``torch.cuda.max_memory_allocated``."""
    return 0


def _no_gpu(function: str) -> RuntimeError:
    return RuntimeError(f"cuda.{function}: airi computes on the CPU, there is no GPU")


def synchronize(device: Any = None) -> None:
    """Raises RuntimeError: there is no GPU. Source: ``torch.cuda.synchronize``."""
    raise _no_gpu("synchronize")


def set_device(device: Any) -> None:
    """Raises RuntimeError: there is no GPU. Source: ``torch.cuda.set_device``."""
    raise _no_gpu("set_device")


def current_device() -> int:
    """Raises RuntimeError: there is no GPU. Source: ``torch.cuda.current_device``."""
    raise _no_gpu("current_device")


def get_device_name(device: Any = None) -> str:
    """Raises RuntimeError: there is no GPU. Source: ``torch.cuda.get_device_name``."""
    raise _no_gpu("get_device_name")
