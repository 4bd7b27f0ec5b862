"""The safetensors format: tensors by name and nothing else, without a pickle.

    8 bytes   the length of the header
    header    JSON: for each tensor its dtype, shape and place; under __metadata__ strings by name
    the rest  the elements, row by row

`save_file`, `load_file` and `safe_open` have the names and arguments of the package safetensors;
that is not needed. Source: https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import wrap
from airi.device import device as device_type
from airi.tensor import Tensor
from airi.utils.files import replacing

__all__ = ["load", "load_file", "safe_open", "save", "save_file"]

_NAMES = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
    "complex64": "C64",
}
_DTYPES = {short: name for name, short in _NAMES.items()}
_ALIGNMENT = 8


def save(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """The tensors as a safetensors file's content.

    TypeError for what is no dict of tensors, or metadata that is no dict of strings.
    Source: ``safetensors.torch.save``.
    """
    header: dict[str, Any] = {}
    if metadata is not None:
        if not all(isinstance(each, str) for pair in metadata.items() for each in pair):
            raise TypeError("save: metadata of a safetensors file must be strings by name")
        header["__metadata__"] = dict(metadata)
    content = []
    end = 0
    for name, tensor in _largest_items_first(_checked(tensors)):
        array = np.ascontiguousarray(tensor._array)
        begin, end = end, end + array.nbytes
        header[name] = {
            "dtype": _NAMES[tensor.dtype._name],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
        content.append(array.reshape(-1).view(np.uint8).tobytes())
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return b"".join([len(text).to_bytes(8, "little"), text, *content])


def _checked(tensors: Any) -> Mapping[str, Tensor]:
    if not isinstance(tensors, Mapping):
        kind = type(tensors).__name__
        raise TypeError(f"save: a .safetensors file holds a dict of tensors by name, got {kind}")
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise TypeError(
                "save: a .safetensors file holds a dict of tensors by name, such as a state_dict; "
                f"got {type(tensor).__name__} under {name!r}"
            )
        if tensor.dtype._name not in _NAMES:
            raise TypeError(f"save: {name!r} is {tensor.dtype}, which safetensors does not have")
    return tensors


def _largest_items_first(tensors: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
    """So that every tensor begins at a multiple of its item size."""
    return sorted(tensors.items(), key=lambda pair: (-pair[1].itemsize, pair[0]))


def save_file(
    tensors: Mapping[str, Tensor],
    filename: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tensors by name to a file, atomically. Source: ``safetensors.torch.save_file``.

    Example: ``save_file(model.state_dict(), "model.safetensors", metadata={"epoch": "3"})``.
    """
    content = save(tensors, metadata)
    with replacing(filename) as file:
        file.write(content)


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors of a safetensors file's content. Source: ``safetensors.torch.load``.

    RuntimeError where it is damaged.
    """
    return _Content(data, "the file").tensors()


def load_file(filename: str | os.PathLike[str], device: Any = "cpu") -> dict[str, Tensor]:
    """The tensors of a file by name. Source: ``safetensors.torch.load_file``.

    RuntimeError where it is damaged, or for a device other than the CPU.
    Example: ``model.load_state_dict(load_file("model.safetensors"))``.
    """
    device_type(device)
    with open(filename, "rb") as file:
        return read(file, os.fspath(filename)).tensors()


def read(file: IO[bytes], name: str) -> _Content:
    """The content of an open file."""
    return _Content(file.read(), name)


class safe_open:
    """A file's tensors one by one: ``with safe_open("model.safetensors", "pt") as file:``.

    ``file.keys()``, ``file.get_tensor(name)``, ``file.metadata()``.
    Source: ``safetensors.safe_open``.
    """

    def __init__(
        self, filename: str | os.PathLike[str], framework: str = "pt", device: Any = "cpu"
    ) -> None:
        if framework not in ("pt", "torch", "pytorch"):
            raise ValueError(f"safe_open: framework must be 'pt', got {framework!r}")
        device_type(device)
        with open(filename, "rb") as file:
            self._content = read(file, os.fspath(filename))

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def keys(self) -> list[str]:
        """The names of the tensors."""
        return sorted(self._content.entries)

    def metadata(self) -> dict[str, str] | None:
        """What was saved beside the tensors."""
        return self._content.metadata

    def get_tensor(self, name: str) -> Tensor:
        """One tensor; KeyError where there is none of that name."""
        if name not in self._content.entries:
            raise KeyError(f"safe_open: there is no tensor {name!r}")
        return self._content.tensor(name)


class _Content:
    """A file in memory whose header was found to be right."""

    def __init__(self, content: bytes, name: str) -> None:
        self.name = name
        try:
            self._read_header(content)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise RuntimeError(
                f"load: {name} is truncated or is no safetensors file: {error}"
            ) from error

    def _read_header(self, content: bytes) -> None:
        start = 8 + int.from_bytes(content[:8], "little")
        if len(content) < max(start, 8):
            raise ValueError(f"the header should end at byte {start} of {len(content)}")
        header = json.loads(content[8:start].decode("utf-8"))
        self.metadata: dict[str, str] | None = header.pop("__metadata__", None)
        self.entries: dict[str, Any] = header
        self.memory = np.frombuffer(content, np.uint8)[start:]
        places = sorted(self._place(name) for name in header)
        end = 0
        for begin, next_end in places:
            if begin != end:
                raise ValueError(f"bytes {end} to {begin} belong to no tensor, or to two")
            end = next_end
        if end != self.memory.size:
            raise ValueError(f"the tensors should end at byte {end} of {self.memory.size}")

    def _place(self, name: str) -> tuple[int, int]:
        entry = self.entries[name]
        begin, end = entry["data_offsets"]
        shape, kind = entry["shape"], entry["dtype"]
        if not all(type(n) is int and n >= 0 for n in (begin, end, *shape)):
            raise ValueError(f"{name!r} has shape {shape} and place {begin, end}")
        if kind in _DTYPES:
            numel = math.prod(shape)
            item = getattr(dtypes, _DTYPES[kind]).itemsize
            if numel * item != end - begin:
                raise ValueError(f"{name!r} has {end - begin} bytes for {numel} of {kind}")
        return begin, end

    def tensor(self, name: str) -> Tensor:
        """One tensor, on memory of its own."""
        entry = self.entries[name]
        kind = entry["dtype"]
        dtype = getattr(dtypes, _DTYPES.get(kind, ""), None)
        if dtype is None:
            raise TypeError(f"load: {name!r} of {self.name} is {kind}, which airi has not")
        begin, end = entry["data_offsets"]
        array = np.empty(entry["shape"], dtype.numpy)
        array.reshape(-1).view(np.uint8)[:] = self.memory[begin:end]
        if sys.byteorder == "big":
            array.byteswap(inplace=True)
        return wrap(array)

    def tensors(self) -> dict[str, Tensor]:
        return {name: self.tensor(name) for name in self.entries}
