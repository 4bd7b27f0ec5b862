"""``airi.signal``: the windows of signal processing, PyTorch's ``torch.signal``."""

from airi.signal import windows

__all__ = ["windows"]
