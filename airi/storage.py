"""The memory under tensors: what a tensor and its views share.

Source: ``torch.UntypedStorage``, ``torch.TypedStorage``.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

from airi import dtypes

__all__ = ["TypedStorage", "UntypedStorage", "is_storage"]


def whole(array: np.ndarray) -> np.ndarray:
    """The array whose memory this one shows part of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _flat(array: np.ndarray) -> np.ndarray:
    """The elements in the order of memory, without a copy."""
    root = whole(array)
    if root.flags.c_contiguous:
        return root.reshape(-1)
    if root.flags.f_contiguous:
        return root.T.reshape(-1)
    raise RuntimeError("storage: this memory was given by NumPy with gaps between its elements")


class _Storage:
    """The elements of some memory as one row."""

    def __init__(self, row: np.ndarray) -> None:
        self._row = row

    def size(self) -> int:
        """The number of elements."""
        return self._row.size

    def __len__(self) -> int:
        return self._row.size

    def nbytes(self) -> int:
        """The number of bytes."""
        return self._row.nbytes

    def data_ptr(self) -> int:
        """The address of the first byte: equal for tensors that share their memory."""
        return self._row.ctypes.data

    def element_size(self) -> int:
        """The bytes of one element."""
        return self._row.itemsize

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return self._row.tolist()

    def is_shared(self) -> bool:
        """Whether processes started by fork share it, see ``Tensor.share_memory_``."""
        return is_shared(self._row)

    def __getitem__(self, at: Any) -> Any:
        part = self._row[at]
        return type(self)(part) if isinstance(part, np.ndarray) else part.item()

    def __setitem__(self, at: Any, value: Any) -> None:
        self._row[at] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())


class TypedStorage(_Storage):
    """What ``tensor.storage()`` returns: the elements of the memory that the tensor shows part of.

    Writing to it is not noticed by backward.
    """

    @classmethod
    def of(cls, array: np.ndarray) -> TypedStorage:
        return cls(_flat(array))

    @property
    def dtype(self) -> dtypes.dtype:
        return dtypes.of(self._row.dtype)

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self._row.view(np.uint8))

    def __repr__(self) -> str:
        lines = "\n".join(f" {each}" for each in self.tolist())
        return f"{lines}\n[airi.TypedStorage of {self.dtype}, size {self.size()}]"


class UntypedStorage(_Storage):
    """What ``tensor.untyped_storage()`` returns: the bytes of that memory."""

    @classmethod
    def of(cls, array: np.ndarray) -> UntypedStorage:
        return cls(_flat(array).view(np.uint8))

    def __repr__(self) -> str:
        return f"[airi.UntypedStorage of {self.size()} bytes]"


def is_storage(obj: Any) -> bool:
    """Whether `obj` is a storage. Source: ``torch.is_storage``."""
    return isinstance(obj, _Storage)


def shared_copy(array: np.ndarray) -> np.ndarray:
    """The same values in memory that child processes started by fork share with their parent."""
    memory = mmap.mmap(-1, max(array.nbytes, 1))
    copy = np.frombuffer(memory, array.dtype, array.size).reshape(array.shape)
    copy[...] = array
    return copy


def is_shared(array: np.ndarray) -> bool:
    """Whether the memory is that of `shared_copy`."""
    base = whole(array).base
    return isinstance(base.obj if isinstance(base, memoryview) else base, mmap.mmap)
