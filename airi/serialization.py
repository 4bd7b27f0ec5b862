"""save and load: tensors, state dicts, modules and plain data in files.

A file is a pickle, read by an unpickler that knows a short list of harmless types and refuses all
else by name, or a ``.safetensors`` file, by the name it is given.
"""

from __future__ import annotations

import collections
import io
import os
import pickle
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import numpy as np

from airi import dtypes
from airi.device import device
from airi.tensor import Size, Tensor, _rebuilt
from airi.utils.files import replacing

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "load", "save"]

_File = str | os.PathLike[str] | IO[bytes]


def save(obj: Any, f: _File, pickle_protocol: int = 5) -> None:
    """Write `obj` to the file `f` (a path or an open binary file).

    `obj` may hold tensors, modules, state dicts and plain Python data. A path is written
    atomically: an older file is replaced only when the new one is whole. A path that ends in
    ``.safetensors`` takes a dict of tensors (extra ``airi[safetensors]``). Raises TypeError for
    what cannot be pickled. Example: ``airi.save(model.state_dict(), "model.airi")``.
    Source: ``torch.save``.
    """
    if isinstance(f, (str, os.PathLike)) and Path(f).suffix == ".safetensors":
        content = _safetensors_bytes(obj)
    else:
        content = _pickled(obj, pickle_protocol)
    if not isinstance(f, (str, os.PathLike)):
        f.write(content)
        return
    if not Path(f).absolute().parent.is_dir():
        raise FileNotFoundError(f"save: the folder of {os.fspath(f)!r} does not exist")
    with replacing(f) as file:
        file.write(content)


def _pickled(obj: Any, protocol: int) -> bytes:
    try:
        return pickle.dumps(obj, protocol)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            f"save: {error}. Save a state_dict() instead of an object with functions or classes "
            "that were defined inside a function"
        ) from error


def load(f: _File, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Read what `save` wrote.

    Only tensors, airi's own modules, containers and numbers are let in: a file that names anything
    else raises pickle.UnpicklingError with that name. Your own module classes are let in after
    ``airi.serialization.add_safe_globals([Net])``; ``weights_only=False`` lets in everything and
    runs what the file says: only for files that you trust. A truncated or damaged file raises
    RuntimeError. `map_location` may only be the CPU. Example:
    ``model.load_state_dict(airi.load("model.airi"))``. Source: ``torch.load``.
    """
    if map_location is not None and not callable(map_location) and map_location != {}:
        device(map_location)
    if not isinstance(f, (str, os.PathLike)):
        return _unpickled(f.read(), "the file", weights_only)
    name = os.fspath(f)
    content = Path(f).read_bytes()
    if Path(f).suffix == ".safetensors":
        return _safetensors_tensors(content, name)
    return _unpickled(content, name, weights_only)


def _unpickled(content: bytes, name: str, weights_only: bool) -> Any:
    if not content:
        raise RuntimeError(f"load: {name} is empty")
    if content.startswith(b"PK\x03\x04"):
        raise RuntimeError(
            f"load: {name} is a zip file, as PyTorch writes them; airi reads its own pickle files "
            "and .safetensors: save the state_dict as safetensors in PyTorch"
        )
    reader = (_SafeUnpickler if weights_only else pickle.Unpickler)(io.BytesIO(content))
    try:
        return reader.load()
    except _Refused:
        raise
    except (pickle.UnpicklingError, EOFError) as error:
        raise RuntimeError(
            f"load: {name} is truncated or is no file of airi.save: {error}"
        ) from error
    except (
        ValueError, KeyError, IndexError, TypeError, AttributeError, MemoryError, OverflowError
    ) as error:  # fmt: skip
        raise RuntimeError(
            f"load: {name} is damaged or is no file of airi.save: {error}"
        ) from error


# The safe list.


class _Refused(pickle.UnpicklingError):
    """The file asked for something that is not on the safe list."""


_HARMLESS = (bytearray, complex, dict, frozenset, list, range, set, slice, tuple)
_BUILTINS = {each.__name__: each for each in _HARMLESS}
# How arrays come back, under the module names of NumPy 1 and 2. (NumPy's stubs lack these.)
_NUMPY = {
    "ndarray": np.ndarray,
    "dtype": np.dtype,
    "_reconstruct": np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
    "scalar": np._core.multiarray.scalar,  # type: ignore[attr-defined]
    "_frombuffer": np._core.numeric._frombuffer,  # type: ignore[attr-defined]
}
_OWN = {
    ("airi.tensor", "_rebuilt"): _rebuilt,
    ("airi.tensor", "Tensor"): Tensor,
    ("airi.tensor", "Size"): Size,
    ("airi.device", "device"): device,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("collections", "defaultdict"): collections.defaultdict,
    ("collections", "Counter"): collections.Counter,
    ("_codecs", "encode"): lambda text, encoding: _encode(text, encoding),
}
_allowed_by_user: dict[tuple[str, str], Any] = {}


def _encode(text: str, encoding: str) -> bytes:
    """What old pickle protocols write bytes with."""
    if encoding != "latin1":
        raise _Refused(f"load: encoding {encoding!r} is not expected in a pickle of bytes")
    return text.encode("latin1")


class _SafeUnpickler(pickle.Unpickler):
    """Finds only what is on the safe list; the rest is refused before it is imported."""

    def find_class(self, module: str, name: str) -> Any:
        found = _find_safe(module, name)
        if found is None:
            raise _Refused(
                f"load: the file asks for {module}.{name}, which is not on the list of safe "
                "types, so nothing of it was run. If the class is yours, allow it with "
                f"airi.serialization.add_safe_globals([{name}]); if you trust the file, pass "
                "weights_only=False"
            )
        return found


def _find_safe(module: str, name: str) -> Any:
    if (module, name) in _allowed_by_user:
        return _allowed_by_user[module, name]
    if module == "builtins":
        return _BUILTINS.get(name)
    if module.split(".")[0] == "numpy":
        return _NUMPY.get(name) or _numpy_dtype_class(module, name)
    if module == "airi.dtypes":
        return next((each for each in dtypes.ALL if each._name == name), None)
    return _OWN.get((module, name)) or _module_class(module, name)


def _numpy_dtype_class(module: str, name: str) -> Any:
    """NumPy's dtype classes, e.g. ``numpy.dtypes.Float32DType``."""
    return getattr(np.dtypes, name, None) if module == "numpy.dtypes" else None


def _module_class(module: str, name: str) -> Any:
    """A Module or Parameter class of airi.nn, or a block of airi.layers."""
    home: ModuleType
    kinds: tuple[type, ...]
    if module.startswith("airi.nn."):
        from airi import nn

        home, kinds = nn, (nn.Module, Tensor)
    elif module == "airi.layers":
        from airi import layers

        home, kinds = layers, (layers.AiriLayer,)
    else:
        return None
    found = getattr(home, name, None)
    if isinstance(found, type) and found.__module__ == module and issubclass(found, kinds):
        return found
    return None


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Let `load` make objects of these classes.

    Source: ``torch.serialization.add_safe_globals``.
    """
    for each in safe_globals:
        if not isinstance(each, type) and not callable(each):
            raise TypeError(f"add_safe_globals: expected classes or functions, got {each!r}")
        _allowed_by_user[each.__module__, each.__qualname__] = each


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` has added."""
    return list(_allowed_by_user.values())


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` has added."""
    _allowed_by_user.clear()


# safetensors


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "a .safetensors file needs the package safetensors: pip install 'airi[safetensors]'"
        ) from error
    return safetensors


def _safetensors_bytes(obj: Any) -> bytes:
    named = obj.items() if isinstance(obj, dict) else [("", obj)]
    for key, value in named:
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise TypeError(
                "save: a .safetensors file holds a dict of tensors by name, such as a state_dict; "
                f"got {type(value).__name__} under {key!r}"
            )
    arrays = {key: np.ascontiguousarray(value._array) for key, value in named}
    return _safetensors().numpy.save(arrays)


def _safetensors_tensors(content: bytes, name: str) -> dict[str, Tensor]:
    library = _safetensors()
    try:
        arrays = library.numpy.load(content)
    except library.SafetensorError as error:
        raise RuntimeError(
            f"load: {name} is truncated or is no safetensors file: {error}"
        ) from error
    return {key: _rebuilt(Tensor, array, False) for key, array in arrays.items()}
