import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
import traceback

import numpy as np
import pytest

import airi
from airi.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    default_collate,
    get_worker_info,
    worker,
)

from ...conftest import hear_ctrl_c

# Python 3.12 and later warn of every fork next to threads, such as those of a BLAS library.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")

METHODS = multiprocessing.get_all_start_methods()


class Numbers(Dataset):
    """0, 1, 2, ... ; the even batches of two come late, so that they would be overtaken."""

    def __init__(self, length, late=0.0):
        self.length = length
        self.late = late

    def __getitem__(self, index):
        if index % 4 == 0:
            time.sleep(self.late)
        return np.array([index, index * index])

    def __len__(self):
        return self.length


class Identity(Dataset):
    """Tells which process made an item, and its random numbers."""

    def __getitem__(self, index):
        drawn = airi.rand(()).item(), random.random(), np.random.random()  # noqa: NPY002
        return os.getpid(), get_worker_info().id, drawn

    def __len__(self):
        return 6


class Failing(Dataset):
    def __init__(self, error):
        self.error = error

    def __getitem__(self, index):
        if index == 3:
            raise self.error
        return index

    def __len__(self):
        return 8


class Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


class Stream(IterableDataset):
    def __init__(self, length):
        self.length = length

    def __iter__(self):
        info = get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(first, self.length, step))


def children():
    return multiprocessing.active_children()


def values(loader):
    return [batch.tolist() for batch in loader]


@pytest.fixture(autouse=True)
def _no_process_is_left_over():
    yield
    assert children() == []


# -- batches ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_workers_give_the_same_batches_in_the_same_order(method):
    data = Numbers(11, late=0.01)
    options = {"batch_size": 2, "shuffle": True}
    expected = DataLoader(data, **options, generator=airi.Generator().manual_seed(3))
    loader = DataLoader(
        data,
        **options,
        generator=airi.Generator().manual_seed(3),
        num_workers=2,
        multiprocessing_context=method,
    )
    first, second = values(expected), values(expected)
    assert values(loader) == first
    assert values(loader) == second
    assert first != second
    assert len(loader) == len(first) == 6


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 4},
        {"batch_size": 4, "drop_last": True},
        {"batch_size": 20, "drop_last": True},
        {"sampler": [5, 3, 3]},
        {"batch_sampler": [[1, 2], [7], [0, 5, 9]]},
        {"batch_size": None},
        {"batch_size": None, "sampler": [4, 2]},
        {"batch_size": 3, "collate_fn": sum},
    ],
    ids=str,
)
def test_batching_is_pytorchs(options, num_workers):
    torch = pytest.importorskip("torch")
    data = Numbers(10)
    expected = torch.utils.data.DataLoader(data, **options)
    loader = DataLoader(data, num_workers=num_workers, **options)
    assert values(loader) == [batch.tolist() for batch in expected]
    assert len(loader) == len(expected)


def test_the_same_seed_gives_the_same_shuffling():
    orders = []
    for num_workers in (0, 0, 2):
        airi.manual_seed(11)
        orders.append(values(DataLoader(Numbers(20), 4, shuffle=True, num_workers=num_workers)))
    assert orders[0] == orders[1] == orders[2]
    assert orders[0] != values(DataLoader(Numbers(20), 4))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_streams(num_workers):
    loader = DataLoader(Stream(10), 3, num_workers=num_workers)
    if num_workers == 0:
        assert values(loader) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
    else:  # each worker has its share, and its own last batch
        assert values(loader) == [[0, 2, 4], [1, 3, 5], [6, 8], [7, 9]]
    dropped = DataLoader(Stream(10), 3, num_workers=num_workers, drop_last=True)
    assert all(len(batch) == 3 for batch in values(dropped))
    assert list(DataLoader(Stream(3), None, num_workers=num_workers)) == [0, 1, 2]
    with pytest.raises(TypeError):
        len(loader)


def test_a_stream_whose_shares_differ_in_length():
    loader = DataLoader(Stream(5), 1, num_workers=4, prefetch_factor=3)
    assert sorted(values(loader)) == [[0], [1], [2], [3], [4]]
    assert values(DataLoader(Stream(0), 2, num_workers=2)) == []


# -- whole batches at once --------------------------------------------------------------------


@pytest.mark.parametrize("num_workers", [0, 2])
def test_the_fast_way_gives_what_items_one_by_one_give(num_workers, monkeypatch):
    x = np.random.default_rng(0).standard_normal((10, 2, 3), dtype=np.float32)
    data = TensorDataset(x, np.arange(10))
    for each in (data, Subset(data, range(9, 0, -2)), Subset(Subset(data, range(5)), [4, -1, 0])):
        fast = list(DataLoader(each, 4, num_workers=num_workers))
        slow = list(DataLoader(each, 4, collate_fn=lambda items: default_collate(items)))
        assert len(fast) == len(slow)
        for one, other in zip(fast, slow, strict=True):
            assert type(one) is type(other) is list
            for a, b in zip(one, other, strict=True):
                assert a.dtype is b.dtype
                np.testing.assert_array_equal(a.numpy(), b.numpy())
    monkeypatch.delattr(TensorDataset, "__getitem__")
    assert len(list(DataLoader(data, 4))) == 3, "it does not go through the items"


def test_a_subclass_that_redefines_items_is_heeded():
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return tuple(each * 2 for each in super().__getitem__(index))

    class Reversed(Subset):
        def __getitem__(self, index):
            return self.dataset[-1 - index]

    doubled = Doubled(airi.tensor([1, 2, 3]))
    assert next(iter(DataLoader(doubled, 3)))[0].tolist() == [2, 4, 6]
    assert next(iter(DataLoader(Subset(doubled, [2, 0]), 2)))[0].tolist() == [6, 2]
    backwards = Reversed(TensorDataset(airi.tensor([1, 2, 3])), range(3))
    assert next(iter(DataLoader(backwards, 3)))[0].tolist() == [3, 2, 1]


def test_getitems_of_pytorchs_protocol_is_used():
    class Fetching(Numbers):
        def __getitems__(self, indices):
            return [-index for index in indices]

    assert values(DataLoader(Fetching(4), 2)) == [[0, -1], [-2, -3]]
    assert values(DataLoader(Subset(Fetching(4), [3, 1, 0]), 2)) == [[-3, -1], [0]]


# -- workers ----------------------------------------------------------------------------------


def identities(**options):
    airi.manual_seed(7)
    loader = DataLoader(Identity(), None, num_workers=2, **options)
    return [list(loader), list(loader)]


def test_workers_have_seeds_of_their_own_that_can_be_repeated():
    first = identities()
    drawn = [tuple(numbers) for epoch in first for _, _, numbers in epoch]
    assert len(set(drawn)) == 12, "no worker and no pass repeats another's numbers"
    again = identities()
    assert [tuple(numbers) for epoch in again for _, _, numbers in epoch] == drawn
    assert [worker for _, worker, _ in first[0]] == [0, 1] * 3
    assert get_worker_info() is None


def test_persistent_workers_stay_for_the_next_pass():
    for persistent in (True, False):
        pids = [{pid for pid, _, _ in epoch} for epoch in identities(persistent_workers=persistent)]
        assert (pids[0] == pids[1]) is persistent
        assert os.getpid() not in pids[0]


def test_persistent_workers_after_a_pass_that_was_left():
    loader = DataLoader(Numbers(12), 2, num_workers=2, persistent_workers=True)
    expected = values(DataLoader(Numbers(12), 2))
    left = iter(loader)
    next(left)
    assert values(loader) == expected
    with pytest.raises(RuntimeError, match="newer pass"):
        next(left)
    assert values(loader) == expected
    assert len(children()) == 2
    del loader, left
    assert children() == []


def _note_down(worker):
    info = get_worker_info()
    airi.manual_seed(100 + worker)
    assert (info.id, info.num_workers) == (worker, 2)


def test_worker_init_fn_runs_after_seeding():
    drawn = identities(worker_init_fn=_note_down)
    airi.manual_seed(101)
    assert drawn[0][1][2][0] == drawn[1][1][2][0] == airi.rand(()).item()


def _fail(worker):
    raise LookupError(f"no worker {worker}")


def test_an_error_in_worker_init_fn_is_raised():
    with pytest.raises(LookupError, match="no worker 0"):
        list(DataLoader(Numbers(4), num_workers=2, worker_init_fn=_fail))


def test_tensors_come_without_their_gradient():
    x = airi.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    (batch,) = next(iter(DataLoader(TensorDataset(x * 2), 2, num_workers=1)))
    assert batch.tolist() == [[2.0, 4.0], [6.0, 8.0]]
    assert not batch.requires_grad
    batch += 1  # it is memory of this process's own
    (here,) = next(iter(DataLoader(TensorDataset(x * 2), 2)))
    assert here.requires_grad


def test_large_batches_and_long_index_lists_do_not_block():
    data = TensorDataset(np.zeros((30_000, 20), np.float32))
    sizes = [len(batch) for (batch,) in DataLoader(data, 15_000, num_workers=2, prefetch_factor=4)]
    assert sizes == [15_000, 15_000]


# -- when things go wrong ---------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_an_error_comes_with_the_workers_traceback(method):
    data = Failing(KeyError("no such picture"))
    loader = DataLoader(data, 2, num_workers=2, multiprocessing_context=method)
    with pytest.raises(KeyError, match="no such picture") as raised:
        list(loader)
    text = "".join(traceback.format_exception(raised.value))
    assert "in __getitem__" in text
    assert "raise self.error" in text
    assert "DataLoader worker 1" in text


def test_errors_that_cannot_travel_are_told():
    with pytest.raises(RuntimeError, match="Unpicklable: 1 and 2"):
        list(DataLoader(Failing(Unpicklable(1, 2)), num_workers=1))
    with pytest.raises(RuntimeError, match="StopIteration: enough"):
        list(DataLoader(Failing(StopIteration("enough")), num_workers=1))
    with pytest.raises((AttributeError, TypeError), match="pickle"):
        list(DataLoader(Numbers(2), num_workers=1, collate_fn=lambda items: lambda: None))


def test_the_workers_go_on_after_an_error_where_they_persist():
    loader = DataLoader(Failing(ValueError("bad")), 2, num_workers=2, persistent_workers=True)
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            list(loader)
    assert len(children()) == 2
    del loader
    assert children() == [], "the error that was raised does not keep the loader alive"


class Dying(Numbers):
    def __getitem__(self, index):
        if index == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return index


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("persistent", [True, False])
def test_a_killed_worker_is_noticed_at_once(persistent):
    loader = DataLoader(Dying(40), num_workers=2, persistent_workers=persistent)
    with pytest.raises(RuntimeError, match=r"worker 1 \(process \d+\) was killed by signal 9"):
        list(loader)
    assert children() == []


def test_a_late_batch_runs_into_the_timeout(monkeypatch):
    monkeypatch.setattr(worker, "STOP_SECONDS", 0.1)  # how long a busy worker is waited for
    loader = DataLoader(Numbers(8, late=20), 2, num_workers=2, timeout=0.2)
    with pytest.raises(RuntimeError, match=r"worker 0 gave no batch within timeout=0\.2"):
        list(loader)


def test_leaving_the_loop_stops_the_workers():
    for batch in DataLoader(Numbers(1000), 2, num_workers=2):
        assert len(children()) == 2
        if batch[0, 0].item() == 4:
            break
    del batch
    assert children() == []
    unused = iter(DataLoader(Numbers(10), num_workers=2))
    del unused


SCRIPT = """
    import multiprocessing, os, sys, time
    from airi.utils.data import DataLoader, Dataset

    class Slow(Dataset):
        def __len__(self): return 1000
        def __getitem__(self, index):
            time.sleep(0.02)
            return index

    if __name__ == "__main__":
        loader = DataLoader(Slow(), num_workers=2, persistent_workers={persistent})
        try:
            for index, batch in enumerate(loader):
                if index == 2:
                    pids = [str(each.pid) for each in multiprocessing.active_children()]
                    print(os.getpid(), *pids, flush=True)
        except KeyboardInterrupt:
            print("stopped", flush=True)
            raise
"""


def gone(pid):
    """Whether a process has ended (one that only waits for its parent to take notice has)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("persistent", [True, False])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_orphans_after_ctrl_c_or_a_kill(tmp_path, how, persistent):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT.format(persistent=persistent)))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) == 3
    if how == signal.SIGINT:
        os.killpg(pids[0], how)  # a terminal sends Ctrl-C to the whole group
    else:
        os.kill(pids[0], how)
    out, err = process.communicate(timeout=20)
    if how == signal.SIGINT:
        assert out == "stopped\n"
        assert err.count("Traceback") == 1, err
        assert err.rstrip().endswith("KeyboardInterrupt")
    deadline = time.monotonic() + 10
    while not all(gone(pid) for pid in pids):
        assert time.monotonic() < deadline, "a worker has survived"
        time.sleep(0.01)


# -- arguments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"num_workers": -1},
        {"timeout": -1},
        {"prefetch_factor": 2},
        {"prefetch_factor": 0, "num_workers": 1},
        {"persistent_workers": True},
        {"shuffle": True, "sampler": [1]},
        {"batch_sampler": [[1]], "batch_size": 2},
        {"batch_sampler": [[1]], "shuffle": True},
        {"batch_sampler": [[1]], "drop_last": True},
        {"batch_size": None, "drop_last": True},
        {"batch_size": 0},
        {"batch_size": 2.0},
        {"multiprocessing_context": "fork"},
    ],
    ids=str,
)
def test_arguments_that_contradict_each_other_are_refused(options):
    with pytest.raises(ValueError, match="DataLoader"):
        DataLoader(Numbers(4), **options)


def test_a_data_set_that_was_not_made_is_refused():
    with pytest.raises(TypeError, match="dataset must be a Dataset or a sequence, got None"):
        DataLoader(None)


@pytest.mark.parametrize("options", [{"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}])
def test_a_stream_sets_its_own_order(options):
    with pytest.raises(ValueError, match="own order"):
        DataLoader(Stream(3), **options)


def test_what_batches_are_made_by_is_fixed():
    loader = DataLoader(Numbers(4), 2, pin_memory=True, pin_memory_device="", in_order=False)
    with pytest.raises(ValueError, match="batch_size cannot be set after"):
        loader.batch_size = 3
    loader.collate_fn = len
    assert list(loader) == [2, 2]
