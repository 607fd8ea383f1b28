#include "swarm/state.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)WIRE_RELAY_SEAL == (int)SEC_SEAL_EXTRA, "what decoding leaves room for");

/* ---- how much ---- */

enum {
    FRAMES          = 128,
    FRAMES_A_SECOND = 8,
    BYTES_A_FRAME   = 4096,
    SILENT_BEATS    = 4 /* of ours, without a word that came forwarded */
};

/* A block with its votes, and small frames. */
static void
fill(struct swarm_relay_budget *budget, uint64_t pairs, pn_ms now)
{
    const uint64_t frames = FRAMES * pairs, second = FRAMES_A_SECOND * pairs;
    engine_budget_init(&budget->frames, frames, second, now);
    engine_budget_init(&budget->bytes, frames * BYTES_A_FRAME + pairs * WIRE_RELAY_MAX,
                       second * BYTES_A_FRAME, now);
}

bool
swarm_take_relay(struct swarm_relay_budget *budget, uint64_t pairs, uint64_t height, size_t size,
                 pn_ms now)
{
    if (budget->frames.most == 0 || budget->height != height)
        fill(budget, pairs, now);
    budget->height = height;
    return engine_budget_take(&budget->frames, 1, now) &&
           engine_budget_take(&budget->bytes, size, now);
}

/* Each pair has its own: one that floods takes nothing from others, here or at its target. */
static bool
may_pass(struct swarm_engine *engine, uint32_t origin, uint32_t target, size_t size)
{
    const size_t count = engine->count;
    if (engine->pairs == NULL &&
        (engine->pairs = calloc(count * count, sizeof *engine->pairs)) == NULL)
        return false;
    return swarm_take_relay(&engine->pairs[origin * count + target], 1, engine->machine.height,
                            size, engine->now);
}

/* ---- keys ---- */

void
swarm_relay_learn(struct swarm_member *member, const uint8_t key[static 32])
{
    if (member->has_session && sec_equal(member->session.bytes, key, 32))
        return;
    memcpy(member->session.bytes, key, 32);
    member->has_session    = true;
    member->has_key[false] = false;
}

/* Agreed on when it is needed first; NULL when it cannot be (yet). */
static const struct sec_seal_key *
key_of(const struct swarm_engine *engine, struct swarm_member *member, bool greeting)
{
    const struct swarm_config *config = &engine->config;
    if (!member->has_key[greeting] && (greeting || member->has_session))
        member->has_key[greeting] = sec_seal_agree(
            &member->keys[greeting],
            &(struct sec_seal_ends){.own           = config->transport,
                                    .theirs        = &member->party->certificate.transport,
                                    .own_session   = greeting ? NULL : config->session,
                                    .their_session = greeting ? NULL : &member->session});
    return member->has_key[greeting] ? &member->keys[greeting] : NULL;
}

/* ---- out ---- */

/* An empty frame, with room for `size` bytes of a body. */
static bool
begin_relay(struct swarm_engine *engine, size_t size)
{
    struct pn_buffer *relay = &engine->relay;
    if (relay->bytes == NULL && pn_buffer_extend(relay, relay->limit) != PN_OK)
        return false;
    relay->size = WIRE_HEADER_SIZE + size;
    return relay->size <= relay->limit - WIRE_SIGNATURE_SIZE;
}

/* What does not leave is lost, and nothing else: our own session with `to` goes on as it was. */
static enum pn_status
send_relay(struct swarm_engine *engine, uint32_t to)
{
    const struct engine_stamp stamp  = {.type = WIRE_RELAY};
    struct engine_peer       *peer   = &engine->members[to].peer;
    const struct engine_peer  before = *peer;
    enum pn_status st = engine_peer_send_in(peer, &engine->config.ports, &engine->relay, &stamp);
    if (st == PN_ENETWORK)
        *peer = before;
    return st;
}

/* A frame of ours to `member`, sealed and handed to `via`. */
static enum pn_status
send_sealed(struct swarm_engine *engine, uint32_t member, uint32_t via,
            const struct pn_buffer *frame)
{
    struct swarm_member       *of    = &engine->members[member];
    const struct wire_relay    relay = {.origin = engine->config.self,
                                        .target = of->party->number,
                                        .greeting =
                                            wire_type_of(frame->bytes, frame->size) == WIRE_HELLO};
    const struct sec_seal_key *key   = key_of(engine, of, relay.greeting);
    if (key == NULL || !begin_relay(engine, WIRE_RELAY_HEAD + SEC_SEAL_EXTRA + frame->size))
        return PN_ENETWORK;
    uint8_t *body = engine->relay.bytes + WIRE_HEADER_SIZE;
    wire_relay_head(body, &relay);
    sec_seal(body + WIRE_RELAY_HEAD, key, &(struct sec_about){body, WIRE_RELAY_HEAD}, frame->bytes,
             frame->size);
    return send_relay(engine, via) == PN_OK ? PN_OK : PN_ENETWORK;
}

/* As pn_ports.send: by the way that there is. */
static enum pn_status
send_frame(void *host, uint32_t number, struct pn_buffer *frame)
{
    struct swarm_engine   *engine = host;
    const struct pn_ports *ports  = &engine->config.ports;
    uint32_t               member = fed_roster_place(engine->config.roster, number);
    uint32_t               via    = fed_routes_via(&engine->routes, member);
    if (via == FED_NOBODY)
        return ports->send(ports->host, number, frame);
    enum pn_status st = send_sealed(engine, member, via, frame);
    if (fed_routes_doubts(&engine->routes, member) &&
        wire_type_of(frame->bytes, frame->size) == WIRE_HELLO)
        (void)!ports->send(ports->host, number, frame); /* SAFE: whichever comes first counts */
    return st;
}

/* ---- in ---- */

/* Nothing is kept of it: what cannot leave is lost, and its target will miss it. */
static enum pn_status
pass_on(struct swarm_engine *engine, uint32_t origin, uint32_t target,
        const struct wire_frame *frame)
{
    if (!fed_routes_is_near(&engine->routes, target) || !swarm_is_open(engine, target))
        return PN_EPEER_STALE;
    if (!may_pass(engine, origin, target, frame->header.body_size))
        return PN_EPEER_LIMIT;
    if (!begin_relay(engine, frame->header.body_size))
        return PN_ENOMEM;
    memcpy(engine->relay.bytes + WIRE_HEADER_SIZE, frame->body, frame->header.body_size);
    /* SAFE: as swarm_send. */
    (void)!send_relay(engine, target);
    return PN_OK;
}

static enum pn_status
open_relay(struct swarm_engine *engine, pn_ms now, uint32_t origin, uint32_t by,
           const struct wire_relay *relay, const uint8_t *head)
{
    struct pn_buffer          *inner = &engine->inner;
    const struct sec_seal_key *key   = key_of(engine, &engine->members[origin], relay->greeting);
    size_t                     size  = relay->sealed.size - SEC_SEAL_EXTRA;
    pn_buffer_clear(inner);
    if (pn_buffer_extend(inner, size) != PN_OK)
        return PN_ENOMEM;
    if (key == NULL || !sec_seal_open(inner->bytes, key, &(struct sec_about){head, WIRE_RELAY_HEAD},
                                      relay->sealed.bytes, relay->sealed.size))
        return PN_EPEER_GAP; /* altered, or for an earlier life of ours; by whom cannot be known */
    uint16_t type = wire_type_of(inner->bytes, size);
    /* Chunks are everywhere: they come from who is near. And nothing is forwarded twice. */
    if (type == WIRE_RELAY || type == WIRE_PULL || type == WIRE_CHUNK ||
        (type == WIRE_HELLO) != relay->greeting)
        return PN_EPEER_FORMAT;
    swarm_hear(engine, now, origin, by, &(struct wire_span){inner->bytes, size});
    return PN_OK;
}

enum pn_status
swarm_relay_take(struct swarm_engine *engine, pn_ms now, uint32_t by,
                 const struct wire_frame *frame)
{
    struct wire_relay relay;
    enum pn_status    st = wire_relay_decode(&relay, frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    uint32_t origin = fed_roster_place(engine->config.roster, relay.origin);
    uint32_t target = fed_roster_place(engine->config.roster, relay.target);
    if (origin == engine->count || target == engine->count) /* of another epoch's roster, maybe */
        return frame->header.epoch == engine->config.roster->epoch ? PN_EPEER_VALUE
                                                                   : PN_EPEER_STALE;
    if (target == engine->self && origin != by)
        return open_relay(engine, now, origin, by, &relay, frame->body);
    if (target == engine->self || origin != by)
        return PN_EPEER_AUTH; /* in its own name, to one other, once */
    engine->now = now;
    return pass_on(engine, origin, target, frame);
}

/* ---- ways ---- */

struct stepping {
    struct swarm_engine *engine;
    pn_ms                now;
};

static void
perform(void *host, const struct fed_route_effect *effect)
{
    const struct stepping *stepping = host;
    struct swarm_engine   *engine   = stepping->engine;
    struct swarm_member   *of       = &engine->members[effect->member];
    switch (effect->kind) {
    case FED_R_LOST:
        swarm_lose(engine, stepping->now, effect->member);
        return;
    case FED_R_GREET:
        if (of->greeted) /* what was under way is lost, in both directions perhaps */
            of->peer.gap = true;
        swarm_greet(engine, effect->member, stepping->now);
        return;
    case FED_R_TRY:
        swarm_greet(engine, effect->member, stepping->now);
        return;
    }
    PN_UNREACHABLE("effect of the routes");
}

void
swarm_route(struct swarm_engine *engine, pn_ms now, const struct fed_route_event *event)
{
    struct stepping stepping = {engine, now};
    bool            before   = fed_routes_is_near(&engine->routes, event->member);
    fed_routes_step(&engine->routes, now, event, perform, &stepping);
    if (before != fed_routes_is_near(&engine->routes, event->member))
        swarm_raise(engine, now, &(struct fed_swarm_event){.kind = FED_S_REACH});
}

/* ---- beginning and end ---- */

void
swarm_relay_init(struct swarm_engine *engine)
{
    const struct fed_swarm_limits *limits = &engine->machine.limits;
    fed_routes_init(&engine->routes,
                    &(struct fed_route_limits){.members    = engine->count,
                                               .self       = engine->self,
                                               .retry_ms   = limits->retry_ms,
                                               .silence_ms = SILENT_BEATS * limits->status_ms},
                    engine->ways);
    engine->ports = (struct pn_ports){
        .host = engine, .send = send_frame, .submit = engine->config.ports.submit};
    sec_transport_public_of(&engine->session, engine->config.session);
    pn_buffer_init(&engine->relay, WIRE_HEADER_SIZE + WIRE_RELAY_MAX + WIRE_SIGNATURE_SIZE);
    pn_buffer_init(&engine->inner, WIRE_RELAY_MAX);
}

void
swarm_relay_fini(struct swarm_engine *engine)
{
    for (uint32_t i = 0; engine->members != NULL && i < engine->count; i++)
        for (size_t k = 0; k < 2; k++)
            sec_seal_wipe(&engine->members[i].keys[k]);
    if (engine->inner.bytes != NULL)
        sec_wipe(engine->inner.bytes, engine->inner.capacity);
    free(engine->pairs);
    pn_buffer_fini(&engine->relay);
    pn_buffer_fini(&engine->inner);
}
