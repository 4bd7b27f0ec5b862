"""Reading pickles without running what they say: what a file may name, and what may be called.

A pickle is a program for a small machine: it can name any global of any installed module and call
it. The reader here knows a short list of names; a file that names another one is refused before
anything is imported. What is on the list is called with checked arguments only.
"""

from __future__ import annotations

import _compat_pickle
import collections
import importlib
import io
import pickle
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from airi import dtypes, random
from airi.compat.modules import airi_names
from airi.device import CPU, device
from airi.layout import channels_last, channels_last_3d, contiguous_format, preserve_format, strided
from airi.nn.parameter import Parameter
from airi.serialization import storages
from airi.serialization.allowed import Refused, allowed_by_user
from airi.serialization.storages import Storage, StorageType
from airi.tensor import Size, Tensor

ReadStorage = Callable[[Any], Storage]  # from a persistent id


def unpickled(content: Any, weights_only: bool, read_storage: ReadStorage) -> Any:
    """The object of a pickle: bytes or an open file that is read up to the pickle's end."""
    file = io.BytesIO(content) if isinstance(content, bytes | bytearray) else content
    kind = SafeUnpickler if weights_only else TrustingUnpickler
    return kind(file, read_storage).load()


# What PyTorch's names mean here.


def _device(type: str = "cpu", index: int | None = None) -> device:
    """The device of a file; the CPU for those that are not here."""
    return device(type, index) if str(type).partition(":")[0] == "cpu" else CPU


def _layout(name: str) -> Any:
    if name != "torch.strided":
        raise ValueError(f"airi's tensors are strided; the file has the layout {name!r}")
    return strided


TORCH: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor"): storages.rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): storages.rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v3"): storages.rebuild_tensor_of_bytes,
    ("torch._utils", "_rebuild_parameter"): storages.rebuild_parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): storages.rebuild_parameter_with_state,
    ("torch._tensor", "_rebuild_from_type_v2"): storages.rebuild_from_type,
    ("torch.serialization", "_get_layout"): _layout,
    ("torch", "device"): _device,
    ("torch", "Size"): Size,
    ("torch", "Tensor"): Tensor,
    ("torch.nn.parameter", "Parameter"): Parameter,
    ("torch.storage", "UntypedStorage"): StorageType(None),
}


def _torch(module: str, name: str) -> Any:
    if (module, name) in TORCH:
        return TORCH[module, name]
    if module in ("torch", "torch.cuda") and name in storages.DTYPES:
        return StorageType(storages.DTYPES[name])
    if module == "torch":
        found = getattr(dtypes, name, None)
        return found if isinstance(found, dtypes.dtype) else None
    return None


# The safe list.

_BUILTINS = (bytearray, complex, dict, frozenset, list, range, set, slice, tuple)
# How arrays come back. (NumPy's stubs lack these.)
_RECONSTRUCT = np._core.multiarray._reconstruct  # type: ignore[attr-defined]
_SCALAR = np._core.multiarray.scalar  # type: ignore[attr-defined]
_FROM_BUFFER = np._core.numeric._frombuffer  # type: ignore[attr-defined]
_PLAIN_KINDS = "biufcSU"  # of NumPy's dtypes: all but objects, records and dates


def _numpy_dtype(name: str, align: bool = False, copy: bool = False) -> np.dtype:
    found = np.dtype(str(name), copy=True)  # a copy of its own, since its byte order is set after
    if found.kind not in _PLAIN_KINDS:
        raise Refused(f"load: the file has a NumPy array of {found}, which is not on the safe list")
    return found


def _empty_array(kind: type, shape: Any, typecode: Any) -> np.ndarray:
    if kind is not np.ndarray or shape != (0,):
        raise ValueError("expected an empty array, to be filled by what follows")
    return _RECONSTRUCT(kind, shape, typecode)


def _scalar(dtype: np.dtype, content: bytes) -> Any:
    return _SCALAR(_checked_dtype(dtype), content)


def _array_of_buffer(buffer: bytes, dtype: np.dtype, shape: Any, order: str) -> np.ndarray:
    return _FROM_BUFFER(bytearray(buffer), _checked_dtype(dtype), shape, order)


def _checked_dtype(dtype: Any) -> np.dtype:
    if not isinstance(dtype, np.dtype) or dtype.kind not in _PLAIN_KINDS:
        raise TypeError(f"expected a plain NumPy dtype, got {dtype!r}")
    return dtype


def _encode(text: str, encoding: str) -> bytes:
    """What old pickle protocols write bytes with."""
    if encoding != "latin1":
        raise ValueError(f"encoding {encoding!r} is not expected in a pickle of bytes")
    return text.encode("latin1")


_NUMPY = {
    "ndarray": np.ndarray,
    "dtype": _numpy_dtype,
    "_reconstruct": _empty_array,
    "scalar": _scalar,
    "_frombuffer": _array_of_buffer,
}
_NUMPY_MODULES = ("numpy", "numpy.core.multiarray", "numpy.core.numeric")
_LABELS = (channels_last, channels_last_3d, contiguous_format, preserve_format, strided)
_OTHERS: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("collections", "defaultdict"): collections.defaultdict,
    ("collections", "Counter"): collections.Counter,
    ("_codecs", "encode"): _encode,
    ("airi.random", "_restored"): random._restored,
    **{("airi.layout", each._name): each for each in _LABELS},
}
# Types that are called with a container, a string or numbers, never with something that a file
# can make endless, such as range(10**12).
_OF_CONTAINERS = (
    bytearray,
    collections.Counter,
    collections.OrderedDict,
    frozenset,
    set,
    Size,
)
_OF_ANYTHING = (collections.defaultdict, complex, range, slice)


def _safe(module: str, name: str) -> Any:
    """What a safe file means by a name; None for what is not on the list."""
    if (module, name) in allowed_by_user:
        return allowed_by_user[module, name]
    if module == "builtins":
        return next((each for each in _BUILTINS if each.__name__ == name), None)
    if module.replace("._core", ".core") in _NUMPY_MODULES:
        return _NUMPY.get(name)
    if module == "numpy.dtypes":
        kind = getattr(np.dtypes, name, None)
        plain = isinstance(kind, type) and issubclass(kind, np.dtype)
        return kind if plain else None
    if module == "torch" or module.startswith("torch."):
        return _torch(module, name)
    return _OTHERS.get((module, name)) or _module_class(module, name)


def _module_class(module: str, name: str) -> Any:
    """A Module, Parameter or Buffer class of airi.nn, or a block of airi.layers."""
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


# pickle's own Unpickler in C calls whatever stands on its stack; that in Python can be told what.
# (Its methods are not in the type stubs.)
_PythonUnpickler: Any = pickle._Unpickler


class SafeUnpickler(_PythonUnpickler):
    """Reads a pickle whose every name, call and state is one that is known to be harmless."""

    dispatch: ClassVar[dict[Any, Any]] = dict(_PythonUnpickler.dispatch)

    def __init__(self, file: Any, read_storage: ReadStorage) -> None:
        super().__init__(file, encoding="utf-8")
        self._read_storage = read_storage
        self._found: dict[int, Any] = {}  # what find_class gave out, the only things to be called

    def persistent_load(self, pid: Any) -> Storage:
        return self._read_storage(pid)

    def find_class(self, module: str, name: str) -> Any:
        if self.proto < 3:
            module, name = _renamed_since_python_2(module, name)
        found = _safe(module, name)
        if found is None:
            raise Refused(_refusal(module, name))
        self._found[id(found)] = found
        return found

    def _call(self, function: Any, args: Any) -> Any:
        if id(function) not in self._found or not isinstance(args, tuple):
            raise Refused(f"load: the file calls {function!r}, which is no function on the list")
        if function in _OF_CONTAINERS:
            if not all(isinstance(each, str | bytes | list | tuple | dict) for each in args):
                raise ValueError(f"{function.__name__} is called with {args!r}")
        elif (
            isinstance(function, type)
            and function not in _OF_ANYTHING
            and function not in allowed_by_user.values()
            and not issubclass(function, np.dtype)
        ):
            raise Refused(f"load: the file calls the class {function.__qualname__}")
        return function(*args)

    def load_reduce(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = self._call(self.stack[-1], args)

    def load_newobj(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = self._new(self.stack[-1], args, {})

    def load_newobj_ex(self) -> None:
        kwargs = self.stack.pop()
        args = self.stack.pop()
        self.stack[-1] = self._new(self.stack[-1], args, kwargs)

    def _new(self, kind: Any, args: Any, kwargs: Any) -> Any:
        if not isinstance(kind, type) or id(kind) not in self._found:
            raise Refused(f"load: the file makes an object of {kind!r}, which is not on the list")
        if kind in allowed_by_user.values():
            return kind.__new__(kind, *args, **kwargs)
        if args == () and not kwargs and not issubclass(kind, np.ndarray | np.dtype):
            return kind.__new__(kind)
        if not kwargs:
            return self._call(kind, args)
        raise Refused(f"load: the file makes a {kind.__qualname__} of {args!r}")

    def _instantiate(self, kind: Any, args: Any) -> None:
        self.append(self._new(kind, tuple(args), {}))

    def load_build(self) -> None:
        state = self.stack.pop()
        obj = self.stack[-1]
        if isinstance(obj, np.ndarray):
            _set_array(obj, state)
        elif isinstance(obj, np.dtype):
            _set_byte_order(obj, state)
        elif hasattr(obj, "__setstate__") and self._may_set_its_state(type(obj)):
            obj.__setstate__(state)
        elif isinstance(state, dict) and isinstance(getattr(obj, "__dict__", None), dict):
            if isinstance(obj, type) or id(obj) in self._found:
                raise Refused(f"load: the file changes {obj!r}")
            if isinstance(obj, Tensor):
                raise Refused("load: the file changes a tensor from inside")
            vars(obj).update(state)
        else:
            raise Refused(f"load: the file gives a {type(obj).__name__} a state")

    def _may_set_its_state(self, kind: type) -> bool:
        """Whether the class is the user's or airi's own; both were found by name."""
        return kind in allowed_by_user.values() or (
            id(kind) in self._found and kind.__module__.startswith("airi.")
        )

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.NEWOBJ[0]] = load_newobj
    dispatch[pickle.NEWOBJ_EX[0]] = load_newobj_ex
    dispatch[pickle.BUILD[0]] = load_build


def _set_array(array: np.ndarray, state: Any) -> None:
    """Fill an array that `_empty_array` made; everything that NumPy relies on is checked first."""
    if array.size or type(array) is not np.ndarray:
        raise ValueError("an array is filled twice")
    _, shape, dtype, fortran, content = state
    _checked_dtype(dtype)
    count = 1
    for n in shape:
        if type(n) is not int or n < 0:
            raise ValueError(f"{shape} is no shape")
        count *= n
    if not isinstance(content, bytes) or len(content) != count * dtype.itemsize:
        raise ValueError(f"an array of {dtype} and shape {shape} has another size in the file")
    array.__setstate__((1, tuple(shape), dtype, bool(fortran), content))  # type: ignore[arg-type]


def _set_byte_order(dtype: np.dtype, state: Any) -> None:
    """All that is taken over from a dtype's state; the rest says the same as its name."""
    _checked_dtype(dtype)
    order, parts = state[1], state[2:5]
    if parts != (None, None, None) or order not in ("<", ">", "=", "|"):
        raise Refused("load: the file has a NumPy dtype with fields, which is not on the safe list")
    other = ">" if sys.byteorder == "little" else "<"
    if order == other and dtype.itemsize > 1:
        sizes = (dtype.itemsize, dtype.alignment) if dtype.kind in "SU" else (-1, -1)
        dtype.__setstate__((3, order, None, None, None, *sizes, 0))  # type: ignore[attr-defined]


def _renamed_since_python_2(module: str, name: str) -> tuple[str, str]:
    """The names of pickles of protocol 2, which are Python 2's."""
    if (module, name) in _compat_pickle.NAME_MAPPING:
        return _compat_pickle.NAME_MAPPING[module, name]
    return _compat_pickle.IMPORT_MAPPING.get(module, module), name


def _refusal(module: str, name: str) -> str:
    text = (
        f"load: the file asks for {module}.{name}, which is not on the list of safe types, so "
        "nothing of it was run"
    )
    if module.partition(".")[0] == "torch":
        return (
            f"{text}. In PyTorch, save the state_dict() instead; if you trust the file, pass "
            "weights_only=False"
        )
    return (
        f"{text}. If the class is yours, allow it with "
        f"airi.serialization.add_safe_globals([{name}]); if you trust the file, pass "
        "weights_only=False"
    )


# Without the list.


class TrustingUnpickler(pickle.Unpickler):
    """Reads whatever pickle reads, and PyTorch's names as airi's."""

    def __init__(self, file: Any, read_storage: ReadStorage) -> None:
        super().__init__(file)
        self._read_storage = read_storage

    def persistent_load(self, pid: Any) -> Any:
        if isinstance(pid, tuple) and pid and pid[0] == "module":  # a class and its source code
            return pid[1]
        return self._read_storage(pid)

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" or module.startswith("torch."):
            found = _torch(module, name)
            return found if found is not None else _airis(module, name)
        return super().find_class(module, name)


def _airis(module: str, name: str) -> Any:
    """The class or function of airi that a file of PyTorch's means."""
    if name == "NonDynamicallyQuantizableLinear":  # a Linear, told apart for quantization only
        name = "Linear"
    for home in airi_names(module):
        found = getattr(importlib.import_module(home), name, None)
        if found is not None:
            return found
    raise Refused(f"load: the file holds a {module}.{name}, which airi has not")
