"""One setting for all threads: airi's own kernels and the BLAS library under NumPy.

At the start both use ``OMP_NUM_THREADS`` threads, or one for every processor that this process
may run on. The kernels never call BLAS from inside their threads, so the two never multiply.
A forked child stays with one thread of both: the OpenMP runtime does not survive a fork. OpenBLAS
does, but not while another Python thread is inside a product of matrices: both processes may hang.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# After a matrix product OpenBLAS's threads spin for some 25 ms in the hope of another, on the
# processors that a convolution then wants: a ConvNet's step takes a third longer. They are told to
# sleep instead (2**4 cycles is the least). OpenBLAS reads this when NumPy is imported; where that
# was before airi, `let_blas_threads_sleep` makes it read again.
_timeout_comes_late = "numpy" in sys.modules and "OPENBLAS_THREAD_TIMEOUT" not in os.environ
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")

# A thread of the OpenMP runtime that waits for work spins for milliseconds by default, at the cost
# of whatever else runs on the same processors. But to wake one that sleeps takes as long as a pass
# over an array of a megabyte. So GCC's runtime spins for some 0.1 ms, and others sleep.
_SHORT_WAITING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "10000"}

_kernel_threads: int | None = None
_forked = False
_set_blas_threads: Callable[[int], object] | None = None


def get_num_threads() -> int:
    """The number of threads that kernels use, as ``torch.get_num_threads``.

    Example:
        >>> airi.get_num_threads()
        2
    """
    global _kernel_threads
    if _kernel_threads is None:
        _kernel_threads = _threads_at_start()
    return _kernel_threads


def set_num_threads(num: int) -> None:
    """Use `num` threads in airi's kernels and in NumPy's BLAS, as ``torch.set_num_threads``.

    A BLAS library that airi does not know keeps its own setting. In a forked child (a worker of a
    ``DataLoader``, say) the kernels stay with one thread, with a warning when more are asked for.

    Raises:
        TypeError: if `num` is not an int.
        ValueError: if `num` is less than 1.

    Example:
        >>> airi.set_num_threads(1)
    """
    global _kernel_threads
    if not isinstance(num, int) or isinstance(num, bool):
        raise TypeError(f"set_num_threads: num must be an int, got {type(num).__name__}")
    if num < 1:
        raise ValueError(f"set_num_threads: num must be at least 1, got {num}")
    if _forked:
        if num > 1:
            warnings.warn(
                "set_num_threads: a forked process runs airi's kernels in one thread "
                "(start it with the method 'spawn' to use more)",
                RuntimeWarning,
                stacklevel=2,
            )
        num = 1
    _kernel_threads = num
    _blas_setter()(num)


def _threads_at_start() -> int:
    # OMP_NUM_THREADS may be a list, one number for each nesting level: the first one counts.
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def threads_that_sleep() -> Iterator[None]:
    """While an extension is imported that brings the OpenMP runtime, which reads this then.

    What the user has set stays, and is all that the runtime gets to know.
    """
    added = {} if _SHORT_WAITING.keys() & os.environ.keys() else _SHORT_WAITING
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def let_blas_threads_sleep() -> None:
    """Have OpenBLAS read how long its idle threads spin, where it was loaded before airi.

    Its threads are ended, as they are at every fork, and start anew with the next product. Nothing
    is done while other Python threads run, which might be inside one, nor with a BLAS that lacks
    these functions.
    """
    global _timeout_comes_late
    if not _timeout_comes_late or _forked or threading.active_count() > 1:
        return
    _timeout_comes_late = False
    for library in _openblas_libraries():
        read_again = getattr(library, "openblas_read_env", None)
        end_threads = getattr(library, "blas_thread_shutdown_", None)
        if read_again is not None and end_threads is not None:
            read_again()
            end_threads()


def _blas_setter() -> Callable[[int], object]:
    global _set_blas_threads
    if _set_blas_threads is None:
        _set_blas_threads = _find_blas_setter()
    return _set_blas_threads


def _find_blas_setter() -> Callable[[int], object]:
    """A function that sets the number of threads of NumPy's BLAS, or one that does nothing."""
    import ctypes

    setter = _find_openblas_setter()
    if setter is not None:
        return lambda num: setter(ctypes.c_int(num))
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return lambda num: None
    return lambda num: threadpool_limits(num, user_api="blas")


def _find_openblas_setter() -> Callable[..., object] | None:
    """The C function ``set_num_threads`` of NumPy's OpenBLAS."""
    for library in _openblas_libraries():
        for prefix in ("scipy_openblas", "openblas"):
            for suffix in ("64_", ""):
                found = getattr(library, f"{prefix}_set_num_threads{suffix}", None)
                if found is not None:
                    found.restype = None
                    return found
    return None


def _openblas_libraries() -> Iterator[Any]:
    """The OpenBLAS that NumPy's wheels bring along, as ctypes sees it."""
    import ctypes
    import glob

    import numpy

    package = os.path.dirname(numpy.__file__)
    folders = [package + ".libs", os.path.join(package, ".dylibs"), os.path.join(package, ".libs")]
    for folder in folders:
        for path in glob.glob(os.path.join(glob.escape(folder), "*openblas*")):
            try:
                yield ctypes.CDLL(path)
            except OSError:
                continue


def _before_fork() -> None:
    if get_num_threads() > 1:
        _blas_setter()  # a library is not looked for in a child, which may inherit locks


def _after_fork() -> None:
    global _kernel_threads, _forked
    if get_num_threads() > 1:
        _blas_setter()(1)
    _kernel_threads, _forked = 1, True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
