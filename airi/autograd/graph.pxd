# The types of graph.py where it is compiled: what it keeps becomes fields of C structs. The Python
# file is the whole program; without a compiler it runs as it is.

cimport cython
# Types under another name: a module in C may not import a name that it has from C already.
from airi.autograd.basics_ext cimport Saved as CSaved, Version as CVersion
from airi.autograd.basics_ext cimport (
    dtype_of, is_complex, is_differentiable, make, new_version, next_number, save, shape_of
)
from airi.autograd.rule cimport Facts
from airi.autograd.small_ext cimport Kernel
from airi.autograd.mode cimport State, current


cdef class TensorCore:
    cdef dict __dict__  # declared here, so that a tensor has one only from its first attribute on
    cdef object __weakref__
    cdef public object _array, _edge, _grad, _hooks, _after_accumulation
    cdef public object _base, _steps, _base_edge, _back
    cdef public CVersion _counter
    cdef public bint _requires_grad, _made_without_grad


cdef class Application:
    cdef public Facts facts


cdef class Node:
    cdef public object rule, attributes, scope, source, tensor_hooks, hooks, prehooks, retained
    cdef public tuple edges, saved, several, shape
    cdef public Facts facts
    cdef public object dtype
    cdef public long number
    cdef object __weakref__

    cpdef tuple backward(self, list grads, bint record)
    cpdef release(self)
    @cython.locals(saved=CSaved)
    cpdef tuple small_backward(self, Kernel small, object g, bint own)
    cdef list _values(self, bint record)


cdef int INPUT, OUTPUT, SHAPE, SHAPES_OF_REST, ATTRIBUTE, NEEDS

cdef object _ndarray

cdef tuple _metadata(TensorCore tensor)

@cython.locals(tensor=TensorCore, any_tensor=cython.bint, wants_grad=cython.bint,
               recorded=cython.bint, thread=State)
cpdef object apply(Facts facts, tuple inputs, dict attributes)

cdef object _by_kernel(Kernel small, tuple inputs, dict attributes)

@cython.locals(tensor=TensorCore)
cdef object _array(object value)

cdef object _computed(object rule, tuple inputs, dict attributes)

cpdef object wrap(object array)

@cython.locals(result=TensorCore)
cdef object _wrapped(object array, State thread)

@cython.locals(node=Node, tensor=TensorCore)
cdef Node _record(State thread, Facts facts, tuple inputs, dict attributes, tuple results,
                  double begun)

cdef tuple _edges_of(tuple inputs)

@cython.locals(tensor=TensorCore)
cpdef object edge_of(object value)

@cython.locals(node=Node)
cpdef tuple metadata_of(object edge)

cdef tuple _needs(tuple edges)

cdef tuple _kept(tuple plan, Node node, tuple inputs, tuple results)

@cython.locals(kind=cython.int, at=object)
cdef object _kept_one(tuple planned, Node node, tuple inputs, tuple results)

@cython.locals(tensor=TensorCore)
cdef object _save(object value, long place)

@cython.locals(node=Node)
cdef Node _new_node(State thread, object kind, object rule, tuple edges, dict attributes)
