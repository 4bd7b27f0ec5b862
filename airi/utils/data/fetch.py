"""Making batches out of a data set: shared by the main process and the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeGuard

from airi.utils.data.collate import default_collate
from airi.utils.data.dataset import IterableDataset, Subset


def batch_maker(
    dataset: Any, collate_fn: Callable[[Any], Any], batched: bool
) -> Callable[[Any], Any]:
    """The function from a batch's indices (or one index, where not `batched`) to the batch."""
    if not batched:
        return lambda index: collate_fn(dataset[index])
    if collate_fn is default_collate and _has_fast_batches(dataset):
        return dataset.get_batch if not isinstance(dataset, Subset) else _subset_batches(dataset)
    if hasattr(dataset, "__getitems__"):
        return lambda indices: collate_fn(dataset.__getitems__(indices))
    return lambda indices: collate_fn([dataset[index] for index in indices])


def stream_batches(
    dataset: Iterable[Any],
    collate_fn: Callable[[Any], Any],
    batch_size: int | None,
    drop_last: bool,
) -> Iterator[Any]:
    """The batches of a stream, or its single items for ``batch_size=None``."""
    if batch_size is None:
        yield from map(collate_fn, dataset)
        return
    items: list[Any] = []
    for item in dataset:
        items.append(item)
        if len(items) == batch_size:
            yield collate_fn(items)
            items = []
    if items and not drop_last:
        yield collate_fn(items)


def is_stream(dataset: Any) -> TypeGuard[IterableDataset[Any]]:
    return isinstance(dataset, IterableDataset)


def _has_fast_batches(dataset: Any) -> bool:
    """Whether ``get_batch`` speaks for the items: a subclass may have redefined only those."""
    if isinstance(dataset, Subset):
        return type(dataset).__getitem__ is Subset.__getitem__ and _has_fast_batches(
            dataset.dataset
        )
    for each in type(dataset).__mro__:
        if "get_batch" in vars(each):
            return True
        if "__getitem__" in vars(each):
            return False
    return False


def _subset_batches(subset: Subset[Any]) -> Callable[[Any], Any]:
    inner = batch_maker(subset.dataset, default_collate, batched=True)
    return lambda indices: inner([subset.indices[index] for index in indices])
