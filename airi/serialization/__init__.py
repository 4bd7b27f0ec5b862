"""save and load: tensors, state dicts, modules and plain data in files.

The format is PyTorch's: what `save` writes ``torch.load`` reads, and the other way round, without
PyTorch. A name that ends in ``.safetensors`` means that format.
"""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from airi.device import device
from airi.serialization.allowed import (
    Refused,
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)
from airi.utils.files import replacing

if TYPE_CHECKING:
    from airi.serialization.storages import Storage

# The formats are imported where they are used: `import airi` should be quick.

__all__ = [
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "load",
    "safe_globals",
    "save",
]

_File = str | os.PathLike[str] | IO[bytes]


def save(
    obj: Any,
    f: _File,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write `obj` to the file `f` (a path or an open binary file), in PyTorch's format.

    `obj` may hold tensors, modules, state dicts and plain Python data; tensors that share memory
    share it again when loaded, and views keep their strides. ``torch.load`` reads all but modules
    and blocks, which are airi's own classes. A path is written atomically: an older file is
    replaced only when the new one is whole. A path that ends in ``.safetensors`` takes a dict of
    tensors. `pickle_module` is accepted and has no effect.

    Raises TypeError for what cannot be pickled, RuntimeError for tensors that share memory in two
    dtypes. Example: ``airi.save(model.state_dict(), "model.pt")``. Source: ``torch.save``.
    """
    if not isinstance(f, (str, os.PathLike)):
        if not hasattr(f, "write"):
            raise TypeError(f"save: f must be a path or an open file, got {type(f).__name__}")
        buffer = io.BytesIO()
        _write(obj, buffer, "archive", pickle_protocol, _use_new_zipfile_serialization)
        f.write(buffer.getbuffer())
        return
    path = Path(f)
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"save: the folder of {os.fspath(f)!r} does not exist")
    if path.suffix == ".safetensors":
        from airi.serialization import safetensors

        safetensors.save_file(obj, path)
        return
    with replacing(path) as file:
        _write(obj, file, path.stem, pickle_protocol, _use_new_zipfile_serialization)


def _write(obj: Any, file: IO[bytes], name: str, protocol: int, as_zip: bool) -> None:
    from airi.serialization import stream_format, zip_format

    if as_zip:
        zip_format.write(obj, file, name, protocol)
    else:
        stream_format.write(obj, file, protocol)


def load(
    f: _File,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool = True,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read what `save` or ``torch.save`` wrote; everything comes to the CPU.

    Only tensors, airi's own modules, containers and numbers are let in: a file that names anything
    else raises pickle.UnpicklingError with that name, and nothing of it is run. Your own classes
    are let in after ``airi.serialization.add_safe_globals([Net])``. **weights_only=False lets in
    everything and runs what the file says: only for files that you trust.** It also reads whole
    modules that PyTorch pickled, as airi's modules.

    `map_location` may name the CPU, be a dict of locations or a function (storage, location).
    ``mmap=True`` shows the file's memory instead of reading it. `pickle_module` and further
    arguments are accepted and have no effect. A truncated or damaged file raises RuntimeError.
    Example: ``model.load_state_dict(airi.load("model.pt"))``. Source: ``torch.load``.
    """
    place = _placing(map_location)
    if isinstance(f, (str, os.PathLike)):
        name = os.fspath(f)
        with open(f, "rb") as opened:
            return _read(opened, name, weights_only, place, name if mmap else None)
    if not hasattr(f, "read"):
        raise TypeError(f"load: f must be a path or an open file, got {type(f).__name__}")
    if mmap:
        raise ValueError("load: mmap=True needs a path, not an open file")
    seekable = hasattr(f, "seekable") and f.seekable()
    file = f if seekable else io.BytesIO(f.read())
    return _read(file, "the file", weights_only, place, None)


def _read(file: IO[bytes], name: str, weights_only: bool, place: Any, mapped: str | None) -> Any:
    from airi.serialization import safetensors, stream_format, zip_format

    start = file.read(2)
    if isinstance(start, str):
        raise TypeError("load: the file must be open in binary mode ('rb')")
    file.seek(-len(start), io.SEEK_CUR)
    if not start:
        raise RuntimeError(f"load: {name} is empty")
    try:
        if name.endswith(".safetensors"):
            return safetensors.read(file, name).tensors()
        if start == zip_format.MAGIC:
            return zip_format.read(file, weights_only, place, mapped)
        if start.startswith(stream_format.MAGIC):
            return stream_format.read(file, weights_only, place)
        raise ValueError(f"it begins with {start!r}")
    except (Refused, ImportError, _Misplaced):
        raise
    except Exception as error:
        trusted = not weights_only and not isinstance(error, _DAMAGE)
        if trusted or (isinstance(error, RuntimeError) and str(error).startswith("load:")):
            raise  # the error of a class that the file names
        raise RuntimeError(
            f"load: {name} is truncated, damaged or no file of save: {_said(error)}"
        ) from error


# What the reading of a damaged file may end in, whatever it says.
_DAMAGE = (pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError, OSError)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


class _Misplaced(RuntimeError):
    """`map_location` asks for what is not there."""


def _placing(map_location: Any) -> Callable[[Storage], Storage]:
    """What is done with each storage that was read."""
    from airi.serialization.storages import Storage

    if map_location is None:
        return lambda storage: storage
    if isinstance(map_location, Mapping):
        for source, target in map_location.items():
            device(target if isinstance(target, device) else str(target))
            if not isinstance(source, str):
                raise TypeError(f"load: map_location maps strings, got {source!r}")
        return lambda storage: storage
    if callable(map_location):

        def placed(storage: Storage) -> Storage:
            result = map_location(storage, storage.location)
            if result is not None and not isinstance(result, Storage):
                raise _Misplaced(
                    f"load: map_location must return a storage or None, got {type(result).__name__}"
                )
            return storage if result is None else result

        return placed
    if not isinstance(map_location, str | device):
        kind = type(map_location).__name__
        raise TypeError(
            f"load: map_location must be a device, its name, a dict or a function, got {kind}"
        )
    device(map_location)
    return lambda storage: storage
