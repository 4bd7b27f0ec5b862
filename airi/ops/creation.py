"""New tensors: from values, from NumPy arrays, and filled. Ranges are in `ranges.py`.

All take ``dtype``, ``device`` (the CPU), ``requires_grad`` and, to no effect, PyTorch's hints on
storage: ``layout``, ``pin_memory``, ``memory_format``. The ``*_like`` functions given a plain array
return a plain array, so backward rules can use them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import wrap
from airi.device import device as device_type
from airi.ops.conversion import cast
from airi.ops.out import written
from airi.ops.promotion import promote_types
from airi.ops.views import sizes

if TYPE_CHECKING:
    from airi.tensor import Tensor

    Number = int | float | complex | bool

__all__ = [
    "as_tensor",
    "asarray",
    "empty",
    "empty_like",
    "empty_permuted",
    "empty_strided",
    "from_numpy",
    "full",
    "full_like",
    "ones",
    "ones_like",
    "scalar_tensor",
    "tensor",
    "zeros",
    "zeros_like",
]

_HINTS = ("layout", "pin_memory", "memory_format")
_PYTHON_TYPES = {bool, int, float, complex}


# -- what the functions share ---------------------------------------------------------------------


def made(
    function: str, array: np.ndarray, device: Any, requires_grad: bool, hints: dict[str, Any]
) -> Tensor:
    """The leaf Tensor on a new array; checks the arguments that all creation functions share."""
    out = hints.pop("out", None)
    if hints:
        refuse_unknown(function, hints)
    if device is not None:
        device_type(device)
    result = wrap(array)
    if out is not None:
        return written(function, out, result, any_dtype=True)
    return result.requires_grad_() if requires_grad else result


def refuse_unknown(function: str, hints: dict[str, Any]) -> None:
    """TypeError for keyword arguments that are not PyTorch's hints on storage."""
    unknown = sorted(set(hints) - set(_HINTS))
    if unknown:
        raise TypeError(f"{function}: unexpected keyword arguments {', '.join(unknown)}")


def shape_from(function: str, given: tuple[Any, ...], options: dict[str, Any]) -> tuple[int, ...]:
    """The shape of ``f(2, 3)``, ``f((2, 3))`` or ``f(size=(2, 3))``."""
    if "size" in options:
        if given:
            raise TypeError(f"{function}: size given twice, as {given!r} and as size=")
        given = (options.pop("size"),)
    if not given:
        raise TypeError(f"{function}: the size is missing, as in {function}(2, 3)")
    shape = sizes(function, given)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"{function}: sizes must not be negative, got {shape}")
    return shape


def float_dtype(dtype: Any) -> np.dtype:
    """The dtype asked for, or the default one."""
    return dtypes.default_numpy() if dtype is None else dtypes.to_numpy(dtype)


# -- from values ----------------------------------------------------------------------------------


def _array_of(function: str, data: Any, dtype: Any) -> np.ndarray:
    """Any data as an array of the wanted dtype; Python floats become the default dtype."""
    wanted = None if dtype is None else dtypes.to_numpy(dtype)
    if hasattr(data, "_array"):
        data = data._array
    if isinstance(data, np.ndarray):
        dtypes.of(data.dtype)
        return data if wanted is None else data.astype(wanted, copy=False)
    if wanted is None:
        try:
            found = _dtypes_in(data)
        except TypeError as error:
            raise TypeError(f"{function}: {error}") from None
        wanted = functools.reduce(promote_types, found) if found else dtypes.default_numpy()
        dtypes.of(wanted)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(_without_tensors(data), wanted)
    except TypeError as error:
        raise TypeError(f"{function}: {error} (expected {wanted})") from None
    except OverflowError as error:
        raise RuntimeError(f"{function}: a value does not fit into {wanted}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{function}: {error}") from None


def _dtypes_in(data: Any) -> list[np.dtype]:
    """The dtypes that the leaves of nested lists would have as tensors of their own."""
    if isinstance(data, (list, tuple)):
        types = set(map(type, data))
        if types <= _PYTHON_TYPES:  # by far the commonest, and fast
            return [_dtype_of_number(each) for each in types]
        found = set()
        for each in data:
            found.update(_dtypes_in(each))
        return list(found)
    if type(data) in _PYTHON_TYPES:
        return [_dtype_of_number(type(data))]
    array = np.asarray(data._array if hasattr(data, "_array") else data)
    if array.dtype.kind == "O":
        raise TypeError(f"expected numbers, lists of numbers or arrays, got {type(data).__name__}")
    if array.dtype.kind in "US":
        raise TypeError(f"expected numbers, lists of numbers or arrays, got {data!r}")
    return [array.dtype]


def _dtype_of_number(kind: type) -> np.dtype:
    if kind is complex:
        return dtypes.default_complex()
    return dtypes.default_numpy() if kind is float else dtypes.to_numpy(kind)


def _without_tensors(data: Any) -> Any:
    if isinstance(data, (list, tuple)):
        if set(map(type, data)) <= _PYTHON_TYPES:
            return data
        return [_without_tensors(each) for each in data]
    return data._array if hasattr(data, "_array") else data


def tensor(
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new leaf tensor with a copy of `data`: numbers, nested lists, arrays or Tensors.

    Python floats become the default dtype, complex numbers the complex one of its precision, ints
    int64, NumPy arrays keep theirs. Raises TypeError for what is no number and ValueError for
    ragged lists. Example: ``airi.tensor([[1., 2.]])``.
    Source: ``torch.tensor``.
    """
    array = np.array(_array_of("tensor", data, dtype), order="C", subok=False)
    return made("tensor", array, device, requires_grad, {})


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a Tensor, copied only where it must be.

    A Tensor is returned itself, or cast with its gradient; an array shares its memory; lists are
    copied. Example: ``airi.as_tensor(array)``. Source: ``torch.as_tensor``.
    """
    if device is not None:
        device_type(device)
    if hasattr(data, "_array"):
        return data if dtype is None else cast(data, dtype)
    return wrap(_array_of("as_tensor", data, dtype).view(np.ndarray))


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """`obj` as a new leaf Tensor or, if it is one, itself; ``copy=True`` always copies.

    Raises ValueError where ``copy=False`` and a copy is needed. Source: ``torch.asarray``.
    """
    if copy:
        source = obj.detach() if hasattr(obj, "_array") else obj
        return tensor(source, dtype=dtype, device=device, requires_grad=requires_grad)
    result = as_tensor(obj, dtype, device)
    if copy is False and result is not obj:
        source = obj if isinstance(obj, np.ndarray) else getattr(obj, "_array", None)
        if source is None or not np.may_share_memory(source, result._array):
            raise ValueError("asarray: copy=False, but this data and dtype need a copy")
    if requires_grad and not result.requires_grad:
        return result.detach().requires_grad_()
    return result


def legacy_array(
    function: str, data: tuple[Any, ...], options: dict[str, Any], dtype: np.dtype
) -> np.ndarray:
    """What PyTorch's old constructors make: ``f(2, 3)`` uninitialised, ``f([1, 2])`` the values.

    A Size is a size, any other sequence, array or Tensor the values (copied where it must be cast
    or was a list). Raises TypeError for a lone float.
    """
    device_type(options.pop("device", "cpu"))
    data = (*data, options.pop("data")) if "data" in options else data
    if options:
        raise TypeError(f"{function}: unexpected keyword arguments {', '.join(sorted(options))}")
    if len(data) == 1 and not _is_size(data[0]):
        source = data[0]
        if isinstance(source, (float, bool)):
            raise TypeError(
                f"{function}: expected sizes or a sequence of values, got {source!r}; for a "
                f"0-dimensional tensor use tensor({source!r})"
            )
        if hasattr(source, "_array") or np.ndim(source):
            return _array_of(function, source, dtype).view(np.ndarray)
    return np.empty(shape_from(function, data or ((0,),), {}), dtype)


def _is_size(value: Any) -> bool:
    """Whether it is a Size: a tuple, but no plain one, which would hold values."""
    return isinstance(value, tuple) and type(value) is not tuple


def new(input: Tensor, *data: Any, **options: Any) -> Tensor:
    """The old constructor in input's dtype: sizes give uninitialised memory, a list its values.

    Source: ``torch.Tensor.new``.
    """
    return wrap(legacy_array("new", data, options, input._array.dtype))


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor on the array's own memory: writing to one changes the other.

    Raises TypeError for what is no array or has no airi dtype. Source: ``torch.from_numpy``.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expected a NumPy array, got {type(ndarray).__name__}")
    dtypes.of(ndarray.dtype)
    return wrap(ndarray.view(np.ndarray))


def scalar_tensor(
    s: Number, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **hints: Any
) -> Tensor:
    """A 0-dimensional tensor, of the default dtype unless told. Source: ``torch.scalar_tensor``."""
    array = np.empty((), float_dtype(dtype))
    _fill("scalar_tensor", array, plain_number(s))
    return made("scalar_tensor", array, device, requires_grad, hints)


# -- filled ---------------------------------------------------------------------------------------


def empty(
    *size: Any,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """A tensor of that size with whatever was in memory. Source: ``torch.empty``."""
    array = np.empty(shape_from("empty", size, hints), float_dtype(dtype))
    return made("empty", array, device, requires_grad, hints)


def empty_strided(
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """Uninitialised, with these strides, counted in elements.

    Raises RuntimeError where size and stride differ in length or have negative numbers.
    Example: ``airi.empty_strided((2, 3), (1, 2))`` holds its columns one after the other.
    Source: ``torch.empty_strided``.
    """
    shape, steps = sizes("empty_strided", (size,)), sizes("empty_strided", (stride,))
    if len(shape) != len(steps):
        raise RuntimeError(f"empty_strided: size {shape} and stride {steps} differ in length")
    if any(n < 0 for n in (*shape, *steps)):
        raise RuntimeError(f"empty_strided: negative numbers in size {shape} or stride {steps}")
    reach = 1 + sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    memory = np.empty(reach if math.prod(shape) else 0, float_dtype(dtype))
    in_bytes = [step * memory.itemsize for step in steps]
    array = np.lib.stride_tricks.as_strided(memory, shape, in_bytes)
    return made("empty_strided", array, device, requires_grad, hints)


def empty_permuted(
    size: Sequence[int],
    physical_layout: Sequence[int],
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """Uninitialised; `physical_layout` lists the dimensions from the outermost in memory inwards.

    Raises RuntimeError unless it names every dimension once. Example: pictures with the channels
    innermost are ``airi.empty_permuted((8, 3, 32, 32), (0, 2, 3, 1))``.
    Source: ``torch.empty_permuted``.
    """
    shape = sizes("empty_permuted", (size,))
    layout = sizes("empty_permuted", (physical_layout,))
    if sorted(layout) != list(range(len(shape))):
        raise RuntimeError(
            f"empty_permuted: physical_layout must name each of {len(shape)} dimensions once, "
            f"got {layout}"
        )
    memory = np.empty([shape[dim] for dim in layout], float_dtype(dtype))
    array = memory.transpose([layout.index(dim) for dim in range(len(shape))])
    return made("empty_permuted", array, device, requires_grad, hints)


def zeros(
    *size: Any,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """A tensor of zeros. Example: ``airi.zeros(2, 3)``. Source: ``torch.zeros``."""
    array = np.zeros(shape_from("zeros", size, hints), float_dtype(dtype))
    return made("zeros", array, device, requires_grad, hints)


def ones(
    *size: Any,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """A tensor of ones. Example: ``airi.ones(2, 3)``. Source: ``torch.ones``."""
    array = np.ones(shape_from("ones", size, hints), float_dtype(dtype))
    return made("ones", array, device, requires_grad, hints)


def full(
    size: Sequence[int],
    fill_value: Number | Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """A tensor whose every element is `fill_value`.

    The dtype follows the value: bool, int64, the default float dtype or the complex one.
    Example: ``airi.full((2, 3), 0.5)``. Source: ``torch.full``.
    """
    shape = shape_from("full", (size,), hints)
    value = plain_number(fill_value)
    if type(value) not in _PYTHON_TYPES:
        raise TypeError(f"full: fill_value must be a number, got {type(value).__name__}")
    if dtype is None:
        dtype = _dtype_of_number(type(value))
    array = np.empty(shape, dtypes.to_numpy(dtype))
    _fill("full", array, value)
    return made("full", array, device, requires_grad, hints)


def plain_number(value: Any) -> Any:
    """A Python number for a tensor or NumPy scalar of one element."""
    return value.item() if hasattr(value, "item") else value


def _fill(function: str, array: np.ndarray, value: Any) -> None:
    if isinstance(value, float) and array.dtype.kind in "iu" and math.isfinite(value):
        value = int(value)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            array.fill(value)
    except OverflowError as error:
        raise RuntimeError(f"{function}: {value} does not fit into {array.dtype}") from error
    except (TypeError, ValueError) as error:
        raise TypeError(f"{function}: fill_value {value!r}: {error}") from error


def _like(
    function: str, input: Any, array: np.ndarray, device: Any, requires_grad: bool, hints: Any
) -> Any:
    """The new array as the input is: a Tensor for a Tensor, an array for an array."""
    if isinstance(input, np.ndarray):
        return array
    if not hasattr(input, "_array"):
        raise TypeError(f"{function}: expected a Tensor, got {type(input).__name__}")
    return made(function, array, device, requires_grad, hints)


def _model(input: Any) -> Any:
    return input._array if hasattr(input, "_array") else input


def _dtype_like(dtype: Any) -> np.dtype | None:
    return None if dtype is None else dtypes.to_numpy(dtype)


def empty_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """Uninitialised, in input's shape and dtype. Source: ``torch.empty_like``."""
    array = np.empty_like(_model(input), _dtype_like(dtype))
    return _like("empty_like", input, array, device, requires_grad, hints)


def zeros_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """Zeros in input's shape and dtype. Source: ``torch.zeros_like``."""
    array = np.zeros_like(_model(input), _dtype_like(dtype))
    return _like("zeros_like", input, array, device, requires_grad, hints)


def ones_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """Ones in input's shape and dtype. Source: ``torch.ones_like``."""
    array = np.ones_like(_model(input), _dtype_like(dtype))
    return _like("ones_like", input, array, device, requires_grad, hints)


def full_like(
    input: Tensor,
    fill_value: Number,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """`fill_value` everywhere, in input's shape and dtype. Source: ``torch.full_like``."""
    array = np.empty_like(_model(input), _dtype_like(dtype))
    _fill("full_like", array, plain_number(fill_value))
    return _like("full_like", input, array, device, requires_grad, hints)


# -- methods: in the dtype of a tensor ------------------------------------------------------------


def new_empty(
    input: Tensor,
    *size: Any,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """`empty` in input's dtype. Source: ``torch.Tensor.new_empty``."""
    wanted = input.dtype if dtype is None else dtype
    return empty(*size, dtype=wanted, device=device, requires_grad=requires_grad, **hints)


def new_empty_strided(
    input: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    dtype: Any = None,
    **options: Any,
) -> Tensor:
    """`empty_strided` in input's dtype. Source: ``torch.Tensor.new_empty_strided``."""
    return empty_strided(size, stride, dtype=input.dtype if dtype is None else dtype, **options)


def new_zeros(
    input: Tensor,
    *size: Any,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """`zeros` in input's dtype. Source: ``torch.Tensor.new_zeros``."""
    wanted = input.dtype if dtype is None else dtype
    return zeros(*size, dtype=wanted, device=device, requires_grad=requires_grad, **hints)


def new_ones(
    input: Tensor,
    *size: Any,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """`ones` in input's dtype. Source: ``torch.Tensor.new_ones``."""
    wanted = input.dtype if dtype is None else dtype
    return ones(*size, dtype=wanted, device=device, requires_grad=requires_grad, **hints)


def new_full(
    input: Tensor,
    size: Sequence[int],
    fill_value: Number | Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **hints: Any,
) -> Tensor:
    """`full` in input's dtype. Source: ``torch.Tensor.new_full``."""
    wanted = input.dtype if dtype is None else dtype
    return full(size, fill_value, dtype=wanted, device=device, requires_grad=requires_grad, **hints)


def new_tensor(
    input: Tensor,
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`tensor` in input's dtype. Source: ``torch.Tensor.new_tensor``."""
    wanted = input.dtype if dtype is None else dtype
    return tensor(data, dtype=wanted, device=device, requires_grad=requires_grad)
