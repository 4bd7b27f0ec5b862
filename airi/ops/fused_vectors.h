/* Vectors of floats for one instruction set, and exp, tanh and erf of them.
 *
 * Included several times by fused_kernels.h; NAME(x) is x with the instruction set attached.
 *
 * A comparison of vectors gives whole numbers, all bits set in the lanes where it holds; `choose`
 * takes its bits from one vector or the other by them. A NaN compares as false, so the functions
 * are written such that NaN takes the path through the arithmetic, which hands it on.
 */

#undef VECTOR
#undef WHOLE
#undef LANES
#undef INLINE
#undef BITS
#undef NUMBERS
#undef ABOVE
#undef AT_LEAST
#undef EQUAL

#define VECTOR NAME(vector)
#define WHOLE NAME(whole)

#ifdef VECTOR_BYTES
typedef float VECTOR __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
typedef int32_t WHOLE __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
#define LANES ((ptrdiff_t)(VECTOR_BYTES / 4))
#define INLINE static inline __attribute__((always_inline))
#define BITS(v) ((WHOLE)(v))
#define NUMBERS(v) ((VECTOR)(v))
#define ABOVE(a, b) ((WHOLE)((a) > (b)))
#define AT_LEAST(a, b) ((WHOLE)((a) >= (b)))
#define EQUAL(a, b) ((WHOLE)((a) == (b)))
#else
typedef float VECTOR;
typedef int32_t WHOLE;
#define LANES ((ptrdiff_t)1)
#define INLINE static inline
INLINE WHOLE NAME(bits)(VECTOR v) { WHOLE b; memcpy(&b, &v, 4); return b; }
INLINE VECTOR NAME(numbers)(WHOLE b) { VECTOR v; memcpy(&v, &b, 4); return v; }
#define BITS(v) NAME(bits)(v)
#define NUMBERS(v) NAME(numbers)(v)
#define ABOVE(a, b) (-(WHOLE)((a) > (b)))
#define AT_LEAST(a, b) (-(WHOLE)((a) >= (b)))
#define EQUAL(a, b) (-(WHOLE)((a) == (b)))
#endif

#define LOAD(address) (*(const VECTOR *)(address))
#define STORE(address, value) (*(VECTOR *)(address) = (value))
#define same NAME(same)
#define choose NAME(choose)
#define larger_of NAME(larger_of)
#define smaller_of NAME(smaller_of)
#define square_root NAME(square_root)
#define size_of NAME(size_of)
#define load_up_to NAME(load_up_to)
#define store_up_to NAME(store_up_to)
#define add_lanes NAME(add_lanes)
#define largest_lane NAME(largest_lane)
#define power_of_e NAME(power_of_e)
#define hyperbolic_tangent NAME(hyperbolic_tangent)
#define error_function NAME(error_function)
#define logistic NAME(logistic)
#define power_less_1 NAME(power_less_1)
#define log_of_1_plus NAME(log_of_1_plus)

/* The same number in every lane. */
INLINE VECTOR same(float number) { return (VECTOR){0} + number; }

INLINE VECTOR choose(WHOLE where, VECTOR a, VECTOR b)
{
    return NUMBERS((where & BITS(a)) | (~where & BITS(b)));
}

/* The larger or smaller number of both; b where either is NaN. Compilers do not see a single
 * instruction in `choose`, so fused_kernels.h names it where there is one. */
#ifndef LARGER
#define LARGER(a, b) choose(ABOVE(a, b), a, b)
#define SMALLER(a, b) choose(ABOVE(b, a), a, b)
#endif
INLINE VECTOR larger_of(VECTOR a, VECTOR b) { return (VECTOR)LARGER(a, b); }
INLINE VECTOR smaller_of(VECTOR a, VECTOR b) { return (VECTOR)SMALLER(a, b); }

INLINE VECTOR square_root(VECTOR x)
{
#ifdef ROOT
    return (VECTOR)ROOT(x);
#else
    float lanes[LANES];
    memcpy(lanes, &x, sizeof(lanes));
    for (ptrdiff_t i = 0; i < LANES; i++)
        lanes[i] = sqrtf(lanes[i]);
    memcpy(&x, lanes, sizeof(lanes));
    return x;
#endif
}

/* The number without its sign. */
INLINE VECTOR size_of(VECTOR x) { return NUMBERS(BITS(x) & INT32_MAX); }

/* Do something with every vector from number `first` to `end`: it starts at number i and has `left`
 * numbers. First whole vectors, of which the compiler knows that they are, then the rest of one. */
#define EACH_VECTOR(first, end, ...)                                                            \
    {                                                                                           \
        ptrdiff_t i = first;                                                                    \
        for (; i + LANES <= (end); i += LANES) {                                                \
            const ptrdiff_t left = LANES;                                                       \
            __VA_ARGS__                                                                         \
        }                                                                                       \
        if (i < (end)) {                                                                        \
            const ptrdiff_t left = (end) - i;                                                   \
            __VA_ARGS__                                                                         \
        }                                                                                       \
    }

/* The next numbers of a row, of which `left` remain; `filler` where there are no more. */
INLINE VECTOR load_up_to(const float *address, ptrdiff_t left, float filler)
{
    if (left >= LANES)
        return LOAD(address);
#if defined(CHOOSE_AT_RUN_TIME) && defined(VECTOR_BYTES) && VECTOR_BYTES == 64
    return (VECTOR)_mm512_mask_loadu_ps((__m512)same(filler), (__mmask16)((1u << left) - 1), address);
#elif defined(CHOOSE_AT_RUN_TIME) && defined(VECTOR_BYTES) && VECTOR_BYTES == 32
    WHOLE first = ((WHOLE){0, 1, 2, 3, 4, 5, 6, 7} < (int32_t)left);
    return choose(first, (VECTOR)_mm256_maskload_ps(address, (__m256i)first), same(filler));
#endif
    VECTOR v = same(filler);
    float lanes[LANES];
    memcpy(lanes, &v, sizeof(lanes));
    for (ptrdiff_t i = 0; i < left; i++)
        lanes[i] = address[i];
    memcpy(&v, lanes, sizeof(lanes));
    return v;
}

INLINE void store_up_to(float *address, ptrdiff_t left, VECTOR v)
{
    if (left >= LANES) {
        STORE(address, v);
        return;
    }
#if defined(CHOOSE_AT_RUN_TIME) && defined(VECTOR_BYTES) && VECTOR_BYTES == 64
    _mm512_mask_storeu_ps(address, (__mmask16)((1u << left) - 1), (__m512)v);
    return;
#elif defined(CHOOSE_AT_RUN_TIME) && defined(VECTOR_BYTES) && VECTOR_BYTES == 32
    WHOLE first = ((WHOLE){0, 1, 2, 3, 4, 5, 6, 7} < (int32_t)left);
    _mm256_maskstore_ps(address, (__m256i)first, (__m256)v);
    return;
#endif
    float lanes[LANES];
    memcpy(lanes, &v, sizeof(lanes));
    for (ptrdiff_t i = 0; i < left; i++)
        address[i] = lanes[i];
}

INLINE float add_lanes(VECTOR v)
{
#if defined(CHOOSE_AT_RUN_TIME) && defined(VECTOR_BYTES) && VECTOR_BYTES == 64
    return _mm512_reduce_add_ps((__m512)v);
#elif defined(CHOOSE_AT_RUN_TIME) && defined(VECTOR_BYTES) && VECTOR_BYTES == 32
    __m128 half = _mm_add_ps(_mm256_castps256_ps128((__m256)v),
                             _mm256_extractf128_ps((__m256)v, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
#endif
    float lanes[LANES];
    memcpy(lanes, &v, sizeof(lanes));
    for (ptrdiff_t half = LANES / 2; half; half /= 2)
        for (ptrdiff_t i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    return lanes[0];
}

INLINE float largest_lane(VECTOR v)
{
#if defined(CHOOSE_AT_RUN_TIME) && defined(VECTOR_BYTES) && VECTOR_BYTES == 64
    return _mm512_reduce_max_ps((__m512)v);
#endif
    float lanes[LANES];
    memcpy(lanes, &v, sizeof(lanes));
    float largest = lanes[0];
    for (ptrdiff_t i = 1; i < LANES; i++)
        largest = lanes[i] > largest ? lanes[i] : largest;
    return largest;
}

/* e**x = 2**n * e**r with n whole and r = x - n * log(2) between -0.35 and 0.35.
 *
 * Adding 1.5 * 2**23 to a number rounds it to a whole one, which stands in the lowest bits of the
 * sum. log(2) is taken in two parts, of which the first times n is exact. e**r is a polynomial
 * (relative error 4e-9), and 2**n is made of its bits: as two factors, since neither 2**128 nor
 * 2**-149 has an exponent of its own. */
INLINE VECTOR power_of_e(VECTOR x)
{
    const VECTOR rounder = same(12582912.0f);
    x = larger_of(same(-104.0f), smaller_of(same(89.0f), x));
    VECTOR sum = x * 1.44269504f + rounder;
    VECTOR n = sum - rounder;
    VECTOR r = x - n * 0.693145752f;
    r = r - n * 1.42860677e-6f;
    VECTOR p = same(1.3814599e-3f);
    p = p * r + 8.368717e-3f;
    p = p * r + 4.166839e-2f;
    p = p * r + 1.6666521e-1f;
    p = p * r + 0.49999994f;
    p = p * r * r + r + 1.0f;
    WHOLE exponent = BITS(sum) - BITS(rounder);
    WHOLE half = exponent >> 1;
    return p * NUMBERS((half + 127) << 23) * NUMBERS((exponent - half + 127) << 23);
}

/* tanh(x) = x + x * z * P(z) with z = x * x where |x| < 0.625, else 1 - 2 / (e**(2|x|) + 1) with
 * the sign of x. P: S. Moshier's Cephes library (tanhf), relative error 1.3e-7. */
INLINE VECTOR hyperbolic_tangent(VECTOR x)
{
    WHOLE sign = BITS(x) & INT32_MIN;
    VECTOR size = NUMBERS(BITS(x) ^ sign);
    VECTOR z = x * x;
    VECTOR p = same(-5.70498872745e-3f);
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    VECTOR small = x + x * z * p;
    VECTOR large = 1.0f - 2.0f / (power_of_e(size + size) + 1.0f);
    return choose(ABOVE(size, same(0.625f)), NUMBERS(BITS(large) | sign), small);
}

/* erf(x) = x * P(z) / Q(z) with z = x * x, as in erf_kernels.h; 1 in single precision from 3.92. */
INLINE VECTOR error_function(VECTOR x)
{
    x = larger_of(same(-3.92f), smaller_of(same(3.92f), x));
    VECTOR z = x * x;
    VECTOR p = same(2.045960487e-6f);
    VECTOR q = same(3.80445708e-5f);
    p = p * z + 2.847956285e-4f;
    p = p * z + 3.771325483e-3f;
    p = p * z + 5.276546493e-2f;
    p = p * z + 0.1905680659f;
    p = p * z + 1.128379146f;
    q = q * z + 1.163522562e-3f;
    q = q * z + 1.498076616e-2f;
    q = q * z + 0.1141717073f;
    q = q * z + 0.5022192886f;
    q = q * z + 1.0f;
    return larger_of(same(-1.0f), smaller_of(same(1.0f), x * p / q));
}

INLINE VECTOR logistic(VECTOR x) { return 1.0f / (1.0f + power_of_e(-x)); }

/* e**x - 1, exact near 0 too: 2**n * (e**r - 1) + (2**n - 1), see power_of_e. For x up to 88. */
INLINE VECTOR power_less_1(VECTOR x)
{
    const VECTOR rounder = same(12582912.0f);
    x = larger_of(same(-80.0f), smaller_of(same(88.0f), x));
    VECTOR sum = x * 1.44269504f + rounder;
    VECTOR n = sum - rounder;
    VECTOR r = x - n * 0.693145752f;
    r = r - n * 1.42860677e-6f;
    VECTOR p = same(1.3814599e-3f);
    p = p * r + 8.368717e-3f;
    p = p * r + 4.166839e-2f;
    p = p * r + 1.6666521e-1f;
    p = p * r + 0.49999994f;
    p = p * r * r + r;
    VECTOR power_of_2 = NUMBERS((BITS(sum) - BITS(rounder) + 127) << 23);
    VECTOR power = p * power_of_2 + (power_of_2 - 1.0f);
    return NUMBERS((BITS(power) & INT32_MAX) | (BITS(x) & INT32_MIN));  /* -0 stays -0 */
}

/* log(1 + x) = 2 * artanh(s) = 2 * s * (1 + z * P(z)) with s = x / (2 + x) and z = s * s, for x
 * from 0 to 1. P: interpolation at Chebyshev's points; relative error 2e-8. */
INLINE VECTOR log_of_1_plus(VECTOR x)
{
    VECTOR s = x / (2.0f + x);
    VECTOR z = s * s;
    VECTOR p = same(0.134337766f);
    p = p * z + 0.141169776f;
    p = p * z + 0.200038355f;
    p = p * z + 0.333333198f;
    return 2.0f * s + 2.0f * s * z * p;
}
