/*
 * engine/fold -- the next model from a model and the updates of a round on a disk (fed/update).
 *
 * Chunk by chunk, so that one next model is in memory and nothing else of that size. Two threads
 * take chunks from one counter, the caller's and one more; who takes which changes no bit.
 *
 * Memory     the next model and 32 bytes for each 64 KiB of it: the caller's, to free.
 * Threads    a worker: it reads and writes the disk.
 */
#ifndef ENGINE_FOLD_H
#define ENGINE_FOLD_H

#include "crypto/merkle.h"
#include "store/disk.h"

struct engine_fold_entry {
    struct sec_blob update;
    uint32_t        weight;
};

struct engine_fold {
    const struct store_disk        *disk;
    struct sec_blob                 start;
    const struct engine_fold_entry *entries;
    uint32_t                        entry_count;

    struct sec_blob  next; /* out: */
    uint8_t         *model;
    struct sec_hash *leaves;
};
/* The weights sum to 1 .. FED_WEIGHTS_MAX. Sets next, model and leaves; on failure the last two are
 * the caller's to free all the same. PN_ENOMEM; PN_EIO and the like when the disk failed. */
PN_MUST_CHECK enum pn_status engine_fold_make(struct engine_fold *fold);

#endif
