# cython: boundscheck=False, wraparound=False
"""The compiled loops of ``places_kernels.h``; `places.py` decides when they are used."""

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.stdint cimport int64_t

from airi import threads


cdef extern from "places_kernels.h" nogil:
    enum:
        TAKE_ROWS
        TAKE_EACH
        ADD_ROWS
        ADD_EACH

    ctypedef struct Places:
        const int64_t *index
        ptrdiff_t outer, size, count, inner

    ctypedef int (*PlacesLoop)(const Places *p, const void *source, void *to, ptrdiff_t task)

    const PlacesLoop *loops_for(char code, size_t bytes)
    bint all_within(const int64_t *index, ptrdiff_t places, int64_t size)
    bint run_places(
        const PlacesLoop *loops, int kind, Places *p, const void *source, void *to, size_t bytes,
        int threads,
    )


def within(index, int64_t size) -> bool:
    """Whether every place in a contiguous int64 array is at least 0 and below `size`."""
    cdef Py_buffer view
    PyObject_GetBuffer(index, &view, PyBUF_SIMPLE)
    result = all_within(<const int64_t *>view.buf, view.len // 8, size)
    PyBuffer_Release(&view)
    return result


cdef bint run(int kind, x, index, out, ptrdiff_t outer, ptrdiff_t size, ptrdiff_t count,
              ptrdiff_t inner) except -1:
    cdef Py_buffer places, source, to
    cdef Places p
    cdef const PlacesLoop *loops
    cdef int threads_ = threads.get_num_threads()
    cdef bint done = False
    PyObject_GetBuffer(index, &places, PyBUF_SIMPLE)
    PyObject_GetBuffer(x, &source, PyBUF_FORMAT)
    PyObject_GetBuffer(out, &to, PyBUF_SIMPLE | PyBUF_WRITABLE)
    loops = loops_for((<const char *>source.format)[0], source.itemsize)
    with nogil:
        p.index = <const int64_t *>places.buf
        p.outer, p.size, p.count, p.inner = outer, size, count, inner
        if loops != NULL:
            done = run_places(loops, kind, &p, source.buf, to.buf, source.itemsize, threads_)
    PyBuffer_Release(&places)
    PyBuffer_Release(&source)
    PyBuffer_Release(&to)
    return done


# All return whether it was done: not where a place is no row, or where elements are no numbers of
# 4 or 8 bytes. Arrays are contiguous, the index int64, its places counted from the front.

def take_rows(x, index, out, outer, size, count, inner) -> bool:
    """out[o, k] = x[o, index[k]]"""
    return run(TAKE_ROWS, x, index, out, outer, size, count, inner)


def take_each(x, index, out, outer, size, count, inner) -> bool:
    """out[o, k, i] = x[o, index[o, k, i], i]"""
    return run(TAKE_EACH, x, index, out, outer, size, count, inner)


def add_rows(x, index, out, outer, size, count, inner) -> bool:
    """out[o, index[k]] += x[o, k]"""
    return run(ADD_ROWS, x, index, out, outer, size, count, inner)


def add_each(x, index, out, outer, size, count, inner) -> bool:
    """out[o, index[o, k, i], i] += x[o, k, i]"""
    return run(ADD_EACH, x, index, out, outer, size, count, inner)
