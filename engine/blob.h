/*
 * engine/blob -- giving and getting blobs: what a disk holds, chunk by chunk, with proofs.
 *
 * A *shelf* lists the few blobs that a party gives to whoever asks, with their leaf hashes, so
 * that a chunk is one copy and one proof: from memory while the bytes are held, otherwise from the
 * disk. A *fetch* pulls one blob into memory or into the disk's staging: every chunk is checked
 * against the root before it is written, and the blob is there for others only when it is whole.
 *
 * Memory     a shelf: 32 bytes a chunk of each blob, ENGINE_SHELF_MAX blobs, and the bytes of the
 *            newest of each folder where they were put with it; a fetch: one bit a chunk, and into
 *            memory the blob.
 * Threads    the engine's; engine_blob_* that read or hash a whole blob belong into work.
 */
#ifndef ENGINE_BLOB_H
#define ENGINE_BLOB_H

#include "engine/held.h"
#include "engine/peer.h"
#include "fed/fetch.h"
#include "store/disk.h"

enum { ENGINE_SHELF_MAX = 4, ENGINE_NAME_SIZE = 80 };

/* "models/<64 hex>": where a blob lies on a disk. */
void engine_blob_name(char out[static ENGINE_NAME_SIZE], const char *folder,
                      const struct sec_hash *root);
/* True when a file of exactly that size is there under its name; its bytes are not read. */
bool engine_blob_is_there(const struct store_disk *disk, const char *folder,
                          const struct sec_blob *blob);
/* The leaves of bytes in memory; `*leaves` is the caller's, to free. PN_ERANGE when too large. */
PN_MUST_CHECK enum pn_status engine_blob_of(struct sec_blob *out, struct sec_hash **leaves,
                                            const uint8_t *bytes, uint64_t size);
/* Reads and hashes a file chunk by chunk: PN_ECORRUPT when it is not that blob. `bytes` (may be
 * NULL) receives the whole, `*leaves` (leaves may be NULL) its leaves, the caller's to free. */
PN_MUST_CHECK enum pn_status engine_blob_read(uint8_t *bytes, struct sec_hash **leaves,
                                              const struct store_disk *disk, const char *folder,
                                              const struct sec_blob *blob);
/* Removes every file of a folder that is not among `keep`. */
void engine_blob_tidy(const struct store_disk *disk, const char *folder,
                      const struct sec_hash *keep, size_t keep_count);

/* Little-endian float32 <-> numbers; in place is fine. */
void engine_floats_encode(uint8_t *out, const float *values, size_t count);
void engine_floats_decode(float *out, const uint8_t *bytes, size_t count);

struct engine_shelf_item {
    struct sec_blob  blob;
    const char      *folder; /* static text; NULL = free place */
    struct sec_hash *leaves;
    struct engine_held *held; /* NULL: on the disk only */
    uint64_t         used; /* when it was put; the oldest of its folder gives way */
};
struct engine_shelf {
    const struct store_disk *disk;
    struct engine_shelf_item items[ENGINE_SHELF_MAX];
    uint64_t                 count;
};
void engine_shelf_init(struct engine_shelf *shelf, const struct store_disk *disk);
void engine_shelf_fini(struct engine_shelf *shelf);
/* Takes `leaves` over (ours to free from now on). */
void engine_shelf_put(struct engine_shelf *shelf, const char *folder, const struct sec_blob *blob,
                      struct sec_hash *leaves);
/* The bytes of a blob on the shelf: it is given from memory now, and the others of its folder from
 * the disk. Takes the caller's part in `held`, which may be NULL. */
void engine_shelf_hold(struct engine_shelf *shelf, struct engine_held *held);
/* Everything of this folder is given from the disk from now on. */
void engine_shelf_lighten(struct engine_shelf *shelf, const char *folder);
/* The bytes of this blob, for the caller to drop; NULL when it is not held. */
struct engine_held *engine_shelf_held(const struct engine_shelf *shelf,
                                      const struct sec_blob     *blob);
/* Answers a PULL with CHUNK frames. PN_EPEER_STALE when the blob is not on the shelf,
 * PN_EPEER_VALUE when it has no such chunk; PN_EIO and the like when the disk failed. */
PN_MUST_CHECK enum pn_status engine_shelf_give(const struct engine_shelf *shelf,
                                               const struct wire_pull    *pull,
                                               struct engine_peer        *peer,
                                               const struct pn_ports     *ports,
                                               struct engine_scratch     *scratch);

struct engine_fetch {
    const struct store_disk *disk;   /* NULL: into memory                 */
    const char              *folder; /* on the disk; static text, or NULL */
    struct fed_fetch         fetch;
    uint8_t                 *have;  /* NULL = idle */
    uint8_t                 *bytes; /* in memory */
};
/* Into the disk's staging, or with NULL into memory. */
void engine_fetch_init(struct engine_fetch *fetch, const struct store_disk *disk);
void engine_fetch_fini(struct engine_fetch *fetch);
bool engine_fetch_is_busy(const struct engine_fetch *fetch);
/* Begins anew; what another blob left behind is discarded. `size` is what the job says it must be.
 * */
PN_MUST_CHECK enum pn_status engine_fetch_start(struct engine_fetch *fetch, const char *folder,
                                                const struct sec_blob *blob, uint64_t size);
/* Sends the PULLs that are due. */
void engine_fetch_ask(struct engine_fetch *fetch, struct engine_peer *peer,
                      const struct pn_ports *ports, struct engine_scratch *scratch, pn_ms now);
/*
 * A chunk of this blob arrived: checks and stores it. PN_OK also when it is the last one:
 * engine_fetch_is_whole then. PN_EPEER_STATE for a chunk that was not asked for, PN_EPEER_VALUE
 * when it does not belong to the root; PN_EIO and the like when the disk failed.
 */
PN_MUST_CHECK enum pn_status engine_fetch_take(struct engine_fetch *fetch,
                                               const struct wire_chunk *chunk);
bool engine_fetch_is_whole(const struct engine_fetch *fetch);
/* Forgets a whole fetch, whose yield is then the caller's: the staged file to publish
 * (engine_blob_name), or the bytes that are returned, as of pn_bulk. */
uint8_t *engine_fetch_leave(struct engine_fetch *fetch);
/* Forgets it and discards what came. */
void engine_fetch_drop(struct engine_fetch *fetch);
pn_ms engine_fetch_deadline(const struct engine_fetch *fetch);

#endif
