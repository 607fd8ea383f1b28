#include "nnlib/gemm.h"

#include "base/status.h"
#include "nnlib/cpu.h"
#include "nnlib/product_table.h"

#include <cblas.h>
#include <limits.h>
#include <string.h>

#ifdef NN_DOUBLE
#define BLAS_GEMM cblas_dgemm
#else
#define BLAS_GEMM cblas_sgemm
#endif

/* NULL where BLAS does everything: machines before AVX2, and the double build. */
static const struct nn_product_table *const tables[NN_CPU_COUNT] = {
#if defined(NN_X86) && !defined(NN_DOUBLE)
    [NN_CPU_AVX2]   = &nn_product_avx2,
    [NN_CPU_AVX512] = &nn_product_avx512,
#endif
    [NN_CPU_BASE] = NULL};

/* The own product that is faster than BLAS here, or NULL: by shape only, so that a row's sums do
 * not depend on the rows around it. Measured on Zen 3 (bench/train). */
static nn_product_function *
choose(const struct nn_operand *a, const struct nn_operand *b, const struct nn_product *p)
{
    const struct nn_product_table *table = tables[nn_cpu_level()];
    if (table == NULL || (a->transposed && b->transposed))
        return NULL;
    if (b->transposed && !a->transposed && (p->m <= 3 || (p->m <= 16 && p->k >= 256)))
        return table->along;
    return p->k <= 16 || (double)p->m * (double)p->n * (double)p->k <= 0x1p24 ? table->across
                                                                              : NULL;
}

static void
by_blas(nn_real *c, size_t stride, struct nn_operand a, struct nn_operand b, struct nn_product p)
{
    PN_ASSERT(p.m <= INT_MAX && p.n <= INT_MAX && p.k <= INT_MAX && stride <= INT_MAX &&
              a.stride <= INT_MAX && b.stride <= INT_MAX);
    BLAS_GEMM(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
              b.transposed ? CblasTrans : CblasNoTrans, (int)p.m, (int)p.n, (int)p.k, p.alpha, a.at,
              (int)a.stride, b.at, (int)b.stride, p.beta, c, (int)stride);
}

void
nn_gemm(nn_real *c, size_t stride, struct nn_operand a, struct nn_operand b, struct nn_product p)
{
    nn_product_function *own = choose(&a, &b, &p);
    if (own != NULL)
        own((struct nn_result){c, stride, c, stride}, a, b, p);
    else
        by_blas(c, stride, a, b, p);
}

void
nn_gemm_onto(nn_real *c, const nn_real *row, struct nn_operand a, struct nn_operand b,
             struct nn_product p)
{
    nn_product_function *own = choose(&a, &b, &p);
    if (own != NULL) {
        own((struct nn_result){c, p.n, row, 0}, a, b, p);
        return;
    }
    nn_fill_rows(c, row, p.m, p.n);
    by_blas(c, p.n, a, b, p);
}

void
nn_fill_rows(nn_real *y, const nn_real *row, size_t rows, size_t size)
{
    for (size_t b = 0; b < rows; b++)
        memcpy(y + b * size, row, size * sizeof *y);
}

void
nn_sum_rows(nn_real *restrict sum, const nn_real *restrict y, size_t rows, size_t size,
            nn_real alpha, nn_real beta)
{
    for (size_t o = 0; o < size; o++)
        sum[o] = alpha * y[o] + (beta == (nn_real)0 ? (nn_real)0 : beta * sum[o]);
    for (size_t b = 1; b < rows; b++)
        for (size_t o = 0; o < size; o++)
            sum[o] += alpha * y[b * size + o];
}

static double
dot(const nn_real *a, const nn_real *b, size_t count)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += (double)a[k] * (double)b[k];
    return sum;
}

double
nn_row_norm(const nn_real *a, const nn_real *g, size_t steps, size_t in, size_t out, bool bias)
{
    double sum = 0;
    for (size_t s = 0; s < steps; s++)
        for (size_t t = 0; t <= s; t++) {
            double both = dot(g + s * out, g + t * out, out) *
                          (dot(a + s * in, a + t * in, in) + (bias ? 1 : 0));
            sum += s == t ? both : 2 * both;
        }
    return sum;
}
