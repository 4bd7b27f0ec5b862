"""Tensors from and for other libraries, sharing their memory. Source: ``torch.utils.dlpack``."""

from airi.ops.interchange import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]
