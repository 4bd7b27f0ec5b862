"""Apple's GPUs, which airi does not use. Source: ``torch.mps``."""

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "synchronize"]


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: use ``airi.manual_seed``."""


def empty_cache() -> None:
    """Raises RuntimeError: there is no such device."""
    raise RuntimeError("mps.empty_cache: airi computes on the CPU")


def synchronize() -> None:
    """Raises RuntimeError: there is no such device."""
    raise RuntimeError("mps.synchronize: airi computes on the CPU")
