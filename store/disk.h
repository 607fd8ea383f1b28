/*
 * store/disk -- durable state of one daemon behind one small interface.
 *
 * Two hosts: store/files (a directory, SQLite for small facts) and sim/disk (memory, with crashes
 * that lose what was not synced). Every function that writes returns after the data is durable,
 * unless its comment says otherwise; after a crash a file is there whole, or not at all.
 *
 * Names      "models/<64 hex>", "updates/<64 hex>", "scaling/<64 hex>", "job.yaml" ...: at
 *            most one '/', [a-z0-9._-], 1..120 characters, no part begins with a dot. store/files
 *            keeps "lock", "ledger", "staging" and "state.sqlite..." for itself.
 * Threads    any; calls are serialised inside.
 * Errors     PN_ENOSPC, PN_EIO, PN_ENOENT, PN_ECORRUPT; PN_ERANGE for a bad name or key, a range
 *            outside the file, a fact or record too large; PN_ESTATE for writing to a disk opened
 *            for reading.
 *            After a failed write nothing has changed; only when the last fsync of a folder fails
 *            (PN_EIO) may the new content be found.
 */
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include "base/bytes.h"

enum {
    STORE_NAME_MAX = 120,
    STORE_KEY_MAX  = 64,
    STORE_FACT_MAX = 4096
};

/* As above: every host refuses other names and keys. */
bool store_name_is_valid(const char *name);
bool store_key_is_valid(const char *key);

struct store_disk {
    void *host;
    /* Whole file, replaced atomically. */
    enum pn_status (*save)(void *host, const char *name, const void *bytes, uint64_t size);
    enum pn_status (*size)(void *host, const char *name, uint64_t *size);
    /* Exactly `size` bytes at `offset`. */
    enum pn_status (*read)(void *host, const char *name, void *out, uint64_t offset, size_t size);
    enum pn_status (*remove)(void *host, const char *name); /* absent is PN_OK */
    /* Whole names ("updates/<hex>") in a folder ("updates"), in no order; `take` returns false to
     * stop. An absent folder is an empty one. */
    enum pn_status (*list)(void *host, const char                              *folder,
                           bool (*take)(void *context, const char *name), void *context);

    /* Staging: a file of known size filled in any order; not durable and not visible until
     * publish, which makes it durable under its name. What was not written to since it was staged
     * is anything. */
    enum pn_status (*stage)(void *host, const char *name, uint64_t size);
    enum pn_status (*stage_write)(void *host, const char *name, uint64_t offset, const void *bytes,
                                  size_t size);
    /* As stage_write, of bytes that this host has in a file of this name already, on whatever disk
     * of its: who names files by their hash needs no other proof of them. PN_ENOENT, and nothing
     * has changed, when it does not know them. NULL where it never does: daemons. */
    enum pn_status (*stage_known)(void *host, const char *name, uint64_t offset, const void *bytes,
                                  size_t size);
    enum pn_status (*stage_read)(void *host, const char *name, void *out, uint64_t offset,
                                 size_t size);
    enum pn_status (*publish)(void *host, const char *name);
    enum pn_status (*discard)(void *host, const char *name); /* a staged file; absent is PN_OK */

    /* The ledger: append-only records, numbered from 0. */
    enum pn_status (*append)(void *host, const void *record, size_t size);
    enum pn_status (*record_count)(void *host, uint64_t *count);
    /* `out` is cleared first; its limit bounds the record. */
    enum pn_status (*record)(void *host, uint64_t index, struct pn_buffer *out);

    /* Small facts by key ([a-z0-9._-], at most 64 characters), at most 4 KiB each. */
    enum pn_status (*put)(void *host, const char *key, const void *bytes, size_t size);
    /* PN_ENOENT when absent; `*size` is the capacity of `out` before and the size after (PN_ERANGE
     * when it does not fit; both are then untouched). */
    enum pn_status (*get)(void *host, const char *key, void *out, size_t *size);
};

/* Appends a whole file to `out`, whose limit bounds it: PN_ERANGE. */
PN_MUST_CHECK enum pn_status store_disk_load(struct pn_buffer *out, const struct store_disk *disk,
                                             const char *name);

#endif
