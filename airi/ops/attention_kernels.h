/* Attention for one instruction set: out = softmax(scale * q k' + mask) v, and its gradients.
 *
 *                    keys ->                      A task has one head. It packs k (as k') and v, and
 *     queries   [ scores of a block  ]            goes through the queries in blocks, whose scores
 *        |      [ of queries         ]  <- now    stay in the cache from the product that makes them
 *        v      [                    ]            to the one that uses them: softmax between them
 *               [ scores of the next ]            is done row by row, and out's rows are complete.
 *
 * Only lse = log(sum(e**scores)), one number for each query, is kept for backward, which makes the
 * scores once more. Where a query may see no later key (`causal`), they are made up to the last one
 * that the block sees. Source: Dao et al., "FlashAttention" (2022).
 */

static Matrix NAME(head)(const Heads *heads, ptrdiff_t batch, ptrdiff_t head)
{
    const float *start = heads->start + batch * heads->step[0] + head * heads->step[1];
    return (Matrix){start, heads->step[2], 1};
}

static Matrix NAME(transposed)(Matrix m) { return (Matrix){m.start, m.column, m.row}; }

static Matrix NAME(rows_from)(Matrix m, ptrdiff_t row)
{
    return (Matrix){m.start + row * m.row, m.row, m.column};
}

/* Rows of scores are this far apart: whole vectors, and no power of two, which caches dislike. */
static ptrdiff_t NAME(score_row)(const AttentionPlan *p)
{
    return round_up(p->keys, LANES) + LANES;
}

/* A query's scores by its scale and mask, in place; -inf behind them, to the end of a vector, so
 * that what follows works on whole vectors. */
static void NAME(scale_and_mask)(const AttentionPlan *p, ptrdiff_t batch, ptrdiff_t head,
                                 ptrdiff_t query, ptrdiff_t visible, float *scores)
{
    const ptrdiff_t *step = p->mask_step;
    const ptrdiff_t at = batch * step[0] + head * step[1] + query * step[2];
    if (!p->mask) {
        for (ptrdiff_t i = 0; i < visible; i += LANES)
            STORE(scores + i, LOAD(scores + i) * p->scale);
    } else if (p->mask_is_float) {
        const float *mask = (const float *)p->mask + at;
        for (ptrdiff_t i = 0; i < visible; i++)
            scores[i] = scores[i] * p->scale + mask[i * step[3]];
    } else {
        const char *mask = (const char *)p->mask + at;
        for (ptrdiff_t i = 0; i < visible; i++)
            scores[i] = mask[i * step[3]] ? scores[i] * p->scale : -INFINITY;
    }
    for (ptrdiff_t i = visible; i % LANES; i++)
        scores[i] = -INFINITY;
}

static float NAME(largest_score)(const float *scores, ptrdiff_t visible)
{
    VECTOR largest = same(-INFINITY);
    for (ptrdiff_t i = 0; i < visible; i += LANES)
        largest = larger_of(LOAD(scores + i), largest);
    float found = largest_lane(largest);
    return found == -INFINITY ? 0 : found;
}

/* scores = e**(scores - shift), 0 from `visible` to `end`; returns their sum. */
static float NAME(powers)(float *scores, float shift, ptrdiff_t visible, ptrdiff_t end)
{
    VECTOR sum = same(0.0f);
    for (ptrdiff_t i = 0; i < visible; i += LANES) {
        VECTOR power = power_of_e(LOAD(scores + i) - shift);
        STORE(scores + i, power);
        sum += power;
    }
    if (end > visible)
        memset(scores + visible, 0, (size_t)(end - visible) * sizeof(float));
    return add_lanes(sum);
}

/* How many keys a query sees. */
static ptrdiff_t NAME(visible_keys)(const AttentionPlan *p, ptrdiff_t query)
{
    return p->causal ? smaller(p->keys, query + 1) : p->keys;
}

/* A task: some blocks of queries of one head. */
static void NAME(attention)(const void *plan, ptrdiff_t task, float *scratch)
{
    const AttentionPlan *p = plan;
    const ptrdiff_t chunk = task % p->chunks, head = task / p->chunks % p->heads;
    const ptrdiff_t batch = task / p->chunks / p->heads;
    const Matrix q = NAME(head)(&p->q, batch, head), k = NAME(head)(&p->k, batch, head);
    const Matrix v = NAME(head)(&p->v, batch, head), out = NAME(head)(&p->out, batch, head);
    float *lse = p->lse + (batch * p->heads + head) * p->length;
    const ptrdiff_t score_row = NAME(score_row)(p);
    float *k_panels = scratch;
    float *v_panels = k_panels + p->features * round_up(p->keys, LANES);
    float *scores = v_panels + p->keys * round_up(p->values, LANES);

    NAME(pack)(NAME(transposed)(k), p->features, p->keys, k_panels);
    NAME(pack)(v, p->keys, p->values, v_panels);
    for (ptrdiff_t top = chunk * p->row_block; top < p->length; top += p->chunks * p->row_block) {
        const ptrdiff_t rows = smaller(p->row_block, p->length - top);
        const ptrdiff_t seen = NAME(visible_keys)(p, top + rows - 1);
        float *to = (float *)NAME(rows_from)(out, top).start;
        float factor[MOST_ATTENTION_ROWS];
        NAME(multiply_packed)(rows, p->features, p->keys, seen, NAME(rows_from)(q, top), k_panels,
                              p->features, scores, score_row, 0, NULL);
        for (ptrdiff_t row = 0; row < rows; row++) {
            const ptrdiff_t query = top + row, visible = NAME(visible_keys)(p, query);
            float *of_row = scores + row * score_row;
            NAME(scale_and_mask)(p, batch, head, query, visible, of_row);
            float largest = NAME(largest_score)(of_row, visible);
            float sum = NAME(powers)(of_row, largest, visible, seen);
            factor[row] = sum == 0 ? 1 : 1 / sum;
            lse[query] = sum == 0 ? INFINITY : largest + logf(sum);
        }
        NAME(multiply_packed)(rows, seen, p->values, p->values, (Matrix){scores, score_row, 1},
                              v_panels, p->keys, to, out.row, 0, NULL);
        for (ptrdiff_t row = 0; row < rows; row++, to += out.row)
            EACH_VECTOR(0, p->values, {
                store_up_to(to + i, left, load_up_to(to + i, left, 0.0f) * factor[row]);
            })
    }
}

/* powers = e**(scores - lse) are the probabilities; their gradient becomes that of the products
 * q k', in place: grads = scale * powers * (grads + shift). */
static void NAME(score_gradients)(const float *powers, float *grads, float shift, float scale,
                                  ptrdiff_t visible, ptrdiff_t end)
{
    for (ptrdiff_t i = 0; i < visible; i += LANES)
        STORE(grads + i, LOAD(powers + i) * (LOAD(grads + i) + shift) * scale);
    if (end > visible)
        memset(grads + visible, 0, (size_t)(end - visible) * sizeof(float));
}

/* A task: the gradients of one head. With p the probabilities and ds the gradients of the products:
 * dv = p' g, dq = ds k, dk = ds' q; dk and dv are added to, block by block. */
static void NAME(attention_grad)(const void *plan, ptrdiff_t task, float *scratch)
{
    const AttentionPlan *p = plan;
    const ptrdiff_t head = task % p->heads, batch = task / p->heads;
    const Matrix q = NAME(head)(&p->q, batch, head), k = NAME(head)(&p->k, batch, head);
    const Matrix v = NAME(head)(&p->v, batch, head), g = NAME(head)(&p->g, batch, head);
    const Matrix dq = NAME(head)(&p->dq, batch, head), dk = NAME(head)(&p->dk, batch, head);
    const Matrix dv = NAME(head)(&p->dv, batch, head);
    const float *lse = p->lse + (batch * p->heads + head) * p->length;
    const float *shift = p->shift + (batch * p->heads + head) * p->length;
    const ptrdiff_t score_row = NAME(score_row)(p), keys = round_up(p->keys, LANES);
    const ptrdiff_t features = round_up(p->features, LANES), values = round_up(p->values, LANES);
    float *k_across = scratch;                      /* k' */
    float *v_across = k_across + p->features * keys;
    float *k_panels = v_across + p->values * keys;
    float *q_panels = k_panels + p->keys * features;
    float *g_panels = q_panels + p->row_block * features;
    float *powers = g_panels + p->row_block * values;
    float *grads = powers + p->row_block * score_row;

    NAME(pack)(NAME(transposed)(k), p->features, p->keys, k_across);
    NAME(pack)(NAME(transposed)(v), p->values, p->keys, v_across);
    NAME(pack)(k, p->keys, p->features, k_panels);
    for (ptrdiff_t top = 0; top < p->length; top += p->row_block) {
        const ptrdiff_t rows = smaller(p->row_block, p->length - top);
        const ptrdiff_t seen = NAME(visible_keys)(p, top + rows - 1);
        const Matrix q_rows = NAME(rows_from)(q, top), g_rows = NAME(rows_from)(g, top);
        NAME(pack)(q_rows, rows, p->features, q_panels);
        NAME(pack)(g_rows, rows, p->values, g_panels);
        NAME(multiply_packed)(rows, p->features, p->keys, seen, q_rows, k_across, p->features,
                              powers, score_row, 0, NULL);
        NAME(multiply_packed)(rows, p->values, p->keys, seen, g_rows, v_across, p->values, grads,
                              score_row, 0, NULL);
        for (ptrdiff_t row = 0; row < rows; row++) {
            const ptrdiff_t query = top + row, visible = NAME(visible_keys)(p, query);
            float *of_row = powers + row * score_row;
            NAME(scale_and_mask)(p, batch, head, query, visible, of_row);
            NAME(powers)(of_row, lse[query], visible, seen);
            NAME(score_gradients)(of_row, grads + row * score_row, shift[query], p->scale, visible,
                                  seen);
        }
        NAME(multiply_packed)(rows, seen, p->features, p->features, (Matrix){grads, score_row, 1},
                              k_panels, p->keys, (float *)dq.start + top * dq.row, dq.row, 0, NULL);
        NAME(multiply_packed)(seen, rows, p->features, p->features, (Matrix){grads, 1, score_row},
                              q_panels, rows, (float *)dk.start, dk.row, 1, NULL);
        NAME(multiply_packed)(seen, rows, p->values, p->values, (Matrix){powers, 1, score_row},
                              g_panels, rows, (float *)dv.start, dv.row, 1, NULL);
    }
}
