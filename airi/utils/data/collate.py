"""From a list of items to one batch of the same structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from airi.dtypes import float64
from airi.ops.creation import as_tensor, from_numpy, tensor
from airi.ops.joining import stack
from airi.tensor import Tensor


def default_collate(batch: Sequence[Any]) -> Any:
    """Join a list of items to a batch, field by field.

    Tensors and NumPy arrays are stacked along a new first dimension; Python floats become a
    float64 tensor, integers int64, booleans bool; strings stay a list. Dictionaries, named
    tuples, tuples and lists keep their structure, with a batch in each place (a plain tuple
    becomes a list, as in PyTorch). Raises TypeError for anything else, ValueError for an empty
    batch, and RuntimeError, naming the field, where shapes or lengths differ.

    Example: ``default_collate([(1, "a"), (2, "b")])`` is ``[tensor([1, 2]), ("a", "b")]``.
    Source: ``torch.utils.data.default_collate``.
    """
    if len(batch) == 0:
        raise ValueError("default_collate: expected at least one item, got an empty batch")
    return _collate(batch, "")


def default_convert(data: Any) -> Any:
    """NumPy arrays and scalars anywhere in `data` as tensors, everything else as it is.

    As in PyTorch, a plain tuple becomes a list. DataLoader does this to each item where
    ``batch_size=None``.
    Source: ``torch.utils.data.default_convert``.
    """
    if isinstance(data, np.ndarray | np.generic) and data.dtype.kind not in "SUO":
        return as_tensor(data)
    if type(data) is tuple:
        data = list(data)
    return map_nested(default_convert, data)


def map_nested(function: Any, data: Any) -> Any:
    """`data` with `function` applied to the members of a mapping or sequence, one level deep."""
    if isinstance(data, Mapping):
        return _rebuild(data, {key: function(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(function(value) for value in data))
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return _rebuild(data, [function(value) for value in data])
    return data


def _collate(batch: Sequence[Any], place: str) -> Any:
    first = batch[0]
    if isinstance(first, Tensor):
        _check_shapes(batch, place)
        return stack(list(batch))
    if isinstance(first, np.ndarray | np.generic) and first.dtype.kind not in "SUO":
        arrays = [np.asarray(each) for each in batch]
        _check_shapes(arrays, place)
        return from_numpy(np.stack(arrays))
    if isinstance(first, float):
        return tensor(batch, dtype=float64)
    if isinstance(first, int):  # and bool, which as_tensor keeps
        return as_tensor(list(batch))
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        columns = {
            key: _collate([each[key] for each in batch], f"{place}[{key!r}]") for key in first
        }
        return _rebuild(first, columns)
    if isinstance(first, Sequence):
        return _collate_sequences(batch, place)
    raise TypeError(
        "default_collate: expected tensors, NumPy arrays, numbers, strings, dictionaries, tuples "
        f"or lists, got {_field(place)} of type {type(first).__name__}"
    )


def _collate_sequences(batch: Sequence[Any], place: str) -> Any:
    first = batch[0]
    lengths = sorted({len(each) for each in batch})
    if len(lengths) > 1:
        raise RuntimeError(f"default_collate: {_field(place)} has items of lengths {lengths}")
    columns = [
        _collate(column, f"{place}[{index}]")
        for index, column in enumerate(zip(*batch, strict=True))
    ]
    if isinstance(first, tuple):
        return type(first)(*columns) if hasattr(first, "_fields") else columns
    return _rebuild(first, columns)


def _rebuild(original: Any, members: Any) -> Any:
    """`members` in a container of the type of `original`, where it can be built from them."""
    try:
        return type(original)(members)
    except TypeError:
        return members


def _check_shapes(batch: Sequence[Any], place: str) -> None:
    shapes = {tuple(each.shape): None for each in batch}
    if len(shapes) > 1:
        raise RuntimeError(
            f"default_collate: {_field(place)} has items of different shapes "
            f"{', '.join(map(str, shapes))}; pad or crop them, or give a collate_fn"
        )


def _field(place: str) -> str:
    return f"item{place}"
