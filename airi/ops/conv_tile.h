/* The tile, packing, and the forward and input-gradient kernels for one number type (REAL) and one
 * instruction set (INSTRUCTIONS).
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

/* The lanes that separate even from odd elements of two vectors, and those that join them again. */
#if defined(SHUFFLE) && defined(VECTOR_BYTES)
#if VECTOR_BYTES / REAL_BYTES == 16
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define LOW_LANES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_LANES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VECTOR_BYTES / REAL_BYTES == 8
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#define LOW_LANES 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_LANES 4, 12, 5, 13, 6, 14, 7, 15
#elif VECTOR_BYTES / REAL_BYTES == 4
#define EVEN_LANES 0, 2, 4, 6
#define LOW_LANES 0, 4, 1, 5
#define HIGH_LANES 2, 6, 3, 7
#else
#define EVEN_LANES 0, 2
#define LOW_LANES 0, 2
#define HIGH_LANES 1, 3
#endif
#endif

/* Every stride-th element; `stride` is a constant, or 0 for that of `step`. */
ALWAYS_INLINE VECTOR NAME(load_strided)(const int stride, ptrdiff_t step, const REAL *from)
{
    if (stride == 1)
        return LOAD(from);
#ifdef EVEN_LANES
    if (stride == 2)
        return SHUFFLE(LOAD(from), LOAD(from + LANES), EVEN_LANES);
#endif
    REAL lanes[LANES > 0 ? LANES : 1];
    for (ptrdiff_t lane = 0; lane < LANES; lane++)
        lanes[lane] = from[lane * (stride ? stride : step)];
    return LOAD(lanes);
}

/* ---- the tile -------------------------------------------------------------------------------- */

/* The operands of a tile: c[row][v] += sum over k of a[a_offset[k] + row] * b[b_offset[k]][v].
 * Vectors of b are b_step apart, those of c follow each other, rows of c are c_step apart. */
#define TILE_ARGUMENTS                                                                          \
    ptrdiff_t taps, const REAL *a, const int32_t *a_offset, const REAL *b,                      \
    const int32_t *b_offset, ptrdiff_t b_step, const REAL *start, REAL *c, ptrdiff_t c_step

/* `rows` and `vectors` are constants, so that all the sums live in registers. They begin at zero;
 * start[row], or without `start` what c holds, is added at the end: adding small products to a
 * large sum one by one would lose more of their digits. */
ALWAYS_INLINE void NAME(tile)(const int rows, const int vectors, TILE_ARGUMENTS)
{
    VECTOR sum[MAX_SUMS];
    const VECTOR zero = {0};

    UNROLL
    for (int row = 0; row < rows; row++)
        UNROLL
        for (int v = 0; v < vectors; v++)
            sum[row * vectors + v] = zero;

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
        for (int v = 0; v < vectors; v++) {
            if (start)
                sum[row * vectors + v] += start[row];
            else
                sum[row * vectors + v] += LOAD(c + row * c_step + v * LANES);
            STORE(c + row * c_step + v * LANES, sum[row * vectors + v]);
        }
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

/* Whole vectors are written, so up to LANES - 1 elements after the run are overwritten too: lines
 * are packed in ascending order, and there is room after the last. KEEP_LOOP stops gcc from making
 * a library call of a loop over one or two vectors. */
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

/* As copy_run for every second element. */
ALWAYS_INLINE void NAME(copy_even)(REAL *target, const REAL *source, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i += LANES) {
        STORE(target + i, NAME(load_strided)(2, 2, source + 2 * i));
        KEEP_LOOP;
    }
}

/* Pack `lines` lines of `width`, `source_line` apart in the image: zeros, then every step-th
 * element for positions first ... last, then zeros. `source` is where position 0 is or would be. */
ALWAYS_INLINE void NAME(pack_lines)(REAL *target, ptrdiff_t width, const REAL *source,
                                    ptrdiff_t source_line, ptrdiff_t lines, ptrdiff_t step,
                                    ptrdiff_t first, ptrdiff_t last, int whole_vectors)
{
    for (; lines > 0; lines--, target += width, source += source_line) {
        NAME(fill_zero)(target, first);
        if (whole_vectors && step == 1)
            NAME(copy_run)(target + first, source + first, last - first);
        else if (whole_vectors && step == 2)
            NAME(copy_even)(target + first, source + 2 * first, last - first);
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
        const int may_read_on = source_end - image >= image_size + 2 * LANES;
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
                else if (x->step == 2 && may_read_on)
                    NAME(pack_lines)(to, width, from, source_line, bottom - top, 2, first, last, 1);
                else
                    NAME(pack_lines)(to, width, from, source_line, bottom - top, x->step,
                                     first, last, 0);
                NAME(fill_zero)(target + bottom * width, (lines - bottom) * width);
                target += lines * width;
            }
        }
    }
}

#ifdef SHUFFLE
/* Four channels of four pixels: to[i * target_step + c] = from[c * plane + i * step], with `third`
 * and `fourth` in place of 2 * plane and 3 * plane; `step` is 1 or 2. */
ALWAYS_INLINE void NAME(pack_quads)(const int step, REAL *to, ptrdiff_t target_step,
                                    const REAL *from, ptrdiff_t plane, ptrdiff_t third,
                                    ptrdiff_t fourth)
{
    QUAD a0 = AT_QUAD(from), a1 = AT_QUAD(from + plane);
    QUAD a2 = AT_QUAD(from + third), a3 = AT_QUAD(from + fourth);
    if (step == 2) { /* every second one of seven pixels */
        a0 = SHUFFLE(a0, AT_QUAD(from + 3), 0, 2, 5, 7);
        a1 = SHUFFLE(a1, AT_QUAD(from + plane + 3), 0, 2, 5, 7);
        a2 = SHUFFLE(a2, AT_QUAD(from + third + 3), 0, 2, 5, 7);
        a3 = SHUFFLE(a3, AT_QUAD(from + fourth + 3), 0, 2, 5, 7);
    }
    QUAD low01 = SHUFFLE(a0, a1, 0, 4, 1, 5), high01 = SHUFFLE(a0, a1, 2, 6, 3, 7);
    QUAD low23 = SHUFFLE(a2, a3, 0, 4, 1, 5), high23 = SHUFFLE(a2, a3, 2, 6, 3, 7);
    AT_QUAD(to) = SHUFFLE(low01, low23, 0, 1, 4, 5);
    AT_QUAD(to + target_step) = SHUFFLE(low01, low23, 2, 3, 6, 7);
    AT_QUAD(to + 2 * target_step) = SHUFFLE(high01, high23, 0, 1, 4, 5);
    AT_QUAD(to + 3 * target_step) = SHUFFLE(high01, high23, 2, 3, 6, 7);
}
#endif

/* target[i * target_step + c] = source[c * plane + i * source_step]: channels become innermost. */
static void NAME(pack_channels_last)(REAL *target, ptrdiff_t target_step,
                                     const REAL *source, ptrdiff_t plane,
                                     ptrdiff_t source_step, ptrdiff_t channels, ptrdiff_t count)
{
    if (channels == 1 && target_step == 1 && source_step == 1) {
        memcpy(target, source, (size_t)count * sizeof(REAL));
        return;
    }
    ptrdiff_t done = 0; /* pixels */
#ifdef SHUFFLE
    /* A cache line of pixels at a time, with all their channels. */
    const ptrdiff_t line = 64 / (ptrdiff_t)sizeof(REAL);
    const ptrdiff_t quads = source_step == 1 || source_step == 2 ? channels / 4 * 4 : 0;
    for (; quads && done + 4 <= count; done += smaller(line, count - done)) {
        const ptrdiff_t pixels = smaller(line, count - done) / 4 * 4;
        for (ptrdiff_t c = 0; c < quads; c += 4)
            for (ptrdiff_t i = done; i < done + pixels; i += 4) {
                const REAL *from = source + c * plane + i * source_step;
                REAL *to = target + i * target_step + c;
                if (source_step == 1)
                    NAME(pack_quads)(1, to, target_step, from, plane, 2 * plane, 3 * plane);
                else
                    NAME(pack_quads)(2, to, target_step, from, plane, 2 * plane, 3 * plane);
            }
        for (ptrdiff_t c = quads; c < channels; c++)
            for (ptrdiff_t i = done; i < done + pixels; i++)
                target[i * target_step + c] = source[c * plane + i * source_step];
        if (pixels < line) {
            done += pixels;
            break;
        }
    }
    /* Of two or three neighbouring channels a pixel's four numbers reach into the next pixel, which
     * is written after it; so the last pixels are not written in this way. */
    if (source_step == 1 && channels > 1 && channels < 4 && target_step == channels)
        for (; done + 5 <= count; done += 4)
            NAME(pack_quads)(1, target + done * target_step, target_step, source + done, plane,
                             (channels - 1) * plane, (channels - 1) * plane);
#endif
    for (ptrdiff_t c = 0; c < channels; c++)
        for (ptrdiff_t i = done; i < count; i++)
            target[i * target_step + c] = source[c * plane + i * source_step];
}

/* ---- forward and input gradient -------------------------------------------------------------- */

/* Pack one panel of weights, PANEL rows of one group (the task is its number). Panels follow each
 * other for each block of channels and taps; in a panel the rows are innermost, filled up with
 * zeros. */
static void NAME(pack_weights)(const void *argument, ptrdiff_t task, char *scratch)
{
    const GatherPlan *plan = argument;
    const ptrdiff_t panels = panel_count(plan), group = task / panels, panel = task % panels;
    const ptrdiff_t rows = smaller(PANEL, plan->rows - panel * PANEL);
    const ptrdiff_t channels = plan->source_channels;
    const REAL *weight = (const REAL *)plan->weight + group * plan->weight_group
        + panel * PANEL * plan->weight_row;
    const Taps *y = &plan->y, *x = &plan->x;
    REAL *block = (REAL *)plan->panels + group * (panel_elements(plan) / plan->groups);
    (void)scratch;

    for (ptrdiff_t c0 = 0; c0 < channels; c0 += plan->channel_block)
        for (ptrdiff_t t0 = 0; t0 < x->count; t0 += plan->tap_block) {
            ptrdiff_t channel_end = smaller(c0 + plan->channel_block, channels);
            ptrdiff_t tap_end = smaller(t0 + plan->tap_block, x->count);
            ptrdiff_t size = (channel_end - c0) * (tap_end - t0) * y->count * PANEL;
            REAL *target = block + panel * size;
            for (int ty = 0; ty < y->count; ty++)
                for (ptrdiff_t c = c0; c < channel_end; c++)
                    for (ptrdiff_t tx = t0; tx < tap_end; tx++, target += PANEL) {
                        const REAL *from = weight + c * plan->weight_channel
                            + y->kernel[ty] * plan->kernel_width + x->kernel[tx];
                        for (ptrdiff_t r = 0; r < PANEL; r++)
                            target[r] = r < rows ? from[r * plan->weight_row] : 0;
                    }
            block += panels * size;
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
