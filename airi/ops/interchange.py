"""Memory shared with other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes
from airi.autograd.graph import wrap

if TYPE_CHECKING:
    from airi.tensor import Tensor


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor on the memory of another library's array, anything with ``__dlpack__``.

    Raises TypeError for what has none, or has a dtype that airi has not.
    Source: ``torch.from_dlpack``.
    """
    if not hasattr(ext_tensor, "__dlpack__"):
        kind = type(ext_tensor).__name__
        raise TypeError(f"from_dlpack: expected an array with __dlpack__, got {kind}")
    array = np.from_dlpack(ext_tensor)
    dtypes.of(array.dtype)
    return wrap(array)


def to_dlpack(tensor: Tensor) -> Any:
    """The tensor's memory as a DLPack capsule. Source: ``torch.utils.dlpack.to_dlpack``."""
    return tensor.__dlpack__()
