"""What registering a hook returns. Source: ``torch.utils.hooks``."""

from airi.autograd.graph import Handle as RemovableHandle

__all__ = ["RemovableHandle"]
