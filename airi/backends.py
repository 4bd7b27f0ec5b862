"""Switches of PyTorch's backends that scripts set; none of these backends is here."""

from __future__ import annotations


class _Absent:
    """A backend that is not there; its switches keep what they are set to and do nothing."""

    enabled = False
    benchmark = False
    deterministic = False
    allow_tf32 = False

    def is_available(self) -> bool:
        """False."""
        return False

    def is_built(self) -> bool:
        """False."""
        return False


cudnn = _Absent()
mps = _Absent()
