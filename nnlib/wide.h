/*
 * nnlib/wide -- loops compiled twice, for any x86-64 or other machine and for one with AVX2 and
 * FMA; the choice is made when the program runs. Inside nnlib only.
 *
 *     NN_WIDE_BODY static void scale_body(float *v, size_t n) { ... }
 *     NN_WIDE_PAIR(scale, (float *v, size_t n), (v, n))      makes static void scale(float *,
 * size_t)
 *
 * Files that use it are compiled with -ffp-contract=fast, so that a*b + c is one instruction where
 * there is one: the two builds round differently, as BLAS does on different machines.
 */
#ifndef NNLIB_WIDE_H
#define NNLIB_WIDE_H

#include <stdbool.h>

#define NN_WIDE_BODY __attribute__((always_inline)) inline

#if defined(__x86_64__) && !defined(NN_PLAIN) /* NN_PLAIN: tests of the other build */
#define NN_WIDE __attribute__((target("avx2,fma")))
static inline bool
nn_wide(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
#define NN_WIDE
static inline bool
nn_wide(void)
{
    return false;
}
#endif

#define NN_WIDE_PAIR(name, parameters, arguments)                                                  \
    NN_WIDE static void name##_wide parameters                                                     \
    {                                                                                              \
        name##_body arguments;                                                                     \
    }                                                                                              \
    static void name##_plain parameters                                                            \
    {                                                                                              \
        name##_body arguments;                                                                     \
    }                                                                                              \
    static void name parameters                                                                    \
    {                                                                                              \
        if (nn_wide())                                                                             \
            name##_wide arguments;                                                                 \
        else                                                                                       \
            name##_plain arguments;                                                                \
    }

#endif
