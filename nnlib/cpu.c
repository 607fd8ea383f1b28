#include "nnlib/cpu.h"

#include <stdatomic.h>

const char *const nn_cpu_names[NN_CPU_COUNT] = {"base", "avx2", "avx512"};

/* Level plus one; 0: not asked yet. Every thread that asks finds the same. */
static atomic_int level_in_use;

bool
nn_cpu_has(enum nn_cpu level)
{
#ifdef NN_X86
    if (level == NN_CPU_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (level == NN_CPU_AVX512)
        return nn_cpu_has(NN_CPU_AVX2) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#endif
    return level == NN_CPU_BASE;
}

static enum nn_cpu
highest(enum nn_cpu level)
{
    while (!nn_cpu_has(level))
        level--;
    return level;
}

enum nn_cpu
nn_cpu_level(void)
{
    int level = atomic_load_explicit(&level_in_use, memory_order_relaxed);
    if (level == 0) {
        level = (int)highest(NN_CPU_AVX512) + 1;
        atomic_store_explicit(&level_in_use, level, memory_order_relaxed);
    }
    return (enum nn_cpu)(level - 1);
}

void
nn_cpu_limit(enum nn_cpu level)
{
    atomic_store_explicit(&level_in_use, (int)highest(level) + 1, memory_order_relaxed);
}
