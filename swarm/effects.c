#include "swarm/state.h"

#include <stdio.h>
#include <string.h>

enum {
    SHORT_AGAIN_MS = 60000
};

/* ---- saying something to one, or to everybody ---- */

/* Encodes anew for each: a frame is put together in the scratch where its body is. */
typedef enum pn_status encode_fn(struct pn_buffer *out, const void *message);

/* First what others forward: a forwarder that hears from us that the run is over has forwarded it.
 */
static void
say(struct swarm_engine *engine, uint32_t to, enum wire_type type, encode_fn *encode,
    const void *message)
{
    for (uint32_t near = 0; near < 2; near++)
        for (uint32_t i = 0; i < engine->count; i++)
            if ((to == engine->self || to == i) && swarm_is_open(engine, i) &&
                swarm_is_near(engine, i) == near &&
                encode(engine_scratch_begin(engine->config.scratch), message) == PN_OK)
                swarm_send(engine, i, type);
}

#define ENCODER(type)                                                                              \
    static enum pn_status encode_##type(struct pn_buffer *out, const void *message)                \
    {                                                                                              \
        return wire_##type##_encode(out, message);                                                 \
    }
ENCODER(update)
ENCODER(contribution)
ENCODER(fault)
ENCODER(propose)
ENCODER(vote)
ENCODER(ask)
ENCODER(status)

/* ---- our contributions ---- */

static bool
is_ours_here(const struct swarm_engine *engine, enum fed_part_kind part)
{
    return engine->ours.height == engine->machine.height && engine->ours.has[part] &&
           engine->parts[engine->self].parts[part].state == FED_PART_HERE;
}

static bool
is_ours_lost(const struct swarm_engine *engine, enum fed_part_kind part)
{
    return engine->fault[0] != '\0' &&
           engine->parts[engine->self].parts[part].state == FED_PART_LOST;
}

static void
announce_parts(struct swarm_engine *engine, uint32_t to)
{
    const struct swarm_ours *ours = &engine->ours;
    if (is_ours_here(engine, FED_UPDATE_PART)) {
        struct wire_update update = {.update = fed_blob_to_wire(&ours->blob[FED_UPDATE_PART]),
                                     .weight = ours->weight,
                                     .loss   = ours->loss};
        memcpy(update.signature, ours->signature[FED_UPDATE_PART], sizeof update.signature);
        say(engine, to, WIRE_UPDATE, encode_update, &update);
    }
    if (is_ours_here(engine, FED_REPORT_PART)) {
        struct wire_contribution report = {.report =
                                               fed_blob_to_wire(&ours->blob[FED_REPORT_PART])};
        memcpy(report.signature, ours->signature[FED_REPORT_PART], sizeof report.signature);
        say(engine, to, WIRE_REPORT, encode_contribution, &report);
    }
    if (is_ours_lost(engine, FED_UPDATE_PART) || is_ours_lost(engine, FED_REPORT_PART))
        say(engine, to, WIRE_FAULT, encode_fault, &(struct wire_fault){.reason = engine->fault});
}

/* ---- agreeing ---- */

/* A block with the quorum of prevotes that made it valid, if one did. */
static void
send_block(struct swarm_engine *engine, uint32_t to, enum wire_type type,
           const struct fed_consensus_effect *effect)
{
    const struct swarm_block *block = swarm_block_find(engine, &effect->hash);
    struct fed_signed_vote    proof[FED_SWARM_MAX];
    struct wire_vote          votes[FED_SWARM_MAX];
    if (block == NULL)
        return; /* a restart lost it; others have it */
    struct wire_propose message = {.view       = effect->view,
                                   .valid_view = effect->valid_view,
                                   .block      = {block->bytes.bytes, block->bytes.size},
                                   .votes      = votes};
    memcpy(message.signature, block->signature.bytes, sizeof message.signature);
    if (effect->valid_view != FED_NO_VIEW)
        message.vote_count = fed_consensus_proof(proof, &engine->machine.consensus,
                                                 effect->valid_view, &effect->hash);
    for (size_t i = 0; i < message.vote_count; i++)
        fed_vote_to_wire(&votes[i], &proof[i], engine->config.roster);
    say(engine, to, type, encode_propose, &message);
}

/* To who leads the view after this one. */
static void
show(struct swarm_engine *engine, const struct fed_consensus_effect *effect)
{
    struct fed_consensus_effect to_show = *effect;
    to_show.view                        = engine->machine.consensus.view + 1;
    send_block(engine, effect->member, WIRE_SHOW, &to_show);
}

static void
send_vote(struct swarm_engine *engine, uint32_t to, const struct fed_vote *vote)
{
    struct fed_signed_vote given = {.member = engine->self, .vote = *vote};
    struct wire_vote       message;
    fed_vote_sign(&given.signature, engine->run, vote, engine->config.secret);
    fed_vote_to_wire(&message, &given, engine->config.roster);
    say(engine, to, WIRE_VOTE, encode_vote, &message);
    if (to == engine->self)
        swarm_raise_consensus(engine, engine->now,
                              &(struct fed_consensus_event){.kind = FED_C_VOTED, .vote = given});
}

/* Once a member; the block of whoever leads next shows it to everybody. */
static void
convict(struct swarm_engine *engine, const struct fed_consensus_effect *effect)
{
    struct wire_conviction conviction;
    fed_vote_to_wire(&conviction.first, &effect->first, engine->config.roster);
    fed_vote_to_wire(&conviction.other, &effect->other, engine->config.roster);
    if (!swarm_evidence_add(&engine->evidence, &conviction))
        return;
    swarm_evidence_save(&engine->evidence, engine->config.disk);
    swarm_tell(engine, &(struct swarm_notice){.kind   = SWARM_CONVICTED,
                                              .member = conviction.first.member,
                                              .view   = conviction.first.view});
}

static void
decide(struct swarm_engine *engine, const struct fed_consensus_effect *effect)
{
    const struct swarm_block *block = swarm_block_find(engine, &effect->hash);
    struct fed_certificate    certificate;
    PN_ASSERT(block != NULL); /* it was found good, so it is here */
    swarm_certificate_from(&certificate, engine, effect->view, &effect->hash);
    swarm_commit(engine, block, &certificate);
}

static void
perform_agree(struct swarm_engine *engine, const struct fed_consensus_effect *effect)
{
    switch (effect->kind) {
    case FED_C_BUILD:
        engine->build_view = engine->machine.consensus.view;
        swarm_block_build(engine);
        return;
    case FED_C_PROPOSE:
        if (swarm_save_vote(engine))
            send_block(engine, engine->self, WIRE_PROPOSE, effect);
        return;
    case FED_C_SHOW:
        show(engine, effect);
        return;
    case FED_C_CHECK:
        swarm_block_check(engine, &effect->hash);
        return;
    case FED_C_VOTE:
        if (swarm_save_vote(engine))
            send_vote(engine, engine->self, &effect->vote);
        return;
    case FED_C_DECIDE:
        decide(engine, effect);
        return;
    case FED_C_CONVICT:
        convict(engine, effect);
        return;
    }
    PN_UNREACHABLE("effect of the consensus");
}

/* What we said before, to a member that was not there; it is durable already. */
static void
repeat(struct swarm_engine *engine, uint32_t to)
{
    struct fed_consensus_effects effects;
    fed_consensus_repeat(&effects, &engine->machine.consensus);
    for (size_t i = 0; i < effects.count; i++)
        if (effects.items[i].kind == FED_C_PROPOSE)
            send_block(engine, to, WIRE_PROPOSE, &effects.items[i]);
        else if (effects.items[i].kind == FED_C_VOTE)
            send_vote(engine, to, &effects.items[i].vote);
}

void
swarm_announce(struct swarm_engine *engine, uint32_t member)
{
    announce_parts(engine, member);
    if (member != engine->self)
        repeat(engine, member);
}

/* ---- all of them ---- */

static void
ask(struct swarm_engine *engine, uint32_t member)
{
    const struct wire_ask message = {.height = engine->chain.height};
    say(engine, member, WIRE_ASK, encode_ask, &message);
}

/* What only more members can end; false when it is not so. */
static bool
is_short(char *text, size_t size, const struct swarm_engine *engine)
{
    const struct fed_swarm *machine   = &engine->machine;
    bool                    first     = machine->height == 0;
    uint32_t                must      = machine->limits.consensus.quorum;
    uint32_t                connected = fed_swarm_here(machine);
    if (swarm_founds_other(engine))
        snprintf(text, size,
                 "we voted on the first block by another roster, and wait for that block: is there "
                 "none, begin anew with new keys, in the next epoch of the roster, and an empty "
                 "state directory");
    else if (fed_swarm_is_short(machine))
        snprintf(text, size,
                 "%u %s are here, the job's quorum is %u, and whoever could give more is away or "
                 "had its time: more members must come",
                 fed_swarm_count(machine, first ? FED_REPORT_PART : FED_UPDATE_PART),
                 first ? "reports" : "updates", machine->limits.quorum);
    else if (machine->ready && connected < must)
        snprintf(text, size, "%u members are connected, and %u must agree: more members must come",
                 connected, must);
    else
        return false;
    return true;
}

/* Nobody waits in silence. */
static void
tell_short(struct swarm_engine *engine)
{
    char text[200];
    if (engine->now < engine->short_at || !is_short(text, sizeof text, engine))
        return;
    engine->short_at = pn_ms_add(engine->now, SHORT_AGAIN_MS);
    swarm_tell(engine, &(struct swarm_notice){.kind = SWARM_SHORT, .text = text});
}

static void
tell_status(struct swarm_engine *engine)
{
    struct fed_reach reach;
    fed_routes_reach(&reach, &engine->routes);
    tell_short(engine);
    struct wire_status status = {.height   = engine->chain.height,
                                 .activity = engine->working ? WIRE_TRAINING : WIRE_IDLE,
                                 .reach    = {reach.bits, fed_reach_size(engine->count)}};
    memcpy(status.head, engine->chain.head.bytes, sizeof status.head);
    say(engine, engine->self, WIRE_STATUS, encode_status, &status);
}

void
swarm_perform(void *host, const struct fed_swarm_effect *effect)
{
    struct swarm_engine *engine = host;
    if (engine->halted)
        return; /* nothing more is built on what failed */
    switch (effect->kind) {
    case FED_S_CONTRIBUTE:
        engine->needs_contribution = true;
        return;
    case FED_S_ANNOUNCE:
        swarm_announce(engine, effect->member);
        return;
    case FED_S_PULL:
        swarm_pull_part(engine, effect->member, effect->part, engine->now);
        return;
    case FED_S_ASK:
        ask(engine, effect->member);
        return;
    case FED_S_STATUS:
        tell_status(engine);
        return;
    case FED_S_AGREE:
        if (swarm_takes_part(engine))
            perform_agree(engine, &effect->consensus);
        return;
    case FED_S_END:
        engine->over = true;
        swarm_tell(engine,
                   &(struct swarm_notice){.kind = SWARM_ENDED, .round = engine->machine.round - 1});
        return;
    }
    PN_UNREACHABLE("effect");
}
