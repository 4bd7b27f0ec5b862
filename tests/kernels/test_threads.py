"""Kernels in threads and in forked processes: the same numbers, no deadlock, no more threads."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import airi

from ..conftest import hear_ctrl_c
from .table import TABLE, arguments, computed

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@pytest.fixture(params=[1, 2])
def threads(request):
    before = airi.get_num_threads()
    airi.set_num_threads(request.param)
    yield request.param
    airi.set_num_threads(before)


def assert_same_bits(found, expected, what):
    for mine, other in zip(found, expected, strict=True):
        assert np.array_equal(mine, other, equal_nan=True), what


@pytest.mark.parametrize("work", TABLE, ids=str)
def test_the_same_bits_every_time(work, threads):
    arrays = arguments(work)
    expected = computed(work, arrays, airi)
    for _ in range(4):
        assert_same_bits(computed(work, arrays, airi), expected, str(work))


def test_several_python_threads_at_once(threads):
    expected = [computed(work, arguments(work), airi) for work in TABLE]
    wrong = []

    def run(start):
        for i in range(len(TABLE)):
            at = (start + i) % len(TABLE)
            found = computed(TABLE[at], arguments(TABLE[at]), airi)
            pairs = zip(found, expected[at], strict=True)
            if not all(np.array_equal(mine, other) for mine, other in pairs):
                wrong.append(str(TABLE[at]))

    starts = [len(TABLE) * i // 4 for i in range(4)]
    workers = [threading.Thread(target=run, args=(start,)) for start in starts]
    for each in workers:
        each.start()
    for each in workers:
        each.join(120)
        assert not each.is_alive()
    assert not wrong


def run_program(program, threads=2, **options):
    """What a fresh Python prints that runs the program."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-W", "ignore", "-c", program]
    options = {"check": True, "timeout": 120, "text": True, **options}
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, **options).stdout


ALL_WORK = """
import os, sys, threading, multiprocessing
import numpy as np
import airi, airi.func
from tests.kernels.table import TABLE, arguments, computed

def everything(_=None):
    return [computed(work, arguments(work), airi) for work in TABLE]

def differ(found, expected):  # sums may be cut for threads; float32 of one sort all the same
    return [
        str(work) for work, ours, theirs in zip(TABLE, found, expected)
        if not all(np.allclose(a, b, 1e-4, 1e-4 * abs(b).max()) for a, b in zip(ours, theirs))
    ]
"""


@needs_fork
def test_a_forked_child_computes_while_the_parent_does():
    """The child has one thread; other threads of the parent are inside kernels as it forks."""
    program = """
expected = everything()
stop = threading.Event()
def keep_busy():
    x = airi.ones(8, 16, 28, 28)  # not with products: OpenBLAS does not survive that
    while not stop.is_set():
        airi.softmax(airi.nn.functional.conv2d(x, airi.ones(16, 16, 3, 3)), 1)
busy = [threading.Thread(target=keep_busy) for _ in range(2)]
[each.start() for each in busy]
for _ in range(3):
    child = os.fork()
    if child == 0:
        print(differ(everything(), expected), airi.get_num_threads(), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
stop.set()
[each.join() for each in busy]
print(differ(everything(), expected))
"""
    assert run_program(ALL_WORK + program).split("\n") == ["[] 1"] * 3 + ["[]", ""]


@needs_fork
def test_the_blas_library_of_a_forked_child_has_one_thread():
    program = """
import os, airi
from airi import threads
asked = []
threads._set_blas_threads = asked.append
if os.fork() == 0:
    print(asked, flush=True)
    os._exit(0)
os.wait()
print(asked)
"""
    assert run_program(program).split("\n") == ["[1]", "[]", ""]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_multiprocessing(method, tmp_path):
    import multiprocessing

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    script = tmp_path / "script.py"
    program = """
if __name__ == "__main__":
    expected = everything()
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        for found in pool.map(everything, range(2)):
            print(differ(found, expected))
"""
    script.write_text(ALL_WORK + program)
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    environment["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    command = [sys.executable, "-W", "ignore", str(script), method]
    assert subprocess.check_output(command, env=environment, timeout=120) == b"[]\n[]\n"


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_threads_than_asked_for(threads):
    """The kernels' threads and the BLAS library's, which sleep while the others work."""
    program = """
everything()
a, x = airi.ones(800, 800), airi.ones(64, 16, 28, 28)
for _ in range(3):
    a @ a
    airi.nn.functional.conv2d(x, airi.ones(16, 16, 5, 5))
    airi.softmax(a, 1)
print(len(os.listdir("/proc/self/task")))
"""
    assert int(run_program(ALL_WORK + program, threads)) <= 1 + 2 * (threads - 1)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_a_long_computation():
    program = """
import airi
x = airi.ones(64, 64, 56, 56, requires_grad=True)
print("begun", flush=True)
while True:
    airi.nn.functional.conv2d(x, airi.ones(64, 64, 3, 3)).sum().backward()
"""
    command = [sys.executable, "-c", program]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "preexec_fn": hear_ctrl_c}
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            assert process.stdout.readline() == "begun\n"
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) != 0
        finally:
            process.kill()
        assert process.stderr.read().endswith("KeyboardInterrupt\n")


# What loads the runtime first, each with another extension.
LOADING = (
    "pass",
    "airi.nn.functional.max_pool2d(airi.ones(1, 1, 4, 4), 2)",
    "airi.nn.functional.gelu(airi.ones(256, 256))",
    "import airi.optim",
)


@pytest.mark.parametrize("program", LOADING)
def test_waiting_threads_of_the_openmp_runtime_do_not_spin_for_long(program):
    command = [sys.executable, "-c", f"import airi\n{program}"]
    settings = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    environment = {name: value for name, value in os.environ.items() if name not in settings}
    environment["OMP_DISPLAY_ENV"] = "verbose"  # the runtime says what it read when it was loaded
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=True)
    spins = [line.split("'")[1] for line in done.stderr.splitlines() if "GOMP_SPINCOUNT" in line]
    assert spins in ([], ["10000"])  # none: another runtime, or no compiled kernels
