# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""`Linear` for small tensors and for few outputs, by the products of `narrow_products.h`.

The rule in `matmul.py` is the specification. As every kernel this one says "not mine" by returning
None: it takes contiguous float32 matrices of fitting shapes.
"""

cimport numpy as cnp
from airi.autograd.basics_ext cimport Saved
from airi.autograd.small_ext cimport Kernel

from airi import threads

cnp.import_array()


cdef extern from "narrow_products.h" nogil:
    ctypedef struct Product:
        const float *a
        Py_ssize_t a_row, a_step
        const float *b
        Py_ssize_t b_row, b_step
        const float *bias
        float *c
        Py_ssize_t rows, columns, length
    ctypedef struct NarrowProducts:
        pass
    NarrowProducts narrow_products(int most)
    void run_dots(NarrowProducts use, const Product *p, Py_ssize_t task, int threads)
    void run_combine(NarrowProducts use, const Product *p, Py_ssize_t task, int threads)
    void add_rows(const float *x, Py_ssize_t rows, Py_ssize_t columns, float *out)


cdef NarrowProducts use = narrow_products(2)


def limit_instructions(int most):
    """For tests: 0 no wider than 16 bytes, 1 AVX2 too, 2 AVX-512 too."""
    global use
    use = narrow_products(most)


cdef enum:
    SMALL = 1 << 16  # multiplications, up to which BLAS takes longer to begin than to multiply
    NARROW = 16  # outputs, up to which it takes longer to pack
    LEAST_INPUTS = 64  # of a narrow product
    LONG = 512  # inputs, from which on dot products pay
    FOR_THREADS = 1 << 20  # multiplications, from which on another thread pays


cdef inline bint _is_matrix(object x):
    return type(x) is cnp.ndarray and _is_float(<cnp.ndarray> x, 2)


cdef inline bint _is_float(cnp.ndarray x, int ndim):
    return (
        cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT
        and cnp.PyArray_NDIM(x) == ndim
        and cnp.PyArray_IS_C_CONTIGUOUS(x)
        and cnp.PyArray_ISBEHAVED_RO(x)
        and cnp.PyArray_SIZE(x) > 0
    )


cdef inline object _value(object saved):
    return (<Saved> saved).array if isinstance(saved, Saved) else saved


cdef inline float *_data(cnp.ndarray x):
    return <float *> cnp.PyArray_DATA(x)


cdef cnp.ndarray _matrix(Py_ssize_t rows, Py_ssize_t columns):
    cdef cnp.npy_intp sizes[2]
    sizes[0], sizes[1] = rows, columns
    return cnp.PyArray_SimpleNew(2, sizes, cnp.NPY_FLOAT)


cdef bint _suits(Py_ssize_t rows, Py_ssize_t inputs, Py_ssize_t outputs):
    return rows * inputs * outputs <= SMALL or (outputs <= NARROW and inputs >= LEAST_INPUTS)


cdef void _run(Product *p, bint dots) except *:
    cdef Py_ssize_t task = p.rows if dots else p.columns
    cdef int count = 1
    if p.rows * p.columns * p.length >= FOR_THREADS:
        count = threads.get_num_threads()
        task = 16 if dots else 256
    with nogil:
        if dots:
            run_dots(use, p, task, count)
        else:
            run_combine(use, p, task, count)


cdef class Linear(Kernel):
    cpdef object forward(self, object x, object y, object z):
        if not (_is_matrix(x) and _is_matrix(y)):
            return None
        inputs, weight = <cnp.ndarray> x, <cnp.ndarray> y
        cdef Product p
        p.rows, p.length = cnp.PyArray_DIM(inputs, 0), cnp.PyArray_DIM(inputs, 1)
        p.columns = cnp.PyArray_DIM(weight, 0)
        if cnp.PyArray_DIM(weight, 1) != p.length or not _suits(p.rows, p.length, p.columns):
            return None
        p.bias = NULL
        if z is not None:
            if type(z) is not cnp.ndarray or not _is_float(<cnp.ndarray> z, 1):
                return None
            if cnp.PyArray_DIM(<cnp.ndarray> z, 0) != p.columns:
                return None
            p.bias = _data(<cnp.ndarray> z)
        out = _matrix(p.rows, p.columns)
        cdef bint dots = p.length >= LONG
        p.a, p.a_row, p.a_step = _data(inputs), p.length, 1
        p.b, p.c = _data(weight), _data(out)
        p.b_row = p.length if dots else 1
        p.b_step = 1 if dots else p.length
        _run(&p, dots)
        return out

    cpdef tuple backward(self, object g, tuple saved, bint own):
        cdef tuple shape = saved[2], needs = saved[3]
        x, weight = _value(saved[0]), _value(saved[1])
        if not (_is_matrix(g) and len(shape) == 2):
            return None
        if (needs[0] and not _is_matrix(weight)) or (needs[1] and not _is_matrix(x)):
            return None
        grad = <cnp.ndarray> g
        cdef Py_ssize_t rows = shape[0], inputs = shape[1], outputs = cnp.PyArray_DIM(grad, 1)
        cdef cnp.npy_intp count = outputs
        if not _suits(rows, inputs, outputs):
            return None
        dx = dweight = dbias = None
        cdef Product p
        p.bias = NULL
        p.a = _data(grad)
        p.b_row, p.b_step, p.columns = inputs, 1, inputs
        if needs[0]:  # g @ weight
            dx = _matrix(rows, inputs)
            p.a_row, p.a_step, p.rows, p.length = outputs, 1, rows, outputs
            p.b, p.c = _data(<cnp.ndarray> weight), _data(<cnp.ndarray> dx)
            _run(&p, False)
        if needs[1]:  # g.T @ x
            dweight = _matrix(outputs, inputs)
            p.a_row, p.a_step, p.rows, p.length = 1, outputs, outputs, rows
            p.b, p.c = _data(<cnp.ndarray> x), _data(<cnp.ndarray> dweight)
            _run(&p, False)
        if needs[2]:
            dbias = cnp.PyArray_SimpleNew(1, &count, cnp.NPY_FLOAT)
            add_rows(_data(grad), rows, outputs, _data(<cnp.ndarray> dbias))
        return dx, dweight, dbias
