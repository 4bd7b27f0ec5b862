"""The compiled passes of the optimizers; `passes.py` says what each computes, in NumPy.

Each returns False, and has done nothing, where its arrays are not contiguous and of one size and
one floating-point type: the caller then uses NumPy.
"""

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_IsContiguous, PyBuffer_Release,
    PyObject_GetBuffer,
)

cdef extern from "update_loops.h" nogil:
    void scale_add_float(float *, float, const float *, float, Py_ssize_t)
    void scale_add_double(double *, double, const double *, double, Py_ssize_t)
    void scale_add_square_float(float *, float, const float *, float, Py_ssize_t)
    void scale_add_square_double(double *, double, const double *, double, Py_ssize_t)
    void add_ratio_float(float *, float, const float *, const float *, float, Py_ssize_t)
    void add_ratio_double(double *, double, const double *, const double *, double, Py_ssize_t)

# Buffers rather than typed memoryviews, whose choice by type takes longer than a small update.
cdef int READ = PyBUF_STRIDES | PyBUF_FORMAT
cdef int WRITE = READ | PyBUF_WRITABLE


cdef char acquire(tuple arrays, Py_buffer *views) except -1:
    """Open the memory of the arrays, of the first for writing.

    Returns the type code that they share, 'f' or 'd', or 0 where they do not suit each other.
    """
    cdef int i, opened = 0, count = len(arrays)
    cdef char code
    try:
        for i in range(count):
            PyObject_GetBuffer(arrays[i], &views[i], READ if i else WRITE)
            opened += 1
    except BaseException:
        release(views, opened)
        raise
    code = views[0].format[0]
    if code != c'f' and code != c'd':
        return 0
    for i in range(count):
        if views[i].format[0] != code or views[i].format[1] != 0 or views[i].len != views[0].len:
            return 0
        if not PyBuffer_IsContiguous(&views[i], c'C'):
            return 0
    return code


cdef void release(Py_buffer *views, int count):
    cdef int i
    for i in range(count):
        PyBuffer_Release(&views[i])


def scale_add(object x, double a, object y, double b):
    cdef Py_buffer v[2]
    cdef char code = acquire((x, y), v)
    cdef Py_ssize_t size = v[0].len
    with nogil:
        if code == c'f':
            scale_add_float(<float *> v[0].buf, a, <float *> v[1].buf, b, size // 4)
        elif code == c'd':
            scale_add_double(<double *> v[0].buf, a, <double *> v[1].buf, b, size // 8)
    release(v, 2)
    return code != 0


def scale_add_square(object x, double a, object y, double b):
    cdef Py_buffer v[2]
    cdef char code = acquire((x, y), v)
    cdef Py_ssize_t size = v[0].len
    with nogil:
        if code == c'f':
            scale_add_square_float(<float *> v[0].buf, a, <float *> v[1].buf, b, size // 4)
        elif code == c'd':
            scale_add_square_double(<double *> v[0].buf, a, <double *> v[1].buf, b, size // 8)
    release(v, 2)
    return code != 0


def add_ratio(object x, double a, object y, object z, double eps):
    cdef Py_buffer v[3]
    cdef char code = acquire((x, y, z), v)
    cdef Py_ssize_t size = v[0].len
    with nogil:
        if code == c'f':
            add_ratio_float(
                <float *> v[0].buf, a, <float *> v[1].buf, <float *> v[2].buf, eps, size // 4
            )
        elif code == c'd':
            add_ratio_double(
                <double *> v[0].buf, a, <double *> v[1].buf, <double *> v[2].buf, eps, size // 8
            )
    release(v, 3)
    return code != 0
