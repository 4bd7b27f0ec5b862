"""The compiled passes of the optimizers; `passes.py` says what each computes, in NumPy.

Each returns False, and has done nothing, where its arrays are not contiguous and of one size and
one floating-point type: the caller then uses NumPy.
"""

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_IsContiguous, PyBuffer_Release,
    PyObject_GetBuffer,
)
from libc.stdlib cimport calloc, free

from airi import threads

cdef extern from "update_kernels.h" nogil:
    void scale_add_float(float *, float, const float *, float, Py_ssize_t)
    void scale_add_double(double *, double, const double *, double, Py_ssize_t)
    void scale_add_square_float(float *, float, const float *, float, Py_ssize_t)
    void scale_add_square_double(double *, double, const double *, double, Py_ssize_t)
    void add_ratio_float(float *, float, const float *, const float *, float, Py_ssize_t)
    void add_ratio_double(double *, double, const double *, const double *, double, Py_ssize_t)

    enum:
        SGD_STEP
        ADAM_STEP

    ctypedef struct Update:
        void *param
        const void *grad
        void *first
        void *second
        ptrdiff_t count
        double size, eps
        int is_double

    ctypedef struct Options:
        double sign, decay, shrink, lr, momentum, share, beta1, beta2
        int nesterov

    void step_all(int, const Options *, const Update *, ptrdiff_t count, int threads)

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


# Below, a second thread takes longer to wake than it saves.
cdef Py_ssize_t WORTH_THREADS = 1 << 16


cdef list step(int kind, Options *options, list tensors, list sizes):
    """Update all parameters whose arrays suit; the numbers of those left to NumPy."""
    cdef Py_buffer views[4]
    cdef Py_ssize_t at, done = 0, elements = 0
    cdef char code
    cdef tuple arrays
    cdef Update *u
    cdef list left = []
    cdef int threads_ = threads.get_num_threads()
    cdef Update *updates = <Update *>calloc(max(len(tensors), 1), sizeof(Update))
    if updates == NULL:
        raise MemoryError()
    try:
        for at, arrays in enumerate(tensors):
            code = acquire(arrays, views)
            if code == 0:
                left.append(at)
            else:
                u = &updates[done]
                u.param, u.grad = views[0].buf, views[1].buf
                if len(arrays) > 2:
                    u.first = views[2].buf
                if len(arrays) > 3:
                    u.second = views[3].buf
                u.is_double = code == c'd'
                u.count = views[0].len // views[0].itemsize
                if sizes is not None:
                    u.size, u.eps = sizes[at]
                elements += u.count
                done += 1
            release(views, len(arrays))  # the list keeps the arrays alive
        if elements < WORTH_THREADS:
            threads_ = 1
        with nogil:
            step_all(kind, options, updates, done, threads_)
    finally:
        free(updates)
    return left


def sgd_steps(
    list tensors, double lr, double momentum, double share, bint nesterov, double sign,
    double decay,
):
    cdef Options o
    o.lr, o.momentum, o.share, o.nesterov = lr, momentum, share, nesterov
    o.sign, o.decay = sign, decay
    return step(SGD_STEP, &o, tensors, None)


def adam_steps(
    list tensors, list sizes, double beta1, double beta2, double sign, double decay, double shrink,
):
    cdef Options o
    o.beta1, o.beta2, o.sign, o.decay, o.shrink = beta1, beta2, sign, decay, shrink
    return step(ADAM_STEP, &o, tensors, sizes)
