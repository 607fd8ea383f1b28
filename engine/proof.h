/*
 * engine/proof -- what `panal ledger verify` proves, offline, from a state directory and a roster.
 *
 *   1. the chain is whole: every block names the one before, from genesis to the head
 *   2. every signature is a member's: proposer, commitments, countersignatures
 *   3. every model, report and scaling that is kept hashes to the root in its block
 *   4. a swarm's newest block is the one that a quorum decided, and the ledger was never longer
 *      (engine/summit)
 *   5. where the updates of a round are kept, the aggregate is recomputed from them, in integers,
 *      and the next model is bit for bit the one in the block; where not all are, the model is
 *      within what the committed weights and norms allow (engine/audit)
 *
 * Memory     that of engine/audit, a round at a time.
 */
#ifndef ENGINE_PROOF_H
#define ENGINE_PROOF_H

#include "fed/block.h"
#include "fed/vote.h"
#include "store/disk.h"

struct engine_proof {
    uint64_t blocks, rounds, commitments, witnesses;
    uint64_t models_checked, models_absent;
    /* Rounds, by engine/audit: recomputed, bounded by norms, and of whose models one is gone. */
    uint64_t sums_checked, sums_bounded, sums_absent;
    uint64_t gaps; /* blocks not in this copy: a node's, where the job has follow: cohort */
    struct fed_certificate votes;        /* of a swarm: who decided the newest block, */
    uint32_t               head_members; /* and of how many                           */
    uint32_t        first_epoch, epoch; /* of the roster: for genesis, and after the newest block */
    bool            finished;
    struct sec_hash head;
    struct sec_blob model, scaling; /* the newest; scaling.size is 0 when there is none */
    uint64_t        model_round;
    struct sec_hash job;
};

/* Called with every block in order, and the roster that was in force for it (NULL where nothing is
 * checked); both are valid inside only. May be NULL. */
typedef void engine_proof_watch(void *context, const struct wire_block *block,
                                const struct sec_hash *hash, const struct fed_roster *roster);

/* `roster`: one that is trusted; of a swarm's run, of any of its epochs (fed/epochs). PN_OK when
 * everything that can be checked holds. Otherwise the sentence names block and fault. */
PN_MUST_CHECK enum pn_status engine_proof_make(struct engine_proof     *out,
                                               const struct store_disk *disk,
                                               const struct fed_roster *roster,
                                               engine_proof_watch *watch, void *context,
                                               struct pn_error *why);

/* True when the ledger was made with nominal identity: its first block is signed with a tag and the
 * mark that says so (crypto/suite). Nothing in it proves anything. */
bool engine_proof_is_nominal(const struct store_disk *disk);
/* Every block as it lies, in order; nothing is checked beyond its form. For such ledgers. */
PN_MUST_CHECK enum pn_status engine_proof_read(const struct store_disk *disk,
                                               engine_proof_watch *watch, void *context,
                                               struct pn_error *why);

#endif
