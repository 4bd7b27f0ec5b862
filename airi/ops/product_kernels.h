/* Products of float32 matrices, out = a b + bias, and what consists of them: attention, LSTM.
 *
 * The idea
 * --------
 * A product of two 1000 x 1000 matrices multiplies each number a thousand times. A processor can do
 * 32 multiplications and additions in the time in which it reads two vectors from its nearest
 * cache, so numbers must be used many times once they are in registers. They are in a *tile*:
 *
 *                          b: a panel, TILE_VECTORS vectors wide
 *                          [ . . . . | . . . . | . . . . ]  <- k: three vectors are loaded
 *         a: rows
 *         [ k ]            [ s s s s | s s s s | s s s s ]
 *         [ k ]            [ s s s s | s s s s | s s s s ]     TILE_ROWS x TILE_VECTORS sums, all
 *         [ k ]            [ s s s s | s s s s | s s s s ]     of them in registers: for each k and
 *         [ k ]            [ s s s s | s s s s | s s s s ]     row one number of a, in every lane,
 *                                                              times the three vectors
 *
 * With 8 rows and AVX-512, 11 loads feed 24 multiplications of 16 numbers each.
 *
 * For each k the tile reads the next TILE_VECTORS vectors of b, and these shall be neighbours in
 * memory whatever b's layout is. So b is *packed* first: into panels that are read from beginning
 * to end, the last one filled up with zeros.
 *
 *     packed b: [panel][k][column in the panel]
 *
 * A panel of INNER_BLOCK values of k fits the first cache and is used by all rows of a before the
 * next one is. Of a only one number at a time is read, so it can stay as it is.
 *
 * product_tile.h has the tile, packing and the product; attention_kernels.h attention, and
 * lstm_kernels.h a recurrent layer. They are included once for each instruction set
 * (instruction_sets.h), with the vectors of fused_vectors.h.
 *
 * A job consists of tasks, which threads share: parts of the result of a product, for each pair of
 * a batch. A task packs what it needs itself, into memory that is its thread's own, so that no
 * thread waits for another. How a sum is made does not depend on the number of threads.
 */

#ifndef AIRI_PRODUCT_KERNELS_H
#define AIRI_PRODUCT_KERNELS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(__GNUC__) && !defined(_WIN32)
#include <sched.h>
#endif

#include "instruction_sets.h"

#define TILE_VECTORS 3
#define MOST_TILE_ROWS 8
#define MOST_LANES 16
/* Values of k, rows and columns that are done before the next ones: packed parts stay in caches. */
#define INNER_BLOCK 384
#define ROW_BLOCK 192
#define COLUMN_BLOCK 480
#define MOST_ATTENTION_ROWS 64

static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static ptrdiff_t divide_up(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }
static ptrdiff_t round_up(ptrdiff_t a, ptrdiff_t b) { return divide_up(a, b) * b; }

/* A matrix in memory: the distances between rows and between columns are in elements. */
typedef struct {
    const float *start;
    ptrdiff_t row, column;
} Matrix;

/* out = a b + bias for a batch of pairs: a (rows, inner), b (inner, columns). */
typedef struct {
    Matrix a, b;
    const float *bias;      /* for each column, or NULL */
    float *out;
    ptrdiff_t rows, inner, columns;
    ptrdiff_t out_row;      /* between rows of out; its columns are neighbours */
    ptrdiff_t batch[2];     /* how many pairs, in two dimensions, and from one to the next: */
    ptrdiff_t a_step[2], b_step[2], out_step[2];
    ptrdiff_t task_rows, task_columns; /* the part of a result that is a task */
} ProductPlan;

/* Attention for a batch of heads: see attention_kernels.h. Arrays are (batch, heads, rows,
 * features); their `step` has the distances of the first three, features are neighbours. */
typedef struct {
    const float *start;
    ptrdiff_t step[3];
} Heads;

typedef struct {
    Heads q, k, v, out, g, dq, dk, dv;
    const void *mask;       /* NULL, or bytes (0: hidden) or numbers to be added: */
    int mask_is_float;
    ptrdiff_t mask_step[4]; /* in elements; the last one 0 or 1 */
    float *lse;             /* log(sum(e**scores)), (batch, heads, length) */
    const float *shift;     /* backward: what is added to the gradient of a row's probabilities */
    ptrdiff_t batch, heads, length, keys, features, values;
    float scale;
    int causal;
    ptrdiff_t row_block;    /* queries that are done together */
    ptrdiff_t chunks;       /* forward: tasks for each head */
} AttentionPlan;

/* All steps of an LSTM layer in the order in which they are computed: see lstm_kernels.h. Rows are
 * (step, sequence); a step has the first sequences, `counts` of them, from row `first_rows` on. */
typedef struct {
    int arrived, round;
} Meeting;

typedef struct {
    const float *x;         /* (rows, inputs) */
    Matrix w_ih, w_hh;      /* (4 size, inputs), (4 size, size) */
    const float *bias;      /* (4 size), or NULL */
    const float *h, *c;     /* the states before the first step, (batch, size) */
    float *gates;           /* (rows, 4 size): i, f, g, o */
    float *cells, *out;     /* (rows, size): c and h after each step */
    const ptrdiff_t *first_rows, *counts;
    ptrdiff_t steps, size, inputs;
    ptrdiff_t together;     /* steps for which the inputs' share is computed at once */
    const float *dout;      /* backward: (rows, size) */
    float *dgates;          /* (rows, 4 size) */
    float *sums;            /* (steps, 4 size), zero at first: dgates' sums over each step's rows */
    float *dx;              /* (rows, inputs), or NULL */
    float *dh, *dc;         /* (batch, size) */
    Meeting *meeting;
} LSTMPlan;

/* Part number `task` of what a plan describes; `scratch` is the thread's own. */
typedef void (*Task)(const void *plan, ptrdiff_t task, float *scratch);
/* What one of several threads does, which meet from time to time. */
typedef void (*Walk)(const LSTMPlan *plan, int thread, int threads, float *scratch);

typedef struct {
    const char *name;
    ptrdiff_t lanes, tile_rows;
    Task multiply, attention, attention_grad;
    Walk lstm, lstm_grad;
} InstructionSet;

/* Wait until all threads are here: for less than a step takes, so they do not sleep, but let others
 * run where a thread is kept from its processor. */
static void meet(Meeting *meeting, int threads)
{
    if (threads == 1)
        return;
#if defined(__GNUC__) && !defined(_WIN32)
    int round = __atomic_load_n(&meeting->round, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&meeting->arrived, 1, __ATOMIC_ACQ_REL) == threads) {
        __atomic_store_n(&meeting->arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&meeting->round, round + 1, __ATOMIC_RELEASE);
        return;
    }
    for (int turns = 0; __atomic_load_n(&meeting->round, __ATOMIC_ACQUIRE) == round; turns++)
        if (turns > 10000)
            sched_yield();
#else
    (void)meeting;
#pragma omp barrier
#endif
}

static ptrdiff_t row_tasks(const ProductPlan *p) { return divide_up(p->rows, p->task_rows); }
static ptrdiff_t column_tasks(const ProductPlan *p)
{
    return divide_up(p->columns, p->task_columns);
}
static ptrdiff_t product_tasks(const ProductPlan *p)
{
    return p->batch[0] * p->batch[1] * row_tasks(p) * column_tasks(p);
}

#define INSTRUCTIONS baseline
#define TILE_ROWS 4
#ifdef __GNUC__
#define VECTOR_BYTES 16
#endif
#ifdef CHOOSE_AT_RUN_TIME
#define LARGER(a, b) _mm_max_ps((__m128)(a), (__m128)(b))
#define SMALLER(a, b) _mm_min_ps((__m128)(a), (__m128)(b))
#endif
#include "product_of_set.h"

#ifdef CHOOSE_AT_RUN_TIME

#define INSTRUCTIONS avx2
#define TILE_ROWS 4
#define VECTOR_BYTES 32
#define LARGER(a, b) _mm256_max_ps((__m256)(a), (__m256)(b))
#define SMALLER(a, b) _mm256_min_ps((__m256)(a), (__m256)(b))
TARGET_BEGIN("avx2,fma")
#include "product_of_set.h"
TARGET_END

#define INSTRUCTIONS avx512
#define TILE_ROWS 8
#define VECTOR_BYTES 64
#define LARGER(a, b) _mm512_max_ps((__m512)(a), (__m512)(b))
#define SMALLER(a, b) _mm512_min_ps((__m512)(a), (__m512)(b))
TARGET_BEGIN("avx512f,avx512dq,avx2,fma")
#include "product_of_set.h"
TARGET_END

#endif /* CHOOSE_AT_RUN_TIME */

/* The instruction sets of this processor, best first; returns how many. */
#define MOST_INSTRUCTION_SETS 3
static int available_instruction_sets(const InstructionSet **sets)
{
    int count = 0;
#ifdef CHOOSE_AT_RUN_TIME
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("fma"))
        sets[count++] = &set_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sets[count++] = &set_avx2;
#endif
    sets[count++] = &set_baseline;
    return count;
}

/* Run tasks 0 ... count - 1, each with its thread's own scratch. */
static void run_tasks(Task task, const void *plan, ptrdiff_t count, int threads, float *scratch,
                      ptrdiff_t scratch_floats)
{
#ifdef _OPENMP
    if (threads > 1 && count > 1) {
#pragma omp parallel num_threads((int)smaller(threads, count))
        {
            float *own = scratch + scratch_floats * omp_get_thread_num();
#pragma omp for schedule(dynamic)
            for (ptrdiff_t i = 0; i < count; i++)
                task(plan, i, own);
        }
        return;
    }
#else
    (void)threads, (void)scratch_floats;
#endif
    for (ptrdiff_t i = 0; i < count; i++)
        task(plan, i, scratch);
}

/* The same walk in all threads, each with its own scratch. */
static void walk_together(Walk walk, const LSTMPlan *plan, int threads, float *scratch,
                          ptrdiff_t scratch_floats)
{
#ifdef _OPENMP
    if (threads > 1) {
#pragma omp parallel num_threads(threads)
        walk(plan, omp_get_thread_num(), omp_get_num_threads(),
             scratch + scratch_floats * omp_get_thread_num());
        return;
    }
#else
    (void)threads, (void)scratch_floats;
#endif
    walk(plan, 0, 1, scratch);
}

#endif /* AIRI_PRODUCT_KERNELS_H */
