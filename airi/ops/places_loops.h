/* The loops of places_kernels.h for one type of ELEMENT; it says what they do. Each does a task and
 * returns whether all places that it met are rows of a table. */

/* Rows of all tables, from number task * p->rows: out[o][k] = x[o][index[k]] */
static int NAMED(take_rows)(const Places *p, const void *from, void *to, ptrdiff_t task)
{
    ptrdiff_t row = task * p->rows, end = smaller_of(row + p->rows, p->outer * p->count);
    ptrdiff_t inner = p->inner;
    while (row < end) {
        ptrdiff_t o = row / p->count, k = row % p->count;
        ptrdiff_t left = smaller_of(p->count - k, end - row);
        const int64_t *restrict index = p->index + k;
        const ELEMENT *restrict x = (const ELEMENT *)from + o * p->size * inner;
        ELEMENT *restrict out = (ELEMENT *)to + row * inner;
        if (!all_within(index, left, p->size))
            return 0;
        if (inner == 1) {
            UNROLLED
            for (ptrdiff_t i = 0; i < left; i++)
                out[i] = x[index[i]];
        } else {
            for (ptrdiff_t i = 0; i < left; i++)
                memcpy(out + i * inner, x + index[i] * inner, (size_t)inner * sizeof(ELEMENT));
        }
        row += left;
    }
    return 1;
}

/* One strip of one table: out[o][index[k]] += x[o][k] */
static int NAMED(add_rows)(const Places *p, const void *from, void *to, ptrdiff_t task)
{
    ptrdiff_t o = task / p->strips, first = task % p->strips * p->strip;
    ptrdiff_t columns = smaller_of(p->strip, p->inner - first), inner = p->inner;
    const int64_t *index = p->index;
    const ELEMENT *x = (const ELEMENT *)from + o * p->count * inner + first;
    ELEMENT *out = (ELEMENT *)to + o * p->size * inner + first;
    if (!all_within(index, p->count, p->size))
        return 0;
    for (ptrdiff_t k = 0; k < p->count; k++) {
        const ELEMENT *restrict row = x + k * inner;
        ELEMENT *restrict place = out + index[k] * inner;
        for (ptrdiff_t i = 0; i < columns; i++)
            place[i] += row[i];
    }
    return 1;
}

static void NAMED(copy_strip)(const ELEMENT *x, ptrdiff_t x_row, ELEMENT *out, ptrdiff_t out_row,
                              ptrdiff_t rows, ptrdiff_t columns)
{
    for (ptrdiff_t k = 0; k < rows; k++)
        memcpy(out + k * out_row, x + k * x_row, (size_t)columns * sizeof(ELEMENT));
}

/* One strip of one table: out[o][k][i] = x[o][index[o][k][i]][i] */
static int NAMED(take_each)(const Places *p, const void *from, void *to, ptrdiff_t task)
{
    ptrdiff_t o = task / p->strips, first = task % p->strips * p->strip;
    ptrdiff_t columns = smaller_of(p->strip, p->inner - first), inner = p->inner;
    const int64_t *restrict index = p->index + o * p->count * inner + first;
    const ELEMENT *restrict x = (const ELEMENT *)from + o * p->size * inner + first;
    ELEMENT *restrict out = (ELEMENT *)to + o * p->count * inner + first;
    if (inner == 1) {
        if (!all_within(index, p->count, p->size))
            return 0;
        UNROLLED
        for (ptrdiff_t k = 0; k < p->count; k++)
            out[k] = x[index[k]];
        return 1;
    }
    ELEMENT *packed = p->packs ? malloc((size_t)(p->size * columns) * sizeof(ELEMENT)) : NULL;
    ptrdiff_t x_row = inner;
    if (packed) {
        NAMED(copy_strip)(x, inner, packed, columns, p->size, columns);
        x = packed;
        x_row = columns;
    }
    int within = 1;
    for (ptrdiff_t k = 0; k < p->count && within; k++, index += inner, out += inner) {
        within = all_within(index, columns, p->size);
        if (within)
            for (ptrdiff_t i = 0; i < columns; i++)
                out[i] = x[index[i] * x_row + i];
    }
    free(packed);
    return within;
}

/* One strip of one table: out[o][index[o][k][i]][i] += x[o][k][i] */
static int NAMED(add_each)(const Places *p, const void *from, void *to, ptrdiff_t task)
{
    ptrdiff_t o = task / p->strips, first = task % p->strips * p->strip;
    ptrdiff_t columns = smaller_of(p->strip, p->inner - first), inner = p->inner;
    const int64_t *restrict index = p->index + o * p->count * inner + first;
    const ELEMENT *restrict x = (const ELEMENT *)from + o * p->count * inner + first;
    ELEMENT *table = (ELEMENT *)to + o * p->size * inner + first, *out = table;
    if (inner == 1) {
        if (!all_within(index, p->count, p->size))
            return 0;
        for (ptrdiff_t k = 0; k < p->count; k++)
            out[index[k]] += x[k];
        return 1;
    }
    ELEMENT *packed = p->packs ? malloc((size_t)(p->size * columns) * sizeof(ELEMENT)) : NULL;
    ptrdiff_t out_row = inner;
    if (packed) {
        NAMED(copy_strip)(table, inner, packed, columns, p->size, columns);
        out = packed;
        out_row = columns;
    }
    int within = 1;
    for (ptrdiff_t k = 0; k < p->count && within; k++, index += inner, x += inner) {
        within = all_within(index, columns, p->size);
        if (within)
            for (ptrdiff_t i = 0; i < columns; i++)
                out[index[i] * out_row + i] += x[i];
    }
    if (packed)
        NAMED(copy_strip)(packed, columns, table, inner, p->size, columns);
    free(packed);
    return within;
}

static const PlacesLoop NAMED(loops)[] = {
    NAMED(take_rows), NAMED(take_each), NAMED(add_rows), NAMED(add_each)
};

#undef ELEMENT
#undef NAMED
