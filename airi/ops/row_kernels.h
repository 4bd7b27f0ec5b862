/* Rows of numbers that share a largest number, a sum, a mean: softmax, normalisation, sums.
 *
 * Included several times by fused_kernels.h, which explains rows and sums in blocks. Each task does
 * the rows from `first` to `end`.
 */

#define sum_of_row NAME(sum_of_row)
#define largest_of_row NAME(largest_of_row)
#define sum_of_powers NAME(sum_of_powers)
#define moments_of_row NAME(moments_of_row)

/* Add to `total` what is added to `sum` for every vector of a row, block by block. */
#define SUM_UP(total, columns, ...)                                                             \
    for (ptrdiff_t block = 0; block < (columns); block += SUM_BLOCK) {                          \
        ptrdiff_t block_end = smaller(block + SUM_BLOCK, columns);                              \
        VECTOR sum = same(0.0f);                                                                \
        EACH_VECTOR(block, block_end, __VA_ARGS__)                                              \
        (total) += add_lanes(sum);                                                              \
    }

/* Four sums at a time, so that no addition waits for the one before. */
INLINE double sum_of_row(const float *x, ptrdiff_t columns)
{
    double total = 0;
    for (ptrdiff_t block = 0; block < columns; block += 4 * SUM_BLOCK) {
        ptrdiff_t i = block, block_end = smaller(block + 4 * SUM_BLOCK, columns);
        VECTOR a = same(0.0f), b = a, c = a, d = a;
        for (; i + 4 * LANES <= block_end; i += 4 * LANES) {
            a += LOAD(x + i);
            b += LOAD(x + i + LANES);
            c += LOAD(x + i + 2 * LANES);
            d += LOAD(x + i + 3 * LANES);
        }
        for (; i < block_end; i += LANES)
            a += load_up_to(x + i, block_end - i, 0.0f);
        total += add_lanes((a + b) + (c + d));
    }
    return total;
}

/* ---- softmax: x - largest, so that no power overflows ---------------------------------------- */

/* NaN where there is one, by way of the sum of powers: see there. */
INLINE float largest_of_row(const float *x, ptrdiff_t columns)
{
    VECTOR largest = same(-INFINITY), also = largest;
    ptrdiff_t i = 0;
    for (; i + 2 * LANES <= columns; i += 2 * LANES) {
        largest = larger_of(LOAD(x + i), largest);
        also = larger_of(LOAD(x + i + LANES), also);
    }
    for (; i < columns; i += LANES)
        largest = larger_of(load_up_to(x + i, columns - i, -INFINITY), largest);
    return largest_lane(larger_of(largest, also));
}

/* The sum of e**(x - largest), and the powers themselves where `powers` is not NULL. A NaN in x
 * makes it NaN, and so does a largest number of plus or minus infinity, as inf - inf. */
INLINE double sum_of_powers(const float *x, float largest, float *powers, ptrdiff_t columns)
{
    double total = 0;
    SUM_UP(total, columns, {
        VECTOR power = power_of_e(load_up_to(x + i, left, -INFINITY) - largest);
        if (powers)
            store_up_to(powers + i, left, power);
        sum += power;
    })
    return largest - largest != 0 ? NAN : total;
}

/* out = e**x / sum(e**x) */
static void NAME(softmax)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * job->columns;
        float *out = job->out + row * job->columns;
        float largest = largest_of_row(x, job->columns);
        float factor = (float)(1 / sum_of_powers(x, largest, out, job->columns));
        EACH_VECTOR(0, job->columns, {
            store_up_to(out + i, left, load_up_to(out + i, left, 0.0f) * factor);
        })
    }
}

/* dx = out * (g - sum(g * out)); x is out */
static void NAME(softmax_grad)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * job->columns, *g = job->g + row * job->columns;
        float *out = job->out + row * job->columns;
        double total = 0;
        SUM_UP(total, job->columns, {
            sum += load_up_to(x + i, left, 0.0f) * load_up_to(g + i, left, 0.0f);
        })
        EACH_VECTOR(0, job->columns, {
            VECTOR difference = load_up_to(g + i, left, 0.0f) - (float)total;
            store_up_to(out + i, left, load_up_to(x + i, left, 0.0f) * difference);
        })
    }
}

/* out = x - largest - log(sum(e**(x - largest))) */
static void NAME(log_softmax)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * job->columns;
        float *out = job->out + row * job->columns;
        float largest = largest_of_row(x, job->columns);
        float logarithm = (float)log(sum_of_powers(x, largest, NULL, job->columns));
        EACH_VECTOR(0, job->columns, {
            store_up_to(out + i, left, load_up_to(x + i, left, 0.0f) - largest - logarithm);
        })
    }
}

/* dx = g - e**out * sum(g); x is out */
static void NAME(log_softmax_grad)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * job->columns, *g = job->g + row * job->columns;
        float *out = job->out + row * job->columns;
        float total = (float)sum_of_row(g, job->columns);
        EACH_VECTOR(0, job->columns, {
            VECTOR power = power_of_e(load_up_to(x + i, left, 0.0f));
            store_up_to(out + i, left, load_up_to(g + i, left, 0.0f) - power * total);
        })
    }
}

/* mean[row] = the largest of the row, out[row] = log(sum(e**(x - largest))) */
static void NAME(log_sum_exp)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * job->columns;
        float largest = largest_of_row(x, job->columns);
        job->mean[row] = largest;
        job->out[row] = (float)log(sum_of_powers(x, largest, NULL, job->columns));
    }
}

/* dx = e**(x - mean - level) * scale, less slope in the column `place`: numbers of the row */
static void NAME(cross_entropy_grad)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * job->columns;
        float *out = job->out + row * job->columns;
        float largest = job->mean[row], level = job->level[row], scale = job->scale[row];
        EACH_VECTOR(0, job->columns, {
            VECTOR power = power_of_e(load_up_to(x + i, left, 0.0f) - largest - level);
            store_up_to(out + i, left, power * scale);
        })
        out[job->place[row]] -= job->slope[row];
    }
}

/* ---- normalisation --------------------------------------------------------------------------- */

/* The mean of a row, and the mean of (x - mean)**2; the mean of x**2 where it is not centred. */
INLINE void moments_of_row(const float *x, ptrdiff_t columns, int centred, float *mean,
                           double *var)
{
    float middle = *mean = centred ? (float)(sum_of_row(x, columns) / (double)columns) : 0;
    double total = 0;
    SUM_UP(total, columns, {
        VECTOR distance = load_up_to(x + i, left, middle) - middle;
        sum += distance * distance;
    })
    *var = total / (double)columns;
}

/* out = (x - mean) / sqrt(var + eps) * weight + bias, with weight and bias for each column or NULL;
 * also gives mean (where it is centred) and var */
static void NAME(norm)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    const float *weight = job->weight, *bias = job->bias;
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * job->columns;
        float *out = job->out + row * job->columns;
        float mean;
        double var;
        moments_of_row(x, job->columns, job->centred, &mean, &var);
        float r = (float)(1 / sqrt(var + job->eps));
        EACH_VECTOR(0, job->columns, {
            VECTOR value = (load_up_to(x + i, left, 0.0f) - mean) * r;
            if (weight)
                value *= load_up_to(weight + i, left, 0.0f);
            if (bias)
                value += load_up_to(bias + i, left, 0.0f);
            store_up_to(out + i, left, value);
        })
        if (job->centred)
            job->mean[row] = mean;
        job->var[row] = (float)var;
    }
}

/* With r = 1 / sqrt(var + eps) and the sums over a row s = sum(g * weight) and
 * t = sum(g * weight * (x - mean)):
 *
 *     dx = g * weight * r + (x - mean) * (2 * dvar - r**3 * t) / n + (dmean - r * s) / n
 *
 * where dmean (`level`) and dvar (`slope`) are what reaches mean and var themselves, NULL for
 * nothing. The sums over rows that give the gradients of weight and bias, sum(g * (x - mean) * r)
 * and sum(g), are added up for each task apart (`column_products`, `column_sums`, or NULL). */
static void NAME(norm_grad)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    ptrdiff_t columns = job->columns, task = first / job->task_items;
    const float *weight = job->weight;
    float *products = job->column_products ? job->column_products + task * columns : NULL;
    float *sums = job->column_sums ? job->column_sums + task * columns : NULL;
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * columns, *g = job->g + row * columns;
        float *out = job->out ? job->out + row * columns : NULL;
        float mean = job->centred ? job->mean[row] : 0.0f;
        float r = (float)(1 / sqrt((double)job->var[row] + job->eps));
        double s = 0, t = 0;
        for (ptrdiff_t block = 0; block < columns; block += SUM_BLOCK) {
            ptrdiff_t block_end = smaller(block + SUM_BLOCK, columns);
            VECTOR grads = same(0.0f), dots = same(0.0f);
            EACH_VECTOR(block, block_end, {
                VECTOR grad = load_up_to(g + i, left, 0.0f);
                VECTOR distance = load_up_to(x + i, left, mean) - mean;
                if (sums)
                    store_up_to(sums + i, left, load_up_to(sums + i, left, 0.0f) + grad);
                if (products)
                    store_up_to(products + i, left,
                                load_up_to(products + i, left, 0.0f) + grad * distance * r);
                if (weight)
                    grad *= load_up_to(weight + i, left, 0.0f);
                grads += grad;
                dots += grad * distance;
            })
            s += add_lanes(grads);
            t += add_lanes(dots);
        }
        if (!out)
            continue;
        float slope = (float)(((job->slope ? 2 * job->slope[row] : 0) - r * r * r * t) / columns);
        float level = job->level ? job->level[row] : 0;
        level = job->centred ? (float)((level - r * s) / columns) : 0;
        EACH_VECTOR(0, columns, {
            VECTOR grad = load_up_to(g + i, left, 0.0f) * r;
            if (weight)
                grad *= load_up_to(weight + i, left, 0.0f);
            VECTOR distance = load_up_to(x + i, left, 0.0f) - mean;
            store_up_to(out + i, left, grad + distance * slope + level);
        })
    }
}

/* Where a row has one weight, that of its channel, its norm is x * scale + shift and all else is
 * done in Python with a few numbers a row: batch, group and instance normalisation. */

/* mean[row] and sums[row], the sum of (x - mean)**2 */
static void NAME(moments)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        double var;
        moments_of_row(job->x + row * job->columns, job->columns, 1, &job->mean[row], &var);
        job->sums[row] = var * (double)job->columns;
    }
}

/* out = (x - level) * scale + slope, all three of the row, repeated after `weight_groups` rows */
static void NAME(scale_and_shift)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * job->columns;
        float *out = job->out + row * job->columns;
        ptrdiff_t number = row % job->weight_groups;
        float level = job->level ? job->level[number] : 0;
        float scale = job->scale[number], shift = job->slope[number];
        EACH_VECTOR(0, job->columns, {
            VECTOR distance = load_up_to(x + i, left, 0.0f) - level;
            store_up_to(out + i, left, distance * scale + shift);
        })
    }
}

/* sums[row] = sum(g), products[row] = sum(g * (x - mean)), where the mean may be NULL, 0 */
static void NAME(dots)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    ptrdiff_t columns = job->columns;
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * columns, *g = job->g + row * columns;
        float mean = job->mean ? job->mean[row] : 0;
        double s = 0, t = 0;
        for (ptrdiff_t block = 0; block < columns; block += SUM_BLOCK) {
            ptrdiff_t block_end = smaller(block + SUM_BLOCK, columns);
            VECTOR grads = same(0.0f), dots = same(0.0f);
            EACH_VECTOR(block, block_end, {
                VECTOR grad = load_up_to(g + i, left, 0.0f);
                grads += grad;
                dots += grad * (load_up_to(x + i, left, mean) - mean);
            })
            s += add_lanes(grads);
            t += add_lanes(dots);
        }
        job->sums[row] = s;
        job->products[row] = t;
    }
}

/* dx = g * scale + (x - mean) * slope + level, all four of the row */
static void NAME(combine)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * job->columns, *g = job->g + row * job->columns;
        float *out = job->out + row * job->columns;
        float scale = job->scale[row], slope = job->slope[row], level = job->level[row];
        float mean = job->mean[row];
        EACH_VECTOR(0, job->columns, {
            VECTOR distance = load_up_to(x + i, left, 0.0f) - mean;
            store_up_to(out + i, left,
                        load_up_to(g + i, left, 0.0f) * scale + distance * slope + level);
        })
    }
}

/* sums[row] = sum(x) */
static void NAME(row_sums)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++)
        job->sums[row] = sum_of_row(job->x + row * job->columns, job->columns);
}

/* ---- one row for all --------------------------------------------------------------------------- */

/* out[row] = x[row] + weight */
static void NAME(add_to_rows)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * job->columns;
        float *out = job->out + row * job->columns;
        EACH_VECTOR(0, job->columns, {
            VECTOR added = load_up_to(job->weight + i, left, 0.0f);
            store_up_to(out + i, left, load_up_to(x + i, left, 0.0f) + added);
        })
    }
}

/* ---- one number for each row, repeated after `weight_groups` rows ------------------------------ */

/* out = x * scale */
static void NAME(scale_rows)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * job->columns;
        float *out = job->out + row * job->columns;
        float scale = job->scale[row % job->weight_groups];
        EACH_VECTOR(0, job->columns, {
            store_up_to(out + i, left, load_up_to(x + i, left, 0.0f) * scale);
        })
    }
}

/* out = x where x > 0, else x * scale */
static void NAME(prelu)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * job->columns;
        float *out = job->out + row * job->columns;
        float scale = job->scale[row % job->weight_groups];
        EACH_VECTOR(0, job->columns, {
            VECTOR value = load_up_to(x + i, left, 0.0f);
            store_up_to(out + i, left, choose(ABOVE(value, same(0.0f)), value, value * scale));
        })
    }
}

/* dx = g where x > 0, else g * scale; sums = sum of g * x where x <= 0 */
static void NAME(prelu_grad)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x = job->x + row * job->columns, *g = job->g + row * job->columns;
        float *out = job->out + row * job->columns;
        float scale = job->scale[row % job->weight_groups];
        double total = 0;
        SUM_UP(total, job->columns, {
            VECTOR value = load_up_to(x + i, left, 0.0f), grad = load_up_to(g + i, left, 0.0f);
            WHOLE above = ABOVE(value, same(0.0f));
            sum += choose(above, same(0.0f), grad * value);
            store_up_to(out + i, left, choose(above, grad, grad * scale));
        })
        job->sums[row] = total;
    }
}

/* ---- gated linear units ------------------------------------------------------------------------ */

/* out = p * sigmoid(q), where p and q are the halves, of `columns` numbers each, of a row of x */
static void NAME(glu)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t row = first; row < end; row++) {
        const float *p = job->x + row * 2 * job->columns, *q = p + job->columns;
        float *out = job->out + row * job->columns;
        EACH_VECTOR(0, job->columns, {
            VECTOR gate = logistic(load_up_to(q + i, left, 0.0f));
            store_up_to(out + i, left, load_up_to(p + i, left, 0.0f) * gate);
        })
    }
}

/* dp = g * s and dq = g * p * s * (1 - s) with s = sigmoid(q) */
static void NAME(glu_grad)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    ptrdiff_t columns = job->columns;
    for (ptrdiff_t row = first; row < end; row++) {
        const float *p = job->x + row * 2 * columns, *q = p + columns;
        const float *g = job->g + row * columns;
        float *dp = job->out + row * 2 * columns, *dq = dp + columns;
        EACH_VECTOR(0, columns, {
            VECTOR gate = logistic(load_up_to(q + i, left, 0.0f));
            VECTOR grad = load_up_to(g + i, left, 0.0f) * gate;
            store_up_to(dp + i, left, grad);
            store_up_to(dq + i, left, grad * load_up_to(p + i, left, 0.0f) * (1.0f - gate));
        })
    }
}

/* ---- losses: sums over rows of something of the difference d = x - g ------------------------- */

#define SUM_OF_TWO(name, formula)                                                               \
    static void NAME(name)(const Job *job, ptrdiff_t first, ptrdiff_t end)                      \
    {                                                                                           \
        for (ptrdiff_t row = first; row < end; row++) {                                         \
            const float *x = job->x + row * job->columns, *g = job->g + row * job->columns;     \
            double total = 0;                                                                   \
            SUM_UP(total, job->columns, {                                                       \
                VECTOR d = load_up_to(x + i, left, 0.0f) - load_up_to(g + i, left, 0.0f);       \
                sum += formula;                                                                 \
            })                                                                                  \
            job->sums[row] = total;                                                             \
        }                                                                                       \
    }

#define huber_of NAME(huber_of)

/* d**2 / 2 up to the bound, linear beyond. */
INLINE VECTOR huber_of(VECTOR d, float bound)
{
    VECTOR distance = size_of(d), near = smaller_of(same(bound), distance);
    return near * (distance - 0.5f * near);
}

SUM_OF_TWO(squares, d * d)
SUM_OF_TWO(distances, size_of(d))
SUM_OF_TWO(huber, huber_of(d, job->b))

#undef SUM_OF_TWO
#undef SUM_UP
