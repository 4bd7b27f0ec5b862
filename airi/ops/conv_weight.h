/* The weight gradient for one number type (REAL) and one instruction set, included after
 * conv_tile.h, whose tile and packing it uses. conv_kernels.h explains the method. */

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

/* ---- weight gradient by dot products ---------------------------------------------------------
 *
 * Where there are few weights and many pixels, the lanes are pixels: neither operand need be
 * turned round, only the input is packed as for the forward pass.
 *
 *                         taps: LANES packed pixels each
 *                         x0  x1  x2  x3  x4  x5
 *     gradients      g0 | s00 s01 s02 s03 s04 s05 |    for every vector of pixels:
 *     of filters:    g1 | s10 s11 ...             |        s[f][t] += g[f] * x[t]
 *     LANES pixels   g2 | s20 ...                 |
 *     each           g3 | s30 ...             s35 |    The lanes of s are added up at the very end.
 */

#if MAX_SUMS >= 24
#define DOT_FILTERS 4
#define DOT_TAPS 6
#else
#define DOT_FILTERS 3
#define DOT_TAPS 3
#endif
#define DEPTHWISE_TAPS 9 /* of a tile with one filter */

/* Keeps gcc from loading a vector again for each of its uses. */
#if defined(CHOOSE_AT_RUN_TIME) && defined(VECTOR_BYTES)
#define HOLD(vector) __asm__("" : "+v"(vector))
#else
#define HOLD(vector) ((void)0)
#endif

/* sum[f][t] += the products of LANES pixels of gradient f, `grad_step` apart, and tap t. */
ALWAYS_INLINE void NAME(dot_vectors)(const int filters, const int taps, const REAL *grad,
                                     ptrdiff_t grad_step, const REAL *const *x, ptrdiff_t p,
                                     VECTOR *sum)
{
    VECTOR gradient[DOT_FILTERS];
    UNROLL
    for (int f = 0; f < filters; f++)
        gradient[f] = LOAD(grad + f * grad_step + p);
    UNROLL
    for (int t = 0; t < taps; t++) {
        VECTOR input = LOAD(x[t] + p);
        HOLD(input);
        UNROLL
        for (int f = 0; f < filters; f++)
            sum[f * taps + t] += gradient[f] * input;
    }
}

/* sums[f][t] += the products of `pixels` pixels of gradient f and tap t. Taps from `taps` on do not
 * exist: they are the last one once more, and nobody reads them. */
ALWAYS_INLINE void NAME(dot_tile)(const int filters, const int most_taps, ptrdiff_t taps,
                                  ptrdiff_t pixels, const REAL *grad, ptrdiff_t grad_step,
                                  const REAL *packed, const int32_t *offset, REAL *sums)
{
    VECTOR sum[MAX_SUMS];
    const REAL *x[DEPTHWISE_TAPS];
    UNROLL
    for (int t = 0; t < most_taps; t++)
        x[t] = packed + offset[smaller(t, taps - 1)];
    UNROLL
    for (int i = 0; i < filters * most_taps; i++)
        sum[i] = LOAD(sums + i * LANES);

    ptrdiff_t p = 0;
    for (; p + LANES <= pixels; p += LANES)
        NAME(dot_vectors)(filters, most_taps, grad, grad_step, x, p, sum);
    if (p < pixels) { /* what follows the last pixels may be NaN: copy them to zeros */
        const size_t bytes = (size_t)(pixels - p) * sizeof(REAL);
        REAL last_grad[DOT_FILTERS * MAX_LANES] = {0};
        REAL last_x[DEPTHWISE_TAPS][MAX_LANES] = {{0}};
        for (int f = 0; f < filters; f++)
            memcpy(last_grad + f * MAX_LANES, grad + f * grad_step + p, bytes);
        for (int t = 0; t < most_taps; t++)
            x[t] = memcpy(last_x[t], x[t] + p, bytes);
        NAME(dot_vectors)(filters, most_taps, last_grad, MAX_LANES, x, 0, sum);
    }
    UNROLL
    for (int i = 0; i < filters * most_taps; i++)
        STORE(sums + i * LANES, sum[i]);
}

static void NAME(dot_tile_of_many)(ptrdiff_t filters, ptrdiff_t taps, ptrdiff_t pixels,
                                   const REAL *grad, ptrdiff_t grad_step, const REAL *packed,
                                   const int32_t *offset, REAL *sums)
{
    if (filters >= DOT_FILTERS)
        NAME(dot_tile)(DOT_FILTERS, DOT_TAPS, taps, pixels, grad, grad_step, packed, offset, sums);
    else
        for (ptrdiff_t f = 0; f < filters; f++)
            NAME(dot_tile)(1, DOT_TAPS, taps, pixels, grad + f * grad_step, 0, packed, offset,
                           sums + f * DOT_TAPS * LANES);
}

static void NAME(dot_tile_of_one)(ptrdiff_t taps, ptrdiff_t pixels, const REAL *grad,
                                  const REAL *packed, const int32_t *offset, REAL *sums)
{
    NAME(dot_tile)(1, DEPTHWISE_TAPS, taps, pixels, grad, 0, packed, offset, sums);
}

/* Filters and taps of a tile, tiles along the taps of a group, and elements of a task's sums. */
typedef struct {
    ptrdiff_t filters, taps, tiles, elements;
} NAME(DotSizes);

static NAME(DotSizes) NAME(dot_sizes)(const GatherPlan *plan)
{
    NAME(DotSizes) sizes = {DOT_FILTERS, DOT_TAPS, 0, 0};
    if (plan->rows == 1) {
        sizes.filters = 1;
        sizes.taps = DEPTHWISE_TAPS;
    }
    for (ptrdiff_t c = 0; c < plan->source_channels; c += plan->channel_block)
        for (ptrdiff_t t = 0; t < plan->x.count; t += plan->tap_block)
            sizes.tiles += divide_up(smaller(plan->channel_block, plan->source_channels - c)
                                         * smaller(plan->tap_block, plan->x.count - t)
                                         * plan->y.count, sizes.taps);
    sizes.elements = divide_up(plan->rows, sizes.filters) * sizes.tiles * sizes.filters
        * sizes.taps * LANES;
    return sizes;
}

static ptrdiff_t NAME(dot_elements)(const DotPlan *dots)
{
    return NAME(dot_sizes)(&dots->input).elements;
}

/* One group summed over one chunk of images. */
static void NAME(dot_sums)(const void *argument, ptrdiff_t task, char *scratch)
{
    const DotPlan *dots = argument;
    const GatherPlan *plan = &dots->input;
    const NAME(DotSizes) sizes = NAME(dot_sizes)(plan);
    const ptrdiff_t group = task % plan->groups, chunk = task / plan->groups;
    const ptrdiff_t out_plane = plan->out_height * plan->out_width;
    const ptrdiff_t in_plane = plan->source_height * plan->source_width;
    const ptrdiff_t bands = plan->bands_y * plan->bands_x;
    const ptrdiff_t tile_elements = sizes.filters * sizes.taps * LANES;
    REAL *sums = (REAL *)dots->sums + task * sizes.elements;
    memset(sums, 0, (size_t)sizes.elements * sizeof(REAL));

    ptrdiff_t most_taps = plan->channel_block * plan->tap_block * plan->y.count;
    int32_t *offset = (int32_t *)scratch;
    REAL *packed = (REAL *)(scratch + round_up(most_taps * 4, 64));

    const ptrdiff_t begin = plan->batch * chunk / dots->chunks * bands;
    const ptrdiff_t end = plan->batch * (chunk + 1) / dots->chunks * bands;
    for (ptrdiff_t i = begin; i < end; i++) {
        ptrdiff_t image_group = i / bands * plan->groups + group, first_tile = 0;
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
                ptrdiff_t tiles = divide_up(taps, sizes.taps);
                ptrdiff_t part =
                    round_up(divide_up(pixels, divide_up(pixels, PIXELS_PER_DOT)), LANES);
                NAME(pack_planes)(plan, source + c0 * in_plane, channels, (int)t0,
                                  (int)t0 + x_taps, &band, plane, packed);
                fill_offsets(plan, channels, x_taps, &band, plane, offset);
                for (ptrdiff_t p = 0; p < pixels; p += part)
                    for (ptrdiff_t f = 0; f < plan->rows; f += sizes.filters)
                        for (ptrdiff_t tile = 0; tile < tiles; tile++) {
                            ptrdiff_t tap = tile * sizes.taps;
                            ptrdiff_t count = smaller(part, pixels - p);
                            const REAL *g = grad + f * out_plane + p;
                            REAL *to = sums + (f / sizes.filters * sizes.tiles + first_tile + tile)
                                * tile_elements;
                            if (sizes.filters == 1)
                                NAME(dot_tile_of_one)(taps - tap, count, g, packed + p,
                                                      offset + tap, to);
                            else
                                NAME(dot_tile_of_many)(plan->rows - f, taps - tap, count, g,
                                                       out_plane, packed + p, offset + tap, to);
                        }
                first_tile += tiles;
            }
    }
}

/* The sum of a vector's lanes over all chunks, `step` apart. */
static REAL NAME(sum_of_chunks)(const REAL *sums, ptrdiff_t step, ptrdiff_t chunks)
{
    VECTOR total = LOAD(sums);
    for (ptrdiff_t chunk = 1; chunk < chunks; chunk++)
        total += LOAD(sums + chunk * step);
    REAL lanes[MAX_LANES];
    STORE(lanes, total);
    for (ptrdiff_t half = LANES / 2; half > 0; half /= 2)
        for (ptrdiff_t lane = 0; lane < half; lane++)
            lanes[lane] += lanes[lane + half];
    return lanes[0];
}

/* Add up the chunks and lanes of one filter (the task, counted through all groups). */
static void NAME(dot_finish)(const void *argument, ptrdiff_t task, char *scratch)
{
    const DotPlan *dots = argument;
    const GatherPlan *plan = &dots->input;
    const NAME(DotSizes) sizes = NAME(dot_sizes)(plan);
    const ptrdiff_t group = task / plan->rows, filter = task % plan->rows;
    const ptrdiff_t kernel = (ptrdiff_t)plan->y.count * plan->x.count;
    const ptrdiff_t tile_elements = sizes.filters * sizes.taps * LANES;
    const REAL *sums = (const REAL *)dots->sums + group * sizes.elements
        + filter / sizes.filters * sizes.tiles * tile_elements
        + filter % sizes.filters * sizes.taps * LANES;
    REAL *out = (REAL *)plan->out + task * plan->source_channels * kernel;
    (void)scratch;

    for (ptrdiff_t c0 = 0; c0 < plan->source_channels; c0 += plan->channel_block)
        for (ptrdiff_t t0 = 0; t0 < plan->x.count; t0 += plan->tap_block) {
            ptrdiff_t channels = smaller(plan->channel_block, plan->source_channels - c0);
            ptrdiff_t x_taps = smaller(plan->tap_block, plan->x.count - t0), tap = 0;
            for (int ty = 0; ty < plan->y.count; ty++)
                for (ptrdiff_t c = c0; c < c0 + channels; c++)
                    for (ptrdiff_t tx = t0; tx < t0 + x_taps; tx++, tap++)
                        out[c * kernel + ty * plan->x.count + tx] = NAME(sum_of_chunks)(
                            sums + tap / sizes.taps * tile_elements + tap % sizes.taps * LANES,
                            plan->groups * sizes.elements, dots->chunks);
            sums += divide_up(tap, sizes.taps) * tile_elements;
        }
}

static const Kernels NAME(kernels) = {
    .pack_weights = NAME(pack_weights),
    .gather = NAME(gather),
    .weight_plan_blocks = NAME(weight_plan_blocks),
    .weight_sums = NAME(weight_sums),
    .weight_finish = NAME(weight_finish),
    .dot_elements = NAME(dot_elements),
    .dot_sums = NAME(dot_sums),
    .dot_finish = NAME(dot_finish),
};

#undef DOT_FILTERS
#undef DOT_TAPS
#undef DEPTHWISE_TAPS
#undef HOLD
