/* nnlib/vmath_table -- the functions of vmath.h at each level; for vmath.c and vmath_*.c only. */
#ifndef NNLIB_VMATH_TABLE_H
#define NNLIB_VMATH_TABLE_H

#include <stddef.h>

typedef void nn_vmath_function(float *out, const float *x, size_t count);

struct nn_vmath_table {
    nn_vmath_function *exp, *expm1, *log, *tanh, *sigmoid, *softplus;
};

extern const struct nn_vmath_table nn_vmath_base, nn_vmath_avx2, nn_vmath_avx512;

#endif
