/*
 * data/augment -- the job's random changes on a batch that was gathered from the records.
 *
 * What record r becomes in epoch e is a function of the seed, e, r and the step: it does not depend
 * on the batch, on the order in it, or on threads. Step s draws from child
 * (PN_RNG_AUGMENT, e) (PN_RNG_AUGMENT, r) (PN_RNG_AUGMENT, s) of `rng`:
 *
 *     flip     with probability `chance`
 *     crop     right, down uniform in -by..by; zeros come in
 *     shift    the same with the border repeated; of a series, its time
 *     noise    + deviation N(0, 1), each number by itself
 *     warp     the clock's speeds at 5 knots are exp(strength N(0, 1))
 *     mixup    share ~ Beta(alpha, alpha), another record o uniform over `records`, as it is there:
 *              x = share x + (1 - share) x[o]. A number as target is mixed likewise. A class
 *              is that of r with probability share, else that of o: the expected loss is
 *              share L(r) + (1 - share) L(o) (Zhang et al. 2018, section 2).
 *
 * A record that is its own target is learned as it is after these steps, but without the noise:
 * with noise it is a denoising autoencoder's (Vincent et al. 2008).
 *
 * Memory     the caller's; nothing is allocated.
 * Threads    one thread at a time per `scratch`.
 */
#ifndef DATA_AUGMENT_H
#define DATA_AUGMENT_H

#include "base/rng.h"
#include "data/table.h"

struct data_augment {
    const struct data_schema *schema;
    struct data_part          records; /* the training part, scaled */
    struct pn_rng             rng;
    float                    *scratch; /* schema->feature_count floats */
};

/* x is (rows, feature_count), target (rows, data_schema_target_size): copies of the records with
 * these numbers, within `records`; both are changed in place. `augment` is a const struct
 * data_augment *, so that nn_augment.apply (nnlib/train) can be this function. */
void data_augment_apply(void *augment, float *x, float *target, const uint32_t *record,
                        uint32_t rows, uint64_t epoch);

#endif
