/*
 * nnlib/cpu -- which vector instructions the kernels use, found once at run time.
 *
 * Kernels with a table of functions per level (vmath, panel) are built once for each level and ask
 * here which to run. What a level computes does not depend on the machine it runs on.
 *
 * Threads    any; nn_cpu_limit only while nobody computes.
 */
#ifndef NNLIB_CPU_H
#define NNLIB_CPU_H

#include <stdbool.h>

enum nn_cpu {
    NN_CPU_BASE,   /* what every machine of the architecture has: SSE2 on x86-64 */
    NN_CPU_AVX2,   /* AVX2 and FMA: Haswell 2013, Zen 2017                       */
    NN_CPU_AVX512, /* F, BW, DQ, VL: Skylake-X 2017, Zen 4 2022                  */
    NN_CPU_COUNT
};
extern const char *const nn_cpu_names[NN_CPU_COUNT]; /* "base", "avx2", "avx512" */

/* True where this machine and this build can run the level. */
bool nn_cpu_has(enum nn_cpu level);
/* The level in use: the highest there is, or the limit. */
enum nn_cpu nn_cpu_level(void);
/* For tests and benchmarks: no higher than `level` from now on. */
void nn_cpu_limit(enum nn_cpu level);

#endif
