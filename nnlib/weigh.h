/*
 * nnlib/weigh -- class weights, as weights of records.
 *
 * A loss of reduce=mean divides by the sum of weights, so record weights w_c(t) are what PyTorch's
 * class weights are; with reduce=rows they are what Keras's are. For a federation the counts are
 * the sums of the sites' counts.
 *
 *     balanced   w_c = n / (K n_c)         every class weighs the same; the mean weight is 1
 *     effective  w_c ~ (1 - b) / (1 - b^n_c), mean 1 over records; Cui et al., 2019; b below 1
 *
 * Re-weighting moves the shares that a model gives: recalibrate (nn_prior_correct) or move the cut
 * (nnlib/calibrate) afterwards.
 */
#ifndef NNLIB_WEIGH_H
#define NNLIB_WEIGH_H

#include "base/status.h"
#include "nnlib/real.h"

#include <stddef.h>
#include <stdint.h>

/* A class that never occurs gets weight 0. PN_EDATA when none occurs. */
PN_MUST_CHECK enum pn_status nn_weigh_balanced(double *weights, const uint64_t *counts,
                                               uint32_t classes);
PN_MUST_CHECK enum pn_status nn_weigh_effective(double *weights, const uint64_t *counts,
                                                uint32_t classes, double beta);
/* counts[k]: records of class k. PN_EDATA for a target that is no class. */
PN_MUST_CHECK enum pn_status nn_weigh_count(uint64_t *counts, uint32_t classes,
                                            const nn_real *target, size_t rows);
/* out[r] = weight[r] times the weight of its class; `weight` may be NULL (all 1) or `out`. PN_EDATA
 * for a target that is no class; a soft label of two classes is between their weights. */
PN_MUST_CHECK enum pn_status nn_weigh_records(nn_real *out, const nn_real *weight,
                                              const nn_real *target, size_t rows,
                                              const double *weights, uint32_t classes);

#endif
