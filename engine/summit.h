/*
 * engine/summit -- what lies beside the ledger of a swarm's member: the votes that decided its
 * newest block, and the mark below which this ledger never falls.
 *
 *     certificate.0, certificate.1   of the newest block of even and of odd height (fed/vote)
 *     summit                         height u64 | hash 32 of the newest block; written after it
 *
 * The votes for a block are durable before the block is, and must not take the place of those for
 * the block before: therefore two files.
 *
 * Threads    one at a time.
 */
#ifndef ENGINE_SUMMIT_H
#define ENGINE_SUMMIT_H

#include "fed/block.h"
#include "fed/vote.h"
#include "store/disk.h"

enum { ENGINE_SUMMIT_SIZE = 40 };
void engine_summit_encode(uint8_t out[static ENGINE_SUMMIT_SIZE], uint64_t height,
                          const struct sec_hash *hash);
/* "certificate.0" or "certificate.1". */
const char *engine_summit_votes_name(uint64_t height);

struct engine_summit {
    bool                   marked; /* false: no block was ever written whole */
    uint64_t               height;
    struct sec_hash        hash;
    struct fed_certificate votes[2]; /* count 0: none, or not whole */
};
/* Read before the ledger is walked: a member that runs goes on meanwhile. */
PN_MUST_CHECK enum pn_status engine_summit_read(struct engine_summit    *out,
                                                const struct store_disk *disk,
                                                struct pn_error         *why);
/* Against the whole chain of that directory. `votes`: those for its head (none for an empty chain).
 * PN_ECORRUPT when the chain ends below the summit, or has another block there, or when votes for
 * the head are missing; PN_EAUTH when they do not prove it. */
PN_MUST_CHECK enum pn_status engine_summit_check(struct fed_certificate     *votes,
                                                 const struct engine_summit *summit,
                                                 const struct fed_chain     *chain,
                                                 struct pn_error            *why);

#endif
