"""Worker processes that make batches for a DataLoader.

The main process has one two-way pipe to each worker. It sends numbered tasks, a worker answers
them in order, so batches come back in order by asking the workers in turn. Answers leave a worker
through a thread of their own: while one waits in the pipe the next batch is already being made.

A worker ends as soon as its task is done once the main process asks for it or is gone; the main
process notices a dead worker at once, since it waits for the process and the pipe together.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import random
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import connection, context, parent_process
from typing import Any

import numpy as np

from airi.ops.creation import from_numpy
from airi.random import manual_seed
from airi.tensor import Tensor
from airi.threads import set_num_threads
from airi.utils.data.collate import map_nested
from airi.utils.data.fetch import batch_maker, is_stream, stream_batches

# What a worker is told and answers: the first member of the tuple that goes through the pipe.
START, TASK = "start", "task"
BATCH, END, FAILED = "batch", "end", "failed"

STOP_SECONDS = 1.0  # a worker that has not ended by then is terminated


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker process knows of itself; see ``get_worker_info``."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a DataLoader's worker its `id`, `num_workers`, `seed` and `dataset`; elsewhere None.

    An IterableDataset uses it to yield only its share::

        info = get_worker_info()
        share = items if info is None else items[info.id :: info.num_workers]

    Source: ``torch.utils.data.get_worker_info``.
    """
    return _worker_info


@dataclass(frozen=True)
class Job:
    """What the workers need to know of their DataLoader."""

    dataset: Any
    collate_fn: Callable[[Any], Any]
    batched: bool
    batch_size: int | None
    drop_last: bool
    worker_init_fn: Callable[[int], object] | None
    num_workers: int


class WorkerPool:
    """The main process's side: starts workers, hands out tasks, collects answers, stops them."""

    def __init__(self, job: Job, seed: int, processes: context.BaseContext) -> None:
        self.pipes: list[connection.Connection] = []
        self.processes: list[Any] = []
        self.round = 0  # each pass over the data is one; answers of earlier ones are ignored
        # Nobody reads from this pipe: one message in it tells all workers together to stop. (A
        # closed pipe would not: forked workers hold copies of each other's ends.)
        stop_asked, self.stop = processes.Pipe(duplex=False)
        try:
            for index in range(job.num_workers):
                ours, theirs = processes.Pipe()
                self.pipes.append(ours)
                with theirs:
                    # In the stubs each context has a Process, but not their base class.
                    process = processes.Process(  # type: ignore[attr-defined]
                        target=_work,
                        args=(job, index, seed + index, theirs, stop_asked),
                        name=f"airi-dataloader-{index}",
                        daemon=True,
                    )
                    process.start()
                self.processes.append(process)
        except BaseException:
            self.close()
            raise
        finally:
            stop_asked.close()

    @property
    def is_open(self) -> bool:
        return bool(self.pipes)

    def start_round(self) -> None:
        """Begin a pass over the data; what is left of an earlier one is forgotten."""
        self.round += 1
        for worker in range(len(self.pipes)):
            self._send(worker, (START, self.round))

    def give(self, worker: int, indices: Any) -> None:
        self._send(worker, (TASK, indices))

    def take(self, worker: int, timeout: float) -> tuple[str, Any]:
        """The next answer of `worker` in this pass: BATCH with the batch, or END with None.

        What went wrong in the worker is raised here, with its traceback as the cause.
        """
        try:
            kind, content = self._receive(worker, timeout)
        except BaseException:  # Ctrl-C may have come in the middle of a message
            self.close()
            raise
        if kind == FAILED:
            error, text = content
            error.add_note(f"(raised in DataLoader worker {worker}; its traceback is above)")
            try:
                raise error from _WorkerTraceback(text)
            finally:
                del error, content  # or the error and this frame keep each other alive
        return kind, content

    def close(self) -> None:
        """Stop every worker: ask, then insist. Safe to call again."""
        if not self.stop.closed:
            with contextlib.suppress(OSError):
                self.stop.send(None)
            self.stop.close()
        for pipe in self.pipes:
            pipe.close()
        self.pipes = []
        _join_all(self.processes)
        for insist in ("terminate", "kill"):
            for process in self.processes:
                if process.is_alive():
                    getattr(process, insist)()
            _join_all(self.processes)
        self.processes = []

    def _send(self, worker: int, message: tuple[str, Any]) -> None:
        try:
            self.pipes[worker].send(message)
        except OSError:
            raise self._death_of(worker) from None

    def _receive(self, worker: int, timeout: float) -> tuple[str, Any]:
        """The next answer, without those of earlier passes."""
        pipe, process = self.pipes[worker], self.processes[worker]
        while True:
            ready = connection.wait([pipe, process.sentinel], timeout or None)
            if not ready:
                raise RuntimeError(
                    f"DataLoader: worker {worker} gave no batch within timeout={timeout} seconds"
                )
            if pipe not in ready and not pipe.poll():
                raise self._death_of(worker)
            try:
                number, kind, content = pipe.recv()
            except (EOFError, OSError):
                raise self._death_of(worker) from None
            if number == self.round:
                return kind, _from_wire(content) if kind == BATCH else content

    def _death_of(self, worker: int) -> RuntimeError:
        process = self.processes[worker]
        process.join(STOP_SECONDS)
        pid, code = process.pid, process.exitcode
        self.close()
        how = f"was killed by signal {-code}" if code and code < 0 else f"exited with code {code}"
        return RuntimeError(
            f"DataLoader: worker {worker} (process {pid}) {how} before it gave its batch. "
            "Out of memory is a common reason; num_workers=0 shows errors in this process"
        )


def _join_all(processes: list[Any]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))


class _WorkerTraceback(Exception):
    """Shows a worker's traceback, as text, above the error that it explains."""

    def __str__(self) -> str:
        return f"\n\n{self.args[0]}"


def _work(
    job: Job,
    index: int,
    seed: int,
    pipe: connection.Connection,
    stop_asked: connection.Connection,
) -> None:
    """The life of a worker process."""
    global _worker_info
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's to handle
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_send_answers, args=(pipe, answers), daemon=True).start()

    _worker_info = WorkerInfo(index, job.num_workers, seed, job.dataset)
    init_failure = None
    try:
        _seed_everything(seed)
        if job.worker_init_fn is not None:
            job.worker_init_fn(index)
    except Exception as error:
        init_failure = _portable(error)

    number, make = 0, None
    for kind, content in _messages(pipe, stop_asked):
        if kind == START:
            number, make = content, None
        elif init_failure is not None:
            answers.put((number, FAILED, init_failure))
        else:
            try:
                make = make or _maker(job)
                answers.put((number, BATCH, _to_wire(make(content))))
            except _StreamEnd:
                answers.put((number, END, None))
            except Exception as error:
                answers.put((number, FAILED, _portable(error)))


def _messages(
    pipe: connection.Connection, stop_asked: connection.Connection
) -> Iterator[tuple[str, Any]]:
    """What the main process sends, until it asks to stop or dies."""
    parent = parent_process()
    ends = [stop_asked] if parent is None else [stop_asked, parent.sentinel]
    while True:
        ready = connection.wait([pipe, *ends])
        if any(end in ready for end in ends):
            return
        try:
            yield pipe.recv()
        except (EOFError, OSError):
            return


def _send_answers(pipe: connection.Connection, answers: queue.SimpleQueue[Any]) -> None:
    while True:
        number, kind, content = answers.get()
        try:
            pipe.send((number, kind, content))
        except OSError:
            return  # the main process has closed its end
        except Exception as error:  # the batch cannot be pickled
            with contextlib.suppress(OSError):
                pipe.send((number, FAILED, _portable(error)))


class _StreamEnd(Exception):
    """A stream has no more batches."""


def _maker(job: Job) -> Callable[[Any], Any]:
    """The function that answers one task: from indices, or the next batch of a stream."""
    if not is_stream(job.dataset):
        return batch_maker(job.dataset, job.collate_fn, job.batched)
    batches = stream_batches(job.dataset, job.collate_fn, job.batch_size, job.drop_last)

    def next_batch(_: Any) -> Any:
        try:
            return next(batches)
        except StopIteration:
            raise _StreamEnd from None

    return next_batch


def _portable(error: Exception) -> tuple[Exception, str]:
    """An error and its traceback, in a form that survives the way to the other process."""
    if isinstance(error, StopIteration):  # would end the main process's loop without a word
        return RuntimeError(f"the data set raised StopIteration: {error}"), _text(error)
    text = _text(error)
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    return error, text


def _text(error: Exception) -> str:
    return "".join(traceback.format_exception(error))


def _seed_everything(seed: int) -> None:
    """Give this worker's random numbers (airi's, Python's, NumPy's) their own start."""
    manual_seed(seed)
    random.seed(seed)
    np.random.seed(np.random.SeedSequence(seed).generate_state(4))  # noqa: NPY002
    set_num_threads(1)  # the workers already share the cores among themselves


@dataclass(frozen=True)
class _TensorOnWire:
    array: np.ndarray


def _to_wire(data: Any) -> Any:
    """`data` with its tensors as NumPy arrays: no gradient, no graph goes between processes."""
    if isinstance(data, Tensor):
        return _TensorOnWire(np.ascontiguousarray(data.detach().numpy()))
    return map_nested(_to_wire, data)


def _from_wire(data: Any) -> Any:
    if isinstance(data, _TensorOnWire):
        return from_numpy(data.array)
    return map_nested(_from_wire, data)
