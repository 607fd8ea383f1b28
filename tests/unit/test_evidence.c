/*
 * Double votes are kept over restarts and into the next epoch, until a block shows them.
 */
#include "swarm/evidence.h"

#include "fed/vote.h"
#include "sim/disk.h"
#include "support/expect.h"
#include "support/proofs.h"

enum {
    HEIGHT = 5
};

static const uint8_t run[16] = "the run number 1";

struct fixture {
    struct test_federation before, now; /* two epochs: all keys are new in the second */
    struct fed_chain       chain;
    struct fed_epochs      epochs;
    struct sim_disk       *sim;
    struct store_disk      disk;
    struct swarm_evidence  evidence, loaded;
};

/* A swarm whose members have node keys of this epoch. */
static void
make_epoch(struct test_federation *out, uint8_t epoch)
{
    test_federation_new(out, TEST_CHAIN_NODES);
    test_as_swarm(out->roster);
    for (uint32_t i = 0; i < out->roster->member_count; i++) {
        uint8_t seed[32];
        test_seed(seed, i + 1, (uint8_t)(100 + epoch));
        sec_sign_from_seed(&out->roster->members[i].certificate.node, &out->members[i].node, seed);
    }
}

static int
start(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    make_epoch(&f->before, 1);
    make_epoch(&f->now, 2);
    fed_epochs_init(&f->epochs, f->now.roster);
    fed_chain_init(&f->chain, f->now.roster, &f->epochs);
    f->chain.last_roster = f->before.roster;
    f->chain.since       = HEIGHT;
    f->chain.height      = 2 * HEIGHT;
    EXPECT_OK(sim_disk_new(&f->sim));
    sim_disk_port(&f->disk, f->sim);
    *state = f;
    return 0;
}

static int
stop(void **state)
{
    struct fixture *f = *state;
    fed_epochs_fini(&f->epochs);
    test_federation_free(&f->before);
    test_federation_free(&f->now);
    sim_disk_free(f->sim);
    free(f);
    return 0;
}

static struct wire_vote
sign(const struct test_federation *federation, uint32_t member, uint64_t height, const char *block)
{
    struct fed_signed_vote given = {
        .member = fed_roster_place(federation->roster, member),
        .vote   = {.height = height, .view = 3, .step = FED_PREVOTE, .lock_view = 2}};
    struct wire_vote vote;
    sec_hash_of(&given.vote.hash, "block", block, strlen(block));
    sec_hash_of(&given.vote.lock, "block", "lock", 4);
    fed_vote_sign(&given.signature, run, &given.vote, &test_member_of(federation, member)->node);
    fed_vote_to_wire(&vote, &given, federation->roster);
    return vote;
}

static struct wire_conviction
convict(const struct test_federation *federation, uint32_t member, uint64_t height)
{
    return (struct wire_conviction){.first = sign(federation, member, height, "one"),
                                    .other = sign(federation, member, height, "other")};
}

static void
add(struct fixture *f, const struct test_federation *federation, uint32_t member, uint64_t height)
{
    struct wire_conviction conviction = convict(federation, member, height);
    assert_true(swarm_evidence_add(&f->evidence, &conviction));
}

static void
restart(struct fixture *f)
{
    swarm_evidence_save(&f->evidence, &f->disk);
    memset(&f->loaded, 0xff, sizeof f->loaded);
    swarm_evidence_load(&f->loaded, &f->disk);
}

static void
what_was_saved_comes_back(void **state)
{
    struct fixture *f = *state;
    restart(f);
    assert_int_equal(f->loaded.count, 0);
    for (uint32_t member = 1; member <= 3; member++) {
        add(f, &f->now, member, HEIGHT + member);
        restart(f);
        assert_int_equal(f->loaded.count, member);
    }
    for (size_t i = 0; i < 3; i++) {
        const struct wire_vote *a = &f->evidence.items[i].other, *b = &f->loaded.items[i].other;
        assert_int_equal(b->member, i + 1);
        assert_int_equal(b->height, a->height);
        assert_int_equal(b->view, 3);
        assert_int_equal(b->step, WIRE_PREVOTE);
        assert_int_equal(b->lock_view, 2);
        assert_memory_equal(b->hash, a->hash, 32);
        assert_memory_equal(b->lock, a->lock, 32);
        assert_memory_equal(b->signature, a->signature, 64);
    }
    swarm_evidence_sift(&f->loaded, &f->chain, run);
    assert_int_equal(f->loaded.count, 3);
    f->evidence.count = 0;
    restart(f);
    assert_int_equal(f->loaded.count, 0);
}

static void
one_a_member_is_enough(void **state)
{
    struct fixture        *f     = *state;
    struct wire_conviction again = convict(&f->now, 2, HEIGHT + 1);
    add(f, &f->now, 2, HEIGHT);
    assert_false(swarm_evidence_add(&f->evidence, &again));
    assert_int_equal(f->evidence.count, 1);
}

/* By whoever leads: the same two votes, or others of the same height or a later one. */
static void
what_a_block_shows_need_not_be_shown_again(void **state)
{
    struct fixture        *f         = *state;
    struct wire_conviction shown     = convict(&f->now, 2, HEIGHT);
    struct wire_agreement  agreement = {.convictions = &shown, .conviction_count = 1};
    struct wire_block      block     = {.height = HEIGHT + 2, .agreement = &agreement};
    add(f, &f->now, 2, HEIGHT);
    add(f, &f->now, 3, HEIGHT);
    assert_true(swarm_evidence_forget(&f->evidence, &block));
    assert_int_equal(f->evidence.count, 1);
    assert_int_equal(f->evidence.items[0].first.member, 3);
    assert_false(swarm_evidence_forget(&f->evidence, &block));
    add(f, &f->now, 2, HEIGHT + 1); /* done since */
    assert_false(swarm_evidence_forget(&f->evidence, &block));
    assert_int_equal(f->evidence.count, 2);
}

/* Whoever has new keys since, or is no member any more, is convicted by the old ones of what it
 * signed while they were in force; nobody by those of an earlier epoch, or by anything else. */
static void
only_what_a_block_may_show_is_left(void **state)
{
    struct fixture        *f = *state;
    struct test_federation strangers;
    make_epoch(&strangers, 0);
    add(f, &f->before, 1, HEIGHT - 1);
    add(f, &f->now, 2, HEIGHT);
    add(f, &strangers, 3, HEIGHT);
    add(f, &f->now, 4, HEIGHT);
    f->evidence.items[3].other = f->evidence.items[3].first; /* one vote is none */
    restart(f);
    swarm_evidence_sift(&f->loaded, &f->chain, run);
    assert_int_equal(f->loaded.count, 2);
    assert_int_equal(f->loaded.items[0].first.member, 1);
    assert_int_equal(f->loaded.items[1].first.member, 2);
    swarm_evidence_sift(&f->loaded, &f->chain, (const uint8_t *)"another run's 16");
    assert_int_equal(f->loaded.count, 0);
    restart(f);
    f->chain.last_roster = NULL;
    swarm_evidence_sift(&f->loaded, &f->chain, run);
    assert_int_equal(f->loaded.count, 1);
    assert_int_equal(f->loaded.items[0].first.member, 2);
    test_federation_free(&strangers);
}

/* Who stole a key that was renewed since convicts nobody by it of later heights. */
static void
a_key_counts_for_the_heights_at_which_it_was_in_force(void **state)
{
    struct fixture        *f     = *state;
    struct wire_conviction mixed = convict(&f->before, 1, HEIGHT);
    const struct {
        const struct test_federation *by;
        uint64_t                      height;
        bool                          convicts;
    } cases[] = {{&f->before, HEIGHT - 1, true}, {&f->before, HEIGHT, false},
                 {&f->now, HEIGHT - 1, false},   {&f->now, HEIGHT, true},
                 {&f->now, 2 * HEIGHT, true},    {&f->now, 2 * HEIGHT + 1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire_conviction seen = convict(cases[i].by, 1, cases[i].height);
        assert_int_equal(fed_chain_convicts(&f->chain, run, &seen), cases[i].convicts);
    }
    mixed.first = sign(&f->now, 1, HEIGHT, "one");
    assert_false(fed_chain_convicts(&f->chain, run, &mixed));
}

static void
a_damaged_file_loses_evidence_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    uint8_t         bytes[17 * 284];
    add(f, &f->now, 2, HEIGHT);
    swarm_evidence_save(&f->evidence, &f->disk);
    EXPECT_OK(f->disk.read(f->disk.host, "evidence", bytes, 0, 284));
    for (size_t at = 0; at < 284; at++) { /* each byte is under a signature */
        bytes[at] ^= 0x10;
        EXPECT_OK(f->disk.save(f->disk.host, "evidence", bytes, 284));
        swarm_evidence_load(&f->loaded, &f->disk);
        assert_int_equal(f->loaded.count, 1);
        swarm_evidence_sift(&f->loaded, &f->chain, run);
        assert_int_equal(f->loaded.count, 0);
        bytes[at] ^= 0x10;
    }
    static const size_t sizes[] = {0, 1, 283, 285, 17 * 284};
    memset(bytes, 0, sizeof bytes);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        EXPECT_OK(f->disk.save(f->disk.host, "evidence", bytes, sizes[i]));
        swarm_evidence_load(&f->loaded, &f->disk);
        assert_int_equal(f->loaded.count, 0);
    }
}

#define EVIDENCE_TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        EVIDENCE_TEST(what_was_saved_comes_back),
        EVIDENCE_TEST(one_a_member_is_enough),
        EVIDENCE_TEST(what_a_block_shows_need_not_be_shown_again),
        EVIDENCE_TEST(only_what_a_block_may_show_is_left),
        EVIDENCE_TEST(a_key_counts_for_the_heights_at_which_it_was_in_force),
        EVIDENCE_TEST(a_damaged_file_loses_evidence_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
