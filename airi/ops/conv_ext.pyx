# cython: boundscheck=False, wraparound=False
"""The compiled kernels: the functions of ``conv_ref.py``, described there.

Checks, allocation and the division into tasks happen here; the arithmetic is in the headers
(start with ``conv_kernels.h``). Arrays reach C as plain addresses, so no NumPy headers are needed.
"""

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_SIMPLE, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_IsContiguous,
    PyBuffer_Release, PyObject_GetBuffer,
)
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memset

import numpy as np

from airi import threads
from airi.ops import conv_shapes


cdef extern from "conv_kernels.h" nogil:
    enum:
        MOST_INSTRUCTION_SETS
        MOST_PRODUCT_ROWS
        ROWS_AT_A_TIME
        WINOGRAD_POINTS "POINTS"
        WINOGRAD_POSITIONS "POSITIONS"
        INTS_PER_TAP
        POOL_ELEMENTS
    ctypedef void (*Task)(const void *plan, ptrdiff_t task, char *scratch)

    ctypedef struct Taps:
        int count

    ctypedef struct GatherPlan:
        const void *source
        const void *weight
        const void *bias
        void *out
        void *panels
        ptrdiff_t batch, groups, source_channels, rows
        ptrdiff_t source_height, source_width, out_height, out_width
        ptrdiff_t weight_row, weight_channel, weight_group, kernel_width
        ptrdiff_t grid_height, grid_width
        ptrdiff_t out_first_y, out_first_x, out_step_y, out_step_x
        Taps y, x
        size_t scratch_bytes

    ctypedef struct DotPlan:
        GatherPlan input
        const void *grad
        void *sums
        ptrdiff_t chunks

    ctypedef struct WeightPlan:
        const void *grad
        const void *input
        void *out
        void *sums
        ptrdiff_t batch, groups, channels, filters
        ptrdiff_t height, width, out_height, out_width
        Taps y, x
        ptrdiff_t chunks
        size_t scratch_bytes

    ctypedef struct PoolPlan:
        const void *source
        void *out
        uint8_t *places
        int64_t *indices
        ptrdiff_t planes, height, width, out_height, out_width, planes_at_a_time
        int kernel[2]
        int stride[2]
        int padding[2]
        int dilation[2]
        int count_padding
        double divisor

    ctypedef struct Kernels:
        Task pack_weights, gather, weight_sums, weight_finish, dot_sums, dot_finish
        ptrdiff_t (*dot_elements)(const DotPlan *plan)
        double (*weight_plan_blocks)(WeightPlan *plan)

    ctypedef struct PoolKernels:
        Task max_forward, max_backward, max_scatter, average_forward, average_backward

    ctypedef struct ProductPlan:
        const float *x
        const float *matrix
        float *out
        float *panels
        float *packed_x
        ptrdiff_t rows, inner, columns
        ptrdiff_t x_row, matrix_row, matrix_column, out_row

    ctypedef struct ProductKernels:
        int lanes
        ptrdiff_t (*panel_count)(const ProductPlan *plan)
        Task pack_matrix, pack_rows, multiply

    ctypedef struct WinogradPlan:
        const float *source
        const float *weight
        const float *bias
        const float *grad
        float *out
        float *memory
        ptrdiff_t batch, channels, filters
        ptrdiff_t source_height, source_width, out_height, out_width
        ptrdiff_t padding_y, padding_x, weight_filter, weight_channel
        int kernel_size, stride, turned, not_finite
        ptrdiff_t filter_vectors, chunks, memory_elements
        size_t scratch_bytes

    ctypedef struct WinogradKernels:
        int lanes
        void (*plan_blocks)(WinogradPlan *plan, int weight_grad, ptrdiff_t threads)
        Task kernels, forward, weight_sums, weight_finish

    ctypedef struct InstructionSet:
        const char *name
        const Kernels *conv[2]
        const PoolKernels *pool[2]
        const ProductKernels *product
        const WinogradKernels *winograd

    size_t pool_scratch_bytes(const PoolPlan *plan, size_t element_size)
    ptrdiff_t divide_up(ptrdiff_t a, ptrdiff_t b)
    ptrdiff_t winograd_tasks(const WinogradPlan *plan)
    ptrdiff_t winograd_blocks(const WinogradPlan *plan)

    int available_instruction_sets(InstructionSet *sets)
    void taps_forward(Taps *taps, int kernel_size, int stride, int padding, int dilation,
                      int *memory)
    void taps_backward(Taps *taps, int kernel_size, int stride, int padding, int dilation,
                       int phase, int *memory)
    void gather_plan_blocks(GatherPlan *plan, ptrdiff_t element_size, ptrdiff_t threads)
    ptrdiff_t gather_tasks(const GatherPlan *plan)
    ptrdiff_t panel_count(const GatherPlan *plan)
    ptrdiff_t panel_elements(const GatherPlan *plan)
    ptrdiff_t weight_blocks(const WeightPlan *plan)
    ptrdiff_t weight_block_elements(const WeightPlan *plan)
    void run_tasks(Task task, const void *plan, ptrdiff_t count, int threads, char *scratch,
                   size_t scratch_bytes)


cdef InstructionSet available[MOST_INSTRUCTION_SETS]
cdef int available_count = available_instruction_sets(available)
cdef InstructionSet chosen = available[0]


def instruction_sets() -> list[str]:
    """The instruction sets that this processor has kernels for, fastest first."""
    return [available[i].name.decode() for i in range(available_count)]


def use_instruction_set(name: str) -> None:
    """Compute with the kernels for `name` from now on; the fastest ones are used otherwise."""
    global chosen
    for i in range(available_count):
        if available[i].name.decode() == name:
            chosen = available[i]
            return
    raise ValueError(f"use_instruction_set: {name!r} is not one of {instruction_sets()}")


# Dot products of one filter reach about this part of the speed of a tile that is filled.
cdef double LEAST_USE_OF_TILE = 0.4


# ---- memory -------------------------------------------------------------------------------------

cdef void *address(array, int flags=PyBUF_SIMPLE) except? NULL:
    """Where a contiguous array's elements lie; the caller keeps the array alive."""
    cdef Py_buffer view
    PyObject_GetBuffer(array, &view, flags)
    cdef void *start = view.buf
    PyBuffer_Release(&view)
    return start


cdef class Scratch:
    """Working memory for some threads, aligned to cache lines. Kept for the next call: fresh memory
    would cost a page fault every 4 KiB."""

    cdef object memory
    cdef char *start
    cdef size_t bytes_per_thread
    cdef int threads

    kept = []

    def __cinit__(self, size_t bytes_needed, int threads):
        self.bytes_per_thread = (bytes_needed + 127) // 64 * 64
        self.threads = threads
        cdef Py_ssize_t size = self.bytes_per_thread * threads + 64
        try:
            self.memory = Scratch.kept.pop()
        except IndexError:
            self.memory = None
        if self.memory is None or len(self.memory) < size:
            self.memory = np.empty(size, np.uint8)
        cdef size_t base = <size_t>address(self.memory, PyBUF_WRITABLE)
        self.start = <char *>((base + 63) // 64 * 64)

    cdef void run(self, Task task, const void *plan, ptrdiff_t count):
        with nogil:
            run_tasks(task, plan, count, self.threads, self.start, self.bytes_per_thread)

    def give_back(self):
        if len(Scratch.kept) < 2:
            Scratch.kept.append(self.memory)
        self.memory = None


# ---- convolution --------------------------------------------------------------------------------

cdef _gather(GatherPlan *plan, dtype):
    """Run a forward convolution or one phase of an input gradient whose sizes are all set."""
    cdef int threads_ = threads.get_num_threads()
    cdef const Kernels *kernels = chosen.conv[dtype == np.float64]
    gather_plan_blocks(plan, dtype.itemsize, threads_)
    panels = np.empty(panel_elements(plan), dtype)
    plan.panels = address(panels, PyBUF_WRITABLE)
    scratch = Scratch(plan.scratch_bytes, threads_)
    (<Scratch>scratch).run(kernels.pack_weights, plan, plan.groups * panel_count(plan))
    (<Scratch>scratch).run(kernels.gather, plan, gather_tasks(plan))
    scratch.give_back()


cdef void _set_forward_sizes(GatherPlan *plan, conv, int *tap_memory):
    memset(plan, 0, sizeof(GatherPlan))
    plan.batch, plan.groups = conv.batch, conv.groups
    plan.source_channels = conv.channels // conv.groups
    plan.rows = conv.filters // conv.groups
    plan.source_height, plan.source_width = conv.input_size
    plan.out_height, plan.out_width = conv.output_size
    plan.grid_height, plan.grid_width = conv.output_size
    plan.out_step_y = plan.out_step_x = 1
    kernel_height, kernel_width = conv.kernel_size
    plan.kernel_width = kernel_width
    plan.weight_channel = kernel_height * kernel_width
    plan.weight_row = plan.weight_channel * plan.source_channels
    plan.weight_group = plan.weight_row * plan.rows
    taps_forward(&plan.y, kernel_height, conv.stride[0], conv.padding[0], conv.dilation[0],
                 tap_memory)
    taps_forward(&plan.x, kernel_width, conv.stride[1], conv.padding[1], conv.dilation[1],
                 tap_memory + INTS_PER_TAP * <int>kernel_height)


def conv2d_forward(x, w, bias, stride, padding, dilation, groups):
    """See ``conv_ref.conv2d_forward``."""
    conv = conv_shapes.check_conv_forward(x, w, bias, stride, padding, dilation, groups)
    x, w = np.ascontiguousarray(x), np.ascontiguousarray(w)
    out = np.empty(conv.output_shape, x.dtype)
    if out.size == 0 or conv.channels == 0:
        out[...] = 0 if bias is None else bias[:, None, None]
        return out
    tap_memory = np.empty(INTS_PER_TAP * sum(conv.kernel_size), np.intc)
    cdef GatherPlan plan
    _set_forward_sizes(&plan, conv, <int *>address(tap_memory, PyBUF_WRITABLE))
    plan.source, plan.weight = address(x), address(w)
    plan.out = address(out, PyBUF_WRITABLE)
    if bias is not None:
        bias = np.ascontiguousarray(bias)
        plan.bias = address(bias)
    if not _by_winograd(conv, x.dtype) or not _winograd_forward(conv, x, w, bias, out):
        _gather(&plan, x.dtype)
    return out


def conv2d_input_grad(g, w, input_size, stride, padding, dilation, groups):
    """See ``conv_ref.conv2d_input_grad``."""
    conv = conv_shapes.check_conv_input_grad(g, w, input_size, stride, padding, dilation, groups)
    g, w = np.ascontiguousarray(g), np.ascontiguousarray(w)
    if conv.stride == (1, 1) and _by_winograd(conv, g.dtype):
        out = np.empty(conv.input_shape, g.dtype)
        if _winograd_input_grad(conv, g, w, out):
            return out
    kernel_height, kernel_width = conv.kernel_size
    if g.size == 0 or kernel_height < conv.stride[0] or kernel_width < conv.stride[1] or (
        max(conv.dilation) > 1 and max(conv.stride) > 1
    ):
        out = np.zeros(conv.input_shape, g.dtype)  # some pixels may receive nothing
    else:
        out = np.empty(conv.input_shape, g.dtype)
    if out.size == 0 or g.size == 0:
        return out

    tap_memory = np.empty(INTS_PER_TAP * sum(conv.kernel_size), np.intc)
    cdef int *y_memory = <int *>address(tap_memory, PyBUF_WRITABLE)
    cdef int *x_memory = y_memory + INTS_PER_TAP * <int>kernel_height
    cdef GatherPlan plan
    memset(&plan, 0, sizeof(plan))
    plan.source, plan.weight = address(g), address(w)
    plan.out = address(out, PyBUF_WRITABLE)
    plan.batch, plan.groups = conv.batch, conv.groups
    plan.source_channels = conv.filters // conv.groups
    plan.rows = conv.channels // conv.groups
    plan.source_height, plan.source_width = conv.output_size
    plan.out_height, plan.out_width = conv.input_size
    plan.out_step_y, plan.out_step_x = conv.stride
    plan.kernel_width = kernel_width
    plan.weight_row = kernel_height * kernel_width
    plan.weight_channel = plan.weight_row * plan.rows
    plan.weight_group = plan.weight_channel * plan.source_channels
    # Input pixels with the same remainder modulo the stride receive through the same taps.
    for plan.out_first_y in range(min(plan.out_step_y, plan.out_height)):
        taps_backward(&plan.y, kernel_height, plan.out_step_y, conv.padding[0], conv.dilation[0],
                      plan.out_first_y, y_memory)
        for plan.out_first_x in range(min(plan.out_step_x, plan.out_width)):
            taps_backward(&plan.x, kernel_width, plan.out_step_x, conv.padding[1],
                          conv.dilation[1], plan.out_first_x, x_memory)
            if plan.y.count == 0 or plan.x.count == 0:
                continue
            plan.grid_height = -(-(plan.out_height - plan.out_first_y) // plan.out_step_y)
            plan.grid_width = -(-(plan.out_width - plan.out_first_x) // plan.out_step_x)
            _gather(&plan, g.dtype)
    return out


def conv2d_weight_grad(g, x, kernel_size, stride, padding, dilation, groups):
    """See ``conv_ref.conv2d_weight_grad``."""
    conv = conv_shapes.check_conv_weight_grad(g, x, kernel_size, stride, padding, dilation, groups)
    if g.size == 0 or x.size == 0:
        return np.zeros(conv.weight_shape, x.dtype)
    g, x = np.ascontiguousarray(g), np.ascontiguousarray(x)
    out = np.empty(conv.weight_shape, x.dtype)
    if conv.stride == (1, 1) and _by_winograd(conv, x.dtype):
        if _winograd_weight_grad(conv, g, x, out):
            return out
    cdef int threads_ = threads.get_num_threads()
    cdef const Kernels *kernels = chosen.conv[x.dtype == np.float64]
    cdef WeightPlan plan
    memset(&plan, 0, sizeof(plan))
    plan.grad, plan.input = address(g), address(x)
    plan.out = address(out, PyBUF_WRITABLE)
    plan.batch, plan.groups = conv.batch, conv.groups
    plan.channels = conv.channels // conv.groups
    plan.filters = conv.filters // conv.groups
    plan.height, plan.width = conv.input_size
    plan.out_height, plan.out_width = conv.output_size
    tap_memory = np.empty(INTS_PER_TAP * sum(conv.kernel_size), np.intc)
    cdef int *memory = <int *>address(tap_memory, PyBUF_WRITABLE)
    kernel_height, kernel_width = conv.kernel_size
    taps_forward(&plan.y, kernel_height, conv.stride[0], conv.padding[0], conv.dilation[0], memory)
    taps_forward(&plan.x, kernel_width, conv.stride[1], conv.padding[1], conv.dilation[1],
                 memory + INTS_PER_TAP * <int>kernel_height)
    cdef double use = kernels.weight_plan_blocks(&plan)
    if use < LEAST_USE_OF_TILE or _by_dot_products(conv):
        _weight_grad_by_dot_products(conv, g, x, out)
        return out

    cdef ptrdiff_t blocks = weight_blocks(&plan)
    sums = np.empty(plan.chunks * blocks * weight_block_elements(&plan), x.dtype)
    plan.sums = address(sums, PyBUF_WRITABLE)
    scratch = Scratch(plan.scratch_bytes, threads_)
    (<Scratch>scratch).run(kernels.weight_sums, &plan, plan.chunks * blocks)
    (<Scratch>scratch).run(kernels.weight_finish, &plan, blocks)
    scratch.give_back()
    return out


cdef bint _by_dot_products(conv) except -1:
    """Whether packing for tiles costs more than they save: few taps and many pixels (measured)."""
    cdef ptrdiff_t taps = conv.channels // conv.groups * conv.kernel_size[0] * conv.kernel_size[1]
    cdef ptrdiff_t filters = conv.filters // conv.groups
    cdef ptrdiff_t pixels = conv.output_size[0] * conv.output_size[1]
    cdef ptrdiff_t few = 160 if pixels >= 3000 else 72
    return taps <= few and 4 <= filters <= 256 and pixels >= 512


cdef _weight_grad_by_dot_products(conv, g, x, out):
    cdef int threads_ = threads.get_num_threads()
    cdef const Kernels *kernels = chosen.conv[x.dtype == np.float64]
    cdef DotPlan plan
    tap_memory = np.empty(INTS_PER_TAP * sum(conv.kernel_size), np.intc)
    _set_forward_sizes(&plan.input, conv, <int *>address(tap_memory, PyBUF_WRITABLE))
    plan.input.source, plan.grad = address(x), address(g)
    plan.input.out = address(out, PyBUF_WRITABLE)
    gather_plan_blocks(&plan.input, x.dtype.itemsize, 1)
    plan.chunks = max(1, min(conv.batch, 16 // conv.groups))
    sums = np.empty(plan.chunks * conv.groups * kernels.dot_elements(&plan), x.dtype)
    plan.sums = address(sums, PyBUF_WRITABLE)
    scratch = Scratch(plan.input.scratch_bytes, threads_)
    (<Scratch>scratch).run(kernels.dot_sums, &plan, plan.chunks * conv.groups)
    (<Scratch>scratch).run(kernels.dot_finish, &plan, conv.filters)
    scratch.give_back()


# ---- convolution by Winograd's method: conv_winograd.h ------------------------------------------

# The kernels' values, or the gradient's sums, are four times as large as 3 x 3 weights: more than
# this is not allocated, and where the processor's caches do not hold it, it takes some tiles to
# make up for the time that it costs.
cdef ptrdiff_t MOST_WINOGRAD_BYTES = 48 * 1024 * 1024
cdef ptrdiff_t CACHED_BYTES = 1024 * 1024
cdef ptrdiff_t LEAST_TILES_IN_ALL = 12
# Measured: how much of the vectors' lanes must be in use, by the kernel's width.
cdef dict LEAST_USE_OF_LANES = {3: 0.52, 5: 0.7}
# Stride 2: of the direct method's products, as a multiple of those at the points.
cdef double LEAST_GAIN = 1.8
# Sizes and strides; of stride 2 the forward pass alone.
cdef tuple WINOGRAD_KERNELS = (((3, 3), (1, 1)), ((5, 5), (1, 1)), ((4, 4), (2, 2)))
cdef object winograd_when = "faster"


def use_winograd(when: str) -> None:
    """Use Winograd's method "always" where it can be, "never", or where it is "faster"."""
    global winograd_when
    if when not in ("always", "never", "faster"):
        raise ValueError(f"use_winograd: {when!r} is not 'always', 'never' or 'faster'")
    winograd_when = when


cdef bint _by_winograd(conv, dtype) except -1:
    """Whether Winograd's method can be used for this convolution and its gradients, and shall."""
    cdef ptrdiff_t lanes = chosen.winograd.lanes, channels, filters, phases, tile, tiles, memory
    if dtype != np.float32 or winograd_when == "never" or lanes < 4:
        return False
    if (conv.kernel_size, conv.stride) not in WINOGRAD_KERNELS:
        return False
    if conv.groups != 1 or conv.dilation != (1, 1):
        return False
    if 0 in conv.input_shape or 0 in conv.output_shape:
        return False
    channels = divide_up(conv.channels, lanes) * lanes
    filters = divide_up(conv.filters, lanes) * lanes
    phases = conv.stride[0] * conv.stride[1]
    memory = WINOGRAD_POSITIONS * phases * channels * filters * sizeof(float)
    if memory > MOST_WINOGRAD_BYTES:
        return False
    if winograd_when == "always":
        return True
    tile = WINOGRAD_POINTS - divide_up(conv.kernel_size[0], conv.stride[0]) + 1
    tiles = conv.batch
    for size in conv.output_size:
        tiles *= divide_up(size, tile)
    if memory > CACHED_BYTES and tiles < LEAST_TILES_IN_ALL:
        return False
    use = conv.channels * conv.filters / <double>(channels * filters)
    if phases == 1:
        return use >= LEAST_USE_OF_LANES[conv.kernel_size[0]]
    area = conv.kernel_size[0] * conv.kernel_size[1]
    pixels = conv.batch * conv.output_size[0] * conv.output_size[1]
    return use * area * pixels >= LEAST_GAIN * WINOGRAD_POSITIONS * phases * tiles


cdef void _set_winograd_sizes(WinogradPlan *plan, conv):
    memset(plan, 0, sizeof(WinogradPlan))
    plan.batch, plan.channels, plan.filters = conv.batch, conv.channels, conv.filters
    plan.source_height, plan.source_width = conv.input_size
    plan.out_height, plan.out_width = conv.output_size
    plan.padding_y, plan.padding_x = conv.padding
    plan.kernel_size, plan.stride = conv.kernel_size[0], conv.stride[0]


cdef bint _winograd_gather(WinogradPlan *plan) except -1:
    """Run a forward convolution, or an input gradient as one; whether its results are finite."""
    cdef int threads_ = threads.get_num_threads()
    chosen.winograd.plan_blocks(plan, False, threads_)
    memory = Scratch(plan.memory_elements * sizeof(float), 1)
    plan.memory = <float *>(<Scratch>memory).start
    scratch = Scratch(plan.scratch_bytes, threads_)
    (<Scratch>scratch).run(chosen.winograd.kernels, plan, plan.filter_vectors)
    (<Scratch>scratch).run(chosen.winograd.forward, plan, winograd_tasks(plan))
    scratch.give_back()
    memory.give_back()
    return not plan.not_finite


cdef bint _winograd_forward(conv, x, w, bias, out) except -1:
    cdef WinogradPlan plan
    _set_winograd_sizes(&plan, conv)
    plan.source, plan.weight = <float *>address(x), <float *>address(w)
    if bias is not None:
        plan.bias = <float *>address(bias)
    plan.out = <float *>address(out, PyBUF_WRITABLE)
    plan.weight_channel = plan.kernel_size * plan.kernel_size
    plan.weight_filter = plan.weight_channel * plan.channels
    return _winograd_gather(&plan)


cdef bint _winograd_input_grad(conv, g, w, out) except -1:
    """The convolution of g with the kernel turned round, channels and filters exchanged."""
    cdef WinogradPlan plan
    _set_winograd_sizes(&plan, conv)
    plan.source, plan.weight = <float *>address(g), <float *>address(w)
    plan.out = <float *>address(out, PyBUF_WRITABLE)
    plan.turned = True
    plan.channels, plan.filters = conv.filters, conv.channels
    plan.source_height, plan.source_width = conv.output_size
    plan.out_height, plan.out_width = conv.input_size
    plan.padding_y = plan.kernel_size - 1 - plan.padding_y
    plan.padding_x = plan.kernel_size - 1 - plan.padding_x
    plan.weight_filter = plan.kernel_size * plan.kernel_size
    plan.weight_channel = plan.weight_filter * plan.filters
    return _winograd_gather(&plan)


cdef bint _winograd_weight_grad(conv, g, x, out) except -1:
    cdef int threads_ = threads.get_num_threads()
    cdef WinogradPlan plan
    _set_winograd_sizes(&plan, conv)
    plan.source, plan.grad = <float *>address(x), <float *>address(g)
    plan.out = <float *>address(out, PyBUF_WRITABLE)
    chosen.winograd.plan_blocks(&plan, True, threads_)
    memory = Scratch(plan.memory_elements * sizeof(float), 1)
    plan.memory = <float *>(<Scratch>memory).start
    scratch = Scratch(plan.scratch_bytes, threads_)
    cdef ptrdiff_t blocks = winograd_blocks(&plan)
    (<Scratch>scratch).run(chosen.winograd.weight_sums, &plan, plan.chunks * blocks)
    (<Scratch>scratch).run(chosen.winograd.weight_finish, &plan, blocks)
    scratch.give_back()
    memory.give_back()
    return not plan.not_finite


# ---- matrix products: conv_product.h -------------------------------------------------------------

# Multiplications for which waking another thread pays.
cdef ptrdiff_t LEAST_FOR_THREADS = 1 << 22


cdef class PackedMatrix:
    """See ``conv_ref.PackedMatrix``."""

    cdef ProductPlan plan
    cdef const ProductKernels *kernels
    cdef object matrix, panels

    def __cinit__(self, matrix):
        conv_shapes.check_packed_matrix(matrix)
        self.matrix = matrix
        self.kernels = chosen.product
        cdef ptrdiff_t lanes = self.kernels.lanes
        cdef ProductPlan *plan = &self.plan
        memset(plan, 0, sizeof(ProductPlan))
        plan.inner, plan.columns = matrix.shape
        plan.matrix_row, plan.matrix_column = [step // 4 for step in matrix.strides]
        cdef ptrdiff_t vectors = divide_up(plan.columns, lanes)
        self.panels = np.empty(divide_up(plan.inner, lanes) * lanes * vectors * lanes, np.float32)
        if self.panels.size == 0:
            return
        plan.panels = <float *>address(self.panels, PyBUF_WRITABLE)
        plan.matrix = <const float *>address(matrix, PyBUF_STRIDES)
        with nogil:
            run_tasks(self.kernels.pack_matrix, plan, vectors, 1, NULL, 0)

    def multiply(self, x, out):
        """See ``conv_ref.PackedMatrix.multiply``."""
        cdef ProductPlan plan = self.plan
        cdef Py_buffer of_x, of_out
        cdef bint suit
        PyObject_GetBuffer(x, &of_x, PyBUF_STRIDES | PyBUF_FORMAT)
        try:
            PyObject_GetBuffer(out, &of_out, PyBUF_STRIDES | PyBUF_FORMAT | PyBUF_WRITABLE)
            suit = is_float_matrix(&of_x, plan.inner) and is_float_matrix(&of_out, plan.columns)
            suit = suit and of_x.shape[0] == of_out.shape[0] and self.panels.size > 0
            plan.rows = of_out.shape[0] if suit else 0
            plan.x, plan.x_row = <const float *>of_x.buf, plan.inner
            plan.out, plan.out_row = <float *>of_out.buf, plan.columns
            if plan.rows:
                self.run(&plan)
            PyBuffer_Release(&of_out)
        finally:
            PyBuffer_Release(&of_x)
        return out if suit else np.matmul(x, self.matrix, out=out)

    cdef run(self, ProductPlan *plan):
        cdef ptrdiff_t lanes = self.kernels.lanes, blocks = divide_up(plan.inner, lanes)
        cdef ptrdiff_t packed_rows = divide_up(plan.rows, MOST_PRODUCT_ROWS) * MOST_PRODUCT_ROWS
        cdef int threads_ = 1
        if plan.rows * plan.inner * plan.columns >= LEAST_FOR_THREADS:
            threads_ = threads.get_num_threads()
        memory = Scratch(blocks * packed_rows * lanes * sizeof(float), 1)
        plan.packed_x = <float *>(<Scratch>memory).start
        scratch = Scratch(MOST_PRODUCT_ROWS * 3 * lanes * sizeof(float), threads_)
        cdef ptrdiff_t row_blocks = divide_up(plan.rows, ROWS_AT_A_TIME)
        (<Scratch>memory).run(self.kernels.pack_rows, plan, blocks)
        (<Scratch>scratch).run(self.kernels.multiply, plan,
                               row_blocks * self.kernels.panel_count(plan))
        scratch.give_back()
        memory.give_back()


cdef bint is_float_matrix(Py_buffer *view, Py_ssize_t columns):
    return (view.ndim == 2 and view.shape[1] == columns and view.format[0] == c'f'
            and view.format[1] == 0 and PyBuffer_IsContiguous(view, c'C'))


# ---- pooling ------------------------------------------------------------------------------------

cdef void _set_pool_sizes(PoolPlan *plan, shape, input_size, output_size):
    memset(plan, 0, sizeof(PoolPlan))
    plan.planes = shape[0] * shape[1]
    plan.height, plan.width = input_size
    plan.out_height, plan.out_width = output_size


cdef void _set_pool_windows(PoolPlan *plan, kernel, stride, padding, dilation):
    for axis in range(2):
        plan.kernel[axis], plan.stride[axis] = kernel[axis], stride[axis]
        plan.padding[axis], plan.dilation[axis] = padding[axis], dilation[axis]


cdef _pool(Task task, PoolPlan *plan, dtype):
    plan.planes_at_a_time = max(1, POOL_ELEMENTS // (plan.height * plan.width))
    scratch = Scratch(pool_scratch_bytes(plan, dtype.itemsize), threads.get_num_threads())
    (<Scratch>scratch).run(task, plan, divide_up(plan.planes, plan.planes_at_a_time))
    scratch.give_back()


def max_pool2d_forward(x, kernel, stride, padding, dilation, output_size, as_places=False):
    """See ``conv_ref.max_pool2d_forward``."""
    kernel, stride, padding, dilation, output_size = conv_shapes.check_max_pool(
        x, kernel, stride, padding, dilation, output_size, as_places
    )
    x = np.ascontiguousarray(x)
    out = np.empty((x.shape[0], x.shape[1], *output_size), x.dtype)
    where = np.empty(out.shape, np.uint8 if as_places else np.int64)
    if out.size == 0:
        return out, where
    cdef PoolPlan plan
    _set_pool_sizes(&plan, x.shape, x.shape[2:], output_size)
    _set_pool_windows(&plan, kernel, stride, padding, dilation)
    plan.source, plan.out = address(x), address(out, PyBUF_WRITABLE)
    if as_places:
        plan.places = <uint8_t *>address(where, PyBUF_WRITABLE)
    else:
        plan.indices = <int64_t *>address(where, PyBUF_WRITABLE)
    _pool(chosen.pool[x.dtype == np.float64].max_forward, &plan, x.dtype)
    return out, where


def max_pool2d_backward(g, indices, input_size):
    """See ``conv_ref.max_pool2d_backward``."""
    input_size = conv_shapes.check_max_pool_backward(g, indices, input_size)
    g, indices = np.ascontiguousarray(g), np.ascontiguousarray(indices)
    out = np.empty((g.shape[0], g.shape[1], *input_size), g.dtype)
    if out.size == 0 or g.size == 0:
        out[...] = 0
        return out
    cdef PoolPlan plan
    _set_pool_sizes(&plan, g.shape, input_size, g.shape[2:])
    _set_pool_windows(&plan, (1, 1), (1, 1), (0, 0), (1, 1))
    plan.source, plan.out = address(g), address(out, PyBUF_WRITABLE)
    plan.indices = <int64_t *>address(indices)
    _pool(chosen.pool[g.dtype == np.float64].max_scatter, &plan, g.dtype)
    return out


# Every tap costs a pass over all windows: from this number on it is faster to go by indices.
cdef int MOST_TAPS_BY_PLACES = 36


def max_pool2d_backward_by_places(g, places, input_size, kernel, stride, padding, dilation):
    """See ``conv_ref.max_pool2d_backward_by_places``."""
    input_size, kernel, stride, padding, dilation = conv_shapes.check_max_pool_places(
        g, places, input_size, kernel, stride, padding, dilation
    )
    if kernel[0] * kernel[1] > MOST_TAPS_BY_PLACES or dilation != (1, 1):
        indices = conv_shapes.indices_of_places(places, input_size, kernel, stride, padding,
                                                dilation)
        return max_pool2d_backward(g, indices, input_size)
    g, places = np.ascontiguousarray(g), np.ascontiguousarray(places)
    out = np.empty((g.shape[0], g.shape[1], *input_size), g.dtype)
    if out.size == 0 or g.size == 0:
        out[...] = 0
        return out
    cdef PoolPlan plan
    _set_pool_sizes(&plan, g.shape, input_size, g.shape[2:])
    _set_pool_windows(&plan, kernel, stride, padding, dilation)
    plan.source, plan.out = address(g), address(out, PyBUF_WRITABLE)
    plan.places = <uint8_t *>address(places)
    _pool(chosen.pool[g.dtype == np.float64].max_backward, &plan, g.dtype)
    return out


def avg_pool2d_forward(
    x, kernel, stride, padding, output_size, count_include_pad, divisor_override
):
    """See ``conv_ref.avg_pool2d_forward``."""
    input_size, kernel, stride, padding, output_size = conv_shapes.check_avg_pool(
        "avg_pool2d_forward", x, x.shape[2:], kernel, stride, padding, output_size, divisor_override
    )
    x = np.ascontiguousarray(x)
    out = np.empty((x.shape[0], x.shape[1], *output_size), x.dtype)
    if out.size == 0:
        return out
    cdef PoolPlan plan
    _set_pool_sizes(&plan, x.shape, input_size, output_size)
    _set_pool_windows(&plan, kernel, stride, padding, (1, 1))
    plan.count_padding = bool(count_include_pad)
    plan.divisor = divisor_override or 0
    plan.source, plan.out = address(x), address(out, PyBUF_WRITABLE)
    _pool(chosen.pool[x.dtype == np.float64].average_forward, &plan, x.dtype)
    return out


def avg_pool2d_backward(
    g, input_size, kernel, stride, padding, count_include_pad, divisor_override
):
    """See ``conv_ref.avg_pool2d_backward``."""
    input_size, kernel, stride, padding, output_size = conv_shapes.check_avg_pool(
        "avg_pool2d_backward", g, input_size, kernel, stride, padding, g.shape[2:], divisor_override
    )
    g = np.ascontiguousarray(g)
    out = np.empty((g.shape[0], g.shape[1], *input_size), g.dtype)
    if out.size == 0 or g.size == 0:
        out[...] = 0
        return out
    cdef PoolPlan plan
    _set_pool_sizes(&plan, g.shape, input_size, output_size)
    _set_pool_windows(&plan, kernel, stride, padding, (1, 1))
    plan.count_padding = bool(count_include_pad)
    plan.divisor = divisor_override or 0
    plan.source, plan.out = address(g), address(out, PyBUF_WRITABLE)
    _pool(chosen.pool[g.dtype == np.float64].average_backward, &plan, g.dtype)
    return out
