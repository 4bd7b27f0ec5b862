"""PyTorch's names for how tensors lie in memory; scripts pass them on, airi ignores them."""

from __future__ import annotations

from airi import spelling

__all__ = [
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "layout",
    "memory_format",
    "preserve_format",
    "sparse_coo",
    "strided",
]


class _Label:
    """One of the named choices of an option."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"{spelling.own_name}.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class memory_format(_Label):
    """The order of the elements in memory. Source: ``torch.memory_format``."""

    __slots__ = ()


class layout(_Label):
    """How the elements are stored: strided, or sparse. Source: ``torch.layout``."""

    __slots__ = ()


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
strided = layout("strided")
sparse_coo = layout("sparse_coo")
