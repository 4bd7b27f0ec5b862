cimport cython


cdef class Version:
    cdef public long value


cdef class Saved:
    cdef public object array
    cdef public Version version
    cdef public long at, place


cdef class Gradient:
    cdef public object value
    cdef public bint own


cdef class PerThread:
    cdef object make, values, last
    cdef unsigned long long last_thread
    cpdef object get(self)


cpdef object make(type kind)
cpdef Version new_version()
cpdef Saved save(object array, long place, Version version)
cpdef Gradient new_gradient(object value, bint own)
cpdef long next_number()
cpdef tuple shape_of(object array)
cpdef object dtype_of(object array)
cpdef bint is_differentiable(object array)
cpdef bint is_complex(object array)
cpdef bint fits(object array, object other)
