/* Products of matrices of which one is small or narrow, for `Linear`, in float32.
 *
 * A layer of ten outputs reads 128 x 3072 numbers and writes 128 x 10. A program for products of any
 * size first packs its operands, here longer than the product itself takes. There are two shapes:
 *
 *   dots      c[i][j] = sum over k of a[i][k] * b[j][k]       x @ weight.T, long rows on both sides
 *
 *             vectors lie along k; a tile of ROWS rows of a and up to COLUMNS rows of b keeps
 *             ROWS * COLUMNS sums of vectors in registers, whose lanes are added up at the end.
 *
 *   combine   c[i][j] = sum over k of a[i][k] * b[k][j]       g.T @ x, g @ weight, short rows
 *
 *             vectors lie along j; a tile is MOST_ROWS rows and two vectors of c. Rows of b that
 *             end within a vector, or are columns in memory, are copied to `packed` first,
 *             LENGTH of them at a time: no more products are added one after the other either.
 *
 * Tasks are cut by rows (dots) or columns (combine) of the result, so that it does not depend on the
 * number of threads. Included by itself once for each instruction set.
 */

#ifndef INSTRUCTIONS

#include <stddef.h>
#include <string.h>

#include "instruction_sets.h"

#define LENGTH 256

/* Element (i, k) of a: a[i * a_row + k * a_step]; of b in dots (j, k), in combine (k, j). */
typedef struct {
    const float *a;
    ptrdiff_t a_row, a_step;
    const float *b;
    ptrdiff_t b_row, b_step;
    const float *bias; /* for each column, or NULL */
    float *c;          /* contiguous */
    ptrdiff_t rows, columns, length;
} Product;

typedef struct {
    void (*dots)(const Product *p, ptrdiff_t first_row, ptrdiff_t end_row);
    void (*combine)(const Product *p, ptrdiff_t first_column, ptrdiff_t end_column);
} NarrowProducts;

#ifdef __GNUC__
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

#define INSTRUCTIONS portable
#ifdef __GNUC__
#define VECTOR_BYTES 16
#endif
#include "narrow_products.h"

#ifdef CHOOSE_AT_RUN_TIME

#define INSTRUCTIONS avx2
#define VECTOR_BYTES 32
TARGET_BEGIN("avx2,fma")
#include "narrow_products.h"
TARGET_END

#define INSTRUCTIONS avx512
#define VECTOR_BYTES 64
TARGET_BEGIN("avx512f")
#include "narrow_products.h"
TARGET_END

#endif /* CHOOSE_AT_RUN_TIME */

/* The best that this processor has, of which a test may forbid AVX-512 (1) and AVX2 (0) too. */
static NarrowProducts narrow_products(int most)
{
#ifdef CHOOSE_AT_RUN_TIME
    __builtin_cpu_init();
    if (most >= 2 && __builtin_cpu_supports("avx512f"))
        return table_avx512;
    if (most >= 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return table_avx2;
#endif
    (void)most;
    return table_portable;
}

#ifdef _OPENMP
#define SHARED(loop) _Pragma(#loop)
#else
#define SHARED(loop)
#endif

/* All rows or columns, in tasks of `task` of them. */
static void run_dots(NarrowProducts use, const Product *p, ptrdiff_t task, int threads)
{
    (void)threads;
    SHARED(omp parallel for num_threads(threads) if (threads > 1))
    for (ptrdiff_t first = 0; first < p->rows; first += task)
        use.dots(p, first, first + task < p->rows ? first + task : p->rows);
}

static void run_combine(NarrowProducts use, const Product *p, ptrdiff_t task, int threads)
{
    (void)threads;
    SHARED(omp parallel for num_threads(threads) if (threads > 1))
    for (ptrdiff_t first = 0; first < p->columns; first += task)
        use.combine(p, first, first + task < p->columns ? first + task : p->columns);
}

/* out[j] = the sum of column j, in double: every addition rounds the whole sum. */
static void add_rows(const float *x, ptrdiff_t rows, ptrdiff_t columns, float *out)
{
    enum { AT_ONCE = 16 };
    for (ptrdiff_t first = 0; first < columns; first += AT_ONCE) {
        double sum[AT_ONCE] = {0};
        ptrdiff_t count = columns - first < AT_ONCE ? columns - first : AT_ONCE;
        for (ptrdiff_t i = 0; i < rows; i++)
            for (ptrdiff_t j = 0; j < count; j++)
                sum[j] += x[i * columns + first + j];
        for (ptrdiff_t j = 0; j < count; j++)
            out[first + j] = (float)sum[j];
    }
}

#else /* ---- one instruction set ------------------------------------------------------------------ */

#ifdef VECTOR_BYTES
#define LANES ((ptrdiff_t)(VECTOR_BYTES / sizeof(float)))
#define VECTOR NAME(vector)
typedef float VECTOR __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
#define LANE(v, i) ((v)[i])
#else
#define LANES ((ptrdiff_t)1)
#define VECTOR float
#define LANE(v, i) (v)
#endif
#define LOAD(address) (*(const VECTOR *)(address))

/* Sums that fit into 32 registers of AVX-512, or into 16. */
#if VECTOR_BYTES == 64
#define ROWS 4
#define MOST_ROWS 10
#else
#define ROWS 2
#define MOST_ROWS 5
#endif
#define COLUMNS 5

INLINE void NAME(dots_tile)(const int rows, const int columns, const Product *p, ptrdiff_t i,
                            ptrdiff_t j)
{
    VECTOR sum[ROWS * COLUMNS];
    const VECTOR zero = {0};
    const float *a = p->a + i * p->a_row, *b = p->b + j * p->b_row;
    ptrdiff_t k = 0;
    for (int n = 0; n < rows * columns; n++)
        sum[n] = zero;
    for (; k + LANES <= p->length; k += LANES) {
        VECTOR x[ROWS];
        for (int row = 0; row < rows; row++)
            x[row] = LOAD(a + row * p->a_row + k);
        for (int column = 0; column < columns; column++) {
            VECTOR y = LOAD(b + column * p->b_row + k);
            for (int row = 0; row < rows; row++)
                sum[row * columns + column] += x[row] * y;
        }
    }
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) {
            float total = 0;
            for (ptrdiff_t lane = 0; lane < LANES; lane++)
                total += LANE(sum[row * columns + column], lane);
            for (ptrdiff_t rest = k; rest < p->length; rest++)
                total += a[row * p->a_row + rest] * b[column * p->b_row + rest];
            if (p->bias)
                total += p->bias[j + column];
            p->c[(i + row) * p->columns + j + column] = total;
        }
}

INLINE void NAME(dots_row)(const int rows, const Product *p, ptrdiff_t i)
{
    for (ptrdiff_t j = 0; j < p->columns; j += COLUMNS)
        switch (p->columns - j) {
        case 1: NAME(dots_tile)(rows, 1, p, i, j); break;
        case 2: NAME(dots_tile)(rows, 2, p, i, j); break;
        case 3: NAME(dots_tile)(rows, 3, p, i, j); break;
        case 4: NAME(dots_tile)(rows, 4, p, i, j); break;
        default: NAME(dots_tile)(rows, COLUMNS, p, i, j);
        }
}

static void NAME(dots)(const Product *p, ptrdiff_t first, ptrdiff_t end)
{
    ptrdiff_t i = first;
    for (; i + ROWS <= end; i += ROWS)
        NAME(dots_row)(ROWS, p, i);
    for (; i < end; i++)
        NAME(dots_row)(1, p, i);
}

/* c[row][v] = sum over k < count of a[row][k] * b[k][v], or with `add` +=. */
INLINE void NAME(combine_tile)(const int rows, const int vectors, const Product *p, const float *a,
                               const float *b, ptrdiff_t b_row, ptrdiff_t count, float *c,
                               ptrdiff_t c_row, int add)
{
    VECTOR sum[MOST_ROWS * 2];
    const VECTOR zero = {0};
    for (int n = 0; n < rows * vectors; n++)
        sum[n] = zero;
    for (ptrdiff_t k = 0; k < count; k++, a += p->a_step, b += b_row) {
        VECTOR y[2];
        for (int v = 0; v < vectors; v++)
            y[v] = LOAD(b + v * LANES);
        for (int row = 0; row < rows; row++)
            for (int v = 0; v < vectors; v++)
                sum[row * vectors + v] += y[v] * a[row * p->a_row];
    }
    for (int row = 0; row < rows; row++)
        for (int v = 0; v < vectors; v++) {
            VECTOR *to = (VECTOR *)(c + row * c_row + v * LANES);
            if (add)
                sum[row * vectors + v] += *to;
            *to = sum[row * vectors + v];
        }
}

#define TILE(rows)                                                                              \
    case rows:                                                                                  \
        NAME(combine_tile)(rows, vectors, p, a, b, b_row, count, c, c_row, add);                \
        break;

/* The tiles of one or two vectors of columns, for all rows. */
INLINE void NAME(combine_columns)(const int vectors, const Product *p, const float *a,
                                  const float *b, ptrdiff_t b_row, ptrdiff_t count, float *c,
                                  ptrdiff_t c_row, int add)
{
    for (ptrdiff_t left = p->rows; left > 0;
         left -= MOST_ROWS, a += MOST_ROWS * p->a_row, c += MOST_ROWS * c_row)
        switch (left < MOST_ROWS ? left : MOST_ROWS) {
            TILE(1) TILE(2) TILE(3) TILE(4) TILE(5)
#if MOST_ROWS == 10
            TILE(6) TILE(7) TILE(8) TILE(9) TILE(10)
#endif
        }
}

/* `width` columns from j on: two vectors of them, one, or a part of one. */
static void NAME(combine_panel)(const Product *p, ptrdiff_t j, ptrdiff_t width)
{
    float packed[LENGTH * 32];
    const int in_place = p->b_step == 1 && width % LANES == 0;
    const ptrdiff_t vectors = width > LANES ? 2 : 1, padded = vectors * LANES;
    float *c = p->c + j;
    for (ptrdiff_t k = 0; k < p->length; k += LENGTH) {
        const ptrdiff_t count = p->length - k < LENGTH ? p->length - k : LENGTH;
        const float *a = p->a + k * p->a_step, *b = p->b + k * p->b_row + j * p->b_step;
        if (!in_place) {
            for (ptrdiff_t row = 0; row < count; row++)
                for (ptrdiff_t i = 0; i < padded; i++)
                    packed[row * padded + i] = i < width ? b[row * p->b_row + i * p->b_step] : 0;
            b = packed;
        }
        const ptrdiff_t b_row = in_place ? p->b_row : padded;
        if (width == padded) {
            if (vectors == 2)
                NAME(combine_columns)(2, p, a, b, b_row, count, c, p->columns, k > 0);
            else
                NAME(combine_columns)(1, p, a, b, b_row, count, c, p->columns, k > 0);
            continue;
        }
        /* Row by row of tiles, since a part of a vector cannot be stored as a whole one. */
        Product tile = *p;
        for (ptrdiff_t i = 0; i < p->rows; i += MOST_ROWS) {
            float sums[MOST_ROWS * 32];
            tile.rows = p->rows - i < MOST_ROWS ? p->rows - i : MOST_ROWS;
            if (vectors == 2)
                NAME(combine_columns)(2, &tile, a + i * p->a_row, b, padded, count, sums, padded, 0);
            else
                NAME(combine_columns)(1, &tile, a + i * p->a_row, b, padded, count, sums, padded, 0);
            for (ptrdiff_t row = 0; row < tile.rows; row++)
                for (ptrdiff_t column = 0; column < width; column++) {
                    float *to = c + (i + row) * p->columns + column;
                    *to = sums[row * padded + column] + (k > 0 ? *to : 0);
                }
        }
    }
    if (p->bias)
        for (ptrdiff_t row = 0; row < p->rows; row++)
            for (ptrdiff_t column = 0; column < width; column++)
                c[row * p->columns + column] += p->bias[j + column];
}

static void NAME(combine)(const Product *p, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t j = first; j < end; j += 2 * LANES)
        NAME(combine_panel)(p, j, end - j < 2 * LANES ? end - j : 2 * LANES);
}

static const NarrowProducts NAME(table) = {NAME(dots), NAME(combine)};

#undef LANES
#undef VECTOR
#undef VECTOR_BYTES
#undef LANE
#undef LOAD
#undef ROWS
#undef MOST_ROWS
#undef COLUMNS
#undef TILE
#undef INSTRUCTIONS

#endif
