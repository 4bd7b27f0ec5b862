/* The steps of an LSTM layer for one instruction set; `recurrent.LSTM` has the formulas.
 *
 * A step is a product of matrices too small for threads to be started anew for each. So threads
 * start once and go through all steps together, each with its own units (columns of h and c): it
 * multiplies with the part of the weights that makes the gates of its units, which stays packed in
 * its cache, and computes these units. Before the next product, which reads the units of all, the
 * threads `meet`.
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

/* From the gradient dh of h and dc of c to those of the gates' inputs and of the c before. */
static void NAME(lstm_cell_grad)(const float *gates, ptrdiff_t size, ptrdiff_t first,
                                 ptrdiff_t end, const float *before, const float *c,
                                 const float *dh, const float *dout, float *dc, float *dgates)
{
    const float *of_f = gates + size, *of_g = of_f + size, *of_o = of_g + size;
    EACH_VECTOR(first, end, {
        VECTOR in = load_up_to(gates + i, left, 0.0f), f = load_up_to(of_f + i, left, 0.0f);
        VECTOR g = load_up_to(of_g + i, left, 0.0f), o = load_up_to(of_o + i, left, 0.0f);
        VECTOR shown = hyperbolic_tangent(load_up_to(c + i, left, 0.0f));
        VECTOR of_h = load_up_to(dh + i, left, 0.0f) + load_up_to(dout + i, left, 0.0f);
        VECTOR d = load_up_to(dc + i, left, 0.0f) + of_h * o * (1.0f - shown * shown);
        VECTOR of_before = load_up_to(before + i, left, 0.0f);
        store_up_to(dgates + i, left, d * g * in * (1.0f - in));
        store_up_to(dgates + size + i, left, d * of_before * f * (1.0f - f));
        store_up_to(dgates + 2 * size + i, left, d * in * (1.0f - g * g));
        store_up_to(dgates + 3 * size + i, left, of_h * shown * o * (1.0f - o));
        store_up_to(dc + i, left, d * f);
    })
}

/* The units of a thread: whole vectors, as equal in number as can be. */
static void NAME(own_units)(ptrdiff_t size, int thread, int threads, ptrdiff_t *first,
                            ptrdiff_t *end)
{
    ptrdiff_t vectors = divide_up(size, LANES);
    *first = smaller(size, vectors * thread / threads * LANES);
    *end = smaller(size, vectors * (thread + 1) / threads * LANES);
}

static void NAME(lstm)(const LSTMPlan *p, int thread, int threads, float *scratch)
{
    const ptrdiff_t size = p->size;
    ptrdiff_t first, end;
    NAME(own_units)(size, thread, threads, &first, &end);
    const ptrdiff_t own = end - first, panels = size * round_up(own, LANES);
    for (int gate = 0; gate < 4; gate++) {
        Matrix weight = {p->weight.start + (gate * size + first) * p->weight.row,
                         p->weight.column, p->weight.row};
        NAME(pack)(weight, size, own, scratch + gate * panels);
    }
    for (ptrdiff_t step = 0; step < p->steps; step++) {
        const ptrdiff_t rows = p->counts[step], at = p->first_rows[step];
        const ptrdiff_t known = step ? smaller(rows, p->counts[step - 1]) : 0;
        const Matrix h = {NAME(row_before)(p, step, 0, p->out, p->h), size, 1};
        const Matrix joining = {p->h + known * size, size, 1};
        float *gates = p->gates + at * 4 * size + first;
        for (int gate = 0; gate < 4; gate++) {
            const float *weight = scratch + gate * panels;
            float *to = gates + gate * size;
            NAME(multiply_packed)(known, size, own, own, h, weight, size, to, 4 * size, 1, NULL);
            NAME(multiply_packed)(rows - known, size, own, own, joining, weight, size,
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
    const ptrdiff_t size = p->size;
    const ptrdiff_t block = NAME(equal_blocks)(4 * size, INNER_BLOCK);
    ptrdiff_t first, end;
    NAME(own_units)(size, thread, threads, &first, &end);
    const ptrdiff_t own = end - first, width = round_up(own, LANES);
    for (ptrdiff_t k = 0; k < 4 * size; k += block) {
        Matrix weight = {p->weight.start + k * p->weight.row + first * p->weight.column,
                         p->weight.row, p->weight.column};
        NAME(pack)(weight, smaller(block, 4 * size - k), own, scratch + k * width);
    }
    for (ptrdiff_t step = p->steps - 1; step >= 0; step--) {
        const ptrdiff_t rows = p->counts[step], at = p->first_rows[step];
        float *dgates = p->dgates + at * 4 * size;
        for (ptrdiff_t row = 0; row < rows; row++)
            NAME(lstm_cell_grad)(p->gates + (at + row) * 4 * size, size, first, end,
                                 NAME(row_before)(p, step, row, p->cells, p->c),
                                 p->cells + (at + row) * size, p->dh + row * size,
                                 p->dout + (at + row) * size, p->dc + row * size,
                                 dgates + row * 4 * size);
        meet(p->meeting, threads);
        for (ptrdiff_t k = 0; k < 4 * size; k += block) {
            const ptrdiff_t inner = smaller(block, 4 * size - k);
            NAME(multiply_packed)(rows, inner, own, own, (Matrix){dgates + k, 4 * size, 1},
                                  scratch + k * width, inner, p->dh + first, size, k > 0, NULL);
        }
    }
}
