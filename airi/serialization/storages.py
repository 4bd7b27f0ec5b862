"""Storages: the blocks of memory behind tensors, as PyTorch's files name and number them.

A file of PyTorch's says of each tensor which storage it shows, from which element on, with which
sizes and strides. Here are the storages on their way out (`Storages`) and in (`Storage`), and the
functions by which such files make tensors of them.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from airi import dtypes
from airi.autograd.graph import wrap
from airi.nn.parameter import Parameter
from airi.storage import whole
from airi.tensor import OWN_ATTRIBUTES, Tensor

# PyTorch's class of a storage, by the name of its dtype; others are saved untyped.
TYPES = {
    "bool": "BoolStorage",
    "uint8": "ByteStorage",
    "int8": "CharStorage",
    "int16": "ShortStorage",
    "int32": "IntStorage",
    "int64": "LongStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "complex64": "ComplexFloatStorage",
    "complex128": "ComplexDoubleStorage",
}
DTYPES = {storage: name for name, storage in TYPES.items()}


class StorageType(NamedTuple):
    """A storage class that a file names; without a dtype it holds bytes (UntypedStorage)."""

    dtype_name: str | None

    def numpy(self) -> np.dtype:
        return numpy_dtype(self.dtype_name) if self.dtype_name else np.dtype(np.uint8)


def numpy_dtype(name: str) -> np.dtype:
    """NumPy's dtype of a PyTorch dtype; TypeError where airi has none of that name."""
    found = getattr(dtypes, name, None)
    if not isinstance(found, dtypes.dtype):
        raise TypeError(f"load: the file holds elements of type torch.{name}, which airi has not")
    return found.numpy


# Out


class StorageReference(NamedTuple):
    """What a pickle says of a storage; its bytes are written beside the pickle."""

    type_name: str | None  # None: of bytes, for dtypes without a storage class
    key: str
    numel: int


class Placed(NamedTuple):
    """Where the elements of an array are found."""

    storage: StorageReference
    offset: int
    strides: tuple[int, ...]


class Storages:
    """The blocks of memory of one file that is being written, each once."""

    def __init__(self) -> None:
        self.blocks: list[tuple[StorageReference, np.ndarray]] = []
        self._by_place: dict[tuple[int, int], StorageReference] = {}

    def place(self, array: np.ndarray) -> Placed:
        """The storage of an array, and where in it the array lies.

        RuntimeError where the same memory was placed with another dtype.
        """
        memory = _whole_memory(array)
        if memory is None:  # strides that a file cannot have, such as negative ones
            array = np.ascontiguousarray(array)
            memory = array.reshape(-1)
        reference = self._reference(memory, array.dtype)
        offset = (_address(array) - _address(memory)) // array.itemsize if array.size else 0
        return Placed(reference, offset, tuple(each // array.itemsize for each in array.strides))

    def _reference(self, memory: np.ndarray, dtype: np.dtype) -> StorageReference:
        place = (_address(memory), memory.nbytes)
        type_name = TYPES.get(dtypes.of(dtype)._name)
        known = self._by_place.get(place) if memory.nbytes else None
        if known is None:
            numel = memory.nbytes // (dtype.itemsize if type_name else 1)
            known = StorageReference(type_name, str(len(self.blocks)), numel)
            # The block is kept: were it freed, its address could come up again.
            self.blocks.append((known, memory))
            self._by_place[place] = known
        elif known.type_name != type_name:
            other = DTYPES.get(known.type_name or "", "another dtype")
            raise RuntimeError(
                f"save: two tensors share memory as {other} and {dtype.name}; a file cannot say "
                "so. clone() one of them"
            )
        return known


def _whole_memory(array: np.ndarray) -> np.ndarray | None:
    """All memory that `array` shows a part of, in one dimension; None where a copy is simpler."""
    if not array.size:
        return array.reshape(-1)
    root = whole(array)
    contiguous = root.flags.c_contiguous or root.flags.f_contiguous
    steps = (_address(array) - _address(root), *array.strides)
    if not contiguous or any(step < 0 or step % array.itemsize for step in steps):
        return None
    return root.reshape(-1, order="A")


def _address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


# In


class Storage:
    """A storage that was read. As far as `map_location` functions ask: a ``torch.Storage``."""

    def __init__(self, array: np.ndarray, location: str = "cpu") -> None:
        self.array = array
        self.location = location

    def cpu(self) -> Storage:
        """The storage itself: it is in memory."""
        return self

    def cuda(self, *args: Any, **kwargs: Any) -> Storage:
        """Raises RuntimeError: there is no GPU."""
        raise RuntimeError("load: airi computes on the CPU, there is no GPU to load to")

    def nbytes(self) -> int:
        """The size in bytes."""
        return self.array.nbytes

    def size(self) -> int:
        """The number of elements."""
        return self.array.size

    __len__ = size

    def __reduce__(self) -> Any:
        raise TypeError("a storage cannot be pickled; pickle the tensor")


def rebuild_tensor(
    storage: Storage,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    requires_grad: bool = False,
    backward_hooks: Any = None,
    metadata: Any = None,
) -> Tensor:
    """The tensor at these elements of a storage; ValueError where they lie outside of it."""
    if not isinstance(storage, Storage):
        raise TypeError(f"expected a storage, got {type(storage).__name__}")
    array = _strided(storage.array, offset, size, stride)
    result = wrap(array)
    if requires_grad:
        result.requires_grad_()
    return result


def _strided(memory: np.ndarray, offset: int, size: Any, stride: Any) -> np.ndarray:
    if len(size) != len(stride) or any(n < 0 for n in (offset, *size, *stride)):
        raise ValueError(f"sizes {size}, strides {stride} and offset {offset} make no tensor")
    if not math.prod(size):
        return np.empty(size, memory.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride))
    if last >= memory.size:
        raise ValueError(f"a tensor ends at element {last} of a storage of {memory.size}")
    item = memory.itemsize
    steps = tuple(step * item for step in stride)
    return np.ndarray(size, memory.dtype, memory, offset * item, steps)


def rebuild_tensor_of_bytes(
    storage: Storage,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    requires_grad: bool,
    backward_hooks: Any,
    dtype: dtypes.dtype,
    metadata: Any = None,
) -> Tensor:
    """The same for a storage of bytes, whose dtype comes apart (``_rebuild_tensor_v3``)."""
    array = storage.array
    typed = array[: array.size // dtype.itemsize * dtype.itemsize].view(dtype.numpy)
    return rebuild_tensor(Storage(typed), offset, size, stride, requires_grad)


def rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Parameter:
    """A Parameter again."""
    return Parameter(data, requires_grad)


def rebuild_parameter_with_state(
    data: Tensor, requires_grad: bool, backward_hooks: Any, state: Any
) -> Parameter:
    """A Parameter again, with attributes that were set on it."""
    return _with_attributes(Parameter(data, requires_grad), state)


def rebuild_from_type(
    function: Callable[..., Tensor], kind: type, args: tuple[Any, ...], state: Any
) -> Tensor:
    """A tensor of a subclass again, or one with attributes that were set on it."""
    if function not in (rebuild_tensor, rebuild_tensor_of_bytes, rebuild_parameter):
        raise TypeError(f"a tensor is not made by {function!r}")
    tensor = function(*args)
    if isinstance(kind, type) and issubclass(kind, Tensor) and type(tensor) is not kind:
        other = kind.__new__(kind)
        other._array, other._counter = tensor._array, tensor._counter
        other._requires_grad = tensor._requires_grad
        tensor = other
    return _with_attributes(tensor, state)


def _with_attributes(tensor: Any, state: Any) -> Any:
    if isinstance(state, tuple):  # with the values of __slots__, which airi's tensors have not
        state = state[0]
    if state:
        own = [name for name in state if name in OWN_ATTRIBUTES]
        if own:
            raise ValueError(f"a tensor's own attribute {own[0]!r} cannot come from a file")
        vars(tensor).update(state)
    return tensor


def no_hooks() -> OrderedDict[Any, Any]:
    """Where PyTorch's files have the hooks of a tensor, which are never saved."""
    return OrderedDict()
