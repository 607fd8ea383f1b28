#include "fed/swarm.h"

#include "fed/draw.h"

#include <string.h>

enum {
    STATUS_MS  = 5000,
    RETRY_MS   = 1000,
    LINGER_MS  = 10000,
    PROPOSE_MS = 10000,
    VOTE_MS    = 2000,
    GROW_MS    = 2000,
    REPEAT_MS  = 2000,
    SOON_MS    = 100
};

/* One call of step: what its functions share. */
struct turn {
    struct fed_swarm *swarm;
    pn_ms             now;
    fed_swarm_emit   *emit;
    void             *host;
};

static void
emit(const struct turn *turn, const struct fed_swarm_effect *effect)
{
    turn->emit(turn->host, effect);
}

void
fed_swarm_limits_from_job(struct fed_swarm_limits *out, const struct fed_job *job)
{
    *out = (struct fed_swarm_limits){.consensus      = {.propose_ms = PROPOSE_MS,
                                                        .vote_ms    = VOTE_MS,
                                                        .grow_ms    = GROW_MS,
                                                        .repeat_ms  = REPEAT_MS},
                                     .rounds         = job->rounds,
                                     .cohort         = job->cohort,
                                     .quorum         = job->quorum,
                                     .evaluate_every = job->evaluate_every,
                                     .seed           = job->seed,
                                     .away_ms        = job->invite_ms,
                                     .gather_ms      = job->gather_ms,
                                     .collect_ms     = pn_ms_add(job->train_ms, job->collect_ms),
                                     .evaluate_ms    = job->evaluate_ms,
                                     .status_ms      = STATUS_MS,
                                     .retry_ms       = RETRY_MS,
                                     .linger_ms      = LINGER_MS};
}

/* ---- what a height is made of ---- */

static uint32_t
count(const struct fed_swarm *swarm)
{
    return swarm->limits.consensus.members;
}

bool
fed_swarm_is_last(const struct fed_swarm *swarm)
{
    return swarm->round > swarm->limits.rounds;
}

bool
fed_swarm_wants(const struct fed_swarm *swarm, uint32_t member, enum fed_part_kind part)
{
    const struct fed_swarm_member *of = &swarm->members[member];
    if (part == FED_UPDATE_PART)
        return of->drawn > 0;
    return of->parts[part].state != FED_PART_NONE || (!of->joined && !swarm->finished);
}

bool
fed_swarm_is_drawn(const struct fed_swarm *swarm, uint32_t member, uint32_t draw)
{
    uint32_t drawn = swarm->members[member].drawn;
    return drawn > 0 && drawn <= draw && draw <= swarm->draws;
}

uint32_t
fed_swarm_here(const struct fed_swarm *swarm)
{
    uint32_t here = 1;
    for (uint32_t i = 0; i < count(swarm); i++)
        here += swarm->members[i].connected;
    return here;
}

uint32_t
fed_swarm_count(const struct fed_swarm *swarm, enum fed_part_kind part)
{
    uint32_t here = 0;
    for (uint32_t i = 0; i < count(swarm); i++)
        here += swarm->members[i].parts[part].state == FED_PART_HERE &&
                (part == FED_REPORT_PART || fed_swarm_is_drawn(swarm, i, swarm->draw));
    return here;
}

static void
want(struct fed_swarm *swarm, uint32_t member, enum fed_part_kind part)
{
    swarm->members[member].parts[part].state = FED_PART_WANTED;
}

/* All draws of the round: each makes the cohort twice as large; the last is who has not joined. */
static void
draw_cohorts(struct fed_swarm *swarm)
{
    struct fed_draw draw;
    uint32_t        left = 0, in = 0;
    fed_draw_begin(&draw, swarm->limits.seed, swarm->round, swarm->limits.cohort);
    for (uint32_t i = 0; i < count(swarm); i++)
        left += swarm->members[i].joined;
    while (left > 0) {
        swarm->draws++;
        draw.left   = left;
        draw.wanted = in > 0 ? in : draw.wanted;
        for (uint32_t i = 0; i < count(swarm); i++) {
            struct fed_swarm_member *of = &swarm->members[i];
            if (!of->joined || of->drawn > 0 || !fed_draw_next(&draw))
                continue;
            of->drawn = swarm->draws;
            in++;
            left--;
        }
    }
    swarm->draws += in < count(swarm);
    for (uint32_t i = 0; i < count(swarm); i++)
        if (swarm->members[i].drawn == 0)
            swarm->members[i].drawn = swarm->draws;
}

/* Whoever is ahead of us may have announced its update already. */
static void
next_draw(struct fed_swarm *swarm, pn_ms now)
{
    swarm->draw++;
    swarm->due = pn_ms_add(now, swarm->limits.collect_ms);
    for (uint32_t i = 0; i < count(swarm); i++) {
        struct fed_swarm_member *of = &swarm->members[i];
        if (of->drawn == swarm->draw && of->parts[FED_UPDATE_PART].state == FED_PART_NONE)
            want(swarm, i, FED_UPDATE_PART);
    }
    if (swarm->members[swarm->limits.consensus.self].drawn == swarm->draw)
        swarm->asked_own = false;
}

/* The model of the round before is measured when a coordinator would have had it measured. */
static bool
is_measured(const struct fed_swarm *swarm)
{
    return swarm->height > 1 &&
           ((swarm->round - 1) % swarm->limits.evaluate_every == 0 || fed_swarm_is_last(swarm));
}

bool
fed_swarm_measures(const struct fed_swarm *swarm, uint32_t member)
{
    return is_measured(swarm) && swarm->members[member].counted;
}

static void
want_reports(struct fed_swarm *swarm)
{
    if (!is_measured(swarm))
        return;
    for (uint32_t i = 0; i < count(swarm); i++)
        if (swarm->members[i].counted)
            want(swarm, i, FED_REPORT_PART);
}

static pn_ms
time_of(const struct fed_swarm *swarm)
{
    if (swarm->height == 0)
        return swarm->limits.gather_ms;
    return fed_swarm_is_last(swarm) ? swarm->limits.evaluate_ms : swarm->limits.collect_ms;
}

void
fed_swarm_start(struct fed_swarm *swarm, pn_ms now)
{
    swarm->round = swarm->height == 0 ? 0 : swarm->round;
    swarm->ready = swarm->asked_own = false;
    swarm->held_count = swarm->draw = swarm->draws = 0;
    for (uint32_t i = 0; i < count(swarm); i++) {
        swarm->members[i].drawn = 0;
        memset(swarm->members[i].parts, 0, sizeof swarm->members[i].parts);
        if (!swarm->begun)
            swarm->members[i].since = now;
    }
    swarm->begun = true;
    if (swarm->finished) {
        swarm->end_at = pn_ms_add(now, swarm->limits.linger_ms);
        return;
    }
    fed_consensus_init(&swarm->consensus, &swarm->limits.consensus, swarm->consensus.voters,
                       swarm->height);
    swarm->due = pn_ms_add(now, time_of(swarm));
    if (swarm->height == 0) {
        for (uint32_t i = 0; i < count(swarm); i++)
            want(swarm, i, FED_REPORT_PART);
        return;
    }
    want_reports(swarm);
    if (fed_swarm_is_last(swarm))
        return;
    draw_cohorts(swarm);
    next_draw(swarm, now);
}

void
fed_swarm_init(struct fed_swarm *swarm, const struct fed_swarm_limits *limits,
               struct fed_swarm_member *members, struct fed_voter *voters)
{
    PN_ASSERT(limits->consensus.members > 0 && limits->quorum > 0 && limits->evaluate_every > 0);
    memset(members, 0, limits->consensus.members * sizeof *members);
    *swarm = (struct fed_swarm){.limits    = *limits,
                                .members   = members,
                                .consensus = {.voters = voters},
                                .retry_at  = UINT64_MAX,
                                .end_at    = UINT64_MAX};
}

void
fed_swarm_take(struct fed_swarm *swarm, const struct wire_block *block, const uint32_t *places)
{
    for (uint32_t i = 0; i < count(swarm); i++)
        swarm->members[i].counted = false;
    for (size_t i = 0; i < block->entry_count + block->agreement->report_count; i++)
        if (places[i] < count(swarm)) {
            swarm->members[places[i]].joined = true;
            swarm->members[places[i]].counted |= i < block->entry_count;
        }
    swarm->height   = block->height + 1;
    swarm->round    = block->round + 1;
    swarm->finished = block->kind == WIRE_BLOCK_FINISH;
}

/* ---- readiness ---- */

static bool
is_away(const struct fed_swarm *swarm, uint32_t member)
{
    const struct fed_swarm_member *of = &swarm->members[member];
    return member != swarm->limits.consensus.self && !of->connected &&
           swarm->now >= pn_ms_add(of->since, swarm->limits.away_ms);
}

/* What earlier draws asked for had its time: it counts when it comes, and is not waited for. */
static bool
is_awaited(const struct fed_swarm *swarm, uint32_t member, enum fed_part_kind part)
{
    const struct fed_swarm_member *of    = &swarm->members[member];
    enum fed_part_state            state = of->parts[part].state;
    return (state == FED_PART_WANTED || state == FED_PART_ANNOUNCED) &&
           (part == FED_UPDATE_PART ? of->drawn == swarm->draw : swarm->draw <= 1);
}

/* The time is up, or nothing is waited for any more. */
static bool
is_complete(const struct fed_swarm *swarm)
{
    for (uint32_t i = 0; i < count(swarm) && swarm->now < swarm->due; i++)
        if (!is_away(swarm, i) &&
            (is_awaited(swarm, i, FED_UPDATE_PART) || is_awaited(swarm, i, FED_REPORT_PART)))
            return false;
    return true;
}

static bool
has_quorum(const struct fed_swarm *swarm)
{
    if (swarm->height == 0)
        return fed_swarm_count(swarm, FED_REPORT_PART) >= swarm->limits.quorum;
    return fed_swarm_is_last(swarm) ||
           fed_swarm_count(swarm, FED_UPDATE_PART) >= swarm->limits.quorum;
}

static void
pass_on(const struct turn *turn, const struct fed_consensus_effect *effect)
{
    struct fed_swarm *swarm = turn->swarm;
    if (effect->kind == FED_C_CHECK && !swarm->ready && swarm->draw <= 1 &&
        swarm->held_count < FED_C_BLOCKS) {
        swarm->held[swarm->held_count++] = effect->hash;
        return;
    }
    emit(turn, &(struct fed_swarm_effect){.kind = FED_S_AGREE, .consensus = *effect});
}

static enum pn_status
agree(const struct turn *turn, const struct fed_consensus_event *event)
{
    struct fed_consensus_effects effects;
    for (uint32_t i = 0; i < count(turn->swarm); i++)
        fed_consensus_away(&turn->swarm->consensus, i, is_away(turn->swarm, i));
    enum pn_status st = fed_consensus_step(&turn->swarm->consensus, turn->now, event, &effects);
    for (size_t i = 0; i < effects.count; i++)
        pass_on(turn, &effects.items[i]);
    return st;
}

bool
fed_swarm_is_short(const struct fed_swarm *swarm)
{
    return !swarm->finished && !swarm->ready && swarm->draw == swarm->draws && !has_quorum(swarm) &&
           is_complete(swarm);
}

/* Proposals that waited for the first draw: they may be looked at now. */
static void
release(const struct turn *turn)
{
    struct fed_swarm *swarm = turn->swarm;
    for (uint32_t i = 0; i < swarm->held_count; i++)
        emit(turn,
             &(struct fed_swarm_effect){
                 .kind = FED_S_AGREE, .consensus = {.kind = FED_C_CHECK, .hash = swarm->held[i]}});
    swarm->held_count = 0;
}

/* Also when we are ready, but no block came for as long again: others may lack what we have. */
static void
draw_more(const struct turn *turn)
{
    struct fed_swarm *swarm = turn->swarm;
    while (!swarm->consensus.decided && swarm->draw < swarm->draws &&
           (swarm->ready ? turn->now >= swarm->due : is_complete(swarm) && !has_quorum(swarm))) {
        next_draw(swarm, turn->now);
        release(turn);
    }
}

static void
become_ready(const struct turn *turn)
{
    struct fed_swarm *swarm = turn->swarm;
    if (swarm->ready || swarm->finished || !has_quorum(swarm) || !is_complete(swarm))
        return;
    swarm->ready = true;
    swarm->due   = pn_ms_add(turn->now, time_of(swarm)); /* for the agreement */
    release(turn);
    /* SAFE: an event of our own, that the machine always takes. */
    (void)!agree(turn, &(struct fed_consensus_event){.kind = FED_C_READY});
}

/* ---- our own part ---- */

/* Also when another member's block said first what we committed to in an earlier life. */
bool
fed_swarm_owes(const struct fed_swarm *swarm, enum fed_part_kind part)
{
    const struct fed_swarm_member *self  = &swarm->members[swarm->limits.consensus.self];
    enum fed_part_state            state = self->parts[part].state;
    return state == FED_PART_WANTED || state == FED_PART_ANNOUNCED ||
           (part == FED_REPORT_PART && state == FED_PART_NONE && !self->joined);
}

bool
fed_swarm_is_behind(const struct fed_swarm *swarm)
{
    uint32_t ahead = 0;
    for (uint32_t i = 0; i < count(swarm); i++)
        ahead += swarm->members[i].connected && swarm->members[i].height > swarm->height;
    return ahead > swarm->limits.consensus.liars;
}

static void
contribute(const struct turn *turn)
{
    struct fed_swarm *swarm = turn->swarm;
    if (!swarm->able || swarm->asked_own || swarm->finished || fed_swarm_is_behind(swarm) ||
        (!fed_swarm_owes(swarm, FED_UPDATE_PART) && !fed_swarm_owes(swarm, FED_REPORT_PART)))
        return;
    swarm->asked_own = true;
    emit(turn, &(struct fed_swarm_effect){.kind = FED_S_CONTRIBUTE});
}

static void
announce(const struct turn *turn, uint32_t member)
{
    emit(turn, &(struct fed_swarm_effect){.kind = FED_S_ANNOUNCE, .member = member});
}

/* ---- others that are ahead ---- */

static void
ask(const struct turn *turn)
{
    struct fed_swarm *swarm = turn->swarm;
    swarm->retry_at         = UINT64_MAX;
    for (uint32_t i = 1; i <= count(swarm); i++) {
        uint32_t                       member = (swarm->asked + i) % count(swarm);
        const struct fed_swarm_member *of     = &swarm->members[member];
        if (!of->connected || of->height <= swarm->height)
            continue;
        swarm->asked    = member;
        swarm->retry_at = pn_ms_add(turn->now, swarm->limits.retry_ms);
        emit(turn, &(struct fed_swarm_effect){.kind = FED_S_ASK, .member = member});
        return;
    }
}

static void
end(const struct turn *turn)
{
    struct fed_swarm *swarm = turn->swarm;
    bool              all   = true;
    if (!swarm->finished || swarm->ended)
        return;
    for (uint32_t i = 0; i < count(swarm); i++)
        all =
            all && (i == swarm->limits.consensus.self || swarm->members[i].height >= swarm->height);
    if (!all && turn->now < swarm->end_at)
        return;
    swarm->ended = true;
    emit(turn, &(struct fed_swarm_effect){.kind = FED_S_END});
}

static pn_ms
earlier(pn_ms a, pn_ms b)
{
    return a < b ? a : b;
}

/* ---- events ---- */

/* It reached our height, and may have missed what we said of it while it was behind. */
static void
see(const struct turn *turn, uint32_t member, uint64_t height)
{
    struct fed_swarm        *swarm = turn->swarm;
    struct fed_swarm_member *of    = &swarm->members[member];
    bool                     joins = of->height < swarm->height && height == swarm->height;
    if (of->height < height)
        of->height = height;
    if (joins && !swarm->finished)
        announce(turn, member);
    if (height > swarm->height && swarm->retry_at == UINT64_MAX)
        ask(turn);
}

static void
on_up(const struct turn *turn, uint32_t member, uint64_t height)
{
    struct fed_swarm_member *of = &turn->swarm->members[member];
    if (!of->connected)
        of->since = turn->now;
    of->connected = true;
    of->height    = height; /* said anew */
    if (height > turn->swarm->height && turn->swarm->retry_at == UINT64_MAX)
        ask(turn);
    if (height < turn->swarm->height || turn->swarm->finished)
        return;
    announce(turn, member);
}

static void
on_down(const struct turn *turn, uint32_t member)
{
    struct fed_swarm_member *of = &turn->swarm->members[member];
    if (of->connected)
        of->since = turn->now;
    of->connected = false;
}

static enum pn_status
on_announced(const struct turn *turn, const struct fed_swarm_event *event)
{
    struct fed_swarm        *swarm = turn->swarm;
    struct fed_contribution *part  = &swarm->members[event->member].parts[event->part];
    if (event->height != swarm->height || !fed_swarm_wants(swarm, event->member, event->part))
        return PN_EPEER_STALE;
    if (part->state == FED_PART_ANNOUNCED || part->state == FED_PART_HERE)
        return sec_blob_equal(&part->blob, &event->contribution->blob) &&
                       part->weight == event->contribution->weight
                   ? PN_OK
                   : PN_EPEER_STATE;
    if (part->state == FED_PART_LOST && part->absence != WIRE_ABSENT_FAULT)
        return PN_EPEER_STALE;
    *part       = *event->contribution;
    part->state = FED_PART_ANNOUNCED;
    if (event->member != swarm->limits.consensus.self)
        emit(turn, &(struct fed_swarm_effect){
                       .kind = FED_S_PULL, .member = event->member, .part = event->part});
    return PN_OK;
}

static enum pn_status
on_here(const struct turn *turn, const struct fed_swarm_event *event)
{
    struct fed_swarm        *swarm = turn->swarm;
    struct fed_contribution *part  = &swarm->members[event->member].parts[event->part];
    if (event->height != swarm->height || part->state != FED_PART_ANNOUNCED)
        return PN_EPEER_STALE;
    part->state = FED_PART_HERE;
    part->norm  = event->norm;
    if (event->member == swarm->limits.consensus.self)
        announce(turn, event->member);
    return PN_OK;
}

static enum pn_status
on_lost(const struct turn *turn, const struct fed_swarm_event *event)
{
    struct fed_swarm        *swarm = turn->swarm;
    struct fed_contribution *part  = &swarm->members[event->member].parts[event->part];
    bool early = part->state == FED_PART_NONE && event->part == FED_UPDATE_PART &&
                 fed_swarm_wants(swarm, event->member, event->part);
    if (event->height != swarm->height ||
        (part->state != FED_PART_WANTED && part->state != FED_PART_ANNOUNCED && !early))
        return PN_EPEER_STALE;
    part->state   = FED_PART_LOST;
    part->absence = event->absence;
    return PN_OK;
}

static void
on_committed(const struct turn *turn)
{
    struct fed_swarm *swarm = turn->swarm;
    fed_swarm_start(swarm, turn->now);
    if (!fed_swarm_is_behind(swarm))
        swarm->status_at = turn->now;
    ask(turn);
    /* Who is at this height already has not heard from us since. */
    for (uint32_t i = 0; i < count(swarm); i++)
        if (swarm->members[i].connected && swarm->members[i].height == swarm->height &&
            !swarm->finished)
            announce(turn, i);
}

static void
on_time(const struct turn *turn)
{
    struct fed_swarm *swarm = turn->swarm;
    if (turn->now >= swarm->retry_at)
        ask(turn);
    if (!swarm->finished && !swarm->consensus.decided)
        (void)!agree(turn, &(struct fed_consensus_event){.kind = FED_C_TICK});
}

static enum pn_status
take(const struct turn *turn, const struct fed_swarm_event *event)
{
    struct fed_swarm *swarm = turn->swarm;
    switch (event->kind) {
    case FED_S_TICK:
        on_time(turn);
        return PN_OK;
    case FED_S_UP:
        on_up(turn, event->member, event->height);
        return PN_OK;
    case FED_S_DOWN:
        on_down(turn, event->member);
        return PN_OK;
    case FED_S_SEEN:
        see(turn, event->member, event->height);
        return PN_OK;
    case FED_S_REACH:
        swarm->status_at = earlier(swarm->status_at, pn_ms_add(turn->now, SOON_MS));
        return PN_OK;
    case FED_S_ABLE:
        swarm->able = true;
        return PN_OK;
    case FED_S_ANNOUNCED:
        return on_announced(turn, event);
    case FED_S_HERE:
        return on_here(turn, event);
    case FED_S_LOST:
        return on_lost(turn, event);
    case FED_S_AGREED:
        return swarm->finished ? PN_EPEER_STALE : agree(turn, event->consensus);
    case FED_S_COMMITTED:
        on_committed(turn);
        return PN_OK;
    }
    return PN_EPEER_VALUE;
}

enum pn_status
fed_swarm_step(struct fed_swarm *swarm, pn_ms now, const struct fed_swarm_event *event,
               fed_swarm_emit *to, void *host)
{
    const struct turn turn = {.swarm = swarm, .now = now, .emit = to, .host = host};
    if (event->kind != FED_S_TICK && event->kind != FED_S_AGREED &&
        event->kind != FED_S_COMMITTED && event->kind != FED_S_ABLE &&
        event->member >= count(swarm))
        return PN_EPEER_VALUE;
    swarm->now        = now;
    enum pn_status st = take(&turn, event);
    draw_more(&turn);
    contribute(&turn);
    become_ready(&turn);
    if (now >= swarm->status_at) {
        swarm->status_at = pn_ms_add(now, swarm->limits.status_ms);
        emit(&turn, &(struct fed_swarm_effect){.kind = FED_S_STATUS});
    }
    end(&turn);
    return st;
}

/* When somebody who is waited for will have been away for too long. */
static pn_ms
next_away(const struct fed_swarm *swarm)
{
    pn_ms next = UINT64_MAX;
    for (uint32_t i = 0; i < count(swarm); i++) {
        const struct fed_swarm_member *of = &swarm->members[i];
        bool counts                       = i != swarm->limits.consensus.self && !of->connected &&
                      pn_ms_add(of->since, swarm->limits.away_ms) > swarm->now;
        if (counts &&
            (is_awaited(swarm, i, FED_UPDATE_PART) || is_awaited(swarm, i, FED_REPORT_PART)))
            next = earlier(next, pn_ms_add(of->since, swarm->limits.away_ms));
    }
    return next;
}

pn_ms
fed_swarm_deadline(const struct fed_swarm *swarm)
{
    pn_ms next = earlier(swarm->status_at, swarm->retry_at);
    if (swarm->ended)
        return UINT64_MAX;
    if (swarm->finished)
        return earlier(next, swarm->end_at);
    if (swarm->draw < swarm->draws && !swarm->consensus.decided)
        next = earlier(next, swarm->due);
    if (!swarm->ready && has_quorum(swarm))
        next = earlier(next, swarm->due);
    if (!swarm->ready)
        next = earlier(next, next_away(swarm));
    return earlier(next, fed_consensus_deadline(&swarm->consensus));
}
