"""New tensors: from values, from NumPy arrays, filled, and as ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import wrap

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "from_numpy",
    "tensor",
]


def _array_of(data: Any, dtype: Any) -> np.ndarray:
    """Any data as an array of the wanted dtype; Python floats become the default dtype."""
    if hasattr(data, "_array"):
        data = data._array
    wanted = None if dtype is None else dtypes.to_numpy(dtype)
    known = isinstance(data, (np.ndarray, np.generic))
    array = np.asarray(_without_tensors(data), wanted)
    if wanted is None and not known and array.dtype == np.float64:
        array = array.astype(dtypes.default_numpy())
    dtypes.of(array.dtype)
    return array


def _without_tensors(data: Any) -> Any:
    if isinstance(data, (list, tuple)):
        return [_without_tensors(each) for each in data]
    return data._array if hasattr(data, "_array") else data


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A new leaf tensor with a copy of `data`: numbers, nested lists, arrays or Tensors.

    Python floats become the default dtype, ints int64, NumPy arrays keep theirs. Raises TypeError
    for what is no number and ValueError for ragged lists. Example: ``airi.tensor([[1., 2.]])``.
    Source: ``torch.tensor``.
    """
    result = wrap(np.array(_array_of(data, dtype), order="C"))
    return result.requires_grad_() if requires_grad else result


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor on the array's own memory: writing to one changes the other.

    Raises TypeError for what is no array or has no airi dtype. Source: ``torch.from_numpy``.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expected a NumPy array, got {type(ndarray).__name__}")
    dtypes.of(ndarray.dtype)
    return wrap(ndarray.view(np.ndarray))
