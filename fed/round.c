#include "fed/phase.h"
#include "nnlib/metric.h"

#include <math.h>
#include <string.h>

enum {
    RETRY_MS   = 2000,
    BACKOFF_MS = 1000,
    LINGER_MS  = 5000
};

void
fed_round_limits_from_job(struct fed_round_limits *out, const struct fed_job *job)
{
    *out = (struct fed_round_limits){
        .rounds         = job->rounds,
        .cohort         = job->cohort,
        .quorum         = job->quorum,
        .attempts       = job->attempts,
        .evaluate_every = job->evaluate_every,
        .follow_cohort  = job->follow == FED_FOLLOW_COHORT,
        .gather_ms      = job->gather_ms,
        .invite_ms      = job->invite_ms,
        .train_ms       = job->train_ms,
        .collect_ms     = job->collect_ms,
        .evaluate_ms    = job->evaluate_ms,
        .retry_ms       = RETRY_MS,
        .backoff_ms     = BACKOFF_MS,
        .linger_ms      = LINGER_MS,
        .stopping       = job->stop_metric != NULL,
        .patience       = job->patience,
        .min_delta      = job->min_delta,
        .weight_max     = job->weight_max,
        .seed           = job->seed,
    };
    for (uint32_t kind = 0; kind < NN_METRIC_COUNT && job->stop_metric != NULL; kind++)
        if (strcmp(nn_metric_names[kind], job->stop_metric) == 0)
            out->stop_on_smaller = nn_metric_smaller_is_better((enum nn_metric_kind)kind);
}

const char *
fed_phase_text(enum fed_phase phase)
{
    static const char *const texts[] = {
        "gather",    "survey",   "prepare", "invite",  "train", "collect",
        "aggregate", "evaluate", "commit",  "backoff", "close", "ended",
    };
    PN_ASSERT(phase <= FED_ENDED);
    return texts[phase];
}

bool
fed_round_is_better(const struct fed_round_limits *limits, double best, double value)
{
    if (isnan(value))
        return false;
    if (isnan(best))
        return true;
    return limits->stop_on_smaller ? value < best - limits->min_delta
                                   : value > best + limits->min_delta;
}

/* The most that one step can ask for: a phase that expires (one effect a member), a retry (three a
 * member) and an event that ends one round and begins the next (three a member). */
size_t
fed_round_effects_max(uint32_t member_count)
{
    return 7 * (size_t)member_count + 8;
}

void
fed_round_init(struct fed_round *round, const struct fed_round_limits *limits,
               struct fed_round_member *members, uint32_t member_count)
{
    PN_ASSERT(limits->quorum > 0 && limits->quorum <= limits->cohort);
    PN_ASSERT(limits->evaluate_every > 0);
    PN_ASSERT(limits->retry_ms > 0 && limits->rounds > 0 && limits->cohort <= FED_COHORT_MAX);
    for (uint32_t i = 0; i < member_count; i++) {
        PN_ASSERT(i == 0 || members[i - 1].number < members[i].number);
        members[i] = (struct fed_round_member){.number = members[i].number};
    }
    *round = (struct fed_round){
        .limits       = *limits,
        .members      = members,
        .member_count = member_count,
        .phase        = FED_GATHER,
        .best         = (double)NAN,
    };
}

static struct fed_round_member *
find_member(const struct fed_round *round, uint32_t number)
{
    uint32_t low = 0, high = round->member_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (round->members[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == round->member_count || round->members[low].number != number)
        return NULL;
    return &round->members[low];
}

static bool
is_stale(const struct fed_round *round, const struct fed_event *event)
{
    return event->round != round->round || event->attempt != round->attempt;
}

static bool
is_collecting(const struct fed_round *round)
{
    return round->phase == FED_INVITE || round->phase == FED_TRAIN || round->phase == FED_COLLECT;
}

/* ---- events of members ---------------------------------------------------------------- */

static enum pn_status
on_up(struct fed_turn *turn, struct fed_round_member *member, const struct fed_event *event)
{
    if (event->height > turn->round->height)
        return PN_EPEER_VALUE;
    member->connected = true;
    member->height    = event->height;
    /* Its process may be a new one, which knows nothing of the job. */
    fed_turn_add(
        turn, &(struct fed_effect){.kind = FED_SEND, .type = WIRE_OFFER, .member = member->number});
    fed_phase_ask(turn, member);
    fed_phase_follow(turn, member);
    fed_phase_check(turn, false);
    return PN_OK;
}

static enum pn_status
on_down(struct fed_turn *turn, struct fed_round_member *member)
{
    member->connected = false;
    fed_phase_check(turn, false);
    return PN_OK;
}

static void
withdraw(struct fed_turn *turn, struct fed_round_member *member)
{
    member->joined = member->surveyed = false;
    member->refused                   = true;
    if (is_collecting(turn->round) && member->part != FED_OUT && member->part != FED_VALID &&
        member->part != FED_LOST)
        fed_phase_lose(turn, member, WIRE_ABSENT_REFUSED);
    if (turn->round->phase == FED_EVALUATE)
        member->excused = true;
}

static enum pn_status
on_answered(struct fed_turn *turn, struct fed_round_member *member, const struct fed_event *event)
{
    bool joined_before = member->joined;
    if (event->accepted) {
        member->joined  = true;
        member->refused = false;
        member->records = event->records;
        fed_phase_ask(turn, member);
    } else {
        withdraw(turn, member);
    }
    if (!joined_before)
        fed_phase_follow(turn, member);
    fed_phase_check(turn, false);
    return PN_OK;
}

static enum pn_status
on_surveyed(struct fed_turn *turn, struct fed_round_member *member)
{
    if (member->surveyed)
        return PN_OK;
    if (turn->round->phase != FED_SURVEY || !member->joined)
        return PN_EPEER_STATE;
    member->surveyed = true;
    fed_phase_check(turn, false);
    return PN_OK;
}

static enum pn_status
on_accept(struct fed_turn *turn, struct fed_round_member *member, const struct fed_event *event)
{
    if (is_stale(turn->round, event))
        return PN_EPEER_STALE;
    switch (member->part) {
    case FED_OUT:
        return turn->round->phase < FED_INVITE ? PN_EPEER_STATE : PN_EPEER_VALUE;
    case FED_ACCEPTED:
    case FED_ANNOUNCED:
    case FED_VALID:
        return PN_OK; /* again */
    case FED_LOST:
        return PN_EPEER_STATE;
    case FED_INVITED:
        member->part    = FED_ACCEPTED;
        member->records = event->records;
        fed_phase_check(turn, false);
        return PN_OK;
    }
    PN_UNREACHABLE("part");
}

static enum pn_status
announce(struct fed_turn *turn, struct fed_round_member *member, const struct fed_event *event)
{
    if (turn->round->phase != FED_TRAIN)
        return PN_EPEER_STATE;
    if (event->blob.size != turn->round->limits.update_size || event->weight == 0 ||
        event->weight > turn->round->limits.weight_max)
        return PN_EPEER_VALUE;
    member->part   = FED_ANNOUNCED;
    member->update = event->blob;
    member->weight = event->weight;
    memcpy(member->signature, event->signature, sizeof member->signature);
    fed_turn_add(turn, &(struct fed_effect){
                           .kind = FED_PULL, .member = member->number, .blob = member->update});
    fed_phase_check(turn, false);
    return PN_OK;
}

static enum pn_status
on_update(struct fed_turn *turn, struct fed_round_member *member, const struct fed_event *event)
{
    if (is_stale(turn->round, event))
        return PN_EPEER_STALE;
    switch (member->part) {
    case FED_OUT:
        return turn->round->phase < FED_INVITE ? PN_EPEER_STATE : PN_EPEER_VALUE;
    case FED_INVITED:
        return PN_EPEER_STATE;
    case FED_LOST:
        return PN_EPEER_STALE; /* too late for this attempt */
    case FED_ANNOUNCED:
    case FED_VALID:
        return sec_blob_equal(&event->blob, &member->update) && event->weight == member->weight
                   ? PN_OK
                   : PN_EPEER_VALUE;
    case FED_ACCEPTED:
        return announce(turn, member, event);
    }
    PN_UNREACHABLE("part");
}

/* The host is done with a staged update; of an attempt that is over, it is nothing any more. */
static enum pn_status
on_staged(struct fed_turn *turn, struct fed_round_member *member, const struct fed_event *event)
{
    if (member->part != FED_ANNOUNCED || !sec_blob_equal(&event->blob, &member->update))
        return PN_EPEER_STALE;
    if (event->kind == FED_STAGED) {
        member->part = FED_VALID;
        member->norm = event->norm;
    } else {
        fed_phase_lose(turn, member, WIRE_ABSENT_INVALID);
    }
    fed_phase_check(turn, false);
    return PN_OK;
}

static enum pn_status
fault_of_cohort(struct fed_turn *turn, struct fed_round_member *member)
{
    if (member->part == FED_OUT)
        return PN_EPEER_VALUE;
    if (member->part == FED_VALID || member->part == FED_LOST)
        return PN_OK; /* counted or gone already */
    fed_phase_lose(turn, member, WIRE_ABSENT_FAULT);
    fed_phase_check(turn, false);
    return PN_OK;
}

static enum pn_status
on_fault(struct fed_turn *turn, struct fed_round_member *member, const struct fed_event *event)
{
    const struct fed_round *round = turn->round;
    if (is_stale(round, event))
        return PN_EPEER_STALE;
    if (is_collecting(round))
        return fault_of_cohort(turn, member);
    bool asked = (round->phase == FED_SURVEY && member->joined) ||
                 (round->phase == FED_EVALUATE && member->part == FED_VALID);
    if (!asked)
        return PN_EPEER_STATE;
    member->excused = true;
    fed_phase_check(turn, false);
    return PN_OK;
}

static enum pn_status
on_metrics(struct fed_turn *turn, struct fed_round_member *member, const struct fed_event *event)
{
    if (is_stale(turn->round, event))
        return PN_EPEER_STALE;
    if (member->evaluated)
        return PN_OK;
    if (turn->round->phase < FED_EVALUATE)
        return PN_EPEER_STATE;
    if (member->part != FED_VALID)
        return PN_EPEER_VALUE;
    if (turn->round->phase != FED_EVALUATE || turn->round->scoring)
        return PN_EPEER_STALE;
    member->evaluated = true;
    fed_phase_check(turn, false);
    return PN_OK;
}

static enum pn_status
on_countersigned(struct fed_turn *turn, struct fed_round_member *member,
                 const struct fed_event *event)
{
    if (event->height > turn->round->height)
        return PN_EPEER_VALUE;
    if (event->height <= member->height)
        return PN_OK;
    member->height = event->height;
    if (member->height < turn->round->height)
        fed_phase_follow(turn, member);
    if (turn->round->phase == FED_CLOSE)
        fed_phase_check(turn, false);
    return PN_OK;
}

/* ---- the step ------------------------------------------------------------------------- */

static void
on_retry(struct fed_turn *turn)
{
    struct fed_round *round = turn->round;
    if (turn->now < round->retry_at)
        return;
    round->retry_at = pn_ms_add(turn->now, round->limits.retry_ms);
    fed_phase_ask_all(turn);
}

/* Apart from the retries, so that phases that follow each other quickly cannot starve it. */
static void
on_follow(struct fed_turn *turn)
{
    struct fed_round *round = turn->round;
    if (turn->now < round->follow_at)
        return;
    round->follow_at = pn_ms_add(turn->now, round->limits.retry_ms);
    for (uint32_t i = 0; i < round->member_count; i++) {
        struct fed_round_member *member = &round->members[i];
        if (member->connected && !member->joined && !member->refused)
            fed_phase_send(turn, member, WIRE_OFFER);
        if (fed_phase_owes(round, member))
            fed_phase_follow(turn, member);
    }
}

static enum pn_status
member_event(struct fed_turn *turn, struct fed_round_member *member, const struct fed_event *event)
{
    switch (event->kind) {
    case FED_ANSWERED:
        return on_answered(turn, member, event);
    case FED_SURVEYED:
        return on_surveyed(turn, member);
    case FED_ACCEPT:
        return on_accept(turn, member, event);
    case FED_UPDATE:
        return on_update(turn, member, event);
    case FED_FAULT:
        return on_fault(turn, member, event);
    case FED_METRICS:
        return on_metrics(turn, member, event);
    case FED_COUNTERSIGNED:
        return on_countersigned(turn, member, event);
    default: /* take_event sends the seven above only */
        return PN_EPEER_STATE;
    }
}

/* What a node sent: counted, and only heard in a session. */
static enum pn_status
take_message(struct fed_turn *turn, const struct fed_event *event)
{
    struct fed_round        *round  = turn->round;
    struct fed_round_member *member = find_member(round, event->member);
    enum pn_status           status = PN_EPEER_VALUE;
    if (member != NULL)
        status = member->connected ? member_event(turn, member, event) : PN_EPEER_STATE;

    if (status == PN_OK)
        round->counters.accepted++;
    else if (status == PN_EPEER_STALE)
        round->counters.discarded++;
    else
        round->counters.rejected++;
    return status;
}

static enum pn_status
take_host_word(struct fed_turn *turn, const struct fed_event *event)
{
    struct fed_round_member *member = find_member(turn->round, event->member);
    if (member == NULL)
        return PN_EPEER_VALUE;
    if (event->kind == FED_UP)
        return on_up(turn, member, event);
    if (event->kind == FED_DOWN)
        return on_down(turn, member);
    return on_staged(turn, member, event);
}

static enum pn_status
take_event(struct fed_turn *turn, const struct fed_event *event)
{
    switch (event->kind) {
    case FED_START:
        return PN_EPEER_STATE; /* a second one */
    case FED_TICK:
        return PN_OK;
    case FED_UP:
    case FED_DOWN:
    case FED_STAGED:
    case FED_INVALID:
        return take_host_word(turn, event);
    case FED_ANSWERED:
    case FED_SURVEYED:
    case FED_ACCEPT:
    case FED_UPDATE:
    case FED_FAULT:
    case FED_METRICS:
    case FED_COUNTERSIGNED:
        return take_message(turn, event);
    case FED_PREPARED:
    case FED_AGGREGATED:
    case FED_SCORED:
    case FED_COMMITTED:
        return fed_phase_done(turn, event);
    case FED_BROKEN:
        fed_phase_broken(turn);
        return PN_OK;
    }
    PN_UNREACHABLE("event");
}

enum pn_status
fed_round_step(struct fed_round *round, pn_ms now, const struct fed_event *event,
               struct fed_effects *effects)
{
    PN_ASSERT(effects->capacity >= fed_round_effects_max(round->member_count));
    struct fed_turn turn = {.round = round, .now = now, .effects = effects};
    effects->count       = 0;

    if (!round->started) {
        if (event->kind != FED_START)
            return PN_EPEER_STATE;
        fed_phase_start(&turn, event);
        return PN_OK;
    }
    if (round->phase != FED_ENDED && now >= round->deadline)
        fed_phase_check(&turn, true);
    if (round->phase == FED_ENDED)
        return event->kind == FED_TICK || event->kind == FED_DOWN ? PN_OK : PN_EPEER_STATE;
    on_retry(&turn);
    on_follow(&turn);
    return take_event(&turn, event);
}

pn_ms
fed_round_deadline(const struct fed_round *round)
{
    if (!round->started || round->phase == FED_ENDED)
        return UINT64_MAX;
    pn_ms retry = round->retry_at < round->follow_at ? round->retry_at : round->follow_at;
    return round->deadline < retry ? round->deadline : retry;
}
