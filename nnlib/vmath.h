/*
 * nnlib/vmath -- exp, log and their family over arrays.
 *
 * Only additions, multiplications, divisions and bit patterns, in one order and without fused
 * multiply-adds: a number has the same result on every machine, at every level of nnlib/cpu and
 * wherever it stands in an array. Largest error found over all floats (of sigmoid and softplus:
 * over every 13th), in units of the last place of the right result; tests/unit/test_vmath.c looks
 * at a sample:
 *
 *     exp       e^x               0.99          tanh                          1.33
 *     expm1     e^x - 1           1.57          sigmoid   1 / (1 + e^-x)      2.4
 *     log       ln x              0.83          softplus  ln(1 + e^x)         2.0
 *
 * Where the right result is below FLT_MIN the error is at most one unit of the smallest number.
 * Overflow gives infinity, exp(-inf) = 0, log(0) = -inf, log(x < 0) = NaN, NaN gives NaN.
 *
 * In the double build the functions are those of libm.
 *
 * Shapes     count numbers; out may be x, but not overlap it otherwise.
 * Threads    any.
 */
#ifndef NNLIB_VMATH_H
#define NNLIB_VMATH_H

#include "nnlib/real.h"

#include <stddef.h>

void nn_vmath_exp(nn_real *out, const nn_real *x, size_t count);
void nn_vmath_expm1(nn_real *out, const nn_real *x, size_t count);
void nn_vmath_log(nn_real *out, const nn_real *x, size_t count);
void nn_vmath_tanh(nn_real *out, const nn_real *x, size_t count);
void nn_vmath_sigmoid(nn_real *out, const nn_real *x, size_t count);
void nn_vmath_softplus(nn_real *out, const nn_real *x, size_t count);

#endif
