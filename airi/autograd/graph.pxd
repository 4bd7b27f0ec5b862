# The types of graph.py where it is compiled: what it keeps becomes fields of C structs. The Python
# file is the whole program; without a compiler it runs as it is.

cimport cython
from airi.autograd.rule cimport Facts
from airi.autograd.small_ext cimport Kernel
from airi.autograd.mode cimport State, current


cdef class Version:
    cdef public long value


cdef class TensorCore:
    cdef public object _array, _edge, _grad, _hooks, _after_accumulation
    cdef public object _base, _steps, _base_edge, _back
    cdef public Version _counter
    cdef public bint _requires_grad, _made_without_grad


cdef class Saved:
    cdef public object array, edge
    cdef public Version version
    cdef public long at


cdef class Node:
    cdef public object rule, attributes, scope, source, tensor_hooks, hooks, prehooks, retained
    cdef public tuple edges, saved, several, shape
    cdef public object dtype
    cdef public long number
    cdef object __weakref__

    cpdef tuple backward(self, list grads, bint record)
    @cython.locals(facts=Facts)
    cpdef release(self)
    @cython.locals(small=Kernel, facts=Facts, saved=Saved, values=list)
    cpdef tuple small_backward(self, object g)
    cdef list _values(self, bint record)


cdef int INPUT, OUTPUT, SHAPE, SHAPES_OF_REST, ATTRIBUTE, NEEDS

cdef object _ndarray

cdef tuple _metadata(TensorCore tensor)

cpdef Saved save(object array, object edge, Version version)

@cython.locals(tensor=TensorCore, any_tensor=cython.bint, wants_grad=cython.bint,
               recorded=cython.bint, arrays=list, thread=State, small=Kernel, facts=Facts)
cdef object _apply(object rule, tuple inputs, dict attributes)

cdef object _computed(object rule, tuple inputs, list arrays, dict attributes)

cpdef object wrap(object array)

@cython.locals(result=TensorCore)
cdef object _wrapped(object array, State thread)

@cython.locals(node=Node, tensor=TensorCore, facts=Facts)
cdef Node _record(State thread, object rule, tuple inputs, dict attributes, tuple results,
                  double begun)

@cython.locals(tensor=TensorCore)
cpdef object edge_of(object value)

@cython.locals(node=Node)
cpdef tuple metadata_of(object edge)

cdef tuple _needs(tuple edges)

@cython.locals(edges=tuple, values=list, kind=cython.int, tensor=TensorCore)
cdef tuple _kept(tuple plan, Node node, tuple inputs, tuple results)

@cython.locals(node=Node)
cdef Node _new_node(State thread, object kind, object rule, tuple edges, dict attributes)
