"""The element types, under PyTorch's names, each a thin label on a NumPy dtype."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from airi import spelling


class dtype:
    """The type of a tensor's elements, such as ``airi.float32``.

    There is one object per type, so they are compared with ``is`` or ``==``. NumPy takes them
    wherever it takes a dtype (``np.zeros(3, airi.float64.numpy)``).
    Source: ``torch.dtype``.
    """

    __slots__ = ("_name", "_numpy", "is_known", "kind")

    def __init__(self, name: str, kind: str, numpy: type | None = None) -> None:
        self._name = name
        self.kind = kind  # NumPy's letter: b(ool), i(nt), u(nsigned), f(loat), c(omplex)
        self._numpy = None if numpy is None else np.dtype(numpy)
        self.is_known = numpy is not None  # whether there may be arrays of it

    @property
    def numpy(self) -> np.dtype:
        """NumPy's dtype. That of bfloat16 needs ml_dtypes; ImportError where it is missing."""
        return self._numpy or _load_bfloat16()

    @property
    def is_floating_point(self) -> builtins.bool:
        return self.kind == "f"

    @property
    def is_complex(self) -> builtins.bool:
        return self.kind == "c"

    @property
    def is_signed(self) -> builtins.bool:
        return self.kind in "ifc"

    @property
    def itemsize(self) -> builtins.int:
        return 2 if self._numpy is None else self._numpy.itemsize

    def to_complex(self) -> dtype:
        """The complex dtype whose parts have this dtype's precision; a complex dtype itself.

        RuntimeError for dtypes without one: integers and float16.
        Source: ``torch.dtype.to_complex``.
        """
        if self.kind == "c":
            return self
        if self is float32 or self is bfloat16:
            return complex64
        if self is float64:
            return complex128
        raise RuntimeError(f"to_complex: there is no complex dtype for {self!r}")

    def to_real(self) -> dtype:
        """The dtype of the parts of a complex one; a real dtype itself.

        Source: ``torch.dtype.to_real``.
        """
        return {complex64: float32, complex128: float64}.get(self, self)

    def __repr__(self) -> str:
        return f"{spelling.own_name}.{self._name}"

    def __reduce__(self) -> str:
        return self._name  # pickled by name: there is one object per type


float16 = half = dtype("float16", "f", np.float16)
bfloat16 = dtype("bfloat16", "f")
float32 = float = dtype("float32", "f", np.float32)
float64 = double = dtype("float64", "f", np.float64)
complex64 = cfloat = dtype("complex64", "c", np.complex64)
complex128 = cdouble = dtype("complex128", "c", np.complex128)
int8 = dtype("int8", "i", np.int8)
int16 = short = dtype("int16", "i", np.int16)
int32 = int = dtype("int32", "i", np.int32)
int64 = long = dtype("int64", "i", np.int64)
uint8 = dtype("uint8", "u", np.uint8)
uint16 = dtype("uint16", "u", np.uint16)
uint32 = dtype("uint32", "u", np.uint32)
uint64 = dtype("uint64", "u", np.uint64)
bool = dtype("bool", "b", np.bool_)

ALL = (
    *(float16, bfloat16, float32, float64, complex64, complex128),
    *(int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool),
)
_BY_NUMPY = {each._numpy: each for each in ALL if each._numpy is not None}
_BY_PYTHON_TYPE = {
    builtins.bool: bool,
    builtins.int: int64,
    builtins.float: float64,
    builtins.complex: complex128,
}
_default = float32

# Of arrays. NumPy calls types that it does not define void, "V": here that is bfloat16 alone.
FLOATING = "fV"
DIFFERENTIABLE = "fVc"


def _load_bfloat16() -> np.dtype:
    """NumPy's dtype of bfloat16; from here on there may be arrays of it."""
    if bfloat16._numpy is None:
        try:
            import ml_dtypes
        except ImportError:
            raise ImportError(
                'bfloat16 needs the package ml_dtypes: pip install "airi[bfloat16]"'
            ) from None
        found = np.dtype(ml_dtypes.bfloat16)
        _BY_NUMPY[found] = bfloat16
        bfloat16._numpy = found
        bfloat16.is_known = True
    return bfloat16._numpy


def of(array_dtype: np.dtype) -> dtype:
    """The airi dtype of a NumPy dtype; TypeError where airi has none (objects, strings, ...)."""
    try:
        return _BY_NUMPY[array_dtype]
    except KeyError:
        if array_dtype.name == "bfloat16":
            _load_bfloat16()
            return bfloat16
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

    New complex tensors then are complex64 or complex128.

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


def default_complex() -> np.dtype:
    """NumPy's dtype of complex numbers whose parts are of the default dtype."""
    return np.dtype(np.complex128 if _default is float64 else np.complex64)


def complex_of(real: np.dtype) -> np.dtype:
    """The complex dtype that holds numbers of a real one: PyTorch's ``toComplexType``."""
    if real.kind == "c":
        return real
    if real.kind not in FLOATING:
        return default_complex()
    return np.dtype(np.complex128 if real.itemsize == 8 else np.complex64)


class finfo:
    """The range and precision of a floating-point dtype (default: the default dtype).

    Attributes: ``bits eps max min tiny smallest_normal resolution dtype``. Raises TypeError for an
    integer dtype. Example: ``airi.finfo(airi.float32).eps``. Source: ``torch.finfo``.
    """

    def __init__(self, type: dtype | None = None) -> None:
        kind = _default if type is None else of(to_numpy(type)).to_real()
        if not kind.is_floating_point:
            raise TypeError(f"finfo: expected a floating-point dtype, got {kind!r}; use iinfo")
        found = _finfo_of(kind)
        self.bits = 8 * kind.itemsize
        self.eps = builtins.float(found.eps)
        self.max = builtins.float(found.max)
        self.min = builtins.float(found.min)
        self.tiny = self.smallest_normal = builtins.float(found.smallest_normal)
        self.resolution = 10.0 ** -builtins.int(found.precision)
        self.dtype = kind._name

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        numbers = [f"{name}={getattr(self, name):g}" for name in names]
        return f"finfo({', '.join(numbers)}, dtype={self.dtype})"


def _finfo_of(kind: dtype) -> Any:
    if kind is bfloat16:
        import ml_dtypes

        return ml_dtypes.finfo(kind.numpy)
    return np.finfo(kind.numpy)


class iinfo:
    """The range of an integer dtype: ``bits max min dtype``.

    Raises TypeError for another dtype. Example: ``airi.iinfo(airi.int8).max`` is 127.
    Source: ``torch.iinfo``.
    """

    def __init__(self, type: dtype) -> None:
        kind = of(to_numpy(type))
        if kind.kind not in "iu":
            raise TypeError(f"iinfo: expected an integer dtype, got {kind!r}")
        found = np.iinfo(kind.numpy.name)
        self.bits = found.bits
        self.max = builtins.int(found.max)
        self.min = builtins.int(found.min)
        self.dtype = kind._name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
