/* The steps of Winograd's convolution for one instruction set, included after conv_tile.h and
 * conv_product.h, whose vectors, packing and products it uses. conv_winograd.h explains the method. */

/* ---- one axis: to the points 0, a, -a, b, -b, infinity and back ------------------------------ */

#define POINT_A 0.625f
#define POINT_B 1.5f
#define SQUARE_A (POINT_A * POINT_A)
#define SQUARE_B (POINT_B * POINT_B)
/* 1 / N of conv_winograd.h, for each of the points. */
#define SCALE_0 (1 / (SQUARE_A * SQUARE_B))
#define SCALE_A (1 / (2 * SQUARE_A * (SQUARE_A - SQUARE_B)))
#define SCALE_B (1 / (2 * SQUARE_B * (SQUARE_B - SQUARE_A)))

/* Vectors lie `step` numbers apart, results `to_step`. */
#define AXIS_ARGUMENTS const REAL *from, ptrdiff_t step, REAL *to, ptrdiff_t to_step

/* Six neighbouring inputs. */
ALWAYS_INLINE void NAME(interpolate)(AXIS_ARGUMENTS)
{
    const VECTOR x0 = LOAD(from), x1 = LOAD(from + step), x2 = LOAD(from + 2 * step);
    const VECTOR x3 = LOAD(from + 3 * step), x4 = LOAD(from + 4 * step), x5 = LOAD(from + 5 * step);
    const VECTOR even_a = x4 - x2 * SQUARE_B, odd_a = x3 - x1 * SQUARE_B;
    const VECTOR even_b = x4 - x2 * SQUARE_A, odd_b = x3 - x1 * SQUARE_A;
    STORE(to, x4 - x2 * (SQUARE_A + SQUARE_B) + x0 * (SQUARE_A * SQUARE_B));
    STORE(to + to_step, even_a + odd_a * POINT_A);
    STORE(to + 2 * to_step, even_a - odd_a * POINT_A);
    STORE(to + 3 * to_step, even_b + odd_b * POINT_B);
    STORE(to + 4 * to_step, even_b - odd_b * POINT_B);
    STORE(to + 5 * to_step, x5 - x3 * (SQUARE_A + SQUARE_B) + x1 * (SQUARE_A * SQUARE_B));
}

/* The values of a polynomial with `count` coefficients, 2 to 5. */
ALWAYS_INLINE void NAME(evaluate)(const int count, AXIS_ARGUMENTS)
{
    const VECTOR x0 = LOAD(from), x1 = LOAD(from + step);
    VECTOR even_a = x0, even_b = x0, odd_a = x1 * POINT_A, odd_b = x1 * POINT_B;
    if (count > 2) {
        even_a += LOAD(from + 2 * step) * SQUARE_A;
        even_b += LOAD(from + 2 * step) * SQUARE_B;
    }
    if (count > 3) {
        odd_a += LOAD(from + 3 * step) * (SQUARE_A * POINT_A);
        odd_b += LOAD(from + 3 * step) * (SQUARE_B * POINT_B);
    }
    if (count > 4) {
        even_a += LOAD(from + 4 * step) * (SQUARE_A * SQUARE_A);
        even_b += LOAD(from + 4 * step) * (SQUARE_B * SQUARE_B);
    }
    STORE(to, x0);
    STORE(to + to_step, even_a + odd_a);
    STORE(to + 2 * to_step, even_a - odd_a);
    STORE(to + 3 * to_step, even_b + odd_b);
    STORE(to + 4 * to_step, even_b - odd_b);
    STORE(to + 5 * to_step, LOAD(from + (count - 1) * step));
}

/* The transpose of `evaluate`: `count` results. */
ALWAYS_INLINE void NAME(collect)(const int count, AXIS_ARGUMENTS)
{
    const VECTOR plus_a = LOAD(from + step), minus_a = LOAD(from + 2 * step);
    const VECTOR plus_b = LOAD(from + 3 * step), minus_b = LOAD(from + 4 * step);
    const VECTOR even_a = plus_a + minus_a, odd_a = plus_a - minus_a;
    const VECTOR even_b = plus_b + minus_b, odd_b = plus_b - minus_b;
    VECTOR result[5];
    result[0] = LOAD(from) + even_a + even_b;
    result[1] = odd_a * POINT_A + odd_b * POINT_B;
    result[2] = even_a * SQUARE_A + even_b * SQUARE_B;
    result[3] = odd_a * (SQUARE_A * POINT_A) + odd_b * (SQUARE_B * POINT_B);
    result[4] = even_a * (SQUARE_A * SQUARE_A) + even_b * (SQUARE_B * SQUARE_B);
    result[count - 1] += LOAD(from + 5 * step);
    UNROLL
    for (int j = 0; j < count; j++)
        STORE(to + j * to_step, result[j]);
}

/* Multiply the values at all positions by 1 / N of both axes. */
ALWAYS_INLINE void NAME(scale)(REAL *values, ptrdiff_t step)
{
    static const REAL scales[POINTS] = {SCALE_0, SCALE_A, SCALE_A, SCALE_B, SCALE_B, 1};
    for (int i = 0; i < POINTS; i++)
        for (int j = 0; j < POINTS; j++) {
            REAL *value = values + (i * POINTS + j) * step;
            STORE(value, LOAD(value) * (scales[i] * scales[j]));
        }
}

/* ---- plan ------------------------------------------------------------------------------------ */

static ptrdiff_t NAME(panel_step)(const WinogradPlan *plan, ptrdiff_t vectors)
{
    return position_step(plan->depth * vectors * LANES);
}

/* Choose tiles and blocks; `weight_grad` says which of both plans it is. */
static void NAME(winograd_plan_blocks)(WinogradPlan *plan, int weight_grad, ptrdiff_t threads)
{
    plan->depth = round_up(plan->channels, LANES) * plan->stride * plan->stride;
    ptrdiff_t channels = plan->depth, filters = round_up(plan->filters, LANES);
    plan->kernel = (int)divide_up(plan->kernel_size, plan->stride);
    plan->outputs = POINTS - plan->kernel + 1;
    plan->tiles_y = divide_up(plan->out_height, plan->outputs);
    plan->tiles_x = divide_up(plan->out_width, plan->outputs);
    plan->filter_vectors = filters / LANES;
    if (weight_grad) {
        filters = smaller(filters, WINOGRAD_BLOCK_FILTERS);
        channels = smaller(channels, WINOGRAD_BLOCK / filters / LANES * LANES);
        plan->filter_block = filters;
        plan->channel_block = channels;
        plan->filter_blocks = divide_up(plan->filters, filters);
        plan->channel_blocks = divide_up(plan->channels, channels);
    } else {
        filters = smaller(filters, TILE_VECTORS * LANES);
    }

    ptrdiff_t tile_bytes = POSITIONS * (channels + filters) * (ptrdiff_t)sizeof(REAL);
    ptrdiff_t tiles = smaller(larger(TILE_BYTES / tile_bytes, LEAST_TILES), MOST_TILES);
    ptrdiff_t rows = plan->batch * plan->tiles_y;
    plan->task_columns = smaller(plan->tiles_x, tiles);
    plan->tasks_x = divide_up(plan->tiles_x, plan->task_columns);
    plan->task_columns = divide_up(plan->tiles_x, plan->tasks_x);
    plan->tasks_x = divide_up(plan->tiles_x, plan->task_columns);
    plan->task_rows = larger(1, smaller(tiles / plan->task_columns, rows));
    if (!weight_grad)
        plan->task_rows = smaller(plan->task_rows, divide_up(rows * plan->tasks_x, threads));
    plan->tasks_y = divide_up(rows, plan->task_rows);
    plan->task_rows = divide_up(rows, plan->tasks_y);
    plan->tasks_y = divide_up(rows, plan->task_rows);
    tiles = plan->task_rows * plan->task_columns;

    if (weight_grad) {
        plan->chunks = smaller(divide_up(WINOGRAD_TASKS, winograd_blocks(plan)),
                               winograd_tasks(plan));
        plan->memory_elements = plan->chunks * winograd_blocks(plan) * POSITIONS
            * position_step(channels * filters);
    } else {
        plan->memory_elements = 0;
        for (ptrdiff_t v = 0, vectors; v < plan->filter_vectors; v += vectors) {
            vectors = NAME(choose_vectors)(plan->filter_vectors - v);
            plan->memory_elements += POSITIONS * NAME(panel_step)(plan, vectors);
        }
    }

    ptrdiff_t lines = plan->task_rows * plan->outputs + POINTS;
    ptrdiff_t columns = plan->task_columns * plan->outputs + POINTS;
    ptrdiff_t values = channels / LANES * POSITIONS * position_step(tiles * LANES);
    ptrdiff_t products = POSITIONS * position_step(tiles * filters);
    ptrdiff_t slack = 4 * MOST_PRODUCT_ROWS * TILE_VECTORS * LANES;
    plan->scratch_bytes = sizeof(REAL)
        * (size_t)((lines + POINTS) * columns * LANES + values + products + slack);
}

/* ---- steps of a task ------------------------------------------------------------------------- */

/* Some rows of tiles of one image: rows top ... top + rows, columns left ... left + columns;
 * `first` is the number of the first tile within the task. */
typedef struct {
    ptrdiff_t image, top, rows, left, columns, first;
} NAME(Tiles);

/* The part of a task that lies in one image, from row `*row` on (-1 at first); returns whether
 * there is one. */
static int NAME(next_tiles)(const WinogradPlan *plan, ptrdiff_t task, ptrdiff_t *row,
                            NAME(Tiles) *tiles)
{
    ptrdiff_t start = task / plan->tasks_x * plan->task_rows;
    ptrdiff_t end = smaller(start + plan->task_rows, plan->batch * plan->tiles_y);
    if (*row < 0)
        *row = start;
    tiles->left = task % plan->tasks_x * plan->task_columns;
    tiles->columns = smaller(plan->task_columns, plan->tiles_x - tiles->left);
    tiles->image = *row / plan->tiles_y;
    tiles->top = *row % plan->tiles_y;
    tiles->rows = smaller(end - *row, plan->tiles_y - tiles->top);
    tiles->first = (*row - start) * tiles->columns;
    *row += tiles->rows;
    return tiles->rows > 0;
}

/* Pack every step-th line and column of a rectangle of an image as [line][column][lane]: zeros
 * where channels or image end. */
static void NAME(pack_rectangle)(const REAL *image, ptrdiff_t height, ptrdiff_t width,
                                 ptrdiff_t channels, ptrdiff_t top, ptrdiff_t left,
                                 ptrdiff_t step, ptrdiff_t lines, ptrdiff_t columns, REAL *packed)
{
    ptrdiff_t first, last;
    inside(left, step, columns, width, &first, &last);
    for (ptrdiff_t line = 0; line < lines; line++, packed += columns * LANES) {
        ptrdiff_t y = top + line * step;
        if (y < 0 || y >= height) {
            NAME(fill_zero)(packed, columns * LANES);
            continue;
        }
        NAME(fill_zero)(packed, (channels < LANES ? columns : first) * LANES);
        NAME(pack_channels_last)(packed + first * LANES, LANES,
                                 image + y * width + left + first * step, height * width, step,
                                 channels, last - first);
        NAME(fill_zero)(packed + last * LANES, (columns - last) * LANES);
    }
}

/* Where a vector of channels belongs: the channel in the image, and the phase's first pixel. */
typedef struct {
    ptrdiff_t channel;
    int y, x;
} NAME(Phase);

ALWAYS_INLINE NAME(Phase) NAME(phase_of)(const WinogradPlan *plan, ptrdiff_t depth)
{
    const ptrdiff_t channels = round_up(plan->channels, LANES);
    const int number = (int)(depth / channels);
    return (NAME(Phase)){depth % channels, number / plan->stride, number % plan->stride};
}

/* Step 1 for one image, channels `first` to `end` of `depth`: fill `values`. */
static void NAME(values_of_input)(const WinogradPlan *plan, const REAL *source,
                                  ptrdiff_t first, ptrdiff_t end, const NAME(Tiles) *tiles,
                                  ptrdiff_t step, REAL *values, REAL *packed)
{
    const ptrdiff_t plane = plan->source_height * plan->source_width, outputs = plan->outputs;
    const ptrdiff_t lines = tiles->rows * outputs + POINTS - outputs;
    const ptrdiff_t columns = tiles->columns * outputs + POINTS - outputs;
    REAL *halfway = packed + lines * columns * LANES; /* [column][point along y][lane] */

    for (ptrdiff_t depth = first; depth < end; depth += LANES, values += POSITIONS * step) {
        const NAME(Phase) phase = NAME(phase_of)(plan, depth);
        NAME(pack_rectangle)(source + phase.channel * plane, plan->source_height,
                             plan->source_width, smaller(LANES, plan->channels - phase.channel),
                             tiles->top * outputs * plan->stride + phase.y - plan->padding_y,
                             tiles->left * outputs * plan->stride + phase.x - plan->padding_x,
                             plan->stride, lines, columns, packed);
        REAL *value = values + tiles->first * LANES;
        for (ptrdiff_t row = 0; row < tiles->rows; row++) {
            const REAL *line = packed + row * outputs * columns * LANES;
            for (ptrdiff_t x = 0; x < columns; x++)
                NAME(interpolate)(line + x * LANES, columns * LANES,
                                  halfway + x * POINTS * LANES, LANES);
            for (ptrdiff_t x = 0; x < tiles->columns; x++, value += LANES)
                for (int i = 0; i < POINTS; i++)
                    NAME(interpolate)(halfway + (x * outputs * POINTS + i) * LANES,
                                      POINTS * LANES, value + i * POINTS * step, step);
        }
    }
}

/* The values of LANES kernels: the task is one vector of filters, with all channels. */
ALWAYS_INLINE void NAME(values_of_kernels)(const WinogradPlan *plan, const int kernel,
                                           ptrdiff_t vector)
{
    const ptrdiff_t filters = smaller(LANES, plan->filters - vector * LANES);
    const ptrdiff_t area = plan->kernel_size * plan->kernel_size;
    /* the panel that the vector is in */
    REAL *panel = plan->memory;
    ptrdiff_t first = 0, vectors = NAME(choose_vectors)(plan->filter_vectors);
    while (vector >= first + vectors) {
        panel += POSITIONS * NAME(panel_step)(plan, vectors);
        first += vectors;
        vectors = NAME(choose_vectors)(plan->filter_vectors - first);
    }
    const ptrdiff_t step = NAME(panel_step)(plan, vectors);
    const REAL *weight = plan->weight + vector * LANES * plan->weight_filter;
    REAL *value = panel + (vector - first) * LANES;
    REAL weights[25 * MAX_LANES] = {0}, chosen[25 * MAX_LANES], halfway[POINTS * 5 * MAX_LANES];

    for (ptrdiff_t depth = 0; depth < plan->depth; depth++, value += vectors * LANES) {
        const NAME(Phase) phase = NAME(phase_of)(plan, depth);
        if (phase.channel >= plan->channels) {
            for (int position = 0; position < POSITIONS; position++)
                NAME(fill_zero)(value + position * step, LANES);
            continue;
        }
        for (ptrdiff_t k = 0; k < area; k++)
            NAME(fill_zero)(weights + k * LANES, LANES);
        NAME(pack_channels_last)(weights, LANES, weight + phase.channel * plan->weight_channel,
                                 plan->weight_filter, 1, filters, area);
        const REAL *taps = weights;
        if (plan->turned) {
            for (ptrdiff_t k = 0; k < area; k++)
                STORE(chosen + k * LANES, LOAD(weights + (area - 1 - k) * LANES));
            taps = chosen;
        } else if (plan->stride == 2) {
            const REAL *corner = weights + (phase.y * plan->kernel_size + phase.x) * LANES;
            for (int y = 0; y < kernel; y++)
                for (int x = 0; x < kernel; x++)
                    STORE(chosen + (y * kernel + x) * LANES,
                          LOAD(corner + 2 * (y * plan->kernel_size + x) * LANES));
            taps = chosen;
        }
        for (int x = 0; x < kernel; x++)
            NAME(evaluate)(kernel, taps + x * LANES, kernel * LANES, halfway + x * LANES,
                           kernel * LANES);
        for (int i = 0; i < POINTS; i++)
            NAME(evaluate)(kernel, halfway + i * kernel * LANES, LANES,
                           value + i * POINTS * step, step);
        NAME(scale)(value, step);
    }
}

static void NAME(winograd_kernels)(const void *argument, ptrdiff_t vector, char *scratch)
{
    const WinogradPlan *plan = argument;
    (void)scratch;
    if (plan->kernel == 2)
        NAME(values_of_kernels)(plan, 2, vector);
    else if (plan->kernel == 3)
        NAME(values_of_kernels)(plan, 3, vector);
    else
        NAME(values_of_kernels)(plan, 5, vector);
}

/* Step 2 for one panel. */
static void NAME(multiply_panel)(ptrdiff_t tiles, ptrdiff_t channel_vectors, const REAL *values,
                                 ptrdiff_t values_step, const REAL *panel, ptrdiff_t panel_step,
                                 ptrdiff_t vectors, REAL *products, ptrdiff_t products_step)
{
    const ptrdiff_t width = vectors * LANES;
    const ptrdiff_t most = larger(1, SUM_LENGTH / LANES), block = POSITIONS * values_step;
    for (int position = 0; position < POSITIONS; position++) {
        const NAME(Product) *product;
        for (ptrdiff_t tile = 0; tile < tiles; tile += product->rows) {
            product = NAME(choose_product)(tiles - tile, vectors);
            const REAL *a = values + position * values_step + tile * LANES;
            const REAL *b = panel + position * panel_step;
            REAL *c = products + position * products_step + tile * width;
            for (ptrdiff_t done = 0, blocks; done < channel_vectors; done += blocks) {
                blocks = smaller(most, channel_vectors - done);
                product->tile_rows(blocks, LANES, a + done * block, block,
                                   b + done * LANES * width, width, c, width, done > 0);
            }
        }
    }
}

/* Step 3 for one panel; returns whether all results are finite. */
ALWAYS_INLINE int NAME(write_outputs)(const WinogradPlan *plan, const int outputs,
                                      const NAME(Tiles) *tiles, ptrdiff_t first_vector,
                                      ptrdiff_t vectors, const REAL *products, ptrdiff_t step,
                                      REAL *lines)
{
    const ptrdiff_t plane = plan->out_height * plan->out_width, width = vectors * LANES;
    const ptrdiff_t left = tiles->left * outputs, columns = tiles->columns * outputs;
    const ptrdiff_t out_columns = smaller(columns, plan->out_width - left);
    VECTOR seen = {0};
    for (ptrdiff_t v = 0; v < vectors; v++) {
        const ptrdiff_t filter = (first_vector + v) * LANES;
        const ptrdiff_t filters = smaller(LANES, plan->filters - filter);
        REAL bias[MAX_LANES] = {0}, halfway[POINTS * 5 * MAX_LANES];
        if (plan->bias)
            for (ptrdiff_t f = 0; f < filters; f++)
                bias[f] = plan->bias[filter + f];
        for (ptrdiff_t row = 0; row < tiles->rows; row++) {
            const REAL *product =
                products + (tiles->first + row * tiles->columns) * width + v * LANES;
            for (ptrdiff_t x = 0; x < tiles->columns; x++, product += width) {
                REAL *to = lines + x * outputs * LANES;
                for (int i = 0; i < POINTS; i++)
                    NAME(collect)(outputs, product + i * POINTS * step, step,
                                  halfway + i * outputs * LANES, LANES);
                for (int j = 0; j < outputs; j++) {
                    NAME(collect)(outputs, halfway + j * LANES, outputs * LANES, to + j * LANES,
                                  columns * LANES);
                    UNROLL
                    for (int i = 0; i < outputs; i++) {
                        REAL *result = to + (i * columns + j) * LANES;
                        VECTOR sum = LOAD(result) + LOAD(bias);
                        STORE(result, sum);
                        seen += sum * 0; /* NaN from the first result on that is not finite */
                    }
                }
            }
            const ptrdiff_t y = (tiles->top + row) * outputs;
            REAL *out = plan->out + (tiles->image * plan->filters + filter) * plane
                + y * plan->out_width + left;
            for (ptrdiff_t i = 0; i < smaller(outputs, plan->out_height - y); i++)
                NAME(pack_channels_last)(out + i * plan->out_width, plane,
                                         lines + i * columns * LANES, LANES, 1, out_columns,
                                         filters);
        }
    }
    REAL lanes[MAX_LANES], total = 0;
    STORE(lanes, seen);
    for (ptrdiff_t lane = 0; lane < LANES; lane++)
        total += lanes[lane];
    return total == 0;
}

static int NAME(write_finite_outputs)(const WinogradPlan *plan, const NAME(Tiles) *tiles,
                                      ptrdiff_t first_vector, ptrdiff_t vectors,
                                      const REAL *products, ptrdiff_t step, REAL *lines)
{
    switch (plan->outputs) {
    case 2:
        return NAME(write_outputs)(plan, 2, tiles, first_vector, vectors, products, step, lines);
    case 4:
        return NAME(write_outputs)(plan, 4, tiles, first_vector, vectors, products, step, lines);
    default:
        return NAME(write_outputs)(plan, 5, tiles, first_vector, vectors, products, step, lines);
    }
}

/* ---- tasks ----------------------------------------------------------------------------------- */

/* All filters for some rows of tiles. */
static void NAME(winograd_forward)(const void *argument, ptrdiff_t task, char *scratch)
{
    WinogradPlan *plan = (WinogradPlan *)argument;
    const ptrdiff_t source_image = plan->channels * plan->source_height * plan->source_width;
    const ptrdiff_t channel_vectors = plan->depth / LANES;
    const ptrdiff_t most_tiles = plan->task_rows * plan->task_columns;
    const ptrdiff_t values_step = position_step(most_tiles * LANES);
    REAL *values = (REAL *)scratch;
    REAL *products = values + channel_vectors * POSITIONS * values_step + MOST_PRODUCT_ROWS * LANES;
    const ptrdiff_t panel_vectors = smaller(TILE_VECTORS, plan->filter_vectors);
    const ptrdiff_t products_step = position_step(most_tiles * panel_vectors * LANES);
    REAL *packed = products + POSITIONS * products_step
        + MOST_PRODUCT_ROWS * TILE_VECTORS * LANES;

    NAME(Tiles) tiles;
    ptrdiff_t row = -1, count = 0;
    while (NAME(next_tiles)(plan, task, &row, &tiles)) {
        count = tiles.first + tiles.rows * tiles.columns;
        NAME(values_of_input)(plan, plan->source + tiles.image * source_image, 0, plan->depth,
                              &tiles, values_step, values, packed);
    }
    const REAL *panel = plan->memory;
    for (ptrdiff_t v = 0, vectors; v < plan->filter_vectors; v += vectors) {
        vectors = NAME(choose_vectors)(plan->filter_vectors - v);
        const ptrdiff_t panel_step = NAME(panel_step)(plan, vectors);
        NAME(multiply_panel)(count, channel_vectors, values, values_step, panel, panel_step,
                             vectors, products, products_step);
        panel += POSITIONS * panel_step;
        row = -1;
        while (NAME(next_tiles)(plan, task, &row, &tiles)) {
            if (!NAME(write_finite_outputs)(plan, &tiles, v, vectors, products, products_step,
                                            packed))
                plan->not_finite = 1;
        }
    }
}

/* The values of a gradient's tiles, [position][tile][filter]. */
ALWAYS_INLINE void NAME(values_of_grad)(const WinogradPlan *plan, const int outputs,
                                        const REAL *grad, ptrdiff_t filters,
                                        const NAME(Tiles) *tiles, ptrdiff_t step, REAL *values,
                                        ptrdiff_t width, REAL *packed)
{
    const ptrdiff_t plane = plan->out_height * plan->out_width;
    const ptrdiff_t columns = tiles->columns * outputs;
    REAL halfway[POINTS * 4 * MAX_LANES];
    for (ptrdiff_t f = 0; f < filters; f += LANES) {
        NAME(pack_rectangle)(grad + f * plane, plan->out_height, plan->out_width,
                             smaller(LANES, filters - f), tiles->top * outputs,
                             tiles->left * outputs, 1, tiles->rows * outputs, columns, packed);
        REAL *value = values + tiles->first * width + f;
        for (ptrdiff_t row = 0; row < tiles->rows; row++)
            for (ptrdiff_t x = 0; x < tiles->columns; x++, value += width) {
                const REAL *corner = packed + (row * outputs * columns + x * outputs) * LANES;
                for (int j = 0; j < outputs; j++)
                    NAME(evaluate)(outputs, corner + j * LANES, columns * LANES,
                                   halfway + j * LANES, outputs * LANES);
                for (int i = 0; i < POINTS; i++)
                    NAME(evaluate)(outputs, halfway + i * outputs * LANES, LANES,
                                   value + i * POINTS * step, step);
            }
    }
}

/* One block of channels and filters, summed over one chunk of the tiles. */
static void NAME(winograd_weight_sums)(const void *argument, ptrdiff_t task, char *scratch)
{
    const WinogradPlan *plan = argument;
    const ptrdiff_t blocks = winograd_blocks(plan), block = task % blocks, chunk = task / blocks;
    const ptrdiff_t channel0 = block / plan->filter_blocks * plan->channel_block;
    const ptrdiff_t filter0 = block % plan->filter_blocks * plan->filter_block;
    const ptrdiff_t channels = smaller(plan->channel_block, plan->channels - channel0);
    const ptrdiff_t filters = smaller(plan->filter_block, plan->filters - filter0);
    const ptrdiff_t width = round_up(filters, LANES), channel_vectors = divide_up(channels, LANES);
    const ptrdiff_t source_plane = plan->source_height * plan->source_width;
    const ptrdiff_t out_plane = plan->out_height * plan->out_width;
    const ptrdiff_t most_tiles = plan->task_rows * plan->task_columns;
    const ptrdiff_t values_step = position_step(most_tiles * LANES);
    const ptrdiff_t grad_step = position_step(most_tiles * plan->filter_block);
    const ptrdiff_t sums_step = position_step(plan->channel_block * plan->filter_block);
    REAL *values = (REAL *)scratch;
    REAL *grads = values + channel_vectors * POSITIONS * values_step + MOST_PRODUCT_ROWS * LANES;
    REAL *packed = grads + POSITIONS * grad_step + TILE_VECTORS * LANES;
    REAL *sums = plan->memory + task * POSITIONS * sums_step;

    int add = 0;
    const ptrdiff_t all = winograd_tasks(plan);
    for (ptrdiff_t part = all * chunk / plan->chunks; part < all * (chunk + 1) / plan->chunks;
         part++) {
        NAME(Tiles) tiles;
        ptrdiff_t row = -1, count = 0;
        while (NAME(next_tiles)(plan, part, &row, &tiles)) {
            count = tiles.first + tiles.rows * tiles.columns;
            NAME(values_of_input)(
                plan, plan->source + tiles.image * plan->channels * source_plane, channel0,
                channel0 + channels, &tiles, values_step, values, packed);
            const REAL *grad = plan->grad + (tiles.image * plan->filters + filter0) * out_plane;
            if (plan->outputs == 4)
                NAME(values_of_grad)(plan, 4, grad, filters, &tiles, grad_step, grads, width,
                                     packed);
            else
                NAME(values_of_grad)(plan, 2, grad, filters, &tiles, grad_step, grads, width,
                                     packed);
        }
        for (int position = 0; position < POSITIONS; position++)
            for (ptrdiff_t first = 0; first < count; first += SUM_LENGTH) {
                ptrdiff_t length = smaller(SUM_LENGTH, count - first), vectors;
                for (ptrdiff_t v = 0; v < width; v += vectors * LANES) {
                    vectors = NAME(choose_vectors)((width - v) / LANES);
                    const NAME(Product) *product = NAME(choose_product)(LANES, vectors);
                    const REAL *b = grads + position * grad_step + first * width + v;
                    for (ptrdiff_t c = 0; c < channel_vectors * LANES; c += product->rows) {
                        const REAL *a = values
                            + (c / LANES * POSITIONS + position) * values_step
                            + first * LANES + c % LANES;
                        product->lane_rows(1, length, a, 0, b, width,
                                           sums + position * sums_step + c * width + v, width,
                                           add || first > 0);
                    }
                }
            }
        add = 1;
    }
}

/* Add up the chunks of one block and go back from the points to the weights. */
ALWAYS_INLINE int NAME(collect_weights)(const WinogradPlan *plan, const int kernel,
                                        ptrdiff_t block)
{
    const ptrdiff_t channel0 = block / plan->filter_blocks * plan->channel_block;
    const ptrdiff_t filter0 = block % plan->filter_blocks * plan->filter_block;
    const ptrdiff_t channels = smaller(plan->channel_block, plan->channels - channel0);
    const ptrdiff_t filters = smaller(plan->filter_block, plan->filters - filter0);
    const ptrdiff_t step = position_step(plan->channel_block * plan->filter_block);
    const ptrdiff_t width = round_up(filters, LANES), area = kernel * kernel;
    const ptrdiff_t next_chunk = winograd_blocks(plan) * POSITIONS * step;
    REAL values[POSITIONS * MAX_LANES], halfway[POINTS * 5 * MAX_LANES], weights[25 * MAX_LANES];
    VECTOR seen = {0};

    for (ptrdiff_t c = 0; c < channels; c++)
        for (ptrdiff_t f = 0; f < filters; f += LANES) {
            for (int position = 0; position < POSITIONS; position++) {
                const REAL *sum = plan->memory + (block * POSITIONS + position) * step
                    + c * width + f;
                VECTOR total = LOAD(sum);
                for (ptrdiff_t chunk = 1; chunk < plan->chunks; chunk++)
                    total += LOAD(sum + chunk * next_chunk);
                STORE(values + position * LANES, total);
            }
            NAME(scale)(values, LANES);
            for (int i = 0; i < POINTS; i++)
                NAME(collect)(kernel, values + i * POINTS * LANES, LANES,
                              halfway + i * kernel * LANES, LANES);
            for (int j = 0; j < kernel; j++)
                NAME(collect)(kernel, halfway + j * LANES, kernel * LANES, weights + j * LANES,
                              kernel * LANES);
            for (ptrdiff_t k = 0; k < area; k++)
                seen += LOAD(weights + k * LANES) * 0;
            NAME(pack_channels_last)(
                plan->out + ((filter0 + f) * plan->channels + channel0 + c) * area,
                plan->channels * area, weights, LANES, 1, area, smaller(LANES, filters - f));
        }
    REAL lanes[MAX_LANES], total = 0;
    STORE(lanes, seen);
    for (ptrdiff_t lane = 0; lane < LANES; lane++)
        total += lanes[lane];
    return total == 0;
}

static void NAME(winograd_weight_finish)(const void *argument, ptrdiff_t block, char *scratch)
{
    WinogradPlan *plan = (WinogradPlan *)argument;
    (void)scratch;
    int finite = plan->kernel == 3 ? NAME(collect_weights)(plan, 3, block)
                                   : NAME(collect_weights)(plan, 5, block);
    if (!finite)
        plan->not_finite = 1;
}

static const WinogradKernels NAME(winograd) = {
    .lanes = (int)LANES,
    .plan_blocks = NAME(winograd_plan_blocks),
    .kernels = NAME(winograd_kernels),
    .forward = NAME(winograd_forward),
    .weight_sums = NAME(winograd_weight_sums),
    .weight_finish = NAME(winograd_weight_finish),
};

#undef POINT_A
#undef POINT_B
#undef SQUARE_A
#undef SQUARE_B
#undef SCALE_0
#undef SCALE_A
#undef SCALE_B
#undef AXIS_ARGUMENTS
