/*
 * engine/shelf -- giving blobs: the few that a party gives to whoever asks, chunk by chunk.
 *
 * Their leaf hashes are here, so that a chunk is one copy and one proof: from memory while the
 * bytes are held, otherwise from the disk.
 *
 * Memory     once something was put: 300 bytes, and 32 a chunk of each blob, ENGINE_SHELF_MAX of
 *            them; the bytes of one of each folder while it is held.
 * Threads    the engine's.
 */
#ifndef ENGINE_SHELF_H
#define ENGINE_SHELF_H

#include "engine/held.h"
#include "engine/peer.h"
#include "store/disk.h"

enum {
    ENGINE_SHELF_MAX = 4
};

struct engine_shelf_item {
    struct sec_blob     blob;
    const char         *folder; /* static text; NULL = free place */
    struct sec_hash    *leaves;
    struct engine_held *held; /* NULL: on the disk only */
    uint64_t            used; /* when it was put; the oldest of its folder gives way */
};
struct engine_shelf {
    const struct store_disk  *disk;
    struct engine_shelf_item *items; /* ENGINE_SHELF_MAX; NULL: nothing was put yet */
    uint64_t                  count;
};
void engine_shelf_init(struct engine_shelf *shelf, const struct store_disk *disk);
void engine_shelf_fini(struct engine_shelf *shelf);
/* Takes `leaves` over (ours to free from now on). Without memory nobody is given it. */
void engine_shelf_put(struct engine_shelf *shelf, const char *folder, const struct sec_blob *blob,
                      struct sec_hash *leaves);
/* The bytes of a blob on the shelf: it is given from memory now, and the others of its folder from
 * the disk. Takes the caller's part in `held`, which may be NULL. */
void engine_shelf_hold(struct engine_shelf *shelf, struct engine_held *held);
/* One more holder of this blob's bytes; NULL when it is not given from memory. */
PN_MUST_CHECK struct engine_held *engine_shelf_find(const struct engine_shelf *shelf,
                                                    const struct sec_blob     *blob);
/* Everything of this folder is given from the disk from now on. */
void engine_shelf_lighten(struct engine_shelf *shelf, const char *folder);
/* PN_EPEER_STALE when the blob is not on the shelf, PN_EPEER_VALUE when it has no such chunk. */
PN_MUST_CHECK enum pn_status engine_shelf_check(const struct engine_shelf *shelf,
                                                const struct wire_pull    *pull);
/* Answers a PULL with CHUNK frames. As engine_shelf_check; PN_EIO and the like when the disk
 * failed. */
PN_MUST_CHECK enum pn_status engine_shelf_give(const struct engine_shelf *shelf,
                                               const struct wire_pull    *pull,
                                               struct engine_peer        *peer,
                                               const struct pn_ports     *ports,
                                               struct engine_scratch     *scratch);

#endif
