"""Memory that is kept: it is reused and bounded, and no array ever sees another's."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import airi
from airi import memory

compiled = pytest.mark.skipif(memory._compiled is None, reason="airi.memory_ext was not built")
LARGE = 1 << 20  # bytes


@pytest.fixture(autouse=True)
def _own_limit():
    limit = airi.memory_stats()["limit"]
    airi.set_memory_limit(64 * LARGE)
    airi.empty_memory()
    yield
    airi.set_memory_limit(limit)


def address(array):
    return array.__array_interface__["data"][0]


@compiled
def test_the_next_array_of_a_size_gets_the_memory():
    first = np.empty(LARGE, np.uint8)
    where = address(first)
    del first
    assert airi.memory_stats()["kept_blocks"] == 1
    assert address(np.empty(LARGE + 1000, np.uint8)) == where


@compiled
def test_elements_are_aligned_to_a_cache_line():
    assert address(np.empty(LARGE, np.uint8)) % 64 == 0


@compiled
def test_a_view_keeps_the_memory_from_being_reused():
    array = np.full(LARGE, 7, np.uint8)
    view = array[10:20]
    del array
    other = np.full(LARGE, 9, np.uint8)
    assert (view == 7).all()
    assert not np.may_share_memory(view, other)


def test_zeros_are_zero_in_memory_that_was_used():
    del_me = np.full(LARGE, 7, np.uint8)
    del del_me
    assert not np.zeros(LARGE, np.uint8).any()


@pytest.mark.parametrize("size", [10, LARGE // 2, LARGE, LARGE + 5000, 5 * LARGE])
@pytest.mark.parametrize("new_size", [3, LARGE // 2, LARGE + 1000, 7 * LARGE])
def test_resize_keeps_the_elements(size, new_size):
    array = np.arange(size, dtype=np.uint8)
    array.resize(new_size, refcheck=False)
    common = min(size, new_size)
    assert np.array_equal(array[:common], np.arange(common, dtype=np.uint8))
    assert not array[common:].any()


def test_empty_arrays_of_large_elements_come_and_go():
    for _ in range(3):
        array = np.empty(0, f"S{LARGE}")
        assert array.size == 0
        del array


def test_arrays_from_iterators_and_bytes():
    grown = np.fromiter(range(LARGE), np.int32)
    assert grown[-1] == LARGE - 1
    assert np.frombuffer(bytes(LARGE), np.uint8).sum() == 0


@compiled
def test_no_more_than_the_limit_is_kept():
    airi.set_memory_limit(3 * LARGE)
    arrays = [np.empty(LARGE, np.uint8) for _ in range(5)]
    del arrays
    assert 0 < airi.memory_stats()["kept_bytes"] <= 3 * LARGE
    too_large = np.empty(10 * LARGE, np.uint8)
    del too_large
    stats = airi.memory_stats()
    assert 0 < stats["kept_bytes"] <= 3 * LARGE
    airi.empty_memory()
    assert airi.memory_stats()["kept_bytes"] == airi.memory_stats()["kept_blocks"] == 0


@compiled
def test_what_is_oldest_goes_first():
    airi.set_memory_limit(4 * LARGE)
    old, new, newest = (np.empty(n * LARGE // 2, np.uint8) for n in (2, 3, 4))
    addresses = [address(new), address(newest)]
    del old
    del new
    del newest  # 1 + 1.5 + 2 MiB and their headers: more than 4 MiB
    found = [np.empty(n * LARGE // 2, np.uint8) for n in (3, 4)]
    assert [address(each) for each in found] == addresses
    assert airi.memory_stats()["kept_blocks"] == 0


@compiled
def test_limit_zero_keeps_nothing_and_arrays_made_before_are_freed():
    before = np.full(LARGE, 3, np.uint8)
    airi.set_memory_limit(0)
    mapped = airi.memory_stats()["mapped"]
    after = np.full(LARGE, 4, np.uint8)
    assert airi.memory_stats()["mapped"] == mapped
    assert before[0] == 3
    assert after[0] == 4
    del before, after
    assert airi.memory_stats()["kept_bytes"] == 0


@compiled
def test_an_array_of_numpys_is_freed_under_airis_allocator_and_the_reverse():
    made_by_airi = []

    def work():  # a thread starts with NumPy's own allocator
        made_by_airi.clear()
        made_by_numpy.append(np.ones(LARGE, np.uint8))

    made_by_numpy = []
    made_by_airi.append(np.ones(LARGE, np.uint8))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert airi.memory_stats()["kept_blocks"] == 1
    assert made_by_numpy.pop().sum() == LARGE


@compiled
def test_a_thread_gets_kept_memory_after_install():
    counts = []

    def work():
        memory.install()
        before = airi.memory_stats()["mapped"]
        np.ones(7 * LARGE, np.uint8)
        counts.append(airi.memory_stats()["mapped"] - before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert counts == [1]


def test_threads_never_share_an_array():
    wrong = []

    def work(number):
        memory.install()
        for i in range(60):
            array = np.full(LARGE // 2 * (1 + i % 3), number, np.uint8)
            if not (array == number).all():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong
    assert airi.memory_stats()["used_bytes"] >= 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_goes_on():
    script = """
import os, threading
import numpy as np, airi
def work():
    airi.memory.install()
    for _ in range(300):
        np.ones(1 << 20, np.uint8)
threads = [threading.Thread(target=work) for _ in range(3)]
[t.start() for t in threads]
kept = np.full(1 << 20, 5, np.uint8)
for _ in range(5):
    pid = os.fork()
    if not pid:
        good = (np.ones(1 << 20, np.uint8) == 1).all() and (kept == 5).all()
        airi.empty_memory()
        os._exit(0 if good else 1)
    assert os.waitpid(pid, 0)[1] == 0
[t.join() for t in threads]
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


@compiled
@pytest.mark.parametrize(("value", "limit"), [("0", 0), ("5000000", 5000000)])
def test_the_environment_sets_the_limit(value, limit):
    script = (
        "import airi, numpy as np; np.ones(1 << 20); s = airi.memory_stats(); "
        "print(s['limit'], s['mapped'] > 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "AIRI_MEMORY_LIMIT": value},
    )
    assert done.stdout.split() == [str(limit), str(limit > 0)], done.stderr


def test_what_is_no_number_of_bytes_is_refused():
    with pytest.raises(TypeError, match="set_memory_limit: num_bytes must be an int, got float"):
        airi.set_memory_limit(1e9)
    with pytest.raises(ValueError, match="set_memory_limit: num_bytes must not be negative"):
        airi.set_memory_limit(-1)


def test_the_names_of_the_numbers():
    assert tuple(airi.memory_stats()) == memory._ALL_ZERO


def test_a_program_that_ends_with_arrays_alive_ends_well():
    script = "import airi, numpy as np, sys; sys.kept = [np.ones(1 << 20), airi.ones(1 << 20)]"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


@compiled
def test_the_numbers_are_right_after_any_history():
    """Arrays of all sizes come, grow, shrink and go in any order, with limits that change."""
    rng = np.random.default_rng(0)
    sizes = LARGE // 8, LARGE // 4 - 1, LARGE // 4, LARGE // 2 + 17, LARGE, 3 * LARGE + 1
    limit, alive = 64 * LARGE, {}
    start = airi.memory_stats()
    for number in range(600):
        action = rng.choice(
            ["new", "zeros", "drop", "resize", "limit"], p=[0.3, 0.15, 0.4, 0.1, 0.05]
        )
        some = int(rng.choice(list(alive))) if alive else None
        size = int(rng.choice(sizes))
        if action in ("new", "zeros") or some is None:
            array = np.zeros(size, np.uint8) if action == "zeros" else np.empty(size, np.uint8)
            assert action != "zeros" or not array.any()
            array[:] = number % 251
            alive[number] = array, number % 251
        elif action == "drop":
            del alive[some]
        elif action == "resize":
            array, value = alive[some]
            kept = min(array.size, size)
            array.resize(size, refcheck=False)
            assert (array[:kept] == value).all()
            array[:] = value
        else:
            limit = int(rng.choice([1, LARGE, 64 * LARGE]))
            airi.set_memory_limit(limit)
        array = None
        assert all((each == value).all() for each, value in alive.values())
        stats = airi.memory_stats()
        ours = [each.nbytes for each, _ in alive.values() if address(each) % 4096 == 64]
        asked = sum(ours)
        used = stats["used_bytes"] - start["used_bytes"]
        assert stats["used_blocks"] - start["used_blocks"] == len(ours)
        # Sizes are rounded up by an eighth; what shrinks in place keeps up to half.
        assert asked + 64 * len(ours) <= used <= 2.3 * asked + 64 * len(ours)
        assert stats["kept_bytes"] <= limit
        assert (stats["kept_bytes"] == 0) == (stats["kept_blocks"] == 0)
        assert stats["peak_bytes"] >= stats["used_bytes"] + stats["kept_bytes"]
    alive.clear()
    airi.empty_memory()
    end = airi.memory_stats()
    assert (end["used_bytes"], end["kept_bytes"]) == (start["used_bytes"], 0)


def test_pickles_and_copies_hold_the_elements():
    import copy
    import pickle

    array = np.arange(LARGE, dtype=np.float32)
    for other in (pickle.loads(pickle.dumps(array, 5)), copy.deepcopy(array), array.copy()):
        assert np.array_equal(other, array)
        assert not np.shares_memory(other, array)


@compiled
def test_backward_frees_what_it_used():
    """A chain of large results is never held whole by the pass backward."""
    used = []
    x = airi.ones(LARGE // 4, requires_grad=True)
    y = x * 1
    y.register_hook(lambda g: used.append(airi.memory_stats()["used_bytes"]))
    for _ in range(8):
        y = y.exp() * 1e-3
    total = y.sum()
    del y
    before = airi.memory_stats()["used_bytes"]
    total.backward()
    assert used[0] <= before - 5 * LARGE
