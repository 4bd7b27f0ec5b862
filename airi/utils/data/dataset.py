"""Datasets: something with a length and items, or a stream, and ways to combine them."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from airi.ops.creation import as_tensor
from airi.ops.random import randperm
from airi.random import Generator
from airi.tensor import Tensor

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Base class of data sets with items: define ``__getitem__(index)`` and ``__len__()``.

    A data set that can index a whole batch faster than item by item may also define
    ``get_batch(indices: list[int])``, which returns what
    ``default_collate([self[i] for i in indices])`` would; DataLoader uses it where no other
    `collate_fn` is asked for. ``first + second`` joins two data sets.

    Example::

        class Squares(Dataset[int]):
            def __len__(self): return 10
            def __getitem__(self, index): return index * index

    Source: ``torch.utils.data.Dataset``.
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index)")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """Base class of data sets that are streams: define ``__iter__()``.

    With worker processes every worker iterates over its own copy, so ``__iter__`` should ask
    ``get_worker_info()`` which share of the data is its own.
    Source: ``torch.utils.data.IterableDataset``.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__()")

    def __add__(self, other: Dataset[T_co]) -> ChainDataset:  # type: ignore[override]  # as in PyTorch
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Items are ``(a[i], b[i], ...)`` for tensors that agree in their first dimension.

    NumPy arrays are accepted too and share their memory. A DataLoader indexes a whole batch of
    it at once. Raises ValueError where the first dimensions differ.

    Example: ``TensorDataset(images, labels)[0]`` is ``(images[0], labels[0])``.
    Source: ``torch.utils.data.TensorDataset``.
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor | np.ndarray) -> None:
        self.tensors = tuple(as_tensor(each) for each in tensors)
        shapes = [tuple(each.shape) for each in self.tensors]
        if not shapes or any(not shape or shape[0] != shapes[0][0] for shape in shapes):
            raise ValueError(
                "TensorDataset: expected tensors of one length in their first dimension, "
                f"got shapes {shapes}"
            )

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(each[index] for each in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].shape[0]

    def get_batch(self, indices: Sequence[int]) -> list[Tensor]:
        """``[a[indices], b[indices], ...]``: a whole batch in one indexing."""
        rows = np.asarray(indices)
        return [each[rows] for each in self.tensors]


class StackDataset(Dataset[Any]):
    """Items of several data sets side by side: tuples, or dictionaries for keyword arguments.

    Example: ``StackDataset(image=photos, text=captions)[0]`` is
    ``{"image": photos[0], "text": captions[0]}``. Raises ValueError where the lengths differ.
    Source: ``torch.utils.data.StackDataset``.
    """

    datasets: tuple[Dataset[Any], ...] | dict[str, Dataset[Any]]

    def __init__(self, *args: Dataset[Any], **kwargs: Dataset[Any]) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError(
                "StackDataset: expected data sets either all by position or all by keyword"
            )
        self.datasets = kwargs or args
        lengths = [_length(each, "StackDataset") for each in (args or kwargs.values())]
        if len(set(lengths)) > 1:
            raise ValueError(f"StackDataset: the data sets differ in length: {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: int) -> tuple[Any, ...] | dict[str, Any]:
        if isinstance(self.datasets, dict):
            return {name: each[index] for name, each in self.datasets.items()}
        return tuple(each[index] for each in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Several data sets one after the other; ``first + second`` makes one of two.

    Source: ``torch.utils.data.ConcatDataset``.
    """

    datasets: list[Dataset[T_co]]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: expected at least one data set")
        for each in self.datasets:
            if isinstance(each, IterableDataset):
                raise TypeError(
                    "ConcatDataset: an IterableDataset has no items to index; use ChainDataset"
                )
        lengths = [_length(each, "ConcatDataset") for each in self.datasets]
        self.cumulative_sizes = list(itertools.accumulate(lengths))

    def __getitem__(self, index: int) -> T_co:
        length = len(self)
        if not -length <= index < length:
            raise IndexError(f"ConcatDataset: index {index} is out of range for {length} items")
        index %= length
        which = bisect.bisect_right(self.cumulative_sizes, index)
        before = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][index - before]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset[Any]):
    """Several streams one after the other. Source: ``torch.utils.data.ChainDataset``."""

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets: list[IterableDataset[Any]] = []
        for each in datasets:
            if not isinstance(each, IterableDataset):
                raise TypeError(
                    f"ChainDataset: expected IterableDatasets, got {type(each).__name__}"
                )
            self.datasets.append(each)

    def __iter__(self) -> Iterator[Any]:
        return itertools.chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(_length(each, "ChainDataset") for each in self.datasets)


class Subset(Dataset[T_co]):
    """The items of `dataset` at `indices`, in that order. Source: ``torch.utils.data.Subset``.

    Example: ``Subset(dataset, range(100))`` has the first hundred items.
    """

    dataset: Dataset[T_co]
    indices: Sequence[int]

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[each] for each in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[T_co]:
        """Several items; by the ``__getitems__`` of the data set where it has one."""
        if type(self).__getitem__ is not Subset.__getitem__:  # what a subclass says of items counts
            return [self[each] for each in indices]
        chosen = [self.indices[each] for each in indices]
        several = getattr(self.dataset, "__getitems__", None)
        return [self.dataset[each] for each in chosen] if several is None else several(chosen)

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Dataset[T_co],
    lengths: Sequence[int | float],
    generator: Generator | None = None,
) -> list[Subset[T_co]]:
    """Deal the items of `dataset` at random into parts that do not overlap.

    `lengths` are the sizes of the parts, or fractions that sum to 1; of what rounding down leaves
    over, each part in turn gets one. The same seed of `generator` gives the same parts. Raises
    ValueError where the lengths do not sum to the length of the data set.

    Example: ``train, valid = random_split(dataset, [0.9, 0.1])``.
    Source: ``torch.utils.data.random_split``.
    """
    total = _length(dataset, "random_split")
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1 + 1e-9:
        sizes = _sizes_of_fractions(lengths, total)
    elif any(not isinstance(each, (int, np.integer)) for each in lengths):
        raise ValueError(f"random_split: expected whole numbers or fractions of 1, got {lengths}")
    else:
        sizes = [int(each) for each in lengths]
    if sum(sizes) != total or min(sizes, default=0) < 0:
        raise ValueError(
            f"random_split: lengths {list(lengths)} do not divide a data set of {total} items"
        )
    order = randperm(total, generator=generator).tolist()
    ends = itertools.accumulate(sizes)
    return [Subset(dataset, order[end - size : end]) for end, size in zip(ends, sizes, strict=True)]


def _sizes_of_fractions(fractions: Sequence[float], total: int) -> list[int]:
    for fraction in fractions:
        if not 0 <= fraction <= 1:
            raise ValueError(f"random_split: fraction {fraction} is not between 0 and 1")
    sizes = [math.floor(total * fraction) for fraction in fractions]
    for extra in range(total - sum(sizes)):
        sizes[extra % len(sizes)] += 1
    for which, size in enumerate(sizes):
        if size == 0:
            warnings.warn(f"random_split: part {which} is empty", stacklevel=3)
    return sizes


def _length(dataset: Any, function: str) -> int:
    try:
        return len(dataset)
    except TypeError:
        raise TypeError(f"{function}: {type(dataset).__name__} has no length") from None
