"""Writing pickles that PyTorch reads: tensors and dtypes under PyTorch's names.

PyTorch need not be installed, so its names are written without being looked up.
"""

from __future__ import annotations

import io
import pickle
from functools import cache
from typing import Any, ClassVar, NamedTuple

from airi import dtypes
from airi.autograd.graph import wrap
from airi.device import device
from airi.nn.parameter import Parameter
from airi.serialization.storages import StorageReference, Storages, no_hooks
from airi.tensor import Size, Tensor


class Name(NamedTuple):
    """A global of PyTorch's, by its name alone."""

    module: str
    name: str

    def __call__(self) -> None:
        """Never called: pickle asks that the first part of a reduction be callable."""


@cache
def _name(module: str, name: str) -> Name:
    """One object per name: pickle writes what it has met by its number."""
    return Name(module, name)


def pickled(obj: Any, protocol: int, storages: Storages, *, with_views: bool = False) -> bytes:
    """`obj` as a pickle; the memory of its tensors goes into `storages`.

    TypeError for what cannot be pickled.
    """
    out = io.BytesIO()
    try:
        _Pickler(out, protocol, storages, with_views).dump(obj)
    except (pickle.PicklingError, AttributeError, TypeError, RecursionError) as error:
        raise TypeError(
            f"save: {error}. Save a state_dict() instead of an object with functions or classes "
            "that were defined inside a function"
        ) from error
    return out.getvalue()


# pickle's own Pickler in C looks names up when it writes them; that in Python can be told not to.
# (Its methods are not in the type stubs.)
_PythonPickler: Any = pickle._Pickler


class _Pickler(_PythonPickler):
    dispatch: ClassVar[dict[Any, Any]] = dict(_PythonPickler.dispatch)

    def __init__(self, file: Any, protocol: int, storages: Storages, with_views: bool) -> None:
        super().__init__(file, protocol)
        self._storages = storages
        self._after = (None,) if with_views else ()  # what the old format says of storages besides

    def persistent_id(self, obj: Any) -> Any:
        if type(obj) is StorageReference:
            if obj.type_name is None:
                kind = _name("torch.storage", "UntypedStorage")
            else:
                kind = _name("torch", obj.type_name)
            return ("storage", kind, obj.key, "cpu", obj.numel, *self._after)
        return None

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Tensor):
            return self._reduced(obj)
        if type(obj) is Size:
            return _name("torch", "Size"), (tuple(obj),)
        if type(obj) is device:
            return _name("torch", "device"), (obj.type,) + (
                () if obj.index is None else (obj.index,)
            )
        return NotImplemented

    def _reduced(self, tensor: Tensor) -> Any:
        attributes = tensor._users_attributes()
        if type(tensor) is Parameter:
            parts = (wrap(tensor._array), tensor.requires_grad, no_hooks())
            if attributes:
                name = "_rebuild_parameter_with_state"
                return _name("torch._utils", name), (*parts, attributes)
            return _name("torch._utils", "_rebuild_parameter"), parts
        placed = self._storages.place(tensor._array)
        args: tuple[Any, ...] = (
            placed.storage,
            placed.offset,
            tuple(tensor._array.shape),
            placed.strides,
            tensor.requires_grad,
            no_hooks(),
        )
        if placed.storage.type_name is None:
            rebuild = _name("torch._utils", "_rebuild_tensor_v3")
            args = (*args, tensor.dtype)
        else:
            rebuild = _name("torch._utils", "_rebuild_tensor_v2")
        if type(tensor) is Tensor and not attributes:
            return rebuild, args
        typed = (rebuild, type(tensor), args, attributes)
        return _name("torch._tensor", "_rebuild_from_type_v2"), typed

    def _save_name(self, obj: Name) -> None:
        self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode("ascii"))
        self.memoize(obj)

    def _save_dtype(self, obj: dtypes.dtype) -> None:
        self.save(_name("torch", obj._name))

    def _save_type(self, obj: type) -> None:
        if obj is Tensor:
            self.save(_name("torch", "Tensor"))
        elif obj is Parameter:
            self.save(_name("torch.nn.parameter", "Parameter"))
        else:
            self.save_type(obj)

    dispatch[Name] = _save_name
    dispatch[dtypes.dtype] = _save_dtype
    dispatch[type] = _save_type
