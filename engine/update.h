/*
 * engine/update -- from a trained model to an update that can be announced.
 *
 *     bytes: the trained model -> clipped, rounded (fed/update), as little-endian int32, in place
 *
 * in one walk: what was rounded is measured and hashed while it is in the processor's cache.
 *
 * Threads    any: plain functions on arrays.
 */
#ifndef ENGINE_UPDATE_H
#define ENGINE_UPDATE_H

#include "crypto/merkle.h"

struct engine_update {
    struct sec_blob  blob;
    struct sec_hash *leaves; /* the caller's, to free */
    double           norm;
    uint64_t         saturated; /* values that were cut */
};

/* `bytes`: of pn_bulk, `size` of them, floats before and the update after; `start`: what was
 * trained from. PN_EDIVERGED when a value is not finite, PN_ERANGE, PN_ENOMEM; the bytes are then
 * untouched. */
PN_MUST_CHECK enum pn_status engine_update_make(struct engine_update *out, uint8_t *bytes,
                                                const float *start, uint64_t size, double clip);

#endif
