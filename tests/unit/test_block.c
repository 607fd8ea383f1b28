#include "fed/block.h"

#include "fed/update.h"
#include "support/chain.h"
#include "support/expect.h"

struct fixture {
    struct test_federation federation;
    struct test_chain      made;  /* what the coordinator writes */
    struct fed_chain       chain; /* what a reader has accepted  */
    struct wire_arena      arena;
    struct wire_block      block;
    struct pn_error        why;
};

static int
start(void **state)
{
    struct fixture *f     = calloc(1, sizeof *f);
    void           *block = aligned_alloc(16, WIRE_ARENA_SIZE);
    if (f == NULL || block == NULL)
        return 1;
    test_federation_new(&f->federation, TEST_CHAIN_NODES);
    test_chain_new(&f->made, &f->federation);
    fed_chain_init(&f->chain, f->federation.roster, NULL);
    wire_arena_init(&f->arena, block, WIRE_ARENA_SIZE);
    *state = f;
    return 0;
}

static int
stop(void **state)
{
    struct fixture *f = *state;
    test_chain_free(&f->made);
    test_federation_free(&f->federation);
    free(f->arena.block);
    free(f);
    return 0;
}

static enum pn_status
take(struct fixture *f)
{
    wire_arena_reset(&f->arena);
    return fed_chain_take(&f->block, &f->chain, &f->arena, f->made.bytes.bytes, f->made.bytes.size,
                          &f->made.signature, &f->why);
}

/* One more good block, taken. */
static void
add(struct fixture *f, enum wire_block_kind kind)
{
    test_block_draft(&f->made, kind);
    test_block_commit(&f->made);
    test_block_seal(&f->made);
    enum pn_status st = take(f);
    if (st != PN_OK)
        print_error("%s\n", f->why.text);
    assert_int_equal(st, PN_OK);
    test_chain_move_on(&f->made);
}

static void
expect_refused(struct fixture *f, enum pn_status expected, const char *part)
{
    struct fed_chain  chain;
    struct wire_block block;
    memcpy(&chain, &f->chain, sizeof chain);
    memcpy(&block, &f->block, sizeof block);
    EXPECT_STATUS(expected, take(f));
    EXPECT_SAYS(&f->why, part);
    assert_memory_equal(&chain, &f->chain, sizeof chain);
    assert_memory_equal(&block, &f->block, sizeof block);
    char height[32];
    snprintf(height, sizeof height, "block %u: ", (unsigned)f->chain.height);
    assert_int_equal(strncmp(f->why.text, height, strlen(height)), 0);
}

/* The draft was changed: signed by everybody whom it concerns, and yet refused. */
static void
expect_draft_refused(struct fixture *f, enum pn_status expected, const char *part)
{
    test_block_commit(&f->made);
    test_block_seal(&f->made);
    expect_refused(f, expected, part);
}

/* A new draft of the next block; one that was not moved on from is forgotten. */
static struct wire_block *
draft(struct fixture *f, enum wire_block_kind kind)
{
    test_block_draft(&f->made, kind);
    return &f->made.draft;
}

/* ---- a whole run ---- */

static void
chain_of_a_run_is_taken_to_its_end(void **state)
{
    struct fixture *f = *state;
    add(f, WIRE_BLOCK_GENESIS);
    assert_memory_equal(f->chain.run, "the run number 1", 16);
    assert_memory_equal(f->chain.job.bytes, f->made.draft.job, 32);
    for (uint32_t round = 1; round <= 3; round++) {
        add(f, WIRE_BLOCK_ROUND);
        assert_true(f->chain.round == round);
        assert_true(f->chain.height == round + 1);
        assert_int_equal(f->block.entry_count, 2);
        assert_int_equal(f->block.entries[1].member, 3);
        assert_memory_equal(f->chain.model.root.bytes, f->made.draft.model_out.root, 32);
    }
    assert_false(f->chain.finished);
    add(f, WIRE_BLOCK_FINISH);
    assert_true(f->chain.finished);
    assert_true(f->chain.height == 5);
    assert_true(f->chain.witness_count == 8);
    assert_true(sec_hash_equal(&f->chain.head, &f->made.hash));
    assert_string_equal(f->block.note, "all rounds are done");
}

static void
run_may_finish_right_after_genesis(void **state)
{
    struct fixture *f = *state;
    add(f, WIRE_BLOCK_GENESIS);
    add(f, WIRE_BLOCK_FINISH);
    assert_true(f->chain.finished);
}

static void
nothing_comes_after_finish(void **state)
{
    struct fixture *f = *state;
    add(f, WIRE_BLOCK_GENESIS);
    add(f, WIRE_BLOCK_ROUND);
    add(f, WIRE_BLOCK_FINISH);
    draft(f, WIRE_BLOCK_ROUND);
    expect_draft_refused(f, PN_ECORRUPT, "after the block that finished the run");
    draft(f, WIRE_BLOCK_FINISH);
    expect_draft_refused(f, PN_ECORRUPT, "after the block that finished the run");
}

/* ---- place ---- */

static void
chain_begins_with_genesis_and_has_one_only(void **state)
{
    struct fixture    *f     = *state;
    struct wire_block *block = draft(f, WIRE_BLOCK_GENESIS);
    add(f, WIRE_BLOCK_GENESIS);
    /* The same once more. */
    expect_refused(f, PN_ECORRUPT, "expected height 1, seen 0");
    /* And another one. */
    block->time_ms++;
    expect_draft_refused(f, PN_ECORRUPT, "expected height 1, seen 0");

    fed_chain_init(&f->chain, f->federation.roster, NULL);
    f->made.height = 1;
    draft(f, WIRE_BLOCK_ROUND);
    expect_draft_refused(f, PN_ECORRUPT, "expected height 0, seen 1");
}

static void
another_height_or_previous_block_is_refused(void **state)
{
    struct fixture    *f     = *state;
    struct wire_block *block = &f->made.draft;
    add(f, WIRE_BLOCK_GENESIS);
    add(f, WIRE_BLOCK_ROUND);
    draft(f, WIRE_BLOCK_ROUND)->height = 3;
    expect_draft_refused(f, PN_ECORRUPT, "expected height 2, seen 3");
    draft(f, WIRE_BLOCK_ROUND)->height = 1;
    expect_draft_refused(f, PN_ECORRUPT, "expected height 2, seen 1");
    draft(f, WIRE_BLOCK_ROUND);
    block->previous[0] ^= 1;
    expect_draft_refused(f, PN_ECORRUPT, "the block before it: expected ");
    draft(f, WIRE_BLOCK_FINISH);
    block->previous[31] ^= 1;
    expect_draft_refused(f, PN_ECORRUPT, "the block before it: expected ");
    add(f, WIRE_BLOCK_ROUND);
}

/* ---- subject ---- */

static void
other_roster_epoch_run_or_job_is_refused(void **state)
{
    struct fixture    *f     = *state;
    struct wire_block *block = &f->made.draft;
    for (int i = 0; i < 2; i++) {
        enum wire_block_kind kind = i == 0 ? WIRE_BLOCK_GENESIS : WIRE_BLOCK_ROUND;
        draft(f, kind)->roster[0] ^= 1;
        expect_draft_refused(f, PN_ECORRUPT, "its roster: expected ");
        draft(f, kind)->epoch = 2;
        expect_draft_refused(f, PN_ECORRUPT, "expected roster epoch 1, seen 2");
        if (i == 0)
            add(f, kind);
    }
    draft(f, WIRE_BLOCK_ROUND);
    block->run[15] ^= 1;
    expect_draft_refused(f, PN_ECORRUPT, "its run: expected ");
    draft(f, WIRE_BLOCK_ROUND);
    block->job[15] ^= 1;
    expect_draft_refused(f, PN_ECORRUPT, "its job: expected ");
    draft(f, WIRE_BLOCK_FINISH);
    block->run[0] ^= 1;
    expect_draft_refused(f, PN_ECORRUPT, "its run: expected ");
}

/* ---- proposer ---- */

static void
only_the_coordinator_proposes(void **state)
{
    struct fixture *f                      = *state;
    draft(f, WIRE_BLOCK_GENESIS)->proposer = 2;
    expect_draft_refused(f, PN_EAUTH, "expected the coordinator, member 1, as proposer, seen 2");
    /* Nor does a member that says it were the coordinator. */
    draft(f, WIRE_BLOCK_GENESIS);
    test_block_seal(&f->made);
    fed_block_sign(&f->made.signature, &f->made.hash, &test_member_of(&f->federation, 2)->node);
    expect_refused(f, PN_EAUTH, "not signed by hub");
    fed_block_sign(&f->made.signature, &f->made.hash,
                   &test_member_of(&f->federation, TEST_HUB)->root);
    expect_refused(f, PN_EAUTH, "not signed by hub");
    /* A countersignature is no signature. */
    fed_witness_sign(&f->made.signature, &f->made.hash,
                     &test_member_of(&f->federation, TEST_HUB)->node);
    expect_refused(f, PN_EAUTH, "not signed by hub");
    test_block_seal(&f->made);
    EXPECT_OK(take(f));
}

static void
every_flipped_bit_of_block_or_signature_is_refused(void **state)
{
    struct fixture *f = *state;
    add(f, WIRE_BLOCK_GENESIS);
    draft(f, WIRE_BLOCK_ROUND);
    test_block_commit(&f->made);
    test_block_seal(&f->made);
    struct fed_chain before;
    memcpy(&before, &f->chain, sizeof before);
    for (size_t bit = 0; bit < 8 * f->made.bytes.size; bit++) {
        f->made.bytes.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum pn_status st = take(f);
        assert_true(st == PN_ECORRUPT || st == PN_EAUTH);
        assert_memory_equal(&before, &f->chain, sizeof before);
        f->made.bytes.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 512; bit++) {
        f->made.signature.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        EXPECT_STATUS(PN_EAUTH, take(f));
        f->made.signature.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = f->made.bytes.size; size-- > 0;) {
        f->made.bytes.size = size;
        EXPECT_STATUS(PN_ECORRUPT, take(f));
    }
    test_block_seal(&f->made);
    EXPECT_OK(take(f));
}

static void
arena_that_is_too_small_is_said_to_be_so(void **state)
{
    struct fixture *f = *state;
    draft(f, WIRE_BLOCK_GENESIS);
    test_block_seal(&f->made);
    f->arena.size = 64;
    expect_refused(f, PN_ENOMEM, "out of memory");
    f->arena.size = WIRE_ARENA_SIZE;
    EXPECT_OK(take(f));
}

/* ---- progress ---- */

static void
rounds_follow_each_other(void **state)
{
    struct fixture    *f     = *state;
    struct wire_block *block = &f->made.draft;
    add(f, WIRE_BLOCK_GENESIS);
    draft(f, WIRE_BLOCK_ROUND)->round = 2;
    expect_draft_refused(f, PN_ECORRUPT, "expected round 1, seen 2");
    add(f, WIRE_BLOCK_ROUND);
    draft(f, WIRE_BLOCK_ROUND);
    block->round = 1;
    expect_draft_refused(f, PN_ECORRUPT, "expected round 2, seen 1");
    draft(f, WIRE_BLOCK_FINISH);
    block->round = 2;
    expect_draft_refused(f, PN_ECORRUPT, "expected round 1, seen 2");
}

static void
round_starts_from_the_model_before_it(void **state)
{
    struct fixture    *f     = *state;
    struct wire_block *block = &f->made.draft;
    add(f, WIRE_BLOCK_GENESIS);
    add(f, WIRE_BLOCK_ROUND);
    draft(f, WIRE_BLOCK_ROUND)->model_in = test_blob("model", 0);
    expect_draft_refused(f, PN_ECORRUPT, "the model it starts from: expected ");
    draft(f, WIRE_BLOCK_ROUND);
    block->model_in.size++;
    expect_draft_refused(f, PN_ECORRUPT,
                         "the model it starts from: expected 4096 bytes, seen 4097");
    draft(f, WIRE_BLOCK_FINISH);
    block->model_in = block->model_out = test_blob("model", 9);
    expect_draft_refused(f, PN_ECORRUPT, "the model it starts from: expected ");
    draft(f, WIRE_BLOCK_ROUND)->scaling = test_blob("scaling", 1);
    expect_draft_refused(f, PN_ECORRUPT, "its scaling: expected ");
    draft(f, WIRE_BLOCK_ROUND)->scaling = (struct wire_blob){.size = 0};
    expect_draft_refused(f, PN_ECORRUPT, "its scaling: expected 4096 bytes, seen 0");
}

/* ---- entries ---- */

static void
entry_without_its_members_commitment_is_refused(void **state)
{
    struct fixture *f = *state;
    add(f, WIRE_BLOCK_GENESIS);
#define REFUSED_WITH(change)                                                                       \
    do {                                                                                           \
        draft(f, WIRE_BLOCK_ROUND);                                                                \
        test_block_commit(&f->made);                                                               \
        change;                                                                                    \
        test_block_seal(&f->made);                                                                 \
        expect_refused(f, PN_EAUTH, "update: node-3 has not committed to it");                     \
    } while (0)
    REFUSED_WITH(f->made.entries[1].weight++);
    REFUSED_WITH(f->made.entries[1].update.root[0] ^= 1);
    REFUSED_WITH(f->made.entries[1].update.size++);
    REFUSED_WITH(f->made.entries[1].signature[63] ^= 1);
    REFUSED_WITH(memcpy(f->made.entries[1].signature, f->made.entries[0].signature, 64));
#undef REFUSED_WITH
    /* The update of node-2 under the name of node-4. */
    draft(f, WIRE_BLOCK_ROUND);
    test_block_commit(&f->made);
    f->made.entries[1]         = f->made.entries[0];
    f->made.entries[1].member  = 4;
    f->made.draft.absent_count = 0;
    test_block_seal(&f->made);
    expect_refused(f, PN_EAUTH, "update: node-4 has not committed to it");
}

static void
commitment_to_another_round_or_model_is_refused(void **state)
{
    struct fixture      *f = *state;
    struct sec_signature old;
    add(f, WIRE_BLOCK_GENESIS);
    add(f, WIRE_BLOCK_ROUND);
    memcpy(old.bytes, f->made.entries[0].signature, sizeof old.bytes);
    struct wire_blob update = f->made.entries[0].update;
    draft(f, WIRE_BLOCK_ROUND);
    f->made.entries[0].update = update;
    test_block_commit(&f->made);
    memcpy(f->made.entries[0].signature, old.bytes, sizeof old.bytes);
    test_block_seal(&f->made);
    expect_refused(f, PN_EAUTH, "update: node-2 has not committed to it");

    struct fed_commitment         commitment = {.round = 2, .weight = 100, .member = 2}, other;
    const struct sec_sign_public *key = &fed_roster_find(f->federation.roster, 2)->certificate.node;
    fed_commitment_sign(&old, &commitment, &test_member_of(&f->federation, 2)->node);
    assert_true(fed_commitment_check(&old, &commitment, key));
#define REFUSED_WITH(change)                                                                       \
    do {                                                                                           \
        other = commitment;                                                                        \
        other.change;                                                                              \
        assert_false(fed_commitment_check(&old, &other, key));                                     \
    } while (0)
    REFUSED_WITH(run[0] = 1);
    REFUSED_WITH(round = 3);
    REFUSED_WITH(member = 3);
    REFUSED_WITH(weight = 101);
    REFUSED_WITH(model_in.size = 1);
    REFUSED_WITH(model_in.root.bytes[31] = 1);
    REFUSED_WITH(update.size = 1);
    REFUSED_WITH(update.root.bytes[0] = 1);
#undef REFUSED_WITH
}

static void
strangers_and_the_coordinator_contribute_nothing(void **state)
{
    struct fixture *f = *state;
    add(f, WIRE_BLOCK_GENESIS);
    draft(f, WIRE_BLOCK_ROUND);
    f->made.entries[1].member = 9;
    expect_draft_refused(f, PN_EAUTH, "update: the roster has no node with number 9");
    draft(f, WIRE_BLOCK_ROUND);
    f->made.entries[0].member = TEST_HUB;
    expect_draft_refused(f, PN_EAUTH, "update: the roster has no node with number 1");
    draft(f, WIRE_BLOCK_ROUND);
    f->made.absent[0].member = 9;
    expect_draft_refused(f, PN_EAUTH, "absent: the roster has no node with number 9");
}

static void
weights_that_the_sum_cannot_hold_are_refused(void **state)
{
    struct fixture *f = *state;
    add(f, WIRE_BLOCK_GENESIS);
    draft(f, WIRE_BLOCK_ROUND);
    f->made.entries[0].weight = 1;
    f->made.entries[1].weight = FED_WEIGHTS_MAX;
    expect_draft_refused(f, PN_ECORRUPT, "2147483647 at most");
    f->made.entries[1].weight = UINT64_MAX;
    expect_draft_refused(f, PN_ECORRUPT, "2147483647 at most");
    f->made.entries[1].weight = FED_WEIGHTS_MAX - 1;
    test_block_commit(&f->made);
    test_block_seal(&f->made);
    EXPECT_OK(take(f));
}

/* ---- what no encoder of ours writes: two fields are exchanged in the bytes ---- */

static void
entries_out_of_order_or_twice_are_refused(void **state)
{
    struct fixture *f = *state;
    add(f, WIRE_BLOCK_GENESIS);
    for (int twice = 0; twice < 2; twice++) {
        draft(f, WIRE_BLOCK_ROUND);
        f->made.entries[0].member = 100;
        f->made.entries[1].member = 101;
        test_block_seal(&f->made);
        /* Member numbers are one byte each on the wire, after the tag of field 1 of an entry. */
        uint8_t *bytes   = f->made.bytes.bytes;
        size_t   changed = 0;
        for (size_t i = 0; i + 1 < f->made.bytes.size; i++)
            if (bytes[i] == 0x08 && (bytes[i + 1] == 100 || bytes[i + 1] == 101)) {
                bytes[i + 1] = twice ? 3 : changed == 0 ? 3 : 2;
                changed++;
            }
        assert_int_equal(changed, 2);
        fed_block_hash(&f->made.hash, bytes, f->made.bytes.size);
        fed_block_sign(&f->made.signature, &f->made.hash,
                       &test_member_of(&f->federation, TEST_HUB)->node);
        expect_refused(f, PN_ECORRUPT, "no block");
    }
}

/* ---- witnesses ---- */

static void
witness_of_another_block_or_by_no_node_is_refused(void **state)
{
    struct fixture      *f = *state;
    struct sec_signature signature;
    struct sec_hash      other;
    add(f, WIRE_BLOCK_GENESIS);
    draft(f, WIRE_BLOCK_ROUND);
    test_block_commit(&f->made);
    sec_hash_of(&other, "block", "other", 5);
    fed_witness_sign(&signature, &other, &test_member_of(&f->federation, 4)->node);
    memcpy(f->made.witnesses[1].signature, signature.bytes, 64);
    test_block_seal(&f->made);
    expect_refused(f, PN_EAUTH, "witness: node-4 has not signed the block before it");

    fed_witness_sign(&signature, &f->made.head, &test_member_of(&f->federation, 3)->node);
    memcpy(f->made.witnesses[1].signature, signature.bytes, 64);
    test_block_seal(&f->made);
    expect_refused(f, PN_EAUTH, "witness: node-4 has not signed the block before it");

    draft(f, WIRE_BLOCK_ROUND);
    f->made.witnesses[1].member = 9;
    expect_draft_refused(f, PN_EAUTH, "witness: the roster has no node with number 9");
    draft(f, WIRE_BLOCK_ROUND);
    f->made.witnesses[0].member = TEST_HUB;
    expect_draft_refused(f, PN_EAUTH, "witness: the roster has no node with number 1");
    add(f, WIRE_BLOCK_FINISH);
}

/* Makes a block that nobody takes. */
static void
miss(struct fixture *f, enum wire_block_kind kind)
{
    test_block_draft(&f->made, kind);
    test_block_commit(&f->made);
    test_block_seal(&f->made);
    test_chain_move_on(&f->made);
}

static void
a_sparse_chain_goes_on_after_a_gap(void **state)
{
    struct fixture *f = *state;
    add(f, WIRE_BLOCK_GENESIS);
    miss(f, WIRE_BLOCK_ROUND);
    test_block_draft(&f->made, WIRE_BLOCK_ROUND);
    test_block_commit(&f->made);
    test_block_seal(&f->made);
    assert_int_equal(take(f), PN_ECORRUPT); /* not sparse */
    f->chain.sparse = true;
    assert_int_equal(take(f), PN_OK);
    assert_int_equal(f->chain.height, 3);
    assert_int_equal(f->chain.round, 2);
    assert_int_equal(take(f), PN_ECORRUPT); /* the same again */
    test_chain_move_on(&f->made);
    add(f, WIRE_BLOCK_ROUND); /* without a gap everything is checked as ever */
    test_block_draft(&f->made, WIRE_BLOCK_ROUND);
    f->made.draft.model_in.root[0] ^= 1;
    test_block_commit(&f->made);
    test_block_seal(&f->made);
    assert_int_equal(take(f), PN_ECORRUPT);
}

static void
a_sparse_chain_takes_no_wrong_block_after_a_gap(void **state)
{
    struct fixture *f = *state;
    f->chain.sparse   = true;
    miss(f, WIRE_BLOCK_GENESIS); /* genesis itself must be there */
    test_block_draft(&f->made, WIRE_BLOCK_ROUND);
    test_block_commit(&f->made);
    test_block_seal(&f->made);
    assert_int_equal(take(f), PN_ECORRUPT);
}

static void
a_known_block_is_still_placed_by_every_chain(void **state)
{
    struct fixture *f = *state;
    add(f, WIRE_BLOCK_GENESIS);
    struct fed_chain before = f->chain, other = f->chain;
    add(f, WIRE_BLOCK_ROUND);
    struct fed_block_facts facts = fed_block_facts_of(&f->block, &f->chain.head);
    assert_int_equal(fed_chain_take_known(&before, &facts, &f->why), PN_OK);
    assert_memory_equal(&before, &f->chain, sizeof before);
    other.model.root.bytes[0] ^= 1;
    assert_int_equal(fed_chain_take_known(&other, &facts, &f->why), PN_ECORRUPT);
    assert_int_equal(fed_chain_take_known(&before, &facts, &f->why), PN_ECORRUPT);
}

int
main(void)
{
#define BLOCK_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        BLOCK_TEST(chain_of_a_run_is_taken_to_its_end),
        BLOCK_TEST(run_may_finish_right_after_genesis),
        BLOCK_TEST(nothing_comes_after_finish),
        BLOCK_TEST(chain_begins_with_genesis_and_has_one_only),
        BLOCK_TEST(another_height_or_previous_block_is_refused),
        BLOCK_TEST(other_roster_epoch_run_or_job_is_refused),
        BLOCK_TEST(only_the_coordinator_proposes),
        BLOCK_TEST(every_flipped_bit_of_block_or_signature_is_refused),
        BLOCK_TEST(arena_that_is_too_small_is_said_to_be_so),
        BLOCK_TEST(rounds_follow_each_other),
        BLOCK_TEST(round_starts_from_the_model_before_it),
        BLOCK_TEST(entry_without_its_members_commitment_is_refused),
        BLOCK_TEST(commitment_to_another_round_or_model_is_refused),
        BLOCK_TEST(strangers_and_the_coordinator_contribute_nothing),
        BLOCK_TEST(weights_that_the_sum_cannot_hold_are_refused),
        BLOCK_TEST(entries_out_of_order_or_twice_are_refused),
        BLOCK_TEST(witness_of_another_block_or_by_no_node_is_refused),
        BLOCK_TEST(a_sparse_chain_goes_on_after_a_gap),
        BLOCK_TEST(a_sparse_chain_takes_no_wrong_block_after_a_gap),
        BLOCK_TEST(a_known_block_is_still_placed_by_every_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
