/*
 * engine/pace -- how many batches our next training has, from our own copy of the ledger: nobody
 * has to tell us (fed/pace).
 *
 * Memory     plain struct, zeroed at first; it remembers which blocks it has read.
 */
#ifndef ENGINE_PACE_H
#define ENGINE_PACE_H

#include "fed/pace.h"
#include "store/disk.h"

struct engine_pace {
    struct fed_pace state;
    uint64_t        taken; /* blocks */
};

/* `*steps` is 0 where the job does not adapt them. `height`: so many blocks, those before `round`
 * or all but the last of them, stand on the disk. */
PN_MUST_CHECK enum pn_status engine_pace_steps(uint32_t *steps, struct engine_pace *pace,
                                               const struct fed_job    *job,
                                               const struct store_disk *disk, uint64_t height,
                                               uint64_t round);

#endif
