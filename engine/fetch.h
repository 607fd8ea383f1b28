/*
 * engine/fetch -- getting a blob: pulls it into memory or into the disk's staging.
 *
 * Every chunk is checked against the root before it is kept, and the blob is there for others only
 * when it is whole.
 *
 * Memory     while it is busy: a hundred bytes, one bit a chunk, and into memory the blob.
 * Threads    the engine's.
 */
#ifndef ENGINE_FETCH_H
#define ENGINE_FETCH_H

#include "engine/peer.h"
#include "fed/fetch.h"
#include "store/disk.h"

struct engine_fetch {
    const struct store_disk *disk;   /* NULL: into memory                 */
    const char              *folder; /* on the disk; static text, or NULL */
    struct fed_fetch        *fetch;  /* NULL = idle */
    uint8_t                 *bytes;  /* in memory */
};
/* Into the disk's staging, or with NULL into memory. */
void engine_fetch_init(struct engine_fetch *fetch, const struct store_disk *disk);
void engine_fetch_fini(struct engine_fetch *fetch);
bool engine_fetch_is_busy(const struct engine_fetch *fetch);
/* Busy with this blob. */
bool engine_fetch_is_of(const struct engine_fetch *fetch, const struct sec_blob *blob);
/* The peer is back: everything outstanding may be asked again at once. */
void engine_fetch_reconnected(struct engine_fetch *fetch);
/* Begins anew; what another blob left behind is discarded. `size` is what the job says it must be.
 * */
PN_MUST_CHECK enum pn_status engine_fetch_start(struct engine_fetch *fetch, const char *folder,
                                                const struct sec_blob *blob, uint64_t size);
/* Sends the PULLs that are due; how many bytes they ask for. */
uint64_t engine_fetch_ask(struct engine_fetch *fetch, struct engine_peer *peer,
                          const struct pn_ports *ports, struct engine_scratch *scratch, pn_ms now);
/*
 * A chunk of this blob arrived: checks and stores it. PN_OK also when it is the last one:
 * engine_fetch_is_whole then. PN_EPEER_STATE for a chunk that was not asked for, PN_EPEER_VALUE
 * when it does not belong to the root; PN_EIO and the like when the disk failed.
 */
PN_MUST_CHECK enum pn_status engine_fetch_take(struct engine_fetch     *fetch,
                                               const struct wire_chunk *chunk);
bool                         engine_fetch_is_whole(const struct engine_fetch *fetch);
/* Forgets a whole fetch, whose yield is then the caller's: the staged file to publish
 * (engine_blob_name), or the bytes that are returned, as of pn_bulk. */
uint8_t *engine_fetch_leave(struct engine_fetch *fetch);
/* Forgets it and discards what came. */
void  engine_fetch_drop(struct engine_fetch *fetch);
pn_ms engine_fetch_deadline(const struct engine_fetch *fetch);

#endif
