# The types of engine.py where it is compiled.

cimport cython
from airi.autograd.basics_ext cimport Gradient as CGradient, dtype_of, fits, new_gradient, shape_of
from airi.autograd.rule cimport Facts
from airi.autograd.small_ext cimport add_to, added
from airi.autograd.graph cimport Node, TensorCore, metadata_of


cdef object _ndarray

cdef _add(CGradient held, object value, bint own)


cdef class _Walk:
    cdef public bint retain, record
    cdef public object wanted
    cdef public dict captured, arrived, leaves
    cdef public tuple observers

    @cython.locals(node=Node, plain=cython.bint)
    cpdef run(self, object roots)

    @cython.locals(facts=Facts, held=CGradient, results=tuple, edges=tuple, own=cython.bint,
                   both=cython.bint, shared=cython.bint, position=cython.Py_ssize_t)
    cdef bint _passed_small(self, Node node, object arrived) except -1

    @cython.locals(each=CGradient)
    cdef list _complete(self, Node node, dict arrived)

    @cython.locals(results=tuple, edges=tuple, own=cython.bint, may_own=cython.bint,
                   position=cython.Py_ssize_t)
    cdef _pass_on(self, Node node, list grads, object useful)

    @cython.locals(slot=dict, held=CGradient, node=Node)
    cdef _deliver(self, object edge, object gradient, bint own)


@cython.locals(stack=list, seen=set, order=list, node=Node, before=cython.long,
               is_sorted=cython.bint)
cpdef list reachable(object edges)

@cython.locals(leaf=TensorCore, node=Node)
cdef bint _fits(object gradient, object edge) except -1

@cython.locals(uses=cython.int)
cdef bint _is_fresh(object gradient, list grads, tuple results)

cdef object _numpy_dtype(object value)
