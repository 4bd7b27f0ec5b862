# cython: boundscheck=False, wraparound=False
"""The compiled one-pass kernels of ``fused_kernels.h``; `fused.py` decides when they are used.

Arrays reach C as plain addresses, so no NumPy headers are needed.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int64_t
from libc.string cimport memset

from airi import threads


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
        int centred

    ctypedef void (*Task)(const Job *job, ptrdiff_t first, ptrdiff_t end)

    ctypedef struct InstructionSet:
        const char *name
        Task kernels[KERNELS]

    int available_instruction_sets(const InstructionSet **sets)
    void run_job(Task task, const Job *job, int threads)


cdef const InstructionSet *available[MOST_INSTRUCTION_SETS]
cdef int available_count = available_instruction_sets(available)
cdef const InstructionSet *chosen = available[0]

# In the order of KernelNumber.
NAMES = (
    "exp", "tanh_grad", "sigmoid", "sigmoid_grad", "silu", "silu_grad", "gelu",
    "gelu_grad", "gelu_tanh", "gelu_tanh_grad", "relu", "relu_grad",
    "softmax", "softmax_grad", "log_softmax", "log_softmax_grad", "log_sum_exp",
    "cross_entropy_grad", "norm", "norm_grad", "moments", "scale_and_shift", "dots", "combine",
    "row_sums", "add", "add_to_rows",
)
cdef dict _numbers = {name: number for number, name in enumerate(NAMES)}


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


def wide(str name, x, out, g=None) -> None:
    """out = f(x), or g * f', element by element."""
    cdef Job job
    memset(&job, 0, sizeof(job))
    job.x, job.g = <const float *>address(x), <const float *>address(g)
    job.out = <float *>address(out, PyBUF_WRITABLE)
    job.items, job.columns, job.task_items = x.size, 1, TASK_ELEMENTS
    run(name, &job, job.items)


def task_rows(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t most_tasks=1 << 62) -> int:
    """How many rows a task does."""
    cdef Py_ssize_t few = (rows + most_tasks - 1) // most_tasks
    return max(1, TASK_ELEMENTS // columns, few)


def rows(
    str name, Py_ssize_t count, Py_ssize_t columns, x, g=None, out=None, *, weight=None,
    bias=None, mean=None, var=None, scale=None, slope=None, level=None, place=None, sums=None,
    products=None, column_sums=None, column_products=None, double eps=0.0, bint centred=True,
    Py_ssize_t rows_per_task=0,
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
    job.eps, job.centred = eps, centred
    run(name, &job, count * columns)
