"""DataLoader: batches of a data set, made in this process or by workers."""

from __future__ import annotations

import itertools
import multiprocessing
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.context import BaseContext
from typing import Any, Generic, TypeVar

from airi.random import Generator
from airi.utils.data.collate import default_collate, default_convert
from airi.utils.data.dataset import Dataset
from airi.utils.data.fetch import batch_maker, is_stream, stream_batches
from airi.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    drawn_seed,
)
from airi.utils.data.worker import BATCH, Job, WorkerPool

T_co = TypeVar("T_co", covariant=True)

_FIXED = (
    "batch_size",
    "batch_sampler",
    "sampler",
    "drop_last",
    "dataset",
    "persistent_workers",
)


class DataLoader(Generic[T_co]):
    """Iterates over a data set in batches; each ``iter()`` is one pass over the data.

    Args:
        dataset: items by index, or an IterableDataset.
        batch_size: items per batch; None gives the items one by one.
        shuffle: a new random order in every pass.
        sampler: yields the indices instead of `shuffle`.
        batch_sampler: yields lists of indices instead of all of the above and `drop_last`.
        num_workers: processes that make batches ahead; 0 makes them in this process. The batches
            and their order are the same; random numbers drawn by the data set itself differ.
        collate_fn: from a list of items to a batch (``default_collate``).
        pin_memory: accepted and without effect: there is one kind of memory.
        drop_last: leave out a last batch that is not full.
        timeout: seconds to wait for a worker's batch; 0 waits for ever.
        worker_init_fn: called in each worker with its number, after seeding.
        multiprocessing_context: ``"fork"``, ``"spawn"``, ``"forkserver"`` or such a context.
        generator: source of shuffling and of the workers' seeds: same seed, same everything.
        prefetch_factor: batches that each worker makes ahead (2).
        persistent_workers: keep the workers for the next pass.
        pin_memory_device: without effect, as `pin_memory`.
        in_order: without effect: batches always come in the order of asking.

    Workers send tensors as NumPy arrays, without gradients. An error in a worker is raised here,
    with the worker's traceback; leaving the loop early or by Ctrl-C stops the workers.

    Example::

        for images, labels in DataLoader(TensorDataset(x, y), batch_size=128, shuffle=True):
            ...

    Source: ``torch.utils.data.DataLoader``.
    """

    _made: bool = False  # from then on what the batches are made by is fixed

    def __init__(
        self,
        dataset: Dataset[T_co] | Iterable[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], object] | None = None,
        multiprocessing_context: str | BaseContext | None = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if dataset is None:
            raise TypeError("DataLoader: dataset must be a Dataset or a sequence, got None")
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        _check_batching(dataset, batch_size, shuffle, sampler, batch_sampler, drop_last)
        self.dataset = dataset
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.in_order = in_order
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self.prefetch_factor = 2 if prefetch_factor is None and num_workers else prefetch_factor
        self.persistent_workers = persistent_workers
        if multiprocessing_context is not None and num_workers == 0:
            raise ValueError(
                "DataLoader: multiprocessing_context is for workers, but num_workers is 0"
            )
        if isinstance(multiprocessing_context, str):
            multiprocessing_context = multiprocessing.get_context(multiprocessing_context)
        self.multiprocessing_context = multiprocessing_context

        if batch_sampler is not None:
            batch_size = None
        elif not is_stream(dataset):
            if sampler is None:
                items: Any = dataset  # their number is asked for; a TypeError where there is none
                if shuffle:
                    sampler = RandomSampler(items, generator=generator)
                else:
                    sampler = SequentialSampler(items)
            if batch_size is not None:
                batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn or (default_collate if self._batched else default_convert)
        self._pool: WorkerPool | None = None
        self._made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._made and name in _FIXED:
            raise ValueError(
                f"DataLoader: {name} cannot be set after the loader was made; make a new one"
            )
        super().__setattr__(name, value)

    def __len__(self) -> int:
        """The number of batches of one pass; TypeError for a stream without a length."""
        counted: Any = self.dataset if is_stream(self.dataset) else self._indices()
        length = len(counted)
        if not is_stream(self.dataset) or self.batch_size is None:
            return length
        whole, rest = divmod(length, self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    def __iter__(self) -> Iterator[Any]:
        # Drawn also without workers, so that the shuffling does not depend on their number.
        seed = drawn_seed(self.generator)
        if self.num_workers == 0:
            return self._batches_made_here()
        return self._batches_of_workers(seed)

    def _workers(self, seed: int) -> WorkerPool:
        """Running workers, at the start of a pass."""
        pool = self._pool
        if pool is None or not pool.is_open:
            processes = self.multiprocessing_context or multiprocessing.get_context()
            job = Job(
                self.dataset,
                self.collate_fn,
                self._batched,
                self.batch_size,
                self.drop_last,
                self.worker_init_fn,
                self.num_workers,
            )
            pool = WorkerPool(job, seed, processes)
            if self.persistent_workers:
                self._pool = pool
                weakref.finalize(self, pool.close)
        pool.start_round()
        return pool

    @property
    def _batched(self) -> bool:
        return self.batch_sampler is not None or self.batch_size is not None

    def _indices(self) -> Iterable[Any]:
        """What one pass asks for: lists of indices, or single ones for ``batch_size=None``."""
        indices = self.batch_sampler if self.batch_sampler is not None else self.sampler
        assert indices is not None  # only a stream has neither
        return indices

    def _batches_made_here(self) -> Iterator[Any]:
        if is_stream(self.dataset):
            yield from stream_batches(
                self.dataset, self.collate_fn, self.batch_size, self.drop_last
            )
            return
        make = batch_maker(self.dataset, self.collate_fn, self._batched)
        for indices in self._indices():
            yield make(indices)

    def _batches_of_workers(self, seed: int) -> Iterator[Any]:
        """Keep every worker supplied with tasks, and take the answers in the order of asking."""
        tasks = itertools.repeat(None) if is_stream(self.dataset) else iter(self._indices())
        asked: deque[int] = deque()  # the worker of each batch under way, oldest first
        pool = self._workers(seed)
        this_round = pool.round

        def ask(worker: int) -> None:
            for indices in itertools.islice(tasks, 1):
                pool.give(worker, indices)
                asked.append(worker)

        try:
            for number in range((self.prefetch_factor or 1) * self.num_workers):
                ask(number % self.num_workers)
            while asked:
                if pool.round != this_round:
                    raise RuntimeError(
                        "DataLoader: a newer pass has taken over the persistent workers; "
                        "finish one loop before the next, or use persistent_workers=False"
                    )
                worker = asked.popleft()
                kind, batch = pool.take(worker, self.timeout)
                if kind == BATCH:  # otherwise this worker's share of a stream has ended
                    ask(worker)
                    yield batch
        finally:
            if not self.persistent_workers:
                pool.close()


def _check_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool
) -> None:
    if num_workers < 0:
        raise ValueError(f"DataLoader: num_workers must not be negative, got {num_workers}")
    if timeout < 0:
        raise ValueError(f"DataLoader: timeout must not be negative, got {timeout}")
    if prefetch_factor is not None and (num_workers == 0 or prefetch_factor < 1):
        raise ValueError(
            f"DataLoader: prefetch_factor={prefetch_factor} with num_workers={num_workers}; "
            "expected a positive number, and workers"
        )
    if persistent_workers and num_workers == 0:
        raise ValueError("DataLoader: persistent_workers=True needs num_workers > 0")


def _check_batching(
    dataset: Any,
    batch_size: int | None,
    shuffle: bool | None,
    sampler: Any,
    batch_sampler: Any,
    drop_last: bool,
) -> None:
    if is_stream(dataset) and (shuffle or sampler is not None or batch_sampler is not None):
        raise ValueError(
            "DataLoader: an IterableDataset sets its own order; "
            "shuffle, sampler and batch_sampler do not apply"
        )
    if sampler is not None and shuffle:
        raise ValueError("DataLoader: give either sampler or shuffle=True, not both")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ValueError(
                "DataLoader: batch_sampler excludes batch_size, shuffle, sampler and drop_last"
            )
    elif batch_size is None:
        if drop_last:
            raise ValueError("DataLoader: drop_last=True needs a batch_size")
    elif not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"DataLoader: batch_size must be a positive integer, got {batch_size!r}")
