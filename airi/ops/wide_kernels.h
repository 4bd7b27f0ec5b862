/* Functions of every element: out[i] = f(x[i]), and gradients out[i] = g[i] * f'.
 *
 * Included several times by fused_kernels.h. A gradient's `x` is what the rule in Python saves: the
 * input, or the output where f' is simpler by it.
 */

/* A function f and its task: whole vectors, then the rest of one. */
#define EACH(name, formula)                                                                     \
    static void NAME(name)(const Job *job, ptrdiff_t first, ptrdiff_t end)                      \
    {                                                                                           \
        EACH_VECTOR(first, end, {                                                               \
            VECTOR x = load_up_to(job->x + i, left, 0.0f);                                      \
            store_up_to(job->out + i, left, formula);                                           \
        })                                                                                      \
    }

#define EACH_GRAD(name, slope)                                                                  \
    static void NAME(name)(const Job *job, ptrdiff_t first, ptrdiff_t end)                      \
    {                                                                                           \
        EACH_VECTOR(first, end, {                                                               \
            VECTOR x = load_up_to(job->x + i, left, 0.0f);                                      \
            VECTOR g = load_up_to(job->g + i, left, 0.0f);                                      \
            store_up_to(job->out + i, left, g * (slope));                                       \
        })                                                                                      \
    }

#define normal_distribution NAME(normal_distribution)
#define gelu_slope NAME(gelu_slope)
#define gelu_tanh NAME(gelu_tanh)
#define gelu_tanh_slope NAME(gelu_tanh_slope)
#define silu_slope NAME(silu_slope)

#define SQRT_HALF 0.707106781f
#define SQRT_2_OVER_PI 0.797884561f
#define CUBIC 0.044715f
#define NORMAL_DENSITY_AT_0 0.398942280f

INLINE VECTOR normal_distribution(VECTOR x)
{
    return 0.5f + 0.5f * error_function(x * SQRT_HALF);
}

INLINE VECTOR gelu_slope(VECTOR x)
{
    return normal_distribution(x) + x * power_of_e(-0.5f * x * x) * NORMAL_DENSITY_AT_0;
}

INLINE VECTOR gelu_tanh(VECTOR x)
{
    VECTOR inner = x * (SQRT_2_OVER_PI + (CUBIC * SQRT_2_OVER_PI) * x * x);
    return x * (0.5f + 0.5f * hyperbolic_tangent(inner));
}

INLINE VECTOR gelu_tanh_slope(VECTOR x)
{
    VECTOR square = x * x;
    VECTOR t = hyperbolic_tangent(x * (SQRT_2_OVER_PI + (CUBIC * SQRT_2_OVER_PI) * square));
    VECTOR inner_slope = SQRT_2_OVER_PI + (3 * CUBIC * SQRT_2_OVER_PI) * square;
    return 0.5f + 0.5f * (t + x * (1.0f - t * t) * inner_slope);
}

INLINE VECTOR silu_slope(VECTOR x)
{
    VECTOR s = logistic(x);
    return s * (1.0f + x * (1.0f - s));
}

EACH(exp, power_of_e(x))
EACH_GRAD(tanh_grad, 1.0f - x * x)           /* x: the output */
EACH(sigmoid, logistic(x))
EACH_GRAD(sigmoid_grad, x * (1.0f - x))      /* x: the output */
EACH(silu, x * logistic(x))
EACH_GRAD(silu_grad, silu_slope(x))
EACH(gelu, x * normal_distribution(x))
EACH_GRAD(gelu_grad, gelu_slope(x))
EACH(gelu_tanh_each, gelu_tanh(x))
EACH_GRAD(gelu_tanh_grad, gelu_tanh_slope(x))
EACH(relu, larger_of(same(0.0f), x))

/* out[i] = g[i] where x[i], the output, is not 0; NaN counts as positive. Not a product with 0 or
 * 1: g may be infinite. */
static void NAME(relu_grad)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    EACH_VECTOR(first, end, {
        VECTOR x = load_up_to(job->x + i, left, 0.0f);
        VECTOR g = load_up_to(job->g + i, left, 0.0f);
        store_up_to(job->out + i, left, choose(AT_LEAST(same(0.0f), x), same(0.0f), g));
    })
}

/* out[i] = x[i] + g[i], g any other array */
static void NAME(add)(const Job *job, ptrdiff_t first, ptrdiff_t end)
{
    EACH_VECTOR(first, end, {
        VECTOR x = load_up_to(job->x + i, left, 0.0f);
        store_up_to(job->out + i, left, x + load_up_to(job->g + i, left, 0.0f));
    })
}

#undef EACH
#undef EACH_GRAD
