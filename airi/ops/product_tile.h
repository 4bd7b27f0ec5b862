/* The tile, packing, and products of matrices for one instruction set; product_kernels.h explains
 * them, and includes this file several times. */

/* ---- the tile -------------------------------------------------------------------------------- */

/* out[row][v] = (or, with `add`, +=) the sum over k < inner of a[row][k] * b[k][v], plus bias[v].
 * A panel's vectors of b follow each other; rows of out are out_row apart. */
#define TILE_ARGUMENTS                                                                          \
    ptrdiff_t inner, Matrix a, const float *b, float *out, ptrdiff_t out_row, int add,          \
    const float *bias

/* `rows` and `vectors` are constants, so that all sums live in registers. */
INLINE void NAME(tile)(const int rows, const int vectors, TILE_ARGUMENTS)
{
    VECTOR sum[TILE_ROWS * TILE_VECTORS];
    const float *line[TILE_ROWS];
    UNROLL
    for (int i = 0; i < rows * vectors; i++)
        sum[i] = same(0.0f);
    UNROLL
    for (int row = 0; row < rows; row++)
        line[row] = a.start + row * a.row;
    for (ptrdiff_t k = 0, at = 0; k < inner; k++, at += a.column, b += vectors * LANES) {
        VECTOR x[TILE_VECTORS];
        UNROLL
        for (int v = 0; v < vectors; v++)
            x[v] = LOAD(b + v * LANES);
        UNROLL
        for (int row = 0; row < rows; row++)
            UNROLL
            for (int v = 0; v < vectors; v++)
                sum[row * vectors + v] += x[v] * line[row][at];
    }
    UNROLL
    for (int row = 0; row < rows; row++)
        UNROLL
        for (int v = 0; v < vectors; v++) {
            VECTOR total = sum[row * vectors + v];
            float *to = out + row * out_row + v * LANES;
            if (add)
                total += LOAD(to);
            if (bias)
                total += LOAD(bias + v * LANES);
            STORE(to, total);
        }
}

typedef void (*NAME(Tile))(TILE_ARGUMENTS);

#define DEFINE_TILE(rows, vectors)                                                              \
    static void NAME(tile_##rows##_##vectors)(TILE_ARGUMENTS)                                   \
    {                                                                                           \
        NAME(tile)(rows, vectors, inner, a, b, out, out_row, add, bias);                        \
    }
#define DEFINE_TILES(rows) DEFINE_TILE(rows, 1) DEFINE_TILE(rows, 2) DEFINE_TILE(rows, 3)
#define TILES(rows) {NAME(tile_##rows##_1), NAME(tile_##rows##_2), NAME(tile_##rows##_3)}

DEFINE_TILES(1) DEFINE_TILES(2) DEFINE_TILES(3) DEFINE_TILES(4)
#if TILE_ROWS == 8
DEFINE_TILES(5) DEFINE_TILES(6) DEFINE_TILES(7) DEFINE_TILES(8)
#endif

static const NAME(Tile) NAME(tiles)[TILE_ROWS][TILE_VECTORS] = {
    TILES(1), TILES(2), TILES(3), TILES(4),
#if TILE_ROWS == 8
    TILES(5), TILES(6), TILES(7), TILES(8),
#endif
};

/* How many vectors wide the next panel is: two of two rather than three and one. */
static ptrdiff_t NAME(panel_vectors)(ptrdiff_t columns)
{
    ptrdiff_t vectors = divide_up(columns, LANES);
    return vectors == 4 ? 2 : smaller(vectors, TILE_VECTORS);
}

/* ---- packing --------------------------------------------------------------------------------- */

/* Four numbers, for transposing blocks of 4 x 4. */
#if defined(VECTOR_BYTES) && (defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 12))
#define QUAD NAME(quad)
typedef float QUAD __attribute__((vector_size(16), aligned(4), may_alias));
#define AT_QUAD(address) (*(QUAD *)(address))
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#endif

/* target[k * step + column] = source[column * source_column + k] */
static void NAME(transpose)(float *target, ptrdiff_t step, const float *source,
                            ptrdiff_t source_column, ptrdiff_t columns, ptrdiff_t inner)
{
    ptrdiff_t column = 0;
#ifdef QUAD
    for (; column + 4 <= columns; column += 4) {
        const float *from = source + column * source_column;
        float *to = target + column;
        ptrdiff_t k = 0;
        for (; k + 4 <= inner; k += 4, to += 4 * step) {
            QUAD a = AT_QUAD(from + k), b = AT_QUAD(from + source_column + k);
            QUAD c = AT_QUAD(from + 2 * source_column + k);
            QUAD d = AT_QUAD(from + 3 * source_column + k);
            QUAD ab = SHUFFLE(a, b, 0, 4, 1, 5), ab_high = SHUFFLE(a, b, 2, 6, 3, 7);
            QUAD cd = SHUFFLE(c, d, 0, 4, 1, 5), cd_high = SHUFFLE(c, d, 2, 6, 3, 7);
            AT_QUAD(to) = SHUFFLE(ab, cd, 0, 1, 4, 5);
            AT_QUAD(to + step) = SHUFFLE(ab, cd, 2, 3, 6, 7);
            AT_QUAD(to + 2 * step) = SHUFFLE(ab_high, cd_high, 0, 1, 4, 5);
            AT_QUAD(to + 3 * step) = SHUFFLE(ab_high, cd_high, 2, 3, 6, 7);
        }
        for (; k < inner; k++, to += step)
            for (ptrdiff_t i = 0; i < 4; i++)
                to[i] = from[i * source_column + k];
    }
#endif
    for (; column < columns; column++)
        for (ptrdiff_t k = 0; k < inner; k++)
            target[k * step + column] = source[column * source_column + k];
}

/* One panel of b, `columns` of whose `width` columns exist. */
static void NAME(pack_panel)(Matrix b, ptrdiff_t inner, ptrdiff_t columns, ptrdiff_t width,
                             float *target)
{
    if (columns < width)
        memset(target, 0, (size_t)(inner * width) * sizeof(float));
    if (b.column != 1) {
        if (b.row == 1)
            NAME(transpose)(target, width, b.start, b.column, columns, inner);
        else
            for (ptrdiff_t k = 0; k < inner; k++)
                for (ptrdiff_t i = 0; i < columns; i++)
                    target[k * width + i] = b.start[k * b.row + i * b.column];
        return;
    }
    const float *from = b.start;
    for (ptrdiff_t k = 0; k < inner; k++, from += b.row, target += width)
        EACH_VECTOR(0, columns, {
            store_up_to(target + i, left, load_up_to(from + i, left, 0.0f));
        })
}

/* All panels of b. */
static void NAME(pack)(Matrix b, ptrdiff_t inner, ptrdiff_t columns, float *target)
{
    while (columns > 0) {
        ptrdiff_t width = NAME(panel_vectors)(columns) * LANES;
        NAME(pack_panel)(b, inner, smaller(columns, width), width, target);
        target += inner * width;
        b.start += width * b.column;
        columns -= width;
    }
}

/* ---- products with a packed matrix ----------------------------------------------------------- */

/* out = (or, with `add`, +=) a b + bias, for a packed b of so many columns, whose panels have
 * `panel_inner` values of k. Of these the first `inner` count, and of the columns those of the
 * panels that have one of the first `wanted`. */
static void NAME(multiply_packed)(ptrdiff_t rows, ptrdiff_t inner, ptrdiff_t columns,
                                  ptrdiff_t wanted, Matrix a, const float *panels,
                                  ptrdiff_t panel_inner, float *out, ptrdiff_t out_row, int add,
                                  const float *bias)
{
    for (ptrdiff_t done = 0; done < wanted;) {
        const ptrdiff_t vectors = NAME(panel_vectors)(columns), width = vectors * LANES;
        float edge[MOST_TILE_ROWS * TILE_VECTORS * MOST_LANES];
        Matrix part = a;
        for (ptrdiff_t row = 0; row < rows; row += TILE_ROWS, part.start += TILE_ROWS * a.row) {
            const ptrdiff_t height = smaller(TILE_ROWS, rows - row);
            const NAME(Tile) tile = NAME(tiles)[height - 1][vectors - 1];
            float *to = out + row * out_row;
            if (columns >= width) {
                tile(inner, part, panels, to, out_row, add, bias);
                continue;
            }
            tile(inner, part, panels, edge, width, 0, NULL);
            for (ptrdiff_t r = 0; r < height; r++)
                for (ptrdiff_t i = 0; i < columns; i++) {
                    float sum = edge[r * width + i];
                    sum = add ? to[r * out_row + i] + sum : sum;
                    to[r * out_row + i] = bias ? sum + bias[i] : sum;
                }
        }
        panels += panel_inner * width;
        out += width;
        bias = bias ? bias + width : NULL;
        columns -= width;
        done += width;
    }
}

/* The size of the fewest parts that are about equal and at most `block`. */
static ptrdiff_t NAME(equal_blocks)(ptrdiff_t size, ptrdiff_t block)
{
    return divide_up(size, divide_up(size, block));
}

/* A task: a part of one product of the batch. */
static void NAME(multiply)(const void *plan, ptrdiff_t task, float *scratch)
{
    const ProductPlan *p = plan;
    const ptrdiff_t column_part = task % column_tasks(p);
    task /= column_tasks(p);
    const ptrdiff_t row_part = task % row_tasks(p);
    task /= row_tasks(p);
    const ptrdiff_t first = task / p->batch[1], second = task % p->batch[1];
    const float *a = p->a.start + first * p->a_step[0] + second * p->a_step[1];
    const float *b = p->b.start + first * p->b_step[0] + second * p->b_step[1];
    float *out = p->out + first * p->out_step[0] + second * p->out_step[1];

    const ptrdiff_t top = row_part * p->task_rows, left = column_part * p->task_columns;
    const ptrdiff_t bottom = smaller(p->rows, top + p->task_rows);
    const ptrdiff_t right = smaller(p->columns, left + p->task_columns);
    const ptrdiff_t inner_block = NAME(equal_blocks)(p->inner, INNER_BLOCK);

    for (ptrdiff_t column = left; column < right; column += COLUMN_BLOCK) {
        const ptrdiff_t columns = smaller(COLUMN_BLOCK, right - column);
        for (ptrdiff_t k = 0; k < p->inner; k += inner_block) {
            const ptrdiff_t inner = smaller(inner_block, p->inner - k);
            const int last = k + inner == p->inner;
            const float *bias = last && p->bias ? p->bias + column : NULL;
            Matrix of_b = p->b;
            of_b.start = b + k * p->b.row + column * p->b.column;
            NAME(pack)(of_b, inner, columns, scratch);
            for (ptrdiff_t row = top; row < bottom; row += ROW_BLOCK) {
                const ptrdiff_t rows = smaller(ROW_BLOCK, bottom - row);
                Matrix of_a = p->a;
                of_a.start = a + row * p->a.row + k * p->a.column;
                NAME(multiply_packed)(rows, inner, columns, columns, of_a, scratch, inner,
                                      out + row * p->out_row + column, p->out_row, k > 0, bias);
            }
        }
    }
}
