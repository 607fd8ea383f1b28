/*
 * engine/ledger -- the ledger on a disk: record h is the proposer's signature and block h.
 */
#ifndef ENGINE_LEDGER_H
#define ENGINE_LEDGER_H

#include "engine/scratch.h"
#include "fed/block.h"
#include "fed/job.h"
#include "proto/frame.h"
#include "store/disk.h"

enum {
    ENGINE_RECORD_MAX = 64 + WIRE_BLOCK_MAX
};

struct engine_record { /* borrowed from the buffer it was read into */
    struct sec_signature signature;
    struct wire_span     block;
};

/* Clears and fills `room` (limit ENGINE_RECORD_MAX). PN_ECORRUPT for a record that holds no block.
 * */
PN_MUST_CHECK enum pn_status engine_record_read(struct engine_record *out, struct pn_buffer *room,
                                                const struct store_disk *disk, uint64_t height);

/* And its block, decoded in the arena, which is reset first. PN_ECORRUPT when it is none. */
PN_MUST_CHECK enum pn_status engine_record_block(struct wire_block    *out,
                                                 struct engine_record *record,
                                                 struct pn_buffer *room, struct wire_arena *arena,
                                                 const struct store_disk *disk, uint64_t index);

/* The record of the block at `height` in a copy that may have gaps. PN_ENOENT when it is not there.
 * Uses the scratch's arena. */
PN_MUST_CHECK enum pn_status engine_record_find(struct engine_record *out, struct pn_buffer *room,
                                                const struct store_disk *disk, uint64_t height,
                                                struct engine_scratch *scratch);
/* The disk's job.yaml when it is the job of this hash, for the caller to free; else NULL. */
struct fed_job *engine_ledger_job(const struct store_disk *disk, const struct sec_hash *job);

/* Called with each block once it is checked; what it is given is valid inside only. */
typedef enum pn_status engine_ledger_fn(void *context, const struct wire_block *block,
                                        const struct sec_hash *hash);

/* Walks and checks the whole ledger, from genesis: `chain` (out) is the result. There are gaps only
 * where the job lets nodes miss blocks. `epochs` as for fed_chain_init. `why`: what to do. */
PN_MUST_CHECK enum pn_status
engine_ledger_walk(struct fed_chain *chain, const struct fed_roster *roster,
                   struct fed_epochs *epochs, const struct store_disk *disk,
                   struct engine_scratch *scratch, engine_ledger_fn *take, void *context,
                   struct pn_error *why);

#endif
