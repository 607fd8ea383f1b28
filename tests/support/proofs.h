/*
 * tests/support/proofs -- a small ledger in memory, of either kind, and proofs taken from it.
 *
 *     struct test_ledger l;
 *     test_ledger_new(&l, FED_MODE_SWARM, 7);      genesis and 6 rounds, signed by everybody
 *     test_ledger_new_epoch(&l, 7, 4);             of a swarm whose epoch begins with block 4
 *     test_prove_block(&proof, &l, 3);             as engine/extract does it from a directory
 *     test_prove_growth(&proof, &l, 4);
 *     test_ledger_free(&l);
 *
 * Header only; stops the program (PN_ASSERT) when something cannot be made.
 */
#ifndef TESTS_SUPPORT_PROOFS_H
#define TESTS_SUPPORT_PROOFS_H

#include "fed/proof.h"
#include "support/chain.h"

enum {
    TEST_LEDGER_MAX = 16
};

struct test_ledger {
    struct test_federation federation;
    struct pn_buffer       records[TEST_LEDGER_MAX];
    struct sec_hash        leaves[TEST_LEDGER_MAX], hashes[TEST_LEDGER_MAX];
    struct fed_certificate votes; /* for the newest block */
    uint64_t               count;
    uint64_t               first; /* its witnesses are of another roster; 0: none is */
};

/* What the first three members vote for block `height` of this hash, in view 1. */
static inline void
test_votes(struct wire_witness *out, const struct test_federation *f, const uint8_t *run,
           uint64_t height, const struct sec_hash *hash)
{
    struct fed_vote vote = {.height = height, .view = 1, .step = FED_PRECOMMIT, .hash = *hash};
    for (uint32_t i = 0; i < TEST_CHAIN_NODES; i++) {
        struct sec_signature signature;
        fed_vote_sign(&signature, run, &vote, &test_member_of(f, i + 1)->node);
        out[i].member = i + 1;
        memcpy(out[i].signature, signature.bytes, sizeof out[i].signature);
    }
}

static inline void
test_as_swarm(struct fed_roster *roster)
{
    roster->mode        = FED_MODE_SWARM;
    roster->coordinator = 0;
    for (uint32_t i = 0; i < roster->member_count; i++)
        roster->members[i].role = FED_ROLE_NODE;
}

/* The draft of a coordinator becomes one of a swarm. */
static inline void
test_agree(struct test_chain *c, struct wire_agreement *agreement, struct wire_roster *carried,
           const struct sec_log *log)
{
    struct sec_hash root;
    sec_log_root(&root, log);
    *agreement = (struct wire_agreement){.view = 1, .witness_view = c->height > 0};
    memcpy(agreement->log, root.bytes, sizeof agreement->log);
    c->draft.agreement = agreement;
    c->draft.proposer  = (uint32_t)(c->height % c->federation->count) + 1;
    if (c->height == 0) {
        agreement->roster = carried;
        return;
    }
    c->draft.witness_count = TEST_CHAIN_NODES;
    test_votes(c->witnesses, c->federation, c->draft.run, c->height - 1, &c->head);
}

static inline void
test_ledger_add(struct test_ledger *l, struct test_chain *c, struct sec_log *log)
{
    struct wire_agreement agreement;
    struct wire_roster    carried = {.text = {l->federation.text.bytes, l->federation.text.size}};
    uint64_t              at      = l->count++;
    bool                  swarm   = l->federation.roster->mode == FED_MODE_SWARM;
    test_block_draft(c, at == 0 ? WIRE_BLOCK_GENESIS : WIRE_BLOCK_ROUND);
    test_block_commit(c);
    if (swarm)
        test_agree(c, &agreement, &carried, log);
    for (size_t i = 0; l->first > 0 && at == l->first && i < TEST_CHAIN_NODES; i++)
        c->witnesses[i].member += 100;
    test_block_seal(c);
    if (swarm)
        fed_block_sign(&c->signature, &c->hash,
                       &test_member_of(&l->federation, c->draft.proposer)->node);
    pn_buffer_init(&l->records[at], 64 + WIRE_BLOCK_MAX);
    PN_ASSERT(pn_buffer_append(&l->records[at], c->signature.bytes, 64) == PN_OK);
    PN_ASSERT(pn_buffer_append(&l->records[at], c->bytes.bytes, c->bytes.size) == PN_OK);
    sec_log_leaf(&l->leaves[at], c->bytes.bytes, c->bytes.size);
    sec_log_append_leaf(log, &l->leaves[at]);
    l->hashes[at] = c->hash;
    if (swarm) {
        l->votes = (struct fed_certificate){.height = at, .view = 1, .count = TEST_CHAIN_NODES};
        test_votes(l->votes.witnesses, &l->federation, c->draft.run, at, &c->hash);
    }
    test_chain_move_on(c);
}

static inline void
test_ledger_make(struct test_ledger *l, enum fed_mode mode, uint64_t count, uint64_t first)
{
    struct test_chain chain;
    struct sec_log    log;
    memset(l, 0, sizeof *l);
    l->first = first;
    test_federation_new(&l->federation, TEST_CHAIN_NODES);
    if (mode == FED_MODE_SWARM)
        test_as_swarm(l->federation.roster);
    test_chain_new(&chain, &l->federation);
    sec_log_init(&log);
    while (l->count < count)
        test_ledger_add(l, &chain, &log);
    test_chain_free(&chain);
}

static inline void
test_ledger_new(struct test_ledger *l, enum fed_mode mode, uint64_t count)
{
    test_ledger_make(l, mode, count, 0);
}

static inline void
test_ledger_new_epoch(struct test_ledger *l, uint64_t count, uint64_t first)
{
    test_ledger_make(l, FED_MODE_SWARM, count, first);
}

static inline void
test_ledger_free(struct test_ledger *l)
{
    for (uint64_t i = 0; i < l->count; i++)
        pn_buffer_fini(&l->records[i]);
    test_federation_free(&l->federation);
}

static inline struct sec_log
test_log_over(const struct test_ledger *l, uint64_t count)
{
    struct sec_log log;
    sec_log_init(&log);
    for (uint64_t i = 0; i < count; i++)
        sec_log_append_leaf(&log, &l->leaves[i]);
    return log;
}

static inline struct fed_checkpoint
test_checkpoint(const struct test_ledger *l, uint64_t size)
{
    struct fed_checkpoint out = {.size = size};
    struct sec_log        log = test_log_over(l, size);
    sec_log_root(&out.root, &log);
    return out;
}

static inline void
test_stretch(struct fed_stretch *out, const struct test_ledger *l, uint64_t from, uint64_t to)
{
    out->height = from;
    for (uint64_t i = from; i < to; i++)
        PN_ASSERT(fed_stretch_add(out, l->records[i].bytes, l->records[i].size) == PN_OK);
}

static inline void
test_head(struct fed_proof *out, const struct test_ledger *l)
{
    test_stretch(&out->head, l, l->count - 1, l->count);
    out->head.log = test_log_over(l, l->count - 1);
    out->votes    = l->votes;
}

static inline void
test_prove_block(struct fed_proof *out, const struct test_ledger *l, uint64_t height)
{
    fed_proof_init(out);
    if (l->federation.roster->mode == FED_MODE_COORDINATOR) {
        test_stretch(&out->block, l, height, height + 2 < l->count ? height + 2 : l->count);
        return;
    }
    test_stretch(&out->block, l, height, height + 1);
    out->block.log = test_log_over(l, height);
    test_head(out, l);
    sec_log_prove_inclusion(&out->path, height, l->leaves, l->count);
}

static inline void
test_prove_growth(struct fed_proof *out, const struct test_ledger *l, uint64_t size)
{
    fed_proof_init(out);
    out->since = test_checkpoint(l, size);
    if (l->federation.roster->mode == FED_MODE_COORDINATOR) {
        test_stretch(&out->head, l, size - 1, l->count);
        out->head.log = test_log_over(l, size - 1);
        return;
    }
    test_head(out, l);
    sec_log_prove_consistency(&out->path, size, l->leaves, l->count);
}

#endif
