/* The convolution kernels for one number type (REAL) and one instruction set (INSTRUCTIONS).
 *
 * Included several times by conv_kernels.h, which explains the method; NAME(x) is x with the two
 * names attached. Vectors are those of GCC and Clang; a compiler without them defines no
 * VECTOR_BYTES and gets "vectors" of one number.
 *
 * From here on: a *line* is one packed row of an image, a *plane* all packed lines of one channel
 * and kernel column, a *tap* one product of the sum that makes an output pixel.
 */

#ifdef VECTOR_BYTES
#define LANES ((ptrdiff_t)(VECTOR_BYTES / sizeof(REAL)))
#define VECTOR NAME(vector)
typedef REAL VECTOR __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define LANES ((ptrdiff_t)1)
#define VECTOR REAL
#define ALWAYS_INLINE static inline
#endif

#ifndef UNROLL
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 24")
#else
#define UNROLL
#endif
#endif

/* Four numbers, for transposing blocks of 4 x 4. */
#if defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 12)
#define QUAD NAME(quad)
typedef REAL QUAD __attribute__((vector_size(4 * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
#define AT_QUAD(address) (*(QUAD *)(address))
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#endif

#ifndef KEEP_LOOP
#ifdef __GNUC__
#define KEEP_LOOP __asm__ volatile("")
#else
#define KEEP_LOOP ((void)0)
#endif
#endif

#define LOAD(address) (*(const VECTOR *)(address))
#define STORE(address, value) (*(VECTOR *)(address) = (value))

/* ---- the tile -------------------------------------------------------------------------------- */

/* The operands of a tile: c[row][v] += sum over k of a[a_offset[k] + row] * b[b_offset[k]][v].
 * Vectors of b are b_step apart, those of c follow each other, rows of c are c_step apart. */
#define TILE_ARGUMENTS                                                                          \
    ptrdiff_t taps, const REAL *a, const int32_t *a_offset, const REAL *b,                      \
    const int32_t *b_offset, ptrdiff_t b_step, const REAL *start, REAL *c, ptrdiff_t c_step

/* `rows` and `vectors` are constants, so that all the sums live in registers. With `start` they
 * begin at start[row] instead of at what c holds. */
ALWAYS_INLINE void NAME(tile)(const int rows, const int vectors, TILE_ARGUMENTS)
{
    VECTOR sum[MAX_SUMS];
    const VECTOR zero = {0};

    UNROLL
    for (int row = 0; row < rows; row++)
        UNROLL
        for (int v = 0; v < vectors; v++)
            if (start)
                sum[row * vectors + v] = zero + start[row];
            else
                sum[row * vectors + v] = LOAD(c + row * c_step + v * LANES);

    for (ptrdiff_t k = 0; k < taps; k++) {
        const REAL *single = a + a_offset[k];
        const REAL *run = b + b_offset[k];
        VECTOR x[TILE_VECTORS];
        UNROLL
        for (int v = 0; v < vectors; v++)
            x[v] = LOAD(run + v * b_step);
        UNROLL
        for (int row = 0; row < rows; row++)
            UNROLL
            for (int v = 0; v < vectors; v++)
                sum[row * vectors + v] += x[v] * single[row];
    }

    UNROLL
    for (int row = 0; row < rows; row++)
        UNROLL
        for (int v = 0; v < vectors; v++)
            STORE(c + row * c_step + v * LANES, sum[row * vectors + v]);
}

#define DEFINE_TILE(rows, vectors)                                                              \
    static void NAME(tile_##rows##_##vectors)(TILE_ARGUMENTS)                                   \
    {                                                                                           \
        NAME(tile)(rows, vectors, taps, a, a_offset, b, b_offset, b_step, start, c, c_step);    \
    }

typedef void (*NAME(TileFunction))(TILE_ARGUMENTS);

DEFINE_TILE(1, 1) DEFINE_TILE(2, 1) DEFINE_TILE(4, 1) DEFINE_TILE(8, 1)
DEFINE_TILE(1, 2) DEFINE_TILE(2, 2) DEFINE_TILE(4, 2)
DEFINE_TILE(1, 3) DEFINE_TILE(2, 3) DEFINE_TILE(4, 3)
#if MAX_SUMS >= 24
DEFINE_TILE(16, 1) DEFINE_TILE(24, 1)
DEFINE_TILE(8, 2) DEFINE_TILE(12, 2)
DEFINE_TILE(8, 3)
#endif

typedef struct {
    int rows;
    NAME(TileFunction) run;
} NAME(Tile);

/* For each number of vectors the tiles whose sums fit in the registers, smallest first. */
static const NAME(Tile) NAME(tiles)[TILE_VECTORS][7] = {
    {{1, NAME(tile_1_1)}, {2, NAME(tile_2_1)}, {4, NAME(tile_4_1)}, {8, NAME(tile_8_1)},
#if MAX_SUMS >= 24
     {16, NAME(tile_16_1)}, {24, NAME(tile_24_1)},
#endif
    },
    {{1, NAME(tile_1_2)}, {2, NAME(tile_2_2)}, {4, NAME(tile_4_2)},
#if MAX_SUMS >= 24
     {8, NAME(tile_8_2)}, {12, NAME(tile_12_2)},
#endif
    },
    {{1, NAME(tile_1_3)}, {2, NAME(tile_2_3)}, {4, NAME(tile_4_3)},
#if MAX_SUMS >= 24
     {8, NAME(tile_8_3)},
#endif
    },
};

/* The tile for the next of the remaining rows, such that the tiles come out about equally high. */
static const NAME(Tile) *NAME(choose_tile)(ptrdiff_t rows, ptrdiff_t vectors, int most_rows)
{
    const NAME(Tile) *tile = NAME(tiles)[vectors - 1], *largest = tile;
    while (largest[1].rows && largest[1].rows <= most_rows)
        largest++;
    ptrdiff_t height = divide_up(rows, divide_up(rows, largest->rows));
    while (tile->rows < height)
        tile++;
    return tile;
}

/* How many of the remaining vectors the next tile takes: three, but four are two and two. */
static ptrdiff_t NAME(choose_vectors)(ptrdiff_t vectors)
{
    return vectors == 4 ? 2 : smaller(vectors, TILE_VECTORS);
}

/* ---- packing --------------------------------------------------------------------------------- */

/* Whole vectors are written, so up to LANES - 1 elements after the run are overwritten too: lines are
 * packed in ascending order, and there is room after the last. KEEP_LOOP stops gcc from making a
 * library call of a loop over one or two vectors. */
ALWAYS_INLINE void NAME(fill_zero)(REAL *target, ptrdiff_t count)
{
    const VECTOR zero = {0};
    for (ptrdiff_t i = 0; i < count; i += LANES) {
        STORE(target + i, zero);
        KEEP_LOOP;
    }
}

/* As fill_zero; reads up to LANES - 1 elements after the run too. */
ALWAYS_INLINE void NAME(copy_run)(REAL *target, const REAL *source, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i += LANES) {
        STORE(target + i, LOAD(source + i));
        KEEP_LOOP;
    }
}

/* Pack `lines` lines of `width`, `source_line` apart in the image: zeros, then every step-th element
 * for positions first ... last, then zeros. `source` is where position 0 is (or would be). */
ALWAYS_INLINE void NAME(pack_lines)(REAL *target, ptrdiff_t width, const REAL *source,
                                    ptrdiff_t source_line, ptrdiff_t lines, ptrdiff_t step,
                                    ptrdiff_t first, ptrdiff_t last, int whole_vectors)
{
    for (; lines > 0; lines--, target += width, source += source_line) {
        NAME(fill_zero)(target, first);
        if (whole_vectors)
            NAME(copy_run)(target + first, source + first, last - first);
        else
            for (ptrdiff_t i = first; i < last; i++)
                target[i] = source[step * i];
        NAME(fill_zero)(target + last, width - last);
    }
}

/* Pack source channels for a band: one plane for each (channel, tap along x). */
static void NAME(pack_planes)(const GatherPlan *plan, const REAL *source, ptrdiff_t channels,
                              int first_tap, int last_tap, const Band *band,
                              ptrdiff_t plane, REAL *packed)
{
    const Taps *y = &plan->y, *x = &plan->x;
    const ptrdiff_t width = band->width, image_size = plan->source_height * plan->source_width;
    const REAL *source_end = (const REAL *)plan->source
        + plan->batch * plan->groups * plan->source_channels * image_size;

    for (ptrdiff_t channel = 0; channel < channels; channel++) {
        const REAL *image = source + channel * image_size;
        const int may_read_on = source_end - image >= image_size + LANES;
        for (int t = first_tap; t < last_tap; t++, packed += plane) {
            ptrdiff_t start = band->left * x->step + x->shift[t], first, last;
            inside(start, x->step, width, plan->source_width, &first, &last);
            REAL *target = packed;
            for (int c = 0; c < y->classes; c++) {
                ptrdiff_t row = band->top * y->step + y->class_shift[c], top, bottom;
                ptrdiff_t lines = band->height + y->class_extra[c];
                inside(row, y->step, lines, plan->source_height, &top, &bottom);
                ptrdiff_t source_line = y->step * plan->source_width;
                const REAL *from = image + (row + top * y->step) * plan->source_width + start;
                REAL *to = target + top * width;

                NAME(fill_zero)(target, top * width);
                if (x->step == 1 && may_read_on)
                    NAME(pack_lines)(to, width, from, source_line, bottom - top, 1, first, last, 1);
                else if (x->step == 2)
                    NAME(pack_lines)(to, width, from, source_line, bottom - top, 2, first, last, 0);
                else
                    NAME(pack_lines)(to, width, from, source_line, bottom - top, x->step,
                                     first, last, 0);
                NAME(fill_zero)(target + bottom * width, (lines - bottom) * width);
                target += lines * width;
            }
        }
    }
}

/* target[i * target_step + c] = source[c * plane + i * source_step]: channels become innermost. */
static void NAME(pack_channels_last)(REAL *target, ptrdiff_t target_step,
                                     const REAL *source, ptrdiff_t plane,
                                     ptrdiff_t source_step, ptrdiff_t channels, ptrdiff_t count)
{
    ptrdiff_t c = 0;
#ifdef SHUFFLE
    for (; source_step == 1 && c + 4 <= channels; c += 4) {
        const REAL *from = source + c * plane;
        REAL *to = target + c;
        ptrdiff_t i = 0;
        for (; i + 4 <= count; i += 4, from += 4, to += 4 * target_step) {
            QUAD a0 = AT_QUAD(from), a1 = AT_QUAD(from + plane);
            QUAD a2 = AT_QUAD(from + 2 * plane), a3 = AT_QUAD(from + 3 * plane);
            QUAD low01 = SHUFFLE(a0, a1, 0, 4, 1, 5), high01 = SHUFFLE(a0, a1, 2, 6, 3, 7);
            QUAD low23 = SHUFFLE(a2, a3, 0, 4, 1, 5), high23 = SHUFFLE(a2, a3, 2, 6, 3, 7);
            AT_QUAD(to) = SHUFFLE(low01, low23, 0, 1, 4, 5);
            AT_QUAD(to + target_step) = SHUFFLE(low01, low23, 2, 3, 6, 7);
            AT_QUAD(to + 2 * target_step) = SHUFFLE(high01, high23, 0, 1, 4, 5);
            AT_QUAD(to + 3 * target_step) = SHUFFLE(high01, high23, 2, 3, 6, 7);
        }
        for (; i < count; i++, from++, to += target_step)
            for (int lane = 0; lane < 4; lane++)
                to[lane] = from[lane * plane];
    }
#endif
    for (; c < channels; c++)
        for (ptrdiff_t i = 0; i < count; i++)
            target[i * target_step + c] = source[c * plane + i * source_step];
}

/* ---- forward and input gradient -------------------------------------------------------------- */

/* Pack the weights of one group (the task). Panels of PANEL rows follow each other for each block
 * of channels and taps; in a panel the rows are innermost, filled up with zeros. */
static void NAME(pack_weights)(const void *argument, ptrdiff_t group, char *scratch)
{
    const GatherPlan *plan = argument;
    const REAL *weight = (const REAL *)plan->weight + group * plan->weight_group;
    const ptrdiff_t channels = plan->source_channels;
    const Taps *y = &plan->y, *x = &plan->x;
    ptrdiff_t panels = panel_count(plan);
    REAL *target = (REAL *)plan->panels + group * (panel_elements(plan) / plan->groups);
    (void)scratch;

    for (ptrdiff_t c0 = 0; c0 < channels; c0 += plan->channel_block)
        for (ptrdiff_t t0 = 0; t0 < x->count; t0 += plan->tap_block)
            for (ptrdiff_t row = 0; row < panels * PANEL; row += PANEL) {
                ptrdiff_t rows = smaller(PANEL, plan->rows - row);
                ptrdiff_t channel_end = smaller(c0 + plan->channel_block, channels);
                ptrdiff_t tap_end = smaller(t0 + plan->tap_block, x->count);
                for (int ty = 0; ty < y->count; ty++)
                    for (ptrdiff_t c = c0; c < channel_end; c++)
                        for (ptrdiff_t tx = t0; tx < tap_end; tx++, target += PANEL) {
                            const REAL *from = weight + row * plan->weight_row
                                + c * plan->weight_channel
                                + y->kernel[ty] * plan->kernel_width + x->kernel[tx];
                            for (ptrdiff_t r = 0; r < PANEL; r++)
                                target[r] = r < rows ? from[r * plan->weight_row] : 0;
                        }
            }
}

/* Move a tile between the output and `buffer`, whose rows are `buffer_step` apart: pixels `first`
 * to `first + count` of the band. */
static void NAME(move_tile)(const GatherPlan *plan, REAL *out, const Band *band,
                            ptrdiff_t first, ptrdiff_t rows, ptrdiff_t count,
                            REAL *buffer, ptrdiff_t buffer_step, int to_output)
{
    ptrdiff_t y = first / band->width, x = first % band->width;
    for (ptrdiff_t p = 0; p < count; p++) {
        ptrdiff_t out_y = plan->out_first_y + (band->top + y) * plan->out_step_y;
        ptrdiff_t out_x = plan->out_first_x + (band->left + x) * plan->out_step_x;
        REAL *pixel = out + out_y * plan->out_width + out_x;
        for (ptrdiff_t row = 0; row < rows; row++, pixel += plan->out_height * plan->out_width) {
            if (to_output)
                *pixel = buffer[row * buffer_step + p];
            else
                buffer[row * buffer_step + p] = *pixel;
        }
        if (++x == band->width) {
            x = 0;
            y++;
        }
    }
}

/* One band of one group of some images. */
static void NAME(gather)(const void *argument, ptrdiff_t task, char *scratch)
{
    const GatherPlan *plan = argument;
    const ptrdiff_t rows = plan->rows, bands = plan->bands_y * plan->bands_x;
    const ptrdiff_t group = task / bands % plan->groups;
    const ptrdiff_t image0 = task / bands / plan->groups * plan->images;
    const ptrdiff_t images = smaller(plan->images, plan->batch - image0);
    const ptrdiff_t out_plane = plan->out_height * plan->out_width;
    const ptrdiff_t source_plane = plan->source_height * plan->source_width;
    const int contiguous = plan->out_step_x == 1 && plan->out_step_y == 1;
    const Band band = band_of(plan, task % bands);
    if (band.height <= 0 || band.width <= 0)
        return;
    const ptrdiff_t pixels = band.height * band.width;
    const ptrdiff_t plane =
        plane_elements(packed_lines(plan, band.height), band.width, sizeof(REAL));
    const ptrdiff_t first_pixel =
        (plan->out_first_y + band.top) * plan->out_width + plan->out_first_x + band.left;
    const REAL *panels =
        (const REAL *)plan->panels + group * (panel_elements(plan) / plan->groups);

    /* scratch: edge tile, the two offset tables, the packed planes of each image */
    const ptrdiff_t edge_step = TILE_VECTORS * LANES;
    REAL *edge = (REAL *)scratch;
    int32_t *b_offset = (int32_t *)(edge + PANEL * TILE_VECTORS * MAX_LANES);
    ptrdiff_t most_taps = plan->channel_block * plan->tap_block * plan->y.count;
    int32_t *a_offset = b_offset + most_taps;
    REAL *packed = (REAL *)(b_offset + round_up(2 * most_taps, 16));
    for (ptrdiff_t k = 0; k < most_taps; k++)
        a_offset[k] = (int32_t)(k * PANEL);

    int first_block = 1;
    for (ptrdiff_t c0 = 0; c0 < plan->source_channels; c0 += plan->channel_block)
        for (ptrdiff_t t0 = 0; t0 < plan->x.count; t0 += plan->tap_block) {
            ptrdiff_t channels = smaller(plan->channel_block, plan->source_channels - c0);
            int x_taps = (int)smaller(plan->tap_block, plan->x.count - t0);
            ptrdiff_t taps = channels * plan->y.count * x_taps;
            ptrdiff_t packed_image = channels * x_taps * plane;
            fill_offsets(plan, channels, x_taps, &band, plane, b_offset);
            for (ptrdiff_t image = 0; image < images; image++) {
                ptrdiff_t image_group = (image0 + image) * plan->groups + group;
                const REAL *source = (const REAL *)plan->source
                    + (image_group * plan->source_channels + c0) * source_plane;
                NAME(pack_planes)(plan, source, channels, (int)t0, (int)t0 + x_taps, &band, plane,
                                  packed + image * packed_image);
            }

            /* The weights of a panel stay in L1 while all the pixels go by. */
            for (ptrdiff_t panel = 0; panel < rows; panel += PANEL, panels += PANEL * taps) {
                REAL bias[PANEL] = {0};
                if (first_block && plan->bias)
                    for (ptrdiff_t row = panel; row < smaller(panel + PANEL, rows); row++)
                        bias[row - panel] = ((const REAL *)plan->bias)[group * rows + row];

                for (ptrdiff_t image = 0; image < images; image++) {
                    ptrdiff_t image_group = (image0 + image) * plan->groups + group, vectors;
                    REAL *out = (REAL *)plan->out + (image_group * rows + panel) * out_plane;
                    const REAL *b = packed + image * packed_image;

                    for (ptrdiff_t pixel = 0; pixel < pixels; pixel += vectors * LANES) {
                        vectors = NAME(choose_vectors)(divide_up(pixels - pixel, LANES));
                        ptrdiff_t count = smaller(vectors * LANES, pixels - pixel);
                        ptrdiff_t panel_rows = smaller(PANEL, rows - panel);
                        ptrdiff_t first_tap = 0, tile_taps = taps;
                        if (taps >= TAPS_WORTH_SKIPPING) {
                            int first_ty, last_ty;
                            useful_kernel_rows(plan, &band, pixel, count, &first_ty, &last_ty);
                            first_tap = first_ty * channels * x_taps;
                            tile_taps = (last_ty - first_ty) * channels * x_taps;
                        }
                        const REAL *a = panels + first_tap * PANEL;
                        const int32_t *offset = b_offset + first_tap;
                        const NAME(Tile) *tile;
                        for (ptrdiff_t row = 0; row < panel_rows; row += tile->rows) {
                            tile = NAME(choose_tile)(panel_rows - row, vectors, PANEL);
                            ptrdiff_t count_rows = smaller(tile->rows, panel_rows - row);
                            const REAL *start = first_block ? bias + row : NULL;
                            REAL *tile_out = out + row * out_plane;
                            if (contiguous && count_rows == tile->rows
                                && count == vectors * LANES) {
                                tile->run(tile_taps, a + row, a_offset, b + pixel, offset, LANES,
                                          start, tile_out + first_pixel + pixel, out_plane);
                                continue;
                            }
                            if (!first_block)
                                NAME(move_tile)(plan, tile_out, &band, pixel, count_rows, count,
                                                edge, edge_step, 0);
                            tile->run(tile_taps, a + row, a_offset, b + pixel, offset, LANES,
                                      start, edge, edge_step);
                            NAME(move_tile)(plan, tile_out, &band, pixel, count_rows, count,
                                            edge, edge_step, 1);
                        }
                    }
                }
            }
            first_block = 0;
        }
}

/* ---- weight gradient ------------------------------------------------------------------------- */

/* How much of a tile's work is of use when one side has `rows`, the other `columns`. */
static double NAME(use)(ptrdiff_t rows, ptrdiff_t columns)
{
    ptrdiff_t least = rows <= 8 ? 4 : 8;
    return (double)rows / (double)round_up(rows, least)
         * (double)columns / (double)round_up(columns, LANES);
}

/* The same, when tiles of a single vector cost a little more: they load more for each product. */
static double NAME(speed)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t vectors)
{
    return NAME(use)(rows, columns) * (vectors == 1 ? 0.85 : 1.0);
}

/* Choose the blocks; returns how much of the tile's work is of use. */
static double NAME(weight_plan_blocks)(WeightPlan *plan)
{
    ptrdiff_t kernel_height = plan->y.count, kernel_width = plan->x.count;
    ptrdiff_t width_and_channels = kernel_width * plan->channels;
    double use = NAME(use)(width_and_channels, plan->filters);
    double exchanged_use = NAME(use)(plan->filters, width_and_channels);
    int joinable = plan->y.classes == 1 && width_and_channels <= LANES;
    ptrdiff_t vectors = divide_up(plan->filters, LANES);
    ptrdiff_t exchanged_vectors =
        joinable ? kernel_height : divide_up(width_and_channels, LANES);
    plan->filters_in_rows = NAME(speed)(plan->filters, width_and_channels, exchanged_vectors)
                          > NAME(speed)(width_and_channels, plan->filters, vectors);
    plan->kernel_rows_in_tile = plan->filters_in_rows && joinable;

    plan->filter_blocks = divide_up(plan->filters, WEIGHT_BLOCK_FILTERS);
    plan->filter_block = divide_up(plan->filters, plan->filter_blocks);
    if (plan->filter_blocks > 1)
        plan->filter_block = round_up(plan->filter_block, LANES);
    plan->filter_blocks = divide_up(plan->filters, plan->filter_block);
    ptrdiff_t most = WEIGHT_BLOCK / (plan->filter_block * kernel_height * kernel_width);
    plan->channel_blocks = divide_up(plan->channels, larger(1, most));
    plan->channel_block = divide_up(plan->channels, plan->channel_blocks);
    plan->channel_blocks = divide_up(plan->channels, plan->channel_block);

    width_and_channels = kernel_width * plan->channel_block;
    ptrdiff_t rows = plan->filters_in_rows ? plan->filter_block : width_and_channels;
    ptrdiff_t columns = plan->filters_in_rows ? width_and_channels : plan->filter_block;
    plan->row_elements = rows + MAX_TILE_ROWS;
    plan->vector_elements = round_up(columns, LANES);

    /* Neighbouring taps read neighbouring columns: then pixels can share a line as it is. Else a
     * line is written out tap by tap. */
    int shared = kernel_width == 1 ? plan->x.step == 1
        : plan->x.shift[1] - plan->x.shift[0] == 1 && plan->x.step < kernel_width;
    plan->parts = shared ? 1 : kernel_width;
    plan->part_step = shared ? 1 : plan->x.step;
    plan->column_step = shared ? plan->x.step : kernel_width;
    plan->packed_columns = shared ? (plan->out_width - 1) * plan->x.step + kernel_width
                                  : plan->out_width * kernel_width;

    ptrdiff_t input_line = plan->packed_columns * plan->channel_block;
    ptrdiff_t grad_line = plan->out_width * round_up(plan->filter_block, LANES);
    ptrdiff_t room = PACK_BYTES / (ptrdiff_t)sizeof(REAL) - plan->y.total_extra * input_line;
    plan->band_height = room / (input_line * plan->y.classes + grad_line);
    plan->band_height = larger(1, smaller(plan->band_height, plan->out_height));
    plan->bands = divide_up(plan->out_height, plan->band_height);
    plan->band_height = divide_up(plan->out_height, plan->bands);
    plan->bands = divide_up(plan->out_height, plan->band_height);
    plan->chunks = divide_up(WEIGHT_TASKS, weight_blocks(plan));
    plan->chunks = larger(1, smaller(plan->chunks, plan->batch * plan->bands));

    ptrdiff_t lines = plan->band_height * plan->y.classes + plan->y.total_extra;
    ptrdiff_t elements = lines * input_line + plan->band_height * grad_line;
    ptrdiff_t slack = 2 * (MAX_TILE_ROWS + TILE_VECTORS * MAX_LANES);
    plan->scratch_bytes = (size_t)(elements + slack) * sizeof(REAL) + 512
        + 2 * sizeof(int32_t) * (size_t)(plan->band_height * plan->out_width);
    return plan->filters_in_rows ? exchanged_use : use;
}

/* Pack the input lines that output rows `top` ... need: (line, column, channel). */
static void NAME(pack_input_lines)(const WeightPlan *plan, const REAL *input, ptrdiff_t channels,
                                   ptrdiff_t top, ptrdiff_t height, REAL *packed)
{
    const Taps *y = &plan->y, *x = &plan->x;
    ptrdiff_t parts = plan->parts, step = plan->part_step, count = plan->packed_columns / parts;

    for (int c = 0; c < y->classes; c++) {
        ptrdiff_t row = top * y->step + y->class_shift[c];
        ptrdiff_t lines = height + y->class_extra[c];
        for (; lines > 0; lines--, row += y->step, packed += plan->packed_columns * channels) {
            if (row < 0 || row >= plan->height) {
                NAME(fill_zero)(packed, plan->packed_columns * channels);
                continue;
            }
            for (ptrdiff_t part = 0; part < parts; part++) {
                ptrdiff_t start = x->shift[part], first, last;
                inside(start, step, count, plan->width, &first, &last);
                REAL *target = packed + part * channels;
                ptrdiff_t target_step = parts * channels;
                for (ptrdiff_t i = 0; i < first; i++)
                    memset(target + i * target_step, 0, (size_t)channels * sizeof(REAL));
                NAME(pack_channels_last)(target + first * target_step, target_step,
                                         input + row * plan->width + start + first * step,
                                         plan->height * plan->width, step, channels, last - first);
                for (ptrdiff_t i = last; i < count; i++)
                    memset(target + i * target_step, 0, (size_t)channels * sizeof(REAL));
            }
        }
    }
}

/* One block of weights summed over one chunk of bands. */
static void NAME(weight_sums)(const void *argument, ptrdiff_t task, char *scratch)
{
    const WeightPlan *plan = argument;
    const ptrdiff_t blocks = weight_blocks(plan), block = task % blocks, chunk = task / blocks;
    const ptrdiff_t filter0 = block % plan->filter_blocks * plan->filter_block;
    const ptrdiff_t channel0 =
        block / plan->filter_blocks % plan->channel_blocks * plan->channel_block;
    const ptrdiff_t group = block / (plan->filter_blocks * plan->channel_blocks);
    const ptrdiff_t filters = smaller(plan->filter_block, plan->filters - filter0);
    const ptrdiff_t channels = smaller(plan->channel_block, plan->channels - channel0);
    const ptrdiff_t out_plane = plan->out_height * plan->out_width;
    const ptrdiff_t in_plane = plan->height * plan->width;
    const ptrdiff_t width_and_channels = plan->x.count * channels;
    const ptrdiff_t rows = plan->filters_in_rows ? filters : width_and_channels;
    /* vectors for one kernel row and for all of them; from one to the next in a tile */
    const ptrdiff_t columns =
        divide_up(plan->filters_in_rows ? width_and_channels : filters, LANES);
    const ptrdiff_t all_vectors = plan->y.count * columns;
    const ptrdiff_t sums_step = plan->y.count * plan->vector_elements;
    const ptrdiff_t grad_step = plan->filters_in_rows ? filters : round_up(filters, LANES);
    const ptrdiff_t input_line = plan->packed_columns * channels;
    const ptrdiff_t b_step = plan->kernel_rows_in_tile && plan->y.count > 1
        ? (plan->y.line[1] - plan->y.line[0]) * input_line : LANES;
    const REAL zeros[MAX_TILE_ROWS] = {0};
    REAL *sums = (REAL *)plan->sums + task * weight_block_elements(plan);

    /* scratch: offsets of the pixels in both packed operands, the operands */
    const ptrdiff_t most_pixels = plan->band_height * plan->out_width;
    const ptrdiff_t lines = plan->band_height * plan->y.classes + plan->y.total_extra;
    const ptrdiff_t slack = MAX_TILE_ROWS + TILE_VECTORS * MAX_LANES;
    int32_t *input_offset = (int32_t *)scratch, *grad_offset = input_offset + most_pixels;
    REAL *input = (REAL *)(scratch + round_up(2 * most_pixels * 4, 64));
    REAL *grad = input + round_up(lines * input_line + slack, 16);
    for (ptrdiff_t y = 0, p = 0; y < plan->band_height; y++)
        for (ptrdiff_t x = 0; x < plan->out_width; x++, p++) {
            input_offset[p] = (int32_t)(y * input_line + x * plan->column_step * channels);
            grad_offset[p] = (int32_t)(p * grad_step);
        }
    const int32_t *a_offset = plan->filters_in_rows ? grad_offset : input_offset;
    const int32_t *b_offset = plan->filters_in_rows ? input_offset : grad_offset;

    const ptrdiff_t all = plan->batch * plan->bands;
    int first_sum = 1;
    for (ptrdiff_t i = all * chunk / plan->chunks; i < all * (chunk + 1) / plan->chunks; i++) {
        ptrdiff_t image_group = i / plan->bands * plan->groups + group;
        ptrdiff_t top = i % plan->bands * plan->band_height;
        ptrdiff_t height = smaller(plan->band_height, plan->out_height - top);
        ptrdiff_t pixels = height * plan->out_width;
        const REAL *grad_band = (const REAL *)plan->grad + top * plan->out_width
            + (image_group * plan->filters + filter0) * out_plane;
        NAME(pack_input_lines)(
            plan, (const REAL *)plan->input + (image_group * plan->channels + channel0) * in_plane,
            channels, top, height, input);
        for (ptrdiff_t p0 = 0; p0 < pixels; p0 += PIXELS_PER_SUM) {
            ptrdiff_t count = smaller(PIXELS_PER_SUM, pixels - p0), vectors;
            NAME(pack_channels_last)(grad + p0 * grad_step, grad_step, grad_band + p0, out_plane,
                                     1, filters, count);
            for (ptrdiff_t v = 0; v < all_vectors; v += vectors) {
                ptrdiff_t ty = v / columns, column = v % columns * LANES;
                vectors = NAME(choose_vectors)(
                    plan->kernel_rows_in_tile ? all_vectors - v : columns - v % columns);
                const REAL *lines = input + weight_line(plan, height, (int)ty) * input_line;
                const REAL *a = plan->filters_in_rows ? grad : lines;
                const REAL *b = (plan->filters_in_rows ? lines : grad) + column;
                REAL *c = sums + ty * plan->vector_elements + column;
                const NAME(Tile) *tile;
                for (ptrdiff_t row = 0; row < rows; row += tile->rows) {
                    tile = NAME(choose_tile)(rows - row, vectors, MAX_TILE_ROWS);
                    tile->run(count, a + row, a_offset + p0, b, b_offset + p0, b_step,
                              first_sum ? zeros : NULL, c + row * sums_step, sums_step);
                }
            }
            first_sum = 0;
        }
    }
}

/* Add up the chunks of one block and write it in the order of the weights. */
static void NAME(weight_finish)(const void *argument, ptrdiff_t block, char *scratch)
{
    const WeightPlan *plan = argument;
    const ptrdiff_t filter0 = block % plan->filter_blocks * plan->filter_block;
    const ptrdiff_t channel0 =
        block / plan->filter_blocks % plan->channel_blocks * plan->channel_block;
    const ptrdiff_t group = block / (plan->filter_blocks * plan->channel_blocks);
    const ptrdiff_t filters = smaller(plan->filter_block, plan->filters - filter0);
    const ptrdiff_t channels = smaller(plan->channel_block, plan->channels - channel0);
    const ptrdiff_t elements = weight_block_elements(plan);
    REAL *sums = (REAL *)plan->sums + block * elements;
    (void)scratch;

    for (ptrdiff_t chunk = 1; chunk < plan->chunks; chunk++) {
        const REAL *more = sums + chunk * weight_blocks(plan) * elements;
        for (ptrdiff_t i = 0; i < elements; i++)
            sums[i] += more[i];
    }
    const ptrdiff_t row_step = plan->y.count * plan->vector_elements;
    const ptrdiff_t filter_step = plan->filters_in_rows ? row_step : 1;
    const ptrdiff_t input_step = plan->filters_in_rows ? 1 : row_step;
    for (ptrdiff_t f = 0; f < filters; f++) {
        REAL *out = (REAL *)plan->out + ((group * plan->filters + filter0 + f) * plan->channels
            + channel0) * plan->y.count * plan->x.count;
        for (ptrdiff_t c = 0; c < channels; c++)
            for (int ty = 0; ty < plan->y.count; ty++) {
                const REAL *from = sums + ty * plan->vector_elements + f * filter_step
                    + c * input_step;
                for (int tx = 0; tx < plan->x.count; tx++)
                    *out++ = from[tx * channels * input_step];
            }
    }
}

/* ---- weight gradient of thin groups, by dot products ----------------------------------------- */

/* sum[t] += sum over p of grad[p] * packed[offset[t] + p] for a constant number of taps. */
ALWAYS_INLINE void NAME(dot)(const int taps, ptrdiff_t pixels, const REAL *grad,
                             const REAL *packed, const int32_t *offset, REAL *sum)
{
    VECTOR partial[8] = {{0}};
    ptrdiff_t p = 0;
    for (; p + LANES <= pixels; p += LANES) {
        VECTOR g = LOAD(grad + p);
        UNROLL
        for (int t = 0; t < taps; t++)
            partial[t] += g * LOAD(packed + offset[t] + p);
    }
    for (int t = 0; t < taps; t++) {
        REAL lanes[MAX_LANES], total = 0;
        STORE(lanes, partial[t]);
        for (ptrdiff_t lane = 0; lane < LANES; lane++)
            total += lanes[lane];
        for (ptrdiff_t rest = p; rest < pixels; rest++)
            total += grad[rest] * packed[offset[t] + rest];
        sum[t] += total;
    }
}

/* One group (of few filters) summed over one chunk of images. */
static void NAME(dot_sums)(const void *argument, ptrdiff_t task, char *scratch)
{
    const DotPlan *dots = argument;
    const GatherPlan *plan = &dots->input;
    const ptrdiff_t group = task % plan->groups, chunk = task / plan->groups;
    const ptrdiff_t out_plane = plan->out_height * plan->out_width;
    const ptrdiff_t in_plane = plan->source_height * plan->source_width;
    const ptrdiff_t bands = plan->bands_y * plan->bands_x;
    const ptrdiff_t kernel = (ptrdiff_t)plan->y.count * plan->x.count;
    REAL *sums = (REAL *)dots->sums + task * plan->rows * plan->source_channels * kernel;

    ptrdiff_t most_taps = plan->channel_block * plan->tap_block * plan->y.count;
    int32_t *offset = (int32_t *)scratch;
    REAL *tap_sums = (REAL *)(scratch + round_up(most_taps * 4, 64));
    REAL *packed = tap_sums + round_up(most_taps, 16);

    const ptrdiff_t begin = plan->batch * chunk / dots->chunks * bands;
    const ptrdiff_t end = plan->batch * (chunk + 1) / dots->chunks * bands;
    for (ptrdiff_t i = begin; i < end; i++) {
        ptrdiff_t image_group = i / bands * plan->groups + group;
        const Band band = band_of(plan, i % bands);
        if (band.height <= 0 || band.width <= 0)
            continue;
        ptrdiff_t pixels = band.height * band.width;
        ptrdiff_t plane =
            plane_elements(packed_lines(plan, band.height), band.width, sizeof(REAL));
        const REAL *source =
            (const REAL *)plan->source + image_group * plan->source_channels * in_plane;
        const REAL *grad = (const REAL *)dots->grad + image_group * plan->rows * out_plane
            + band.top * plan->out_width + band.left;

        for (ptrdiff_t c0 = 0; c0 < plan->source_channels; c0 += plan->channel_block)
            for (ptrdiff_t t0 = 0; t0 < plan->x.count; t0 += plan->tap_block) {
                ptrdiff_t channels = smaller(plan->channel_block, plan->source_channels - c0);
                int x_taps = (int)smaller(plan->tap_block, plan->x.count - t0);
                ptrdiff_t taps = channels * plan->y.count * x_taps;
                NAME(pack_planes)(plan, source + c0 * in_plane, channels, (int)t0,
                                  (int)t0 + x_taps, &band, plane, packed);
                fill_offsets(plan, channels, x_taps, &band, plane, offset);
                for (ptrdiff_t f = 0; f < plan->rows; f++) {
                    const REAL *g = grad + f * out_plane;
                    ptrdiff_t t = 0;
                    NAME(fill_zero)(tap_sums, taps);
                    for (; t + 8 <= taps; t += 8)
                        NAME(dot)(8, pixels, g, packed, offset + t, tap_sums + t);
                    for (; t + 4 <= taps; t += 4)
                        NAME(dot)(4, pixels, g, packed, offset + t, tap_sums + t);
                    for (; t < taps; t++)
                        NAME(dot)(1, pixels, g, packed, offset + t, tap_sums + t);

                    REAL *to = sums + (f * plan->source_channels + c0) * kernel + t0;
                    const REAL *from = tap_sums;
                    for (int ty = 0; ty < plan->y.count; ty++)
                        for (ptrdiff_t c = 0; c < channels; c++)
                            for (int tx = 0; tx < x_taps; tx++)
                                to[(c * plan->y.count + ty) * plan->x.count + tx] += *from++;
                }
            }
    }
}

static const Kernels NAME(kernels) = {
    .pack_weights = NAME(pack_weights),
    .gather = NAME(gather),
    .weight_plan_blocks = NAME(weight_plan_blocks),
    .weight_sums = NAME(weight_sums),
    .weight_finish = NAME(weight_finish),
    .dot_sums = NAME(dot_sums),
};

#undef LANES
#undef VECTOR
#undef ALWAYS_INLINE
#undef QUAD
#undef AT_QUAD
#undef SHUFFLE
#undef LOAD
#undef STORE
