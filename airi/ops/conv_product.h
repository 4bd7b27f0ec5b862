/* Matrix products for one instruction set, included after conv_tile.h, whose vectors it uses: the
 * products inside Winograd's convolution, and out = x @ matrix for a matrix that was packed.
 *
 * The tile is that of conv_kernels.h, but it takes its single numbers from blocks of LANES:
 *
 *     x, packed: [block of LANES columns][row][lane]     matrix, packed: [panel][k][column in panel]
 *
 * so that a row's next number, and the next row's, lie at distances known to the compiler. A panel
 * is up to TILE_VECTORS vectors wide. No more than SUM_LENGTH products are added up before the sum
 * joins the others, for the sake of accuracy. Every other program for products packs the matrix at
 * each call; a recurrent layer, whose matrix stays the same for all time steps, packs it once.
 */

/* ---- the tile -------------------------------------------------------------------------------- */

/* c[row][v] = (or, with `add`, +=) the sum over blocks and k < count of
 * a[block * a_block + row * a_row + k * a_k] * b[block * count + k][v]
 * with constants for rows, vectors, a_row and a_k; rows of b are b_step apart. */
#define PRODUCT_ARGUMENTS                                                                       \
    ptrdiff_t blocks, ptrdiff_t count, const REAL *a, ptrdiff_t a_block, const REAL *b,         \
    ptrdiff_t b_step, REAL *c, ptrdiff_t c_step, int add

ALWAYS_INLINE void NAME(product)(const int rows, const int vectors, const ptrdiff_t a_row,
                                 const ptrdiff_t a_k, PRODUCT_ARGUMENTS)
{
    VECTOR sum[MAX_SUMS];
    const VECTOR zero = {0};
    UNROLL
    for (int i = 0; i < rows * vectors; i++)
        sum[i] = zero;
    for (; blocks > 0; blocks--, a += a_block) {
        const REAL *single = a;
        for (ptrdiff_t k = 0; k < count; k++, single += a_k, b += b_step) {
            VECTOR x[TILE_VECTORS];
            UNROLL
            for (int v = 0; v < vectors; v++)
                x[v] = LOAD(b + v * LANES);
            UNROLL
            for (int row = 0; row < rows; row++)
                UNROLL
                for (int v = 0; v < vectors; v++)
                    sum[row * vectors + v] += x[v] * single[row * a_row];
        }
    }
    UNROLL
    for (int row = 0; row < rows; row++)
        UNROLL
        for (int v = 0; v < vectors; v++) {
            REAL *to = c + row * c_step + v * LANES;
            if (add)
                sum[row * vectors + v] += LOAD(to);
            STORE(to, sum[row * vectors + v]);
        }
}

/* tile_rows: rows are tiles and k channels (values times kernels); lane_rows: rows are channels
 * and k tiles (values times gradients). */
#define DEFINE_PRODUCT(rows, vectors)                                                           \
    static void NAME(tile_rows_##rows##_##vectors)(PRODUCT_ARGUMENTS)                           \
    {                                                                                           \
        NAME(product)(rows, vectors, LANES, 1, blocks, count, a, a_block, b, b_step, c, c_step, \
                      add);                                                                     \
    }                                                                                           \
    static void NAME(lane_rows_##rows##_##vectors)(PRODUCT_ARGUMENTS)                           \
    {                                                                                           \
        NAME(product)(rows, vectors, 1, LANES, blocks, count, a, a_block, b, b_step, c, c_step, \
                      add);                                                                     \
    }

typedef void (*NAME(ProductFunction))(PRODUCT_ARGUMENTS);

/* For each number of vectors, the number of rows whose sums fill the registers, and a few. */
typedef struct {
    int rows;
    NAME(ProductFunction) tile_rows, lane_rows;
} NAME(Product);
#define PRODUCT(rows, vectors) \
    {rows, NAME(tile_rows_##rows##_##vectors), NAME(lane_rows_##rows##_##vectors)}

DEFINE_PRODUCT(4, 1) DEFINE_PRODUCT(8, 1) DEFINE_PRODUCT(2, 2) DEFINE_PRODUCT(4, 2)
DEFINE_PRODUCT(2, 3) DEFINE_PRODUCT(4, 3)
#if MAX_SUMS >= 24
DEFINE_PRODUCT(16, 1) DEFINE_PRODUCT(8, 2) DEFINE_PRODUCT(12, 2) DEFINE_PRODUCT(8, 3)
#endif

static const NAME(Product) NAME(products)[TILE_VECTORS][5] = {
    {PRODUCT(4, 1), PRODUCT(8, 1),
#if MAX_SUMS >= 24
     PRODUCT(16, 1),
#endif
    },
    {PRODUCT(2, 2), PRODUCT(4, 2),
#if MAX_SUMS >= 24
     PRODUCT(8, 2), PRODUCT(12, 2),
#endif
    },
    {PRODUCT(2, 3), PRODUCT(4, 3),
#if MAX_SUMS >= 24
     PRODUCT(8, 3),
#endif
    },
};

/* The product for the next of the remaining rows; it may reach beyond them. */
static const NAME(Product) *NAME(choose_product)(ptrdiff_t rows, ptrdiff_t vectors)
{
    const NAME(Product) *product = NAME(products)[vectors - 1], *largest = product;
    while (largest[1].rows)
        largest++;
    ptrdiff_t height = divide_up(rows, divide_up(rows, largest->rows));
    while (product->rows < height)
        product++;
    return product;
}

/* ---- out = x @ matrix ------------------------------------------------------------------------ */

static ptrdiff_t NAME(product_panels)(const ProductPlan *plan)
{
    ptrdiff_t panels = 0;
    for (ptrdiff_t left = divide_up(plan->columns, LANES); left > 0; panels++)
        left -= NAME(choose_vectors)(left);
    return panels;
}

/* Pack one vector of the matrix's columns: the task is its number. */
static void NAME(pack_matrix)(const void *argument, ptrdiff_t vector, char *scratch)
{
    const ProductPlan *plan = argument;
    const ptrdiff_t vectors = divide_up(plan->columns, LANES), inner = round_up(plan->inner, LANES);
    ptrdiff_t first = 0, width = NAME(choose_vectors)(vectors);
    while (vector >= first + width) {
        first += width;
        width = NAME(choose_vectors)(vectors - first);
    }
    const ptrdiff_t columns = smaller(LANES, plan->columns - vector * LANES), step = width * LANES;
    const REAL *matrix = plan->matrix + vector * LANES * plan->matrix_column;
    REAL *target = plan->panels + first * LANES * inner + (vector - first) * LANES;
    (void)scratch;

    if (columns < LANES)
        for (ptrdiff_t k = 0; k < plan->inner; k++)
            NAME(fill_zero)(target + k * step, LANES);
    for (ptrdiff_t k = plan->inner; k < inner; k++)
        NAME(fill_zero)(target + k * step, LANES);
    if (plan->matrix_column == 1 && columns == LANES)
        for (ptrdiff_t k = 0; k < plan->inner; k++)
            STORE(target + k * step, LOAD(matrix + k * plan->matrix_row));
    else
        NAME(pack_channels_last)(target, step, matrix, plan->matrix_column, plan->matrix_row,
                                 columns, plan->inner);
}

/* Pack LANES columns of x: the task is their block's number. */
static void NAME(pack_rows)(const void *argument, ptrdiff_t block, char *scratch)
{
    const ProductPlan *plan = argument;
    const REAL *x = plan->x + block * LANES;
    const ptrdiff_t columns = smaller(LANES, plan->inner - block * LANES);
    REAL *target = plan->packed_x + block * round_up(plan->rows, MOST_PRODUCT_ROWS) * LANES;
    (void)scratch;
    for (ptrdiff_t row = 0; row < plan->rows; row++, x += plan->x_row, target += LANES) {
        if (columns == LANES) {
            STORE(target, LOAD(x));
            continue;
        }
        NAME(fill_zero)(target, LANES);
        for (ptrdiff_t column = 0; column < columns; column++)
            target[column] = x[column];
    }
}

/* One panel of the result, for one block of rows. */
static void NAME(multiply)(const void *argument, ptrdiff_t task, char *scratch)
{
    const ProductPlan *plan = argument;
    const ptrdiff_t inner = round_up(plan->inner, LANES), all = divide_up(plan->columns, LANES);
    const ptrdiff_t panels = NAME(product_panels)(plan), packed_rows =
        round_up(plan->rows, MOST_PRODUCT_ROWS);
    ptrdiff_t first = 0, vectors = NAME(choose_vectors)(all);
    for (ptrdiff_t panel = task % panels; panel > 0; panel--) {
        first += vectors;
        vectors = NAME(choose_vectors)(all - first);
    }
    const ptrdiff_t width = vectors * LANES, column = first * LANES;
    const ptrdiff_t columns = smaller(width, plan->columns - column);
    const ptrdiff_t top = task / panels * ROWS_AT_A_TIME;
    const ptrdiff_t bottom = smaller(plan->rows, top + ROWS_AT_A_TIME);
    const REAL *panel = plan->panels + column * inner;
    const ptrdiff_t most = larger(1, SUM_LENGTH / LANES);
    REAL *edge = (REAL *)scratch;

    for (ptrdiff_t k = 0, blocks; k < inner; k += blocks * LANES) {
        blocks = smaller(most, (inner - k) / LANES);
        const NAME(Product) *product;
        for (ptrdiff_t row = top; row < bottom; row += product->rows) {
            product = NAME(choose_product)(bottom - row, vectors);
            const ptrdiff_t rows = smaller(product->rows, bottom - row);
            const REAL *a = plan->packed_x + k * packed_rows + row * LANES;
            const REAL *b = panel + k * width;
            REAL *c = plan->out + row * plan->out_row + column;
            if (rows == product->rows && columns == width) {
                product->tile_rows(blocks, LANES, a, packed_rows * LANES, b, width, c,
                                   plan->out_row, k > 0);
                continue;
            }
            product->tile_rows(blocks, LANES, a, packed_rows * LANES, b, width, edge, width, 0);
            for (ptrdiff_t r = 0; r < rows; r++)
                for (ptrdiff_t i = 0; i < columns; i++) {
                    REAL *to = c + r * plan->out_row + i;
                    *to = k > 0 ? *to + edge[r * width + i] : edge[r * width + i];
                }
        }
    }
}

static const ProductKernels NAME(product_kernels) = {
    .lanes = (int)LANES,
    .panel_count = NAME(product_panels),
    .pack_matrix = NAME(pack_matrix),
    .pack_rows = NAME(pack_rows),
    .multiply = NAME(multiply),
};
