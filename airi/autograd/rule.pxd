# The types of rule.py where it is compiled.

from airi.autograd.small_ext cimport Kernel


cdef class Facts:
    cdef public bint one_output, is_view, differentiable, holomorphic, frees
    cdef public object rule
    cdef public tuple plan
    cdef public Kernel small
