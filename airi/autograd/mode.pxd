# The types of mode.py where it is compiled.

cdef class State:
    cdef public bint grad, inference, source
    cdef public object scope
    cdef public tuple observers, saved_hooks

cpdef State current()
