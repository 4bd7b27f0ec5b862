/* Convolution kernels: the plan, the choice of instruction set, the threads.
 *
 * The idea
 * --------
 * A convolution is a matrix product in disguise. With k running over (channel, kernel row, kernel
 * column) and p over the output pixels of an image,
 *
 *     out[f][p] = sum over k of  weight[f][k] * input[pixel that tap k of output p looks at]
 *
 * Writing the second factor out as a matrix (im2col) costs KH * KW copies of the input. But the row
 * of that matrix that belongs to k is nearly in memory already: walking along p, tap k reads the
 * image from left to right. So the image is *packed* once, such that the row of every k is one
 * contiguous run, and the matrix becomes a table of offsets:
 *
 *     out[f][p] = sum over k of  weight[k][f] * packed[offset[k] + p]
 *
 * Packing makes one copy of each channel for each kernel column (so that a run may go on from one
 * output row to the next without leaving the image), adds the zero padding, picks every stride-th
 * column, and sorts the rows by their remainder modulo the stride. After that stride, dilation and
 * padding are gone: they are numbers in the offset table. Kernel rows need no copy; they start
 * further down in the same run. Only a *band* of the image and a *block* of the channels is packed
 * at a time, so that it stays in the cache (PACK_BYTES).
 *
 * The tile
 * --------
 * All the arithmetic of the three convolutions happens in one place, the tile of conv_tile.h:
 *
 *                     b: vectors of LANES numbers
 *                  [  b0  ][  b1  ][  b2  ]      <- b[b_offset[k] ...]
 *                  +-------+-------+-------+
 *     a:       a0  |  c00  |  c01  |  c02  |     for every k:
 *     single   a1  |  c10  |  c11  |  c12  |         c[row][v] += a[row] * b[v]
 *     numbers  ..  |  ...  |  ...  |  ...  |
 *              a7  |  c70  |  c71  |  c72  |     The c stay in registers: 8 x 3 vectors with
 *              ^   +-------+-------+-------+     AVX-512, which leaves 8 of 32 registers for a, b.
 *              a[a_offset[k] ...]
 *
 * Each k loads 8 + 3 values and does 24 fused multiply-adds, so the arithmetic units never wait.
 *
 *   forward       rows are filters, vectors are output pixels, k runs over the taps
 *   input grad    the same with the roles of input and output exchanged: input pixel y receives
 *                 from output (y + padding - tap * dilation) / stride where that is whole. For each
 *                 remainder of y modulo the stride the taps that fit form a convolution of stride 1
 *                 (a "phase"), and its offsets go into the same plan
 *   weight grad   rows are (kernel column, channel) pairs, vectors are filters (or the other way
 *                 round, whichever fills the tile better), k runs over the output pixels; both
 *                 operands are packed with the channels innermost. Few weights and many pixels
 *                 are done as dot products over the packed pixels: see conv_weight.h
 *
 * Kernels of 3 x 3 and 5 x 5 with stride 1, and the forward pass of 4 x 4 with stride 2, have a
 * faster way in float: conv_winograd.h.
 *
 * conv_tile.h is included once for each number type and instruction set; the best one that the
 * processor has is chosen when the program runs. Work is divided into tasks that write to separate
 * memory and always do the same sums in the same order: results do not depend on the threads.
 */

#ifndef AIRI_CONV_KERNELS_H
#define AIRI_CONV_KERNELS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

/* Memory for the packed part of an image; with the rest of a thread's scratch it stays in L2. */
#define PACK_BYTES (384 * 1024)
/* Products that a tile sums up before it is written back. */
#define TAPS_PER_BLOCK 512
/* From this many products on it pays to leave out those with kernel rows in the padding. */
#define TAPS_WORTH_SKIPPING 64
/* Weights lie in panels of this many rows, the height of the largest tile in gather_task. */
#define PANEL 8
/* The widest tile: vectors, lanes, and rows. */
#define TILE_VECTORS 3
#define MAX_LANES 16
#define MAX_TILE_ROWS 24
/* Output pixels whose products a weight-gradient tile sums in one go: both operands fit in L1. */
#define PIXELS_PER_SUM 448
/* The same for dot products, whose operands are narrower. */
#define PIXELS_PER_DOT 832
/* Weight gradients: elements of one block of weights, and how many tasks to make at least. */
#define WEIGHT_BLOCK (128 * 1024)
#define WEIGHT_BLOCK_FILTERS 144
#define WEIGHT_TASKS 16

static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
static ptrdiff_t divide_up(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }
static ptrdiff_t round_up(ptrdiff_t a, ptrdiff_t b) { return divide_up(a, b) * b; }

/* ---- taps along one axis ---------------------------------------------------------------------
 *
 * Output position o reads, through tap t, source position o * step + shift[t]. Taps whose shifts
 * have the same remainder modulo step read the same packed lines, some lines apart: a *class*.
 */

typedef struct {
    int count;        /* taps */
    int step;         /* source positions from one output position to the next */
    int *kernel;      /* for each tap: its index in the kernel */
    int *shift;       /* for each tap: source position for output 0 */
    int *line;        /* for each tap: packed line for output 0, within its class */
    int *tap_class;   /* for each tap: its class */
    int classes;
    int *class_shift; /* for each class: source position of its first line */
    int *class_extra; /* for each class: lines beyond one for each output position */
    int total_extra;
} Taps;

#define INTS_PER_TAP 6

static void taps_begin(Taps *taps, int step, int kernel_size, int *memory)
{
    taps->count = taps->classes = taps->total_extra = 0;
    taps->step = step;
    taps->kernel = memory;
    taps->shift = memory + kernel_size;
    taps->line = memory + 2 * kernel_size;
    taps->tap_class = memory + 3 * kernel_size;
    taps->class_shift = memory + 4 * kernel_size;
    taps->class_extra = memory + 5 * kernel_size;
}

static void taps_sort_into_classes(Taps *taps)
{
    for (int t = 0; t < taps->count; t++) {
        int c = 0;
        while (c < taps->classes && (taps->shift[t] - taps->class_shift[c]) % taps->step)
            c++;
        if (c == taps->classes)
            taps->class_shift[taps->classes++] = taps->shift[t];
        if (taps->shift[t] < taps->class_shift[c])
            taps->class_shift[c] = taps->shift[t];
        taps->tap_class[t] = c;
    }
    for (int c = 0; c < taps->classes; c++)
        taps->class_extra[c] = 0;
    for (int t = 0; t < taps->count; t++) {
        int c = taps->tap_class[t];
        taps->line[t] = (taps->shift[t] - taps->class_shift[c]) / taps->step;
        if (taps->line[t] > taps->class_extra[c])
            taps->class_extra[c] = taps->line[t];
    }
    for (int c = 0; c < taps->classes; c++)
        taps->total_extra += taps->class_extra[c];
}

/* The taps of a forward convolution. */
static void taps_forward(Taps *taps, int kernel_size, int stride, int padding, int dilation,
                         int *memory)
{
    taps_begin(taps, stride, kernel_size, memory);
    for (int t = 0; t < kernel_size; t++) {
        taps->kernel[t] = t;
        taps->shift[t] = t * dilation - padding;
    }
    taps->count = kernel_size;
    taps_sort_into_classes(taps);
}

/* The taps through which input positions phase, phase + stride, ... receive their gradient. */
static void taps_backward(Taps *taps, int kernel_size, int stride, int padding, int dilation,
                          int phase, int *memory)
{
    taps_begin(taps, 1, kernel_size, memory);
    for (int t = 0; t < kernel_size; t++) {
        int distance = phase + padding - t * dilation;
        if (distance % stride)
            continue;
        taps->kernel[taps->count] = t;
        taps->shift[taps->count++] = distance / stride;
    }
    taps_sort_into_classes(taps);
}

/* ---- plan of a forward convolution or of one phase of an input gradient ---------------------- */

typedef struct {
    const void *source;   /* (batch, groups, source_channels, source_height, source_width) */
    const void *weight;
    const void *bias;     /* one for each row, or NULL */
    void *out;            /* (batch, groups, rows, out_height, out_width) */
    void *panels;         /* the packed weights; see pack_weights_task */
    ptrdiff_t batch, groups, source_channels, rows;
    ptrdiff_t source_height, source_width, out_height, out_width;
    ptrdiff_t weight_row, weight_channel, weight_group; /* steps in the weights */
    ptrdiff_t kernel_width;
    ptrdiff_t grid_height, grid_width; /* output pixels to compute: all, or those of the phase */
    ptrdiff_t out_first_y, out_first_x, out_step_y, out_step_x; /* where they lie in the output */
    Taps y, x;
    /* filled in by gather_plan_blocks */
    ptrdiff_t channel_block, tap_block;    /* source channels and taps along x packed at a time */
    ptrdiff_t band_height, band_width;     /* output pixels packed for at a time */
    ptrdiff_t bands_y, bands_x;
    ptrdiff_t images;                      /* images packed at a time, so as to share the weights */
    size_t scratch_bytes;
} GatherPlan;

/* Elements of a packed plane, spread so that the planes do not share cache lines modulo 4096. */
static ptrdiff_t plane_elements(ptrdiff_t lines, ptrdiff_t width, ptrdiff_t element_size)
{
    ptrdiff_t cache_line = 64 / element_size;
    return (divide_up(lines * width, cache_line) | 1) * cache_line;
}

static ptrdiff_t packed_lines(const GatherPlan *plan, ptrdiff_t band_height)
{
    return band_height * plan->y.classes + plan->y.total_extra;
}

/* Divide the work so that a task's packed data fits in PACK_BYTES. */
static void gather_plan_blocks(GatherPlan *plan, ptrdiff_t element_size, ptrdiff_t threads)
{
    ptrdiff_t budget = PACK_BYTES / element_size;
    ptrdiff_t taps = (ptrdiff_t)plan->y.count * plan->x.count;
    ptrdiff_t blocks;

    plan->channel_block = smaller(larger(1, TAPS_PER_BLOCK / taps), plan->source_channels);
    plan->tap_block = larger(1, smaller(plan->x.count, TAPS_PER_BLOCK / plan->y.count));
    blocks = divide_up(plan->source_channels, plan->channel_block);
    plan->channel_block = divide_up(plan->source_channels, blocks);

    ptrdiff_t planes = plan->channel_block * plan->tap_block;
    ptrdiff_t lines = budget / (planes * plan->grid_width);
    plan->band_height = (lines - plan->y.total_extra) / plan->y.classes;
    plan->band_height = larger(1, smaller(plan->band_height, plan->grid_height));
    if (plan->batch * plan->groups < threads) {
        ptrdiff_t share = divide_up(plan->batch * plan->groups * plan->grid_height, threads);
        plan->band_height = smaller(plan->band_height, larger(1, share));
    }
    plan->bands_y = divide_up(plan->grid_height, plan->band_height);
    plan->band_height = divide_up(plan->grid_height, plan->bands_y);
    /* A few lines more, where with them the band's pixels fill their vectors. */
    for (ptrdiff_t more = 0; more < 4 && plan->bands_y > 1 && plan->band_height > 8; more++)
        if ((plan->band_height + more) * plan->grid_width % MAX_LANES == 0) {
            plan->band_height += more;
            plan->bands_y = divide_up(plan->grid_height, plan->band_height);
            break;
        }

    /* Only a band of one row may be cut across: a band's output must stay contiguous. */
    plan->band_width = plan->grid_width;
    if (plan->band_height == 1) {
        ptrdiff_t tile = TILE_VECTORS * MAX_LANES;
        ptrdiff_t width = budget / (planes * packed_lines(plan, 1));
        plan->band_width = smaller(plan->grid_width, larger(tile, width / tile * tile));
    }
    plan->bands_x = divide_up(plan->grid_width, plan->band_width);

    ptrdiff_t plane = plane_elements(packed_lines(plan, plan->band_height), plan->band_width,
                                     element_size);
    /* Small images: pack several, but leave each thread a few tasks. */
    ptrdiff_t tasks_per_image = plan->groups * plan->bands_y * plan->bands_x;
    plan->images = smaller(budget / (planes * plane),
                           plan->batch * tasks_per_image / (4 * threads));
    plan->images = larger(1, smaller(plan->images, plan->batch));

    size_t most_taps = (size_t)(planes * plan->y.count);
    size_t edge_and_slack = (PANEL + 1) * TILE_VECTORS * MAX_LANES;
    size_t elements = (size_t)(plan->images * planes * plane) + edge_and_slack;
    plan->scratch_bytes = elements * (size_t)element_size
        + most_taps * (2 * sizeof(int32_t) + (size_t)element_size) + 512;
}

static ptrdiff_t gather_tasks(const GatherPlan *plan)
{
    return divide_up(plan->batch, plan->images) * plan->groups * plan->bands_y * plan->bands_x;
}

/* Output pixels (top, left) ... (top + height, left + width) of the grid. */
typedef struct {
    ptrdiff_t top, left, height, width;
} Band;

/* The `index`-th band; the last ones may be smaller, or empty. */
static Band band_of(const GatherPlan *plan, ptrdiff_t index)
{
    Band band;
    band.top = index / plan->bands_x * plan->band_height;
    band.left = index % plan->bands_x * plan->band_width;
    band.height = smaller(plan->band_height, plan->grid_height - band.top);
    band.width = smaller(plan->band_width, plan->grid_width - band.left);
    return band;
}

/* Where, from the start of the packed planes, the run of each (tap y, channel, tap x) begins. */
static void fill_offsets(const GatherPlan *plan, ptrdiff_t channels, int x_taps,
                         const Band *band, ptrdiff_t plane, int32_t *offset)
{
    const Taps *y = &plan->y;
    for (int ty = 0; ty < y->count; ty++) {
        ptrdiff_t line = y->line[ty];
        for (int c = 0; c < y->tap_class[ty]; c++)
            line += band->height + y->class_extra[c];
        for (ptrdiff_t run = 0; run < channels * x_taps; run++)
            *offset++ = (int32_t)(run * plane + line * band->width);
    }
}

/* Kernel rows [*first, *last) are those that do not lie wholly in the padding above or below the
 * source for all pixels of the band from `pixel` on. */
static void useful_kernel_rows(const GatherPlan *plan, const Band *band, ptrdiff_t pixel,
                               ptrdiff_t count, int *first, int *last)
{
    const Taps *y = &plan->y;
    ptrdiff_t top = (band->top + pixel / band->width) * y->step;
    ptrdiff_t bottom = (band->top + (pixel + count - 1) / band->width) * y->step;
    *first = 0;
    *last = y->count;
    while (*first < *last && (bottom + y->shift[*first] < 0
                              || top + y->shift[*first] >= plan->source_height))
        ++*first;
    while (*first < *last && (bottom + y->shift[*last - 1] < 0
                              || top + y->shift[*last - 1] >= plan->source_height))
        --*last;
}

static ptrdiff_t panel_count(const GatherPlan *plan) { return divide_up(plan->rows, PANEL); }

static ptrdiff_t panel_elements(const GatherPlan *plan)
{
    return plan->groups * plan->source_channels * plan->y.count * plan->x.count
         * panel_count(plan) * PANEL;
}

/* ---- plan of a weight gradient ---------------------------------------------------------------
 *
 * The weights of a group are cut into blocks of channels and filters, the images into chunks; a
 * task adds up one block over one chunk. A block lies in memory as (a, kernel row, b), where a and
 * b are the two sides of the tile: (kernel column, channel) and filter, or exchanged.
 */

typedef struct {
    const void *grad;     /* (batch, groups, filters, out_height, out_width) */
    const void *input;    /* (batch, groups, channels, height, width) */
    void *out;            /* (groups, filters, channels, kernel rows, kernel columns) */
    void *sums;           /* (chunks, blocks, block_elements) */
    ptrdiff_t batch, groups, channels, filters;
    ptrdiff_t height, width, out_height, out_width;
    Taps y, x;
    int filters_in_rows;  /* whether filters are the rows (single numbers) of the tile */
    int kernel_rows_in_tile; /* then: whether the tile's vectors are different kernel rows */
    ptrdiff_t channel_block, filter_block, channel_blocks, filter_blocks;
    ptrdiff_t band_height, bands, chunks;
    ptrdiff_t packed_columns, column_step; /* of a packed input line; from pixel to pixel */
    ptrdiff_t parts, part_step; /* a line is packed in one part, or in one for each tap */
    ptrdiff_t row_elements, vector_elements; /* block: (rows, kernel row, vectors) */
    size_t scratch_bytes;
} WeightPlan;

static ptrdiff_t weight_blocks(const WeightPlan *plan)
{
    return plan->groups * plan->channel_blocks * plan->filter_blocks;
}

static ptrdiff_t weight_block_elements(const WeightPlan *plan)
{
    return plan->y.count * plan->row_elements * plan->vector_elements;
}

/* The packed input line that kernel row `tap` reads for the first output line of a band. */
static ptrdiff_t weight_line(const WeightPlan *plan, ptrdiff_t band_height, int tap)
{
    ptrdiff_t line = plan->y.line[tap];
    for (int c = 0; c < plan->y.tap_class[tap]; c++)
        line += band_height + plan->y.class_extra[c];
    return line;
}

/* A weight gradient by dot products: planes packed as for the forward pass, and the gradient. */
typedef struct {
    GatherPlan input;    /* its `out` are the weights' gradients */
    const void *grad;
    void *sums;          /* (chunks, groups, dot_elements) */
    ptrdiff_t chunks;
} DotPlan;

/* ---- one set of kernels for each number type and instruction set ----------------------------- */

/* Part number `task` of what a plan describes; `scratch` is the thread's own. */
typedef void (*Task)(const void *plan, ptrdiff_t task, char *scratch);

typedef struct {
    Task pack_weights, gather;
    double (*weight_plan_blocks)(WeightPlan *plan);
    Task weight_sums, weight_finish;
    ptrdiff_t (*dot_elements)(const DotPlan *plan);
    Task dot_sums, dot_finish; /* chunks * groups tasks; one for each filter */
} Kernels;

/* Matrix products: see conv_product.h. A task of pack_matrix is a vector of columns, one of
 * pack_rows a vector of k, one of multiply a panel for ROWS_AT_A_TIME rows. For float only. */
typedef struct {
    const float *x, *matrix; /* (rows, inner), (inner, columns) */
    float *out;              /* (rows, columns) */
    float *panels, *packed_x;
    ptrdiff_t rows, inner, columns;
    ptrdiff_t x_row, matrix_row, matrix_column, out_row; /* steps; columns of x, out are neighbours */
} ProductPlan;

typedef struct {
    int lanes;
    ptrdiff_t (*panel_count)(const ProductPlan *plan);
    Task pack_matrix, pack_rows, multiply;
} ProductKernels;

/* Products that are added up before their sum joins the others. */
#define SUM_LENGTH 32
#define ROWS_AT_A_TIME 96
#define MOST_PRODUCT_ROWS 16

/* Winograd's method, for float only. */
#include "conv_winograd.h"

/* Pooling: see pool_kernels.h. */
typedef struct {
    const void *source;  /* (planes, height, width); backward: (planes, out_height, out_width) */
    void *out;           /* the other one */
    /* Maximum pooling: for every output the number of its tap, or its position in the plane. */
    uint8_t *places;
    int64_t *indices;
    ptrdiff_t planes, height, width, out_height, out_width;
    ptrdiff_t planes_at_a_time;
    int kernel[2], stride[2], padding[2], dilation[2];
    int count_padding;   /* average pooling: padding counts in the mean */
    double divisor;      /* average pooling: instead of the count, when not 0 */
} PoolPlan;

/* A task is planes_at_a_time planes. max_backward goes by places, max_scatter by indices. */
typedef struct {
    Task max_forward, max_backward, max_scatter, average_forward, average_backward;
} PoolKernels;

/* Elements of a plane that a task takes on at least. */
#define POOL_ELEMENTS (16 * 1024)

/* The columns of the padded image that windows cover, in strides, rounded up. */
static ptrdiff_t pool_spread_windows(const PoolPlan *plan)
{
    ptrdiff_t reach = (ptrdiff_t)(plan->kernel[1] - 1) * plan->dilation[1];
    ptrdiff_t covered = plan->out_width + reach / plan->stride[1];
    return larger(covered, divide_up(plan->width + plan->padding[1], plan->stride[1]));
}

/* Room for a line of the padded image or a row of windows, and for whole vectors on either side. */
static ptrdiff_t pool_line_elements(const PoolPlan *plan)
{
    ptrdiff_t windows = round_up(pool_spread_windows(plan), MAX_LANES) + MAX_LANES;
    ptrdiff_t reach = (ptrdiff_t)(plan->kernel[1] - 1) * plan->dilation[1];
    return round_up(windows * plan->stride[1] + reach + plan->kernel[1] + 2 * MAX_LANES,
                    MAX_LANES);
}

static size_t pool_scratch_bytes(const PoolPlan *plan, size_t element_size)
{
    size_t taps = (size_t)plan->kernel[0] * (size_t)plan->kernel[1];
    size_t lines = (size_t)(plan->kernel[0] + 4) * (size_t)pool_line_elements(plan);
    return (size_t)plan->kernel[0] * sizeof(void *) + (taps + lines) * element_size;
}

/* The number of elements of window `output` along one axis that count in the mean. */
static ptrdiff_t pool_window_length(const PoolPlan *plan, int axis, ptrdiff_t output)
{
    ptrdiff_t size = axis ? plan->width : plan->height, padding = plan->padding[axis];
    ptrdiff_t start = output * plan->stride[axis] - padding;
    ptrdiff_t stop = smaller(start + plan->kernel[axis], size + padding);
    return plan->count_padding ? stop - start : smaller(stop, size) - larger(start, 0);
}

/* The part [*first, *last) of `count` positions start, start + step, ... inside 0 ... size - 1. */
static void inside(ptrdiff_t start, ptrdiff_t step, ptrdiff_t count, ptrdiff_t size,
                   ptrdiff_t *first, ptrdiff_t *last)
{
    ptrdiff_t before = start < 0 ? divide_up(-start, step) : 0;
    ptrdiff_t until = start < size ? divide_up(size - start, step) : 0;
    *first = smaller(before, count);
    *last = larger(*first, smaller(until, count));
}

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
#define CHOOSE_AT_RUN_TIME
#endif

#define JOIN(a, b, c) a##_##b##_##c
#define JOIN_EXPANDED(a, b, c) JOIN(a, b, c)
#define NAME(function) JOIN_EXPANDED(function, REAL, INSTRUCTIONS)

/* TARGET_BEGIN ... TARGET_END: functions between them may use these instructions. */
#ifdef __clang__
#define TARGET_PRAGMA(text) _Pragma(#text)
#define TARGET_BEGIN(list) \
    TARGET_PRAGMA(clang attribute push(__attribute__((target(list))), apply_to = function))
#define TARGET_END TARGET_PRAGMA(clang attribute pop)
#else
#define TARGET_PRAGMA(text) _Pragma(#text)
#define TARGET_BEGIN(list) TARGET_PRAGMA(GCC push_options) TARGET_PRAGMA(GCC target(list))
#define TARGET_END TARGET_PRAGMA(GCC pop_options)
#endif

#define INSTRUCTIONS baseline
#define MAX_SUMS 12
#ifdef __GNUC__
#define VECTOR_BYTES 16
#endif
#include "conv_instructions.h"

#ifdef CHOOSE_AT_RUN_TIME

#define INSTRUCTIONS avx2
#define MAX_SUMS 12
#define VECTOR_BYTES 32
TARGET_BEGIN("avx2,fma")
#include "conv_instructions.h"
TARGET_END

#define INSTRUCTIONS avx512
#define MAX_SUMS 24
#define VECTOR_BYTES 64
TARGET_BEGIN("avx512f,avx2,fma")
#include "conv_instructions.h"
TARGET_END

#endif /* CHOOSE_AT_RUN_TIME */

/* The instruction sets of this processor, best first; returns how many. */
#define MOST_INSTRUCTION_SETS 3
typedef struct {
    const char *name;
    const Kernels *conv[2];     /* for float, for double */
    const PoolKernels *pool[2];
    const ProductKernels *product;
    const WinogradKernels *winograd;
} InstructionSet;

#define INSTRUCTION_SET(name)                                                                   \
    ((InstructionSet){#name, {&kernels_float_##name, &kernels_double_##name},                   \
                      {&pool_kernels_float_##name, &pool_kernels_double_##name},                \
                      &product_kernels_float_##name, &winograd_float_##name})

static int available_instruction_sets(InstructionSet *sets)
{
    int count = 0;
#ifdef CHOOSE_AT_RUN_TIME
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma"))
        sets[count++] = INSTRUCTION_SET(avx512);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sets[count++] = INSTRUCTION_SET(avx2);
#endif
    sets[count++] = INSTRUCTION_SET(baseline);
    return count;
}

/* ---- threads --------------------------------------------------------------------------------- */

/* Run tasks 0 ... count - 1, each with its thread's own scratch. */
static void run_tasks(Task task, const void *plan, ptrdiff_t count, int threads, char *scratch,
                      size_t scratch_bytes)
{
#ifdef _OPENMP
    if (threads > 1 && count > 1) {
#pragma omp parallel num_threads((int)smaller(threads, count))
        {
            char *own = scratch + scratch_bytes * (size_t)omp_get_thread_num();
#pragma omp for schedule(dynamic)
            for (ptrdiff_t i = 0; i < count; i++)
                task(plan, i, own);
        }
        return;
    }
#else
    (void)threads, (void)scratch_bytes;
#endif
    for (ptrdiff_t i = 0; i < count; i++)
        task(plan, i, scratch);
}

#endif /* AIRI_CONV_KERNELS_H */
