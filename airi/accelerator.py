"""Whether there is a device faster than the CPU: no. Source: ``torch.accelerator``."""

from __future__ import annotations

from typing import Any

__all__ = ["current_accelerator", "device_count", "is_available", "synchronize"]


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def current_accelerator(check_available: bool = False) -> Any:
    """None."""
    return None


def synchronize(device: Any = None) -> None:
    """Raises RuntimeError: there is no accelerator."""
    raise RuntimeError("accelerator.synchronize: airi computes on the CPU")
