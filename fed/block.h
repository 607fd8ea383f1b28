/*
 * fed/block -- the ledger: what a block must say, and how anybody checks it.
 *
 * A block is the encoded struct wire_block; its hash is BLAKE2b-256 of those bytes, domain
 * "block"; it names the hash of the block before it. The proposer signs the hash
 * (domain "block"), members countersign it (domain "witness"); the witnesses of block h stand
 * in block h + 1. A member's commitment (domain "update") is a signature over
 *     run 16 | round u64 | member u32 | model_in size u64, root 32 | update size u64, root 32 |
 *     weight u64                                   (little-endian, 116 bytes)
 * so a block proves who contributed what to which model.
 *
 * In a swarm the proposer is the leader of the view in which the block was made, the witnesses of
 * block h are the precommits that decided it (fed/vote), a quorum of them, and a block also names
 * the reports that its scaling or its metrics are made of, and the root of the log over the blocks
 * before it (crypto/log_tree). Its genesis carries the roster that the run begins with, and a later
 * block may carry the next epoch, in force from the height after it on (fed/epochs).
 */
#ifndef FED_BLOCK_H
#define FED_BLOCK_H

#include "crypto/keys.h"
#include "crypto/merkle.h"
#include "fed/epochs.h"
#include "proto/message.h"

struct fed_commitment {
    uint8_t         run[16];
    uint64_t        round, weight;
    uint32_t        member;
    struct sec_blob model_in, update;
};
void fed_commitment_sign(struct sec_signature *out, const struct fed_commitment *commitment,
                         const struct sec_sign_secret *secret);
PN_MUST_CHECK bool fed_commitment_check(const struct sec_signature   *signature,
                                        const struct fed_commitment  *commitment,
                                        const struct sec_sign_public *key);

void               fed_block_hash(struct sec_hash *out, const uint8_t *block, size_t size);
void               fed_block_sign(struct sec_signature *out, const struct sec_hash *hash,
                                  const struct sec_sign_secret *secret);
PN_MUST_CHECK bool fed_block_check(const struct sec_signature *signature,
                                   const struct sec_hash *hash, const struct sec_sign_public *key);
void               fed_witness_sign(struct sec_signature *out, const struct sec_hash *hash,
                                    const struct sec_sign_secret *secret);
PN_MUST_CHECK bool fed_witness_check(const struct sec_signature   *signature,
                                     const struct sec_hash        *hash,
                                     const struct sec_sign_public *key);

struct sec_blob  fed_blob_from_wire(const struct wire_blob *blob);
struct wire_blob fed_blob_to_wire(const struct sec_blob *blob);

/* Walks a chain block by block; the same walker serves nodes, coordinator and the verifier. */
struct fed_chain {
    const struct fed_roster *roster;      /* in force for the next block */
    const struct fed_roster *head_roster; /* and for the last one: whose votes decided it. NULL: not
                                             known (fed/proof): they are not checked, nor are
                                             convictions */
    const struct fed_roster *last_roster; /* of the epoch before `roster`'s; NULL: none, or not
                                             known */
    uint64_t since; /* the first height of `roster`'s epoch; 0: it was in force from the start */
    struct fed_epochs *epochs; /* of a swarm; NULL: the roster stays for the run */
    uint64_t           height; /* blocks accepted */
    struct sec_hash    head;   /* of the last one; zero before genesis */
    uint8_t            run[16];
    struct sec_hash    job;
    uint64_t           round;
    struct sec_blob    model, scaling;
    bool               finished;
    bool               sparse;        /* blocks may be missing after the first (fed/job, follow) */
    uint64_t           witness_count; /* countersignatures seen, all blocks */
    /* for resuming early stopping: the metrics of rounds so far are in the blocks themselves */
};
/* `epochs`: of a swarm, and as long as the chain; else NULL. A swarm's genesis says itself which
 * roster is in force first. */
void fed_chain_init(struct fed_chain *chain, const struct fed_roster *roster,
                    struct fed_epochs *epochs);

/* The chain that has these epochs is longer by this block for good: the log in them, too. For the
 * chain's owner, after fed_chain_take; what is taken to try it only is not noted. */
void fed_chain_note(const struct fed_chain *chain, const uint8_t *bytes, size_t size);

/* What a chain takes from a block, once the block itself is checked. */
struct fed_block_facts {
    enum wire_block_kind kind;
    uint64_t             height, round, witness_count;
    uint32_t             epoch;
    bool                 carries_roster;
    uint8_t              run[16];
    struct sec_hash      hash, previous, roster, job;
    struct sec_blob      model_in, model_out, scaling;
};
struct fed_block_facts fed_block_facts_of(const struct wire_block *block,
                                          const struct sec_hash   *hash);

/*
 * Takes one encoded block and its proposer's signature. Checks encoding, height, previous
 * hash, roster, epoch, run and job (fixed by genesis), proposer = coordinator or the leader of the
 * view, signature, round order, model_in = the model before, entries sorted and unique with valid
 * commitments of members, weights in range, witnesses of the previous block (in a swarm a quorum),
 * reports, convictions, the root of the log and the roster that it carries (in a swarm), and that
 * finish is last. After a gap in a sparse chain: no previous hash and no model before, the rest as
 * ever. `block` (out) lives in the arena. On failure chain and `block` are unchanged and `why` says
 * "block 12: ...". PN_ECORRUPT (form, chain), PN_EAUTH (a signature, or one of somebody who has no
 * say here), PN_ECONFIG (the roster that it carries is none) or PN_ENOMEM (an arena smaller than
 * WIRE_ARENA_SIZE, or no memory for that roster).
 */
PN_MUST_CHECK enum pn_status fed_chain_take(struct wire_block *block, struct fed_chain *chain,
                                            struct wire_arena *arena, const uint8_t *bytes,
                                            size_t size, const struct sec_signature *signature,
                                            struct pn_error *why);

/* The two votes, of a height up to the next block's, contradict each other, and one member signed
 * both: with its node key in `roster` for the heights of its epoch, in `last_roster` for all before
 * them. Keys of still earlier epochs convict nobody. */
PN_MUST_CHECK bool fed_chain_convicts(const struct fed_chain *chain, const uint8_t run[static 16],
                                      const struct wire_conviction *conviction);

/* Takes a block whose form and signatures were checked by fed_chain_take already, in another chain
 * of the same roster: only its place in this one is left to check. None that carries a roster. */
PN_MUST_CHECK enum pn_status fed_chain_take_known(struct fed_chain             *chain,
                                                  const struct fed_block_facts *facts,
                                                  struct pn_error              *why);

#endif
