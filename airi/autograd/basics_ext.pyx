# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What the graph does at every op, in C: `basics.py` is the same in Python."""

import threading

cimport cython
cimport numpy as cnp

from airi.autograd.complaints import MADE_IN_INFERENCE_MODE
from airi.dtypes import DIFFERENTIABLE

cnp.import_array()

__all__ = [
    "Gradient", "PerThread", "Saved", "Version", "dtype_of", "fits", "is_complex",
    "is_differentiable", "make", "new_gradient", "new_version", "next_number", "save", "shape_of",
]


cdef extern from "Python.h":
    ctypedef object (*Maker "newfunc")(type, object, void *)
    ctypedef struct PyTypeObject:
        Maker tp_new
    ctypedef struct PyThreadState
    PyThreadState *PyThreadState_Get()
    unsigned long long PyThreadState_GetID(PyThreadState *)


# The garbage collector need not look at these: what they hold never leads back to them.


@cython.freelist(256)
cdef class Version:
    pass


@cython.no_gc
@cython.freelist(256)
cdef class Saved:
    def edge_in(self, node):
        return node.edge_at(self.place) if self.place >= 0 else (node, -1 - self.place)

    def unpacked(self):
        return self


@cython.no_gc
@cython.freelist(64)
cdef class Gradient:
    pass


cdef class PerThread:
    """One value for each thread, made when the thread first asks."""

    def __init__(self, make):
        self.make = make
        self.last_thread = 0  # no thread's
        self.values = threading.local()

    cpdef object get(self):
        # The thread that asked last asks again, nearly always.
        cdef unsigned long long thread = PyThreadState_GetID(PyThreadState_Get())
        cdef object value
        if thread == self.last_thread:
            return self.last
        try:
            value = self.values.value
        except AttributeError:
            value = self.values.value = self.make()
        self.last, self.last_thread = value, thread
        return value


cdef tuple _nothing = ()


cpdef object make(type kind):
    """An instance of `kind` that no __init__ has seen: kind.__new__(kind) without a lookup."""
    return (<PyTypeObject *> kind).tp_new(kind, _nothing, NULL)


cpdef Version new_version():
    return Version.__new__(Version)


cpdef Saved save(object array, long place, Version version):
    if version is None:
        raise RuntimeError(MADE_IN_INFERENCE_MODE)
    cdef Saved saved = Saved.__new__(Saved)
    saved.array = array
    saved.version = version
    saved.at = version.value
    saved.place = place
    return saved


cpdef Gradient new_gradient(object value, bint own):
    cdef Gradient gradient = Gradient.__new__(Gradient)
    gradient.value = value
    gradient.own = own
    return gradient


cdef long _number = 0


cpdef long next_number():
    """1, 2, 3 and so on. No other thread runs in here: the interpreter's lock is held."""
    global _number
    _number += 1
    return _number


cpdef tuple shape_of(object array):
    """array.shape"""
    cdef int ndim = cnp.PyArray_NDIM(array)
    cdef cnp.npy_intp *sizes = cnp.PyArray_DIMS(array)
    if ndim == 0:
        return ()
    if ndim == 1:
        return (sizes[0],)
    if ndim == 2:
        return (sizes[0], sizes[1])
    return array.shape


cpdef object dtype_of(object array):
    """array.dtype"""
    return <object> cnp.PyArray_DESCR(array)


cpdef bint is_differentiable(object array):
    """Whether the array's dtype can have gradients."""
    cdef int kind = cnp.PyArray_TYPE(array)
    if kind == cnp.NPY_FLOAT or kind == cnp.NPY_DOUBLE:
        return True
    return array.dtype.kind in DIFFERENTIABLE


cpdef bint is_complex(object array):
    return cnp.PyArray_ISCOMPLEX(array)


cpdef bint fits(object array, object other):
    """Whether both are of one shape and dtype."""
    return (
        cnp.PyArray_DESCR(array) == cnp.PyArray_DESCR(other)
        and cnp.PyArray_SAMESHAPE(array, other)
    )
