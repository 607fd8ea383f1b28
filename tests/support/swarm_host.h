/*
 * tests/support/swarm_host -- hosts fed/consensus as a daemon does: carries out effects in order,
 * saves before what it signs leaves, fetches blocks, checks signatures and certificates, answers
 * who lags with the block and its certificate, and comes back from a crash with what it saved.
 *
 * A lying member runs the same host; where it speaks, it says something else to some.
 */
#ifndef TESTS_SUPPORT_SWARM_HOST_H
#define TESTS_SUPPORT_SWARM_HOST_H

#include "tests/support/swarm_world.h"

enum {
    SWARM_FETCH_MS = 30,
    SWARM_CHECK_MS = 40, /* longest */
    SWARM_POLL_MS  = 150
};

enum swarm_phase { /* of the height, as the first member reaches it */
    SWARM_AT_START,
    SWARM_PROPOSED,
    SWARM_PREVOTED,
    SWARM_PRECOMMITTED,
    SWARM_DECIDED_ONE,
    SWARM_VIEW_TWO,
    SWARM_PHASES
};

/* A phase is reached: a cut that waited for it is planned. Defined by the program. */
static void swarm_reach(struct swarm *swarm, enum swarm_phase phase);
/* An honest member's vote is in the book: liars may act on it. Defined by the program. */
static void swarm_overhear(struct swarm *swarm, const struct fed_signed_vote *vote);
static void swarm_step(struct swarm *swarm, uint32_t member,
                       const struct fed_consensus_event *event);

static inline pn_ms
swarm_local(const struct swarm *swarm, const struct swarm_node *node)
{
    return 1000 + (swarm->now - node->born) * node->rate / 1000;
}

static inline void
swarm_plan_for(struct swarm *swarm, uint32_t member, pn_ms in, enum swarm_event_kind kind,
               uint32_t block)
{
    swarm_plan(
        swarm, swarm->now + in,
        (struct swarm_event){
            .kind = kind, .member = member, .life = swarm->nodes[member].life, .block = block});
}

static inline void
swarm_plan_tick(struct swarm *swarm, uint32_t member)
{
    struct swarm_node *node     = &swarm->nodes[member];
    pn_ms              deadline = fed_consensus_deadline(&node->machine);
    if (deadline == UINT64_MAX || !node->alive || node->decided)
        return;
    pn_ms at = deadline <= 1000
                   ? swarm->now
                   : node->born + ((deadline - 1000) * 1000 + node->rate - 1) / node->rate;
    at       = at < swarm->now ? swarm->now : at;
    if (node->tick_at > swarm->now && node->tick_at <= at)
        return;
    node->tick_at = at;
    swarm_plan_for(swarm, member, at - swarm->now, SWARM_TICK, 0);
}

static inline void
swarm_crash(struct swarm *swarm, uint32_t member)
{
    struct swarm_node *node = &swarm->nodes[member];
    swarm_trace(swarm, "%u crashes", member);
    node->alive   = false;
    node->dies_in = 0;
    node->life++;
    memcpy(node->has, node->keeps, sizeof node->has);
    swarm_plan_for(swarm, member, 1 + swarm_draw(swarm, 500), SWARM_RESTART, 0);
}

/* One more act of carrying out; true when the crash that waited for it is here. */
static inline bool
swarm_dies(struct swarm *swarm, uint32_t member)
{
    struct swarm_node *node = &swarm->nodes[member];
    if (node->dies_in == 0 || --node->dies_in > 0)
        return false;
    swarm_crash(swarm, member);
    return true;
}

static inline void
swarm_keep(struct swarm_node *node, const struct sec_hash *hash)
{
    if (!sec_hash_is_zero(hash))
        node->keeps[swarm_block_of(hash)] = node->has[swarm_block_of(hash)];
}

/* The blocks that it is about to vote for first. */
static inline void
swarm_save(struct swarm_node *node)
{
    swarm_keep(node, &node->machine.mine[0].hash);
    swarm_keep(node, &node->machine.mine[1].hash);
    fed_consensus_save(node->saved, &node->machine);
    node->has_saved  = true;
    node->proof_view = node->machine.valid_view;
    node->proof_hash = node->machine.valid;
    node->proof_count =
        fed_consensus_proof(node->proof, &node->machine, node->proof_view, &node->proof_hash);
}

static inline void
swarm_wake(struct swarm *swarm, uint32_t member)
{
    struct swarm_node *node = &swarm->nodes[member];
    node->alive             = true;
    node->born              = swarm->now;
    node->tick_at           = 0;
    fed_consensus_init(&node->machine, &swarm->limits, node->voters, SWARM_HEIGHT);
    node->machine.limits.self = member;
    if (node->has_saved && fed_consensus_restore(&node->machine, node->saved) != PN_OK)
        swarm_fail(swarm, "%u cannot read what it saved", member);
    swarm_plan_for(swarm, member, 1 + swarm_draw(swarm, SWARM_POLL_MS), SWARM_POLL, 0);
    if (node->decided)
        return;
    if (node->has_saved && node->proof_view != FED_NO_VIEW)
        swarm_step(swarm, member,
                   &(struct fed_consensus_event){.kind       = FED_C_SHOWN,
                                                 .valid_view = node->proof_view,
                                                 .hash       = node->proof_hash,
                                                 .votes      = node->proof,
                                                 .vote_count = node->proof_count});
    swarm_plan_tick(swarm, member);
}

/* ---- deciding ---- */

static inline void
swarm_decide(struct swarm *swarm, uint32_t member, const struct swarm_message *certificate)
{
    struct swarm_node *node  = &swarm->nodes[member];
    uint32_t           block = swarm_block_of(&certificate->hash);
    node->decided            = true;
    node->certificate        = *certificate;
    node->has[block] = node->keeps[block] = 1;
    swarm_trace(swarm, "%u decides block %u of view %u", member, block, certificate->view);
    swarm_reach(swarm, SWARM_DECIDED_ONE);
    if (!node->honest)
        return;
    if (swarm->blocks[block].bad && !swarm->enough_liars)
        swarm_fail(swarm, "%u decides block %u, which is bad", member, block);
    for (uint32_t i = 0; i < swarm->n; i++) {
        const struct swarm_node *other = &swarm->nodes[i];
        if (!other->honest || !other->decided ||
            sec_hash_equal(&other->certificate.hash, &certificate->hash))
            continue;
        swarm->forked = true;
        if (!swarm->enough_liars)
            swarm_fail(swarm, "%u decides block %u in view %u and %u block %d in view %u", member,
                       block, certificate->view, i, swarm_name(&other->certificate.hash),
                       other->certificate.view);
    }
}

static inline bool
swarm_is_certificate(const struct swarm *swarm, const struct swarm_message *message)
{
    for (uint32_t i = 0; i < message->count; i++) {
        const struct fed_signed_vote *vote = &message->votes[i];
        if (!swarm_is_signed(vote) || vote->vote.view != message->view ||
            vote->vote.step != FED_PRECOMMIT || !sec_hash_equal(&vote->vote.hash, &message->hash) ||
            (i > 0 && vote->member <= message->votes[i - 1].member))
            return false;
    }
    return message->count >= swarm->limits.quorum && !sec_hash_is_zero(&message->hash);
}

/* ---- effects ---- */

static inline void
swarm_send_all(struct swarm *swarm, struct swarm_message *message)
{
    for (uint32_t i = 0; i < swarm->n && swarm->nodes[message->from].alive; i++) {
        if (i != message->from && swarm_dies(swarm, message->from))
            break;
        swarm_send(swarm, i, message);
    }
    swarm_drop(message);
}

static inline void
swarm_send_vote(struct swarm *swarm, uint32_t to, const struct fed_signed_vote *vote)
{
    struct swarm_message *message    = swarm_message(SWARM_VOTE, vote->member);
    message->votes[message->count++] = *vote;
    swarm_send(swarm, to, message);
    swarm_drop(message);
}

static inline struct sec_hash
swarm_any_hash(struct swarm *swarm)
{
    uint32_t block = swarm_draw(swarm, swarm->block_count + 1);
    return block == 0 ? (struct sec_hash){{0}} : swarm_hash(block - 1);
}

static inline struct fed_vote
swarm_lie(struct swarm *swarm, uint32_t view, enum fed_step step)
{
    struct fed_vote vote = {.height = SWARM_HEIGHT, .view = view, .step = step};
    vote.hash            = swarm_any_hash(swarm);
    if (step == FED_PREVOTE && view > 1 && swarm_chance(swarm, 0.5)) {
        vote.lock = swarm_any_hash(swarm);
        vote.lock_view =
            sec_hash_is_zero(&vote.lock) ? FED_NO_VIEW : 1 + swarm_draw(swarm, view - 1);
    }
    return vote;
}

static inline void
swarm_do_vote(struct swarm *swarm, uint32_t member, const struct fed_vote *vote)
{
    struct swarm_node     *node        = &swarm->nodes[member];
    struct fed_signed_vote signed_vote = swarm_sign(swarm, member, vote);
    swarm_trace(swarm, "%u %s %d in view %u, lock %u", member,
                vote->step == FED_PREVOTE ? "prevotes" : "precommits", swarm_name(&vote->hash),
                vote->view, vote->lock_view);
    if (vote->view >= SWARM_VIEWS)
        return;
    for (uint32_t i = 0; i < swarm->n; i++) {
        if (i == member || node->silent || node->echoes || node->stingy)
            continue;
        if (swarm_dies(swarm, member))
            return;
        struct fed_signed_vote said = signed_vote;
        if (node->twists && swarm_chance(swarm, 0.4)) {
            struct fed_vote lie = swarm_lie(swarm, vote->view, vote->step);
            said                = swarm_sign(swarm, member, &lie);
        }
        swarm_send_vote(swarm, i, &said);
    }
    swarm_reach(swarm, vote->step == FED_PREVOTE ? SWARM_PREVOTED : SWARM_PRECOMMITTED);
    if (vote->view > 1)
        swarm_reach(swarm, SWARM_VIEW_TWO);
    if (node->honest)
        swarm_overhear(swarm, &signed_vote);
    swarm_step(swarm, member,
               &(struct fed_consensus_event){.kind = FED_C_VOTED, .vote = signed_vote});
}

/* A quorum of another block than the newest, from as long ago as there is one. */
static inline void
swarm_find_stale(struct swarm *swarm, struct swarm_message *message)
{
    for (uint32_t view = 1; view < message->view; view++)
        for (uint32_t block = 0; block < swarm->block_count; block++) {
            struct sec_hash hash = swarm_hash(block);
            if (!swarm_has_quorum(swarm, view, FED_PREVOTE, &hash))
                continue;
            message->hash       = hash;
            message->valid_view = view;
            message->count      = swarm_count(swarm, view, FED_PREVOTE, &hash, message->votes);
            return;
        }
}

/* A lying leader: another block for some, a claim that it cannot prove, a quorum of long ago. */
static inline void
swarm_twist_proposal(struct swarm *swarm, struct swarm_message *message)
{
    if (swarm_chance(swarm, 0.3)) {
        swarm_find_stale(swarm, message);
        return;
    }
    if (swarm_chance(swarm, 0.6))
        message->hash = swarm_hash(swarm->block_count < SWARM_BLOCKS / 2 && swarm_chance(swarm, 0.5)
                                       ? swarm_make_block(swarm, message->from)
                                       : swarm_draw(swarm, swarm->block_count));
    message->valid_view = swarm_draw(swarm, message->view);
    message->count      = 0;
    if (message->valid_view != FED_NO_VIEW)
        message->count =
            swarm_count(swarm, message->valid_view, FED_PREVOTE, &message->hash, message->votes);
    if (message->count > 0 && swarm_chance(swarm, 0.2)) { /* forged */
        message->votes[message->count - 1].vote.hash = swarm_any_hash(swarm);
        message->votes[0].vote.hash                  = message->hash;
    }
}

static inline void
swarm_do_propose(struct swarm *swarm, uint32_t member, const struct fed_consensus_effect *effect)
{
    if (effect->view >= SWARM_VIEWS)
        return;
    struct swarm_node *node = &swarm->nodes[member];
    struct sec_hash   *led  = &swarm->led[member][effect->view];
    swarm_trace(swarm, "%u proposes %d in view %u, valid %u", member, swarm_name(&effect->hash),
                effect->view, effect->valid_view);
    if (node->honest && !sec_hash_is_zero(led) && !sec_hash_equal(led, &effect->hash))
        swarm_fail(swarm, "%u proposes two blocks in view %u", member, effect->view);
    if (node->honest)
        swarm_check_block(swarm, member, "proposes", &effect->hash);
    *led                   = effect->hash;
    struct sec_hash second = effect->hash; /* for the other side of a cut */
    if (node->echoes && swarm->block_count < SWARM_BLOCKS / 2)
        second = swarm_hash(swarm_make_block(swarm, member));
    for (uint32_t i = 0; i < swarm->n; i++) {
        if (i == member || node->silent)
            continue;
        if (swarm_dies(swarm, member))
            return;
        struct swarm_message *message = swarm_message(SWARM_PROPOSE, member);
        message->view                 = effect->view;
        message->valid_view           = effect->valid_view;
        message->hash                 = ((swarm->side >> i) & 1) != 0 ? second : effect->hash;
        if (effect->valid_view != FED_NO_VIEW)
            message->count = fed_consensus_proof(message->votes, &node->machine, effect->valid_view,
                                                 &effect->hash);
        if (node->stingy)
            swarm_find_stale(swarm, message);
        else if (node->twists && swarm_chance(swarm, 0.5))
            swarm_twist_proposal(swarm, message);
        swarm_send(swarm, i, message);
        swarm_drop(message);
    }
    swarm_reach(swarm, SWARM_PROPOSED);
}

static inline void
swarm_do_show(struct swarm *swarm, uint32_t member, const struct fed_consensus_effect *effect)
{
    struct swarm_node    *node    = &swarm->nodes[member];
    struct swarm_message *message = swarm_message(SWARM_SHOW, member);
    message->valid_view           = effect->valid_view;
    message->hash                 = effect->hash;
    message->count =
        fed_consensus_proof(message->votes, &node->machine, effect->valid_view, &effect->hash);
    if (node->honest && message->count < swarm->limits.quorum)
        swarm_fail(swarm, "%u shows what it cannot prove", member);
    if (!node->silent && !node->twists && !node->stingy)
        swarm_send(swarm, effect->member, message);
    swarm_drop(message);
}

static inline void
swarm_do_convict(struct swarm *swarm, const struct fed_consensus_effect *effect)
{
    const struct fed_signed_vote *a = &effect->first, *b = &effect->other;
    if (!swarm_is_signed(a) || !swarm_is_signed(b) || a->member != b->member ||
        a->vote.view != b->vote.view || a->vote.step != b->vote.step ||
        sec_hash_equal(&a->vote.hash, &b->vote.hash) || swarm->nodes[a->member].honest)
        swarm_fail(swarm, "%u is convicted of nothing", a->member);
    swarm->convicted |= 1u << a->member;
}

static inline void
swarm_do_decide(struct swarm *swarm, uint32_t member, const struct fed_consensus_effect *effect)
{
    struct swarm_message certificate = {
        .kind = SWARM_DECIDED, .from = member, .view = effect->view, .hash = effect->hash};
    certificate.count = fed_consensus_votes(certificate.votes, &swarm->nodes[member].machine,
                                            effect->view, FED_PRECOMMIT, &effect->hash);
    if (!swarm_is_certificate(swarm, &certificate))
        swarm_fail(swarm, "%u decides block %d in view %u without a quorum", member,
                   swarm_name(&effect->hash), effect->view);
    swarm_check_block(swarm, member, "decides", &effect->hash);
    swarm_decide(swarm, member, &certificate);
}

static inline void
swarm_carry_out(struct swarm *swarm, uint32_t member, const struct fed_consensus_effect *effect)
{
    struct swarm_node *node  = &swarm->nodes[member];
    uint32_t           block = swarm_block_of(&effect->hash);
    bool               late  = swarm->now < swarm->heal_at && swarm_chance(swarm, 0.1);
    switch (effect->kind) {
    case FED_C_BUILD:
        swarm_plan_for(swarm, member, 1 + swarm_draw(swarm, late ? 1000 : 30), SWARM_BUILT, 0);
        return;
    case FED_C_CHECK:
        swarm_plan_for(swarm, member,
                       node->has[block] ? 0
                       : late           ? swarm_draw(swarm, 1000)
                                        : 1,
                       SWARM_FETCH, block);
        return;
    case FED_C_PROPOSE:
        swarm_do_propose(swarm, member, effect);
        return;
    case FED_C_VOTE:
        swarm_do_vote(swarm, member, &effect->vote);
        return;
    case FED_C_SHOW:
        swarm_do_show(swarm, member, effect);
        return;
    case FED_C_DECIDE:
        swarm_do_decide(swarm, member, effect);
        return;
    case FED_C_CONVICT:
        swarm_do_convict(swarm, effect);
        return;
    }
}

static void
swarm_step(struct swarm *swarm, uint32_t member, const struct fed_consensus_event *event)
{
    struct swarm_node           *node = &swarm->nodes[member];
    struct fed_consensus_effects effects;
    bool                         saved = false;
    if (!node->alive || node->decided)
        return;
    enum pn_status st =
        fed_consensus_step(&node->machine, swarm_local(swarm, node), event, &effects);
    if (st != PN_OK && !pn_status_is_peer(st))
        swarm_fail(swarm, "%u: %s", member, pn_status_text(st));
    if (effects.count > swarm->most_effects)
        swarm->most_effects = effects.count;
    uint32_t life = node->life;
    for (size_t i = 0; i < effects.count && node->life == life; i++) {
        const struct fed_consensus_effect *effect = &effects.items[i];
        bool signs = effect->kind == FED_C_PROPOSE || effect->kind == FED_C_VOTE;
        if (swarm_dies(swarm, member))
            return;
        if (signs && !saved) {
            swarm_save(node);
            saved = true;
        }
        swarm_carry_out(swarm, member, effect);
    }
    swarm_plan_tick(swarm, member);
}

/* ---- what comes in ---- */

static inline void
swarm_take_proof(struct swarm *swarm, uint32_t member, const struct swarm_message *message)
{
    for (uint32_t i = 0; i < message->count; i++)
        if (!swarm_is_signed(&message->votes[i]))
            return;
    uint32_t life = swarm->nodes[member].life;
    for (uint32_t i = 0; i < message->count; i++)
        swarm_step(swarm, member,
                   &(struct fed_consensus_event){.kind = FED_C_VOTED, .vote = message->votes[i]});
    bool leads =
        fed_consensus_leader(&swarm->nodes[member].machine, message->view) == message->from;
    if (swarm->nodes[member].life == life && (message->kind == SWARM_SHOW || leads))
        swarm_step(swarm, member,
                   &(struct fed_consensus_event){
                       .kind       = message->kind == SWARM_SHOW ? FED_C_SHOWN : FED_C_PROPOSAL,
                       .view       = message->view,
                       .valid_view = message->valid_view,
                       .hash       = message->hash,
                       .votes      = message->votes,
                       .vote_count = message->count});
}

static inline void
swarm_answer(struct swarm *swarm, uint32_t member, uint32_t to)
{
    struct swarm_message *answer = swarm_message(SWARM_DECIDED, member);
    *answer                      = swarm->nodes[member].certificate;
    answer->users                = 1;
    answer->from                 = member;
    if (!swarm->nodes[member].silent)
        swarm_send(swarm, to, answer);
    swarm_drop(answer);
}

static inline void
swarm_take_message(struct swarm *swarm, uint32_t member, const struct swarm_message *message)
{
    struct swarm_node *node = &swarm->nodes[member];
    if (!node->alive || swarm_is_cut(swarm, member, message->from))
        return;
    if (message->kind == SWARM_DECIDED) {
        if (!swarm_is_certificate(swarm, message))
            return;
        if (!node->decided)
            swarm_decide(swarm, member, message);
        else if (node->honest && !sec_hash_equal(&node->certificate.hash, &message->hash))
            swarm->noticed = true;
        return;
    }
    if (node->decided) {
        swarm_answer(swarm, member, message->from);
        return;
    }
    if (message->kind == SWARM_VOTE && swarm_is_signed(&message->votes[0]))
        swarm_step(swarm, member,
                   &(struct fed_consensus_event){.kind = FED_C_VOTED, .vote = message->votes[0]});
    else if (message->kind == SWARM_PROPOSE || message->kind == SWARM_SHOW)
        swarm_take_proof(swarm, member, message);
}

/* From whoever has the block, can be reached and gives it. */
static inline void
swarm_take_fetch(struct swarm *swarm, uint32_t member, uint32_t block)
{
    struct swarm_node        *node = &swarm->nodes[member];
    const struct swarm_block *body = &swarm->blocks[block];
    for (uint32_t i = 0; i < swarm->n && !node->has[block]; i++) {
        const struct swarm_node *other = &swarm->nodes[i];
        bool gives = other->honest || (!other->silent && ((body->gives >> member) & 1) != 0);
        if (other->alive && other->has[block] && gives && !swarm_is_cut(swarm, i, member))
            node->has[block] = 1;
    }
    pn_ms asked = 2 * swarm_delay(swarm);
    if (node->has[block])
        swarm_plan_for(swarm, member, asked / 2 + 1 + swarm_draw(swarm, SWARM_CHECK_MS),
                       SWARM_CHECKED, block);
    else if (!node->decided)
        swarm_plan_for(swarm, member, asked + SWARM_FETCH_MS, SWARM_FETCH, block);
}

static inline void
swarm_take_poll(struct swarm *swarm, uint32_t member)
{
    struct swarm_message *message = swarm_message(SWARM_ASK, member);
    if (swarm->nodes[member].decided) { /* heads go around: a fork is noticed */
        *message       = swarm->nodes[member].certificate;
        message->users = 1;
        message->from  = member;
    }
    if (!swarm->nodes[member].silent)
        swarm_send_all(swarm, message);
    else
        swarm_drop(message);
    if (swarm->nodes[member].alive)
        swarm_plan_for(swarm, member, SWARM_POLL_MS, SWARM_POLL, 0);
}

static inline void
swarm_take(struct swarm *swarm, const struct swarm_event *event)
{
    struct swarm_node         *node = &swarm->nodes[event->member];
    struct fed_consensus_event in   = {.kind = FED_C_TICK};
    if (event->life != node->life)
        return;
    switch (event->kind) {
    case SWARM_TICK:
        node->tick_at = 0;
        break;
    case SWARM_READY:
        in.kind = FED_C_READY;
        break;
    case SWARM_BUILT:
        in.kind = FED_C_BUILT;
        in.hash = swarm_hash(swarm_make_block(swarm, event->member));
        break;
    case SWARM_CHECKED:
        in.kind = FED_C_CHECKED;
        in.hash = swarm_hash(event->block);
        in.good = !swarm->blocks[event->block].bad;
        break;
    case SWARM_FETCH:
        swarm_take_fetch(swarm, event->member, event->block);
        return;
    case SWARM_POLL:
        swarm_take_poll(swarm, event->member);
        return;
    default:
        return;
    }
    swarm_step(swarm, event->member, &in);
}

#endif
