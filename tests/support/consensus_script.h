/*
 * tests/support/consensus_script -- plays events into fed/consensus on a virtual clock and writes
 * down what it asks for, one line per event; its own votes are handed in as a host does:
 *
 *     [ 300] prevote -@1                  none, in view 1
 *     [ 450] show 2 a@1 prevote b@2 (lock a@1)
 *     [ 460] (peer sent unacceptable numbers)
 *
 * Height 0: the leader of view v is member v - 1, modulo n. Blocks are letters.
 */
#ifndef TESTS_SUPPORT_CONSENSUS_SCRIPT_H
#define TESTS_SUPPORT_CONSENSUS_SCRIPT_H

#include "fed/consensus.h"
#include "tests/support/trace.h"

enum {
    SCRIPT_MEMBERS = 10
};

struct consensus_script {
    struct fed_consensus        machine;
    struct fed_voter            voters[SCRIPT_MEMBERS];
    struct fed_consensus_limits limits;
    struct trace                trace;
    bool                        mute; /* its own votes are not handed in */
};

static inline struct fed_consensus_limits
limits_of(uint32_t members, uint32_t self)
{
    struct fed_consensus_limits limits = {.members    = members,
                                          .self       = self,
                                          .propose_ms = 300,
                                          .vote_ms    = 150,
                                          .grow_ms    = 100,
                                          .repeat_ms  = 1000000};
    limits.quorum                      = fed_quorum_bft(members, &limits.liars);
    return limits;
}

static inline void
script_init(struct consensus_script *s, const struct fed_consensus_limits *limits)
{
    memset(s, 0, sizeof *s);
    s->limits = *limits;
    fed_consensus_init(&s->machine, limits, s->voters, 0);
}

/* '-' is none. */
static inline struct sec_hash
block(char name)
{
    struct sec_hash hash = {{0}};
    hash.bytes[31]       = name == '-' ? 0 : (uint8_t)name;
    return hash;
}

static inline char
name_of(const struct sec_hash *hash)
{
    return hash->bytes[31] == 0 ? '-' : (char)hash->bytes[31];
}

static inline struct fed_signed_vote
vote_of(uint32_t member, enum fed_step step, uint32_t view, char name)
{
    return (struct fed_signed_vote){.member = member,
                                    .vote   = {.view = view, .step = step, .hash = block(name)}};
}

/* ---- events ---- */

static inline struct fed_consensus_event
of(enum fed_consensus_event_kind kind)
{
    return (struct fed_consensus_event){.kind = kind};
}

static inline struct fed_consensus_event
about(enum fed_consensus_event_kind kind, char name)
{
    return (struct fed_consensus_event){.kind = kind, .hash = block(name), .good = true};
}

static inline struct fed_consensus_event
bad(char name)
{
    return (struct fed_consensus_event){.kind = FED_C_CHECKED, .hash = block(name)};
}

static inline struct fed_consensus_event
proposal(uint32_t view, char name)
{
    return (struct fed_consensus_event){.kind = FED_C_PROPOSAL, .view = view, .hash = block(name)};
}

static inline struct fed_consensus_event
vote(uint32_t member, enum fed_step step, uint32_t view, char name)
{
    return (struct fed_consensus_event){.kind = FED_C_VOTED,
                                        .vote = vote_of(member, step, view, name)};
}

/* With the prevotes of members 0 to count - 1 for it. */
static inline struct fed_consensus_event
proven(struct fed_consensus_event event, char name, uint32_t valid_view, uint32_t count)
{
    static struct fed_signed_vote votes[SCRIPT_MEMBERS];
    for (uint32_t i = 0; i < count; i++)
        votes[i] = vote_of(i, FED_PREVOTE, valid_view, name);
    event.hash       = block(name);
    event.valid_view = valid_view;
    event.votes      = votes;
    event.vote_count = count;
    return event;
}

/* ---- playing ---- */

static inline void
write_effect(struct trace *trace, const struct fed_consensus_effect *effect)
{
    char name = name_of(&effect->hash);
    switch (effect->kind) {
    case FED_C_BUILD:
        trace_add(trace, " build");
        return;
    case FED_C_PROPOSE:
        trace_add(trace, " propose %c@%u", name, effect->view);
        if (effect->valid_view != FED_NO_VIEW)
            trace_add(trace, " (valid @%u)", effect->valid_view);
        return;
    case FED_C_CHECK:
        trace_add(trace, " check %c", name);
        return;
    case FED_C_VOTE:
        trace_add(trace, " %s %c@%u", effect->vote.step == FED_PREVOTE ? "prevote" : "precommit",
                  name_of(&effect->vote.hash), effect->vote.view);
        if (effect->vote.lock_view != FED_NO_VIEW)
            trace_add(trace, " (lock %c@%u)", name_of(&effect->vote.lock), effect->vote.lock_view);
        return;
    case FED_C_SHOW:
        trace_add(trace, " show %u %c@%u", effect->member, name, effect->valid_view);
        return;
    case FED_C_DECIDE:
        trace_add(trace, " decide %c@%u", name, effect->view);
        return;
    case FED_C_CONVICT:
        trace_add(trace, " convict %u", effect->first.member);
        return;
    }
}

static inline enum pn_status
step_and_write(struct consensus_script *s, pn_ms now, const struct fed_consensus_event *event)
{
    struct fed_consensus_effects effects;
    enum pn_status               st = fed_consensus_step(&s->machine, now, event, &effects);
    for (size_t i = 0; i < effects.count; i++)
        write_effect(&s->trace, &effects.items[i]);
    for (size_t i = 0; i < effects.count && !s->mute; i++) {
        struct fed_consensus_event own = {.kind = FED_C_VOTED};
        own.vote.member                = s->limits.self;
        own.vote.vote                  = effects.items[i].vote;
        if (effects.items[i].kind == FED_C_VOTE && !s->machine.decided)
            EXPECT_OK(step_and_write(s, now, &own));
    }
    return st;
}

static inline void
play(struct consensus_script *s, pn_ms now, struct fed_consensus_event event)
{
    trace_add(&s->trace, "[%4llu]", (unsigned long long)now);
    enum pn_status st = step_and_write(s, now, &event);
    if (st != PN_OK)
        trace_add(&s->trace, " (%s)", pn_status_text(st));
    trace_add(&s->trace, "\n");
}

#endif
