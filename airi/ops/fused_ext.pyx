# cython: boundscheck=False, wraparound=False
"""The compiled one-pass kernels of ``fused_kernels.h``; `fused.py` decides when they are used.

Arrays reach C as plain addresses.
"""

cimport numpy as cnp
from airi.autograd.basics_ext cimport Saved
from airi.autograd.small_ext cimport Kernel
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.math cimport INFINITY
from libc.stdint cimport int64_t
from libc.string cimport memset

from airi import memory, threads
from airi.autograd.copies import contiguous_copy

cnp.import_array()


cdef extern from "fused_kernels.h" nogil:
    enum:
        MOST_INSTRUCTION_SETS
        KERNELS
        TASK_ELEMENTS

    ctypedef struct Job:
        const float *x
        const float *g
        float *out
        ptrdiff_t items, columns, task_items
        const float *weight
        const float *bias
        float *mean
        float *var
        const float *scale
        const float *slope
        const float *level
        const int64_t *place
        double *sums
        double *products
        float *column_sums
        float *column_products
        float eps
        float a, b, c
        ptrdiff_t planes, group_step, plane_step, weight_groups, weights_each
        int centred

    ctypedef void (*Task)(const Job *job, ptrdiff_t first, ptrdiff_t end)

    ctypedef struct InstructionSet:
        const char *name
        Task kernels[KERNELS]

    const char *kernel_names[KERNELS]
    int available_instruction_sets(const InstructionSet **sets)
    void run_job(Task task, const Job *job, int threads)


cdef const InstructionSet *available[MOST_INSTRUCTION_SETS]
cdef int available_count = available_instruction_sets(available)
cdef const InstructionSet *chosen = available[0]

cdef dict _numbers = {kernel_names[number].decode(): number for number in range(KERNELS)}

# What `each` takes at least: a few numbers NumPy has done as soon. Tests change it. Where a rule
# has a kernel of small_ext too it is OF_SMALL times as many.
least_elements = 256

cdef enum:
    OF_SMALL = 8


def instruction_sets() -> list[str]:
    """The instruction sets that this processor has kernels for, fastest first."""
    return [available[i].name.decode() for i in range(available_count)]


def use_instruction_set(str name) -> None:
    """Compute with the kernels for `name` from now on; the fastest ones are used otherwise."""
    global chosen
    for i in range(available_count):
        if available[i].name.decode() == name:
            chosen = available[i]
            return
    raise ValueError(f"use_instruction_set: {name!r} is not one of {instruction_sets()}")


cdef void *address(array, int flags=PyBUF_SIMPLE) except? NULL:
    """Where a contiguous array's elements lie; the caller keeps the array alive. None: NULL."""
    if array is None:
        return NULL
    cdef Py_buffer view
    PyObject_GetBuffer(array, &view, flags)
    cdef void *start = view.buf
    PyBuffer_Release(&view)
    return start


cdef void run(str name, Job *job, ptrdiff_t elements):
    cdef int threads_ = threads.get_num_threads() if elements >= 2 * TASK_ELEMENTS else 1
    cdef Task task = chosen.kernels[<int>_numbers[name]]
    with nogil:
        run_job(task, job, threads_)


cdef inline bint _is_float32(x):
    return (
        type(x) is cnp.ndarray
        and cnp.PyArray_TYPE(<cnp.ndarray> x) == cnp.NPY_FLOAT
        and cnp.PyArray_ISBEHAVED_RO(<cnp.ndarray> x)
    )


def each(str name, x, g=None, double a=0.0, double b=0.0, double c=0.0):
    """`_each` of arrays that are large enough."""
    return _each(name, x, g, a, b, c, None, least_elements)


cdef object _each(
    str name, x, g, double a, double b, double c, into, Py_ssize_t least
):
    """The function of x, or of x and g, by one pass; None where the arrays are not made for it.

    They are large float32 arrays of one shape, x contiguous. `a`, `b` and `c` are numbers of the
    function; the result is written to `into` where that is given, which may be x or g.
    """
    if not (_is_float32(x) and cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray> x)):
        return None
    array = <cnp.ndarray> x
    cdef Py_ssize_t size = cnp.PyArray_SIZE(array)
    if size < least:
        return None
    cdef Job job
    memset(&job, 0, sizeof(job))
    if g is not None:
        if not (_is_float32(g) and cnp.PyArray_SAMESHAPE(array, <cnp.ndarray> g)):
            return None
        if not cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray> g):
            g, into = contiguous_copy(g), None
        job.g = <const float *>cnp.PyArray_DATA(<cnp.ndarray> g)
    if into is None:
        memory.install()
        into = cnp.PyArray_SimpleNew(
            cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array), cnp.NPY_FLOAT
        )
    job.x = <const float *>cnp.PyArray_DATA(array)
    job.out = <float *>cnp.PyArray_DATA(<cnp.ndarray> into)
    job.items, job.columns, job.task_items = size, 1, TASK_ELEMENTS
    job.a, job.b, job.c = a, b, c
    run(name, &job, size)
    return into


cdef inline bint _is_number(value):
    return type(value) is float or type(value) is int


cdef class Each(Kernel):
    """A rule of one array and some numbers by its kernels, `function` and `gradient`.

    The numbers are those of the rule's attributes that have the `names`. What the rule's backward
    names is the array first, the input or the output, then numbers in the same order. Arrays too
    small for the kernels go to the kernel `smaller`.
    """

    cdef readonly str function, gradient
    cdef tuple names
    cdef Kernel smaller

    def __cinit__(self, str function, str gradient, *names, Kernel smaller=None):
        self.function, self.gradient, self.names = function, gradient, names
        self.smaller = smaller

    cdef object run(self, str kernel, object x, object g, tuple numbers, object into):
        cdef double values[3]
        cdef Py_ssize_t at
        if kernel is None:
            return None
        values[0] = values[1] = values[2] = 0
        for at in range(len(numbers)):
            if not _is_number(numbers[at]):
                return None
            values[at] = numbers[at]
        cdef Py_ssize_t least = least_elements
        if self.smaller is not None:
            least *= OF_SMALL
        return _each(kernel, x, g, values[0], values[1], values[2], into, least)

    cpdef object forward(self, object x, object y, object z):
        out = self.run(self.function, x, None, (), None)
        if out is None and self.smaller is not None:
            return self.smaller.forward(x, y, z)
        return out

    cpdef object forward_with(self, object x, dict attributes):
        return self.run(self.function, x, None, self._numbers(attributes), None)

    cdef tuple _numbers(self, dict attributes):
        return tuple([attributes[name] for name in self.names])

    cpdef tuple backward(self, object g, tuple saved, bint own):
        dx = None
        if self.gradient is not None:
            first = saved[0]
            x = (<Saved> first).array if isinstance(first, Saved) else first
            dx = self.run(self.gradient, x, g, saved[1:], g if own else None)
        if dx is None:
            return None if self.smaller is None else self.smaller.backward(g, saved, own)
        return (dx,)

    def in_place(self, x, attributes) -> bool:
        """x = f(x), if it is made for the kernel."""
        return self.run(self.function, x, None, self._numbers(attributes), x) is not None


cdef class Bounds(Each):
    """`Each` of a rule whose second and third input are a lower and an upper bound, or None."""

    cdef tuple _bounds(self, low, high):
        low = -INFINITY if low is None else low
        high = INFINITY if high is None else high
        return (low, high) if low == low and high == high else (None,)  # NaN is no bound

    cpdef object forward(self, object x, object y, object z):
        if not (y is None or _is_number(y)) or not (z is None or _is_number(z)):
            return None
        return self.run(self.function, x, None, self._bounds(y, z), None)

    cpdef tuple backward(self, object g, tuple saved, bint own):
        first, low, high = saved[:3]
        if not (low is None or _is_number(low)) or not (high is None or _is_number(high)):
            return None
        x = (<Saved> first).array if isinstance(first, Saved) else first
        dx = self.run(self.gradient, x, g, self._bounds(low, high), g if own else None)
        return None if dx is None else (dx, None, None)


def task_rows(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t most_tasks=1 << 62) -> int:
    """How many rows a task does."""
    cdef Py_ssize_t few = (rows + most_tasks - 1) // most_tasks
    return max(1, TASK_ELEMENTS // columns, few)


def rows(
    str name, Py_ssize_t count, Py_ssize_t columns, x, g=None, out=None, *, weight=None,
    bias=None, mean=None, var=None, scale=None, slope=None, level=None, place=None, sums=None,
    products=None, column_sums=None, column_products=None, double eps=0.0, bint centred=True,
    double bound=0.0, Py_ssize_t repeat_after=0, Py_ssize_t rows_per_task=0,
) -> None:
    """A kernel of ``row_kernels.h``, over `count` rows; each says there which arrays it takes."""
    cdef Job job
    job.x, job.g = <const float *>address(x), <const float *>address(g)
    job.out = <float *>address(out)
    job.items, job.columns = count, columns
    job.task_items = rows_per_task or task_rows(count, columns)
    job.weight, job.bias = <const float *>address(weight), <const float *>address(bias)
    job.mean, job.var = <float *>address(mean), <float *>address(var)
    job.scale, job.slope = <const float *>address(scale), <const float *>address(slope)
    job.level, job.place = <const float *>address(level), <const int64_t *>address(place)
    job.sums, job.products = <double *>address(sums), <double *>address(products)
    job.column_sums = <float *>address(column_sums)
    job.column_products = <float *>address(column_products)
    job.eps, job.centred, job.b = eps, centred, bound
    job.weight_groups = repeat_after or count
    run(name, &job, count * columns)


def groups(
    str name, Py_ssize_t count, Py_ssize_t planes, Py_ssize_t columns, x, g=None, out=None, *,
    Py_ssize_t group_step=0, Py_ssize_t plane_step=0, Py_ssize_t weight_groups=1,
    Py_ssize_t weights_each=1, weight=None, bias=None, mean=None, var=None, slope=None, level=None,
    sums=None, products=None, column_sums=None, column_products=None, double eps=0.0,
) -> None:
    """A kernel of ``group_kernels.h``, over `count` groups or columns."""
    cdef Job job
    memset(&job, 0, sizeof(job))
    job.x, job.g = <const float *>address(x), <const float *>address(g)
    job.out = <float *>address(out)
    job.items, job.planes, job.columns = count, planes, columns
    job.group_step, job.plane_step = group_step, plane_step
    job.weight_groups, job.weights_each = weight_groups, weights_each
    job.weight, job.bias = <const float *>address(weight), <const float *>address(bias)
    job.mean, job.var = <float *>address(mean), <float *>address(var)
    job.slope, job.level = <const float *>address(slope), <const float *>address(level)
    job.sums, job.products = <double *>address(sums), <double *>address(products)
    job.column_sums = <float *>address(column_sums)
    job.column_products = <float *>address(column_products)
    job.eps = eps
    job.task_items = max(1, TASK_ELEMENTS // (planes * columns))
    if not group_step:  # columns, of which whole cache lines go together
        job.task_items = max(16, TASK_ELEMENTS // planes // 16 * 16)
    run(name, &job, x.size)
