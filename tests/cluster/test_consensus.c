#include "tests/support/consensus_script.h"

#define TICK of(FED_C_TICK)

static void
begin(struct consensus_script *s, uint32_t members, uint32_t self)
{
    struct fed_consensus_limits limits = limits_of(members, self);
    script_init(s, &limits);
}

static void
quorums_are_those_of_the_table(void **state)
{
    (void)state;
    static const uint32_t table[][4] = {/* members, bft, its liars, majority */
                                        {1, 1, 0, 1},  {3, 3, 0, 2},     {4, 3, 1, 3},
                                        {5, 4, 1, 3},  {6, 5, 1, 4},     {7, 5, 2, 4},
                                        {10, 7, 3, 6}, {100, 67, 33, 51}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint32_t liars;
        assert_int_equal(fed_quorum_bft(table[i][0], &liars), table[i][1]);
        assert_int_equal(liars, table[i][2]);
        assert_int_equal(fed_quorum_majority(table[i][0], &liars), table[i][3]);
        assert_int_equal(liars, 0);
    }
}

static void
a_calm_height_is_decided_in_one_view(void **state)
{
    (void)state;
    struct consensus_script s;
    begin(&s, 4, 0);
    play(&s, 0, of(FED_C_READY));
    play(&s, 20, about(FED_C_BUILT, 'a'));
    play(&s, 30, vote(1, FED_PREVOTE, 1, 'a'));
    play(&s, 40, vote(2, FED_PREVOTE, 1, 'a'));
    play(&s, 50, vote(3, FED_PREVOTE, 1, 'a'));
    play(&s, 60, vote(1, FED_PRECOMMIT, 1, 'a'));
    play(&s, 70, vote(3, FED_PRECOMMIT, 1, 'a'));
    play(&s, 80, vote(2, FED_PRECOMMIT, 1, 'a'));
    EXPECT_TRACE(&s.trace, "[   0] build\n"
                           "[  20] propose a@1 prevote a@1\n"
                           "[  30]\n"
                           "[  40] precommit a@1\n"
                           "[  50]\n"
                           "[  60]\n"
                           "[  70] decide a@1\n"
                           "[  80] (peer answered another round)\n");
    struct fed_signed_vote votes[4];
    struct sec_hash        a = block('a');
    assert_int_equal(fed_consensus_votes(votes, &s.machine, 1, FED_PRECOMMIT, &a), 3);
    assert_int_equal(votes[0].member, 0);
    assert_int_equal(votes[2].member, 3);
    assert_true(fed_consensus_deadline(&s.machine) == UINT64_MAX);
}

static void
a_member_that_trains_votes_but_does_not_change_views(void **state)
{
    (void)state;
    struct consensus_script s;
    begin(&s, 4, 1);
    play(&s, 0, TICK);
    play(&s, 90000, TICK);
    assert_true(fed_consensus_deadline(&s.machine) == UINT64_MAX);
    play(&s, 90010, proposal(1, 'a'));
    play(&s, 90020, about(FED_C_CHECKED, 'a'));
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[90000]\n"
                           "[90010] check a\n"
                           "[90020] prevote a@1\n");
    begin(&s, 4, 1); /* f + 1 others, one of them honest, wait no longer */
    play(&s, 10, vote(2, FED_PREVOTE, 1, '-'));
    assert_true(fed_consensus_deadline(&s.machine) == UINT64_MAX);
    play(&s, 20, vote(3, FED_PREVOTE, 1, '-'));
    play(&s, 319, TICK);
    play(&s, 320, TICK);
    EXPECT_TRACE(&s.trace, "[  10]\n"
                           "[  20]\n"
                           "[ 319]\n"
                           "[ 320] prevote -@1 precommit -@1\n");
}

static void
a_dead_leader_costs_one_view(void **state)
{
    (void)state;
    struct consensus_script s;
    begin(&s, 4, 1);
    play(&s, 0, of(FED_C_READY));
    play(&s, 299, TICK);
    play(&s, 300, TICK);
    play(&s, 310, vote(2, FED_PREVOTE, 1, '-'));
    play(&s, 320, vote(3, FED_PREVOTE, 1, '-'));
    play(&s, 330, vote(2, FED_PRECOMMIT, 1, '-'));
    play(&s, 340, vote(3, FED_PRECOMMIT, 1, '-'));
    play(&s, 490, TICK); /* view 2 is ours */
    play(&s, 500, about(FED_C_BUILT, 'b'));
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[ 299]\n"
                           "[ 300] prevote -@1\n"
                           "[ 310]\n"
                           "[ 320] precommit -@1\n"
                           "[ 330]\n"
                           "[ 340]\n"
                           "[ 490] build\n"
                           "[ 500] propose b@2 prevote b@2\n");
    assert_int_equal(s.machine.view, 2);
}

/* The votes of all who can be heard are for none: nobody waits for more. */
static void
a_view_that_can_decide_nothing_ends_at_once(void **state)
{
    (void)state;
    struct consensus_script s;
    for (int last = 0; last < 2; last++) {
        begin(&s, 4, 1);
        fed_consensus_away(&s.machine, 0, true);
        play(&s, 0, of(FED_C_READY));
        play(&s, 150, TICK);
        play(&s, 310, vote(2, FED_PREVOTE, 1, '-'));
        play(&s, 320, vote(3, FED_PREVOTE, 1, '-'));
        play(&s, 330, vote(2, FED_PRECOMMIT, 1, '-'));
        assert_int_equal(s.machine.view, 1);
        play(&s, 340, vote(3, FED_PRECOMMIT, 1, last == 0 ? '-' : 'a'));
        assert_int_equal(s.machine.view, last == 0 ? 2 : 1);
    }
    begin(&s, 4, 1); /* fewer than a quorum are not enough, whoever is away */
    fed_consensus_away(&s.machine, 0, true);
    fed_consensus_away(&s.machine, 3, true);
    play(&s, 0, of(FED_C_READY));
    play(&s, 150, TICK);
    play(&s, 310, vote(2, FED_PREVOTE, 1, '-'));
    play(&s, 320, vote(3, FED_PREVOTE, 1, '-'));
    play(&s, 330, vote(2, FED_PRECOMMIT, 1, '-'));
    assert_int_equal(s.machine.next, FED_BOTH_SAID);
    assert_int_equal(s.machine.view, 1);
}

static void
a_leader_that_is_away_is_waited_for_as_long_as_for_a_vote(void **state)
{
    (void)state;
    struct consensus_script s;
    begin(&s, 4, 1);
    fed_consensus_away(&s.machine, 0, true);
    play(&s, 90000, TICK); /* not ready: the height waits */
    assert_true(fed_consensus_deadline(&s.machine) == UINT64_MAX);
    play(&s, 90010, of(FED_C_READY));
    play(&s, 90100, TICK); /* it is not given more because something happens */
    play(&s, 90159, TICK);
    play(&s, 90160, TICK);
    EXPECT_TRACE(&s.trace, "[90000]\n"
                           "[90010]\n"
                           "[90100]\n"
                           "[90159]\n"
                           "[90160] prevote -@1\n");
    begin(&s, 4, 1); /* lost on the way, but it proposed: its block has the time of a proposal */
    play(&s, 0, of(FED_C_READY));
    play(&s, 100, proposal(1, 'a'));
    fed_consensus_away(&s.machine, 0, true);
    play(&s, 299, TICK);
    play(&s, 300, TICK);
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[ 100] check a\n"
                           "[ 299]\n"
                           "[ 300] prevote -@1\n");
    begin(&s, 4, 1); /* back in time */
    fed_consensus_away(&s.machine, 0, true);
    fed_consensus_away(&s.machine, 0, false);
    play(&s, 0, of(FED_C_READY));
    play(&s, 299, TICK);
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[ 299]\n");
}

static void
a_bad_block_and_one_that_cannot_be_checked_in_time_get_no_vote(void **state)
{
    (void)state;
    struct consensus_script s;
    begin(&s, 4, 1);
    play(&s, 0, proposal(1, 'x'));
    play(&s, 10, bad('x'));
    EXPECT_TRACE(&s.trace, "[   0] check x\n"
                           "[  10] prevote -@1\n");
    begin(&s, 4, 1);
    play(&s, 0, of(FED_C_READY));
    play(&s, 0, proposal(1, 'x'));
    play(&s, 300, TICK);
    play(&s, 310, about(FED_C_CHECKED, 'x')); /* too late for a prevote, not for the lock */
    play(&s, 320, vote(0, FED_PREVOTE, 1, 'x'));
    play(&s, 320, vote(2, FED_PREVOTE, 1, 'x'));
    play(&s, 320, vote(3, FED_PREVOTE, 1, 'x'));
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[   0] check x\n"
                           "[ 300] prevote -@1\n"
                           "[ 310]\n"
                           "[ 320]\n"
                           "[ 320]\n"
                           "[ 320] precommit x@1\n");
}

/* Member 3 of 4, locked on a in view 1, at the beginning of view 2 and later of view 3. */
static void
lock(struct consensus_script *s)
{
    begin(s, 4, 3);
    play(s, 0, of(FED_C_READY));
    play(s, 0, proposal(1, 'a'));
    play(s, 10, about(FED_C_CHECKED, 'a'));
    play(s, 20, vote(0, FED_PREVOTE, 1, 'a'));
    play(s, 20, vote(1, FED_PREVOTE, 1, 'a'));
    play(s, 30, vote(0, FED_PRECOMMIT, 1, '-'));
    play(s, 30, vote(1, FED_PRECOMMIT, 1, '-'));
    play(s, 180, TICK);
    assert_int_equal(s->machine.view, 2);
    assert_int_equal(s->machine.locked_view, 1);
}

static void
a_locked_member_shows_the_next_leader_why(void **state)
{
    (void)state;
    struct consensus_script s;
    lock(&s);
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[   0] check a\n"
                           "[  10] prevote a@1\n"
                           "[  20]\n"
                           "[  20] precommit a@1\n"
                           "[  30]\n"
                           "[  30] show 1 a@1\n"
                           "[ 180]\n");
    struct fed_signed_vote proof[4];
    assert_int_equal(fed_consensus_proof(proof, &s.machine, 1, &s.machine.valid), 3);
    assert_int_equal(proof[2].member, 3);
}

static void
a_lock_yields_to_a_quorum_since_and_to_nothing_else(void **state)
{
    (void)state;
    struct consensus_script s;
    lock(&s);
    trace_clear(&s.trace);
    play(&s, 200, proposal(2, 'b'));
    play(&s, 210, about(FED_C_CHECKED, 'b'));
    EXPECT_TRACE(&s.trace, "[ 200] check b\n"
                           "[ 210] prevote -@2 (lock a@1)\n");
    lock(&s);
    trace_clear(&s.trace);
    play(&s, 200, vote(0, FED_PREVOTE, 3, '-')); /* to view 3 with two of them */
    play(&s, 200, vote(1, FED_PREVOTE, 3, '-'));
    play(&s, 210, proven(proposal(3, 'b'), 'b', 2, 2)); /* no quorum */
    play(&s, 220, proven(proposal(3, 'b'), 'b', 2, 3));
    play(&s, 230, about(FED_C_CHECKED, 'b'));
    EXPECT_TRACE(&s.trace, "[ 200]\n"
                           "[ 200]\n"
                           "[ 210] (peer sent unacceptable numbers)\n"
                           "[ 220] check b\n"
                           "[ 230] prevote b@3 (lock a@1)\n");
    assert_int_equal(s.machine.locked_view, 1); /* until it precommits */
    assert_int_equal(s.machine.valid_view, 2);
    lock(&s); /* what it is locked on needs no proof */
    trace_clear(&s.trace);
    play(&s, 200, proposal(2, 'a'));
    EXPECT_TRACE(&s.trace, "[ 200] prevote a@2 (lock a@1)\n");
}

/* Lock in view 2 while a quorum of view 1 for another block exists. */
static void
a_quorum_before_the_lock_does_not_unlock(void **state)
{
    (void)state;
    struct consensus_script s;
    begin(&s, 4, 3);
    play(&s, 0, vote(0, FED_PREVOTE, 2, 'b'));
    play(&s, 0, vote(1, FED_PREVOTE, 2, 'b'));
    play(&s, 0, vote(2, FED_PREVOTE, 2, 'b'));
    play(&s, 10, about(FED_C_CHECKED, 'b'));
    assert_int_equal(s.machine.locked_view, 2);
    play(&s, 20, vote(0, FED_PREVOTE, 3, '-'));
    play(&s, 20, vote(1, FED_PREVOTE, 3, '-'));
    play(&s, 30, proven(proposal(3, 'a'), 'a', 1, 3));
    play(&s, 40, about(FED_C_CHECKED, 'a'));
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[   0]\n"
                           "[   0] check b\n"
                           "[  10] prevote b@2 precommit b@2\n"
                           "[  20]\n"
                           "[  20]\n"
                           "[  30] check a\n"
                           "[  40] prevote -@3 (lock b@2) precommit -@3\n");
}

static void
against_its_lock_a_quorum_of_this_view_moves_only_the_precommit(void **state)
{
    (void)state;
    struct consensus_script s;
    lock(&s);
    trace_clear(&s.trace);
    play(&s, 200, vote(0, FED_PREVOTE, 2, 'b'));
    play(&s, 200, vote(1, FED_PREVOTE, 2, 'b'));
    play(&s, 200, vote(2, FED_PREVOTE, 2, 'b'));
    play(&s, 210, about(FED_C_CHECKED, 'b'));
    EXPECT_TRACE(&s.trace, "[ 200]\n"
                           "[ 200]\n"
                           "[ 200] check b\n"
                           "[ 210] prevote -@2 (lock a@1) precommit b@2\n");
    assert_int_equal(s.machine.locked_view, 2);
}

static void
a_leader_proposes_what_it_was_shown(void **state)
{
    (void)state;
    struct consensus_script s;
    begin(&s, 4, 1);
    play(&s, 0, of(FED_C_READY));
    play(&s, 10, proven(of(FED_C_SHOWN), 'a', 1, 2));
    play(&s, 20, proven(of(FED_C_SHOWN), 'a', 1, 3));
    play(&s, 30, vote(2, FED_PREVOTE, 2, '-'));
    play(&s, 30, vote(3, FED_PREVOTE, 2, '-'));
    play(&s, 40, about(FED_C_CHECKED, 'a'));
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[  10] (peer sent unacceptable numbers)\n"
                           "[  20] check a\n" /* its votes are votes */
                           "[  30]\n"
                           "[  30]\n"
                           "[  40] propose a@2 (valid @1) prevote a@2\n");
}

static void
a_late_joiner_decides_by_the_votes_of_an_earlier_view(void **state)
{
    (void)state;
    struct consensus_script s;
    begin(&s, 4, 3);
    play(&s, 0, vote(0, FED_PREVOTE, 4, '-'));
    play(&s, 0, vote(1, FED_PREVOTE, 4, '-'));
    for (uint32_t i = 0; i < 3; i++)
        play(&s, 10, vote(i, FED_PRECOMMIT, 2, 'a'));
    play(&s, 20, vote(2, FED_PRECOMMIT, 4, '-'));
    play(&s, 30, about(FED_C_CHECKED, 'a'));
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[   0]\n"
                           "[  10]\n"
                           "[  10]\n"
                           "[  10] check a\n"
                           "[  20]\n"
                           "[  30] decide a@2\n");
    play(&s, 40, TICK); /* nothing more */
    EXPECT_TRACE(&s.trace, "[  40] (peer answered another round)\n");
}

static void
f_members_cannot_take_it_along_and_f_plus_1_can(void **state)
{
    (void)state;
    struct consensus_script s;
    begin(&s, 7, 6);
    play(&s, 0, vote(0, FED_PREVOTE, FED_VIEW_MAX, '-'));
    play(&s, 0, vote(1, FED_PREVOTE, 9, '-'));
    assert_int_equal(s.machine.view, 1);
    play(&s, 0, vote(2, FED_PRECOMMIT, 5, '-'));
    assert_int_equal(s.machine.view, 5); /* the newest that three of them have reached */
    assert_true(fed_consensus_deadline(&s.machine) == 300 + 4 * 100);
}

/* Member 0 is in view 2 and past its prevote, member 3 in view 3: what they said before was lost
 * and is not repeated, and member 1 is dead. Member 2 must not wait for a quorum of prevotes. */
static void
who_went_on_is_not_waited_for(void **state)
{
    (void)state;
    struct consensus_script s;
    begin(&s, 4, 2);
    play(&s, 0, of(FED_C_READY));
    play(&s, 0, vote(0, FED_PRECOMMIT, 2, '-'));
    play(&s, 0, vote(3, FED_PREVOTE, 3, '-'));
    assert_int_equal(s.machine.view, 2);
    play(&s, 400, TICK);
    play(&s, 650, TICK);
    play(&s, 900, TICK);
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[   0]\n"
                           "[   0]\n"
                           "[ 400] prevote -@2\n"
                           "[ 650] precommit -@2\n"
                           "[ 900] build\n");
    assert_int_equal(s.machine.view, 3);
}

static void
two_votes_that_contradict_each_other_convict(void **state)
{
    (void)state;
    struct consensus_script s;
    begin(&s, 4, 1);
    play(&s, 0, vote(3, FED_PREVOTE, 1, 'a'));
    play(&s, 10, vote(3, FED_PREVOTE, 1, 'a'));
    play(&s, 20, vote(3, FED_PREVOTE, 1, '-'));
    play(&s, 30, vote(3, FED_PRECOMMIT, 1, 'b')); /* another step is another matter */
    play(&s, 40, vote(3, FED_PREVOTE, 2, 'b'));   /* and another view */
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[  10]\n"
                           "[  20] convict 3 (peer sent unacceptable numbers)\n"
                           "[  30]\n"
                           "[  40]\n");
    struct sec_hash a = block('a');
    assert_int_equal(
        fed_consensus_votes((struct fed_signed_vote[4]){{0}}, &s.machine, 1, FED_PREVOTE, &a),
        1); /* the first one counts */
}

static void
a_majority_of_three_goes_on_without_one(void **state)
{
    (void)state;
    struct consensus_script     s;
    struct fed_consensus_limits limits = limits_of(3, 1);
    limits.quorum                      = fed_quorum_majority(3, &limits.liars);
    script_init(&s, &limits);
    play(&s, 0, of(FED_C_READY));
    play(&s, 300, TICK);
    play(&s, 310, vote(2, FED_PREVOTE, 1, '-'));
    play(&s, 320, vote(2, FED_PRECOMMIT, 1, '-'));
    play(&s, 470, TICK);
    play(&s, 480, about(FED_C_BUILT, 'a'));
    play(&s, 490, vote(2, FED_PREVOTE, 2, 'a'));
    play(&s, 500, vote(2, FED_PRECOMMIT, 2, 'a'));
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[ 300] prevote -@1\n"
                           "[ 310] precommit -@1\n"
                           "[ 320]\n"
                           "[ 470] build\n"
                           "[ 480] propose a@2 prevote a@2\n"
                           "[ 490] precommit a@2\n"
                           "[ 500] decide a@2\n");
}

static void
what_is_said_is_said_again(void **state)
{
    (void)state;
    struct consensus_script     s;
    struct fed_consensus_limits limits = limits_of(4, 0);
    limits.repeat_ms                   = 100;
    script_init(&s, &limits);
    play(&s, 0, of(FED_C_READY));
    play(&s, 20, about(FED_C_BUILT, 'a'));
    assert_true(fed_consensus_deadline(&s.machine) == 120);
    play(&s, 120, TICK);
    play(&s, 130, vote(1, FED_PREVOTE, 2, '-'));
    play(&s, 130, vote(2, FED_PRECOMMIT, 2, '-'));
    play(&s, 220, TICK);
    EXPECT_TRACE(&s.trace, "[   0] build\n"
                           "[  20] propose a@1 prevote a@1\n"
                           "[ 120] propose a@1 prevote a@1\n"
                           "[ 130]\n"
                           "[ 130]\n"
                           "[ 220]\n");
}

static void
what_is_out_of_bounds_is_refused(void **state)
{
    (void)state;
    struct consensus_script    s;
    struct fed_consensus_event event;
    begin(&s, 4, 1);
    play(&s, 0, vote(4, FED_PREVOTE, 1, 'a')); /* nobody */
    play(&s, 1, vote(0, FED_PREVOTE, FED_NO_VIEW, 'a'));
    play(&s, 2, vote(0, FED_PREVOTE, FED_VIEW_MAX + 1u, 'a'));
    play(&s, 3, vote(0, (enum fed_step)0, 1, 'a'));
    play(&s, 4, vote(0, FED_BOTH_SAID, 1, 'a'));
    event                  = vote(0, FED_PREVOTE, 1, 'a');
    event.vote.vote.height = 1;
    play(&s, 5, event);
    play(&s, 6, proposal(FED_NO_VIEW, 'a'));
    play(&s, 7, proposal(5, 'a')); /* too far ahead */
    play(&s, 8, proposal(1, '-'));
    play(&s, 9, proven(proposal(1, 'a'), 'a', 1, 3)); /* a quorum of this view is none before it */
    play(&s, 10, proposal(1, 'a'));
    play(&s, 11, proposal(1, 'b')); /* the first one counts */
    play(&s, 12, vote(0, FED_PREVOTE, 6, '-'));
    play(&s, 13, vote(0, FED_PREVOTE, 2, '-')); /* its place is taken by that of view 6 */
    play(&s, 14, proven(of(FED_C_SHOWN), 'a', 1, 0));
    event = proven(of(FED_C_SHOWN), 'a', 1, 3);
    ((struct fed_signed_vote *)(uintptr_t)event.votes)[1].member = 0; /* one twice */
    play(&s, 15, event);
    event = proven(of(FED_C_SHOWN), 'a', 1, 3);
    ((struct fed_signed_vote *)(uintptr_t)event.votes)[1].vote.step = FED_PRECOMMIT;
    play(&s, 16, event);
    EXPECT_TRACE(&s.trace, "[   0] (peer sent unacceptable numbers)\n"
                           "[   1] (peer sent unacceptable numbers)\n"
                           "[   2] (peer sent unacceptable numbers)\n"
                           "[   3] (peer sent unacceptable numbers)\n"
                           "[   4] (peer sent unacceptable numbers)\n"
                           "[   5] (peer sent unacceptable numbers)\n"
                           "[   6] (peer answered another round)\n"
                           "[   7] (peer answered another round)\n"
                           "[   8] (peer sent unacceptable numbers)\n"
                           "[   9] (peer sent unacceptable numbers)\n"
                           "[  10] check a\n"
                           "[  11] (peer sent this at the wrong moment)\n"
                           "[  12]\n"
                           "[  13] (peer answered another round)\n"
                           "[  14] (peer sent unacceptable numbers)\n"
                           "[  15] (peer sent unacceptable numbers)\n"
                           "[  16] (peer sent unacceptable numbers)\n");
}

static void
more_blocks_than_there_is_room_for_push_out_no_proposal(void **state)
{
    (void)state;
    struct consensus_script s;
    lock(&s); /* on a */
    play(&s, 190, about(FED_C_BUILT, 'o'));
    for (uint32_t view = 2; view <= 5; view++)
        play(&s, 190, proposal(view, (char)('b' + view)));
    play(&s, 190, proven(of(FED_C_SHOWN), 'd', 2, 3));
    for (uint32_t i = 0; i < 3; i++)
        play(&s, 200, vote(i, FED_PREVOTE, 3, 'y'));
    play(&s, 200, proposal(6, 'h'));
    trace_clear(&s.trace);
    for (uint32_t i = 0; i < 3; i++) /* one place for y and z, whose votes alone speak of them */
        play(&s, 210, vote(i, FED_PRECOMMIT, 3, 'z'));
    play(&s, 220, about(FED_C_CHECKED, 'e'));
    play(&s, 230, about(FED_C_CHECKED, 'z'));
    EXPECT_TRACE(&s.trace, "[ 210]\n"
                           "[ 210]\n"
                           "[ 210] check z\n"
                           "[ 220] prevote -@3 (lock a@1)\n"
                           "[ 230] decide z@3\n");
}

/* ---- across a restart ---- */

static void
restart(struct consensus_script *s)
{
    uint8_t                saved[FED_CONSENSUS_SAVED];
    struct fed_signed_vote proof[SCRIPT_MEMBERS];
    struct sec_hash        valid = s->machine.valid;
    uint32_t               view  = s->machine.valid_view;
    uint32_t               count = fed_consensus_proof(proof, &s->machine, view, &valid);
    fed_consensus_save(saved, &s->machine);
    fed_consensus_init(&s->machine, &s->limits, s->voters, 0);
    EXPECT_OK(fed_consensus_restore(&s->machine, saved));
    trace_clear(&s->trace);
    if (view != FED_NO_VIEW)
        play(s, 1000,
             (struct fed_consensus_event){.kind       = FED_C_SHOWN,
                                          .hash       = valid,
                                          .valid_view = view,
                                          .votes      = proof,
                                          .vote_count = count});
    assert_true(fed_consensus_deadline(&s->machine) == 0); /* what was said is said at once */
    play(s, 1000, TICK);
}

static void
a_restart_in_each_step_votes_the_same(void **state)
{
    (void)state;
    struct consensus_script s;
    begin(&s, 4, 3);
    play(&s, 0, proposal(1, 'a'));
    restart(&s); /* nothing said yet */
    play(&s, 1010, proposal(1, 'b'));
    play(&s, 1020, about(FED_C_CHECKED, 'b'));
    EXPECT_TRACE(&s.trace, "[1000]\n"
                           "[1010] check b\n"
                           "[1020] prevote b@1\n");
    restart(&s); /* b prevoted */
    play(&s, 1010, proposal(1, 'a'));
    play(&s, 1020, about(FED_C_CHECKED, 'a'));
    play(&s, 1030, vote(0, FED_PREVOTE, 1, 'b'));
    play(&s, 1030, vote(1, FED_PREVOTE, 1, 'b'));
    play(&s, 1040, about(FED_C_CHECKED, 'b'));
    EXPECT_TRACE(&s.trace, "[1000] prevote b@1\n"
                           "[1010]\n"
                           "[1020]\n"
                           "[1030]\n"
                           "[1030] check b\n"
                           "[1040] precommit b@1\n");
    restart(&s); /* b precommitted */
    for (uint32_t i = 0; i < 3; i++)
        play(&s, 1030, vote(i, FED_PREVOTE, 1, '-'));
    play(&s, 1040, vote(0, FED_PREVOTE, 2, '-')); /* to view 2 */
    play(&s, 1040, vote(1, FED_PREVOTE, 2, '-'));
    play(&s, 1050, proposal(2, 'a'));
    play(&s, 1060, about(FED_C_CHECKED, 'a'));
    EXPECT_TRACE(&s.trace, "[1000]\n"
                           "[1000] prevote b@1 precommit b@1\n"
                           "[1030] convict 0 (peer sent unacceptable numbers)\n"
                           "[1030] convict 1 (peer sent unacceptable numbers)\n"
                           "[1030]\n"
                           "[1040]\n"
                           "[1040]\n"
                           "[1050] check a\n"
                           "[1060] prevote -@2 (lock b@1) show 2 b@1 precommit -@2\n");
    restart(&s);                                  /* in view 2, still locked */
    play(&s, 1100, vote(0, FED_PREVOTE, 4, '-')); /* to view 4, which it leads */
    play(&s, 1100, vote(1, FED_PREVOTE, 4, '-'));
    play(&s, 1110, about(FED_C_CHECKED, 'b'));
    EXPECT_TRACE(&s.trace, "[1000]\n"
                           "[1000] precommit b@1 prevote -@2 (lock b@1) precommit -@2\n"
                           "[1100]\n"
                           "[1100] check b\n"
                           "[1110] propose b@4 (valid @1) prevote b@4 (lock b@1)\n");
    restart(&s); /* and the leader that proposed goes on proposing it */
    EXPECT_TRACE(&s.trace, "[1000]\n"
                           "[1000] propose b@4 precommit -@2 prevote b@4 (lock b@1)\n");
}

static void
a_restart_without_the_proof_proposes_what_is_valid_without_it(void **state)
{
    (void)state;
    struct consensus_script s;
    uint8_t                 saved[FED_CONSENSUS_SAVED];
    lock(&s);
    fed_consensus_save(saved, &s.machine);
    fed_consensus_init(&s.machine, &s.limits, s.voters, 0);
    EXPECT_OK(fed_consensus_restore(&s.machine, saved));
    trace_clear(&s.trace);
    play(&s, 1000, vote(0, FED_PREVOTE, 4, '-'));
    play(&s, 1000, vote(1, FED_PREVOTE, 4, '-'));
    play(&s, 1010, about(FED_C_CHECKED, 'a'));
    EXPECT_TRACE(&s.trace, "[1000]\n"
                           "[1000] check a\n"
                           "[1010] propose a@4 prevote a@4 (lock a@1)\n");
}

static void
nonsense_is_not_restored(void **state)
{
    (void)state;
    static const struct {
        size_t   at;
        uint32_t value;
    } wrong[] = {{0, 1},  {8, 0},  {8, FED_VIEW_MAX + 1u},  {12, 0}, {12, 4},
                 {16, 2}, {20, 0}, {20, FED_VIEW_MAX + 1u}, {188, 2}};
    struct consensus_script s;
    uint8_t                 saved[FED_CONSENSUS_SAVED], copy[FED_CONSENSUS_SAVED];
    lock(&s);
    fed_consensus_save(saved, &s.machine);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memcpy(copy, saved, sizeof copy);
        pn_put_u32(copy + wrong[i].at, wrong[i].value);
        fed_consensus_init(&s.machine, &s.limits, s.voters, 0);
        EXPECT_STATUS(PN_ECORRUPT, fed_consensus_restore(&s.machine, copy));
    }
    fed_consensus_init(&s.machine, &s.limits, s.voters, 0);
    EXPECT_OK(fed_consensus_restore(&s.machine, saved));
    fed_consensus_save(copy, &s.machine);
    assert_memory_equal(copy, saved, sizeof copy);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quorums_are_those_of_the_table),
        cmocka_unit_test(a_calm_height_is_decided_in_one_view),
        cmocka_unit_test(a_member_that_trains_votes_but_does_not_change_views),
        cmocka_unit_test(a_dead_leader_costs_one_view),
        cmocka_unit_test(a_view_that_can_decide_nothing_ends_at_once),
        cmocka_unit_test(a_leader_that_is_away_is_waited_for_as_long_as_for_a_vote),
        cmocka_unit_test(a_bad_block_and_one_that_cannot_be_checked_in_time_get_no_vote),
        cmocka_unit_test(a_locked_member_shows_the_next_leader_why),
        cmocka_unit_test(a_lock_yields_to_a_quorum_since_and_to_nothing_else),
        cmocka_unit_test(a_quorum_before_the_lock_does_not_unlock),
        cmocka_unit_test(against_its_lock_a_quorum_of_this_view_moves_only_the_precommit),
        cmocka_unit_test(a_leader_proposes_what_it_was_shown),
        cmocka_unit_test(a_late_joiner_decides_by_the_votes_of_an_earlier_view),
        cmocka_unit_test(f_members_cannot_take_it_along_and_f_plus_1_can),
        cmocka_unit_test(who_went_on_is_not_waited_for),
        cmocka_unit_test(two_votes_that_contradict_each_other_convict),
        cmocka_unit_test(a_majority_of_three_goes_on_without_one),
        cmocka_unit_test(what_is_said_is_said_again),
        cmocka_unit_test(what_is_out_of_bounds_is_refused),
        cmocka_unit_test(more_blocks_than_there_is_room_for_push_out_no_proposal),
        cmocka_unit_test(a_restart_in_each_step_votes_the_same),
        cmocka_unit_test(a_restart_without_the_proof_proposes_what_is_valid_without_it),
        cmocka_unit_test(nonsense_is_not_restored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
