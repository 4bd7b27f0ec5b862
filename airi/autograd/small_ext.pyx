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
from airi.autograd.basics_ext cimport Saved

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


cdef enum:
    # Elements of arrays that the loops are for: fused kernels compute larger ones, in threads.
    LIMIT = (1 << 16) - 1
    # Functions that fused kernels compute in fewer passes.
    LIMIT_OF_FUNCTIONS = 2047


cdef class Ufunc:
    """A ufunc's loops for float32 and float64."""

    cdef Loop single, double
    cdef void *single_data
    cdef void *double_data
    cdef object ufunc  # keeps the loops alive
    cdef Py_ssize_t limit

    def __cinit__(self, ufunc, limit=LIMIT):
        cdef PyUFuncObject *found = <PyUFuncObject *> ufunc
        cdef int at
        self.ufunc, self.limit = ufunc, limit
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

    cdef object of_one(self, object x, object into):
        """ufunc(x), or None where x is not small. `into` is x itself or None: a new array."""
        cdef char *arguments[2]
        cdef cnp.npy_intp steps[2]
        cdef cnp.npy_intp count
        if not _is_small(x, self.limit):
            return None
        array = <cnp.ndarray> x
        out = _like(array) if into is None else <cnp.ndarray> into
        count = cnp.PyArray_SIZE(array)
        arguments[0], arguments[1] = cnp.PyArray_BYTES(array), cnp.PyArray_BYTES(out)
        steps[0] = steps[1] = cnp.PyArray_ITEMSIZE(array)
        self._run(cnp.PyArray_TYPE(array), arguments, &count, steps)
        return out

    cdef object of_two(self, object x, object y, object into):
        """ufunc(x, y), or None where they are not small and alike.

        One of them may be a Python number. `into` is x or y, or None: a new array.
        """
        cdef char *arguments[3]
        cdef cnp.npy_intp steps[3]
        cdef cnp.npy_intp count
        cdef double number
        cdef float single_number
        cdef int scalar_at = -1
        if _is_small(x, self.limit):
            array = <cnp.ndarray> x
            if type(y) is cnp.ndarray:
                if not _alike(array, <cnp.ndarray> y):
                    return None
            elif type(y) is float or type(y) is int:
                scalar_at = 1
            else:
                return None
        elif _is_small(y, self.limit) and (type(x) is float or type(x) is int):
            scalar_at, array = 0, <cnp.ndarray> y
        else:
            return None
        count = cnp.PyArray_SIZE(array)
        steps[0] = steps[1] = steps[2] = cnp.PyArray_ITEMSIZE(array)
        if scalar_at != 0:
            arguments[0] = cnp.PyArray_BYTES(<cnp.ndarray> x)
        if scalar_at != 1:
            arguments[1] = cnp.PyArray_BYTES(<cnp.ndarray> y)
        if scalar_at >= 0:
            number = y if scalar_at == 1 else x
            single_number = <float> number
            steps[scalar_at] = 0
            if cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT:
                arguments[scalar_at] = <char *> &single_number
            else:
                arguments[scalar_at] = <char *> &number
        out = _like(array) if into is None else <cnp.ndarray> into
        arguments[2] = cnp.PyArray_BYTES(out)
        self._run(cnp.PyArray_TYPE(array), arguments, &count, steps)
        return out

    cdef void _run(self, int kind, char **arguments, cnp.npy_intp *count, cnp.npy_intp *steps):
        if kind == cnp.NPY_FLOAT:
            self.single(arguments, count, steps, self.single_data)
        else:
            self.double(arguments, count, steps, self.double_data)


cdef inline cnp.ndarray _like(cnp.ndarray x):
    """A new array in the shape and dtype of x, which is small."""
    return cnp.PyArray_SimpleNew(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x))


cdef inline bint _is_small(object x, Py_ssize_t limit):
    if type(x) is not cnp.ndarray:
        return False
    array = <cnp.ndarray> x
    return (
        (cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT or cnp.PyArray_TYPE(array) == cnp.NPY_DOUBLE)
        and cnp.PyArray_IS_C_CONTIGUOUS(array)
        and cnp.PyArray_ISBEHAVED_RO(array)
        and cnp.PyArray_SIZE(array) <= limit
    )


cdef inline bint _alike(cnp.ndarray x, cnp.ndarray y):
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
cdef Ufunc _exp = Ufunc(np.exp, LIMIT_OF_FUNCTIONS)
cdef Ufunc _log = Ufunc(np.log, LIMIT_OF_FUNCTIONS)
cdef Ufunc _tanh = Ufunc(np.tanh, LIMIT_OF_FUNCTIONS)
cdef Ufunc _reciprocal = Ufunc(np.reciprocal)


cpdef object add_to(object x, object y):
    """x += y"""
    if not (cnp.PyArray_ISWRITEABLE(x) and _add.of_two(x, y, x) is not None):
        np.add(x, y, out=x)


cpdef object added(object x, object y):
    """x + y"""
    out = _add.of_two(x, y, None)
    return np.add(x, y, out=np.empty_like(x)) if out is None else out


cdef inline object _value(object saved):
    """What a node saved: the array of a snapshot, and anything else as it is."""
    return (<Saved> saved).array if isinstance(saved, Saved) else saved


cdef inline bint _is_two(object y):
    return (type(y) is int or type(y) is float) and y == 2


cdef class Kernel:
    """A rule for small arrays."""

    cpdef object forward(self, object x, object y, object z):
        """The result, or None. A rule with fewer inputs gets None for the others."""
        return None

    cpdef object forward_with(self, object x, dict attributes):
        """The result of a rule that has attributes, or None."""
        return None

    cpdef tuple backward(self, object g, tuple saved, bint own):
        """The gradients as the rule's backward returns them, or None.

        `saved` are the values that the rule's own backward names. Where `own` is true g may be
        written to, and be returned as one of the gradients.
        """
        return None


cdef class Add(Kernel):
    cpdef object forward(self, object x, object y, object z):
        return _add.of_two(x, y, None)

    cpdef tuple backward(self, object g, tuple saved, bint own):
        return g, g


cdef class Sub(Kernel):
    cpdef object forward(self, object x, object y, object z):
        return _subtract.of_two(x, y, None)

    cpdef tuple backward(self, object g, tuple saved, bint own):
        cdef tuple needs = saved[0]
        if not needs[1]:
            return g, None
        if needs[0]:
            dy = _negative.of_one(g, None)
            return None if dy is None else (g, dy)
        dy = _negative.of_one(g, g if own else None)
        return None if dy is None else (None, dy)


cdef class Mul(Kernel):
    cpdef object forward(self, object x, object y, object z):
        return _multiply.of_two(x, y, None)

    cpdef tuple backward(self, object g, tuple saved, bint own):
        cdef tuple needs = saved[2]
        dx = dy = None
        if needs[1]:
            dy = _multiply.of_two(g, _value(saved[0]), None)
            if dy is None:
                return None
        if needs[0]:
            dx = _multiply.of_two(g, _value(saved[1]), g if own else None)
            if dx is None:
                return None
        return dx, dy


cdef class Div(Kernel):
    cpdef object forward(self, object x, object y, object z):
        return _divide.of_two(x, y, None)

    cpdef tuple backward(self, object g, tuple saved, bint own):
        cdef tuple needs = saved[2]
        y = _value(saved[1])
        quotient = None
        if needs[1]:
            quotient = _divide.of_two(_value(saved[0]), y, None)
            if quotient is None:
                return None
        dx = _divide.of_two(g, y, g if own else None)
        if dx is None or not needs[1]:
            return None if dx is None else (dx, None)
        dy = _negative.of_one(dx, None if needs[0] else dx)
        return dx if needs[0] else None, _multiply.of_two(dy, quotient, dy)


cdef class Neg(Kernel):
    cpdef object forward(self, object x, object y, object z):
        return _negative.of_one(x, None)

    cpdef tuple backward(self, object g, tuple saved, bint own):
        dx = _negative.of_one(g, g if own else None)
        return None if dx is None else (dx,)


cdef class Square(Kernel):
    cpdef object forward(self, object x, object y, object z):
        return _square.of_one(x, None)

    cpdef tuple backward(self, object g, tuple saved, bint own):
        twice = _multiply.of_two(g, 2.0, None)
        if twice is None:
            return None
        dx = _multiply.of_two(twice, _value(saved[0]), twice)
        return None if dx is None else (dx,)


cdef class Pow(Kernel):
    """Only x**2, much the commonest power."""

    cpdef object forward(self, object x, object y, object z):
        return _square.of_one(x, None) if _is_two(y) else None

    cpdef tuple backward(self, object g, tuple saved, bint own):
        if not _is_two(saved[1]):
            return None
        slope = _multiply.of_two(_value(saved[0]), 2.0, None)
        if slope is None:
            return None
        dx = _multiply.of_two(g, slope, slope)
        return None if dx is None else (dx, None)


cdef class Sqrt(Kernel):
    cpdef object forward(self, object x, object y, object z):
        return _sqrt.of_one(x, None)

    cpdef tuple backward(self, object g, tuple saved, bint own):
        twice = _multiply.of_two(_value(saved[0]), 2.0, None)
        dx = None if twice is None else _divide.of_two(g, twice, twice)
        return None if dx is None else (dx,)


cdef class Exp(Kernel):
    cpdef object forward(self, object x, object y, object z):
        return _exp.of_one(x, None)

    cpdef tuple backward(self, object g, tuple saved, bint own):
        dx = _multiply.of_two(g, _value(saved[0]), g if own else None)
        return None if dx is None else (dx,)


cdef class Log(Kernel):
    cpdef object forward(self, object x, object y, object z):
        return _log.of_one(x, None)

    cpdef tuple backward(self, object g, tuple saved, bint own):
        dx = _divide.of_two(g, _value(saved[0]), g if own else None)
        return None if dx is None else (dx,)


cdef class Tanh(Kernel):
    cpdef object forward(self, object x, object y, object z):
        return _tanh.of_one(x, None)

    cpdef tuple backward(self, object g, tuple saved, bint own):
        out = _value(saved[0])
        if not _is_small(out, LIMIT_OF_FUNCTIONS):
            return None
        slope = _square.of_one(out, None)
        _subtract.of_two(1.0, slope, slope)
        dx = _multiply.of_two(g, slope, slope)
        return None if dx is None else (dx,)


cdef class Sigmoid(Kernel):
    cpdef object forward(self, object x, object y, object z):
        if not _is_small(x, LIMIT_OF_FUNCTIONS):
            return None
        out = _negative.of_one(x, None)
        _exp.of_one(out, out)
        _add.of_two(out, 1.0, out)
        return _reciprocal.of_one(out, out)

    cpdef tuple backward(self, object g, tuple saved, bint own):
        out = _value(saved[0])
        if not _is_small(out, LIMIT_OF_FUNCTIONS):
            return None
        slope = _subtract.of_two(1.0, out, None)
        dx = None if slope is None else _multiply.of_two(g, out, None)
        if dx is None:
            return None
        return (_multiply.of_two(dx, slope, dx),)
