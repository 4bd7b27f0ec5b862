/* What a header needs to be compiled once for each instruction set, one of which is chosen when
 * the program runs:
 *
 *     #define INSTRUCTIONS avx2
 *     TARGET_BEGIN("avx2,fma")
 *     #include "some_kernels.h"     functions there are NAME(f), which is f_avx2
 *     TARGET_END
 *
 * CHOOSE_AT_RUN_TIME is defined where there is a choice: GCC and Clang for x86.
 */

#ifndef AIRI_INSTRUCTION_SETS_H
#define AIRI_INSTRUCTION_SETS_H

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
#define CHOOSE_AT_RUN_TIME
#include <immintrin.h>
#endif

#define JOIN(a, b) a##_##b
#define JOIN_EXPANDED(a, b) JOIN(a, b)
#define NAME(function) JOIN_EXPANDED(function, INSTRUCTIONS)

#define TARGET_PRAGMA(text) _Pragma(#text)
#ifdef __clang__
#define TARGET_BEGIN(list) \
    TARGET_PRAGMA(clang attribute push(__attribute__((target(list))), apply_to = function))
#define TARGET_END TARGET_PRAGMA(clang attribute pop)
#else
#define TARGET_BEGIN(list) TARGET_PRAGMA(GCC push_options) TARGET_PRAGMA(GCC target(list))
#define TARGET_END TARGET_PRAGMA(GCC pop_options)
#endif

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 24")
#else
#define UNROLL
#endif

#endif /* AIRI_INSTRUCTION_SETS_H */
