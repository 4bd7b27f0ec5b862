"""PyTorch's file format since 1.6: a zip archive of a pickle and the memory of its storages.

NAME/data.pkl      the object; of tensors only which part of which storage they show
NAME/byteorder     little or big
NAME/data/0 ...    the storages, uncompressed, at multiples of 64 bytes so that they can be mapped
NAME/version       3
"""

from __future__ import annotations

import io
import sys
import zipfile
from typing import IO, Any

import numpy as np

from airi.serialization.pickler import pickled
from airi.serialization.storages import Storage, Storages, StorageType
from airi.serialization.unpickler import unpickled

MAGIC = b"PK"
_ALIGNMENT = 64
_LOCAL_HEADER = 30  # bytes before the name in a zip archive
_PIECE = 1 << 24  # bytes that are read at a time


def write(obj: Any, file: IO[bytes], name: str, protocol: int) -> None:
    """Write `obj` to a file that is open; `name` is the archive's folder."""
    storages = Storages()
    content = pickled(obj, protocol, storages)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, f"{name}/data.pkl", content)
        _add(archive, f"{name}/.format_version", b"1")
        _add(archive, f"{name}/.storage_alignment", str(_ALIGNMENT).encode())
        _add(archive, f"{name}/byteorder", sys.byteorder.encode())
        for reference, memory in storages.blocks:
            _add(archive, f"{name}/data/{reference.key}", memory.view(np.uint8).data)
        _add(archive, f"{name}/version", b"3\n")


def _add(archive: zipfile.ZipFile, name: str, content: Any) -> None:
    entry = zipfile.ZipInfo(name)  # of 1980, so that equal objects make equal files
    entry.file_size = len(content)
    before = archive.fp.tell() + _LOCAL_HEADER + len(name.encode()) + 4  # type: ignore[union-attr]
    padding = -before % _ALIGNMENT
    entry.extra = b"FB" + padding.to_bytes(2, "little") + bytes(padding)
    with archive.open(entry, "w") as file:
        file.write(content)


def read(file: IO[bytes], weights_only: bool, place: Any, mapped: str | None) -> Any:
    """The object of an archive that is open.

    `place` is called with every storage; `mapped` is the path whose memory storages should show
    instead of a copy.
    """
    with zipfile.ZipFile(file) as archive:
        reader = _Reader(archive, place, mapped)
        return unpickled(reader.content("data.pkl"), weights_only, reader.storage)


class _Reader:
    """The storages of an archive, each read once."""

    def __init__(self, archive: zipfile.ZipFile, place: Any, mapped: str | None) -> None:
        self.archive = archive
        self.place = place
        self.mapped = mapped
        self.folder = _folder(archive)
        self.swapped = self._byte_order() != sys.byteorder
        self.storages: dict[str, Storage] = {}

    def content(self, name: str) -> bytearray:
        entry = self._entry(name)
        content = bytearray(entry.file_size)
        self._read_into(entry, content)
        return content

    def storage(self, pid: Any) -> Storage:
        """The storage of a persistent id of the pickle."""
        kind, storage_type, key, location, numel = pid
        if kind != "storage" or not isinstance(storage_type, StorageType):
            raise ValueError(f"{pid!r} is no storage")
        if key not in self.storages:
            array = self._array(self._entry(f"data/{key}"), storage_type.numpy())
            if array.size < numel:
                raise ValueError(f"storage {key} has {array.size} elements of {numel}")
            self.storages[key] = self.place(Storage(array, location))
        return self.storages[key]

    def _array(self, entry: zipfile.ZipInfo, dtype: np.dtype) -> np.ndarray:
        count = entry.file_size // dtype.itemsize
        if self.mapped is not None and not self.swapped and count:
            start = _start(self.archive, entry)
            return np.memmap(self.mapped, dtype, "c", start, (count,)).view(np.ndarray)
        array = np.empty(count, dtype)
        self._read_into(entry, array.view(np.uint8))
        return array.byteswap(inplace=True) if self.swapped else array

    def _entry(self, name: str) -> zipfile.ZipInfo:
        entry = self.archive.getinfo(f"{self.folder}/{name}")
        if entry.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name} is compressed, which torch.save never does")
        if entry.file_size != entry.compress_size or entry.file_size > self._size():
            raise ValueError(f"{name} is larger than the file")
        return entry

    def _size(self) -> int:
        file: Any = self.archive.fp
        at = file.tell()
        size = file.seek(0, io.SEEK_END)
        file.seek(at)
        return size

    def _read_into(self, entry: zipfile.ZipInfo, memory: Any) -> None:
        target = memoryview(memory)
        file: Any
        with self.archive.open(entry) as file:
            at = 0
            while at < len(target):
                count = file.readinto(target[at : at + _PIECE])
                if not count:
                    raise EOFError(f"{entry.filename} ends too early")
                at += count
            file.read(1)  # the end, where the checksum is compared

    def _byte_order(self) -> str:
        if f"{self.folder}/byteorder" not in self.archive.namelist():
            return "little"
        return self.content("byteorder").decode()


def _folder(archive: zipfile.ZipFile) -> str:
    names = archive.namelist()
    for name in names:
        folder, slash, file = name.partition("/")
        if slash and file == "data.pkl":
            if f"{folder}/constants.pkl" in names:
                raise RuntimeError("it is a program of torch.jit.save, not of torch.save")
            return folder
    raise ValueError("it is a zip archive without the data.pkl of torch.save")


def _start(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """Where the content of an entry begins in the file."""
    file: Any = archive.fp
    file.seek(entry.header_offset + _LOCAL_HEADER - 4)
    name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
    return entry.header_offset + _LOCAL_HEADER + name + extra
