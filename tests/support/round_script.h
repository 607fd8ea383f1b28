/*
 * tests/support/round_script -- plays events into fed/round on a virtual clock and writes down what
 * it asks for, one line per event:
 *
 *     [ 900] pull 2 | collect        effects in order, then the phase when it changed
 *     [ 950] (peer answered another round)
 */
#ifndef TESTS_SUPPORT_ROUND_SCRIPT_H
#define TESTS_SUPPORT_ROUND_SCRIPT_H

#include "fed/round.h"
#include "tests/support/trace.h"

#include <math.h>

enum {
    SCRIPT_MEMBERS = 8,
    UPDATE_SIZE    = 400
};

struct round_script {
    struct fed_round        round;
    struct fed_round_member members[SCRIPT_MEMBERS];
    struct fed_effect       items[7 * SCRIPT_MEMBERS + 8];
    struct fed_effects      effects;
    struct trace            trace;
    pn_ms                   now;
};

/* ---- events --------------------------------------------------------------------------- */

static inline struct sec_blob
blob_of(uint64_t size, uint32_t a, uint64_t b)
{
    struct sec_blob blob = {.size = size};
    pn_put_u32(blob.root.bytes, a);
    pn_put_u64(blob.root.bytes + 4, b);
    return blob;
}

static inline struct fed_event
of(enum fed_event_kind kind, uint32_t member)
{
    return (struct fed_event){.kind = kind, .member = member};
}

static inline struct fed_event
of_round(enum fed_event_kind kind, uint32_t member, uint64_t round, uint32_t attempt)
{
    return (struct fed_event){
        .kind = kind, .member = member, .round = round, .attempt = attempt, .records = 100};
}

static inline struct fed_event
start(void)
{
    return of(FED_START, 0);
}

static inline struct fed_event
tick(void)
{
    return of(FED_TICK, 0);
}

static inline struct fed_event
up(uint32_t member, uint64_t height)
{
    struct fed_event event = of(FED_UP, member);
    event.height           = height;
    return event;
}

static inline struct fed_event
down(uint32_t member)
{
    return of(FED_DOWN, member);
}

static inline struct fed_event
join(uint32_t member)
{
    struct fed_event event = of(FED_ANSWERED, member);
    event.accepted         = true;
    event.records          = 100;
    return event;
}

static inline struct fed_event
refuse(uint32_t member)
{
    return of(FED_ANSWERED, member);
}

static inline struct fed_event
accept(uint32_t member, uint64_t round, uint32_t attempt)
{
    return of_round(FED_ACCEPT, member, round, attempt);
}

/* A node's update depends on the round, not on the attempt. */
static inline struct fed_event
update(uint32_t member, uint64_t round, uint32_t attempt)
{
    struct fed_event event = of_round(FED_UPDATE, member, round, attempt);
    event.blob             = blob_of(UPDATE_SIZE, member, round);
    event.weight           = 100;
    return event;
}

static inline struct fed_event
staged(uint32_t member, uint64_t round)
{
    struct fed_event event = of(FED_STAGED, member);
    event.blob             = blob_of(UPDATE_SIZE, member, round);
    event.norm             = 1;
    return event;
}

static inline struct fed_event
invalid(uint32_t member, uint64_t round)
{
    struct fed_event event = staged(member, round);
    event.kind             = FED_INVALID;
    return event;
}

static inline struct fed_event
fault(uint32_t member, uint64_t round, uint32_t attempt)
{
    return of_round(FED_FAULT, member, round, attempt);
}

static inline struct fed_event
metrics(uint32_t member, uint64_t round, uint32_t attempt)
{
    return of_round(FED_METRICS, member, round, attempt);
}

static inline struct fed_event
countersign(uint32_t member, uint64_t height)
{
    struct fed_event event = of(FED_COUNTERSIGNED, member);
    event.height           = height;
    return event;
}

static inline struct fed_event
prepared(void)
{
    struct fed_event event = of(FED_PREPARED, 0);
    event.blob             = blob_of(4000, 0, 0);
    return event;
}

static inline struct fed_event
aggregated(uint64_t round)
{
    struct fed_event event = of(FED_AGGREGATED, 0);
    event.blob             = blob_of(4000, 0, round);
    return event;
}

static inline struct fed_event
scored(double value)
{
    struct fed_event event = of(FED_SCORED, 0);
    event.value            = value;
    return event;
}

static inline struct fed_event
committed(uint64_t height)
{
    struct fed_event event = of(FED_COMMITTED, 0);
    event.height           = height;
    return event;
}

/* ---- the transcript ------------------------------------------------------------------- */

static inline void
trace_members(struct round_script *s, bool evaluated)
{
    const char *comma = " ";
    for (uint32_t i = 0; i < s->round.member_count; i++) {
        const struct fed_round_member *member = &s->members[i];
        if (evaluated ? member->evaluated : member->part == FED_VALID) {
            trace_add(&s->trace, "%s%u", comma, member->number);
            comma = ",";
        }
    }
}

static inline void
trace_effect(struct round_script *s, const struct fed_effect *effect)
{
    static const char *const blocks[]   = {"", "genesis", "round", "finish"};
    static const char *const outcomes[] = {"", "done", "stopped early", "failed"};
    switch (effect->kind) {
    case FED_SEND:
        trace_add(&s->trace, " %s %u", wire_type_text((uint16_t)effect->type), effect->member);
        if (effect->type == WIRE_COMMIT)
            trace_add(&s->trace, "#%u", (unsigned)effect->height);
        return;
    case FED_SUM:
        trace_add(&s->trace, " sum");
        return;
    case FED_PREPARE_MODEL:
        trace_add(&s->trace, " prepare");
        return;
    case FED_PULL:
        trace_add(&s->trace, " pull %u", effect->member);
        return;
    case FED_DROP:
        trace_add(&s->trace, " drop %u", effect->member);
        return;
    case FED_FOLD:
        trace_add(&s->trace, " fold");
        trace_members(s, false);
        return;
    case FED_SCORE:
        trace_add(&s->trace, " score");
        trace_members(s, true);
        return;
    case FED_WRITE:
        trace_add(&s->trace, " write %s#%u", blocks[effect->block], (unsigned)effect->height);
        return;
    case FED_END:
        trace_add(&s->trace, " END %s", outcomes[effect->outcome]);
        return;
    }
    PN_UNREACHABLE("effect");
}

static inline void
play(struct round_script *s, pn_ms now, struct fed_event event)
{
    enum fed_phase before = s->round.phase;
    PN_ASSERT(now >= s->now);
    s->now                = now;
    enum pn_status status = fed_round_step(&s->round, now, &event, &s->effects);
    trace_add(&s->trace, "[%4u]", (unsigned)now);
    for (size_t i = 0; i < s->effects.count; i++)
        trace_effect(s, &s->effects.items[i]);
    if (status != PN_OK)
        trace_add(&s->trace, " (%s)", pn_status_text(status));
    if (s->round.phase != before)
        trace_add(&s->trace, " | %s", fed_phase_text(s->round.phase));
    trace_add(&s->trace, "\n");
}

/* ---- the usual run -------------------------------------------------------------------- */

/* Retries are far away, so that a transcript shows one thing; the tests of retries set their own.
 */
static inline struct fed_round_limits
usual_limits(void)
{
    return (struct fed_round_limits){.evaluate_every = 1,
                                     .rounds         = 2,
                                     .cohort         = 3,
                                     .quorum         = 2,
                                     .attempts       = 3,
                                     .gather_ms      = 1000,
                                     .invite_ms      = 100,
                                     .train_ms       = 1000,
                                     .collect_ms     = 300,
                                     .evaluate_ms    = 200,
                                     .retry_ms       = 3600000,
                                     .backoff_ms     = 50,
                                     .linger_ms      = 500,
                                     .weight_max     = 1000,
                                     .update_size    = UPDATE_SIZE,
                                     .seed           = 7};
}

static inline void
script_init(struct round_script *s, const struct fed_round_limits *limits, uint32_t members)
{
    PN_ASSERT(members <= SCRIPT_MEMBERS);
    *s = (struct round_script){0};
    s->effects =
        (struct fed_effects){.items = s->items, .capacity = fed_round_effects_max(SCRIPT_MEMBERS)};
    for (uint32_t i = 0; i < members; i++)
        s->members[i].number = i + 1;
    fed_round_init(&s->round, limits, s->members, members);
}

/* Everybody joined at 10, the genesis block is durable and countersigned: INVITE of round 1. */
static inline void
script_begin(struct round_script *s, const struct fed_round_limits *limits, uint32_t members)
{
    script_init(s, limits, members);
    play(s, 0, start());
    for (uint32_t i = 1; i <= members; i++) {
        play(s, 10, up(i, 0));
        play(s, 10, join(i));
    }
    play(s, 10, prepared());
    play(s, 10, committed(1));
    for (uint32_t i = 1; i <= members; i++)
        play(s, 10, countersign(i, 1));
    PN_ASSERT(s->round.phase == FED_INVITE);
    trace_clear(&s->trace);
}

/* From INVITE to the next INVITE (or CLOSE), all at `now`, with members 1..count. */
static inline void
script_round(struct round_script *s, pn_ms now, uint32_t count, double score)
{
    uint64_t round   = s->round.round;
    uint32_t attempt = s->round.attempt;
    for (uint32_t i = 1; i <= count; i++)
        play(s, now, accept(i, round, attempt));
    for (uint32_t i = 1; i <= count; i++)
        play(s, now, update(i, round, attempt));
    for (uint32_t i = 1; i <= count; i++)
        play(s, now, staged(i, round));
    play(s, now, aggregated(round));
    for (uint32_t i = 1; i <= count; i++)
        play(s, now, metrics(i, round, attempt));
    play(s, now, scored(score));
    play(s, now, committed(s->round.height + 1));
    trace_clear(&s->trace);
}

#endif
