/*
 * fed/swarm by transcript: when a member is ready, whom it waits for, whom it draws, and what it
 * asks of others.
 */
#include "fed/swarm.h"
#include "support/expect.h"

#include <string.h>

enum {
    MEMBERS  = 4,
    SEEN_MAX = 64
};

struct member {
    struct fed_swarm        swarm;
    struct fed_swarm_member members[MEMBERS];
    struct fed_voter        voters[MEMBERS];
    struct fed_swarm_effect seen[SEEN_MAX]; /* of the newest step */
    size_t                  count;
};

static void
note(void *host, const struct fed_swarm_effect *effect)
{
    struct member *member = host;
    assert_true(member->count < SEEN_MAX);
    member->seen[member->count++] = *effect;
}

static enum pn_status
step(struct member *member, pn_ms now, struct fed_swarm_event event)
{
    member->count = 0;
    return fed_swarm_step(&member->swarm, now, &event, note, member);
}

static size_t
seen(const struct member *member, enum fed_swarm_effect_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < member->count; i++)
        count += member->seen[i].kind == kind;
    return count;
}

static bool
seen_agree(const struct member *member, enum fed_consensus_effect_kind kind)
{
    for (size_t i = 0; i < member->count; i++)
        if (member->seen[i].kind == FED_S_AGREE && member->seen[i].consensus.kind == kind)
            return true;
    return false;
}

/* Place 0 of four, at height 0, which it leads in view 1; a quorum of 2 reports. */
static void
begin(struct member *member)
{
    struct fed_swarm_limits limits = {.consensus      = {.members    = MEMBERS,
                                                         .quorum     = 3,
                                                         .liars      = 1,
                                                         .propose_ms = 1000,
                                                         .vote_ms    = 500,
                                                         .grow_ms    = 500,
                                                         .repeat_ms  = 2000},
                                      .rounds         = 2,
                                      .cohort         = MEMBERS,
                                      .quorum         = 2,
                                      .evaluate_every = 1,
                                      .away_ms        = 4000,
                                      .gather_ms      = 20000,
                                      .collect_ms     = 30000,
                                      .evaluate_ms    = 30000,
                                      .status_ms      = 5000,
                                      .retry_ms       = 1000,
                                      .linger_ms      = 10000};
    memset(member, 0, sizeof *member);
    fed_swarm_init(&member->swarm, &limits, member->members, member->voters);
    fed_swarm_start(&member->swarm, 0);
    for (uint32_t i = 1; i < MEMBERS; i++)
        EXPECT_OK(step(member, 1, (struct fed_swarm_event){.kind = FED_S_UP, .member = i}));
    EXPECT_OK(step(member, 1, (struct fed_swarm_event){.kind = FED_S_ABLE}));
    assert_int_equal(seen(member, FED_S_CONTRIBUTE), 1);
}

static enum pn_status
announce(struct member *member, pn_ms now, uint32_t who, enum fed_part_kind part, uint8_t root)
{
    const struct fed_contribution contribution = {.blob = {.size = 8, .root = {.bytes = {root}}}};
    return step(member, now,
                (struct fed_swarm_event){.kind         = FED_S_ANNOUNCED,
                                         .member       = who,
                                         .height       = member->swarm.height,
                                         .part         = part,
                                         .contribution = &contribution});
}

/* A report at height 0, an update later. */
static void
arrive(struct member *member, pn_ms now, uint32_t who)
{
    enum fed_part_kind part = member->swarm.height == 0 ? FED_REPORT_PART : FED_UPDATE_PART;
    EXPECT_OK(announce(member, now, who, part, (uint8_t)(who + 1)));
    assert_int_equal(seen(member, FED_S_PULL), who != 0);
    EXPECT_OK(
        step(member, now,
             (struct fed_swarm_event){
                 .kind = FED_S_HERE, .member = who, .height = member->swarm.height, .part = part}));
}

/* A block that names the reports of `count` members, from the first. */
static void
commit(struct member *member, pn_ms now, enum wire_block_kind kind, uint32_t count)
{
    struct wire_report    reports[MEMBERS] = {{.member = 0}};
    const uint32_t        places[]         = {0, 1, 2, 3};
    struct wire_agreement agreement        = {.view = 1, .reports = reports, .report_count = count};
    struct wire_block     block            = {
                       .kind = kind, .height = member->swarm.height, .agreement = &agreement};
    fed_swarm_take(&member->swarm, &block, places);
    EXPECT_OK(step(member, now, (struct fed_swarm_event){.kind = FED_S_COMMITTED}));
}

static void
it_is_ready_when_all_parts_are_here_and_then_proposes(void **state)
{
    struct member member;
    (void)state;
    begin(&member);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        assert_false(member.swarm.ready);
        arrive(&member, 10 + i, i);
    }
    assert_true(member.swarm.ready);
    assert_true(seen_agree(&member, FED_C_BUILD));
}

static void
whoever_is_lost_or_away_for_long_is_not_waited_for(void **state)
{
    struct member member;
    (void)state;
    begin(&member);
    arrive(&member, 10, 0);
    arrive(&member, 11, 1);
    EXPECT_OK(step(&member, 12,
                   (struct fed_swarm_event){.kind    = FED_S_LOST,
                                            .member  = 2,
                                            .part    = FED_REPORT_PART,
                                            .absence = WIRE_ABSENT_FAULT}));
    assert_false(member.swarm.ready);
    EXPECT_OK(step(&member, 20, (struct fed_swarm_event){.kind = FED_S_DOWN, .member = 3}));
    assert_false(member.swarm.ready);
    assert_true(fed_swarm_deadline(&member.swarm) <= 4020);
    EXPECT_OK(step(&member, 4019, (struct fed_swarm_event){.kind = FED_S_TICK}));
    assert_false(member.swarm.ready);
    EXPECT_OK(step(&member, 4020, (struct fed_swarm_event){.kind = FED_S_TICK}));
    assert_true(member.swarm.ready);
}

static void
a_leader_that_is_away_is_not_given_the_time_for_a_proposal(void **state)
{
    struct member member;
    (void)state;
    begin(&member);
    EXPECT_OK(step(&member, 20, (struct fed_swarm_event){.kind = FED_S_DOWN, .member = 1}));
    commit(&member, 5000, WIRE_BLOCK_GENESIS, 4); /* member 1 leads height 1 */
    arrive(&member, 5000, 0);
    arrive(&member, 5000, 2);
    arrive(&member, 5000, 3);
    assert_true(member.swarm.ready);
    EXPECT_OK(step(&member, 5499, (struct fed_swarm_event){.kind = FED_S_TICK}));
    assert_false(seen_agree(&member, FED_C_VOTE));
    EXPECT_OK(step(&member, 5500, (struct fed_swarm_event){.kind = FED_S_TICK}));
    assert_true(seen_agree(&member, FED_C_VOTE));
}

static void
when_its_time_is_up_a_quorum_is_enough_and_less_is_not(void **state)
{
    struct member member;
    (void)state;
    begin(&member);
    arrive(&member, 10, 0);
    EXPECT_OK(step(&member, 20000, (struct fed_swarm_event){.kind = FED_S_TICK}));
    assert_false(member.swarm.ready);
    arrive(&member, 20001, 1);
    assert_true(member.swarm.ready);
}

/* A leader cannot hurry anybody: what it leaves out is waited for first. */
static void
a_proposal_is_looked_at_once_it_is_ready(void **state)
{
    struct member                    member;
    struct sec_hash                  hash     = {.bytes = {9}};
    const struct fed_consensus_event proposal = {.kind = FED_C_PROPOSAL, .view = 1, .hash = hash};
    (void)state;
    begin(&member);
    EXPECT_OK(
        step(&member, 5, (struct fed_swarm_event){.kind = FED_S_AGREED, .consensus = &proposal}));
    assert_false(seen_agree(&member, FED_C_CHECK));
    assert_int_equal(member.swarm.held_count, 1);
    for (uint32_t i = 0; i < MEMBERS; i++)
        arrive(&member, 10 + i, i);
    assert_true(seen_agree(&member, FED_C_CHECK));
    assert_int_equal(member.swarm.held_count, 0);
}

static void
a_member_that_commits_to_two_things_is_heard_once(void **state)
{
    struct member member;
    (void)state;
    begin(&member);
    EXPECT_OK(announce(&member, 5, 2, FED_REPORT_PART, 3));
    EXPECT_OK(announce(&member, 6, 2, FED_REPORT_PART, 3));
    assert_int_equal(seen(&member, FED_S_PULL), 0);
    EXPECT_STATUS(PN_EPEER_STATE, announce(&member, 7, 2, FED_REPORT_PART, 4));
    assert_int_equal(member.members[2].parts[FED_REPORT_PART].blob.root.bytes[0], 3);
}

static void
whoever_did_not_join_may_report_later_and_is_in_from_the_next_height(void **state)
{
    struct member member;
    (void)state;
    begin(&member);
    commit(&member, 100, WIRE_BLOCK_GENESIS, 2);
    assert_int_equal(member.swarm.height, 1);
    assert_true(fed_swarm_is_drawn(&member.swarm, 0, 1));
    assert_false(fed_swarm_is_drawn(&member.swarm, 3, 1));
    assert_true(fed_swarm_is_drawn(&member.swarm, 3, 2)); /* the last draw is everybody */
    assert_true(fed_swarm_wants(&member.swarm, 3, FED_REPORT_PART)); /* it may */
    EXPECT_OK(announce(&member, 101, 3, FED_REPORT_PART, 5));
    assert_int_equal(seen(&member, FED_S_PULL), 1);
}

/* ---- draws ---- */

enum {
    COLLECT_MS = 30000
};

static uint32_t
in_cohort(const struct member *member, uint32_t draw)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < MEMBERS; i++)
        count += fed_swarm_is_drawn(&member->swarm, i, draw);
    return count;
}

static uint32_t
of_draw(const struct member *member, uint32_t draw)
{
    for (uint32_t i = 0; i < MEMBERS; i++)
        if (member->members[i].drawn == draw)
            return i;
    fail_msg("nobody was drawn by draw %u", draw);
    return 0;
}

/* Height 1 with three who have joined, of whom one is drawn; its quorum is `quorum`. */
static void
begin_drawn(struct member *member, uint32_t quorum)
{
    begin(member);
    member->swarm.limits.cohort = 1;
    member->swarm.limits.quorum = quorum;
    commit(member, 100, WIRE_BLOCK_GENESIS, 3);
    assert_int_equal(member->swarm.draws, 4);
    for (uint32_t draw = 1; draw <= 4; draw++)
        assert_int_equal(in_cohort(member, draw), draw); /* 1, twice that, who has joined, all */
    assert_int_equal(in_cohort(member, 0), 0);
    assert_int_equal(in_cohort(member, 5), 0);
    assert_int_equal(member->members[3].drawn, 4);
}

static pn_ms
tick(struct member *member, pn_ms now)
{
    EXPECT_OK(step(member, now, (struct fed_swarm_event){.kind = FED_S_TICK}));
    return now;
}

static void
each_time_that_is_up_without_a_quorum_makes_the_cohort_larger(void **state)
{
    struct member member;
    (void)state;
    begin_drawn(&member, 1);
    for (uint32_t draw = 1; draw < 4; draw++) {
        uint32_t now = 100 + draw * COLLECT_MS;
        tick(&member, now - 1);
        assert_int_equal(member.swarm.draw, draw);
        assert_true(fed_swarm_deadline(&member.swarm) <= now);
        assert_false(fed_swarm_is_short(&member.swarm));
        tick(&member, now);
        assert_int_equal(member.swarm.draw, draw + 1);
        assert_int_equal(seen(&member, FED_S_CONTRIBUTE), member.members[0].drawn == draw + 1);
    }
    assert_false(member.swarm.ready);
    assert_false(fed_swarm_is_short(&member.swarm));
    pn_ms now = tick(&member, 100 + 4 * COLLECT_MS);
    assert_int_equal(member.swarm.draw, 4); /* there are no more */
    assert_true(fed_swarm_is_short(&member.swarm));
    assert_true(fed_swarm_deadline(&member.swarm) > now);
    arrive(&member, now + 1, of_draw(&member, 1)); /* late, and enough */
    assert_true(member.swarm.ready);
    assert_false(fed_swarm_is_short(&member.swarm));
}

static void
nobody_waits_for_a_draw_that_cannot_give_a_quorum(void **state)
{
    struct member member;
    (void)state;
    begin_drawn(&member, 1);
    uint32_t first = of_draw(&member, 1), second = of_draw(&member, 2);
    EXPECT_OK(step(&member, 200,
                   (struct fed_swarm_event){.kind    = FED_S_LOST,
                                            .member  = first,
                                            .height  = 1,
                                            .part    = FED_UPDATE_PART,
                                            .absence = WIRE_ABSENT_FAULT}));
    assert_int_equal(member.swarm.draw, 2);
    arrive(&member, 201, second);
    assert_true(member.swarm.ready);
}

/* Some saw all updates of a draw that others gave up: these must not keep those waiting. */
static void
a_proposal_is_looked_at_once_the_first_draw_is_given_up(void **state)
{
    struct member                    member;
    struct sec_hash                  hash     = {.bytes = {9}};
    const struct fed_consensus_event proposal = {.kind = FED_C_PROPOSAL, .view = 1, .hash = hash};
    (void)state;
    begin_drawn(&member, 2);
    EXPECT_OK(
        step(&member, 150, (struct fed_swarm_event){.kind = FED_S_AGREED, .consensus = &proposal}));
    assert_int_equal(member.swarm.held_count, 1);
    assert_false(seen_agree(&member, FED_C_CHECK));
    EXPECT_OK(step(&member, 200,
                   (struct fed_swarm_event){.kind    = FED_S_LOST,
                                            .member  = of_draw(&member, 1),
                                            .height  = 1,
                                            .part    = FED_UPDATE_PART,
                                            .absence = WIRE_ABSENT_FAULT}));
    assert_int_equal(member.swarm.draw, 2);
    assert_false(member.swarm.ready);
    assert_int_equal(member.swarm.held_count, 0);
    assert_true(seen_agree(&member, FED_C_CHECK));
}

/* Its clock is ahead of ours, or it lies: nothing is lost, and nothing counts before its time. */
static void
an_update_of_a_later_draw_is_kept_until_then(void **state)
{
    struct member member;
    (void)state;
    begin_drawn(&member, 1);
    uint32_t second = of_draw(&member, 2);
    arrive(&member, 200, second);
    assert_int_equal(fed_swarm_count(&member.swarm, FED_UPDATE_PART), 0);
    assert_false(member.swarm.ready);
    tick(&member, 100 + COLLECT_MS);
    assert_int_equal(member.swarm.draw, 2);
    assert_int_equal(fed_swarm_count(&member.swarm, FED_UPDATE_PART), 1);
    assert_true(member.swarm.ready); /* the first one had its time */
}

/* What one member got, others may not have got: they need more, and blocks of more. */
static void
whoever_is_ready_draws_more_when_no_block_comes_for_as_long_again(void **state)
{
    struct member member;
    (void)state;
    begin_drawn(&member, 1);
    arrive(&member, 200, of_draw(&member, 1));
    assert_true(member.swarm.ready);
    tick(&member, 200 + COLLECT_MS - 1);
    assert_int_equal(member.swarm.draw, 1);
    assert_true(fed_swarm_deadline(&member.swarm) <= 200 + COLLECT_MS);
    tick(&member, 200 + COLLECT_MS);
    assert_int_equal(member.swarm.draw, 2);
}

static void
no_update_belongs_to_the_first_and_the_last_height(void **state)
{
    struct member member;
    (void)state;
    begin(&member);
    assert_int_equal(member.swarm.draws, 0);
    tick(&member, 1000000);
    assert_true(fed_swarm_is_short(&member.swarm)); /* of reports */
    commit(&member, 1000001, WIRE_BLOCK_GENESIS, 4);
    assert_int_equal(member.swarm.draws, 1);
    member.swarm.limits.rounds = 0;
    commit(&member, 1000002, WIRE_BLOCK_ROUND, 4);
    assert_int_equal(member.swarm.draws, 0);
    assert_false(fed_swarm_wants(&member.swarm, 0, FED_UPDATE_PART));
}

static void
whoever_is_behind_asks_those_who_hold_more_one_after_the_other(void **state)
{
    struct member member;
    (void)state;
    begin(&member);
    EXPECT_OK(
        step(&member, 10, (struct fed_swarm_event){.kind = FED_S_SEEN, .member = 2, .height = 3}));
    assert_int_equal(seen(&member, FED_S_ASK), 1);
    assert_int_equal(member.swarm.asked, 2);
    EXPECT_OK(
        step(&member, 11, (struct fed_swarm_event){.kind = FED_S_SEEN, .member = 3, .height = 9}));
    assert_int_equal(seen(&member, FED_S_ASK), 0); /* one at a time */
    EXPECT_OK(step(&member, 1010, (struct fed_swarm_event){.kind = FED_S_TICK}));
    assert_int_equal(seen(&member, FED_S_ASK), 1);
    assert_int_equal(member.swarm.asked, 3);
    commit(&member, 1011, WIRE_BLOCK_GENESIS, 4); /* and goes on at once */
    assert_int_equal(seen(&member, FED_S_ASK), 1);
}

/* What it has to do and to say for a height that is decided is for nothing; one that says that it
 * is ahead may lie. */
static void
whoever_is_behind_neither_contributes_nor_says_how_far_it_is(void **state)
{
    struct member member;
    (void)state;
    begin(&member);
    for (uint32_t i = 1; i < MEMBERS - 1; i++) {
        assert_false(fed_swarm_is_behind(&member.swarm));
        EXPECT_OK(step(&member, 10,
                       (struct fed_swarm_event){.kind = FED_S_SEEN, .member = i, .height = 2}));
    }
    assert_true(fed_swarm_is_behind(&member.swarm));
    commit(&member, 11, WIRE_BLOCK_GENESIS, 4);
    assert_true(fed_swarm_is_behind(&member.swarm));
    assert_int_equal(seen(&member, FED_S_ASK), 1);
    assert_int_equal(seen(&member, FED_S_CONTRIBUTE) + seen(&member, FED_S_STATUS), 0);
    commit(&member, 12, WIRE_BLOCK_ROUND, 4);
    assert_false(fed_swarm_is_behind(&member.swarm));
    assert_int_equal(seen(&member, FED_S_CONTRIBUTE), 1);
    assert_int_equal(seen(&member, FED_S_STATUS), 1);

    begin(&member);
    EXPECT_OK(
        step(&member, 10, (struct fed_swarm_event){.kind = FED_S_SEEN, .member = 1, .height = 9}));
    commit(&member, 11, WIRE_BLOCK_GENESIS, 4);
    assert_int_equal(seen(&member, FED_S_CONTRIBUTE), 1);
    assert_int_equal(seen(&member, FED_S_STATUS), 1);
    /* Two of them, of whom one goes away. */
    begin(&member);
    for (uint32_t i = 1; i < MEMBERS - 1; i++)
        EXPECT_OK(step(&member, 10,
                       (struct fed_swarm_event){.kind = FED_S_SEEN, .member = i, .height = 9}));
    commit(&member, 11, WIRE_BLOCK_GENESIS, 4);
    assert_int_equal(seen(&member, FED_S_CONTRIBUTE), 0);
    EXPECT_OK(step(&member, 12, (struct fed_swarm_event){.kind = FED_S_DOWN, .member = 2}));
    assert_int_equal(seen(&member, FED_S_CONTRIBUTE), 1);
}

static void
others_hear_soon_whom_we_reach_and_of_many_changes_at_once(void **state)
{
    struct member member;
    (void)state;
    begin(&member);
    EXPECT_OK(step(&member, 1000, (struct fed_swarm_event){.kind = FED_S_REACH}));
    EXPECT_OK(step(&member, 1090, (struct fed_swarm_event){.kind = FED_S_REACH}));
    assert_int_equal(fed_swarm_deadline(&member.swarm), 1100);
    EXPECT_OK(step(&member, 1100, (struct fed_swarm_event){.kind = FED_S_TICK}));
    assert_int_equal(seen(&member, FED_S_STATUS), 1);
    assert_int_equal(fed_swarm_deadline(&member.swarm), 6100);
}

static void
it_ends_when_all_hold_the_last_block_or_after_a_while(void **state)
{
    struct member member;
    (void)state;
    begin(&member);
    commit(&member, 100, WIRE_BLOCK_FINISH, 4);
    assert_true(member.swarm.finished);
    assert_int_equal(seen(&member, FED_S_END), 0);
    for (uint32_t i = 1; i < MEMBERS - 1; i++)
        EXPECT_OK(step(&member, 101,
                       (struct fed_swarm_event){.kind = FED_S_SEEN, .member = i, .height = 1}));
    assert_int_equal(seen(&member, FED_S_END), 0);
    EXPECT_OK(step(&member, 10100, (struct fed_swarm_event){.kind = FED_S_TICK}));
    assert_int_equal(seen(&member, FED_S_END), 1);

    begin(&member);
    commit(&member, 100, WIRE_BLOCK_FINISH, 4);
    for (uint32_t i = 1; i < MEMBERS; i++)
        EXPECT_OK(step(&member, 101,
                       (struct fed_swarm_event){.kind = FED_S_SEEN, .member = i, .height = 1}));
    assert_int_equal(seen(&member, FED_S_END), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_ready_when_all_parts_are_here_and_then_proposes),
        cmocka_unit_test(whoever_is_lost_or_away_for_long_is_not_waited_for),
        cmocka_unit_test(a_leader_that_is_away_is_not_given_the_time_for_a_proposal),
        cmocka_unit_test(when_its_time_is_up_a_quorum_is_enough_and_less_is_not),
        cmocka_unit_test(a_proposal_is_looked_at_once_it_is_ready),
        cmocka_unit_test(a_member_that_commits_to_two_things_is_heard_once),
        cmocka_unit_test(whoever_did_not_join_may_report_later_and_is_in_from_the_next_height),
        cmocka_unit_test(each_time_that_is_up_without_a_quorum_makes_the_cohort_larger),
        cmocka_unit_test(nobody_waits_for_a_draw_that_cannot_give_a_quorum),
        cmocka_unit_test(a_proposal_is_looked_at_once_the_first_draw_is_given_up),
        cmocka_unit_test(an_update_of_a_later_draw_is_kept_until_then),
        cmocka_unit_test(whoever_is_ready_draws_more_when_no_block_comes_for_as_long_again),
        cmocka_unit_test(no_update_belongs_to_the_first_and_the_last_height),
        cmocka_unit_test(whoever_is_behind_asks_those_who_hold_more_one_after_the_other),
        cmocka_unit_test(whoever_is_behind_neither_contributes_nor_says_how_far_it_is),
        cmocka_unit_test(others_hear_soon_whom_we_reach_and_of_many_changes_at_once),
        cmocka_unit_test(it_ends_when_all_hold_the_last_block_or_after_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
