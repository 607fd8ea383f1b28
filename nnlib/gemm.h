/*
 * nnlib/gemm -- the matrix product, and what layers do to the rows and columns around it; inside
 * nnlib only, and the only user of BLAS beside nn_start_up.
 *
 * Small products, and those with few rows or a short k, are our own (product_table.h): BLAS copies
 * its operands, which pays only in large ones. Which computes depends on the shape and the CPU.
 *
 * Shapes     row-major; a stride is the distance between rows in elements.
 * Threads    any; BLAS runs one thread.
 */
#ifndef NNLIB_GEMM_H
#define NNLIB_GEMM_H

#include "nnlib/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nn_operand {
    const nn_real *at;
    size_t         stride;
    bool           transposed; /* stored as its transpose */
};

struct nn_product {
    size_t  m, n, k; /* at most NN_SIZE_MAX each, or a batch times that: below 2^31 */
    nn_real alpha, beta;
};

/* C (m,n) = alpha A (m,k) B (k,n) + beta C; with beta 0, C need not be initialised. */
void nn_gemm(nn_real *c, size_t stride, struct nn_operand a, struct nn_operand b,
             struct nn_product p);

/* C (m,n) = alpha A B + beta row, the same row for all of C's: a layer with its bias. */
void nn_gemm_onto(nn_real *c, const nn_real *row, struct nn_operand a, struct nn_operand b,
                  struct nn_product p);

/* y[b,:] = row for all rows. */
void nn_fill_rows(nn_real *y, const nn_real *row, size_t rows, size_t size);
/* sum[o] = alpha (sum over rows of y[b,o]) + beta sum[o] */
void nn_sum_rows(nn_real *sum, const nn_real *y, size_t rows, size_t size, nn_real alpha,
                 nn_real beta);

/* |sum_t a[t,:]' g[t,:]|^2 (Frobenius) of one record, (steps, in) and (steps, out): the squared
 * norm of its gradient for weights that act at every step; with `bias` plus |sum_t g[t,:]|^2
 * (security.md, section 3.5: <A A', G G'>). */
double nn_row_norm(const nn_real *a, const nn_real *g, size_t steps, size_t in, size_t out,
                   bool bias);

#endif
