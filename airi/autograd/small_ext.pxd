cdef class Kernel:
    cpdef object forward(self, list arrays)
    cpdef object backward(self, object g, list values)
