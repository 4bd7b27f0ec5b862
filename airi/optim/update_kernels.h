/* Updates of parameters: the loops of update_loops.h for float and for double, in threads. */

#include <math.h>
#include <stddef.h>

#ifdef _OPENMP
#include <omp.h>
#endif
#ifndef __GNUC__
#define restrict
#endif

/* A parameter with its gradient and its states, and what of the update is its own. */
typedef struct {
    void *param;
    const void *grad;
    void *first, *second; /* momentum_buffer; exp_avg and exp_avg_sq */
    ptrdiff_t count;
    double size, eps;     /* Adam: lr and eps with the corrections of step t */
    int is_double;
} Update;

/* What all parameters of a group share. */
typedef struct {
    double sign, decay, shrink, lr, momentum, share, beta1, beta2;
    int nesterov;
} Options;

/* Where compiler and C library can choose by processor when the program starts, let them. The
 * C library says which it is in a header of its own. */
#if defined(__x86_64__) && defined(__GNUC__) && defined(__GLIBC__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

#define REAL float
#define SQRT sqrtf
#define NAMED(name) name##_float
#include "update_loops.h"
#undef REAL
#undef SQRT
#undef NAMED

#define REAL double
#define SQRT sqrt
#define NAMED(name) name##_double
#include "update_loops.h"
#undef REAL
#undef SQRT
#undef NAMED

/* All parameters in one go. Threads share them in pieces, which differ less in size than they. */
#define PIECE 16384

enum { SGD_STEP, ADAM_STEP };

static void step_piece(int kind, const Options *o, const Update *u, ptrdiff_t from)
{
    ptrdiff_t end = from + PIECE < u->count ? from + PIECE : u->count;
    if (kind == SGD_STEP)
        (u->is_double ? sgd_step_double : sgd_step_float)(o, u, from, end);
    else
        (u->is_double ? adam_step_double : adam_step_float)(o, u, from, end);
}

static void step_all(int kind, const Options *o, const Update *updates, ptrdiff_t count,
                     int threads)
{
    (void)threads;
#ifdef _OPENMP
#pragma omp parallel num_threads(threads) if (threads > 1)
#endif
    for (ptrdiff_t i = 0; i < count; i++) {
#ifdef _OPENMP
#pragma omp for schedule(dynamic) nowait
#endif
        for (ptrdiff_t from = 0; from < updates[i].count; from += PIECE)
            step_piece(kind, o, &updates[i], from);
    }
}
