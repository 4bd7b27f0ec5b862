/* Winograd's convolution: fewer products for kernels of 3 x 3 and 5 x 5 with stride 1, and of 4 x 4
 * with stride 2.
 *
 * The idea
 * --------
 * Multiplying two polynomials is cheap when they are known by their values at some points: there
 * one product a point is enough, where coefficients need each times each. A convolution along a
 * line is a product of polynomials, read backwards. So (Toom and Cook; Winograd, 1980; Lavin and
 * Gray, "Fast algorithms for convolutional neural networks", 2016) take a *tile* of POINTS = 6
 * inputs and KERNEL weights, go to the values at 6 points, multiply, and come back to
 * OUTPUTS = 6 - KERNEL + 1 results: 4 for 3 weights, 2 for 5. That is 6 products in place of 12
 * or 10; for images, which do it along both axes, 36 in place of 144 or 100.
 *
 *     input tile, 6 x 6                                     output tile, 4 x 4 (3 x 3 kernels)
 *     +--+--+--+--+--+--+                                   +--+--+--+--+
 *     |  |  |  |  |  |  |    to points        from points   |  |  |  |  |
 *     +--+--+--+--+--+--+   interpolate()      collect()    +--+--+--+--+
 *     |  |  |  |  |  |  |  ---------------> * ----------->  |  |  |  |  |
 *     +--+--+--+--+--+--+                   ^               +--+--+--+--+
 *     |  |  |  |  |##|##|<- shared with     | evaluate()    |  |  |  |  |
 *     +--+--+--+--+--+--+   the tile to     |               +--+--+--+--+
 *     |  |  |  |  |##|##|   the right       kernel          |  |  |  |  |
 *     +--+--+--+--+--+--+                                   +--+--+--+--+
 *     |  |  |  |  |##|##|
 *     +--+--+--+--+--+--+   The * is one matrix product for each of the 36 *positions* (pairs of
 *     |  |  |  |  |##|##|   points): (tiles x channels) times (channels x filters). All the
 *     +--+--+--+--+--+--+   arithmetic that grows with channels * filters happens there.
 *
 * With the points 0, a, -a, b, -b and infinity (where a polynomial's value is its highest
 * coefficient) the three steps along one axis are
 *
 *     evaluate      p(x) = w0 + w1 x + w2 x^2 + ...  for each point x
 *     collect       its transpose: y_j = sum over points of x^j p(x)
 *     interpolate   for each point x the tile's product with the coefficients of the polynomial
 *                   that is zero at all other points
 *
 * and 1 / N, N being that polynomial's value at its own point, is put into the kernel's values.
 * The two gradients need nothing new. That of the input is a convolution with the kernel turned
 * round and filters and channels exchanged. That of the weights follows from the transposes:
 *
 *     forward        out tile  = collect(    evaluate(weights)/N * interpolate(input tile)  )
 *     weight grad    weights  += collect( 1/N * (evaluate(grad tile) * interpolate(input tile)) )
 *
 * Stride 2
 * --------
 * Output o looks through tap k at pixel 2 o + k. With k = 2 i + phase this is pixel o + i of the
 * image made of every second line and column, from `phase` on: along both axes four such images,
 * each with 2 x 2 of the 4 x 4 weights and stride 1. They are taken as four times as many channels,
 * with 5 x 5 results a tile: 4 * 36 products in place of 25 * 16. The weight gradient is not done
 * like this: what it saves, its larger sums cost again (measured).
 *
 * Accuracy
 * --------
 * The steps to and from the points cost accuracy: they take differences of larger numbers. Among
 * fractions without many bits a = 5/8, b = 3/2 is the best pair (measured: twice as accurate as 1
 * and 2 or their inverses). More points would save more products, but 8 of them lose more than
 * the factor of 4 against a direct float32 convolution that airi allows itself. For the same
 * reason no more than SUM_LENGTH products are added up before the sum joins the others.
 *
 * NaN and infinity
 * ----------------
 * One of them spreads over its whole tile here, and so does an overflow between the steps. A
 * not finite input always leaves something not finite among its tile's results. So each result is
 * looked at while it is in a register; when one is not finite the plan's `not_finite` is set, and
 * the caller computes all of it once more by the direct method, which puts every NaN and infinity
 * in its place.
 *
 * Layout
 * ------
 * Lanes of a vector are channels (or filters), so every step is straight-line arithmetic for any
 * size of image. A task takes some rows of tiles and
 *
 *   1. packs the channels in blocks of LANES, innermost, and interpolates: `values`
 *      [channel block][position][tile][lane]
 *   2. multiplies with a *panel* of up to TILE_VECTORS vectors of filters: `products`
 *      [position][tile][filter in panel]; the kernels' values lie as
 *      [panel][position][channel][filter in panel]
 *   3. collects each tile, adds the bias, and writes the filters out as planes
 *
 * with 2 and 3 repeated for each panel. `values` and `products` stay in L2 (TILE_BYTES), what one
 * step of 1 and 3 works on in L1. conv_winograd_tile.h has the steps.
 */

#ifndef AIRI_CONV_WINOGRAD_H
#define AIRI_CONV_WINOGRAD_H

#define POINTS 6
#define POSITIONS (POINTS * POINTS)
/* Values and products of a task, and how many tiles it takes at least and at most. */
#define TILE_BYTES (640 * 1024)
#define LEAST_TILES 24
#define MOST_TILES 96
/* Weight gradients: channels times filters of a block, its filters; tasks to make at least. */
#define WINOGRAD_BLOCK 4096
#define WINOGRAD_BLOCK_FILTERS 64
#define WINOGRAD_TASKS 16

/* A forward convolution, an input gradient as one, or a weight gradient. */
typedef struct {
    const float *source;  /* (batch, channels, source_height, source_width) */
    const float *weight;  /* forward: (filters, channels) in steps, kernel rows, kernel columns */
    const float *bias;    /* one for each filter, or NULL */
    const float *grad;    /* weight gradient: (batch, filters, out_height, out_width) */
    float *out;           /* (batch, filters, out_height, out_width), or the weights' gradient */
    float *memory;        /* memory_elements for the kernels' values, or the gradient's sums */
    ptrdiff_t batch, channels, filters;
    ptrdiff_t source_height, source_width, out_height, out_width;
    ptrdiff_t padding_y, padding_x;
    ptrdiff_t weight_filter, weight_channel; /* steps in `weight` */
    int kernel_size, stride;                 /* along both axes; stride 1 or 2 */
    int turned;                              /* whether the weights are turned round */
    int not_finite;                          /* set when a result is not finite */
    /* filled in by winograd_plan_blocks */
    int kernel;                              /* weights along an axis that a phase has */
    ptrdiff_t depth;                         /* channels of all phases, in whole vectors */
    ptrdiff_t outputs;                       /* results along an axis of a tile */
    ptrdiff_t tiles_y, tiles_x;              /* tiles of an image */
    ptrdiff_t task_rows, task_columns;       /* rows of tiles, and columns, that a task takes */
    ptrdiff_t tasks_y, tasks_x;              /* rows count on from image to image */
    ptrdiff_t filter_vectors;
    ptrdiff_t channel_block, filter_block;   /* weight gradient: what a task takes of both */
    ptrdiff_t channel_blocks, filter_blocks, chunks;
    ptrdiff_t memory_elements;
    size_t scratch_bytes;
} WinogradPlan;

/* Steps that separate neighbouring positions: an odd number of cache lines, so that all positions
 * of a tile do not fall on the same few places of the cache. */
static ptrdiff_t position_step(ptrdiff_t elements) { return plane_elements(1, elements, 4); }

static ptrdiff_t winograd_tasks(const WinogradPlan *plan) { return plan->tasks_y * plan->tasks_x; }

static ptrdiff_t winograd_blocks(const WinogradPlan *plan)
{
    return plan->channel_blocks * plan->filter_blocks;
}

typedef struct {
    int lanes;
    void (*plan_blocks)(WinogradPlan *plan, int weight_grad, ptrdiff_t threads);
    Task kernels;       /* plan->filter_vectors tasks, before `forward` */
    Task forward;       /* winograd_tasks */
    Task weight_sums;   /* chunks * winograd_blocks */
    Task weight_finish; /* winograd_blocks */
} WinogradKernels;

#endif /* AIRI_CONV_WINOGRAD_H */
