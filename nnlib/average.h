/*
 * nnlib/average -- a second set of parameters that follows the trained one; often the better model.
 *
 *     exponential  a <- d a + (1 - d) theta        the first theta is taken as it is
 *     Polyak       a <- a + (theta - a) / n        the mean of all n; Polyak and Juditsky, 1992
 *
 * As PyTorch's AveragedModel. Memory: `average` is the caller's, as many numbers as theta.
 */
#ifndef NNLIB_AVERAGE_H
#define NNLIB_AVERAGE_H

#include "nnlib/real.h"

#include <stddef.h>
#include <stdint.h>

/* `seen`: how many were taken before, 0 at first. `decay` is 0..1. */
void nn_average_exponential(nn_real *average, const nn_real *theta, size_t count, double decay,
                            uint64_t seen);
void nn_average_polyak(nn_real *average, const nn_real *theta, size_t count, uint64_t seen);

#endif
