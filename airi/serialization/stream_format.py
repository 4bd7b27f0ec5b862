"""PyTorch's file format before 1.6: one pickle after another, then the memory of the storages.

    magic number, protocol version, the writer's sizes of integers   three pickles
    the object                                                       a pickle
    the keys of the storages                                         a pickle
    for each: the number of its elements in 8 bytes, its elements

``torch.save(..., _use_new_zipfile_serialization=False)`` still writes it, and so does pickle itself
for a tensor.
"""

from __future__ import annotations

import io
import pickle
import sys
from typing import IO, Any, Literal

import numpy as np

from airi.serialization.pickler import pickled
from airi.serialization.storages import Storage, Storages, StorageType
from airi.serialization.unpickler import Refused, unpickled

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_SYSTEM = {
    "protocol_version": _PROTOCOL,
    "little_endian": sys.byteorder == "little",
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}
MAGIC = b"\x80"  # every pickle since protocol 2


def write(obj: Any, file: IO[bytes], protocol: int) -> None:
    """Write `obj` to a file that is open."""
    storages = Storages()
    content = pickled(obj, protocol, storages, with_views=True)
    for each in (_MAGIC_NUMBER, _PROTOCOL, _SYSTEM):
        file.write(pickle.dumps(each, protocol))
    file.write(content)
    file.write(pickle.dumps([reference.key for reference, _ in storages.blocks], protocol))
    for reference, memory in storages.blocks:
        file.write(reference.numel.to_bytes(8, sys.byteorder))
        file.write(memory.view(np.uint8).data)


def read(file: IO[bytes], weights_only: bool, place: Any) -> Any:
    """The object of a file that is open; `place` is called with every storage."""
    reader = _Reader(file, place)
    if unpickled(file, True, reader.storage) != _MAGIC_NUMBER:
        raise ValueError("it is a pickle, but not one of torch.save")
    if unpickled(file, True, reader.storage) != _PROTOCOL:
        raise ValueError("it has another version of PyTorch's old format")
    reader.little_endian = unpickled(file, True, reader.storage)["little_endian"]
    result = unpickled(file, weights_only, reader.storage)
    reader.fill(unpickled(file, True, reader.storage))
    return result


class _Reader:
    """The storages of a file: made when the object names them, filled from what follows it."""

    def __init__(self, file: IO[bytes], place: Any) -> None:
        self.file = file
        self.place = place
        self.little_endian = True
        self.storages: dict[str, tuple[Storage, Storage]] = {}
        at = file.tell()
        self.size = file.seek(0, io.SEEK_END)
        file.seek(at)

    def storage(self, pid: Any) -> Storage:
        """The storage of a persistent id of the pickle."""
        kind, storage_type, key, location, numel, *view = pid
        if kind != "storage" or not isinstance(storage_type, StorageType):
            raise ValueError(f"{pid!r} is no storage")
        if view and view[0] is not None:
            raise Refused("load: the file has views of storages, which PyTorch left in 2017")
        if key not in self.storages:
            dtype = storage_type.numpy()
            if not 0 <= numel * dtype.itemsize <= self.size:
                raise ValueError(f"storage {key} is larger than the file")
            storage = Storage(np.zeros(numel, dtype), location)
            self.storages[key] = (storage, self.place(storage))
        return self.storages[key][1]

    def fill(self, keys: Any) -> None:
        """Read the elements of the storages in the file's order."""
        order: Literal["little", "big"] = "little" if self.little_endian else "big"
        for key in keys:
            array = self.storages[key][0].array
            numel = int.from_bytes(self.file.read(8), order)
            if numel != array.size:
                raise ValueError(f"storage {key} has {numel} elements of {array.size}")
            content = self.file.read(array.nbytes)
            if len(content) != array.nbytes:
                raise EOFError(f"storage {key} ends too early")
            array.view(np.uint8)[:] = np.frombuffer(content, np.uint8)
            if order != sys.byteorder:
                array.byteswap(inplace=True)
