/* Fused kernels: functions of every element, softmax, normalisation and sums in float32.
 *
 * The idea
 * --------
 * NumPy computes 1 / (1 + exp(-x)) as four passes, each of which reads an array from memory and
 * writes one. Arithmetic is much faster than memory, so the passes are most of the time. Here an
 * expression is one pass: a vector of numbers is loaded, everything is done to it in registers, and
 * the result is stored. Two shapes of work cover all functions of these headers:
 *
 *   wide_kernels.h   out[i] = f(x[i]), and gradients g[i] * f'(...)
 *
 *   row_kernels.h    rows of numbers that share something: the largest and the sum of powers
 *                    (softmax), the mean and the variance (normalisation), their sum
 *
 *                    x:  [ row 0 | row 1 | row 2 | ... ]     contiguous, `columns` numbers each
 *
 *                    A row that needs several passes is read from memory by the first one and from
 *                    the cache by the others, since all passes are done before the next row.
 *
 *   group_kernels.h  groups of planes that share a mean and a variance
 *
 * The vectors are those of GCC and Clang (fused_vectors.h): `a * b + c` computes 4, 8 or 16 numbers
 * at once. The headers are included once for each instruction set (INSTRUCTIONS); the best one that
 * the processor has is chosen when the program runs. Another compiler gets vectors of one number.
 *
 * A row may end within a vector. Then the missing lanes get a number that changes nothing: minus
 * infinity for a maximum (its power is 0 in the sum), the mean for a variance.
 *
 * Long sums are made of blocks: in float32 within a block of SUM_BLOCK numbers, in double beyond,
 * so that a small number is not lost on a large sum.
 *
 * A job is a number of items, elements or rows, and a task does the items from `first` to `end`.
 * Tasks are cut by the size of the job alone: results do not depend on the number of threads.
 */

#ifndef AIRI_FUSED_KERNELS_H
#define AIRI_FUSED_KERNELS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "instruction_sets.h"

/* 64 in each lane: every addition rounds the whole sum of the lane. */
#define SUM_BLOCK (64 * LANES)
/* Elements in a task, about: a part of the cache, and enough to be worth another thread. */
#define TASK_ELEMENTS 32768

/* What a task works on; each kernel says which of it it uses. */
typedef struct {
    const float *x;
    const float *g;         /* the gradient of the result, in a backward pass */
    float *out;
    ptrdiff_t items;        /* elements or rows */
    ptrdiff_t columns;      /* of a row */
    ptrdiff_t task_items;
    const float *weight;    /* for each column */
    const float *bias;
    float *mean;            /* for each row */
    float *var;
    const float *scale;
    const float *slope;
    const float *level;
    const int64_t *place;   /* for each row: a column */
    double *sums;           /* for each row */
    double *products;
    float *column_sums;     /* for each task and column */
    float *column_products;
    float eps;
    float a, b, c;          /* numbers of a function: its slope, its bounds */
    ptrdiff_t planes;       /* of a group: see group_kernels.h, also for the next four */
    ptrdiff_t group_step, plane_step, weight_groups, weights_each;
    int centred;            /* whether the mean is subtracted */
} Job;

typedef void (*Task)(const Job *job, ptrdiff_t first, ptrdiff_t end);

/* Every kernel, by the name that Python calls it by: a new one is a name here and a function. */
#define KERNELS_BY_NAME(K)                                                                      \
    K(exp) K(product) K(tanh_grad) K(sigmoid) K(sigmoid_grad) K(silu) K(silu_grad) K(gelu) K(gelu_grad)    \
    K(gelu_tanh) K(gelu_tanh_grad) K(relu) K(relu_grad)                                         \
    K(leaky_relu) K(leaky_relu_grad) K(clamp) K(between_grad) K(within_grad)                    \
    K(hardsigmoid) K(hardsigmoid_grad) K(hardswish) K(hardswish_grad)                           \
    K(softplus) K(softplus_grad) K(log_sigmoid) K(log_sigmoid_grad) K(elu) K(elu_grad)          \
    K(softshrink) K(hardshrink) K(nonzero_grad) K(threshold) K(threshold_grad)                  \
    K(abs) K(abs_grad) K(sign) K(reciprocal) K(reciprocal_grad) K(rsqrt) K(rsqrt_grad) K(cube)         \
    K(lerp) K(scaled_difference) K(scaled_sign) K(scaled_clamp)                   \
    K(squared_difference)                                                                       \
    K(softmax) K(softmax_grad) K(log_softmax) K(log_softmax_grad) K(log_sum_exp)                \
    K(cross_entropy_grad) K(norm) K(norm_grad) K(moments) K(scale_and_shift) K(dots) K(combine) \
    K(row_sums) K(add) K(add_to_rows)                                                           \
    K(scale_rows) K(prelu) K(prelu_grad)                                                        \
    K(glu) K(glu_grad) K(squares) K(distances) K(huber)                                         \
    K(group_norm) K(group_norm_grad) K(column_norm) K(column_norm_grad)

#define KERNEL_NUMBER(name) NUMBER_OF_##name,
typedef enum { KERNELS_BY_NAME(KERNEL_NUMBER) KERNELS } KernelNumber;

#define KERNEL_NAME(name) #name,
static const char *const kernel_names[KERNELS] = {KERNELS_BY_NAME(KERNEL_NAME)};

typedef struct {
    const char *name;
    Task kernels[KERNELS];
} InstructionSet;

static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

#define INSTRUCTIONS baseline
#ifdef __GNUC__
#define VECTOR_BYTES 16
#endif
#ifdef CHOOSE_AT_RUN_TIME
#define LARGER(a, b) _mm_max_ps((__m128)(a), (__m128)(b))
#define SMALLER(a, b) _mm_min_ps((__m128)(a), (__m128)(b))
#define ROOT(a) _mm_sqrt_ps((__m128)(a))
#endif
#include "fused_vectors.h"
#include "wide_kernels.h"
#include "row_kernels.h"
#include "group_kernels.h"
#include "fused_table.h"

#ifdef CHOOSE_AT_RUN_TIME

#define INSTRUCTIONS avx2
#define VECTOR_BYTES 32
#define LARGER(a, b) _mm256_max_ps((__m256)(a), (__m256)(b))
#define SMALLER(a, b) _mm256_min_ps((__m256)(a), (__m256)(b))
#define ROOT(a) _mm256_sqrt_ps((__m256)(a))
TARGET_BEGIN("avx2,fma")
#include "fused_vectors.h"
#include "wide_kernels.h"
#include "row_kernels.h"
#include "group_kernels.h"
#include "fused_table.h"
TARGET_END

#define INSTRUCTIONS avx512
#define VECTOR_BYTES 64
#define LARGER(a, b) _mm512_max_ps((__m512)(a), (__m512)(b))
#define SMALLER(a, b) _mm512_min_ps((__m512)(a), (__m512)(b))
#define ROOT(a) _mm512_sqrt_ps((__m512)(a))
TARGET_BEGIN("avx512f,avx512dq,avx2,fma")
#include "fused_vectors.h"
#include "wide_kernels.h"
#include "row_kernels.h"
#include "group_kernels.h"
#include "fused_table.h"
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
        sets[count++] = &table_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sets[count++] = &table_avx2;
#endif
    sets[count++] = &table_baseline;
    return count;
}

static ptrdiff_t count_tasks(const Job *job)
{
    return (job->items + job->task_items - 1) / job->task_items;
}

static void run_job(Task task, const Job *job, int threads)
{
    ptrdiff_t tasks = count_tasks(job);
#ifdef _OPENMP
    if (threads > 1 && tasks > 1) {
#pragma omp parallel for schedule(dynamic) num_threads((int)smaller(threads, tasks))
        for (ptrdiff_t i = 0; i < tasks; i++)
            task(job, i * job->task_items, smaller((i + 1) * job->task_items, job->items));
        return;
    }
#else
    (void)threads;
#endif
    for (ptrdiff_t i = 0; i < tasks; i++)
        task(job, i * job->task_items, smaller((i + 1) * job->task_items, job->items));
}

#endif /* AIRI_FUSED_KERNELS_H */
