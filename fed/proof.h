/*
 * fed/proof -- what proves, away from a ledger, that a block is in it or that it only grew.
 *
 * A *checkpoint* is what somebody keeps of a ledger: its number of blocks, and the root of the log
 * over them (crypto/log_tree), which nobody can have of other blocks. A *stretch* is some blocks
 * of a ledger, with the trees of the log before them, so that the chain can be walked as if it
 * began there (fed_chain_take). What a proof holds:
 *
 *                     in a swarm                            with a coordinator
 *   a block is in it  block: it                             block: it, and the one after it, in
 *                     head:  a later one, with its votes           which its countersignatures are
 *                     path:  from one to the other
 *   it only grew      since: the checkpoint                 since: the checkpoint
 *                     head:  the newest, with its votes     head:  its last block and those after
 *                     path:  from one root to the other
 *
 * In a swarm whose members changed, the blocks of one proof are of one epoch of the roster, that of
 * whoever checks it; its head is then the last of that epoch. The votes in a block are for the one
 * before, which a proof does not speak of, and are not checked: those for its head stand apart. Nor
 * are convictions, which may be by keys of the epoch before.
 *
 * As a file it is JSON (docs/protocol.md, section 8).
 *
 * Memory     a proof has some inside: init or parse, then fini.
 */
#ifndef FED_PROOF_H
#define FED_PROOF_H

#include "fed/block.h"
#include "fed/vote.h"

struct fed_checkpoint {
    uint64_t        size; /* blocks; 0: none */
    struct sec_hash root;
};
enum {
    FED_CHECKPOINT_SIZE = 88
};
/* "SIZE:ROOT", as `panal ledger verify` prints it. */
void               fed_checkpoint_text(char                         out[static FED_CHECKPOINT_SIZE],
                                       const struct fed_checkpoint *checkpoint);
PN_MUST_CHECK bool fed_checkpoint_parse(struct fed_checkpoint *out, const char *text);

struct fed_stretch {
    uint64_t         height; /* of the first block */
    struct sec_log   log;    /* over the blocks before it; of size 0 where it proves nothing */
    size_t           count;
    struct pn_buffer records; /* size u32 | signature 64 | block, each */
};
/* `record` as in the ledger: the proposer's signature and the block. */
PN_MUST_CHECK enum pn_status fed_stretch_add(struct fed_stretch *stretch, const uint8_t *record,
                                             size_t size);
/* The next record; begin with `*at` 0. False at the end. */
PN_MUST_CHECK bool fed_stretch_next(struct wire_span *record, const struct fed_stretch *stretch,
                                    size_t *at);

struct fed_proof {
    struct fed_stretch     block, head; /* of no blocks: not there */
    struct fed_certificate votes;       /* for the head; count 0: none */
    struct fed_checkpoint  since;       /* size 0: none */
    struct sec_log_proof   path;
};
/* A file is not larger: more blocks since a checkpoint are proved step by step. */
enum {
    FED_PROOF_MAX = 1 << 20
};
void fed_proof_init(struct fed_proof *proof);
void fed_proof_fini(struct fed_proof *proof);

/* Appends the file. PN_ERANGE when it would be too large. */
PN_MUST_CHECK enum pn_status fed_proof_encode(struct pn_buffer *out, const struct fed_proof *proof);
/* Form only. `name` is that of the file, for `why`. PN_ECONFIG, PN_ENOMEM. */
PN_MUST_CHECK enum pn_status fed_proof_parse(struct fed_proof *out, const char *name,
                                             const char *text, size_t size, struct pn_error *why);

struct fed_proven {
    bool                  is_block; /* else: growth since the checkpoint */
    struct wire_block     block;    /* in the arena: the one proved, or the newest */
    struct sec_hash       hash;     /* of that block */
    struct fed_checkpoint now;      /* what may be kept from now on; size 0: nothing */
    uint32_t              signers[FED_MEMBERS_MAX]; /* who voted for the head, or countersigned */
    uint32_t              signer_count;
};
/* Everything but that `since` is the checkpoint that somebody kept. PN_ECORRUPT, PN_EAUTH, with a
 * sentence; PN_ENOMEM for an arena smaller than WIRE_ARENA_SIZE. */
PN_MUST_CHECK enum pn_status fed_proof_check(struct fed_proven *out, const struct fed_proof *proof,
                                             const struct fed_roster *roster,
                                             struct wire_arena *arena, struct pn_error *why);

#endif
