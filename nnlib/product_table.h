/*
 * nnlib/product_table -- products of matrices that are too small for BLAS to be worth its calls and
 * its copies; for gemm.c and product_*.c only.
 *
 *     across     C (m,n) = alpha A B + beta C, columns of C side by side in registers
 *     along      C (m,n) = alpha A B' + beta C, sums along rows of A and B: nothing is copied
 *
 * Every number of C is the sum over k in an order that depends on k alone: the same row of A gives
 * the same row of C whatever stands above and below it.
 */
#ifndef NNLIB_PRODUCT_TABLE_H
#define NNLIB_PRODUCT_TABLE_H

#include "nnlib/gemm.h"

/* C, and what beta is times of: C itself, or with `from_stride` 0 one row for all rows of C. */
struct nn_result {
    nn_real       *at;
    size_t         stride;
    const nn_real *from;
    size_t         from_stride;
};

typedef void nn_product_function(struct nn_result c, struct nn_operand a, struct nn_operand b,
                                 struct nn_product p);

struct nn_product_table {
    nn_product_function *across; /* A and B as they are stored, or their transposes */
    nn_product_function *along;  /* A as it is, B transposed                        */
};

extern const struct nn_product_table nn_product_avx2, nn_product_avx512;

#endif
