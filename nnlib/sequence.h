/*
 * nnlib/sequence -- what layers over sequences share: lengths, places and whole numbers in values;
 * inside nnlib only.
 *
 * A sequence is a value (steps, size) of a record. Records of unequal lengths are filled up to the
 * longest; a second input of one number says how many steps of the record count. A number that is
 * no such length (not whole, below 0, above the steps, NaN) makes the record's value NaN, so that
 * it is seen: the training stops and says which layer was first.
 */
#ifndef NNLIB_SEQUENCE_H
#define NNLIB_SEQUENCE_H

#include "nnlib/layer.h"

/* A whole number 0..most written as a float; within 1e-3, so that what was scaled and scaled back
 * still is one. */
static inline bool
nn_whole(uint32_t *out, nn_real value, uint32_t most)
{
    if (!(value > NN_R(-1e-3) && value < (nn_real)most + NN_R(1e-3)))
        return false;
    *out = (uint32_t)(value + NN_R(0.5));
    return nn_fabs(value - (nn_real)*out) < NN_R(1e-3);
}

/* Steps of record b of input 0 that count: all without a second input. False: no length. */
bool nn_sequence_length(uint32_t *out, const struct nn_call *call, uint32_t b);

/* The step at place s from the start, or from the end of what counts; steps beyond stay. Its own
 * inverse. */
static inline size_t
nn_sequence_step(size_t s, size_t length, bool from_end)
{
    return from_end && s < length ? length - 1 - s : s;
}

/* Checks that input 0 is a sequence and that input 1, where there is one, is one number. */
PN_MUST_CHECK enum pn_status nn_sequence_check(const struct nn_layer        *layer,
                                               const struct nn_layer *const *inputs,
                                               struct pn_error              *why);
/* Lengths have no gradient: 0 for input 1, unless others add to it. */
void nn_sequence_no_gradient(const struct nn_call *call);

#endif
