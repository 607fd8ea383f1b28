/* What lies beside a swarm's ledger, against a chain of three blocks: good, and every way to be
 * bad. */
#include "engine/summit.h"

#include "sim/disk.h"
#include "support/expect.h"
#include "support/federation.h"

enum {
    NODES  = 3, /* and the hub: four members, of whom three decide */
    HEIGHT = 3,
    HEAD   = HEIGHT - 1,
    VIEW   = 2
};

struct fixture {
    struct test_federation federation;
    struct sim_disk       *sim;
    struct store_disk      disk;
    struct fed_chain       chain;
    struct fed_certificate votes; /* those on the disk at first, and what a check gives */
    struct pn_error        why;
};

static void
put_votes(const struct fixture *f, const char *name, const struct fed_certificate *votes)
{
    uint8_t bytes[FED_CERTIFICATE_MAX];
    size_t  size = fed_certificate_encode(bytes, votes);
    EXPECT_OK(f->disk.save(f->disk.host, name, bytes, size));
}

static void
put_mark(const struct fixture *f, uint64_t height, const struct sec_hash *hash)
{
    uint8_t bytes[ENGINE_SUMMIT_SIZE];
    engine_summit_encode(bytes, height, hash);
    EXPECT_OK(f->disk.save(f->disk.host, "summit", bytes, sizeof bytes));
}

static void
vote_for_head(struct fixture *f)
{
    const struct fed_vote vote = {
        .height = HEAD, .view = VIEW, .step = FED_PRECOMMIT, .hash = f->chain.head};
    f->votes = (struct fed_certificate){.height = HEAD, .view = VIEW, .count = NODES};
    for (uint32_t i = 0; i < NODES; i++) {
        const struct test_member *member = test_member_of(&f->federation, i + 2);
        struct sec_signature      signature;
        fed_vote_sign(&signature, f->chain.run, &vote, &member->node);
        f->votes.witnesses[i].member = member->number;
        memcpy(f->votes.witnesses[i].signature, signature.bytes, sizeof signature.bytes);
    }
}

static int
start(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    test_federation_new(&f->federation, NODES);
    EXPECT_OK(sim_disk_new(&f->sim));
    sim_disk_port(&f->disk, f->sim);
    f->chain = (struct fed_chain){.roster      = f->federation.roster,
                                  .head_roster = f->federation.roster,
                                  .height      = HEIGHT,
                                  .run         = {7, 1},
                                  .round       = 2};
    memset(f->chain.head.bytes, 0x5a, sizeof f->chain.head.bytes);
    vote_for_head(f);
    put_votes(f, "certificate.0", &f->votes);
    put_mark(f, HEAD, &f->chain.head);
    *state = f;
    return 0;
}

static int
stop(void **state)
{
    struct fixture *f = *state;
    sim_disk_free(f->sim);
    test_federation_free(&f->federation);
    free(f);
    return 0;
}

static enum pn_status
check(struct fixture *f)
{
    struct engine_summit summit;
    f->why.text[0]    = '\0';
    enum pn_status st = engine_summit_read(&summit, &f->disk, &f->why);
    return st == PN_OK ? engine_summit_check(&f->votes, &summit, &f->chain, &f->why) : st;
}

static void
expect_refused(struct fixture *f, enum pn_status status, const char *words)
{
    EXPECT_STATUS(status, check(f));
    EXPECT_SAYS(&f->why, words);
}

static void
the_votes_for_the_head_are_found_and_proved(void **state)
{
    struct fixture *f = *state;
    EXPECT_OK(check(f));
    assert_int_equal(f->votes.height, HEAD);
    assert_int_equal(f->votes.view, VIEW);
    assert_int_equal(f->votes.count, NODES);
}

static void
an_empty_directory_has_no_summit_and_no_votes(void **state)
{
    struct fixture *f = *state;
    f->chain.height   = 0;
    expect_refused(f, PN_ECORRUPT, "the ledger ends before block 2"); /* it was not empty before */
    EXPECT_OK(f->disk.remove(f->disk.host, "summit"));
    EXPECT_OK(f->disk.remove(f->disk.host, "certificate.0"));
    EXPECT_OK(check(f));
    assert_int_equal(f->votes.count, 0);
}

/* Votes, block, summit: each may be the last that was written. */
static void
a_crash_between_the_three_writes_is_no_fault(void **state)
{
    struct fixture        *f    = *state;
    struct fed_certificate next = f->votes;
    next.height                 = HEAD + 1;
    put_votes(f, "certificate.1", &next);
    EXPECT_OK(check(f)); /* the votes for a block that is not written yet */
    struct sec_hash before = {{1}};
    put_mark(f, HEAD - 1, &before);
    EXPECT_OK(check(f)); /* the block, and not yet the summit */
}

static void
an_older_ledger_is_refused(void **state)
{
    struct fixture *f = *state;
    f->chain.height--;
    expect_refused(f, PN_ECORRUPT, "the ledger ends before block 2");
}

static void
another_block_at_the_summit_is_refused(void **state)
{
    struct fixture *f = *state;
    f->chain.head.bytes[31] ^= 1;
    expect_refused(f, PN_ECORRUPT, "block 2 is not the one that this ledger held");
    EXPECT_OK(f->disk.remove(f->disk.host, "summit")); /* and then the votes are for another one */
    expect_refused(f, PN_EAUTH, "the votes for block 2: vote: node-2 has not signed it");
}

static void
a_damaged_summit_is_refused(void **state)
{
    struct fixture *f = *state;
    EXPECT_OK(f->disk.save(f->disk.host, "summit", "short", 5));
    expect_refused(f, PN_ECORRUPT, "does not give its highest block");
}

static void
missing_votes_are_refused(void **state)
{
    struct fixture        *f     = *state;
    struct fed_certificate votes = f->votes;
    EXPECT_OK(f->disk.remove(f->disk.host, "certificate.0"));
    put_votes(f, "certificate.1", &votes); /* the other file is for the other blocks */
    expect_refused(f, PN_ECORRUPT, "the votes for block 2, the newest, are not beside the ledger");
    votes.height = HEAD - 2;
    put_votes(f, "certificate.0", &votes);
    expect_refused(f, PN_ECORRUPT, "the votes for block 2, the newest, are not beside the ledger");
}

static void
votes_that_prove_nothing_are_refused(void **state)
{
    struct fixture        *f     = *state;
    struct fed_certificate votes = f->votes;
    votes.count--;
    put_votes(f, "certificate.0", &votes);
    expect_refused(f, PN_EAUTH, "expected the votes of 3 members, seen 2");

    vote_for_head(f);
    votes      = f->votes;
    votes.view = VIEW + 1;
    put_votes(f, "certificate.0", &votes);
    expect_refused(f, PN_EAUTH, "vote: node-2 has not signed it");

    vote_for_head(f);
    votes = f->votes;
    votes.witnesses[2].signature[5] ^= 1;
    put_votes(f, "certificate.0", &votes);
    expect_refused(f, PN_EAUTH, "vote: node-4 has not signed it");
}

/* A quorum is that many members, not that many signatures. */
static void
one_member_three_times_is_no_quorum(void **state)
{
    struct fixture        *f     = *state;
    struct fed_certificate votes = f->votes;
    votes.witnesses[1] = votes.witnesses[2] = votes.witnesses[0];
    put_votes(f, "certificate.0", &votes);
    expect_refused(f, PN_ECORRUPT, "the votes for block 2, the newest, are not beside the ledger");
}

static void
a_certificate_is_read_whole_or_not_at_all(void **state)
{
    const struct fixture  *f = *state;
    struct fed_certificate read;
    uint8_t                bytes[FED_CERTIFICATE_MAX + 1] = {0};
    size_t                 size = fed_certificate_encode(bytes, &f->votes);
    assert_int_equal(size, 16 + 68 * NODES);
    assert_true(fed_certificate_decode(&read, bytes, size));
    assert_memory_equal(&read.witnesses, &f->votes.witnesses, sizeof read.witnesses[0] * NODES);
    for (size_t cut = 0; cut < size; cut++)
        assert_false(fed_certificate_decode(&read, bytes, cut));
    assert_false(fed_certificate_decode(&read, bytes, size + 1));
    pn_put_u32(bytes + 12, FED_SWARM_MAX + 1);
    assert_false(fed_certificate_decode(&read, bytes, size));
}

#define SUMMIT_TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SUMMIT_TEST(the_votes_for_the_head_are_found_and_proved),
        SUMMIT_TEST(an_empty_directory_has_no_summit_and_no_votes),
        SUMMIT_TEST(a_crash_between_the_three_writes_is_no_fault),
        SUMMIT_TEST(an_older_ledger_is_refused),
        SUMMIT_TEST(another_block_at_the_summit_is_refused),
        SUMMIT_TEST(a_damaged_summit_is_refused),
        SUMMIT_TEST(missing_votes_are_refused),
        SUMMIT_TEST(votes_that_prove_nothing_are_refused),
        SUMMIT_TEST(one_member_three_times_is_no_quorum),
        SUMMIT_TEST(a_certificate_is_read_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
