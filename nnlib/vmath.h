/*
 * nnlib/vmath -- exp, log and their family over arrays.
 *
 * Only additions, multiplications, divisions and bit patterns, in one order and without fused
 * multiply-adds: a number has the same result on every machine, at every level of nnlib/cpu and
 * wherever it stands in an array. Largest error found over all floats, in units of the last place
 * of the right result (tests/unit/test_vmath.c holds the bounds in brackets on a sample):
 *
 *     exp       e^x                          EEE
 *     expm1     e^x - 1                      MMM
 *     log       ln x                         LLL
 *     tanh                                   TTT
 *     sigmoid   1 / (1 + e^-x)               SSS
 *     softplus  ln(1 + e^x)                  PPP
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
