/* The steps of an LSTM layer for one instruction set; `recurrent.LSTM` has the formulas.
 *
 * A step is a product of matrices too small for threads to be started anew for each. So threads
 * start once and go through all steps together, each with its own units (columns of h and c): it
 * multiplies with the part of the weights that makes the gates of its units, which stays packed in
 * its cache, and computes these units. Before the next product, which reads the units of all, the
 * threads `meet`.
 *
 * What the inputs add to the gates is computed for a few steps at a time, just before them, and so
 * are the inputs' gradients just after them: the gates are still in the cache then, and no thread
 * needs those of others.
 *
 *     gates  [ i: own | others ][ f: own | others ][ g: own | others ][ o: own | others ]
 */

/* The steps' rows, and where each sequence's state before them is found. */
static const float *NAME(row_before)(const LSTMPlan *p, ptrdiff_t step, ptrdiff_t row,
                                     const float *states, const float *initial)
{
    if (step == 0 || row >= p->counts[step - 1])
        return initial + row * p->size;
    return states + (p->first_rows[step - 1] + row) * p->size;
}

/* i, f, g, o = the gates of what stands in `gates`; c = f c + i g; h = o tanh(c) */
static void NAME(lstm_cell)(float *gates, ptrdiff_t size, ptrdiff_t first, ptrdiff_t end,
                            const float *before, float *c, float *h)
{
    float *of_f = gates + size, *of_g = of_f + size, *of_o = of_g + size;
    EACH_VECTOR(first, end, {
        VECTOR in = logistic(load_up_to(gates + i, left, 0.0f));
        VECTOR f = logistic(load_up_to(of_f + i, left, 0.0f));
        VECTOR g = hyperbolic_tangent(load_up_to(of_g + i, left, 0.0f));
        VECTOR o = logistic(load_up_to(of_o + i, left, 0.0f));
        VECTOR now = f * load_up_to(before + i, left, 0.0f) + in * g;
        store_up_to(gates + i, left, in);
        store_up_to(of_f + i, left, f);
        store_up_to(of_g + i, left, g);
        store_up_to(of_o + i, left, o);
        store_up_to(c + i, left, now);
        store_up_to(h + i, left, o * hyperbolic_tangent(now));
    })
}

/* From the gradient dh of h and dc of c to those of the gates' inputs, which are also added to
 * `sums`, and of the c before. */
static void NAME(lstm_cell_grad)(const float *gates, ptrdiff_t size, ptrdiff_t first,
                                 ptrdiff_t end, const float *before, const float *c,
                                 const float *dh, const float *dout, float *dc, float *dgates,
                                 float *sums)
{
    const float *of_f = gates + size, *of_g = of_f + size, *of_o = of_g + size;
    EACH_VECTOR(first, end, {
        VECTOR in = load_up_to(gates + i, left, 0.0f), f = load_up_to(of_f + i, left, 0.0f);
        VECTOR g = load_up_to(of_g + i, left, 0.0f), o = load_up_to(of_o + i, left, 0.0f);
        VECTOR shown = hyperbolic_tangent(load_up_to(c + i, left, 0.0f));
        VECTOR of_h = load_up_to(dh + i, left, 0.0f) + load_up_to(dout + i, left, 0.0f);
        VECTOR d = load_up_to(dc + i, left, 0.0f) + of_h * o * (1.0f - shown * shown);
        VECTOR of_before = load_up_to(before + i, left, 0.0f);
        VECTOR of_gates[4] = {d * g * in * (1.0f - in), d * of_before * f * (1.0f - f),
                              d * in * (1.0f - g * g), of_h * shown * o * (1.0f - o)};
        store_up_to(dc + i, left, d * f);
        UNROLL
        for (int gate = 0; gate < 4; gate++) {
            float *sum = sums + gate * size + i;
            store_up_to(dgates + gate * size + i, left, of_gates[gate]);
            store_up_to(sum, left, load_up_to(sum, left, 0.0f) + of_gates[gate]);
        }
    })
}

/* The units (or inputs) of a thread: whole vectors, as equal in number as can be. */
static void NAME(own_units)(ptrdiff_t size, int thread, int threads, ptrdiff_t *first,
                            ptrdiff_t *end)
{
    ptrdiff_t vectors = divide_up(size, LANES);
    *first = smaller(size, vectors * thread / threads * LANES);
    *end = smaller(size, vectors * (thread + 1) / threads * LANES);
}

/* All panels of b for values of k in equal blocks, one block after the other. */
static void NAME(pack_blocks)(Matrix b, ptrdiff_t inner, ptrdiff_t columns, float *target)
{
    const ptrdiff_t block = NAME(equal_blocks)(inner, INNER_BLOCK);
    for (ptrdiff_t k = 0; k < inner; k += block) {
        const Matrix part = {b.start + k * b.row, b.row, b.column};
        NAME(pack)(part, smaller(block, inner - k), columns,
                   target + k * round_up(columns, LANES));
    }
}

/* out = (or, with `add`, +=) a b + bias for what `pack_blocks` packed; a has neighbouring columns. */
static void NAME(multiply_blocks)(ptrdiff_t rows, ptrdiff_t inner, ptrdiff_t columns,
                                  const float *a, const float *packed, float *out,
                                  ptrdiff_t out_row, int add, const float *bias)
{
    const ptrdiff_t block = NAME(equal_blocks)(inner, INNER_BLOCK);
    for (ptrdiff_t top = 0; top < rows; top += ROW_BLOCK)
        for (ptrdiff_t k = 0; k < inner; k += block) {
            const ptrdiff_t part = smaller(block, inner - k);
            const Matrix of_a = {a + top * inner + k, inner, 1};
            NAME(multiply_packed)(smaller(ROW_BLOCK, rows - top), part, columns, columns, of_a,
                                  packed + k * round_up(columns, LANES), part,
                                  out + top * out_row, out_row, add || k > 0,
                                  k + part == inner ? bias : NULL);
        }
}

/* The rows of the steps from `step` up to `end`, which are neighbours. */
static void NAME(rows_of_steps)(const LSTMPlan *p, ptrdiff_t step, ptrdiff_t end, ptrdiff_t *first,
                                ptrdiff_t *count)
{
    *first = smaller(p->first_rows[step], p->first_rows[end - 1]);
    *count = 0;
    for (; step < end; step++)
        *count += p->counts[step];
}

static void NAME(lstm)(const LSTMPlan *p, int thread, int threads, float *scratch)
{
    const ptrdiff_t size = p->size, inputs = p->inputs;
    ptrdiff_t first, end;
    NAME(own_units)(size, thread, threads, &first, &end);
    const ptrdiff_t own = end - first, width = round_up(own, LANES);
    const float *w_hh[4], *w_ih[4];
    for (int gate = 0; gate < 4; gate++) {
        const ptrdiff_t row = gate * size + first;
        Matrix weight = {p->w_hh.start + row * p->w_hh.row, p->w_hh.column, p->w_hh.row};
        w_hh[gate] = scratch;
        NAME(pack_blocks)(weight, size, own, scratch);
        scratch += size * width;
        weight = (Matrix){p->w_ih.start + row * p->w_ih.row, p->w_ih.column, p->w_ih.row};
        w_ih[gate] = scratch;
        NAME(pack_blocks)(weight, inputs, own, scratch);
        scratch += inputs * width;
    }
    for (ptrdiff_t step = 0; step < p->steps; step++) {
        const ptrdiff_t rows = p->counts[step], at = p->first_rows[step];
        const ptrdiff_t known = step ? smaller(rows, p->counts[step - 1]) : 0;
        if (step % p->together == 0) {
            ptrdiff_t top, count;
            NAME(rows_of_steps)(p, step, smaller(p->steps, step + p->together), &top, &count);
            for (int gate = 0; gate < 4; gate++)
                NAME(multiply_blocks)(count, inputs, own, p->x + top * inputs, w_ih[gate],
                                      p->gates + (top * 4 + gate) * size + first, 4 * size, 0,
                                      p->bias ? p->bias + gate * size + first : NULL);
        }
        for (int gate = 0; gate < 4; gate++) {
            float *to = p->gates + (at * 4 + gate) * size + first;
            NAME(multiply_blocks)(known, size, own, NAME(row_before)(p, step, 0, p->out, p->h),
                                  w_hh[gate], to, 4 * size, 1, NULL);
            NAME(multiply_blocks)(rows - known, size, own, p->h + known * size, w_hh[gate],
                                  to + known * 4 * size, 4 * size, 1, NULL);
        }
        for (ptrdiff_t row = 0; row < rows; row++)
            NAME(lstm_cell)(p->gates + (at + row) * 4 * size, size, first, end,
                            NAME(row_before)(p, step, row, p->cells, p->c),
                            p->cells + (at + row) * size, p->out + (at + row) * size);
        meet(p->meeting, threads);
    }
}

/* Backwards through the steps. dh and dc are the last states' gradients, and become the first's. */
static void NAME(lstm_grad)(const LSTMPlan *p, int thread, int threads, float *scratch)
{
    const ptrdiff_t size = p->size, inputs = p->inputs;
    ptrdiff_t first, end, first_input, end_input;
    NAME(own_units)(size, thread, threads, &first, &end);
    NAME(own_units)(inputs, thread, threads, &first_input, &end_input);
    const ptrdiff_t own = end - first, own_inputs = end_input - first_input;
    const Matrix of_h = {p->w_hh.start + first * p->w_hh.column, p->w_hh.row, p->w_hh.column};
    const Matrix of_x = {p->w_ih.start + first_input * p->w_ih.column, p->w_ih.row,
                         p->w_ih.column};
    float *w_hh = scratch, *w_ih = scratch + 4 * size * round_up(own, LANES);
    NAME(pack_blocks)(of_h, 4 * size, own, w_hh);
    if (p->dx)
        NAME(pack_blocks)(of_x, 4 * size, own_inputs, w_ih);
    for (ptrdiff_t step = p->steps - 1, done = p->steps; step >= 0; step--) {
        const ptrdiff_t rows = p->counts[step], at = p->first_rows[step];
        float *sums = p->sums + step * 4 * size;
        for (ptrdiff_t row = 0; row < rows; row++)
            NAME(lstm_cell_grad)(p->gates + (at + row) * 4 * size, size, first, end,
                                 NAME(row_before)(p, step, row, p->cells, p->c),
                                 p->cells + (at + row) * size, p->dh + row * size,
                                 p->dout + (at + row) * size, p->dc + row * size,
                                 p->dgates + (at + row) * 4 * size, sums);
        meet(p->meeting, threads);
        NAME(multiply_blocks)(rows, 4 * size, own, p->dgates + at * 4 * size, w_hh, p->dh + first,
                              size, 0, NULL);
        if (p->dx && (step == 0 || done - step == p->together)) {
            ptrdiff_t top, count;
            NAME(rows_of_steps)(p, step, done, &top, &count);
            NAME(multiply_blocks)(count, 4 * size, own_inputs, p->dgates + top * 4 * size, w_ih,
                                  p->dx + top * inputs + first_input, inputs, 0, NULL);
            done = step;
        }
    }
}
