"""Settings of PyTorch's that change nothing in airi, kept for those who ask for them again."""

from __future__ import annotations

import warnings

from airi.device import CPU, device

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_default_device",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_warn_always_enabled",
    "set_default_device",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_warn_always",
    "use_deterministic_algorithms",
]

_DEBUG_MODES = {"default": 0, "warn": 1, "error": 2}
_PRECISIONS = ("highest", "high", "medium")


class _Settings:
    deterministic = False
    warn_only = False
    matmul_precision = "highest"
    interop_threads = 1
    warn_always = False


_settings = _Settings()


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Keeps the setting: airi has one algorithm for each op, which gives the same every time.

    Source: ``torch.use_deterministic_algorithms``.
    """
    _settings.deterministic, _settings.warn_only = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was given last."""
    return _settings.deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """The ``warn_only`` that `use_deterministic_algorithms` was given last."""
    return _settings.warn_only


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms` by 0, 1, 2 or "default", "warn", "error".

    Raises RuntimeError for another mode. Source: ``torch.set_deterministic_debug_mode``.
    """
    mode = _DEBUG_MODES.get(debug_mode, debug_mode) if isinstance(debug_mode, str) else debug_mode
    if mode not in (0, 1, 2):
        raise RuntimeError(
            f"set_deterministic_debug_mode: expected one of {[*_DEBUG_MODES]} or 0, 1, 2, got "
            f"{debug_mode!r}"
        )
    use_deterministic_algorithms(mode != 0, warn_only=mode == 1)


def get_deterministic_debug_mode() -> int:
    """The mode as a number. Source: ``torch.get_deterministic_debug_mode``."""
    if not _settings.deterministic:
        return 0
    return 1 if _settings.warn_only else 2


def set_float32_matmul_precision(precision: str) -> None:
    """Keeps "highest", "high" or "medium": airi always computes with the highest.

    Another value warns and is ignored, as in PyTorch.
    Source: ``torch.set_float32_matmul_precision``.
    """
    if precision not in _PRECISIONS:
        warnings.warn(
            f"set_float32_matmul_precision: expected one of {_PRECISIONS}, got {precision!r}",
            stacklevel=2,
        )
        return
    _settings.matmul_precision = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was given last."""
    return _settings.matmul_precision


def set_num_interop_threads(num: int) -> None:
    """Keeps the number: airi runs one op at a time. See `set_num_threads`.

    Raises RuntimeError for a number below 1. Source: ``torch.set_num_interop_threads``.
    """
    if num < 1:
        raise RuntimeError(f"set_num_interop_threads: expected a positive number, got {num}")
    _settings.interop_threads = num


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` was given last."""
    return _settings.interop_threads


def set_flush_denormal(mode: bool) -> bool:
    """False: the setting is not supported here, and numbers near 0 keep their precision.

    Source: ``torch.set_flush_denormal``.
    """
    return False


def set_warn_always(b: bool) -> None:
    """Keeps the setting; Python's own filter decides. Source: ``torch.set_warn_always``."""
    _settings.warn_always = bool(b)


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was given last."""
    return _settings.warn_always


def set_default_device(device: str | device | None) -> None:
    """New tensors are made on the CPU in any case; RuntimeError for another device.

    Source: ``torch.set_default_device``.
    """
    if device is not None:
        _device(device)


def get_default_device() -> device:
    """The CPU. Source: ``torch.get_default_device``."""
    return CPU


_device = device
