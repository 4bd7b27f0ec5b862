"""Intel's GPUs, which airi does not use. Source: ``torch.xpu``."""

__all__ = ["device_count", "is_available", "manual_seed", "manual_seed_all"]


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: use ``airi.manual_seed``."""


def manual_seed_all(seed: int) -> None:
    """Nothing: use ``airi.manual_seed``."""
