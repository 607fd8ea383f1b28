#include "tests/support/round_script.h"

#include "base/rng.h"

#include <stdlib.h>

static void
round_goes_from_gather_to_the_finish_block(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    limits.rounds                  = 1;
    limits.survey                  = true;
    script_init(&s, &limits, 2);
    play(&s, 0, start());
    play(&s, 10, up(1, 0));
    play(&s, 20, up(2, 0));
    play(&s, 30, join(1));
    play(&s, 40, join(2));
    play(&s, 50, of(FED_SURVEYED, 1));
    play(&s, 60, of(FED_SURVEYED, 2));
    play(&s, 70, prepared());
    play(&s, 80, committed(1));
    play(&s, 90, countersign(1, 1));
    play(&s, 90, countersign(2, 1));
    play(&s, 100, accept(1, 1, 1));
    play(&s, 110, accept(2, 1, 1));
    play(&s, 200, update(2, 1, 1));
    play(&s, 210, staged(2, 1));
    play(&s, 220, update(1, 1, 1));
    play(&s, 230, staged(1, 1));
    play(&s, 300, aggregated(1));
    play(&s, 310, metrics(1, 1, 1));
    play(&s, 320, metrics(2, 1, 1));
    play(&s, 330, scored(0.5));
    play(&s, 340, committed(2));
    play(&s, 350, countersign(1, 2));
    play(&s, 360, countersign(2, 2));
    play(&s, 370, committed(3));
    play(&s, 380, countersign(1, 3));
    play(&s, 390, countersign(2, 3));
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[  10] offer 1\n"
                           "[  20] offer 2\n"
                           "[  30]\n"
                           "[  40] survey 1 survey 2 | survey\n"
                           "[  50]\n"
                           "[  60] sum prepare | prepare\n"
                           "[  70] write genesis#0\n"
                           "[  80] commit 1#0 commit 2#0 invite 1 invite 2 | invite\n"
                           "[  90]\n"
                           "[  90]\n"
                           "[ 100]\n"
                           "[ 110] train 1 train 2 | train\n"
                           "[ 200] pull 2\n"
                           "[ 210]\n"
                           "[ 220] pull 1 | collect\n"
                           "[ 230] fold 1,2 | aggregate\n"
                           "[ 300] evaluate 1 evaluate 2 | evaluate\n"
                           "[ 310]\n"
                           "[ 320] score 1,2\n"
                           "[ 330] write round#1 | commit\n"
                           "[ 340] commit 1#1 commit 2#1 | close\n"
                           "[ 350]\n"
                           "[ 360] write finish#2\n"
                           "[ 370] commit 1#2 finish 1 commit 2#2 finish 2\n"
                           "[ 380]\n"
                           "[ 390] END done | ended\n");
    assert_int_equal(s.round.counters.rejected + s.round.counters.discarded, 0);
}

static void
round_commits_at_quorum_without_the_straggler(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    script_begin(&s, &limits, 3);
    play(&s, 20, accept(1, 1, 1));
    play(&s, 20, accept(2, 1, 1));
    play(&s, 20, accept(3, 1, 1));
    play(&s, 30, update(1, 1, 1));
    play(&s, 30, staged(1, 1));
    play(&s, 40, update(2, 1, 1));
    play(&s, 50, staged(2, 1));
    play(&s, 1020, tick());
    play(&s, 1030, update(3, 1, 1)); /* late: the deadline was at 1020 */
    EXPECT_TRACE(&s.trace, "[  20]\n"
                           "[  20]\n"
                           "[  20] train 1 train 2 train 3 | train\n"
                           "[  30] pull 1\n"
                           "[  30]\n"
                           "[  40] pull 2\n"
                           "[  50]\n"
                           "[1020] fold 1,2 | aggregate\n"
                           "[1030] (peer answered another round)\n");
    assert_int_equal(s.members[2].part, FED_LOST);
    assert_int_equal(s.members[2].absence, WIRE_ABSENT_LATE);
    assert_int_equal(s.round.counters.discarded, 1);
}

static void
rounds_between_are_not_evaluated_and_the_last_one_is(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    limits.evaluate_every          = 2;
    limits.rounds                  = 3;
    limits.cohort = limits.quorum = 1;
    script_begin(&s, &limits, 1);
    for (uint32_t round = 1; round <= 3; round++) {
        play(&s, 20 * round, accept(1, round, 1));
        play(&s, 20 * round, update(1, round, 1));
        play(&s, 20 * round, staged(1, round));
        trace_clear(&s.trace);
        play(&s, 20 * round + 10, aggregated(round));
        if (round == 1) {
            EXPECT_TRACE(&s.trace, "[  30] write round#1 | commit\n");
        } else {
            assert_int_equal(s.round.phase, FED_EVALUATE);
            play(&s, 20 * round + 10, metrics(1, round, 1));
            play(&s, 20 * round + 10, scored(0.5));
        }
        play(&s, 20 * round + 10, committed(round + 1));
        play(&s, 20 * round + 10, countersign(1, round + 1));
    }
}

/* The number of COMMITs for each member, in the effects of the last step. */
static void
count_commits(uint32_t *out, const struct round_script *s, uint64_t height)
{
    for (size_t i = 0; i < s->effects.count; i++) {
        const struct fed_effect *effect = &s->effects.items[i];
        if (effect->kind != FED_SEND || effect->type != WIRE_COMMIT)
            continue;
        assert_int_equal(effect->height, height); /* the newest, never one before it */
        out[effect->member - 1]++;
    }
}

static void
with_follow_cohort_blocks_go_to_this_cohort_and_the_next(void **state)
{
    (void)state;
    enum {
        MEMBERS = 6,
        ROUNDS  = 8
    };
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    limits.follow_cohort           = true;
    limits.rounds                  = ROUNDS;
    limits.cohort = limits.quorum = 1;
    script_begin(&s, &limits, MEMBERS);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        uint32_t sent[MEMBERS] = {0}, made = s.members[s.round.cohort[0]].number;
        play(&s, 20 * round, accept(made, round, 1));
        play(&s, 20 * round, update(made, round, 1));
        play(&s, 20 * round, staged(made, round));
        play(&s, 20 * round + 10, aggregated(round));
        play(&s, 20 * round + 10, metrics(made, round, 1));
        play(&s, 20 * round + 10, scored(0.5));
        play(&s, 20 * round + 10, committed(round + 1));
        count_commits(sent, &s, round);
        for (uint32_t i = 0; i < MEMBERS; i++) {
            bool owed = i + 1 == made || (round < ROUNDS && i == s.round.cohort[0]);
            assert_true((sent[i] > 0) == owed);
            if (owed)
                play(&s, 20 * round + 10, countersign(i + 1, round + 1));
        }
    }
    /* The finish block is for everybody, whatever they hold. */
    uint32_t sent[MEMBERS] = {0};
    assert_int_equal(s.round.phase, FED_CLOSE);
    play(&s, 400, committed(ROUNDS + 2));
    count_commits(sent, &s, ROUNDS + 1);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(sent[i], 1);
        play(&s, 410, countersign(i + 1, ROUNDS + 2));
    }
    assert_int_equal(s.round.phase, FED_ENDED);
}

static void
deadline_comes_before_the_update_of_the_same_moment(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    script_begin(&s, &limits, 3);
    for (uint32_t i = 1; i <= 3; i++)
        play(&s, 20, accept(i, 1, 1));
    for (uint32_t i = 1; i <= 2; i++)
        play(&s, 20, update(i, 1, 1));
    trace_clear(&s.trace);
    play(&s, 1020, update(3, 1, 1));
    EXPECT_TRACE(&s.trace, "[1020] (peer answered another round) | collect\n");
}

static void
round_tries_again_after_a_pause_when_there_is_no_quorum(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    script_begin(&s, &limits, 3);
    play(&s, 20, accept(1, 1, 1));
    play(&s, 110, tick());
    play(&s, 120, accept(2, 1, 1)); /* too late */
    play(&s, 160, tick());
    play(&s, 170, accept(1, 1, 1)); /* of the first attempt */
    play(&s, 170, accept(1, 1, 2));
    play(&s, 170, accept(2, 1, 2));
    play(&s, 260, tick());
    play(&s, 300, update(2, 1, 2));
    play(&s, 310, update(1, 1, 2));
    EXPECT_TRACE(&s.trace, "[  20]\n"
                           "[ 110] | backoff\n"
                           "[ 120] (peer sent this at the wrong moment)\n"
                           "[ 160] invite 1 invite 2 invite 3 | invite\n"
                           "[ 170] (peer answered another round)\n"
                           "[ 170]\n"
                           "[ 170]\n"
                           "[ 260] train 1 train 2 | train\n"
                           "[ 300] pull 2\n"
                           "[ 310] pull 1 | collect\n");
    assert_int_equal(s.members[2].absence, WIRE_ABSENT_SILENT);
}

static void
run_fails_without_a_finish_block_when_attempts_are_exhausted(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    script_begin(&s, &limits, 3);
    play(&s, 110, tick());
    play(&s, 160, tick()); /* 50 ms later */
    play(&s, 260, tick());
    play(&s, 359, tick());
    play(&s, 360, tick()); /* 100 ms later */
    play(&s, 460, tick());
    play(&s, 470, up(1, 1));
    EXPECT_TRACE(&s.trace, "[ 110] | backoff\n"
                           "[ 160] invite 1 invite 2 invite 3 | invite\n"
                           "[ 260] | backoff\n"
                           "[ 359]\n"
                           "[ 360] invite 1 invite 2 invite 3 | invite\n"
                           "[ 460] END failed | ended\n"
                           "[ 470] (peer sent this at the wrong moment)\n");
    assert_int_equal(fed_round_deadline(&s.round), UINT64_MAX);
}

static void
gather_goes_on_without_those_who_refuse_and_fails_below_quorum(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    script_init(&s, &limits, 3);
    play(&s, 0, start());
    for (uint32_t i = 1; i <= 3; i++)
        play(&s, 10, up(i, 0));
    play(&s, 20, join(1));
    play(&s, 20, refuse(2));
    play(&s, 30, join(3));
    EXPECT_TRACE(&s.trace, "[   0]\n[  10] offer 1\n[  10] offer 2\n[  10] offer 3\n"
                           "[  20]\n[  20]\n[  30] prepare | prepare\n");

    script_init(&s, &limits, 3);
    play(&s, 0, start());
    play(&s, 10, up(1, 0));
    play(&s, 20, join(1));
    play(&s, 999, tick());
    play(&s, 1000, tick());
    EXPECT_TRACE(&s.trace, "[   0]\n[  10] offer 1\n[  20]\n[ 999]\n[1000] END failed | ended\n");

    script_init(&s, &limits, 3);
    play(&s, 0, start());
    play(&s, 10, up(1, 0));
    play(&s, 20, join(1));
    play(&s, 20, up(2, 0));
    play(&s, 20, join(2));
    trace_clear(&s.trace);
    play(&s, 1000, tick());
    EXPECT_TRACE(&s.trace, "[1000] prepare | prepare\n");
}

static void
update_again_is_nothing_and_another_one_is_refused(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    script_begin(&s, &limits, 3);
    for (uint32_t i = 1; i <= 3; i++)
        play(&s, 20, accept(i, 1, 1));
    trace_clear(&s.trace);
    struct fed_event other = update(1, 1, 1), heavy = other, large = update(2, 1, 1);
    other.blob.root.bytes[31] = 1;
    heavy.weight              = 1001;
    large.blob.size++;
    play(&s, 30, heavy);
    play(&s, 30, update(1, 1, 1));
    play(&s, 40, update(1, 1, 1));
    play(&s, 50, other);
    play(&s, 60, update(2, 2, 1)); /* another round */
    play(&s, 60, update(2, 1, 2)); /* another attempt */
    play(&s, 70, large);
    play(&s, 80, update(9, 1, 1)); /* not a member */
    EXPECT_TRACE(&s.trace, "[  30] (peer sent unacceptable numbers)\n"
                           "[  30] pull 1\n"
                           "[  40]\n"
                           "[  50] (peer sent unacceptable numbers)\n"
                           "[  60] (peer answered another round)\n"
                           "[  60] (peer answered another round)\n"
                           "[  70] (peer sent unacceptable numbers)\n"
                           "[  80] (peer sent unacceptable numbers)\n");
    assert_int_equal(s.round.counters.discarded, 2);
    assert_int_equal(s.round.counters.rejected, 4);
}

static void
fault_and_invalid_update_leave_the_round_to_the_others(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    limits.cohort                  = 4;
    script_begin(&s, &limits, 4);
    for (uint32_t i = 1; i <= 4; i++)
        play(&s, 20, accept(i, 1, 1));
    for (uint32_t i = 2; i <= 4; i++)
        play(&s, 30, update(i, 1, 1));
    trace_clear(&s.trace);
    play(&s, 40, fault(1, 1, 1));
    play(&s, 50, invalid(2, 1));
    play(&s, 60, staged(3, 9)); /* another blob than the one announced */
    play(&s, 60, staged(3, 1));
    play(&s, 70, staged(4, 1));
    EXPECT_TRACE(&s.trace, "[  40] | collect\n"
                           "[  50] drop 2\n"
                           "[  60] (peer answered another round)\n"
                           "[  60]\n"
                           "[  70] fold 3,4 | aggregate\n");
    assert_int_equal(s.members[0].absence, WIRE_ABSENT_FAULT);
    assert_int_equal(s.members[1].absence, WIRE_ABSENT_INVALID);
}

static void
attempt_fails_at_once_when_faults_make_the_quorum_impossible(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    script_begin(&s, &limits, 3);
    for (uint32_t i = 1; i <= 3; i++)
        play(&s, 20, accept(i, 1, 1));
    trace_clear(&s.trace);
    play(&s, 30, update(1, 1, 1));
    play(&s, 40, fault(2, 1, 1));
    play(&s, 50, fault(3, 1, 1));
    play(&s, 60, staged(1, 1)); /* the host had not heard of the drop */
    EXPECT_TRACE(&s.trace, "[  30] pull 1\n"
                           "[  40]\n"
                           "[  50] drop 1 | backoff\n"
                           "[  60] (peer answered another round)\n");
}

static void
member_that_was_down_is_asked_at_once_when_it_comes_back(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    script_begin(&s, &limits, 3);
    play(&s, 20, down(3));
    script_round(&s, 30, 2, (double)NAN); /* only accepts of 1 and 2: the third is awaited */
    EXPECT_TRACE(&s.trace, "");
    assert_int_equal(s.round.phase, FED_INVITE);

    script_begin(&s, &limits, 3);
    play(&s, 20, accept(1, 1, 1));
    play(&s, 20, accept(2, 1, 1));
    play(&s, 20, accept(3, 1, 1));
    play(&s, 30, down(3));
    play(&s, 40, update(1, 1, 1));
    play(&s, 40, update(2, 1, 1));
    play(&s, 50, up(3, 1));
    play(&s, 60, update(3, 1, 1));
    EXPECT_TRACE(&s.trace, "[  20]\n"
                           "[  20]\n"
                           "[  20] train 1 train 2 train 3 | train\n"
                           "[  30]\n"
                           "[  40] pull 1\n"
                           "[  40] pull 2\n"
                           "[  50] offer 3 train 3\n"
                           "[  60] pull 3 | collect\n");
}

static void
invitation_waits_for_a_member_that_is_offline(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    script_init(&s, &limits, 3);
    play(&s, 0, start());
    for (uint32_t i = 1; i <= 3; i++) {
        play(&s, 10, up(i, 0));
        play(&s, 10, join(i));
    }
    play(&s, 20, down(2));
    play(&s, 20, prepared());
    trace_clear(&s.trace);
    play(&s, 30, committed(1));
    play(&s, 40, up(2, 0));
    play(&s, 50, accept(2, 1, 1));
    EXPECT_TRACE(&s.trace, "[  30] commit 1#0 commit 3#0 invite 1 invite 3 | invite\n"
                           "[  40] offer 2 invite 2 commit 2#0\n"
                           "[  50]\n");
}

static void
node_that_joins_late_takes_part_in_the_next_round(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    script_init(&s, &limits, 3);
    play(&s, 0, start());
    for (uint32_t i = 1; i <= 2; i++) {
        play(&s, 10, up(i, 0));
        play(&s, 10, join(i));
    }
    play(&s, 1000, prepared());
    play(&s, 1000, committed(1));
    trace_clear(&s.trace);
    play(&s, 1010, up(3, 0));
    play(&s, 1020, join(3));
    play(&s, 1030, accept(3, 1, 1)); /* not in this cohort */
    EXPECT_TRACE(&s.trace, "[1010] offer 3\n"
                           "[1020] commit 3#0\n"
                           "[1030] (peer sent unacceptable numbers)\n");
    script_round(&s, 1040, 2, (double)NAN);
    assert_int_equal(s.round.round, 2);
    assert_int_equal(s.members[2].part, FED_INVITED);
}

static void
resumed_run_gathers_again_and_goes_on_with_the_next_round(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    limits.rounds                  = 9;
    limits.survey                  = true;
    script_init(&s, &limits, 2);
    struct fed_event event = start();
    event.start.height     = 5;
    event.start.round      = 4;
    event.start.attempt    = 2;
    event.start.model      = blob_of(4000, 0, 4);
    play(&s, 0, event);
    play(&s, 10, up(1, 5));
    play(&s, 10, join(1));
    play(&s, 20, up(2, 3));
    play(&s, 30, join(2));
    play(&s, 40, countersign(2, 4));
    play(&s, 50, countersign(2, 5));
    play(&s, 60, accept(1, 5, 2));
    play(&s, 70, accept(2, 5, 2));
    EXPECT_TRACE(&s.trace, "[   0]\n"
                           "[  10] offer 1\n"
                           "[  10]\n"
                           "[  20] offer 2\n"
                           "[  30] commit 2#3 invite 1 invite 2 | invite\n"
                           "[  40] commit 2#4\n"
                           "[  50]\n"
                           "[  60]\n"
                           "[  70] train 1 train 2 | train\n");
}

static void
resumed_run_whose_rounds_are_done_only_closes(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    struct fed_event        event  = start();
    event.start.height             = 3;
    event.start.round              = 2;
    script_init(&s, &limits, 2);
    play(&s, 0, event);
    play(&s, 10, up(1, 3));
    play(&s, 10, join(1));
    play(&s, 500, tick());
    play(&s, 510, committed(4));
    play(&s, 520, countersign(1, 4));
    play(&s, 1010, tick());
    EXPECT_TRACE(&s.trace, "[   0] | close\n"
                           "[  10] offer 1\n"
                           "[  10]\n"
                           "[ 500] write finish#3\n"
                           "[ 510] commit 1#3 finish 1\n"
                           "[ 520]\n"
                           "[1010] END done | ended\n");
}

static void
finished_run_is_announced_again_after_a_restart(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    struct fed_event        event  = start();
    event.start.height             = 4;
    event.start.round              = 2;
    event.start.finished           = true;
    script_init(&s, &limits, 2);
    play(&s, 0, event);
    play(&s, 10, up(1, 3));
    play(&s, 10, join(1));
    play(&s, 20, countersign(1, 4));
    play(&s, 30, up(2, 4));
    play(&s, 40, join(2));
    EXPECT_TRACE(&s.trace, "[   0] | close\n"
                           "[  10] offer 1\n"
                           "[  10] commit 1#3 finish 1\n"
                           "[  20]\n"
                           "[  30] offer 2\n"
                           "[  40] finish 2 END done | ended\n");
}

static void
run_stops_early_when_the_metric_does_not_improve(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    limits.rounds                  = 100;
    limits.stopping                = true;
    limits.patience                = 2;
    limits.min_delta               = 0.01;
    script_begin(&s, &limits, 2);
    script_round(&s, 20, 2, 0.50);
    script_round(&s, 30, 2, 0.505);       /* too little */
    script_round(&s, 40, 2, 0.52);        /* better */
    script_round(&s, 50, 2, 0.40);        /* 1 */
    script_round(&s, 60, 2, (double)NAN); /* no evidence */
    assert_int_equal(s.round.phase, FED_INVITE);
    assert_int_equal(s.round.stale, 1);
    script_round(&s, 70, 2, 0.52); /* 2 */
    assert_int_equal(s.round.phase, FED_CLOSE);
    assert_int_equal(s.round.outcome, WIRE_STOPPED_EARLY);
    assert_int_equal(s.round.best_round, 3);
}

static void
smaller_may_be_better(void **state)
{
    (void)state;
    struct fed_round_limits limits = usual_limits();
    limits.min_delta               = 0.1;
    assert_true(fed_round_is_better(&limits, 0.5, 0.7));
    assert_false(fed_round_is_better(&limits, 0.5, 0.55));
    limits.stop_on_smaller = true;
    assert_true(fed_round_is_better(&limits, 0.5, 0.3));
    assert_false(fed_round_is_better(&limits, 0.5, 0.7));
    assert_false(fed_round_is_better(&limits, 0.5, (double)NAN));
    assert_true(fed_round_is_better(&limits, (double)NAN, 0.9));
}

static void
close_does_not_wait_for_ever_for_a_silent_member(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    limits.rounds                  = 1;
    script_begin(&s, &limits, 2);
    script_round(&s, 20, 2, (double)NAN);
    play(&s, 30, countersign(1, 2));
    play(&s, 519, tick());
    play(&s, 520, tick());
    play(&s, 530, committed(3));
    play(&s, 540, countersign(1, 3));
    play(&s, 1030, tick());
    EXPECT_TRACE(&s.trace, "[  30]\n"
                           "[ 519]\n"
                           "[ 520] write finish#2\n"
                           "[ 530] commit 1#2 finish 1 commit 2#1\n"
                           "[ 540]\n"
                           "[1030] finish 2 END done | ended\n");
}

static void
cursor_catches_up_a_member_three_blocks_behind(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    limits.rounds                  = 9;
    limits.retry_ms                = 1000;
    script_begin(&s, &limits, 2);
    play(&s, 20, down(2));
    script_round(&s, 30, 2, (double)NAN); /* 2 is away: its messages are not heard */
    play(&s, 30, up(2, 1));
    script_round(&s, 40, 2, (double)NAN);
    script_round(&s, 50, 2, (double)NAN);
    script_round(&s, 60, 2, (double)NAN);
    assert_int_equal(s.round.height, 4);
    play(&s, 70, countersign(1, 4));
    play(&s, 70, countersign(2, 2));
    play(&s, 80, countersign(2, 3));
    play(&s, 1060, tick()); /* after retry_ms */
    play(&s, 1070, countersign(2, 3));
    play(&s, 1080, countersign(2, 4));
    play(&s, 1090, countersign(2, 5)); /* a block that is not there */
    EXPECT_TRACE(&s.trace, "[  70]\n"
                           "[  70] commit 2#2\n"
                           "[  80] commit 2#3\n"
                           "[1060] commit 2#3 | backoff\n"
                           "[1070]\n"
                           "[1080]\n"
                           "[1090] (peer sent unacceptable numbers)\n");
}

static void
what_is_awaited_is_asked_again_every_retry(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    limits.retry_ms                = 30;
    script_begin(&s, &limits, 3);
    play(&s, 20, accept(1, 1, 1));
    assert_int_equal(fed_round_deadline(&s.round), 40);
    play(&s, 40, tick());
    play(&s, 69, tick());
    play(&s, 70, tick());
    EXPECT_TRACE(&s.trace, "[  20]\n"
                           "[  40] invite 2 invite 3\n"
                           "[  69]\n"
                           "[  70] invite 2 invite 3\n");
}

static void
evaluation_never_fails_the_round(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    script_begin(&s, &limits, 3);
    for (uint32_t i = 1; i <= 3; i++)
        play(&s, 20, accept(i, 1, 1));
    for (uint32_t i = 1; i <= 3; i++)
        play(&s, 20, update(i, 1, 1));
    for (uint32_t i = 1; i <= 3; i++)
        play(&s, 20, staged(i, 1));
    play(&s, 30, aggregated(1));
    trace_clear(&s.trace);
    play(&s, 40, metrics(3, 1, 1));
    play(&s, 50, fault(2, 1, 1));
    play(&s, 230, tick());
    play(&s, 240, metrics(1, 1, 1));
    play(&s, 250, scored((double)NAN));
    EXPECT_TRACE(&s.trace, "[  40]\n"
                           "[  50]\n"
                           "[ 230] score 3\n"
                           "[ 240] (peer answered another round)\n"
                           "[ 250] write round#1 | commit\n");
}

static void
broken_host_ends_the_run_as_failed(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    script_begin(&s, &limits, 2);
    play(&s, 20, of(FED_BROKEN, 0));
    play(&s, 30, accept(1, 1, 1));
    EXPECT_TRACE(&s.trace, "[  20] END failed | ended\n"
                           "[  30] (peer sent this at the wrong moment)\n");
    assert_int_equal(s.round.outcome, WIRE_FAILED);
}

/* The cohort as bits. */
static uint32_t
cohort_of(const struct round_script *s)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < s->round.member_count; i++)
        bits |= (uint32_t)(s->members[i].part != FED_OUT) << i;
    return bits;
}

static void
cohort_is_drawn_by_the_seed_and_the_round_alone(void **state)
{
    (void)state;
    struct round_script     a, b;
    struct fed_round_limits limits = usual_limits();
    uint32_t                seen = 0, different = 0;
    for (uint64_t seed = 0; seed < 64; seed++) {
        limits.seed = seed;
        script_begin(&a, &limits, 8);
        script_init(&b, &limits, 8); /* others are connected, and in another order */
        play(&b, 0, start());
        for (uint32_t i = 8; i >= 1; i--) {
            play(&b, i == 8 ? 10 : 20, up(i, 0));
            play(&b, 30, join(i));
            b.now = 10;
        }
        b.now = 30;
        play(&b, 40, down(3));
        play(&b, 50, prepared());
        play(&b, 60, committed(1));
        assert_int_equal(cohort_of(&a), cohort_of(&b));
        assert_int_equal(__builtin_popcount(cohort_of(&a)), 3);
        different += cohort_of(&a) != seen;
        seen = cohort_of(&a);
    }
    assert_true(different > 32);
}

static void
cohort_changes_from_round_to_round(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits     = usual_limits();
    uint32_t                counted[8] = {0};
    limits.rounds                      = 200;
    limits.quorum                      = 1;
    script_begin(&s, &limits, 8);
    while (s.round.phase == FED_INVITE) {
        for (uint32_t i = 0; i < 8; i++)
            counted[i] += s.members[i].part == FED_INVITED;
        script_round(&s, s.now + 1, 8, (double)NAN);
    }
    /* 200 rounds of 3 of 8: 75 each on average, deviation 6.8. */
    for (uint32_t i = 0; i < 8; i++)
        assert_in_range(counted[i], 75 - 34, 75 + 34);
}

static void
next_attempt_prefers_those_who_are_there_and_did_not_fail(void **state)
{
    (void)state;
    struct round_script     s;
    struct fed_round_limits limits = usual_limits();
    limits.cohort = limits.quorum = 2;
    script_begin(&s, &limits, 4);
    uint32_t first = cohort_of(&s);
    play(&s, 110, tick()); /* both were silent */
    play(&s, 160, tick());
    assert_int_equal(cohort_of(&s), 15 & ~first);

    for (uint32_t i = 1; i <= 4; i++)
        if (first >> (i - 1) & 1)
            play(&s, 170, down(i));
    play(&s, 260, tick()); /* the other two are silent, but the first two are gone */
    play(&s, 360, tick());
    assert_int_equal(cohort_of(&s), 15 & ~first);
}

/* ---- any order of events -------------------------------------------------------------- */

struct world {
    struct round_script s;
    struct pn_rng       rng;
    uint32_t            host[FED_ENDED + 1]; /* effects of the host that are not done */
    bool                pulling[SCRIPT_MEMBERS];
    struct sec_blob     pulled[SCRIPT_MEMBERS];
    uint32_t            ends, crc;
    uint32_t           *visits; /* of each phase */
    size_t              most;
};

static uint32_t
below(struct world *w, uint32_t bound)
{
    return (uint32_t)pn_rng_below(&w->rng, bound);
}

static struct fed_round_limits
random_limits(struct world *w)
{
    struct fed_round_limits limits = {.evaluate_every = 1,
                                      .rounds         = 1 + below(w, 3),
                                      .cohort         = 1 + below(w, SCRIPT_MEMBERS),
                                      .attempts       = 1 + below(w, 4),
                                      .gather_ms      = below(w, 200),
                                      .invite_ms      = below(w, 50),
                                      .train_ms       = below(w, 100),
                                      .collect_ms     = below(w, 50),
                                      .evaluate_ms    = below(w, 50),
                                      .retry_ms       = 1 + below(w, 40),
                                      .backoff_ms     = below(w, 20),
                                      .linger_ms      = below(w, 50),
                                      .survey         = below(w, 2),
                                      .stopping       = below(w, 2),
                                      .patience       = 1 + below(w, 3),
                                      .weight_max     = 200,
                                      .update_size    = UPDATE_SIZE,
                                      .seed           = pn_rng_u64(&w->rng)};
    limits.quorum                  = 1 + below(w, limits.cohort);
    return limits;
}

static void
check_invariants(const struct world *w)
{
    const struct fed_round *round  = &w->s.round;
    uint32_t                cohort = 0, valid = 0;
    for (uint32_t i = 0; i < round->member_count; i++) {
        const struct fed_round_member *member = &round->members[i];
        cohort += member->part != FED_OUT;
        valid += member->part == FED_VALID;
        PN_ASSERT(member->height <= round->height);
        PN_ASSERT(!(member->joined && member->refused));
        PN_ASSERT(member->part != FED_VALID || member->weight <= round->limits.weight_max);
    }
    PN_ASSERT(cohort <= round->limits.cohort);
    PN_ASSERT(round->round <= round->limits.rounds);
    if (round->phase == FED_AGGREGATE || round->phase == FED_EVALUATE)
        PN_ASSERT(valid >= round->limits.quorum);
    if (round->writing)
        PN_ASSERT(round->phase == FED_PREPARE || round->phase == FED_COMMIT ||
                  round->phase == FED_CLOSE);
}

static void
note_effect(struct world *w, const struct fed_event *event, const struct fed_effect *effect)
{
    const struct fed_round *round = &w->s.round;
    uint8_t                 bytes[16];
    pn_put_u32(bytes, (uint32_t)effect->kind);
    pn_put_u32(bytes + 4, (uint32_t)effect->type);
    pn_put_u32(bytes + 8, effect->member);
    pn_put_u32(bytes + 12, (uint32_t)effect->height);
    w->crc = pn_crc32c(w->crc, bytes, sizeof bytes);

    if (effect->kind == FED_SEND) {
        PN_ASSERT(round->members[effect->member - 1].connected || event->kind == FED_DOWN);
        PN_ASSERT(effect->type != WIRE_COMMIT || effect->height < round->height);
    } else if (effect->kind == FED_PULL) {
        w->pulling[effect->member - 1] = true;
        w->pulled[effect->member - 1]  = effect->blob;
    } else if (effect->kind == FED_DROP) {
        w->pulling[effect->member - 1] = false;
    } else if (effect->kind == FED_END) {
        w->ends++;
    }
}

/* A refused event changes nothing, unless time did. */
static void
check_unchanged(struct world *w, const struct fed_round *before,
                const struct fed_round_member *members)
{
    struct fed_round after;
    memcpy(&after, &w->s.round, sizeof after);
    after.counters = before->counters;
    PN_ASSERT(memcmp(&after, before, sizeof after) == 0);
    PN_ASSERT(memcmp(members, w->s.members, sizeof w->s.members) == 0);
    PN_ASSERT(w->s.effects.count == 0);
}

static void
feed(struct world *w, pn_ms now, const struct fed_event *event)
{
    struct fed_round        before;
    struct fed_round_member members[SCRIPT_MEMBERS];
    memcpy(&before, &w->s.round, sizeof before);
    memcpy(members, w->s.members, sizeof members);
    bool timely = now < fed_round_deadline(&before);

    enum pn_status status = fed_round_step(&w->s.round, now, event, &w->s.effects);
    w->s.now              = now;
    if (w->s.effects.count > w->most)
        w->most = w->s.effects.count;
    for (size_t i = 0; i < w->s.effects.count; i++)
        note_effect(w, event, &w->s.effects.items[i]);
    PN_ASSERT(status == PN_OK || pn_status_is_peer(status));
    if (before.phase != w->s.round.phase)
        w->visits[w->s.round.phase]++;
    if (status != PN_OK && timely)
        check_unchanged(w, &before, members);
    check_invariants(w);
}

static struct fed_event
random_event(struct world *w)
{
    const struct fed_round *round   = &w->s.round;
    uint32_t                member  = 1 + below(w, round->member_count + (below(w, 20) == 0));
    uint64_t                number  = round->round - (below(w, 10) == 0);
    uint32_t                attempt = round->attempt - (below(w, 10) == 0);
    enum fed_event_kind     kind    = (enum fed_event_kind)below(w, FED_BROKEN);
    struct fed_event        event   = of_round(kind, member, number, attempt);
    if (below(w, 4) == 0) /* what moves a round on comes more often */
        event.kind = FED_ACCEPT;
    event.accepted = below(w, 8) != 0;
    event.height   = below(w, (uint32_t)round->height + 2);
    event.weight   = 1 + below(w, 210);
    event.blob     = blob_of(below(w, 20) == 0 ? 1 : UPDATE_SIZE, member, number);
    event.value    = pn_rng_uniform(&w->rng);
    if ((event.kind == FED_STAGED || event.kind == FED_INVALID) && member <= round->member_count &&
        below(w, 4) != 0)
        event.blob = w->pulled[member - 1];
    if (event.kind == FED_COMMITTED && below(w, 4) != 0)
        event.height = round->height + 1;
    if (event.kind == FED_UPDATE)
        event.weight = 1 + (member * 31 + (uint32_t)number) % 210;
    return event;
}

/* What an honest member would do next. */
static struct fed_event
honest_event(struct world *w)
{
    const struct fed_round        *round  = &w->s.round;
    const struct fed_round_member *member = &round->members[below(w, round->member_count)];
    uint32_t                       number = member->number;
    if (!member->connected)
        return up(number, member->height);
    if (!member->joined)
        return join(number);
    if (member->height < round->height && below(w, 2) == 0)
        return countersign(number, member->height + 1);
    if (round->phase == FED_SURVEY)
        return of(FED_SURVEYED, number);
    if (member->part == FED_INVITED)
        return accept(number, round->round, round->attempt);
    if (member->part == FED_ACCEPTED)
        return update(number, round->round, round->attempt);
    if (member->part == FED_ANNOUNCED) {
        struct fed_event event = staged(number, round->round);
        event.blob             = member->update;
        return event;
    }
    return metrics(number, round->round, round->attempt);
}

/* What the host owes the machine, whatever the members do. */
static bool
host_answers(struct world *w, pn_ms now)
{
    const struct fed_round *round = &w->s.round;
    struct fed_event        event = tick();
    if (round->writing)
        event = committed(round->height + 1);
    else if (round->phase == FED_PREPARE)
        event = prepared();
    else if (round->phase == FED_AGGREGATE)
        event = aggregated(round->round);
    else if (round->scoring)
        event = scored(0.5);
    if (event.kind == FED_TICK)
        return false;
    feed(w, now, &event);
    return true;
}

static uint32_t
play_at_random(uint64_t seed, size_t *most, uint32_t *visits)
{
    struct world w = {.visits = visits};
    pn_rng_init(&w.rng, seed);
    struct fed_round_limits limits = random_limits(&w);
    script_init(&w.s, &limits, 1 + below(&w, SCRIPT_MEMBERS));

    struct fed_event event = start();
    if (below(&w, 4) == 0) {
        event.start.round    = below(&w, limits.rounds + 1);
        event.start.height   = event.start.round + 1;
        event.start.attempt  = below(&w, 3);
        event.start.finished = below(&w, 4) == 0 && event.start.round > 0;
    }
    feed(&w, 0, &event);
    for (uint32_t i = 0; i < 200; i++) {
        pn_ms at = w.s.now + (below(&w, 4) == 0 ? below(&w, 10) : 0);
        event    = below(&w, 4) == 0 ? random_event(&w) : honest_event(&w);
        if (below(&w, 8) != 0 || !host_answers(&w, at))
            feed(&w, at, &event);
    }

    /* Now nobody says anything any more. Still the run ends, in bounded time. */
    pn_ms patience = w.s.now + 2 * 200 + 2 * 50 + (pn_ms)3 * 4 * (50 + 100 + 50 + 50 + 160) + 1000;
    event          = tick();
    while (w.s.round.phase != FED_ENDED) {
        if (host_answers(&w, w.s.now))
            continue;
        pn_ms at = fed_round_deadline(&w.s.round);
        PN_ASSERT(at != UINT64_MAX);
        if (at < w.s.now)
            at = w.s.now;
        PN_ASSERT(at <= patience);
        feed(&w, at, &event);
    }
    PN_ASSERT(w.ends == 1);
    if (w.most > *most)
        *most = w.most;
    return w.crc;
}

static void
any_order_of_events_ends_the_run_and_breaks_nothing(void **state)
{
    (void)state;
    const char *only                  = getenv("PANAL_SEED");
    size_t      most                  = 0;
    uint32_t    visits[FED_ENDED + 1] = {0};
    uint64_t    from                  = only != NULL ? strtoull(only, NULL, 10) : 0;
    uint64_t    to                    = only != NULL ? from + 1 : 10000;
    for (uint64_t seed = from; seed < to; seed++) {
        uint32_t crc = play_at_random(seed, &most, visits);
        if (seed % 50 == 0)
            assert_int_equal(crc,
                             play_at_random(seed, &most, visits)); /* same events, same effects */
    }
    print_message("at most %zu effects of %zu;", most, fed_round_effects_max(SCRIPT_MEMBERS));
    for (uint32_t phase = FED_SURVEY; phase <= FED_ENDED; phase++) {
        print_message(" %s %u", fed_phase_text((enum fed_phase)phase), visits[phase]);
        assert_true(only != NULL || visits[phase] > 100);
    }
    print_message("\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_goes_from_gather_to_the_finish_block),
        cmocka_unit_test(round_commits_at_quorum_without_the_straggler),
        cmocka_unit_test(rounds_between_are_not_evaluated_and_the_last_one_is),
        cmocka_unit_test(with_follow_cohort_blocks_go_to_this_cohort_and_the_next),
        cmocka_unit_test(deadline_comes_before_the_update_of_the_same_moment),
        cmocka_unit_test(round_tries_again_after_a_pause_when_there_is_no_quorum),
        cmocka_unit_test(run_fails_without_a_finish_block_when_attempts_are_exhausted),
        cmocka_unit_test(gather_goes_on_without_those_who_refuse_and_fails_below_quorum),
        cmocka_unit_test(update_again_is_nothing_and_another_one_is_refused),
        cmocka_unit_test(fault_and_invalid_update_leave_the_round_to_the_others),
        cmocka_unit_test(attempt_fails_at_once_when_faults_make_the_quorum_impossible),
        cmocka_unit_test(member_that_was_down_is_asked_at_once_when_it_comes_back),
        cmocka_unit_test(invitation_waits_for_a_member_that_is_offline),
        cmocka_unit_test(node_that_joins_late_takes_part_in_the_next_round),
        cmocka_unit_test(resumed_run_gathers_again_and_goes_on_with_the_next_round),
        cmocka_unit_test(resumed_run_whose_rounds_are_done_only_closes),
        cmocka_unit_test(finished_run_is_announced_again_after_a_restart),
        cmocka_unit_test(run_stops_early_when_the_metric_does_not_improve),
        cmocka_unit_test(smaller_may_be_better),
        cmocka_unit_test(close_does_not_wait_for_ever_for_a_silent_member),
        cmocka_unit_test(cursor_catches_up_a_member_three_blocks_behind),
        cmocka_unit_test(what_is_awaited_is_asked_again_every_retry),
        cmocka_unit_test(evaluation_never_fails_the_round),
        cmocka_unit_test(broken_host_ends_the_run_as_failed),
        cmocka_unit_test(cohort_is_drawn_by_the_seed_and_the_round_alone),
        cmocka_unit_test(cohort_changes_from_round_to_round),
        cmocka_unit_test(next_attempt_prefers_those_who_are_there_and_did_not_fail),
        cmocka_unit_test(any_order_of_events_ends_the_run_and_breaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
