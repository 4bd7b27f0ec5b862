# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled steps of recurrent layers; `recurrent_steps.py` says what each computes, in NumPy.

Each returns False, and has done nothing, where its arrays are not contiguous float32 of matching
sizes: the caller then uses NumPy.
"""

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_IsContiguous, PyBuffer_Release,
    PyObject_GetBuffer,
)

cdef extern from "recurrent_kernels.h" nogil:
    void lstm_row(Py_ssize_t, const float *, float *, float *, float *, float *)
    void lstm_row_backward(Py_ssize_t, const float *, const float *, const float *, const float *,
                           float *, float *)
    void gru_row(Py_ssize_t, const float *, float *, float *, float *)
    void gru_row_backward(Py_ssize_t, const float *, const float *, const float *, float *,
                          float *, float *)

# Buffers rather than typed memoryviews, whose making takes longer than a small step.
cdef int READ = PyBUF_STRIDES | PyBUF_FORMAT
cdef int WRITE = READ | PyBUF_WRITABLE


cdef struct Rows:
    Py_ssize_t count
    Py_ssize_t size  # of a state; gates have several times as many numbers


cdef bint acquire(tuple arrays, int read, int last_gates, Py_buffer *views, Rows *rows) except -1:
    """Open the memory of matrices, of those after the first `read` for writing.

    The states' size is what the last has, which is `last_gates` gates. Returns whether they suit
    each other; if they do not, nothing is left open.
    """
    cdef int i, opened = 0, count = len(arrays)
    cdef bint suit = True
    try:
        for i in range(count):
            PyObject_GetBuffer(arrays[i], &views[i], READ if i < read else WRITE)
            opened += 1
    except BaseException:
        release(views, opened)
        raise
    for i in range(count):
        suit = suit and views[i].ndim == 2 and PyBuffer_IsContiguous(&views[i], c'C')
        suit = suit and views[i].format[0] == c'f' and views[i].format[1] == 0
    if suit:
        rows.count = views[count - 1].shape[0]
        rows.size = views[count - 1].shape[1] // last_gates
        for i in range(count):
            suit = suit and views[i].shape[0] == rows.count
    if not suit:
        release(views, count)
    return suit


cdef void release(Py_buffer *views, int count):
    cdef int i
    for i in range(count):
        PyBuffer_Release(&views[i])


def lstm_step(object gates, object recurrent, object c, object cells, object h):
    cdef Py_buffer v[5]
    cdef Rows rows
    cdef Py_ssize_t row, at
    if not acquire((recurrent, gates, c, cells, h), 1, 1, v, &rows):
        return False
    with nogil:
        for row in range(rows.count):
            at = row * rows.size
            lstm_row(rows.size, <float *>v[0].buf + 4 * at, <float *>v[1].buf + 4 * at,
                     <float *>v[2].buf + at, <float *>v[3].buf + at, <float *>v[4].buf + at)
    release(v, 5)
    return True


def lstm_step_backward(
    object gates, object before, object cells, object dh, object dc, object dgates
):
    cdef Py_buffer v[6]
    cdef Rows rows
    cdef Py_ssize_t row, at
    if not acquire((gates, before, cells, dh, dc, dgates), 4, 4, v, &rows):
        return False
    with nogil:
        for row in range(rows.count):
            at = row * rows.size
            lstm_row_backward(
                rows.size, <float *>v[0].buf + 4 * at, <float *>v[1].buf + at,
                <float *>v[2].buf + at, <float *>v[3].buf + at, <float *>v[4].buf + at,
                <float *>v[5].buf + 4 * at)
    release(v, 6)
    return True


def gru_step(object gates, object recurrent, object h, object candidate):
    cdef Py_buffer v[4]
    cdef Rows rows
    cdef Py_ssize_t row, at
    if not acquire((recurrent, gates, h, candidate), 1, 1, v, &rows):
        return False
    with nogil:
        for row in range(rows.count):
            at = row * rows.size
            gru_row(rows.size, <float *>v[0].buf + 3 * at, <float *>v[1].buf + 3 * at,
                    <float *>v[2].buf + at, <float *>v[3].buf + at)
    release(v, 4)
    return True


def gru_step_backward(
    object gates, object candidate, object before, object dh, object dgates, object drecurrent
):
    cdef Py_buffer v[6]
    cdef Rows rows
    cdef Py_ssize_t row, at
    if not acquire((gates, candidate, before, dh, dgates, drecurrent), 3, 3, v, &rows):
        return False
    with nogil:
        for row in range(rows.count):
            at = row * rows.size
            gru_row_backward(
                rows.size, <float *>v[0].buf + 3 * at, <float *>v[1].buf + at,
                <float *>v[2].buf + at, <float *>v[3].buf + at, <float *>v[4].buf + 3 * at,
                <float *>v[5].buf + 3 * at)
    release(v, 6)
    return True
