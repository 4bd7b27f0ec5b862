/* The loops of update_kernels.h, for REAL float or double: included once for each. Straight-line
 * arithmetic over arrays, which compilers turn into vector instructions. */

FOR_EACH_PROCESSOR
static void NAMED(scale_add)(REAL *x, REAL a, const REAL *y, REAL b, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++)
        x[i] = a * x[i] + b * y[i];
}

FOR_EACH_PROCESSOR
static void NAMED(scale_add_square)(REAL *x, REAL a, const REAL *y, REAL b, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++)
        x[i] = a * x[i] + b * y[i] * y[i];
}

FOR_EACH_PROCESSOR
static void NAMED(add_ratio)(REAL *x, REAL a, const REAL *y, const REAL *z, REAL eps,
                             ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++)
        x[i] += a * y[i] / (SQRT(z[i]) + eps);
}

/* Whole updates in one pass, with the names of PyTorch's options; `sign` is -1 to maximize. */

/* SGD; without momentum it has no buffer. */
FOR_EACH_PROCESSOR
static void NAMED(sgd_step)(const Options *o, const Update *u, ptrdiff_t from, ptrdiff_t end)
{
    REAL *restrict p = u->param, *restrict b = u->first;
    const REAL *restrict grad = u->grad;
    REAL lr = o->lr, momentum = o->momentum, share = o->share, sign = o->sign, decay = o->decay;
    for (ptrdiff_t i = from; i < end; i++) {
        REAL g = sign * grad[i];
        if (decay != 0)
            g += decay * p[i];
        if (b) {
            b[i] = momentum * b[i] + share * g;
            g = o->nesterov ? g + momentum * b[i] : b[i];
        }
        p[i] -= lr * g;
    }
}

FOR_EACH_PROCESSOR
static void NAMED(adam_step)(const Options *o, const Update *u, ptrdiff_t from, ptrdiff_t end)
{
    REAL *restrict p = u->param, *restrict m = u->first, *restrict v = u->second;
    const REAL *restrict grad = u->grad;
    REAL sign = o->sign, decay = o->decay, shrink = o->shrink, size = u->size, eps = u->eps;
    REAL beta1 = o->beta1, beta2 = o->beta2, rest1 = 1 - o->beta1, rest2 = 1 - o->beta2;
    for (ptrdiff_t i = from; i < end; i++) {
        REAL old = shrink * p[i], g = sign * grad[i];
        if (decay != 0)
            g += decay * old;
        m[i] = beta1 * m[i] + rest1 * g;
        v[i] = beta2 * v[i] + rest2 * g * g;
        p[i] = old - size * m[i] / (SQRT(v[i]) + eps);
    }
}
