/*
 * fed/bound -- how far updates that are gone can have moved a model.
 *
 * Of an update u_i that nobody keeps any more a block still says the weight w_i and the norm. With
 * W the sum of all weights, d the difference between the models after and before, and K the updates
 * that are kept (fed/update):
 *
 *     a_i   = w_i ||u_i|| / W
 *     rest  = || d - sum over K of w_i u_i / W ||       what those that are gone must account for
 *     least = max(0, 2 max a_i - sum of a_i) - slack                     over those that are gone
 *     most  = sum of a_i + slack
 *     slack = 2^-23 (||model after|| + sum of a_i)                                       over all
 *
 * The triangle inequality both ways; and from two parameters on, vectors of these lengths exist for
 * every sum between, so norms alone say nothing sharper. The slack is twice what fed_update_apply
 * can round: half a unit in the last place of the mean, and of the sum.
 */
#ifndef FED_BOUND_H
#define FED_BOUND_H

#include "base/bytes.h"

/* The largest norm that an update of so many parameters can have: each is below 2^7. */
double fed_bound_norm_max(size_t count);

struct fed_bound { /* zero: of no update */
    uint64_t weights;
    double   all, gone, largest; /* sums of weight * norm, and the largest of those that are gone */
};
void fed_bound_add(struct fed_bound *bound, uint64_t weight, double norm, bool kept);

struct fed_bound_range {
    double rest, least, most;
};
/* `sum`: weight * q of the updates that are kept. False: no updates of these weights and norms give
 * this model, be it that it holds a number that is not finite. */
PN_MUST_CHECK bool fed_bound_check(struct fed_bound_range *out, const struct fed_bound *bound,
                                   const float *after, const float *before, const int64_t *sum,
                                   size_t count);

#endif
