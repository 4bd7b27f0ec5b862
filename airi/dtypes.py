"""The element types, under PyTorch's names, each a thin label on a NumPy dtype."""

from __future__ import annotations

import builtins

import numpy as np


class dtype:
    """The type of a tensor's elements, such as ``airi.float32``.

    There is one object per type, so they are compared with ``is`` or ``==``. NumPy takes them
    wherever it takes a dtype (``np.zeros(3, airi.float64.numpy)``).
    Source: ``torch.dtype``.
    """

    __slots__ = ("_name", "numpy")

    def __init__(self, name: str, numpy: type) -> None:
        self._name = name
        self.numpy = np.dtype(numpy)

    @property
    def is_floating_point(self) -> builtins.bool:
        return self.numpy.kind == "f"

    @property
    def is_complex(self) -> builtins.bool:
        return self.numpy.kind == "c"

    @property
    def is_signed(self) -> builtins.bool:
        return self.numpy.kind in "ifc"

    @property
    def itemsize(self) -> builtins.int:
        return self.numpy.itemsize

    def __repr__(self) -> str:
        return f"airi.{self._name}"

    def __reduce__(self) -> str:
        return self._name  # pickled by name: there is one object per type


float16 = half = dtype("float16", np.float16)
float32 = float = dtype("float32", np.float32)
float64 = double = dtype("float64", np.float64)
int8 = dtype("int8", np.int8)
int16 = short = dtype("int16", np.int16)
int32 = int = dtype("int32", np.int32)
int64 = long = dtype("int64", np.int64)
uint8 = dtype("uint8", np.uint8)
bool = dtype("bool", np.bool_)

ALL = (float16, float32, float64, int8, int16, int32, int64, uint8, bool)
_BY_NUMPY = {each.numpy: each for each in ALL}
_BY_PYTHON_TYPE = {builtins.bool: bool, builtins.int: int64, builtins.float: float64}
_default = float32


def of(array_dtype: np.dtype) -> dtype:
    """The airi dtype of a NumPy dtype; TypeError where airi has none (objects, strings, ...)."""
    try:
        return _BY_NUMPY[array_dtype]
    except KeyError:
        names = ", ".join(each._name for each in ALL)
        raise TypeError(f"airi has no dtype for NumPy's {array_dtype!r}; it has {names}") from None


def to_numpy(wanted: object) -> np.dtype:
    """The NumPy dtype that ``dtype=`` arguments mean: an airi dtype, a Python type, NumPy's own."""
    if isinstance(wanted, dtype):
        return wanted.numpy
    if isinstance(wanted, type) and wanted in _BY_PYTHON_TYPE:
        return _BY_PYTHON_TYPE[wanted].numpy
    try:
        return of(np.dtype(wanted)).numpy  # type: ignore[call-overload]  # any object may be tried
    except TypeError:
        raise TypeError(f"expected a dtype such as airi.float32, got {wanted!r}") from None


def get_default_dtype() -> dtype:
    """The dtype of new floating-point tensors. Source: ``torch.get_default_dtype``."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Make `d` (float32 or float64) the dtype of new floating-point tensors.

    Raises TypeError where `d` is not a floating-point airi dtype.
    Example: ``airi.set_default_dtype(airi.float64)``. Source: ``torch.set_default_dtype``.
    """
    global _default
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"set_default_dtype: expected a floating-point airi dtype, got {d!r}")
    _default = d


def default_numpy() -> np.dtype:
    """NumPy's dtype of the default dtype."""
    return _default.numpy


class finfo:
    """The range and precision of a floating-point dtype (default: the default dtype).

    Attributes: ``bits eps max min tiny smallest_normal resolution dtype``. Raises TypeError for an
    integer dtype. Example: ``airi.finfo(airi.float32).eps``. Source: ``torch.finfo``.
    """

    def __init__(self, type: dtype | None = None) -> None:
        kind = _default if type is None else of(to_numpy(type))
        if not kind.is_floating_point:
            raise TypeError(f"finfo: expected a floating-point dtype, got {kind!r}; use iinfo")
        found = np.finfo(kind.numpy)
        self.bits = found.bits
        self.eps = builtins.float(found.eps)
        self.max = builtins.float(found.max)
        self.min = builtins.float(found.min)
        self.tiny = self.smallest_normal = builtins.float(found.smallest_normal)
        self.resolution = 10.0**-found.precision
        self.dtype = kind._name

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        numbers = [f"{name}={getattr(self, name):g}" for name in names]
        return f"finfo({', '.join(numbers)}, dtype={self.dtype})"


class iinfo:
    """The range of an integer dtype: ``bits max min dtype``.

    Raises TypeError for another dtype. Example: ``airi.iinfo(airi.int8).max`` is 127.
    Source: ``torch.iinfo``.
    """

    def __init__(self, type: dtype) -> None:
        kind = of(to_numpy(type))
        if kind.numpy.kind not in "iu":
            raise TypeError(f"iinfo: expected an integer dtype, got {kind!r}")
        found = np.iinfo(kind.numpy.name)
        self.bits = found.bits
        self.max = builtins.int(found.max)
        self.min = builtins.int(found.min)
        self.dtype = kind._name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
