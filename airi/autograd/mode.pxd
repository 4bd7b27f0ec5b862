# The types of mode.py where it is compiled.

from airi.autograd.basics_ext cimport PerThread as CPerThread


cdef class State:
    cdef public bint grad, inference, source
    cdef public object scope
    cdef public tuple observers, saved_hooks

cdef CPerThread _states

cpdef State current()
