/* Pooling for one number type (REAL) and one instruction set, included beside conv_tile.h.
 *
 * An output row is made one kernel tap at a time: tap (i, j) meets the outputs of a row at every
 * stride-th element of one input row, so that the inner loops run along rows and the compiler can
 * turn them into vectors. Where a tap lies in the padding its loop is shorter; nothing is copied.
 * A task is one plane (one channel of one image).
 */

/* Call function(stride, ...) with the common strides as constants, for the vectoriser's sake. */
#define WITH_CONSTANT_STRIDE(function, stride, ...)                                             \
    do {                                                                                        \
        if ((stride) == 1)                                                                      \
            function(1, __VA_ARGS__);                                                           \
        else if ((stride) == 2)                                                                 \
            function(2, __VA_ARGS__);                                                           \
        else                                                                                    \
            function(stride, __VA_ARGS__);                                                      \
    } while (0)

/* ---- maximum --------------------------------------------------------------------------------- */

/* For `count` outputs: keep the larger of best and the next element of row, and its position. Of
 * equal elements the first stays; NaN beats every number, and of several NaNs the last counts. */
POOL_INLINE void NAME(keep_larger)(ptrdiff_t stride, ptrdiff_t count, const REAL *restrict row,
                                   POSITION position, REAL *restrict best,
                                   POSITION *restrict where)
{
    for (ptrdiff_t o = 0; o < count; o++) {
        REAL value = row[o * stride];
        int take = (value > best[o]) | (value != value);
        where[o] = take ? position + (POSITION)(o * stride) : where[o];
        best[o] = take ? value : best[o];
    }
}

static void NAME(max_pool_forward)(const void *argument, ptrdiff_t plane, char *scratch)
{
    const PoolPlan *plan = argument;
    const REAL *image = (const REAL *)plan->source + plane * plan->height * plan->width;
    ptrdiff_t out_width = plan->out_width;
    REAL *out = (REAL *)plan->out + plane * plan->out_height * out_width;
    int64_t *indices = plan->indices + plane * plan->out_height * out_width;
    POSITION *where = (POSITION *)scratch;
    ptrdiff_t stride = plan->stride[1];

    for (ptrdiff_t y = 0; y < plan->out_height; y++, out += out_width, indices += out_width) {
        ptrdiff_t top = y * plan->stride[0] - plan->padding[0], first_row, last_row;
        inside(top, plan->dilation[0], plan->kernel[0], plan->height, &first_row, &last_row);
        ptrdiff_t first_y = top + first_row * plan->dilation[0];

        /* Begin with minus infinity at the first element of the window that is in the image. */
        for (ptrdiff_t x = 0; x < out_width; x++) {
            ptrdiff_t left = x * stride - plan->padding[1];
            ptrdiff_t skipped = left < 0 ? divide_up(-left, plan->dilation[1]) : 0;
            where[x] = (POSITION)(first_y * plan->width + left + skipped * plan->dilation[1]);
            out[x] = -(REAL)INFINITY;
        }
        for (ptrdiff_t i = first_row; i < last_row; i++) {
            ptrdiff_t row = top + i * plan->dilation[0];
            for (int j = 0; j < plan->kernel[1]; j++) {
                ptrdiff_t start = (ptrdiff_t)j * plan->dilation[1] - plan->padding[1], first, last;
                inside(start, stride, out_width, plan->width, &first, &last);
                ptrdiff_t position = row * plan->width + start + first * stride;
                WITH_CONSTANT_STRIDE(NAME(keep_larger), stride, last - first, image + position,
                                     (POSITION)position, out + first, where + first);
            }
        }
        for (ptrdiff_t x = 0; x < out_width; x++)
            indices[x] = where[x];
    }
}

static void NAME(max_pool_backward)(const void *argument, ptrdiff_t plane, char *scratch)
{
    const PoolPlan *plan = argument;
    ptrdiff_t outputs = plan->out_height * plan->out_width;
    ptrdiff_t elements = plan->height * plan->width;
    const REAL *grad = (const REAL *)plan->source + plane * outputs;
    const int64_t *indices = plan->indices + plane * outputs;
    REAL *out = (REAL *)plan->out + plane * elements;
    (void)scratch;

    for (ptrdiff_t i = 0; i < elements; i++)
        out[i] = 0;
    for (ptrdiff_t i = 0; i < outputs; i++)
        out[indices[i]] += grad[i];
}

/* ---- average --------------------------------------------------------------------------------- */

POOL_INLINE void NAME(add_row)(ptrdiff_t stride, ptrdiff_t count, const REAL *restrict row,
                               REAL *restrict sum)
{
    for (ptrdiff_t o = 0; o < count; o++)
        sum[o] += row[o * stride];
}

POOL_INLINE void NAME(spread_row)(ptrdiff_t stride, ptrdiff_t count, const REAL *restrict share,
                                  REAL *restrict row)
{
    for (ptrdiff_t o = 0; o < count; o++)
        row[o * stride] += share[o];
}

/* The number of window elements along one axis that count in the mean. */
static ptrdiff_t NAME(window_length)(const PoolPlan *plan, int axis, ptrdiff_t output)
{
    ptrdiff_t size = axis ? plan->width : plan->height, padding = plan->padding[axis];
    ptrdiff_t start = output * plan->stride[axis] - padding;
    ptrdiff_t stop = smaller(start + plan->kernel[axis], size + padding);
    return plan->count_padding ? stop - start : smaller(stop, size) - larger(start, 0);
}

/* The divisors of an output row. A window without elements has the sum 0, whatever it divides. */
static void NAME(divisors)(const PoolPlan *plan, ptrdiff_t y, REAL *divisor)
{
    ptrdiff_t lines = NAME(window_length)(plan, 0, y);
    for (ptrdiff_t x = 0; x < plan->out_width; x++) {
        ptrdiff_t count = lines * NAME(window_length)(plan, 1, x);
        divisor[x] = plan->divisor != 0 ? (REAL)plan->divisor : (REAL)(count ? count : 1);
    }
}

static void NAME(average_pool_forward)(const void *argument, ptrdiff_t plane, char *scratch)
{
    const PoolPlan *plan = argument;
    const REAL *image = (const REAL *)plan->source + plane * plan->height * plan->width;
    ptrdiff_t out_width = plan->out_width, stride = plan->stride[1];
    REAL *out = (REAL *)plan->out + plane * plan->out_height * out_width;
    REAL *divisor = (REAL *)scratch;

    for (ptrdiff_t y = 0; y < plan->out_height; y++, out += out_width) {
        ptrdiff_t top = y * plan->stride[0] - plan->padding[0], first_row, last_row;
        inside(top, 1, plan->kernel[0], plan->height, &first_row, &last_row);
        for (ptrdiff_t x = 0; x < out_width; x++)
            out[x] = 0;
        for (ptrdiff_t row = top + first_row; row < top + last_row; row++)
            for (ptrdiff_t j = 0; j < plan->kernel[1]; j++) {
                ptrdiff_t start = j - plan->padding[1], first, last;
                inside(start, stride, out_width, plan->width, &first, &last);
                WITH_CONSTANT_STRIDE(NAME(add_row), stride, last - first,
                                     image + row * plan->width + start + first * stride,
                                     out + first);
            }
        NAME(divisors)(plan, y, divisor);
        for (ptrdiff_t x = 0; x < out_width; x++)
            out[x] /= divisor[x];
    }
}

static void NAME(average_pool_backward)(const void *argument, ptrdiff_t plane, char *scratch)
{
    const PoolPlan *plan = argument;
    ptrdiff_t out_width = plan->out_width, stride = plan->stride[1];
    ptrdiff_t elements = plan->height * plan->width;
    const REAL *grad = (const REAL *)plan->source + plane * plan->out_height * out_width;
    REAL *out = (REAL *)plan->out + plane * elements;
    REAL *share = (REAL *)scratch;

    for (ptrdiff_t i = 0; i < elements; i++)
        out[i] = 0;
    for (ptrdiff_t y = 0; y < plan->out_height; y++, grad += out_width) {
        ptrdiff_t top = y * plan->stride[0] - plan->padding[0], first_row, last_row;
        inside(top, 1, plan->kernel[0], plan->height, &first_row, &last_row);
        NAME(divisors)(plan, y, share);
        for (ptrdiff_t x = 0; x < out_width; x++)
            share[x] = grad[x] / share[x];
        for (ptrdiff_t row = top + first_row; row < top + last_row; row++)
            for (ptrdiff_t j = 0; j < plan->kernel[1]; j++) {
                ptrdiff_t start = j - plan->padding[1], first, last;
                inside(start, stride, out_width, plan->width, &first, &last);
                WITH_CONSTANT_STRIDE(NAME(spread_row), stride, last - first, share + first,
                                     out + row * plan->width + start + first * stride);
            }
    }
}

static const PoolKernels NAME(pool_kernels) = {
    .max_forward = NAME(max_pool_forward),
    .max_backward = NAME(max_pool_backward),
    .average_forward = NAME(average_pool_forward),
    .average_backward = NAME(average_pool_backward),
};

#undef WITH_CONSTANT_STRIDE
