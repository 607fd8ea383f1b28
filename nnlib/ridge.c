#include "nnlib/ridge.h"

#include <math.h>
#include <string.h>

/* The lower triangle, row after row: (i, j) with j <= i. */
static size_t
at(size_t i, size_t j)
{
    return i * (i + 1) / 2 + j;
}

size_t
nn_ridge_count(uint32_t features)
{
    size_t n = (size_t)features + 1;
    return n * (n + 1) / 2 + n + 1;
}

static double *
right_side(double *sums, uint32_t features)
{
    size_t n = (size_t)features + 1;
    return sums + n * (n + 1) / 2;
}

void
nn_ridge_add(double *sums, const nn_real *x, const nn_real *y, const nn_real *weight, size_t rows,
             uint32_t features)
{
    double *xy = right_side(sums, features), *records = xy + features + 1;
    for (size_t r = 0; r < rows; r++) {
        const nn_real *row = x + r * features;
        double         w   = weight != NULL ? (double)weight[r] : 1;
        for (size_t i = 0; i <= features; i++) {
            double xi = i < features ? (double)row[i] : 1;
            for (size_t j = 0; j < i; j++)
                sums[at(i, j)] += w * xi * (double)row[j];
            sums[at(i, i)] += w * xi * xi;
            xy[i] += w * xi * (double)y[r];
        }
        *records += w;
    }
}

void
nn_ridge_merge(double *into, const double *from, uint32_t features)
{
    size_t count = nn_ridge_count(features);
    for (size_t k = 0; k < count; k++)
        into[k] += from[k];
}

/* L L' = A in place; false where A is not safely positive definite. */
static bool
cholesky(double *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = a[at(i, j)];
            for (size_t k = 0; k < j; k++)
                sum -= a[at(i, k)] * a[at(j, k)];
            if (i != j)
                a[at(i, j)] = sum / a[at(j, j)];
            else if (!(sum > 1e-12 * a[at(i, i)])) /* what is left is rounding */
                return false;
            else
                a[at(i, i)] = sqrt(sum);
        }
    return true;
}

enum pn_status
nn_ridge_solve(double *w, double *sums, uint32_t features, double l)
{
    size_t  n  = (size_t)features + 1;
    double *xy = right_side(sums, features), records = xy[n];
    if (!(records > 0) || !isfinite(records))
        return PN_EDATA;
    for (size_t i = 0; i < features; i++)
        sums[at(i, i)] += l * records;
    if (!cholesky(sums, n))
        return PN_EDATA;
    for (size_t i = 0; i < n; i++) { /* L z = X'y */
        for (size_t k = 0; k < i; k++)
            xy[i] -= sums[at(i, k)] * xy[k];
        xy[i] /= sums[at(i, i)];
    }
    for (size_t i = n; i-- > 0;) { /* L' w = z */
        for (size_t k = i + 1; k < n; k++)
            xy[i] -= sums[at(k, i)] * xy[k];
        xy[i] /= sums[at(i, i)];
    }
    for (size_t i = 0; i < n; i++)
        if (!isfinite(xy[i]))
            return PN_EDATA;
    memcpy(w, xy, n * sizeof *w);
    return PN_OK;
}
