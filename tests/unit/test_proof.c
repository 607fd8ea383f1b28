/*
 * fed/proof: what a file proves, and that it proves nothing else.
 */
#include "fed/proof.h"
#include "support/expect.h"
#include "support/proofs.h"

enum {
    BLOCKS = 7
};

struct fixture {
    struct test_ledger ledgers[2]; /* by fed_mode */
    struct wire_arena  arena;
    struct fed_proven  proven;
    struct fed_proof   proof;
    struct pn_buffer   text;
    struct pn_error    why;
};

static int
start(void **state)
{
    struct fixture *f     = calloc(1, sizeof *f);
    void           *block = aligned_alloc(16, WIRE_ARENA_SIZE);
    if (f == NULL || block == NULL)
        return 1;
    wire_arena_init(&f->arena, block, WIRE_ARENA_SIZE);
    pn_buffer_init(&f->text, 2 * FED_PROOF_MAX);
    for (int mode = 0; mode < 2; mode++)
        test_ledger_new(&f->ledgers[mode], (enum fed_mode)mode, BLOCKS);
    *state = f;
    return 0;
}

static int
stop(void **state)
{
    struct fixture *f = *state;
    for (int mode = 0; mode < 2; mode++)
        test_ledger_free(&f->ledgers[mode]);
    pn_buffer_fini(&f->text);
    free(f->arena.block);
    free(f);
    return 0;
}

static enum pn_status
check(struct fixture *f, const struct test_ledger *l)
{
    return fed_proof_check(&f->proven, &f->proof, l->federation.roster, &f->arena, &f->why);
}

static void
expect_good(struct fixture *f, const struct test_ledger *l)
{
    enum pn_status st = check(f, l);
    if (st != PN_OK)
        print_error("%s\n", f->why.text);
    assert_int_equal(st, PN_OK);
}

/* And is given up. */
static void
expect_refused(struct fixture *f, const struct test_ledger *l, enum pn_status expected,
               const char *part)
{
    EXPECT_STATUS(expected, check(f, l));
    EXPECT_SAYS(&f->why, part);
    fed_proof_fini(&f->proof);
}

static void
every_block_is_proved(void **state)
{
    struct fixture *f = *state;
    for (int mode = 0; mode < 2; mode++)
        for (uint64_t height = 0; height < BLOCKS; height++) {
            const struct test_ledger *l = &f->ledgers[mode];
            test_prove_block(&f->proof, l, height);
            expect_good(f, l);
            assert_true(f->proven.is_block);
            assert_true(f->proven.block.height == height);
            assert_true(sec_hash_equal(&f->proven.hash, &l->hashes[height]));
            /* A swarm's votes are for the newest block; two of three nodes countersigned. */
            bool swarm = mode == FED_MODE_SWARM;
            assert_int_equal(f->proven.signer_count, swarm ? 3 : height + 1 < BLOCKS ? 2 : 0);
            assert_true(f->proven.now.size == (swarm ? BLOCKS : 0));
            fed_proof_fini(&f->proof);
        }
}

/* The votes in it are of members that whoever checks does not know. */
static void
first_block_of_an_epoch_is_proved(void **state)
{
    struct fixture    *f = *state;
    struct test_ledger l;
    for (uint64_t first = 1; first < BLOCKS; first++) {
        test_ledger_new_epoch(&l, BLOCKS, first);
        test_prove_block(&f->proof, &l, first);
        expect_good(f, &l);
        assert_int_equal(f->proven.block.height, first);
        fed_proof_fini(&f->proof);
        test_prove_growth(&f->proof, &l, first);
        expect_good(f, &l);
        f->proof.votes.witnesses[0].member = 101; /* those for the head must be of members */
        EXPECT_STATUS(PN_EAUTH, check(f, &l));
        fed_proof_fini(&f->proof);
        test_ledger_free(&l);
    }
}

static void
growth_from_every_size_is_proved_and_gives_the_next_checkpoint(void **state)
{
    struct fixture *f = *state;
    for (int mode = 0; mode < 2; mode++)
        for (uint64_t size = 1; size <= BLOCKS; size++) {
            const struct test_ledger   *l    = &f->ledgers[mode];
            const struct fed_checkpoint next = test_checkpoint(l, BLOCKS);
            test_prove_growth(&f->proof, l, size);
            expect_good(f, l);
            assert_false(f->proven.is_block);
            assert_true(f->proven.now.size == next.size);
            assert_true(sec_hash_equal(&f->proven.now.root, &next.root));
            assert_true(sec_hash_equal(&f->proven.hash, &l->hashes[BLOCKS - 1]));
            fed_proof_fini(&f->proof);
        }
}

static void
proof_of_a_block_is_for_no_other_block(void **state)
{
    struct fixture     *f = *state;
    struct test_ledger *l = &f->ledgers[FED_MODE_SWARM];
    test_prove_block(&f->proof, l, 3);
    pn_buffer_clear(&f->proof.block.records);
    f->proof.block.count = 0;
    test_stretch(&f->proof.block, l, 4, 5);
    expect_refused(f, l, PN_ECORRUPT, "its parts are not those"); /* the log is that of block 3 */
    test_prove_block(&f->proof, l, 3);
    pn_buffer_clear(&f->proof.block.records);
    f->proof.block.count = 0;
    test_stretch(&f->proof.block, l, 4, 5);
    f->proof.block.log = test_log_over(l, 4);
    expect_refused(f, l, PN_ECORRUPT, "block 4 is not in the log of 7 blocks");
    test_prove_block(&f->proof, l, 3);
    f->proof.path.count--;
    expect_refused(f, l, PN_ECORRUPT, "block 3 is not in the log of 7 blocks");
    test_prove_block(&f->proof, l, 3);
    f->proof.block.height = 2;
    expect_refused(f, l, PN_ECORRUPT, "its parts are not those");
}

static void
fewer_votes_than_a_quorum_prove_nothing(void **state)
{
    struct fixture     *f = *state;
    struct test_ledger *l = &f->ledgers[FED_MODE_SWARM];
    test_prove_block(&f->proof, l, 3);
    f->proof.votes.count--;
    expect_refused(f, l, PN_EAUTH, "the votes for block 6");
    test_prove_growth(&f->proof, l, 3);
    f->proof.votes.view++;
    expect_refused(f, l, PN_EAUTH, "the votes for block 6");
    /* Those for the block before are not for the newest. */
    test_prove_growth(&f->proof, l, 3);
    test_votes(f->proof.votes.witnesses, &l->federation, (const uint8_t *)"the run number 1", 5,
               &l->hashes[5]);
    expect_refused(f, l, PN_EAUTH, "the votes for block 6");
}

static void
another_checkpoint_is_another_history(void **state)
{
    struct fixture *f = *state;
    for (int mode = 0; mode < 2; mode++) {
        struct test_ledger *l = &f->ledgers[mode];
        test_prove_growth(&f->proof, l, 4);
        f->proof.since.root.bytes[31] ^= 1;
        expect_refused(f, l, PN_ECORRUPT, "is not the beginning of this ledger");
        test_prove_growth(&f->proof, l, 4);
        f->proof.since = test_checkpoint(l, 5);
        expect_refused(f, l, PN_ECORRUPT, "is not the beginning of this ledger");
        test_prove_growth(&f->proof, l, 4);
        f->proof.since.size = 5;
        expect_refused(f, l, PN_ECORRUPT, "is not the beginning of this ledger");
    }
}

/* What follows the checkpoint of a coordinator's ledger is taken block by block. */
static void
missing_block_since_the_checkpoint_is_seen(void **state)
{
    struct fixture     *f = *state;
    struct test_ledger *l = &f->ledgers[FED_MODE_COORDINATOR];
    fed_proof_init(&f->proof);
    f->proof.since = test_checkpoint(l, 3);
    test_stretch(&f->proof.head, l, 2, 3);
    PN_ASSERT(fed_stretch_add(&f->proof.head, l->records[4].bytes, l->records[4].size) == PN_OK);
    f->proof.head.log = test_log_over(l, 2);
    expect_refused(f, l, PN_ECORRUPT, "block 3: expected height 3, seen 4");
}

static void
parts_of_another_kind_of_proof_are_refused(void **state)
{
    struct fixture           *f     = *state;
    const struct test_ledger *swarm = &f->ledgers[FED_MODE_SWARM];
    const struct test_ledger *hub   = &f->ledgers[FED_MODE_COORDINATOR];
    const char               *part  = "its parts are not those";
    fed_proof_init(&f->proof);
    expect_refused(f, swarm, PN_ECORRUPT, part);
    fed_proof_init(&f->proof);
    expect_refused(f, hub, PN_ECORRUPT, part);
    test_prove_block(&f->proof, hub, 3);
    expect_refused(f, swarm, PN_ECORRUPT, part);
    test_prove_block(&f->proof, swarm, 3);
    expect_refused(f, hub, PN_ECORRUPT, part);
    test_prove_block(&f->proof, swarm, 3);
    f->proof.since = test_checkpoint(swarm, 3);
    expect_refused(f, swarm, PN_ECORRUPT, part);
    test_prove_block(&f->proof, hub, 3);
    f->proof.path.count = 1;
    expect_refused(f, hub, PN_ECORRUPT, part);
    test_prove_block(&f->proof, hub, 3);
    f->proof.block.log = test_log_over(hub, 3);
    expect_refused(f, hub, PN_ECORRUPT, part);
    test_prove_growth(&f->proof, hub, 3);
    f->proof.head.log.size = 0;
    expect_refused(f, hub, PN_ECORRUPT, part);
}

/* ---- the file ---- */

static void
prove(struct fixture *f, int which)
{
    const struct test_ledger *l = &f->ledgers[which / 2];
    if (which % 2 == 0)
        test_prove_block(&f->proof, l, 3);
    else
        test_prove_growth(&f->proof, l, 3);
    pn_buffer_clear(&f->text);
    EXPECT_OK(fed_proof_encode(&f->text, &f->proof));
    fed_proof_fini(&f->proof);
}

static enum pn_status
parse(struct fixture *f)
{
    return fed_proof_parse(&f->proof, "proof.json", (const char *)f->text.bytes, f->text.size,
                           &f->why);
}

static void
file_comes_back_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    for (int which = 0; which < 4; which++) {
        struct pn_buffer again;
        pn_buffer_init(&again, 2 * FED_PROOF_MAX);
        prove(f, which);
        EXPECT_OK(parse(f));
        EXPECT_OK(fed_proof_encode(&again, &f->proof));
        assert_int_equal(again.size, f->text.size);
        assert_memory_equal(again.bytes, f->text.bytes, again.size);
        expect_good(f, &f->ledgers[which / 2]);
        fed_proof_fini(&f->proof);
        pn_buffer_fini(&again);
    }
}

/* Every character that says something: no other one in its place gives a proof. */
static void
every_changed_character_of_a_file_is_refused(void **state)
{
    struct fixture *f = *state;
    for (int which = 0; which < 4; which++) {
        prove(f, which);
        for (size_t i = 0; i < f->text.size; i += 11) { /* not all of them: it takes a while */
            uint8_t kept = f->text.bytes[i];
            if (strchr(" \n", kept) != NULL)
                continue;
            f->text.bytes[i]  = kept == '1' ? '2' : '1';
            enum pn_status st = parse(f);
            if (st == PN_OK) {
                st = check(f, &f->ledgers[which / 2]);
                fed_proof_fini(&f->proof);
            }
            if (st == PN_OK)
                print_error("proof %d, character %zu, '%c'\n", which, i, kept);
            assert_true(st == PN_ECONFIG || st == PN_ECORRUPT || st == PN_EAUTH);
            f->text.bytes[i] = kept;
        }
        for (size_t size = 0; size + 2 < f->text.size; size += 97) {
            size_t whole = f->text.size;
            f->text.size = size;
            EXPECT_STATUS(PN_ECONFIG, parse(f));
            f->text.size = whole;
        }
    }
}

static void
file_that_says_something_else_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{}", "expected the key \"panal_proof\""},
        {"{\"panal_proof\": 2, \"path\": []}", "panal_proof"},
        {"{\"panal_proof\": 1}", "path"},
        {"{\"panal_proof\": 1, \"path\": [], \"paht\": 1}", "did you mean \"path\"?"},
        {"{\"panal_proof\": 1, \"path\": [\"ab\"]}", "expected 64 hexadecimal digits"},
        {"{\"panal_proof\": 1, \"path\": [], \"since\": {\"size\": 0, \"root\": \"\"}}", "size"},
        {"{\"panal_proof\": 1, \"path\": [], \"head\": {\"height\": 3, \"log\": [], "
         "\"records\": []}}",
         "records: expected one at least"},
        {"{\"panal_proof\": 1, \"path\": [], \"head\": {\"height\": 3, \"log\": [\"a\"], "
         "\"records\": [\"AAAA\"]}}",
         "log: expected 2 hashes, seen 1"},
        {"{\"panal_proof\": 1, \"path\": [], \"head\": {\"height\": 3, \"log\": [], "
         "\"records\": [\"AAAA\"]}}",
         "expected a signature of 64 bytes and a block, seen 3 bytes"},
        {"{\"panal_proof\": 1, \"path\": [], \"head\": {\"height\": 3, \"log\": [], "
         "\"records\": [\"AAA\"]}}",
         "expected base64"},
        {"{\"panal_proof\": 1, \"path\": [], \"votes\": {\"view\": 1, \"witnesses\": []}}",
         "witnesses: expected 1 to"},
        {"{\"panal_proof\": 1, \"path\": [], \"votes\": {\"view\": 1, \"witnesses\": [1]}}",
         "expected a map"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pn_buffer_clear(&f->text);
        EXPECT_OK(pn_buffer_printf(&f->text, "%s", cases[i].text));
        EXPECT_STATUS(PN_ECONFIG, parse(f));
        EXPECT_SAYS(&f->why, cases[i].says);
        EXPECT_SAYS(&f->why, "proof.json:1:");
    }
}

static void
vote_counts_once(void **state)
{
    struct fixture *f = *state;
    test_prove_growth(&f->proof, &f->ledgers[FED_MODE_SWARM], 3);
    f->proof.votes.witnesses[1] = f->proof.votes.witnesses[0];
    pn_buffer_clear(&f->text);
    EXPECT_OK(fed_proof_encode(&f->text, &f->proof));
    fed_proof_fini(&f->proof);
    EXPECT_STATUS(PN_ECONFIG, parse(f));
    EXPECT_SAYS(&f->why, "expected members that increase");
}

static void
proof_that_is_too_large_is_not_written(void **state)
{
    struct fixture *f    = *state;
    size_t          size = FED_PROOF_MAX - 8;
    uint8_t        *much = calloc(1, size);
    assert_non_null(much);
    fed_proof_init(&f->proof);
    EXPECT_STATUS(PN_ERANGE, fed_stretch_add(&f->proof.block, much, 64));
    EXPECT_OK(fed_stretch_add(&f->proof.block, much, size));
    EXPECT_STATUS(PN_ERANGE, fed_stretch_add(&f->proof.block, much, 65));
    assert_int_equal(f->proof.block.count, 1);
    pn_buffer_clear(&f->text);
    EXPECT_STATUS(PN_ERANGE, fed_proof_encode(&f->text, &f->proof));
    assert_int_equal(f->text.size, 0);
    fed_proof_fini(&f->proof);
    free(much);
}

static void
checkpoint_is_a_number_and_a_root(void **state)
{
    struct fixture       *f    = *state;
    struct fed_checkpoint made = test_checkpoint(&f->ledgers[0], 5), seen = {.size = 99};
    char                  text[FED_CHECKPOINT_SIZE], bad[FED_CHECKPOINT_SIZE + 8];
    fed_checkpoint_text(text, &made);
    assert_true(fed_checkpoint_parse(&seen, text));
    assert_true(seen.size == 5 && sec_hash_equal(&seen.root, &made.root));
    snprintf(bad, sizeof bad, "0%s", text + 1);
    assert_false(fed_checkpoint_parse(&seen, bad));
    snprintf(bad, sizeof bad, "%s0", text);
    assert_false(fed_checkpoint_parse(&seen, bad));
    snprintf(bad, sizeof bad, "-%s", text);
    assert_false(fed_checkpoint_parse(&seen, bad));
    assert_false(fed_checkpoint_parse(&seen, ""));
    assert_false(fed_checkpoint_parse(&seen, text + 2));
    text[10] = 'g';
    assert_false(fed_checkpoint_parse(&seen, text));
    assert_true(seen.size == 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_block_is_proved, start, stop),
        cmocka_unit_test_setup_teardown(first_block_of_an_epoch_is_proved, start, stop),
        cmocka_unit_test_setup_teardown(
            growth_from_every_size_is_proved_and_gives_the_next_checkpoint, start, stop),
        cmocka_unit_test_setup_teardown(proof_of_a_block_is_for_no_other_block, start, stop),
        cmocka_unit_test_setup_teardown(fewer_votes_than_a_quorum_prove_nothing, start, stop),
        cmocka_unit_test_setup_teardown(another_checkpoint_is_another_history, start, stop),
        cmocka_unit_test_setup_teardown(missing_block_since_the_checkpoint_is_seen, start, stop),
        cmocka_unit_test_setup_teardown(parts_of_another_kind_of_proof_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(file_comes_back_as_it_was_written, start, stop),
        cmocka_unit_test_setup_teardown(every_changed_character_of_a_file_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(file_that_says_something_else_is_refused_with_its_place,
                                        start, stop),
        cmocka_unit_test_setup_teardown(vote_counts_once, start, stop),
        cmocka_unit_test_setup_teardown(proof_that_is_too_large_is_not_written, start, stop),
        cmocka_unit_test_setup_teardown(checkpoint_is_a_number_and_a_root, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
