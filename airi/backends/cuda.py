"""Switches of computing on NVIDIA's GPUs; there are none here."""

from __future__ import annotations


class _Matmul:
    """Switches of matrix products."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True


matmul = _Matmul()


def is_built() -> bool:
    """False."""
    return False


class _Attention:
    """Which of the ways to compute attention may be chosen."""

    flash = True
    mem_efficient = True
    math = True
    cudnn = True


_attention = _Attention()


def enable_flash_sdp(enabled: bool) -> None:
    """Keeps the switch; airi has one way to compute attention."""
    _attention.flash = bool(enabled)


def flash_sdp_enabled() -> bool:
    """What `enable_flash_sdp` was given last."""
    return _attention.flash


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Keeps the switch; airi has one way to compute attention."""
    _attention.mem_efficient = bool(enabled)


def mem_efficient_sdp_enabled() -> bool:
    """What `enable_mem_efficient_sdp` was given last."""
    return _attention.mem_efficient


def enable_math_sdp(enabled: bool) -> None:
    """Keeps the switch; airi has one way to compute attention."""
    _attention.math = bool(enabled)


def math_sdp_enabled() -> bool:
    """What `enable_math_sdp` was given last."""
    return _attention.math


def enable_cudnn_sdp(enabled: bool) -> None:
    """Keeps the switch; airi has one way to compute attention."""
    _attention.cudnn = bool(enabled)


def cudnn_sdp_enabled() -> bool:
    """What `enable_cudnn_sdp` was given last."""
    return _attention.cudnn
