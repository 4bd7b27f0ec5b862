# cython: boundscheck=False, wraparound=False
"""The compiled products and attention of ``product_kernels.h``; `product.py` decides when they are
used.

Arrays reach C as plain addresses, so no NumPy headers are needed.
"""

from cpython.buffer cimport (
    PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.string cimport memset

import numpy as np

from airi import threads


cdef extern from "product_kernels.h" nogil:
    enum:
        MOST_INSTRUCTION_SETS
        INNER_BLOCK
        COLUMN_BLOCK
        MOST_ATTENTION_ROWS
    ctypedef void (*Task)(const void *plan, ptrdiff_t task, float *scratch)

    ctypedef struct Matrix:
        const float *start
        ptrdiff_t row, column

    ctypedef struct ProductPlan:
        Matrix a, b
        const float *bias
        float *out
        ptrdiff_t rows, inner, columns
        ptrdiff_t out_row
        ptrdiff_t batch[2]
        ptrdiff_t a_step[2]
        ptrdiff_t b_step[2]
        ptrdiff_t out_step[2]
        ptrdiff_t task_rows, task_columns

    ctypedef struct Heads:
        const float *start
        ptrdiff_t step[3]

    ctypedef struct AttentionPlan:
        Heads q, k, v, out, g, dq, dk, dv
        const void *mask
        int mask_is_float
        ptrdiff_t mask_step[4]
        float *lse
        const float *shift
        ptrdiff_t batch, heads, length, keys, features, values
        float scale
        int causal
        ptrdiff_t row_block, chunks

    ctypedef struct Meeting:
        pass

    ctypedef struct LSTMPlan:
        const float *x
        Matrix w_ih, w_hh
        const float *bias
        const float *h
        const float *c
        float *gates
        float *cells
        float *out
        const ptrdiff_t *first_rows
        const ptrdiff_t *counts
        ptrdiff_t steps, size, inputs, together
        const float *dout
        float *dgates
        float *sums
        float *dx
        float *dh
        float *dc
        Meeting *meeting

    ctypedef void (*Walk)(const LSTMPlan *plan, int thread, int threads, float *scratch)

    ctypedef struct InstructionSet:
        const char *name
        ptrdiff_t lanes, tile_rows
        Task multiply, attention, attention_grad
        Walk lstm, lstm_grad

    ptrdiff_t product_tasks(const ProductPlan *plan)
    ptrdiff_t divide_up(ptrdiff_t a, ptrdiff_t b)
    int available_instruction_sets(const InstructionSet **sets)
    void run_tasks(Task task, const void *plan, ptrdiff_t count, int threads, float *scratch,
                   ptrdiff_t scratch_floats)
    void walk_together(Walk walk, const LSTMPlan *plan, int threads, float *scratch,
                       ptrdiff_t scratch_floats)


cdef const InstructionSet *available[MOST_INSTRUCTION_SETS]
cdef int available_count = available_instruction_sets(available)
cdef const InstructionSet *chosen = available[0]

# Multiplications for which waking another thread pays.
cdef ptrdiff_t LEAST_FOR_THREADS = 1 << 21
# Parts of a product that use what they pack often enough, and fill a tile.
cdef ptrdiff_t LEAST_ROWS_OF_TASK = 96
cdef ptrdiff_t LEAST_COLUMNS = 48


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


cdef struct Array:
    void *start
    ptrdiff_t shape[4]
    ptrdiff_t step[4]  # in elements


cdef void *describe(array, Array *seen, int flags=PyBUF_STRIDES) except? NULL:
    """Where an array's elements lie, and how: of 4 dimensions, the first ones of size 1.

    The caller keeps the array alive. A dimension of size 1 has a step of 0, so that it is
    broadcast.
    """
    cdef Py_buffer view
    cdef int i, missing
    PyObject_GetBuffer(array, &view, flags)
    missing = 4 - view.ndim
    for i in range(4):
        seen.shape[i] = view.shape[i - missing] if i >= missing else 1
        seen.step[i] = view.strides[i - missing] // view.itemsize if seen.shape[i] > 1 else 0
    seen.start = view.buf
    PyBuffer_Release(&view)
    return seen.start


cdef float *aligned(memory) except NULL:
    """The first number of the memory at the start of a line of the cache."""
    cdef Array seen
    return <float *>((<size_t>describe(memory, &seen) + 63) // 64 * 64)


cdef run(Task task, const void *plan, ptrdiff_t count, int threads_, ptrdiff_t scratch_floats):
    """Run the tasks, each thread with that much scratch of its own."""
    scratch_floats = divide_up(scratch_floats, 16) * 16
    memory = np.empty(scratch_floats * threads_ + 16, np.float32)
    cdef float *scratch = aligned(memory)
    with nogil:
        run_tasks(task, plan, count, threads_, scratch, scratch_floats)


cdef int threads_for(ptrdiff_t multiplications):
    return threads.get_num_threads() if multiplications >= LEAST_FOR_THREADS else 1


# ---- products -----------------------------------------------------------------------------------


def multiply(a, b, out, bias=None) -> None:
    """out = a @ b + bias, of float32 arrays with 2 to 4 dimensions, of which none is empty.

    a and b may have any strides, and are broadcast to out's batch; rows of `out` and `bias` are
    contiguous.
    """
    cdef ProductPlan plan
    cdef Array x, y, z
    cdef int i
    describe(a, &x)
    describe(b, &y)
    plan.out = <float *>describe(out, &z, PyBUF_STRIDES | PyBUF_WRITABLE)
    plan.rows, plan.inner, plan.columns = x.shape[2], x.shape[3], y.shape[3]
    plan.a.start, plan.a.row, plan.a.column = <const float *>x.start, x.step[2], x.step[3]
    plan.b.start, plan.b.row, plan.b.column = <const float *>y.start, y.step[2], y.step[3]
    plan.out_row = z.step[2]
    for i in range(2):
        plan.batch[i] = z.shape[i]
        plan.a_step[i], plan.b_step[i], plan.out_step[i] = x.step[i], y.step[i], z.step[i]
    plan.bias = NULL
    if bias is not None:
        plan.bias = <const float *>describe(bias, &x)
    cdef ptrdiff_t pairs = plan.batch[0] * plan.batch[1]
    cdef int threads_ = threads_for(pairs * plan.rows * plan.inner * plan.columns)
    divide(&plan, threads_)
    run(chosen.multiply, &plan, product_tasks(&plan), threads_, scratch_of(&plan))


cdef ptrdiff_t scratch_of(const ProductPlan *plan):
    cdef ptrdiff_t columns = divide_up(plan.columns, chosen.lanes) * chosen.lanes
    return min(plan.inner, <ptrdiff_t>INNER_BLOCK) * min(columns, <ptrdiff_t>COLUMN_BLOCK)


cdef void divide(ProductPlan *plan, int threads_):
    """Cut each result into parts, so that all threads have some: into rows where there are many,
    else into columns, of which each part packs its own."""
    cdef ptrdiff_t pairs = plan.batch[0] * plan.batch[1], parts, columns
    plan.task_rows, plan.task_columns = plan.rows, plan.columns
    if threads_ == 1 or pairs >= 4 * threads_:
        return
    parts = divide_up(2 * threads_, pairs)
    if plan.rows < parts * LEAST_ROWS_OF_TASK:
        columns = divide_up(plan.columns, min(parts, divide_up(plan.columns, LEAST_COLUMNS)))
        plan.task_columns = divide_up(columns, chosen.lanes) * chosen.lanes
        parts = divide_up(parts, divide_up(plan.columns, plan.task_columns))
    plan.task_rows = divide_up(divide_up(plan.rows, parts), chosen.tile_rows) * chosen.tile_rows


# ---- attention ----------------------------------------------------------------------------------

# Scores that are made together: their part of the cache.
cdef ptrdiff_t SCORES = 1 << 15


cdef void set_heads(Heads *heads, array) except *:
    cdef Array seen
    heads.start = <const float *>describe(array, &seen)
    for i in range(3):
        heads.step[i] = seen.step[i]


cdef AttentionPlan plan_attention(q, k, v, mask, lse, double scale, bint causal) except *:
    cdef AttentionPlan plan
    cdef Array seen
    memset(&plan, 0, sizeof(plan))
    plan.batch, plan.heads, plan.length, plan.features = q.shape
    plan.keys, plan.values = v.shape[2], v.shape[3]
    set_heads(&plan.q, q)
    set_heads(&plan.k, k)
    set_heads(&plan.v, v)
    if mask is not None:
        plan.mask = describe(mask, &seen)
        plan.mask_is_float = mask.dtype == np.float32
        plan.mask_step = seen.step
    plan.lse = <float *>describe(lse, &seen)
    plan.scale, plan.causal = scale, causal
    plan.row_block = min(<ptrdiff_t>MOST_ATTENTION_ROWS, max(1, SCORES // plan.keys // 8) * 8)
    plan.chunks = 1
    return plan


cdef int threads_for_attention(const AttentionPlan *plan):
    cdef ptrdiff_t width = plan.features + plan.values
    return threads_for(plan.batch * plan.heads * plan.length * plan.keys * width)


def attention(q, k, v, mask, out, lse, double scale, bint causal) -> None:
    """out = softmax(scale * q @ k.mT + mask) @ v, lse = log(sum(e**scores)).

    Arrays are float32 (batch, heads, rows, features) with neighbouring features, and not empty; the
    mask is None, of bool or float32, (batch, heads, length, keys), its last stride 0 or one number.
    """
    cdef Array seen
    cdef AttentionPlan plan = plan_attention(q, k, v, mask, lse, scale, causal)
    set_heads(&plan.out, out)
    cdef ptrdiff_t lanes = chosen.lanes, pairs = plan.batch * plan.heads
    cdef ptrdiff_t keys = divide_up(plan.keys, lanes) * lanes
    cdef ptrdiff_t values = divide_up(plan.values, lanes) * lanes
    cdef int threads_ = threads_for_attention(&plan)
    if threads_ > 1 and pairs < 4 * threads_:
        plan.chunks = min(divide_up(plan.length, plan.row_block), divide_up(4 * threads_, pairs))
    run(chosen.attention, &plan, pairs * plan.chunks, threads_,
        plan.features * keys + plan.keys * values + plan.row_block * (keys + lanes))


def attention_grad(
    q, k, v, mask, lse, g, shift, dq, dk, dv, double scale, bint causal
) -> None:
    """dq, dk and dv; dk and dv are added to. See `attention`.

    `shift` (batch, heads, length) is added to the gradients of a query's probabilities.
    """
    cdef Array seen
    cdef AttentionPlan plan = plan_attention(q, k, v, mask, lse, scale, causal)
    set_heads(&plan.g, g)
    set_heads(&plan.dq, dq)
    set_heads(&plan.dk, dk)
    set_heads(&plan.dv, dv)
    plan.shift = <const float *>describe(shift, &seen)
    cdef ptrdiff_t lanes = chosen.lanes
    cdef ptrdiff_t keys = divide_up(plan.keys, lanes) * lanes
    cdef ptrdiff_t features = divide_up(plan.features, lanes) * lanes
    cdef ptrdiff_t values = divide_up(plan.values, lanes) * lanes
    run(chosen.attention_grad, &plan, plan.batch * plan.heads, threads_for_attention(&plan),
        (plan.features + plan.values) * keys + plan.keys * features
        + plan.row_block * (features + values + 2 * (keys + lanes)))


# ---- LSTM ---------------------------------------------------------------------------------------


# Rows for which the inputs' share is computed at once: enough to use the weights, while the gates
# stay in the cache.
cdef ptrdiff_t ROWS_TOGETHER = 128


cdef Matrix matrix(array) except *:
    cdef Array seen
    cdef Matrix result
    result.start = <const float *>describe(array, &seen)
    result.row, result.column = seen.step[2], seen.step[3]
    return result


cdef LSTMPlan plan_lstm(w_ih, w_hh, h, c, gates, cells, out, first_rows, counts) except *:
    cdef LSTMPlan plan
    cdef Array seen
    memset(&plan, 0, sizeof(plan))
    plan.w_ih, plan.w_hh = matrix(w_ih), matrix(w_hh)
    plan.h, plan.c = <const float *>describe(h, &seen), <const float *>describe(c, &seen)
    plan.gates = <float *>describe(gates, &seen)
    plan.cells, plan.out = <float *>describe(cells, &seen), <float *>describe(out, &seen)
    plan.first_rows = <const ptrdiff_t *>describe(first_rows, &seen)
    plan.counts = <const ptrdiff_t *>describe(counts, &seen)
    plan.steps, plan.size, plan.inputs = len(counts), c.shape[1], w_ih.shape[1]
    plan.together = max(1, ROWS_TOGETHER // len(h))
    return plan


cdef walk(Walk function, LSTMPlan *plan, batch):
    cdef Meeting meeting
    memset(&meeting, 0, sizeof(meeting))
    plan.meeting = &meeting
    cdef int threads_ = threads_for(4 * plan.size * plan.size * <ptrdiff_t>batch)
    # Each weight once, cut by units; backward those of the inputs by inputs.
    cdef ptrdiff_t units = most_of_thread(plan.size, threads_)
    cdef ptrdiff_t inputs = most_of_thread(plan.inputs, threads_)
    cdef ptrdiff_t scratch_floats = 4 * (
        plan.size * units + max(plan.inputs * units, plan.size * inputs))
    memory = np.empty(scratch_floats * threads_ + 16, np.float32)
    cdef float *scratch = aligned(memory)
    with nogil:
        walk_together(function, plan, threads_, scratch, scratch_floats)


cdef ptrdiff_t most_of_thread(ptrdiff_t size, int threads_):
    """Threads have whole vectors of columns, one at most one more than another."""
    return divide_up(divide_up(size, chosen.lanes), threads_) * chosen.lanes


def lstm(x, w_ih, bias, w_hh, h, c, gates, cells, out, first_rows, counts) -> None:
    """All steps of a layer: ``lstm_kernels.h``. Float32 arrays, contiguous but for the weights."""
    cdef LSTMPlan plan = plan_lstm(w_ih, w_hh, h, c, gates, cells, out, first_rows, counts)
    cdef Array seen
    plan.x = <const float *>describe(x, &seen)
    if bias is not None:
        plan.bias = <const float *>describe(bias, &seen)
    walk(chosen.lstm, &plan, len(h))


def lstm_grad(
    w_ih, w_hh, h, c, gates, cells, out, first_rows, counts, dout, dgates, sums, dh, dc, dx
) -> None:
    """The gradients of the gates' inputs, their sums over the rows of each step (added to what
    stands in `sums`), dx where it is not None, and those of the states: dh and dc are given the
    last states' and become the first's."""
    cdef LSTMPlan plan = plan_lstm(w_ih, w_hh, h, c, gates, cells, out, first_rows, counts)
    cdef Array seen
    plan.dout, plan.dgates = <const float *>describe(dout, &seen), <float *>describe(dgates, &seen)
    plan.sums = <float *>describe(sums, &seen)
    plan.dh, plan.dc = <float *>describe(dh, &seen), <float *>describe(dc, &seen)
    if dx is not None:
        plan.dx = <float *>describe(dx, &seen)
    walk(chosen.lstm_grad, &plan, len(h))
