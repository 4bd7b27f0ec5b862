"""``torch.distributed`` of a PyTorch built without it: one process, which can be asked for.

Programs ask whether there are others before they talk to them; there are none.
Source: ``torch.distributed``.
"""

from __future__ import annotations

__all__ = [
    "is_available",
    "is_backend_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
    "is_ucc_available",
]


def is_available() -> bool:
    """Whether training on several processes is supported: False.

    Source: ``torch.distributed.is_available``.
    """
    return False


def is_initialized() -> bool:
    """Whether there is a group of processes: False.

    Source: ``torch.distributed.is_initialized``.
    """
    return False


def is_torchelastic_launched() -> bool:
    """False. Source: ``torch.distributed.is_torchelastic_launched``."""
    return False


def is_backend_available(backend: str) -> bool:
    """False for each. Source: ``torch.distributed.is_backend_available``."""
    return False


def is_gloo_available() -> bool:
    """False. Source: ``torch.distributed.is_gloo_available``."""
    return False


def is_mpi_available() -> bool:
    """False. Source: ``torch.distributed.is_mpi_available``."""
    return False


def is_nccl_available() -> bool:
    """False. Source: ``torch.distributed.is_nccl_available``."""
    return False


def is_ucc_available() -> bool:
    """False. Source: ``torch.distributed.is_ucc_available``."""
    return False
