/* The steps of recurrent layers over rows of gates: straight-line arithmetic that compilers turn
 * into vector instructions. `recurrent_steps.py` says what each step computes. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Where compiler and C library can choose by processor when the program starts, let them. The
 * C library says which it is in a header of its own. */
#if defined(__x86_64__) && defined(__GNUC__) && defined(__GLIBC__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

#ifdef _MSC_VER
#define ALONE __restrict
#define INLINE static __forceinline
#else
#define ALONE restrict
#define INLINE static inline __attribute__((always_inline))
#endif

/* e**x = 2**n * e**r for the whole number n nearest to x / ln 2, so |r| < 0.35 and eight terms of
 * the series give every bit. The power of two is made by writing n into the exponent's bits. */
INLINE float exp_of(float x)
{
    const float rounding = 12582912.0f; /* 1.5 * 2**23: adding it leaves no place for a fraction */
    x = x > 88.0f ? 88.0f : x;
    x = x < -87.0f ? -87.0f : x;
    float n = (x * 1.44269504f + rounding) - rounding;
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f; /* ln 2 in two parts */
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    int32_t bits = ((int32_t)n + 127) * (1 << 23);
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

INLINE float sigmoid_of(float x)
{
    return 1.0f / (1.0f + exp_of(-x));
}

/* Near zero an odd polynomial, fitted for a relative error below 6e-9; from there on the formula
 * with e**2x, which would lose digits near zero. */
INLINE float tanh_of(float x)
{
    float z = x * x;
    float p = -0.005591015797f;
    p = p * z + 0.02053881995f;
    p = p * z - 0.05370965600f;
    p = p * z + 0.1333109289f;
    p = p * z - 0.3333326876f;
    float near = x + x * z * p;
    float size = x < 0.0f ? -x : x;
    float far = 1.0f - 2.0f / (exp_of(2.0f * size) + 1.0f);
    far = x < 0.0f ? -far : far;
    return size < 0.625f ? near : far;
}

FOR_EACH_PROCESSOR
static void lstm_row(ptrdiff_t size, const float *ALONE recurrent, float *ALONE gates,
                     float *ALONE c, float *ALONE cell, float *ALONE h)
{
    for (ptrdiff_t j = 0; j < size; j++) {
        float i = sigmoid_of(gates[j] + recurrent[j]);
        float f = sigmoid_of(gates[j + size] + recurrent[j + size]);
        float g = tanh_of(gates[j + 2 * size] + recurrent[j + 2 * size]);
        float o = sigmoid_of(gates[j + 3 * size] + recurrent[j + 3 * size]);
        float now = f * c[j] + i * g;
        gates[j] = i;
        gates[j + size] = f;
        gates[j + 2 * size] = g;
        gates[j + 3 * size] = o;
        c[j] = now;
        cell[j] = now;
        h[j] = o * tanh_of(now);
    }
}

FOR_EACH_PROCESSOR
static void lstm_row_backward(ptrdiff_t size, const float *ALONE gates, const float *ALONE before,
                              const float *ALONE cell, const float *ALONE dh, float *ALONE dc,
                              float *ALONE dgates)
{
    for (ptrdiff_t j = 0; j < size; j++) {
        float i = gates[j];
        float f = gates[j + size];
        float g = gates[j + 2 * size];
        float o = gates[j + 3 * size];
        float shown = tanh_of(cell[j]);
        float d = dc[j] + dh[j] * o * (1.0f - shown * shown);
        dgates[j] = d * g * i * (1.0f - i);
        dgates[j + size] = d * before[j] * f * (1.0f - f);
        dgates[j + 2 * size] = d * i * (1.0f - g * g);
        dgates[j + 3 * size] = dh[j] * shown * o * (1.0f - o);
        dc[j] = d * f;
    }
}

FOR_EACH_PROCESSOR
static void gru_row(ptrdiff_t size, const float *ALONE recurrent, float *ALONE gates,
                    float *ALONE h, float *ALONE candidate)
{
    for (ptrdiff_t j = 0; j < size; j++) {
        float r = sigmoid_of(gates[j] + recurrent[j]);
        float z = sigmoid_of(gates[j + size] + recurrent[j + size]);
        float of_h = recurrent[j + 2 * size];
        float n = tanh_of(gates[j + 2 * size] + r * of_h);
        gates[j] = r;
        gates[j + size] = z;
        gates[j + 2 * size] = n;
        candidate[j] = of_h;
        h[j] = n + z * (h[j] - n);
    }
}

FOR_EACH_PROCESSOR
static void gru_row_backward(ptrdiff_t size, const float *ALONE gates,
                             const float *ALONE candidate, const float *ALONE before,
                             float *ALONE dh, float *ALONE dgates, float *ALONE drecurrent)
{
    for (ptrdiff_t j = 0; j < size; j++) {
        float r = gates[j];
        float z = gates[j + size];
        float n = gates[j + 2 * size];
        float dn = dh[j] * (1.0f - z) * (1.0f - n * n);
        float dz = dh[j] * (before[j] - n) * z * (1.0f - z);
        float dr = dn * candidate[j] * r * (1.0f - r);
        dgates[j] = drecurrent[j] = dr;
        dgates[j + size] = drecurrent[j + size] = dz;
        dgates[j + 2 * size] = dn;
        drecurrent[j + 2 * size] = dn * r;
        dh[j] = dh[j] * z;
    }
}
