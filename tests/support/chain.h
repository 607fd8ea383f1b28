/*
 * tests/support/chain -- blocks of a small run, made and signed as the coordinator would.
 *
 *     struct test_chain c;
 *     test_chain_new(&c, &federation);
 *     test_block_draft(&c, WIRE_BLOCK_ROUND);    c.draft may be changed now
 *     test_block_commit(&c);                     entries' commitments and witnesses: signed
 *     test_block_seal(&c);                       c.bytes, c.hash, c.signature
 *     ... fed_chain_take(..., c.bytes.bytes, c.bytes.size, &c.signature, ...)
 *     test_chain_move_on(&c);                    the next draft follows this block
 *     test_chain_free(&c);
 *
 * Header only; stops the program (PN_ASSERT) when a block cannot be made.
 */
#ifndef TESTS_SUPPORT_CHAIN_H
#define TESTS_SUPPORT_CHAIN_H

#include "fed/block.h"
#include "support/federation.h"

enum {
    TEST_CHAIN_NODES = 3
};

struct test_chain {
    const struct test_federation *federation;
    struct wire_block             draft;
    struct wire_entry             entries[TEST_CHAIN_NODES + 1];
    struct wire_absent            absent[2];
    struct wire_metric            metrics[1];
    struct wire_witness           witnesses[TEST_CHAIN_NODES + 1];
    struct pn_buffer              bytes;
    struct sec_hash               hash, head; /* of the draft as sealed; of the block before it */
    struct sec_signature          signature;
    uint64_t                      height, round;
    struct wire_blob              model;
};

static inline struct wire_blob
test_blob(const char *what, uint64_t number)
{
    struct wire_blob blob = {.size = 4096};
    struct sec_hash  hash;
    uint8_t          bytes[8];
    pn_put_u64(bytes, number);
    sec_hash_of(&hash, what, bytes, sizeof bytes);
    memcpy(blob.root, hash.bytes, sizeof blob.root);
    return blob;
}

static inline void
test_chain_new(struct test_chain *c, const struct test_federation *federation)
{
    memset(c, 0, sizeof *c);
    c->federation = federation;
    PN_ASSERT(federation->count == TEST_CHAIN_NODES + 1);
    pn_buffer_init(&c->bytes, WIRE_BLOCK_MAX);
}

static inline void
test_chain_free(struct test_chain *c)
{
    pn_buffer_fini(&c->bytes);
}

static inline void
test_draft_round(struct test_chain *c)
{
    struct wire_block *draft = &c->draft;
    for (uint32_t i = 0; i < 2; i++)
        c->entries[i] = (struct wire_entry){
            .member = 2 + i,
            .weight = 100 + i,
            .update = test_blob("update", c->height * 10 + i),
            .norm   = 0.5,
        };
    c->absent[0]        = (struct wire_absent){.member = 4, .reason = WIRE_ABSENT_LATE};
    c->metrics[0]       = (struct wire_metric){.name = "auroc", .value = 0.75, .records = 201};
    draft->round        = c->round + 1;
    draft->attempt      = 1;
    draft->model_out    = test_blob("model", c->round + 1);
    draft->entry_count  = 2;
    draft->absent_count = draft->metric_count = 1;
}

/* A valid block after the last one, but for the signatures inside. */
static inline void
test_block_draft(struct test_chain *c, enum wire_block_kind kind)
{
    struct sec_hash job;
    sec_hash_of(&job, "job", "job", 3);
    c->draft = (struct wire_block){
        .kind      = kind,
        .height    = c->height,
        .epoch     = 1,
        .proposer  = TEST_HUB,
        .time_ms   = TEST_NOW * (uint64_t)1000 + c->height,
        .round     = c->round,
        .model_in  = c->model,
        .model_out = c->model,
        .scaling   = test_blob("scaling", 0),
        .entries   = c->entries,
        .absent    = c->absent,
        .metrics   = c->metrics,
        .witnesses = c->witnesses,
        .note      = kind == WIRE_BLOCK_FINISH ? "all rounds are done" : "",
    };
    memcpy(c->draft.run, "the run number 1", sizeof c->draft.run);
    memcpy(c->draft.previous, c->head.bytes, sizeof c->draft.previous);
    memcpy(c->draft.roster, c->federation->roster->hash.bytes, sizeof c->draft.roster);
    memcpy(c->draft.job, job.bytes, sizeof c->draft.job);
    if (kind == WIRE_BLOCK_GENESIS) {
        c->draft.model_out = test_blob("model", 0);
        return;
    }
    if (kind == WIRE_BLOCK_ROUND)
        test_draft_round(c);
    c->draft.witness_count = 2;
    c->witnesses[0].member = 2;
    c->witnesses[1].member = 4;
}

/* Signs entries and witnesses as their members would; numbers that are no member stay unsigned. */
static inline void
test_block_commit(struct test_chain *c)
{
    struct sec_signature signature;
    for (size_t i = 0; i < c->draft.entry_count; i++) {
        struct wire_entry    *entry      = &c->entries[i];
        struct fed_commitment commitment = {
            .round    = c->draft.round,
            .weight   = entry->weight,
            .member   = entry->member,
            .model_in = fed_blob_from_wire(&c->draft.model_in),
            .update   = fed_blob_from_wire(&entry->update),
        };
        memcpy(commitment.run, c->draft.run, sizeof commitment.run);
        if (entry->member < 1 || entry->member > c->federation->count)
            continue;
        fed_commitment_sign(&signature, &commitment,
                            &test_member_of(c->federation, entry->member)->node);
        memcpy(entry->signature, signature.bytes, sizeof entry->signature);
    }
    for (size_t i = 0; i < c->draft.witness_count; i++) {
        struct wire_witness *witness = &c->witnesses[i];
        if (witness->member < 1 || witness->member > c->federation->count)
            continue;
        fed_witness_sign(&signature, &c->head,
                         &test_member_of(c->federation, witness->member)->node);
        memcpy(witness->signature, signature.bytes, sizeof witness->signature);
    }
}

/* Encodes, hashes and signs the draft. */
static inline void
test_block_seal(struct test_chain *c)
{
    pn_buffer_clear(&c->bytes);
    PN_ASSERT(wire_block_encode(&c->bytes, &c->draft) == PN_OK);
    fed_block_hash(&c->hash, c->bytes.bytes, c->bytes.size);
    fed_block_sign(&c->signature, &c->hash, &test_member_of(c->federation, TEST_HUB)->node);
}

static inline void
test_chain_move_on(struct test_chain *c)
{
    c->height++;
    c->head  = c->hash;
    c->round = c->draft.round;
    c->model = c->draft.model_out;
}

#endif
