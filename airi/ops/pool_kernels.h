/* Pooling for one number type (REAL) and one instruction set, included after conv_tile.h, whose
 * vectors it uses.
 *
 * Forward
 * -------
 * Lanes of a vector are neighbouring windows. A row of windows looks at KH lines of the image; tap
 * (i, j) of all windows is every stride-th element of line i from j on:
 *
 *                  window 0    window 1    window 2        3 x 3 windows, stride 2, padding 1
 *     line 0   | p   a   b   c   d   e   f ...
 *     line 1   | p   g   h   i   j   k   l ...             tap (0, 1) of the windows: a c e ...
 *     line 2   | p   m   n   o   p   q   r ...
 *
 * Lines that lie in the image as they are needed are read where they are; else they are copied,
 * with the padding (minus infinity, or zero) around them. What a vector has too much at the end of
 * a row is overwritten by the next row. A window's running maximum and the number of the tap that
 * it came from, its *place*, stay in registers; the place is kept in a single byte.
 *
 * Backward
 * --------
 * Column c of the padded image receives through tap j from window (c - j) / stride, where that is
 * whole. So the columns with c = m * stride + r take the taps j = q * stride + r, and each of these
 * is the row of windows shifted by q; for the maximum with zeros where the place is another one.
 * The rows r = 0 ... stride - 1 are interleaved to a line of the image. Lines that several rows of
 * windows share are stored by the first and added to by the others, so that nothing need be set
 * to zero beforehand.
 */

#ifdef VECTOR_BYTES
#define PLACES NAME(places)
typedef POSITION PLACES
    __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(POSITION)), may_alias));
#define TRUE_WHERE(condition) ((PLACES)(condition)) /* all bits of the lanes where it holds */
#define SELECT(where, yes, no) ((VECTOR)(((PLACES)(yes) & (where)) | ((PLACES)(no) & ~(where))))
#else
#define PLACES POSITION
#define TRUE_WHERE(condition) (-(POSITION)(condition))
#define SELECT(where, yes, no) ((where) ? (yes) : (no))
#endif
#define AT_PLACES(address) (*(PLACES *)(address))

/* Call function(stride, kernel width, ...) with the common ones as constants. */
#define WITH_CONSTANTS(function, plan, ...)                                                     \
    do {                                                                                        \
        const int stride = (plan)->stride[1], width = (plan)->kernel[1];                        \
        if (stride == 2 && width == 2)                                                          \
            function(2, 2, __VA_ARGS__);                                                        \
        else if (stride == 2 && width == 3)                                                     \
            function(2, 3, __VA_ARGS__);                                                        \
        else if (stride == 1 && width == 3)                                                     \
            function(1, 3, __VA_ARGS__);                                                        \
        else if (stride == 2)                                                                   \
            function(2, width, __VA_ARGS__);                                                    \
        else if (stride == 1)                                                                   \
            function(1, width, __VA_ARGS__);                                                    \
        else                                                                                    \
            function(0, width, __VA_ARGS__);                                                    \
    } while (0)

/* ---- lines of the image ---------------------------------------------------------------------- */

/* The lines of the image that a row of windows looks at, each from the first window's left edge. */
typedef struct {
    ptrdiff_t first_tap, count; /* the tap of the first of them: others lie in the padding */
    const REAL **line;
} NAME(Lines);

/* Find or copy the lines for row `y` of the windows; `copies` has room for one a tap. */
static void NAME(lines_for)(const PoolPlan *plan, const REAL *image, ptrdiff_t y, REAL padding,
                            REAL *copies, NAME(Lines) *lines)
{
    const ptrdiff_t left = plan->padding[1], step = pool_line_elements(plan);
    const ptrdiff_t top = y * plan->stride[0] - plan->padding[0];
    const ptrdiff_t needed =
        (plan->out_width - 1) * plan->stride[1] + (plan->kernel[1] - 1) * plan->dilation[1] + 1;
    const ptrdiff_t read = round_up(plan->out_width, LANES) * plan->stride[1]
        + (plan->kernel[1] - 1) * plan->dilation[1] + LANES;
    const REAL *end = (const REAL *)plan->source + plan->planes * plan->height * plan->width;
    const ptrdiff_t copied = smaller(plan->width, needed - left);
    ptrdiff_t first, last;
    inside(top, plan->dilation[0], plan->kernel[0], plan->height, &first, &last);
    lines->first_tap = first;
    lines->count = last - first;
    for (ptrdiff_t i = first; i < last; i++, copies += step) {
        const REAL *line = image + (top + i * plan->dilation[0]) * plan->width;
        lines->line[i - first] = line;
        if (left == 0 && needed <= plan->width && end - line >= read)
            continue;
        for (ptrdiff_t x = 0; x < left; x++)
            copies[x] = padding;
        ptrdiff_t x = 0;
        if (end - line >= copied + LANES)
            for (; x < copied; x += LANES)
                STORE(copies + left + x, LOAD(line + x));
        else
            for (; x < copied; x++)
                copies[left + x] = line[x];
        for (x = left + copied; x < needed; x++)
            copies[x] = padding;
        lines->line[i - first] = copies;
    }
}

/* Where a row of `count` results goes that begins at `row`: there, unless its whole vectors would
 * reach beyond the `left` elements of the plane; then to `spare`, from where it is copied. */
ALWAYS_INLINE REAL *NAME(row_or_spare)(REAL *row, ptrdiff_t count, ptrdiff_t left, REAL *spare)
{
    return round_up(count, LANES) <= left ? row : spare;
}

/* ---- maximum --------------------------------------------------------------------------------- */

/* The maxima of a row of windows and their places. Of equal elements the first stays; NaN beats
 * every number, and of several NaNs the last counts. */
ALWAYS_INLINE void NAME(max_row)(const int stride, const int kernel_width, const PoolPlan *plan,
                                 const NAME(Lines) *lines, const POSITION *start, REAL *out,
                                 POSITION *where)
{
    const ptrdiff_t step = plan->stride[1], dilation = plan->dilation[1];
    const PLACES none = {0};
    for (ptrdiff_t x = 0; x < plan->out_width; x += LANES) {
        VECTOR best = {0};
        best -= (REAL)INFINITY;
        POSITION place = (POSITION)(lines->first_tap * kernel_width);
        PLACES from = AT_PLACES(start + x) + place;
        for (ptrdiff_t i = 0; i < lines->count; i++) {
            const REAL *line = lines->line[i] + x * step;
            UNROLL
            for (int j = 0; j < kernel_width; j++, place++) {
                VECTOR value = NAME(load_strided)(stride, step, line + j * dilation);
                PLACES take = TRUE_WHERE((value > best) | (value != value));
                best = SELECT(take, value, best);
                from = ((none + place) & take) | (from & ~take);
            }
        }
        STORE(out + x, best);
        AT_PLACES(where + x) = from;
    }
}

static void NAME(max_pool_forward)(const void *argument, ptrdiff_t task, char *scratch)
{
    const PoolPlan *plan = argument;
    const ptrdiff_t out_width = plan->out_width, outputs = plan->out_height * out_width;
    const ptrdiff_t step = pool_line_elements(plan), taps = plan->kernel[0] * plan->kernel[1];

    /* scratch: lines; where each tap lies from the window's corner; the tap where windows begin,
     * which is the first that is inside the image; the places of a row; a row of maxima; copies */
    NAME(Lines) lines = {0, 0, (const REAL **)scratch};
    POSITION *offset = (POSITION *)(lines.line + plan->kernel[0]);
    POSITION *start = offset + taps, *where = start + step;
    REAL *spare = (REAL *)(where + step), *copies = spare + step;
    for (ptrdiff_t tap = 0; tap < taps; tap++)
        offset[tap] = (POSITION)(tap / plan->kernel[1] * plan->dilation[0] * plan->width
                                 + tap % plan->kernel[1] * plan->dilation[1]);
    for (ptrdiff_t x = 0; x < step; x++) {
        ptrdiff_t left = x * plan->stride[1] - plan->padding[1];
        start[x] = (POSITION)(left < 0 ? divide_up(-left, plan->dilation[1]) : 0);
    }

    const ptrdiff_t first = task * plan->planes_at_a_time;
    for (ptrdiff_t p = first; p < smaller(first + plan->planes_at_a_time, plan->planes); p++) {
        const REAL *image = (const REAL *)plan->source + p * plan->height * plan->width;
        REAL *out = (REAL *)plan->out + p * outputs;
        for (ptrdiff_t y = 0; y < plan->out_height; y++, out += out_width) {
            const ptrdiff_t done = y * out_width;
            REAL *row = NAME(row_or_spare)(out, out_width, outputs - done, spare);
            NAME(lines_for)(plan, image, y, -(REAL)INFINITY, copies, &lines);
            WITH_CONSTANTS(NAME(max_row), plan, plan, &lines, start, row, where);
            if (row != out)
                memcpy(out, row, (size_t)out_width * sizeof(REAL));
            if (plan->places) {
                uint8_t *places = plan->places + p * outputs + done;
                for (ptrdiff_t x = 0; x < out_width; x++)
                    places[x] = (uint8_t)where[x];
                continue;
            }
            int64_t *indices = plan->indices + p * outputs + done;
            const ptrdiff_t corner =
                (y * plan->stride[0] - plan->padding[0]) * plan->width - plan->padding[1];
            for (ptrdiff_t x = 0; x < out_width; x++)
                indices[x] = corner + x * plan->stride[1] + offset[where[x]];
        }
    }
}

/* The gradient from indices into the plane, wherever they may point. */
static void NAME(max_pool_scatter)(const void *argument, ptrdiff_t task, char *scratch)
{
    const PoolPlan *plan = argument;
    const ptrdiff_t outputs = plan->out_height * plan->out_width;
    const ptrdiff_t elements = plan->height * plan->width, first = task * plan->planes_at_a_time;
    (void)scratch;

    for (ptrdiff_t p = first; p < smaller(first + plan->planes_at_a_time, plan->planes); p++) {
        const REAL *grad = (const REAL *)plan->source + p * outputs;
        const int64_t *indices = plan->indices + p * outputs;
        REAL *out = (REAL *)plan->out + p * elements;
        memset(out, 0, (size_t)elements * sizeof(REAL));
        for (ptrdiff_t i = 0; i < outputs; i++)
            out[indices[i]] += grad[i];
    }
}

/* ---- from windows back to lines of the image ------------------------------------------------- */

/* One line from a row of windows: `grad` and `where` begin with windows that do not exist, whose
 * gradient is 0. With `where`, only windows take part whose place is `place + j` for tap j. */
ALWAYS_INLINE void NAME(spread_row)(const int stride, const int kernel_width, const PoolPlan *plan,
                                    const REAL *grad, const POSITION *where, POSITION place,
                                    REAL *line)
{
    const ptrdiff_t step = stride ? stride : plan->stride[1];
    const ptrdiff_t windows = pool_spread_windows(plan);
    const VECTOR zero = {0};
    const PLACES none = {0};
    for (ptrdiff_t m = 0; m < windows; m += LANES) {
        VECTOR even = {0};
        UNROLL
        for (ptrdiff_t r = 0; r < step; r++) {
            const ptrdiff_t taps = divide_up(larger(0, kernel_width - r), step);
            VECTOR sum = {0};
            UNROLL
            for (ptrdiff_t q = 0; q < taps; q++) {
                VECTOR value = LOAD(grad + m - q);
                if (where) {
                    PLACES tap = none + (place + (POSITION)(q * step + r));
                    PLACES chosen = TRUE_WHERE(AT_PLACES(where + m - q) == tap);
                    value = SELECT(chosen, value, zero);
                }
                sum += value;
            }
            if (stride == 1) {
                STORE(line + m, sum);
                continue;
            }
#ifdef EVEN_LANES
            if (stride == 2) {
                if (r == 1) {
                    STORE(line + 2 * m, SHUFFLE(even, sum, LOW_LANES));
                    STORE(line + 2 * m + LANES, SHUFFLE(even, sum, HIGH_LANES));
                }
                even = sum;
                continue;
            }
#endif
            REAL lanes[LANES > 0 ? LANES : 1];
            STORE(lanes, sum);
            for (ptrdiff_t lane = 0; lane < LANES; lane++)
                line[(m + lane) * step + r] = lanes[lane];
        }
        (void)even;
    }
}

/* Store or add `count` elements of a line; whole vectors may spoil what follows in the plane. */
ALWAYS_INLINE void NAME(put_line)(REAL *to, const REAL *line, ptrdiff_t count, int add, int whole)
{
    ptrdiff_t x = 0;
    for (; x < (whole ? count : count - LANES + 1); x += LANES) {
        VECTOR value = LOAD(line + x);
        if (add)
            value += LOAD(to + x);
        STORE(to + x, value);
    }
    for (; x < count; x++)
        to[x] = add ? to[x] + line[x] : line[x];
}

/* Scratch for the way back. */
typedef struct {
    REAL *grad, *line;    /* a row of windows, and of the padded image */
    POSITION *where;      /* for the maximum */
    REAL *divisor;        /* for the mean: elements of each window along x */
} NAME(Spread);

/* One plane of the gradient: to the places of maxima, or for the mean to all taps. */
static void NAME(spread_plane)(const PoolPlan *plan, ptrdiff_t p, const NAME(Spread) *spread)
{
    const ptrdiff_t out_width = plan->out_width, outputs = plan->out_height * out_width;
    const ptrdiff_t width = plan->width, height = plan->height;
    const REAL *grad = (const REAL *)plan->source + p * outputs;
    REAL *image = (REAL *)plan->out + p * height * width;
    ptrdiff_t written = 0; /* lines of the image */

    for (ptrdiff_t y = 0; y < plan->out_height; y++, grad += out_width) {
        const ptrdiff_t top = y * plan->stride[0] - plan->padding[0];
        if (spread->where) {
            const uint8_t *places = plan->places + p * outputs + y * out_width;
            for (ptrdiff_t x = 0; x < out_width; x++)
                spread->where[x] = places[x];
            memcpy(spread->grad, grad, (size_t)out_width * sizeof(REAL));
        } else {
            REAL lines = (REAL)pool_window_length(plan, 0, y);
            for (ptrdiff_t x = 0; x < out_width; x++) {
                REAL count = plan->divisor != 0 ? (REAL)plan->divisor : lines * spread->divisor[x];
                spread->grad[x] = grad[x] / (count != 0 ? count : 1);
            }
            WITH_CONSTANTS(NAME(spread_row), plan, plan, spread->grad, NULL, 0, spread->line);
        }
        for (int i = 0; i < plan->kernel[0]; i++) {
            const ptrdiff_t row = top + i;
            if (row < 0 || row >= height)
                continue;
            if (spread->where)
                WITH_CONSTANTS(NAME(spread_row), plan, plan, spread->grad, spread->where,
                               (POSITION)(i * plan->kernel[1]), spread->line);
            if (row > written)
                memset(image + written * width, 0,
                       (size_t)((row - written) * width) * sizeof(REAL));
            NAME(put_line)(image + row * width, spread->line + plan->padding[1], width,
                           row < written,
                           row + 1 >= written && (height - row - 1) * width >= LANES);
            written = larger(written, row + 1);
        }
    }
    memset(image + written * width, 0, (size_t)((height - written) * width) * sizeof(REAL));
}

/* Prepare the rows of windows (scratch): what no window writes stays zero. */
static NAME(Spread) NAME(spread_scratch)(const PoolPlan *plan, int with_places, char *scratch)
{
    const ptrdiff_t step = pool_line_elements(plan), margin = plan->kernel[1] + MAX_LANES;
    NAME(Spread) spread;
    REAL *memory = (REAL *)scratch;
    memset(memory, 0, (size_t)(4 * step) * sizeof(REAL));
    spread.grad = memory + margin;
    spread.line = memory + step;
    spread.where = with_places ? (POSITION *)(memory + 2 * step) + margin : NULL;
    spread.divisor = memory + 3 * step;
    for (ptrdiff_t x = 0; x < plan->out_width; x++)
        spread.divisor[x] = (REAL)pool_window_length(plan, 1, x);
    return spread;
}

static void NAME(max_pool_backward)(const void *argument, ptrdiff_t task, char *scratch)
{
    const PoolPlan *plan = argument;
    const NAME(Spread) spread = NAME(spread_scratch)(plan, 1, scratch);
    const ptrdiff_t first = task * plan->planes_at_a_time;
    for (ptrdiff_t p = first; p < smaller(first + plan->planes_at_a_time, plan->planes); p++)
        NAME(spread_plane)(plan, p, &spread);
}

/* ---- average --------------------------------------------------------------------------------- */

/* Windows' means from their lines' sum: out = taps summed over what they are divided by. */
ALWAYS_INLINE void NAME(mean_row)(const int stride, const int kernel_width, const PoolPlan *plan,
                                  const REAL *line, const REAL *divisor, REAL *out)
{
    const ptrdiff_t step = plan->stride[1];
    for (ptrdiff_t x = 0; x < plan->out_width; x += LANES) {
        VECTOR sum = {0};
        UNROLL
        for (int j = 0; j < kernel_width; j++)
            sum += NAME(load_strided)(stride, step, line + x * step + j);
        STORE(out + x, sum / LOAD(divisor + x));
    }
}

/* sum[x] = line[x] + line[step + x] + ...: `count` lines, of an array that ends at `end`. */
ALWAYS_INLINE void NAME(sum_of_lines)(const ptrdiff_t count, const REAL *line, ptrdiff_t step,
                                      ptrdiff_t length, const REAL *end, REAL *sum)
{
    const ptrdiff_t readable = end - line - (count - 1) * step;
    ptrdiff_t x = 0;
    for (; x < length && x + LANES <= readable; x += LANES) {
        VECTOR total = {0};
        UNROLL
        for (ptrdiff_t i = 0; i < count; i++)
            total += LOAD(line + i * step + x);
        STORE(sum + x, total);
    }
    for (; x < length; x++) {
        sum[x] = 0;
        for (ptrdiff_t i = 0; i < count; i++)
            sum[x] += line[i * step + x];
    }
}

static void NAME(average_pool_forward)(const void *argument, ptrdiff_t task, char *scratch)
{
    const PoolPlan *plan = argument;
    const ptrdiff_t out_width = plan->out_width, outputs = plan->out_height * out_width;
    const ptrdiff_t step = pool_line_elements(plan), first = task * plan->planes_at_a_time;
    const ptrdiff_t width = plan->width, left = plan->padding[1];
    const ptrdiff_t needed = (out_width - 1) * plan->stride[1] + plan->kernel[1];
    const REAL *end = (const REAL *)plan->source + plan->planes * plan->height * width;

    /* scratch: elements of windows along x, divisors of a row, sums of columns, a row of means */
    REAL *columns = (REAL *)scratch, *divisor = columns + step, *sums = divisor + step;
    REAL *spare = sums + step;
    for (ptrdiff_t x = 0; x < step; x++) {
        columns[x] = (REAL)(x < out_width ? pool_window_length(plan, 1, x) : 1);
        sums[x] = 0;
    }

    for (ptrdiff_t p = first; p < smaller(first + plan->planes_at_a_time, plan->planes); p++) {
        const REAL *image = (const REAL *)plan->source + p * plan->height * width;
        REAL *out = (REAL *)plan->out + p * outputs;
        for (ptrdiff_t y = 0; y < plan->out_height; y++, out += out_width) {
            REAL *row = NAME(row_or_spare)(out, out_width, outputs - y * out_width, spare);
            const REAL lines = (REAL)pool_window_length(plan, 0, y);
            for (ptrdiff_t x = 0; x < round_up(out_width, LANES); x++) {
                REAL count = plan->divisor != 0 ? (REAL)plan->divisor : lines * columns[x];
                divisor[x] = count != 0 ? count : 1; /* of no elements the sum is 0 anyway */
            }

            ptrdiff_t top = y * plan->stride[0] - plan->padding[0], first_tap, last_tap;
            inside(top, 1, plan->kernel[0], plan->height, &first_tap, &last_tap);
            const REAL *line = image + (top + first_tap) * width;
            if (last_tap - first_tap == 2)
                NAME(sum_of_lines)(2, line, width, width, end, sums + left);
            else if (last_tap - first_tap == 3)
                NAME(sum_of_lines)(3, line, width, width, end, sums + left);
            else
                NAME(sum_of_lines)(last_tap - first_tap, line, width, width, end, sums + left);
            for (ptrdiff_t x = left + width; x < needed; x++)
                sums[x] = 0;
            WITH_CONSTANTS(NAME(mean_row), plan, plan, sums, divisor, row);
            if (row != out)
                memcpy(out, row, (size_t)out_width * sizeof(REAL));
        }
    }
}

static void NAME(average_pool_backward)(const void *argument, ptrdiff_t task, char *scratch)
{
    const PoolPlan *plan = argument;
    const NAME(Spread) spread = NAME(spread_scratch)(plan, 0, scratch);
    const ptrdiff_t first = task * plan->planes_at_a_time;
    for (ptrdiff_t p = first; p < smaller(first + plan->planes_at_a_time, plan->planes); p++)
        NAME(spread_plane)(plan, p, &spread);
}

static const PoolKernels NAME(pool_kernels) = {
    .max_forward = NAME(max_pool_forward),
    .max_backward = NAME(max_pool_backward),
    .max_scatter = NAME(max_pool_scatter),
    .average_forward = NAME(average_pool_forward),
    .average_backward = NAME(average_pool_backward),
};

#undef WITH_CONSTANTS
#undef PLACES
#undef TRUE_WHERE
#undef SELECT
#undef AT_PLACES
