/*
 * nnlib/ridge -- linear regression in closed form, from sums that sites can add up.
 *
 *     w = (X'X + l n D)^-1 X'y,   x extended by a constant 1,   D = 1 but 0 for that constant
 *
 * The minimum of mean (x'w - y)^2 + l |w|^2 without the bias in the penalty: the one network whose
 * optimum is known exactly, hence a baseline, and the figure that gradient descent must reach.
 * X'X and X'y are sums over records: the merge of the sites' sums is the pooled sum.
 *
 * Memory     the caller's: nn_ridge_count doubles of sums; nn_ridge_solve works in place.
 * Errors     PN_EDATA: no records, or columns that depend on each other (raise l).
 */
#ifndef NNLIB_RIDGE_H
#define NNLIB_RIDGE_H

#include "base/status.h"
#include "nnlib/real.h"

#include <stddef.h>
#include <stdint.h>

/* Doubles of the sums for so many features: (f+1)(f+2)/2 of X'X, f+1 of X'y, the records. */
size_t nn_ridge_count(uint32_t features);
/* sums += those of these records, x (rows, features); start from zeros. `weight` may be NULL. */
void nn_ridge_add(double *sums, const nn_real *x, const nn_real *y, const nn_real *weight,
                  size_t rows, uint32_t features);
/* into += from */
void nn_ridge_merge(double *into, const double *from, uint32_t features);
/* w (features + 1), the bias last; the sums are used up. */
PN_MUST_CHECK enum pn_status nn_ridge_solve(double *w, double *sums, uint32_t features, double l);

#endif
