"""Samplers: in which order the items of a data set are visited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

from airi.dtypes import float64, int64
from airi.ops.creation import as_tensor, empty
from airi.ops.random import multinomial, randint, randperm
from airi.random import Generator

_DRAWN_AT_ONCE = 32  # as in PyTorch, so that the same seed gives the same items

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """Base class: ``__iter__()`` yields indices (or lists of them), ``__len__()`` tells how many.

    Source: ``torch.utils.data.Sampler``.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__()")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ... Source: ``torch.utils.data.SequentialSampler``."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


def drawn_seed(generator: Generator | None) -> int:
    """A seed for another generator."""
    return int(empty((), dtype=int64).random_(generator=generator).item())


class RandomSampler(Sampler[int]):
    """Indices in random order, or drawn with replacement.

    `num_samples` (by default the length of the data) may exceed the data: without replacement
    whole new orders follow. One seed, of `generator` or of ``airi.manual_seed``, always gives the
    same orders, epoch after epoch, and they are PyTorch's for that seed.
    Source: ``torch.utils.data.RandomSampler``.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(
                f"RandomSampler: replacement must be True or False, got {replacement!r}"
            )
        if num_samples is not None:
            _check_positive("RandomSampler", "num_samples", num_samples)
        self.data_source = data_source
        self.replacement = replacement
        self.generator = generator
        self._num_samples = num_samples

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        size = len(self.data_source)
        if size == 0:
            return
        # The default generator gives a seed only, so that what the program draws from it between
        # two items leaves their order alone.
        source = self.generator or Generator().manual_seed(drawn_seed(None))
        if self.replacement:
            for start in range(0, self.num_samples, _DRAWN_AT_ONCE):
                count = min(_DRAWN_AT_ONCE, self.num_samples - start)
                yield from randint(size, (count,), generator=source).tolist()
            return
        for start in range(0, self.num_samples + 1, size):  # PyTorch draws one order more
            order = randperm(size, generator=source).tolist()
            yield from order[: self.num_samples - start]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given `indices` in random order. Source: ``torch.utils.data.SubsetRandomSampler``."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for position in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[position]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` indices, each drawn in proportion to its weight.

    The `weights` are non-negative and need not sum to 1; without replacement, at least
    `num_samples` of them must be positive. Typical use: ``weights[i] = 1 / count[label[i]]``
    shows rare classes as often as common ones.
    Source: ``torch.utils.data.WeightedRandomSampler``.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_positive("WeightedRandomSampler", "num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(
                f"WeightedRandomSampler: replacement must be True or False, got {replacement!r}"
            )
        self.weights = as_tensor(weights, dtype=float64)
        if self.weights.ndim != 1:
            raise ValueError(
                "WeightedRandomSampler: expected one row of weights, "
                f"got shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = multinomial(
            self.weights, self.num_samples, self.replacement, generator=self.generator
        )
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Groups what `sampler` yields into lists of `batch_size`; `drop_last` leaves out a short end.

    Example: ``list(BatchSampler(range(5), 2, False))`` is ``[[0, 1], [2, 3], [4]]``.
    Source: ``torch.utils.data.BatchSampler``.
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        _check_positive("BatchSampler", "batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"BatchSampler: drop_last must be True or False, got {drop_last!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        sampler: Any = self.sampler  # need not have a length; then len() says so
        whole, rest = divmod(len(sampler), self.batch_size)
        return whole if self.drop_last or not rest else whole + 1


def _check_positive(function: str, argument: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{function}: {argument} must be a positive integer, got {value!r}")
