/* Functions of every element: out[i] = f(x[i]), and gradients out[i] = g[i] * f'.
 *
 * Included several times by fused_kernels.h. A gradient's `x` is what the rule in Python saves: the
 * input, or the output where f' is simpler by it.
 */

/* A function f and its task: whole vectors, then the rest of one. Its own numbers are a, b and c. */
#define EACH(name, formula)                                                                     \
    static void NAME(name)(const Job *job, ptrdiff_t first, ptrdiff_t end)                      \
    {                                                                                           \
        const float a = job->a, b = job->b, c = job->c;                                         \
        (void)a, (void)b, (void)c;                                                              \
        EACH_VECTOR(first, end, {                                                               \
            VECTOR x = load_up_to(job->x + i, left, 0.0f);                                      \
            store_up_to(job->out + i, left, formula);                                           \
        })                                                                                      \
    }

/* The same with a second array: a gradient, for one. */
#define EACH_OF_TWO(name, formula)                                                              \
    static void NAME(name)(const Job *job, ptrdiff_t first, ptrdiff_t end)                      \
    {                                                                                           \
        const float a = job->a, b = job->b, c = job->c;                                         \
        (void)a, (void)b, (void)c;                                                              \
        EACH_VECTOR(first, end, {                                                               \
            VECTOR x = load_up_to(job->x + i, left, 0.0f);                                      \
            VECTOR g = load_up_to(job->g + i, left, 0.0f);                                      \
            store_up_to(job->out + i, left, formula);                                           \
        })                                                                                      \
    }

#define EACH_GRAD(name, slope) EACH_OF_TWO(name, g * (slope))

#define normal_distribution NAME(normal_distribution)
#define gelu_slope NAME(gelu_slope)
#define tanh_form NAME(tanh_form)
#define gelu_tanh_slope NAME(gelu_tanh_slope)
#define silu_slope NAME(silu_slope)
#define sign_of NAME(sign_of)
#define between NAME(between)

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

INLINE VECTOR tanh_form(VECTOR x)
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

/* -1, 0 or 1; 0 for NaN. */
INLINE VECTOR sign_of(VECTOR x)
{
    VECTOR sign = NUMBERS((BITS(x) & INT32_MIN) | BITS(same(1.0f)));
    return choose(ABOVE(size_of(x), same(0.0f)), sign, same(0.0f));
}

/* Limited to the bounds; NaN stays NaN. */
INLINE VECTOR between(VECTOR x, float low, float high)
{
    return smaller_of(same(high), larger_of(same(low), x));
}

EACH(exp, power_of_e(x))
EACH_GRAD(product, x)
EACH_GRAD(tanh_grad, 1.0f - x * x)           /* x: the output */
EACH(sigmoid, logistic(x))
EACH_GRAD(sigmoid_grad, x * (1.0f - x))      /* x: the output */
EACH(silu, x * logistic(x))
EACH_GRAD(silu_grad, silu_slope(x))
EACH(gelu, x * normal_distribution(x))
EACH_GRAD(gelu_grad, gelu_slope(x))
EACH(gelu_tanh, tanh_form(x))
EACH_GRAD(gelu_tanh_grad, gelu_tanh_slope(x))
EACH(relu, larger_of(same(0.0f), x))

/* Chosen, not multiplied by 0 or 1: g may be infinite. NaN counts as positive. x: the output */
EACH_OF_TWO(relu_grad, choose(AT_LEAST(same(0.0f), x), same(0.0f), g))

/* leaky ReLU: a, the slope below 0. x of the gradient: the output */
EACH(leaky_relu, choose(ABOVE(x, same(0.0f)), x, x * a))
EACH_OF_TWO(leaky_relu_grad, choose(ABOVE(x, same(0.0f)), g, g * a))

/* clamp, hardtanh, ReLU6: a and b, the bounds. In `between` x is the output, in `within` the input */
EACH(clamp, between(x, a, b))
EACH_OF_TWO(between_grad, choose(ABOVE(x, same(a)) & ABOVE(same(b), x), g, same(0.0f)))
EACH_OF_TWO(within_grad, choose(AT_LEAST(x, same(a)) & AT_LEAST(same(b), x), g, same(0.0f)))

EACH(hardsigmoid, between(x + 3.0f, 0.0f, 6.0f) * (1 / 6.0f))
EACH_OF_TWO(hardsigmoid_grad, choose(ABOVE(x, same(-3.0f)) & ABOVE(same(3.0f), x), g * (1 / 6.0f),
                                     same(0.0f)))
EACH(hardswish, x * (between(x + 3.0f, 0.0f, 6.0f) * (1 / 6.0f)))
EACH_OF_TWO(hardswish_grad, choose(AT_LEAST(same(-3.0f), x), same(0.0f),
                                   choose(AT_LEAST(x, same(3.0f)), g,
                                          g * (x * (1 / 3.0f) + 0.5f))))

/* softplus: a is beta, from a * x = b on it is x itself */
EACH(softplus, choose(ABOVE(x * a, same(b)), x,
                      (larger_of(same(0.0f), x * a) +
                       log_of_1_plus(power_of_e(-size_of(x * a)))) / a))
EACH_OF_TWO(softplus_grad, choose(ABOVE(x * a, same(b)), g, g * logistic(x * a)))
EACH(log_sigmoid, smaller_of(same(0.0f), x) - log_of_1_plus(power_of_e(-size_of(x))))
EACH_GRAD(log_sigmoid_grad, logistic(-x))

/* ELU, SELU, CELU: a is alpha, b scales all, c the input below 0. x of the gradient: the output */
EACH(elu, choose(ABOVE(x, same(0.0f)), x * b, power_less_1(x * c) * (a * b)))
EACH_GRAD(elu_grad, choose(ABOVE(x, same(0.0f)), same(b), c * (x + a * b)))

EACH(softshrink, x - between(x, -a, a))
EACH(hardshrink, choose(AT_LEAST(same(a), size_of(x)), same(0.0f), x))
EACH_OF_TWO(nonzero_grad, choose(EQUAL(x, same(0.0f)), same(0.0f), g))
EACH(threshold, choose(AT_LEAST(same(a), x), same(b), x))
EACH_OF_TWO(threshold_grad, choose(AT_LEAST(same(a), x), same(0.0f), g))

EACH(sign, sign_of(x))
EACH(abs, size_of(x))
EACH_GRAD(abs_grad, sign_of(x))
EACH(reciprocal, 1.0f / x)
EACH_OF_TWO(reciprocal_grad, -g * x * x)        /* x: the output */
EACH(rsqrt, 1.0f / square_root(x))
EACH_OF_TWO(rsqrt_grad, -0.5f * g * x * x * x)  /* x: the output */
EACH(cube, x * x * x)

/* With any other array g */
EACH_OF_TWO(add, x + g)
EACH_OF_TWO(lerp, x + a * (g - x))

/* Losses: g, the target; a, what each element's slope is multiplied by; b, a bound */
EACH_OF_TWO(squared_difference, (x - g) * (x - g))
EACH_OF_TWO(scaled_difference, (x - g) * a)
EACH_OF_TWO(scaled_sign, sign_of(x - g) * a)
EACH_OF_TWO(scaled_clamp, between(x - g, -b, b) * a)

#undef EACH
#undef EACH_OF_TWO
#undef EACH_GRAD
