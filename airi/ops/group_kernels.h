/* Normalisation of groups of planes, and of columns: batch, group and instance norm.
 *
 * Included several times by fused_kernels.h. A plane is `columns` numbers that lie together, the
 * positions of a channel of an example; a group is the planes that share a mean and a variance:
 *
 *     batch norm       the planes of a channel, one in each example:  plane_step = C * P
 *     group norm       neighbouring channels of an example:           plane_step = P
 *     instance norm    one plane
 *
 * All planes of a group have one weight (`weights_each` is 1) or each has its own. A group is read
 * from memory once: what follows finds it in the cache.
 *
 * Batch norm of a matrix has groups of one number from each row. There a vector is so many columns.
 */

#define plane_of NAME(plane_of)
#define weight_of NAME(weight_of)
#define column_sum NAME(column_sum)

/* Add to `total` what is added to `sum` for every vector of a group; `at` is where one begins. */
#define SUM_OVER_GROUP(job, group, total, ...)                                                  \
    {                                                                                           \
        VECTOR sum = same(0.0f);                                                                \
        ptrdiff_t vectors = 0;                                                                  \
        for (ptrdiff_t plane = 0; plane < (job)->planes; plane++) {                             \
            ptrdiff_t at = plane_of(job, group, plane);                                         \
            for (ptrdiff_t block = 0; block < (job)->columns; block += SUM_BLOCK) {             \
                ptrdiff_t block_end = smaller(block + SUM_BLOCK, (job)->columns);               \
                EACH_VECTOR(at + block, at + block_end, __VA_ARGS__)                            \
                vectors += (block_end - block + LANES - 1) / LANES;                             \
                if (vectors >= SUM_BLOCK / LANES) {                                             \
                    (total) += add_lanes(sum);                                                  \
                    sum = same(0.0f);                                                           \
                    vectors = 0;                                                                \
                }                                                                               \
            }                                                                                   \
        }                                                                                       \
        (total) += add_lanes(sum);                                                              \
    }

INLINE ptrdiff_t plane_of(const Job *job, ptrdiff_t group, ptrdiff_t plane)
{
    return group * job->group_step + plane * job->plane_step;
}

/* The number of a plane's weight. Weights repeat after `weight_groups` groups. */
INLINE ptrdiff_t weight_of(const Job *job, ptrdiff_t group, ptrdiff_t plane)
{
    ptrdiff_t first = group % job->weight_groups * job->weights_each;
    return job->weights_each > 1 ? first + plane : first;
}

/* out = (x - mean) / sqrt(var + eps) * weight + bias; also gives mean and var of each group */
static void NAME(group_norm)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    const float *x = job->x;
    double count = (double)job->planes * (double)job->columns;
    for (ptrdiff_t group = first; group < end; group++) {
        double total = 0, squares = 0;
        SUM_OVER_GROUP(job, group, total, { sum += load_up_to(x + i, left, 0.0f); })
        float mean = (float)(total / count);
        SUM_OVER_GROUP(job, group, squares, {
            VECTOR distance = load_up_to(x + i, left, mean) - mean;
            sum += distance * distance;
        })
        double var = squares / count;
        float r = (float)(1 / sqrt(var + job->eps));
        for (ptrdiff_t plane = 0; plane < job->planes; plane++) {
            ptrdiff_t at = plane_of(job, group, plane), number = weight_of(job, group, plane);
            float scale = job->weight ? r * job->weight[number] : r;
            float shift = job->bias ? job->bias[number] : 0;
            EACH_VECTOR(at, at + job->columns, {
                VECTOR distance = load_up_to(x + i, left, 0.0f) - mean;
                store_up_to(job->out + i, left, distance * scale + shift);
            })
        }
        job->mean[group] = mean;
        job->var[group] = (float)var;
    }
}

/* dx as in `norm_grad`; sums = sum(g) and products = sum(g * (x - mean) * r), one for each weight
 * of each group. Without `out` these alone. */
static void NAME(group_norm_grad)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    const float *x = job->x, *g = job->g;
    ptrdiff_t columns = job->columns;
    double count = (double)job->planes * (double)columns;
    for (ptrdiff_t group = first; group < end; group++) {
        float mean = job->mean[group];
        float r = (float)(1 / sqrt((double)job->var[group] + job->eps));
        double s = 0, t = 0; /* sums with the weights */
        double of_g = 0, of_products = 0;
        for (ptrdiff_t plane = 0; plane < job->planes; plane++) {
            ptrdiff_t at = plane_of(job, group, plane), number = weight_of(job, group, plane);
            for (ptrdiff_t block = 0; block < columns; block += SUM_BLOCK) {
                ptrdiff_t block_end = smaller(block + SUM_BLOCK, columns);
                VECTOR grads = same(0.0f), dots = same(0.0f);
                EACH_VECTOR(at + block, at + block_end, {
                    VECTOR grad = load_up_to(g + i, left, 0.0f);
                    grads += grad;
                    dots += grad * (load_up_to(x + i, left, mean) - mean);
                })
                of_g += add_lanes(grads);
                of_products += add_lanes(dots);
            }
            if (job->weights_each > 1 || plane == job->planes - 1) { /* the last with this weight */
                ptrdiff_t place = group * job->weights_each + (job->weights_each > 1 ? plane : 0);
                double weight = job->weight ? job->weight[number] : 1;
                job->sums[place] = of_g;
                job->products[place] = of_products * r;
                s += weight * of_g;
                t += weight * of_products;
                of_g = of_products = 0;
            }
        }
        if (!job->out)
            continue;
        double slope = job->slope ? 2 * (double)job->slope[group] : 0;
        slope = (slope - (double)r * r * r * t) / count;
        double level = ((job->level ? job->level[group] : 0) - r * s) / count;
        for (ptrdiff_t plane = 0; plane < job->planes; plane++) {
            ptrdiff_t at = plane_of(job, group, plane), number = weight_of(job, group, plane);
            float scale = job->weight ? r * job->weight[number] : r;
            EACH_VECTOR(at, at + columns, {
                VECTOR distance = load_up_to(x + i, left, 0.0f) - mean;
                VECTOR grad = load_up_to(g + i, left, 0.0f);
                store_up_to(job->out + i, left,
                            grad * scale + distance * (float)slope + (float)level);
            })
        }
    }
}

/* ---- columns: the items are columns, of which each of the `planes` rows has `columns` ---------- */

/* Add to `total` what is added to `sum` for every row, in blocks; `at` is the row's place. */
#define SUM_DOWN(job, total, ...)                                                               \
    for (ptrdiff_t row = 0; row < (job)->planes;) {                                             \
        VECTOR sum = same(0.0f);                                                                \
        for (ptrdiff_t block_end = smaller(row + 64, (job)->planes); row < block_end; row++) {  \
            ptrdiff_t at = i + row * (job)->columns;                                            \
            __VA_ARGS__                                                                         \
        }                                                                                       \
        (total) += sum;                                                                         \
    }

static void NAME(column_norm)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    float rows = (float)job->planes;
    EACH_VECTOR(first, end, {
        VECTOR mean = same(0.0f), var = same(0.0f);
        SUM_DOWN(job, mean, { sum += load_up_to(job->x + at, left, 0.0f); })
        mean /= rows;
        SUM_DOWN(job, var, {
            VECTOR distance = load_up_to(job->x + at, left, 0.0f) - mean;
            sum += distance * distance;
        })
        var /= rows;
        store_up_to(job->mean + i, left, mean);
        store_up_to(job->var + i, left, var);
        VECTOR scale = 1.0f / square_root(var + job->eps), shift = same(0.0f);
        if (job->weight)
            scale *= load_up_to(job->weight + i, left, 0.0f);
        if (job->bias)
            shift = load_up_to(job->bias + i, left, 0.0f);
        for (ptrdiff_t row = 0; row < job->planes; row++) {
            ptrdiff_t at = i + row * job->columns;
            VECTOR distance = load_up_to(job->x + at, left, 0.0f) - mean;
            store_up_to(job->out + at, left, distance * scale + shift);
        }
    })
}

/* column_sums = sum(g), column_products = sum(g * (x - mean) * r), and dx unless `out` is NULL */
static void NAME(column_norm_grad)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    float rows = (float)job->planes;
    EACH_VECTOR(first, end, {
        VECTOR mean = load_up_to(job->mean + i, left, 0.0f);
        VECTOR r = 1.0f / square_root(load_up_to(job->var + i, left, 1.0f) + job->eps);
        VECTOR s = same(0.0f), t = same(0.0f);
        SUM_DOWN(job, s, { sum += load_up_to(job->g + at, left, 0.0f); })
        SUM_DOWN(job, t, {
            VECTOR distance = load_up_to(job->x + at, left, 0.0f) - mean;
            sum += load_up_to(job->g + at, left, 0.0f) * distance;
        })
        store_up_to(job->column_sums + i, left, s);
        store_up_to(job->column_products + i, left, t * r);
        if (job->out) {
            VECTOR weight = same(1.0f), level = same(0.0f), slope = same(0.0f);
            if (job->weight)
                weight = load_up_to(job->weight + i, left, 0.0f);
            if (job->level)
                level = load_up_to(job->level + i, left, 0.0f);
            if (job->slope)
                slope = 2.0f * load_up_to(job->slope + i, left, 0.0f);
            level = (level - r * weight * s) / rows;
            slope = (slope - r * r * r * weight * t) / rows;
            for (ptrdiff_t row = 0; row < job->planes; row++) {
                ptrdiff_t at = i + row * job->columns;
                VECTOR distance = load_up_to(job->x + at, left, 0.0f) - mean;
                VECTOR grad = load_up_to(job->g + at, left, 0.0f);
                store_up_to(job->out + at, left, grad * (r * weight) + distance * slope + level);
            }
        }
    })
}

#undef SUM_OVER_GROUP
#undef SUM_DOWN
