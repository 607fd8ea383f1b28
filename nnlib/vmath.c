#include "nnlib/vmath.h"

#ifdef NN_DOUBLE

#include <math.h>

#define DEFINE(name, expression)                                                                   \
    void nn_vmath_##name(nn_real *out, const nn_real *x, size_t count)                             \
    {                                                                                              \
        for (size_t i = 0; i < count; i++) {                                                       \
            const double v = x[i];                                                                 \
            out[i]         = expression;                                                           \
        }                                                                                          \
    }
DEFINE(exp, exp(v))
DEFINE(expm1, expm1(v))
DEFINE(log, log(v))
DEFINE(tanh, tanh(v))
DEFINE(sigmoid, (v < 0 ? exp(v) : 1) / (1 + exp(-fabs(v))))
DEFINE(softplus, (v < 0 ? 0 : v) + log1p(exp(-fabs(v))))

#else

#include "nnlib/cpu.h"
#include "nnlib/vmath_table.h"

static const struct nn_vmath_table *const tables[NN_CPU_COUNT] = {
    [NN_CPU_BASE]   = &nn_vmath_base,
#ifdef NN_X86
    [NN_CPU_AVX2]   = &nn_vmath_avx2,
    [NN_CPU_AVX512] = &nn_vmath_avx512,
#endif
};

#define DEFINE(name)                                                                               \
    void nn_vmath_##name(nn_real *out, const nn_real *x, size_t count)                             \
    {                                                                                              \
        tables[nn_cpu_level()]->name(out, x, count);                                               \
    }
DEFINE(exp)
DEFINE(expm1)
DEFINE(log)
DEFINE(tanh)
DEFINE(sigmoid)
DEFINE(softplus)

#endif
