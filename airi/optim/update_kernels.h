/* The loops of update_ext.pyx, for REAL float or double: included once for each. Straight-line
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
