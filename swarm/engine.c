#include "swarm/state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEEP_UPDATES  = 2,
    SAME_AGAIN_MS = 60000 /* a member is complained of for the same thing once in so long */
};

const char *const swarm_folders[SWARM_FOLDERS] = {[SWARM_MODELS]  = "models",
                                                  [SWARM_UPDATES] = "updates",
                                                  [SWARM_REPORTS] = "reports",
                                                  [SWARM_SCALING] = "scaling"};

void
swarm_config_defaults(struct swarm_config *config, const struct engine_job *job)
{
    *config = (struct swarm_config){
        .job = job, .bytes_max = (uint64_t)4 << 30, .keep_updates = KEEP_UPDATES, .keep_models = 1};
    fed_swarm_limits_from_job(&config->limits, job->job);
}

void
swarm_tell(const struct swarm_engine *engine, const struct swarm_notice *notice)
{
    if (engine->config.notice == NULL)
        return;
    struct swarm_notice full = *notice;
    if (full.text == NULL)
        full.text = "";
    if (full.height == 0)
        full.height = engine->machine.height;
    engine->config.notice(engine->config.host, &full);
}

void
swarm_break(struct swarm_engine *engine, enum pn_status status, const char *what)
{
    if (engine->halted)
        return;
    engine->halted = engine->over = true;
    swarm_tell(engine,
               &(struct swarm_notice){.kind = SWARM_BROKEN, .status = status, .text = what});
}

void
swarm_submit(struct swarm_engine *engine, struct engine_work *work,
             const struct engine_work_how *how)
{
    engine_work_submit(work, &engine->works, engine, &engine->config.ports, how);
}

/* ---- sending ---- */

bool
swarm_is_open(const struct swarm_engine *engine, uint32_t member)
{
    const struct swarm_member *of = &engine->members[member];
    return member != engine->self && of->peer.link.sent_hello &&
           (of->has_session || fed_routes_via(&engine->routes, member) == FED_NOBODY);
}

bool
swarm_is_near(const struct swarm_engine *engine, uint32_t member)
{
    return swarm_is_open(engine, member) && engine->ways[member].near != FED_AWAY;
}

bool
swarm_takes_part(const struct swarm_engine *engine)
{
    return sec_hash_equal(&engine->chain.roster->hash, &engine->config.roster->hash) &&
           !swarm_founds_other(engine);
}

bool
swarm_leaves(const struct swarm_engine *engine)
{
    return fed_roster_find(engine->chain.roster, engine->config.self) == NULL;
}

bool
swarm_founds_other(const struct swarm_engine *engine)
{
    return engine->chain.height == 0 && !sec_hash_is_zero(&engine->founds) &&
           !sec_hash_equal(&engine->founds, &engine->config.roster->hash);
}

static bool
is_named(const struct wire_block *block, uint32_t number)
{
    for (size_t i = 0; i < block->entry_count; i++)
        if (block->entries[i].member == number)
            return true;
    for (size_t i = 0; i < block->agreement->report_count; i++)
        if (block->agreement->reports[i].member == number)
            return true;
    return false;
}

bool
swarm_can_go_on(const struct swarm_engine *engine, const struct fed_roster *next,
                const struct wire_block *block)
{
    uint32_t joined = 0;
    for (uint32_t i = 0; i < engine->count; i++) {
        uint32_t number = engine->members[i].party->number;
        if (fed_roster_find(next, number) != NULL)
            joined += engine->parts[i].joined || (block != NULL && is_named(block, number));
    }
    return joined >= engine->config.limits.quorum;
}

/* Every message carries our head, signed: how many blocks we hold, and the beginning of the newest
 * one's hash. */
uint32_t
swarm_mark(const struct swarm_engine *engine)
{
    return pn_get_u32(engine->chain.head.bytes);
}

void
swarm_send(struct swarm_engine *engine, uint32_t member, enum wire_type type)
{
    const struct engine_stamp stamp = {
        .type = type, .round = engine->chain.height, .attempt = swarm_mark(engine)};
    /* SAFE: a frame that does not leave is said again when the session is opened anew. */
    (void)!engine_peer_send(&engine->members[member].peer, &engine->ports, engine->config.scratch,
                            &stamp);
}

void
swarm_greet(struct swarm_engine *engine, uint32_t member, pn_ms now)
{
    /* SAFE: a greeting that is lost is asked for by the other side. */
    (void)!engine_peer_hello(&engine->members[member].peer, &engine->ports, engine->config.scratch,
                             engine->chain.height, &engine->chain.head, now);
}

/* ---- one turn ---- */

static void
keep_pending(struct swarm_engine *engine, const struct fed_swarm_event *event)
{
    PN_ASSERT(engine->pending_count < SWARM_PENDING_MAX);
    PN_ASSERT(event->consensus == NULL || event->consensus->votes == NULL); /* of frames only */
    struct swarm_pending *pending = &engine->pending[engine->pending_count++];
    pending->event                = *event;
    if (event->consensus != NULL)
        pending->consensus = *event->consensus;
    if (event->contribution != NULL)
        pending->contribution = *event->contribution;
}

static void
take_pending(struct swarm_engine *engine, pn_ms now)
{
    struct swarm_pending next = engine->pending[0];
    engine->pending_count--;
    memmove(engine->pending, engine->pending + 1,
            engine->pending_count * sizeof engine->pending[0]);
    if (next.event.consensus != NULL)
        next.event.consensus = &next.consensus;
    if (next.event.contribution != NULL)
        next.event.contribution = &next.contribution;
    /* SAFE: an event of our own that the machine does not want any more has no one to answer. */
    (void)!fed_swarm_step(&engine->machine, now, &next.event, swarm_perform, engine);
}

static void
tell_view(struct swarm_engine *engine)
{
    uint32_t view = engine->machine.consensus.view;
    if (view > engine->told_view && view > 1)
        swarm_tell(engine, &(struct swarm_notice){.kind = SWARM_VIEW, .view = view});
    engine->told_view = view;
}

static void
tell_draw(struct swarm_engine *engine)
{
    uint32_t draw = engine->machine.draw;
    if (draw > engine->told_draw && draw > 1)
        swarm_tell(engine, &(struct swarm_notice){
                               .kind = SWARM_DRAW, .round = engine->machine.round, .draw = draw});
    engine->told_draw = draw;
}

enum pn_status
swarm_turn(struct swarm_engine *engine, pn_ms now, const struct fed_swarm_event *event)
{
    if (engine->turning) {
        keep_pending(engine, event);
        return PN_OK;
    }
    engine->turning   = true;
    engine->now       = now;
    enum pn_status st = fed_swarm_step(&engine->machine, now, event, swarm_perform, engine);
    while (engine->pending_count > 0)
        take_pending(engine, now);
    engine->turning = false;
    tell_view(engine);
    tell_draw(engine);
    return st;
}

void
swarm_raise(struct swarm_engine *engine, pn_ms now, const struct fed_swarm_event *event)
{
    (void)!swarm_turn(engine, now, event); /* SAFE: as take_pending */
}

void
swarm_raise_consensus(struct swarm_engine *engine, pn_ms now,
                      const struct fed_consensus_event *event)
{
    swarm_raise(engine, now, &(struct fed_swarm_event){.kind = FED_S_AGREED, .consensus = event});
}

/* ---- from outside ---- */

void
swarm_engine_start(struct swarm_engine *engine, pn_ms now)
{
    fed_swarm_start(&engine->machine, now);
    if (!engine->machine.finished) {
        if (swarm_takes_part(engine))
            swarm_resume_vote(engine, now);
        swarm_begin_join(engine);
        swarm_tell(engine,
                   &(struct swarm_notice){.kind = SWARM_HEIGHT, .round = engine->machine.round});
    }
    swarm_raise(engine, now, &(struct fed_swarm_event){.kind = FED_S_TICK});
}

static uint32_t
place_of(const struct swarm_engine *engine, uint32_t number)
{
    return fed_roster_place(engine->config.roster, number);
}

void
swarm_engine_up(struct swarm_engine *engine, pn_ms now, uint32_t number)
{
    uint32_t member = place_of(engine, number);
    if (member >= engine->count || member == engine->self)
        return;
    engine->members[member].peer.reachable = true;
    swarm_route(engine, now, &(struct fed_route_event){.kind = FED_R_LINE, .member = member});
    swarm_greet(engine, member, now);
}

void
swarm_lose(struct swarm_engine *engine, pn_ms now, uint32_t member)
{
    struct swarm_member *of = &engine->members[member];
    engine_peer_down(&of->peer);
    if (of->greeted)
        swarm_tell(engine, &(struct swarm_notice){.kind = SWARM_DOWN, .member = of->party->number});
    of->greeted = false;
    swarm_raise(engine, now, &(struct fed_swarm_event){.kind = FED_S_DOWN, .member = member});
}

void
swarm_engine_down(struct swarm_engine *engine, pn_ms now, uint32_t number)
{
    uint32_t member = place_of(engine, number);
    if (member >= engine->count || member == engine->self)
        return;
    if (fed_routes_via(&engine->routes, member) == FED_NOBODY) /* else it said so before */
        swarm_lose(engine, now, member);
    swarm_route(engine, now, &(struct fed_route_event){.kind = FED_R_AWAY, .member = member});
}

/* The same again is said again after a while. */
static void
complain(struct swarm_engine *engine, struct swarm_member *of, pn_ms now, uint16_t type,
         enum pn_status status)
{
    if ((status == of->complained && now < pn_ms_add(of->complained_at, SAME_AGAIN_MS)) ||
        !engine_budget_take(&of->complaints, 1, now))
        return;
    of->complained    = status;
    of->complained_at = now;
    swarm_tell(engine, &(struct swarm_notice){.kind   = SWARM_REJECTED,
                                              .member = of->party->number,
                                              .type   = type,
                                              .status = status});
}

/* A greeting with a boot number below one that we have seen: whoever speaks has forgotten what it
 * said since, and what it voted. */
static bool
is_of_earlier_life(const struct swarm_member *of, const uint8_t *bytes, size_t size)
{
    struct wire_frame frame;
    return wire_frame_decode(&frame, bytes, size) == PN_OK && frame.header.type == WIRE_HELLO &&
           frame.header.sequence >> 32 < of->peer.link.taken_sequence >> 32;
}

/* Which way it came: that is the way back. */
static void
note_way(struct swarm_engine *engine, pn_ms now, uint32_t member, uint32_t by, bool greeting)
{
    struct swarm_member   *of    = &engine->members[member];
    struct fed_route_event event = {.member = member, .kind = FED_R_LINE};
    if (by != FED_NOBODY) {
        event.kind     = FED_R_HEARD;
        event.by       = by;
        event.greeting = greeting;
    } else if (greeting) {
        event.kind = FED_R_NEAR;
    } else if (engine->ways[member].near != FED_AWAY) {
        return;
    }
    bool turns = by == FED_NOBODY && fed_routes_via(&engine->routes, member) != FED_NOBODY;
    if (turns) /* the connection is back: what we say begins anew there */
        of->peer.link.sent_hello = false;
    swarm_route(engine, now, &event);
    if (turns && !greeting)
        swarm_greet(engine, member, now);
}

/* A forwarder may have kept it: it is not worth a look, nor a part of its sender's budget. */
static bool
is_old(const struct swarm_member *of, const struct wire_span *bytes)
{
    struct wire_frame frame;
    return wire_frame_decode(&frame, bytes->bytes, bytes->size) == PN_OK &&
           frame.header.sequence <= of->peer.link.taken_sequence;
}

void
swarm_hear(struct swarm_engine *engine, pn_ms now, uint32_t member, uint32_t by,
           const struct wire_span *bytes)
{
    struct swarm_member *of    = &engine->members[member];
    struct wire_frame    frame = {.header = {.type = 0}};
    enum pn_status       st    = PN_EPEER_LIMIT;
    if (by != FED_NOBODY && is_old(of, bytes))
        st = PN_EPEER_REPLAY;
    else if (swarm_may_speak(engine, of, bytes, now))
        st = engine_peer_open(&frame, &of->peer, bytes->bytes, bytes->size);
    if (st == PN_OK) {
        note_way(engine, now, member, by, frame.header.type == WIRE_HELLO);
        st = swarm_take(engine, now, member, &frame);
    }
    bool bad = engine_count(&of->peer.counters, st) == ENGINE_REJECTED;
    if (st == PN_EPEER_REPLAY && by == FED_NOBODY) {
        if (is_of_earlier_life(of, bytes->bytes, bytes->size)) {
            bad = true; /* whom we knew is gone */
            swarm_lose(engine, now, member);
            swarm_route(engine, now,
                        &(struct fed_route_event){.kind = FED_R_AWAY, .member = member});
        } else { /* a forwarder was faster; but the connection is there */
            note_way(engine, now, member, by, false);
        }
    }
    if (bad)
        complain(engine, of, now, frame.header.type, st);
    if (st == PN_EPEER_RUN && now >= of->peer.restart_at)
        swarm_greet(engine, member, now); /* so that it hears of us, and can say the same */
}

void
swarm_engine_frame(struct swarm_engine *engine, pn_ms now, uint32_t number, const uint8_t *bytes,
                   size_t size)
{
    uint32_t member = place_of(engine, number);
    if (member >= engine->count || member == engine->self || engine->halted)
        return;
    swarm_hear(engine, now, member, FED_NOBODY, &(struct wire_span){bytes, size});
    swarm_engine_tick(engine, now);
}

/* The newest model is on every member, also on one that did not compute it and does not train;
 * older ones are not fetched on the way to it. */
static void
hold_model(struct swarm_engine *engine, pn_ms now)
{
    const struct fed_chain *chain = &engine->chain;
    if (engine->holds_model || chain->height == 0 || engine->committing ||
        fed_swarm_is_behind(&engine->machine))
        return;
    bool model          = swarm_have(engine, SWARM_MODELS, &chain->model, now);
    bool scaling        = swarm_have(engine, SWARM_SCALING, &chain->scaling, now);
    engine->holds_model = model && scaling;
}

/* Everybody who is here has our newest block. */
static bool
all_hold_it(const struct swarm_engine *engine)
{
    for (uint32_t i = 0; i < engine->count; i++)
        if (swarm_is_open(engine, i) && engine->parts[i].height < engine->chain.height)
            return false;
    return true;
}

/* Of the members that the others know by the keys that they have now, in the next roster too, more
 * than may lie have our newest block: it does not depend on us any more. */
static bool
is_handed_on(const struct swarm_engine *engine)
{
    uint32_t hold = 0;
    for (uint32_t i = 0; i < engine->count; i++) {
        const struct fed_roster_member *now  = engine->members[i].party,
                                       *next = fed_roster_find(engine->chain.roster, now->number);
        hold +=
            i != engine->self && next != NULL && engine->parts[i].height >= engine->chain.height &&
            memcmp(&next->certificate.node, &now->certificate.node, sizeof now->certificate.node) ==
                0;
    }
    return hold > engine->machine.limits.consensus.liars;
}

static bool
has_lingered(const struct swarm_engine *engine, pn_ms now)
{
    return engine->linger_until != 0 &&
           (now >= engine->linger_until ||
            (swarm_leaves(engine) ? is_handed_on(engine) : all_hold_it(engine)));
}

void
swarm_engine_tick(struct swarm_engine *engine, pn_ms now)
{
    if (engine->halted)
        return;
    if (now >= fed_swarm_deadline(&engine->machine))
        swarm_raise(engine, now, &(struct fed_swarm_event){.kind = FED_S_TICK});
    if (now >= fed_routes_deadline(&engine->routes))
        swarm_route(engine, now, &(struct fed_route_event){.kind = FED_R_TICK});
    for (uint32_t i = 0; i < engine->count; i++)
        if (i != engine->self && engine_peer_must_ask(&engine->members[i].peer, now))
            swarm_greet(engine, i, now);
    swarm_pull_more(engine, now);
    hold_model(engine, now);
    if (engine->look_at != 0 && now >= engine->look_at) {
        engine->now = now;
        swarm_block_check_more(engine);
    }
    if (engine->needs_contribution && !engine->working)
        swarm_contribute(engine, now);
    if (has_lingered(engine, now))
        engine->halted = engine->over = true;
}

pn_ms
swarm_engine_deadline(const struct swarm_engine *engine)
{
    pn_ms at = fed_swarm_deadline(&engine->machine), other;
    if (engine->halted)
        return UINT64_MAX;
    for (uint32_t i = 0; i < engine->count; i++)
        if (i != engine->self && (other = engine_peer_deadline(&engine->members[i].peer)) < at)
            at = other;
    other = swarm_pull_deadline(engine);
    if (other < at)
        at = other;
    other = fed_routes_deadline(&engine->routes);
    if (other < at)
        at = other;
    if (engine->linger_until != 0 && engine->linger_until < at)
        at = engine->linger_until;
    return engine->look_at != 0 && engine->look_at < at ? engine->look_at : at;
}

void
swarm_engine_stop(struct swarm_engine *engine)
{
    atomic_store(&engine->progress.stop, true);
}

enum pn_status
swarm_engine_offer(struct swarm_engine *engine, const struct wire_roster *next,
                   struct pn_error *why)
{
    const struct fed_roster *found;
    if (!swarm_takes_part(engine))
        return pn_error_set(why, PN_ESTATE,
                            "the ledger is at epoch %u of the roster, and catches up to epoch %u",
                            engine->chain.roster->epoch, engine->config.roster->epoch);
    if (engine->machine.finished)
        return pn_error_set(why, PN_ESTATE, "the run is over, and keeps its roster");
    enum pn_status st = fed_epochs_next(&found, &engine->epochs, engine->chain.roster, next, why);
    if (st == PN_OK && !swarm_can_go_on(engine, found, NULL))
        st =
            pn_error_set(why, PN_ESTATE,
                         "of its members fewer have taken part than the %u that a round of the job "
                         "needs: let others join first, and remove members in a later epoch",
                         engine->config.limits.quorum);
    if (st == PN_OK)
        engine->next = next;
    return st;
}

bool
swarm_engine_is_superseded(const struct swarm_engine *engine)
{
    return engine->chain.roster->epoch > engine->config.roster->epoch;
}

bool
swarm_engine_is_stranded(const struct swarm_engine *engine)
{
    const struct fed_swarm *machine = &engine->machine;
    return !machine->finished && (fed_swarm_here(machine) < machine->limits.consensus.quorum ||
                                  engine->chain.roster->epoch < engine->config.roster->epoch);
}

bool
swarm_engine_is_over(const struct swarm_engine *engine)
{
    if (!engine->over || engine->works != NULL)
        return false;
    bool nobody = true; /* who could still give us the last model */
    for (uint32_t i = 0; i < engine->count; i++)
        nobody = nobody && !swarm_is_near(engine, i);
    return engine->halted || engine->holds_model || nobody;
}

const struct fed_swarm *
swarm_engine_machine(const struct swarm_engine *engine)
{
    return &engine->machine;
}

const struct fed_chain *
swarm_engine_chain(const struct swarm_engine *engine)
{
    return &engine->chain;
}

const struct engine_counters *
swarm_engine_counters(const struct swarm_engine *engine, uint32_t number)
{
    uint32_t member = place_of(engine, number);
    return member >= engine->count ? NULL : &engine->members[member].peer.counters;
}

/* ---- making and releasing ---- */

static void
init_members(struct swarm_engine *engine)
{
    const struct fed_roster *roster = engine->config.roster;
    for (uint32_t i = 0; i < engine->count; i++) {
        struct swarm_member *member = &engine->members[i];
        struct fed_link_ends ends   = {.epoch  = roster->epoch,
                                       .self   = engine->config.self,
                                       .peer   = roster->members[i].number,
                                       .swarm  = true,
                                       .secret = engine->config.secret,
                                       .key    = &roster->members[i].certificate.node,
                                       .last   = &engine->config.scratch->last};
        memcpy(ends.run, engine->run, sizeof ends.run);
        member->party = &roster->members[i];
        engine_peer_init(&member->peer, &ends, engine->config.boot);
        member->peer.session = &engine->session;
    }
}

static enum pn_status
init(struct swarm_engine *engine, struct pn_error *why)
{
    const struct fed_roster *roster = engine->config.roster;
    struct fed_swarm_limits  limits = engine->config.limits;
    engine->count                   = roster->member_count;
    engine->self                    = place_of(engine, engine->config.self);
    if (roster->mode != FED_MODE_SWARM || engine->self == engine->count)
        return pn_error_set(why, PN_ECONFIG, "member %u is in no swarm of this roster",
                            engine->config.self);
    engine->members = calloc(engine->count, sizeof *engine->members);
    engine->parts   = calloc(engine->count, sizeof *engine->parts);
    engine->voters  = calloc(engine->count, sizeof *engine->voters);
    engine->ways    = calloc(engine->count, sizeof *engine->ways);
    if (engine->members == NULL || engine->parts == NULL || engine->voters == NULL ||
        engine->ways == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the members of the swarm");
    limits.consensus.members = engine->count;
    limits.consensus.self    = engine->self;
    limits.consensus.quorum  = fed_roster_quorum(roster, &limits.consensus.liars);
    fed_epochs_init(&engine->epochs, engine->config.trusted);
    fed_job_run(engine->run, roster->federation, engine->config.job->job, "1");
    fed_swarm_init(&engine->machine, &limits, engine->parts, engine->voters);
    swarm_relay_init(engine);
    for (size_t i = 0; i < SWARM_FOLDERS; i++)
        engine_shelf_init(&engine->shelves[i], engine->config.disk);
    for (size_t i = 0; i < SWARM_PULLS; i++)
        engine_fetch_init(&engine->pulls[i].fetch, engine->config.disk);
    for (size_t i = 0; i < SWARM_BLOCKS; i++)
        pn_buffer_init(&engine->blocks[i].bytes, WIRE_BLOCK_MAX);
    pn_buffer_init(&engine->record, sizeof(struct sec_signature) + WIRE_BLOCK_MAX);
    engine->best = (double)NAN;
    return swarm_resume(engine, why);
}

enum pn_status
swarm_engine_new(struct swarm_engine **out, const struct swarm_config *config, struct pn_error *why)
{
    struct swarm_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the swarm's engine");
    engine->config    = *config;
    enum pn_status st = init(engine, why);
    if (st != PN_OK) {
        swarm_engine_free(engine);
        return st;
    }
    init_members(engine);
    *out = engine;
    return PN_OK;
}

void
swarm_engine_free(struct swarm_engine *engine)
{
    if (engine == NULL)
        return;
    engine_work_release_all(&engine->works);
    for (size_t i = 0; i < SWARM_PULLS; i++)
        engine_fetch_fini(&engine->pulls[i].fetch);
    for (size_t i = 0; i < SWARM_FOLDERS; i++)
        engine_shelf_fini(&engine->shelves[i]);
    for (size_t i = 0; i < SWARM_BLOCKS; i++)
        pn_buffer_fini(&engine->blocks[i].bytes);
    pn_buffer_fini(&engine->record);
    fed_epochs_fini(&engine->epochs);
    engine_trainer_free(engine->trainer);
    swarm_relay_fini(engine);
    free(engine->ways);
    free(engine->kept);
    free(engine->members);
    free(engine->parts);
    free(engine->voters);
    free(engine);
}
