# The types of engine.py where it is compiled.

cimport cython
from airi.autograd.graph cimport Node, metadata_of


cdef class _Gradient:
    cdef public object value
    cdef public bint own

    cpdef add(self, object value, bint own)


@cython.locals(result=_Gradient)
cdef _Gradient _gradient(object value, bint own)


cdef class _Walk:
    cdef public bint retain, record
    cdef public object wanted
    cdef public dict captured, arrived, leaves
    cdef public tuple observers

    @cython.locals(node=Node)
    cpdef run(self, object roots)

    @cython.locals(each=_Gradient)
    cdef list _complete(self, Node node, dict arrived)

    @cython.locals(results=tuple, edges=tuple, own=cython.bint, may_own=cython.bint,
                   position=cython.Py_ssize_t)
    cdef _pass_on(self, Node node, list grads, object useful)

    @cython.locals(edges=tuple, own=cython.bint, position=cython.Py_ssize_t, metadata=tuple)
    cdef _pass_on_small(self, Node node, object g, tuple results, object useful)

    @cython.locals(slot=dict, held=_Gradient)
    cdef _deliver(self, object edge, object gradient, bint own)


@cython.locals(stack=list, seen=set, node=Node)
cpdef list reachable(object edges)

@cython.locals(uses=cython.int)
cdef bint _is_fresh(object gradient, list grads, tuple results)

cdef object _numpy_dtype(object value)
