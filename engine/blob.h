/*
 * engine/blob -- blobs on a disk: where they lie, reading them with their hashes, tidying.
 *
 * Threads    any; what reads or hashes a whole blob belongs into work.
 */
#ifndef ENGINE_BLOB_H
#define ENGINE_BLOB_H

#include "crypto/merkle.h"
#include "store/disk.h"

enum {
    ENGINE_NAME_SIZE = 80
};

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
/* A blob in memory (pn_bulk), checked against its root; the caller frees `*bytes`. PN_ENOENT when
 * no file of that size is there; else a sentence that names it. */
PN_MUST_CHECK enum pn_status engine_blob_load(uint8_t **bytes, const struct store_disk *disk,
                                              const char *folder, const struct sec_blob *blob,
                                              struct pn_error *why);
/* Removes every file of a folder that is not among `keep`. */
void engine_blob_tidy(const struct store_disk *disk, const char *folder,
                      const struct sec_hash *keep, size_t keep_count);

/* Little-endian float32 <-> numbers; in place is fine. */
void engine_floats_encode(uint8_t *out, const float *values, size_t count);
void engine_floats_decode(float *out, const uint8_t *bytes, size_t count);

#endif
