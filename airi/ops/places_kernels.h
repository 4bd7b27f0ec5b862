/* Elements and rows taken from the places that an index names, and added there.
 *
 * An array is seen as `outer` tables of `size` rows of `inner` elements. The index has `count`
 * places, which are rows of a table:
 *
 *     rows   one place for a whole row    out[o][k] = x[o][index[k]]        (index_select, embedding)
 *     each   a place for every element    out[o][k][i] = x[o][index[o][k][i]][i]           (gather)
 *
 *             i ->                          A table may be much larger than the cache, and places
 *         k  +-------+-------+-------+      in it follow no order. So `each` is done by strips of
 *         |  | strip | strip | strip |      columns that the cache holds. If most of the table will
 *         v  |   0   |   1   |   2   |      be met, its strip is copied first (packed), since rows
 *            +-------+-------+-------+      that lie a power of two apart share a few cache lines.
 *
 * A task is a strip of a table. No two tasks add at one place, and each adds in the order of k: the
 * results do not depend on the number of threads.
 */

#ifndef AIRI_PLACES_KERNELS_H
#define AIRI_PLACES_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#define STRIP_BYTES (512 * 1024) /* of a table, in the processor's second cache */
#define LINE_BYTES 64            /* memory is fetched by this much */
#define TASK_ELEMENTS 16384      /* enough to be worth a thread's attention */

typedef struct {
    const int64_t *index;
    ptrdiff_t outer, size, count, inner;
    ptrdiff_t strip, strips; /* columns of a strip, strips of a table */
    int packs;               /* whether a strip of a table is copied */
    ptrdiff_t rows;          /* of a task that takes whole rows */
} Places;

typedef int (*PlacesLoop)(const Places *p, const void *from, void *to, ptrdiff_t task);

enum { TAKE_ROWS, TAKE_EACH, ADD_ROWS, ADD_EACH };

#ifdef __GNUC__
#define UNROLLED _Pragma("GCC unroll 8")
#else
#define UNROLLED
#define restrict
#endif

/* Where compiler and C library can choose by processor when the program starts, let them. */
#if defined(__x86_64__) && defined(__GNUC__) && defined(__GLIBC__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

static ptrdiff_t smaller_of(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

/* Whether all places are rows of a table. */
FOR_EACH_PROCESSOR
static int all_within(const int64_t *index, ptrdiff_t places, int64_t size)
{
    int64_t wrong = 0; /* its sign: that of a place, or of a place's distance from the last row */
    for (ptrdiff_t i = 0; i < places; i++)
        wrong |= index[i] | (size - 1 - index[i]);
    return wrong >= 0;
}

#define ELEMENT float
#define NAMED(name) name##_float
#include "places_loops.h"
#define ELEMENT double
#define NAMED(name) name##_double
#include "places_loops.h"
#define ELEMENT uint32_t /* unsigned: sums of integers that overflow begin anew */
#define NAMED(name) name##_uint32
#include "places_loops.h"
#define ELEMENT uint64_t
#define NAMED(name) name##_uint64
#include "places_loops.h"

/* The loops for elements with this code of Python's struct module, NULL where there are none. */
static const PlacesLoop *loops_for(char code, size_t bytes)
{
    switch (code) {
    case 'f':
        return loops_float;
    case 'd':
        return loops_double;
    case 'i':
    case 'l':
    case 'q':
        return bytes == 4 ? loops_uint32 : bytes == 8 ? loops_uint64 : NULL;
    }
    return NULL;
}

/* Do the work, of elements of so many bytes; returns whether all places are rows of a table. */
static int run_places(const PlacesLoop *loops, int kind, Places *p, const void *from, void *to,
                      size_t bytes, int threads)
{
    PlacesLoop loop = loops[kind];
    ptrdiff_t elements = p->outer * p->count * p->inner, tasks, together = 1;
    int within = 1;
    if (!elements)
        return 1;
    if (p->size <= 0)
        return 0;
    if (elements < 2 * TASK_ELEMENTS)
        threads = 1;
    if (kind == TAKE_ROWS) {
        p->rows = (TASK_ELEMENTS + p->inner - 1) / p->inner;
        tasks = (p->outer * p->count + p->rows - 1) / p->rows;
    } else {
        ptrdiff_t line = (ptrdiff_t)(LINE_BYTES / bytes);
        ptrdiff_t strip = kind == ADD_ROWS ? p->inner / threads + 1
                                           : STRIP_BYTES / (ptrdiff_t)bytes / p->size;
        strip = (strip + line - 1) / line * line; /* of whole lines */
        p->strip = smaller_of(strip, p->inner);
        p->strips = (p->inner + p->strip - 1) / p->strip;
        p->packs = p->count >= p->size / 2 && p->strips > 1;
        tasks = p->outer * p->strips;
        together = tasks * TASK_ELEMENTS / elements + 1;
    }
    (void)together;
#ifdef _OPENMP
    if (threads > 1 && tasks > 1) {
#pragma omp parallel for schedule(dynamic, together) reduction(& : within) \
    num_threads((int)smaller_of(threads, tasks))
        for (ptrdiff_t task = 0; task < tasks; task++)
            within &= loop(p, from, to, task);
        return within;
    }
#endif
    for (ptrdiff_t task = 0; task < tasks && within; task++)
        within = loop(p, from, to, task);
    return within;
}

#endif /* AIRI_PLACES_KERNELS_H */
