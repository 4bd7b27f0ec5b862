/* update_kernels.h for float and for double. */

#include <math.h>
#include <stddef.h>

/* Where compiler and C library can choose by processor when the program starts, let them. The
 * C library says which it is in a header of its own. */
#if defined(__x86_64__) && defined(__GNUC__) && defined(__GLIBC__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

#define REAL float
#define SQRT sqrtf
#define NAMED(name) name##_float
#include "update_kernels.h"
#undef REAL
#undef SQRT
#undef NAMED

#define REAL double
#define SQRT sqrt
#define NAMED(name) name##_double
#include "update_kernels.h"
#undef REAL
#undef SQRT
#undef NAMED
