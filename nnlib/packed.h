/*
 * nnlib/packed -- a matrix laid out once for many products with few rows; inside nnlib only.
 *
 * BLAS lays its right-hand matrix out anew in every call. A recurrent layer multiplies the same
 * weights by a handful of rows at every step of a sequence: it packs them once.
 *
 *     packed: panels of NN_PANEL columns, each (k, NN_PANEL), the last filled with zeros
 *
 * Memory     the caller's, nn_packed_count numbers, 32-byte aligned.   Threads  any.
 */
#ifndef NNLIB_PACKED_H
#define NNLIB_PACKED_H

#include "nnlib/gemm.h"

enum {
    NN_PANEL = 2 * 32 / sizeof(nn_real) /* two AVX registers */
};

size_t nn_packed_count(size_t k, size_t n);
/* B is (k,n). */
void nn_pack(nn_real *out, struct nn_operand b, size_t k, size_t n);
/* C (m,n) += A (m,k) B; rows of A and of C are a_stride and c_stride apart. */
struct nn_few_rows {
    size_t m, n, k, a_stride, c_stride;
};
void nn_packed_add(nn_real *c, const nn_real *a, const nn_real *packed, struct nn_few_rows p);

#endif
