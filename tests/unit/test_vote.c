/*
 * fed/vote: what members sign, and certificates.
 */
#include "fed/vote.h"
#include "support/expect.h"
#include "support/federation.h"

enum {
    NODES = 4
};

static struct test_federation federation;
static const uint8_t          run[16] = {7, 1};

static const struct sec_sign_secret *
secret_of(uint32_t place)
{
    return &test_member_of(&federation, federation.roster->members[place].number)->node;
}

static struct wire_vote
vote_of(uint32_t place, enum fed_step step)
{
    struct fed_signed_vote given = {
        .member = place,
        .vote   = {.height = 9, .view = 3, .step = step, .hash = {.bytes = {1, 2, 3}}}};
    struct wire_vote wire;
    if (step == FED_PREVOTE) {
        given.vote.lock_view     = 2;
        given.vote.lock.bytes[5] = 8;
    }
    fed_vote_sign(&given.signature, run, &given.vote, secret_of(place));
    fed_vote_to_wire(&wire, &given, federation.roster);
    return wire;
}

static enum pn_status
open_vote(const struct wire_vote *wire, const uint8_t in_run[16])
{
    struct fed_signed_vote opened;
    return fed_vote_from_wire(&opened, in_run, wire, federation.roster);
}

static void
a_vote_comes_back_as_it_was_said(void **state)
{
    (void)state;
    for (uint32_t place = 0; place < federation.roster->member_count; place++) {
        struct wire_vote       wire = vote_of(place, FED_PREVOTE), again;
        struct fed_signed_vote opened;
        EXPECT_OK(fed_vote_from_wire(&opened, run, &wire, federation.roster));
        assert_int_equal(opened.member, place);
        assert_int_equal(opened.vote.lock_view, 2);
        fed_vote_to_wire(&again, &opened, federation.roster);
        assert_memory_equal(again.signature, wire.signature, sizeof wire.signature);
        assert_memory_equal(again.hash, wire.hash, sizeof wire.hash);
        assert_memory_equal(again.lock, wire.lock, sizeof wire.lock);
    }
}

static void
every_part_of_a_vote_is_signed(void **state)
{
    const uint8_t    other_run[16] = {7, 2};
    struct wire_vote good          = vote_of(1, FED_PREVOTE), wire;
    (void)state;
    EXPECT_OK(open_vote(&good, run));
    EXPECT_STATUS(PN_EPEER_AUTH, open_vote(&good, other_run));
    wire = good, wire.height++;
    EXPECT_STATUS(PN_EPEER_AUTH, open_vote(&wire, run));
    wire = good, wire.view++;
    EXPECT_STATUS(PN_EPEER_AUTH, open_vote(&wire, run));
    wire = good, wire.step = WIRE_PRECOMMIT;
    EXPECT_STATUS(PN_EPEER_AUTH, open_vote(&wire, run));
    wire = good, wire.hash[31] ^= 1;
    EXPECT_STATUS(PN_EPEER_AUTH, open_vote(&wire, run));
    wire = good, wire.lock_view--;
    EXPECT_STATUS(PN_EPEER_AUTH, open_vote(&wire, run));
    wire = good, wire.lock[0] ^= 1;
    EXPECT_STATUS(PN_EPEER_AUTH, open_vote(&wire, run));
    wire = good, wire.member = federation.roster->members[2].number;
    EXPECT_STATUS(PN_EPEER_AUTH, open_vote(&wire, run));
    wire = good, wire.member = 1000;
    EXPECT_STATUS(PN_EPEER_AUTH, open_vote(&wire, run));
    wire = good, wire.signature[0] ^= 1;
    EXPECT_STATUS(PN_EPEER_AUTH, open_vote(&wire, run));
}

/* A vote's signature is good for nothing else, and no other is good for a vote. */
static void
a_report_is_no_vote(void **state)
{
    struct fed_report             report = {.height = 9, .member = 3, .blob = {.size = 20}}, other;
    struct sec_signature          signature;
    const struct sec_sign_public *key = &federation.roster->members[2].certificate.node;
    (void)state;
    memcpy(report.run, run, sizeof report.run);
    fed_report_sign(&signature, &report, secret_of(2));
    assert_true(fed_report_check(&signature, &report, key));
    other = report, other.height++;
    assert_false(fed_report_check(&signature, &other, key));
    other = report, other.member++;
    assert_false(fed_report_check(&signature, &other, key));
    other = report, other.blob.size++;
    assert_false(fed_report_check(&signature, &other, key));
    other = report, other.blob.root.bytes[0] ^= 1;
    assert_false(fed_report_check(&signature, &other, key));
    struct wire_vote vote = vote_of(2, FED_PRECOMMIT);
    memcpy(vote.signature, signature.bytes, sizeof vote.signature);
    EXPECT_STATUS(PN_EPEER_AUTH, open_vote(&vote, run));
}

static enum pn_status
check(const struct wire_witness *witnesses, size_t count, struct pn_error *why)
{
    struct fed_decided decided = {.height = 9, .view = 3, .hash = {.bytes = {1, 2, 3}}};
    memcpy(decided.run, run, sizeof decided.run);
    return fed_certificate_check(federation.roster, &decided, witnesses, count, why);
}

static void
a_certificate_is_a_quorum_of_precommits(void **state)
{
    struct wire_witness witnesses[NODES + 1];
    struct pn_error     why    = {.text = ""};
    uint32_t            quorum = fed_roster_quorum(federation.roster, NULL);
    (void)state;
    for (uint32_t i = 0; i < federation.roster->member_count; i++) {
        struct wire_vote vote = vote_of(i, FED_PRECOMMIT);
        witnesses[i].member   = vote.member;
        memcpy(witnesses[i].signature, vote.signature, sizeof vote.signature);
    }
    EXPECT_OK(check(witnesses, quorum, &why));
    EXPECT_STATUS(PN_EAUTH, check(witnesses, quorum - 1, &why));
    assert_non_null(strstr(why.text, "expected the votes of"));
    witnesses[1].signature[3] ^= 1;
    EXPECT_STATUS(PN_EAUTH, check(witnesses, quorum, &why));
    assert_non_null(strstr(why.text, federation.roster->members[1].name));
    struct wire_vote prevote = vote_of(1, FED_PREVOTE); /* the other step */
    memcpy(witnesses[1].signature, prevote.signature, sizeof prevote.signature);
    EXPECT_STATUS(PN_EAUTH, check(witnesses, quorum, &why));
    witnesses[1].member = 1000;
    EXPECT_STATUS(PN_EAUTH, check(witnesses, quorum, &why));
    assert_non_null(strstr(why.text, "no member with number 1000"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vote_comes_back_as_it_was_said),
        cmocka_unit_test(every_part_of_a_vote_is_signed),
        cmocka_unit_test(a_report_is_no_vote),
        cmocka_unit_test(a_certificate_is_a_quorum_of_precommits),
    };
    if (sec_init() != PN_OK)
        return 1;
    test_federation_new(&federation, NODES);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_federation_free(&federation);
    return failed;
}
