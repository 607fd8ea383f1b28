/*
 * engine/held -- blobs in memory, whole and proved, that nobody changes any more.
 *
 * What a node works with - the model of an order, the scaling - it holds in memory, as it came,
 * chunk by chunk; a restart fetches it again. What a party gives is given from memory while it is
 * held, and from the disk afterwards. Equal roots are equal bytes: engines that share a scratch (a
 * simulator's thousands) hold each blob once.
 *
 * Memory     `bytes` and the object, until the last holder drops it.
 * Threads    take and drop: the thread of the set; `bytes`: any, while it is held.
 */
#ifndef ENGINE_HELD_H
#define ENGINE_HELD_H

#include "crypto/merkle.h"

enum {
    ENGINE_HELD_PLACES = 64
};

struct engine_held {
    struct sec_blob     blob;
    uint8_t            *bytes; /* begins where pn_bulk does: models are read as floats here */
    uint32_t            holders;
    struct engine_held *next, **at;
};

struct engine_held_set { /* by the first byte of their roots; all NULL: empty */
    struct engine_held *places[ENGINE_HELD_PLACES];
};

/* Takes `bytes` (of pn_bulk) over, whatever happens. The caller is a holder of what is returned,
 * which may have been there before. NULL: no memory. */
PN_MUST_CHECK struct engine_held *engine_held_put(struct engine_held_set *set,
                                                  const struct sec_blob *blob, uint8_t *bytes);
/* One more holder of this blob; NULL when nobody holds it. */
PN_MUST_CHECK struct engine_held *engine_held_find(struct engine_held_set *set,
                                                   const struct sec_blob  *blob);
/* One more holder; NULL gives NULL. */
struct engine_held *engine_held_take(struct engine_held *held);
void                engine_held_drop(struct engine_held *held);                   /* may be NULL */
bool engine_held_is(const struct engine_held *held, const struct sec_blob *blob); /* NULL: no */

#endif
