#include "fed/phase.h"

enum {
    BACKOFF_MS_MAX = 30000
};

static void
do_it(struct fed_turn *turn, enum fed_effect_kind kind)
{
    fed_turn_add(turn, &(struct fed_effect){.kind = kind});
}

static void
write_block(struct fed_turn *turn, enum wire_block_kind block)
{
    PN_ASSERT(!turn->round->writing);
    turn->round->writing = true;
    fed_turn_add(turn, &(struct fed_effect){.kind    = FED_WRITE,
                                            .block   = block,
                                            .height  = turn->round->height,
                                            .outcome = turn->round->outcome});
}

static const bool may_move[FED_ENDED + 1][FED_ENDED + 1] = {
    [FED_GATHER][FED_SURVEY] = true,      [FED_GATHER][FED_PREPARE] = true,
    [FED_GATHER][FED_INVITE] = true,      [FED_GATHER][FED_CLOSE] = true,
    [FED_GATHER][FED_ENDED] = true,       [FED_SURVEY][FED_PREPARE] = true,
    [FED_SURVEY][FED_ENDED] = true,       [FED_PREPARE][FED_INVITE] = true,
    [FED_PREPARE][FED_ENDED] = true,      [FED_INVITE][FED_TRAIN] = true,
    [FED_INVITE][FED_BACKOFF] = true,     [FED_INVITE][FED_ENDED] = true,
    [FED_TRAIN][FED_COLLECT] = true,      [FED_TRAIN][FED_BACKOFF] = true,
    [FED_TRAIN][FED_ENDED] = true,        [FED_COLLECT][FED_AGGREGATE] = true,
    [FED_COLLECT][FED_BACKOFF] = true,    [FED_COLLECT][FED_ENDED] = true,
    [FED_AGGREGATE][FED_EVALUATE] = true, [FED_AGGREGATE][FED_COMMIT] = true,
    [FED_AGGREGATE][FED_ENDED] = true,    [FED_EVALUATE][FED_COMMIT] = true,
    [FED_EVALUATE][FED_ENDED] = true,     [FED_COMMIT][FED_INVITE] = true,
    [FED_COMMIT][FED_CLOSE] = true,       [FED_COMMIT][FED_ENDED] = true,
    [FED_BACKOFF][FED_INVITE] = true,     [FED_BACKOFF][FED_ENDED] = true,
    [FED_CLOSE][FED_ENDED] = true,
};

static void
move_to(struct fed_turn *turn, enum fed_phase next, pn_ms wait_ms)
{
    struct fed_round *round = turn->round;
    PN_ASSERT(may_move[round->phase][next]);
    round->phase    = next;
    round->deadline = pn_ms_add(turn->now, wait_ms);
    round->retry_at = pn_ms_add(turn->now, round->limits.retry_ms);
}

/* ---- the phases ----------------------------------------------------------------------- */

struct tally {
    uint32_t joined, answered, surveyed, survey_open; /* of all members, before there are rounds */
    uint32_t part[FED_LOST + 1], evaluate_open;       /* of the cohort */
};

static void
count_all(struct tally *out, const struct fed_round *round)
{
    for (uint32_t i = 0; i < round->member_count; i++) {
        const struct fed_round_member *member = &round->members[i];
        out->joined += member->joined;
        out->answered += member->joined || member->refused;
        out->surveyed += member->joined && member->surveyed;
        out->survey_open += member->joined && !member->surveyed && !member->excused;
    }
}

static void
count_cohort(struct tally *out, const struct fed_round *round)
{
    for (uint32_t i = 0; i < round->cohort_count; i++) {
        const struct fed_round_member *member = &round->members[round->cohort[i]];
        out->part[member->part]++;
        out->evaluate_open += member->part == FED_VALID && !member->evaluated && !member->excused;
    }
}

static void
end(struct fed_turn *turn, enum wire_outcome outcome, const char *reason)
{
    move_to(turn, FED_ENDED, UINT64_MAX);
    turn->round->outcome = outcome;
    turn->round->reason  = reason;
    turn->round->writing = turn->round->scoring = false;
    fed_turn_add(turn, &(struct fed_effect){.kind = FED_END, .outcome = outcome});
}

void
fed_phase_broken(struct fed_turn *turn)
{
    end(turn, WIRE_FAILED, "the coordinator could not do its part");
}

static void
fail_attempt(struct fed_turn *turn)
{
    struct fed_round *round = turn->round;
    fed_phase_lose_all(turn, FED_INVITED, WIRE_ABSENT_SILENT);
    fed_phase_lose_all(turn, FED_ACCEPTED, WIRE_ABSENT_LATE);
    fed_phase_lose_all(turn, FED_ANNOUNCED, WIRE_ABSENT_LATE);
    for (uint32_t i = 0; i < round->member_count; i++)
        if (round->members[i].part == FED_VALID)
            fed_turn_add(turn, &(struct fed_effect){.kind   = FED_DROP,
                                                    .member = round->members[i].number,
                                                    .blob   = round->members[i].update});

    uint32_t tries = round->attempt - round->first_attempt + 1;
    if (tries >= round->limits.attempts || round->attempt == UINT32_MAX) {
        end(turn, WIRE_FAILED, "a round found no quorum in any of its attempts");
        return;
    }
    pn_ms wait = round->limits.backoff_ms;
    for (uint32_t i = 1; i < tries && wait < BACKOFF_MS_MAX; i++)
        wait *= 2;
    move_to(turn, FED_BACKOFF, wait < BACKOFF_MS_MAX ? wait : BACKOFF_MS_MAX);
}

static void
enter_invite(struct fed_turn *turn)
{
    fed_cohort_draw(turn->round);
    move_to(turn, FED_INVITE, turn->round->limits.invite_ms);
    for (uint32_t i = 0; turn->round->limits.follow_cohort && i < turn->round->cohort_count; i++)
        fed_phase_follow(turn, &turn->round->members[turn->round->cohort[i]]);
    fed_phase_ask_all(turn);
    fed_phase_check(turn, false);
}

static void
enter_train(struct fed_turn *turn)
{
    fed_phase_lose_all(turn, FED_INVITED, WIRE_ABSENT_SILENT);
    move_to(turn, FED_TRAIN, turn->round->limits.train_ms);
    fed_phase_ask_all(turn);
}

static void
enter_collect(struct fed_turn *turn)
{
    fed_phase_lose_all(turn, FED_ACCEPTED, WIRE_ABSENT_LATE);
    move_to(turn, FED_COLLECT, turn->round->limits.collect_ms);
    fed_phase_check(turn, false);
}

static void
enter_aggregate(struct fed_turn *turn)
{
    fed_phase_lose_all(turn, FED_ANNOUNCED, WIRE_ABSENT_LATE);
    move_to(turn, FED_AGGREGATE, UINT64_MAX);
    do_it(turn, FED_FOLD);
}

static void
enter_prepare(struct fed_turn *turn)
{
    move_to(turn, FED_PREPARE, UINT64_MAX);
    if (turn->round->limits.survey)
        do_it(turn, FED_SUM);
    do_it(turn, FED_PREPARE_MODEL);
}

static void
enter_close(struct fed_turn *turn, enum wire_outcome outcome, const char *reason)
{
    move_to(turn, FED_CLOSE, turn->round->limits.linger_ms);
    turn->round->outcome = outcome;
    turn->round->reason  = reason;
    fed_phase_check(turn, false);
}

/* Closes the run when the round that is now in the ledger was the last one. */
static bool
close_after_last(struct fed_turn *turn, uint64_t rounds_done)
{
    const struct fed_round *round = turn->round;
    if (rounds_done >= round->limits.rounds)
        enter_close(turn, WIRE_DONE, "all rounds are done");
    else if (round->limits.stopping && round->stale >= round->limits.patience)
        enter_close(turn, WIRE_STOPPED_EARLY, "the stopping metric did not improve any more");
    else
        return false;
    return true;
}

static void
check_gather(struct fed_turn *turn, const struct tally *tally, bool expired)
{
    struct fed_round *round = turn->round;
    if (tally->joined < round->limits.quorum) {
        if (expired)
            end(turn, WIRE_FAILED, "fewer nodes than a quorum joined");
        return;
    }
    if (tally->answered < round->member_count && !expired)
        return;
    if (round->height > 0) {
        enter_invite(turn);
    } else if (round->limits.survey) {
        move_to(turn, FED_SURVEY, round->limits.gather_ms);
        fed_phase_ask_all(turn);
    } else {
        enter_prepare(turn);
    }
}

static void
check_survey(struct fed_turn *turn, const struct tally *tally, bool expired)
{
    if (tally->surveyed >= turn->round->limits.quorum && (tally->survey_open == 0 || expired))
        enter_prepare(turn);
    else if (expired)
        end(turn, WIRE_FAILED, "fewer nodes than a quorum sent their statistics");
}

/* INVITE, TRAIN and COLLECT: `open` members may still come, `ready` ones are there. */
static void
check_quorum(struct fed_turn *turn, uint32_t open, uint32_t ready, bool expired,
             void (*next)(struct fed_turn *))
{
    uint32_t quorum = turn->round->limits.quorum;
    if (ready >= quorum && (open == 0 || expired))
        next(turn);
    else if (open + ready < quorum || expired)
        fail_attempt(turn);
}

static void
check_backoff(struct fed_turn *turn, bool expired)
{
    if (!expired)
        return;
    turn->round->attempt++;
    enter_invite(turn);
}

static void
check_evaluate(struct fed_turn *turn, const struct tally *tally, bool expired)
{
    struct fed_round *round = turn->round;
    if (round->scoring || (tally->evaluate_open > 0 && !expired))
        return;
    round->scoring  = true;
    round->deadline = UINT64_MAX;
    do_it(turn, FED_SCORE);
}

static bool
close_waits_for(const struct fed_round *round, const struct fed_round_member *member)
{
    bool behind = !member->joined || fed_phase_owes(round, member);
    if (round->returning)
        return !member->refused && behind;
    return member->connected && member->joined && behind;
}

static void
check_close(struct fed_turn *turn, bool expired)
{
    struct fed_round *round   = turn->round;
    bool              waiting = false;
    if (round->writing)
        return;
    for (uint32_t i = 0; i < round->member_count && !waiting; i++)
        waiting = close_waits_for(round, &round->members[i]);
    if (waiting && !expired)
        return;
    if (!round->finished) {
        round->deadline = UINT64_MAX;
        write_block(turn, WIRE_BLOCK_FINISH);
        return;
    }
    /* Nobody is left behind asking for a run that is over. */
    for (uint32_t i = 0; i < round->member_count; i++)
        if (round->members[i].connected && !fed_phase_may_finish(round, &round->members[i]))
            fed_phase_send(turn, &round->members[i], WIRE_FINISH);
    end(turn, round->outcome, round->reason);
}

void
fed_phase_check(struct fed_turn *turn, bool expired)
{
    struct tally    tally = {.joined = 0};
    const uint32_t *part  = tally.part;
    if (turn->round->phase <= FED_SURVEY)
        count_all(&tally, turn->round);
    else
        count_cohort(&tally, turn->round);

    switch (turn->round->phase) {
    case FED_GATHER:
        check_gather(turn, &tally, expired);
        return;
    case FED_SURVEY:
        check_survey(turn, &tally, expired);
        return;
    case FED_INVITE:
        check_quorum(turn, part[FED_INVITED], part[FED_ACCEPTED], expired, enter_train);
        return;
    case FED_TRAIN:
        check_quorum(turn, part[FED_ACCEPTED], part[FED_ANNOUNCED] + part[FED_VALID], expired,
                     enter_collect);
        return;
    case FED_COLLECT:
        check_quorum(turn, part[FED_ANNOUNCED], part[FED_VALID], expired, enter_aggregate);
        return;
    case FED_EVALUATE:
        check_evaluate(turn, &tally, expired);
        return;
    case FED_BACKOFF:
        check_backoff(turn, expired);
        return;
    case FED_CLOSE:
        check_close(turn, expired);
        return;
    case FED_PREPARE:
    case FED_AGGREGATE:
    case FED_COMMIT:
    case FED_ENDED:
        return; /* these wait for the host, without a deadline */
    }
    PN_UNREACHABLE("phase");
}

void
fed_phase_start(struct fed_turn *turn, const struct fed_event *event)
{
    struct fed_round *round = turn->round;
    round->started          = true;
    round->height           = event->start.height;
    round->round            = event->start.round + 1;
    round->attempt = round->first_attempt = event->start.attempt > 0 ? event->start.attempt : 1;
    round->model                          = event->start.model;
    round->stale                          = event->start.stale;
    round->best_round                     = event->start.best_round;
    if (round->best_round > 0)
        round->best = event->start.best;
    round->deadline = pn_ms_add(turn->now, round->limits.gather_ms);
    round->retry_at = round->follow_at = pn_ms_add(turn->now, round->limits.retry_ms);

    round->returning = true;
    round->finished  = event->start.finished;
    if (round->finished)
        enter_close(turn,
                    event->start.round < round->limits.rounds ? WIRE_STOPPED_EARLY : WIRE_DONE,
                    "the run was over already");
    else if (round->height == 0 || !close_after_last(turn, event->start.round))
        round->returning = false;
    if (round->returning)
        round->round = event->start.round;
}

/* ---- effects that are done ------------------------------------------------------------ */

static enum pn_status
on_prepared(struct fed_turn *turn, const struct fed_event *event)
{
    if (turn->round->phase != FED_PREPARE || turn->round->writing)
        return PN_EPEER_STATE;
    turn->round->model = event->blob;
    write_block(turn, WIRE_BLOCK_GENESIS);
    return PN_OK;
}

static enum pn_status
on_aggregated(struct fed_turn *turn, const struct fed_event *event)
{
    if (turn->round->phase != FED_AGGREGATE)
        return PN_EPEER_STATE;
    struct fed_round *round = turn->round;
    round->next             = event->blob;
    round->scoring          = false;
    if (round->round % round->limits.evaluate_every == 0 || round->round == round->limits.rounds) {
        move_to(turn, FED_EVALUATE, round->limits.evaluate_ms);
        fed_phase_ask_all(turn);
    } else {
        move_to(turn, FED_COMMIT, UINT64_MAX);
        write_block(turn, WIRE_BLOCK_ROUND);
    }
    return PN_OK;
}

static enum pn_status
on_scored(struct fed_turn *turn, const struct fed_event *event)
{
    struct fed_round *round = turn->round;
    if (round->phase != FED_EVALUATE || !round->scoring)
        return PN_EPEER_STATE;
    round->scoring = false;
    if (fed_round_is_better(&round->limits, round->best, event->value)) {
        round->best       = event->value;
        round->best_round = round->round;
        round->stale      = 0;
    } else if (event->value == event->value && round->stale < UINT32_MAX) {
        round->stale++; /* a round without a metric (NAN) is no evidence */
    }
    move_to(turn, FED_COMMIT, UINT64_MAX);
    write_block(turn, WIRE_BLOCK_ROUND);
    return PN_OK;
}

static void
next_round(struct fed_turn *turn)
{
    struct fed_round *round = turn->round;
    round->model            = round->next;
    if (close_after_last(turn, round->round))
        return;
    round->round++;
    round->attempt = round->first_attempt = 1;
    enter_invite(turn);
}

static enum pn_status
on_committed(struct fed_turn *turn, const struct fed_event *event)
{
    struct fed_round *round = turn->round;
    if (!round->writing)
        return PN_EPEER_STATE;
    if (event->height != round->height + 1)
        return PN_EPEER_VALUE;
    round->writing  = false;
    round->height   = event->height;
    round->finished = round->phase == FED_CLOSE;
    fed_phase_follow_all(turn);
    if (round->phase == FED_PREPARE) {
        enter_invite(turn);
    } else if (round->phase == FED_COMMIT) {
        next_round(turn);
    } else {
        round->deadline = pn_ms_add(turn->now, round->limits.linger_ms);
        round->retry_at = pn_ms_add(turn->now, round->limits.retry_ms);
        fed_phase_check(turn, false);
    }
    return PN_OK;
}

enum pn_status
fed_phase_done(struct fed_turn *turn, const struct fed_event *event)
{
    switch (event->kind) {
    case FED_PREPARED:
        return on_prepared(turn, event);
    case FED_AGGREGATED:
        return on_aggregated(turn, event);
    case FED_SCORED:
        return on_scored(turn, event);
    case FED_COMMITTED:
        return on_committed(turn, event);
    default: /* fed_round_step sends the four above only */
        return PN_EPEER_STATE;
    }
}
