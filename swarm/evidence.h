/*
 * swarm/evidence -- two votes of one member that contradict each other, until a block shows them.
 *
 * They are in the file "evidence", so that neither a restart nor a change of the roster, after
 * which another engine goes on, loses them. For each, 284 bytes:
 *     member u32 | height u64 | view u32 | step u32
 *     | twice: hash 32 | lock_view u32 | lock 32 | signature 64
 * No file: there are none. They count once fed_chain_convicts says so (swarm_evidence_sift).
 *
 * Threads    the engine's.
 */
#ifndef SWARM_EVIDENCE_H
#define SWARM_EVIDENCE_H

#include "fed/block.h"
#include "store/disk.h"

struct swarm_evidence { /* zero: none */
    struct wire_conviction items[WIRE_CONVICTIONS_MAX];
    size_t                 count;
};

/* One a member; false: there is one already. */
bool swarm_evidence_add(struct swarm_evidence *evidence, const struct wire_conviction *conviction);
/* What the block shows, or shows of a member at the same height or later, need not be shown again.
 * False: nothing of it. */
bool swarm_evidence_forget(struct swarm_evidence *evidence, const struct wire_block *block);
/* Leaves what a block after the chain's head may show. */
void swarm_evidence_sift(struct swarm_evidence *evidence, const struct fed_chain *chain,
                         const uint8_t run[static 16]);

/* A file that cannot be read or written loses evidence, and nothing else: it is no failure. */
void swarm_evidence_save(const struct swarm_evidence *evidence, const struct store_disk *disk);
void swarm_evidence_load(struct swarm_evidence *out, const struct store_disk *disk);

#endif
