# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Rules for small arrays without NumPy's overhead.

A ufunc spends 0.3 microseconds on finding out what it was called with, and a few nanoseconds on a
4 x 4 array. The loop inside it, `PyUFuncObject.functions`, takes pointers and strides: here it is
called directly, so the numbers are NumPy's to the last bit. A kernel says "not mine" by returning
None, and then the rule itself computes: only float32 and float64 arrays of up to `LIMIT` elements,
contiguous and of one shape, or one of them a Python number, are taken.

A rule names its kernel, ``small = small_ext.Mul()``, and stays the specification.
"""

cimport numpy as cnp

import numpy as np

cnp.import_array()


cdef extern from "numpy/ufuncobject.h":
    ctypedef void (*Loop "PyUFuncGenericFunction")(
        char **arguments, const cnp.npy_intp *count, const cnp.npy_intp *steps, void *data
    ) noexcept
    ctypedef struct PyUFuncObject:
        int nin, nargs, ntypes
        Loop *functions
        void **data
        char *types



cdef extern from "Python.h":
    ctypedef object (*Maker "newfunc")(type, object, void *)
    ctypedef struct PyTypeObject:
        Maker tp_new


cdef tuple _nothing = ()


def make(type kind):
    """An instance of `kind` that no __init__ has seen: kind.__new__(kind) without a lookup."""
    return (<PyTypeObject *> kind).tp_new(kind, _nothing, NULL)


cdef enum:
    LIMIT = 2047  # elements; larger arrays are worth a call of NumPy or of a fused kernel


cdef class Ufunc:
    """A ufunc's loops for float32 and float64."""

    cdef Loop single, double
    cdef void *single_data
    cdef void *double_data
    cdef object ufunc  # keeps the loops alive

    def __cinit__(self, ufunc):
        cdef PyUFuncObject *found = <PyUFuncObject *> ufunc
        cdef int at
        self.ufunc = ufunc
        for at in range(found.ntypes):
            data = NULL if found.data == NULL else found.data[at]
            # The first that fits, as NumPy chooses: others of the same types may stand behind it.
            if self.single == NULL and self._takes_only(found, at, cnp.NPY_FLOAT):
                self.single, self.single_data = found.functions[at], data
            elif self.double == NULL and self._takes_only(found, at, cnp.NPY_DOUBLE):
                self.double, self.double_data = found.functions[at], data

    cdef bint _takes_only(self, PyUFuncObject *found, int at, int kind):
        cdef int argument
        for argument in range(found.nargs):
            if found.types[at * found.nargs + argument] != kind:
                return False
        return True

    cdef object of_one(self, object x):
        """ufunc(x), or None."""
        cdef char *arguments[2]
        cdef cnp.npy_intp steps[2]
        cdef cnp.npy_intp count
        if not _is_small(x):
            return None
        count = cnp.PyArray_SIZE(x)
        out = cnp.PyArray_SimpleNew(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x))
        arguments[0], arguments[1] = cnp.PyArray_BYTES(x), cnp.PyArray_BYTES(out)
        steps[0] = steps[1] = cnp.PyArray_ITEMSIZE(x)
        self._run(cnp.PyArray_TYPE(x), arguments, &count, steps)
        return out

    cdef object of_two(self, object x, object y):
        """ufunc(x, y), or None. One of them may be a Python number."""
        cdef char *arguments[3]
        cdef cnp.npy_intp steps[3]
        cdef cnp.npy_intp count
        cdef double number
        cdef float single_number
        cdef int scalar_at = -1
        cdef object array = x
        if _is_small(x):
            if type(y) is cnp.ndarray:
                if not _alike(x, y):
                    return None
            elif type(y) is float or type(y) is int:
                scalar_at = 1
            else:
                return None
        elif _is_small(y) and (type(x) is float or type(x) is int):
            scalar_at, array = 0, y
        else:
            return None
        count = cnp.PyArray_SIZE(array)
        steps[0] = steps[1] = steps[2] = cnp.PyArray_ITEMSIZE(array)
        if scalar_at != 0:
            arguments[0] = cnp.PyArray_BYTES(x)
        if scalar_at != 1:
            arguments[1] = cnp.PyArray_BYTES(y)
        if scalar_at >= 0:
            number = y if scalar_at == 1 else x
            single_number = <float> number
            steps[scalar_at] = 0
            if cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT:
                arguments[scalar_at] = <char *> &single_number
            else:
                arguments[scalar_at] = <char *> &number
        out = cnp.PyArray_SimpleNew(
            cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array), cnp.PyArray_TYPE(array)
        )
        arguments[2] = cnp.PyArray_BYTES(out)
        self._run(cnp.PyArray_TYPE(array), arguments, &count, steps)
        return out

    cdef void _run(self, int kind, char **arguments, cnp.npy_intp *count, cnp.npy_intp *steps):
        if kind == cnp.NPY_FLOAT:
            self.single(arguments, count, steps, self.single_data)
        else:
            self.double(arguments, count, steps, self.double_data)


cdef inline bint _is_small(object x):
    return (
        type(x) is cnp.ndarray
        and (cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT or cnp.PyArray_TYPE(x) == cnp.NPY_DOUBLE)
        and cnp.PyArray_IS_C_CONTIGUOUS(x)
        and cnp.PyArray_ISBEHAVED_RO(x)
        and cnp.PyArray_SIZE(x) <= LIMIT
    )


cdef inline bint _alike(object x, object y):
    """Whether y is an array like x, which is small."""
    return (
        cnp.PyArray_TYPE(x) == cnp.PyArray_TYPE(y)
        and cnp.PyArray_SAMESHAPE(x, y)
        and cnp.PyArray_IS_C_CONTIGUOUS(y)
        and cnp.PyArray_ISBEHAVED_RO(y)
    )


cdef Ufunc _add = Ufunc(np.add)
cdef Ufunc _subtract = Ufunc(np.subtract)
cdef Ufunc _multiply = Ufunc(np.multiply)
cdef Ufunc _divide = Ufunc(np.divide)
cdef Ufunc _negative = Ufunc(np.negative)
cdef Ufunc _square = Ufunc(np.square)
cdef Ufunc _sqrt = Ufunc(np.sqrt)
cdef Ufunc _exp = Ufunc(np.exp)
cdef Ufunc _log = Ufunc(np.log)
cdef Ufunc _tanh = Ufunc(np.tanh)
cdef Ufunc _reciprocal = Ufunc(np.reciprocal)


def add_to(x, y):
    """x += y, and True; False where the arrays are not small and alike."""
    cdef char *arguments[3]
    cdef cnp.npy_intp steps[3]
    cdef cnp.npy_intp count
    if not (_is_small(x) and type(y) is cnp.ndarray and _alike(x, y) and cnp.PyArray_ISWRITEABLE(x)):
        return False
    count = cnp.PyArray_SIZE(x)
    arguments[0] = arguments[2] = cnp.PyArray_BYTES(x)
    arguments[1] = cnp.PyArray_BYTES(y)
    steps[0] = steps[1] = steps[2] = cnp.PyArray_ITEMSIZE(x)
    _add._run(cnp.PyArray_TYPE(x), arguments, &count, steps)
    return True


cdef object _times(object x, object y):
    """x * y, or None where one of them is None."""
    return None if x is None or y is None else _multiply.of_two(x, y)


cdef class Kernel:
    """A rule for small arrays. `backward` gets the values that the rule's own backward names."""

    cpdef object forward(self, list arrays):
        """The result, or None."""
        return None

    cpdef object backward(self, object g, list values):
        """The gradients as the rule's backward returns them, in a tuple, or None."""
        return None


cdef class Add(Kernel):
    cpdef object forward(self, list arrays):
        return _add.of_two(arrays[0], arrays[1])

    cpdef object backward(self, object g, list values):
        return g, g


cdef class Sub(Kernel):
    cpdef object forward(self, list arrays):
        return _subtract.of_two(arrays[0], arrays[1])

    cpdef object backward(self, object g, list values):
        needs = values[0]
        if not needs[1]:
            return g, None
        dy = _negative.of_one(g)
        return None if dy is None else (g, dy)


cdef class Mul(Kernel):
    cpdef object forward(self, list arrays):
        return _multiply.of_two(arrays[0], arrays[1])

    cpdef object backward(self, object g, list values):
        x, y, needs = values
        dx = dy = None
        if needs[0]:
            dx = _multiply.of_two(g, y)
            if dx is None:
                return None
        if needs[1]:
            dy = _multiply.of_two(g, x)
            if dy is None:
                return None
        return dx, dy


cdef class Div(Kernel):
    cpdef object forward(self, list arrays):
        return _divide.of_two(arrays[0], arrays[1])

    cpdef object backward(self, object g, list values):
        x, y, needs = values
        dy = None
        dx = _divide.of_two(g, y)
        if dx is None:
            return None
        if needs[1]:
            quotient = _divide.of_two(x, y)
            dy = _times(_negative.of_one(dx), quotient)
            if dy is None:
                return None
        return dx if needs[0] else None, dy


cdef class Neg(Kernel):
    cpdef object forward(self, list arrays):
        return _negative.of_one(arrays[0])

    cpdef object backward(self, object g, list values):
        dx = _negative.of_one(g)
        return None if dx is None else (dx,)


cdef class Square(Kernel):
    cpdef object forward(self, list arrays):
        return _square.of_one(arrays[0])

    cpdef object backward(self, object g, list values):
        dx = _times(_times(g, 2.0), values[0])
        return None if dx is None else (dx,)


cdef class Pow(Kernel):
    """Only x**2, much the commonest power."""

    cpdef object forward(self, list arrays):
        y = arrays[1]
        if (type(y) is int or type(y) is float) and y == 2:
            return _square.of_one(arrays[0])
        return None

    cpdef object backward(self, object g, list values):
        x, y, out, needs = values
        if not (type(y) is int or type(y) is float) or y != 2:
            return None
        dx = _times(g, _times(x, 2.0))
        return None if dx is None else (dx, None)


cdef class Sqrt(Kernel):
    cpdef object forward(self, list arrays):
        return _sqrt.of_one(arrays[0])

    cpdef object backward(self, object g, list values):
        twice = _times(values[0], 2.0)
        dx = None if twice is None else _divide.of_two(g, twice)
        return None if dx is None else (dx,)


cdef class Exp(Kernel):
    cpdef object forward(self, list arrays):
        return _exp.of_one(arrays[0])

    cpdef object backward(self, object g, list values):
        dx = _times(g, values[0])
        return None if dx is None else (dx,)


cdef class Log(Kernel):
    cpdef object forward(self, list arrays):
        return _log.of_one(arrays[0])

    cpdef object backward(self, object g, list values):
        dx = _divide.of_two(g, values[0])
        return None if dx is None else (dx,)


cdef class Tanh(Kernel):
    cpdef object forward(self, list arrays):
        return _tanh.of_one(arrays[0])

    cpdef object backward(self, object g, list values):
        square = _square.of_one(values[0])
        slope = None if square is None else _subtract.of_two(1.0, square)
        dx = _times(g, slope)
        return None if dx is None else (dx,)


cdef class Sigmoid(Kernel):
    cpdef object forward(self, list arrays):
        out = _negative.of_one(arrays[0])
        if out is None:
            return None
        return _reciprocal.of_one(_add.of_two(_exp.of_one(out), 1.0))

    cpdef object backward(self, object g, list values):
        out = values[0]
        slope = _subtract.of_two(1.0, out)
        dx = _times(_times(g, out), slope)
        return None if dx is None else (dx,)
