# The types of operators.py where it is compiled.

from airi.autograd.graph cimport TensorCore, apply
from airi.autograd.rule cimport Facts


cdef Facts _ADD, _SUB, _MUL, _DIV, _NEG
cdef dict _NO_ATTRIBUTES


cdef class Operators(TensorCore):
    pass
