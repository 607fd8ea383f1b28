#include "coordinator/state.h"

#include <stdlib.h>
#include <string.h>

/* ---- members ---- */

struct coord_member *
coord_member_of(const struct coord_engine *engine, uint32_t number)
{
    uint32_t low = 0, high = engine->member_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (engine->parts[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == engine->member_count || engine->parts[low].number != number)
        return NULL;
    return &engine->members[low];
}

struct fed_round_member *
coord_part_of(const struct coord_engine *engine, const struct coord_member *member)
{
    return &engine->parts[member - engine->members];
}

void
coord_tell(const struct coord_engine *engine, const struct coord_notice *notice)
{
    if (engine->config.notice == NULL)
        return;
    struct coord_notice full = *notice;
    full.round               = engine->round.round;
    full.attempt             = engine->round.attempt;
    full.phase               = engine->round.phase;
    if (full.text == NULL)
        full.text = "";
    engine->config.notice(engine->config.host, &full);
}

static pn_ms
sooner(pn_ms a, pn_ms b)
{
    return a < b ? a : b;
}

static pn_ms
member_deadline(const struct coord_engine *engine, const struct coord_member *member)
{
    return sooner(engine_peer_deadline(&member->peer), coord_fetch_deadline(engine, member));
}

void
coord_watch(struct coord_engine *engine, const struct coord_member *member)
{
    engine->members_at = sooner(engine->members_at, member_deadline(engine, member));
}

void
coord_send(struct coord_engine *engine, struct coord_member *member, enum wire_type type)
{
    const struct engine_stamp stamp = {
        .type = type, .round = engine->round.round, .attempt = engine->round.attempt};
    /* SAFE: a frame that does not leave is asked for again by the machine's retries. */
    (void)!engine_peer_send(&member->peer, &engine->config.ports, engine->config.scratch, &stamp);
    coord_watch(engine, member);
}

void
coord_greet(struct coord_engine *engine, struct coord_member *member, pn_ms now)
{
    /* SAFE: as above; a greeting that is lost is asked for by the other side. */
    (void)!engine_peer_hello(&member->peer, &engine->config.ports, engine->config.scratch,
                             engine->chain.height, &engine->chain.head, now);
    coord_watch(engine, member);
}

/* ---- one turn ---- */

void
coord_raise(struct coord_engine *engine, const struct fed_event *event)
{
    PN_ASSERT(engine->pending_count < COORD_PENDING_MAX);
    engine->pending[engine->pending_count++] = *event;
}

void
coord_break(struct coord_engine *engine, enum pn_status status, const char *what)
{
    if (engine->failed)
        return; /* said once; the machine is about to hear it */
    engine->failed = true;
    coord_tell(engine,
               &(struct coord_notice){.kind = COORD_BROKEN, .status = status, .text = what});
    coord_raise(engine, &(struct fed_event){.kind = FED_BROKEN});
}

static void
tell_phase(struct coord_engine *engine)
{
    const struct fed_round *round = &engine->round;
    if (round->phase == engine->told_phase && round->round == engine->told_round &&
        round->attempt == engine->told_attempt)
        return;
    engine->told_phase   = round->phase;
    engine->told_round   = round->round;
    engine->told_attempt = round->attempt;
    coord_tell(engine, &(struct coord_notice){.kind = COORD_PHASE});
}

enum pn_status
coord_turn(struct coord_engine *engine, pn_ms now, const struct fed_event *event)
{
    enum pn_status st = fed_round_step(&engine->round, now, event, &engine->effects);
    tell_phase(engine);
    coord_perform(engine, now);
    while (engine->pending_count > 0) {
        const struct fed_event next = engine->pending[0];
        engine->pending_count--;
        memmove(engine->pending, engine->pending + 1,
                engine->pending_count * sizeof engine->pending[0]);
        /* SAFE: an event of our own that the machine does not want any more has no one to answer.
         */
        (void)!fed_round_step(&engine->round, now, &next, &engine->effects);
        tell_phase(engine);
        coord_perform(engine, now);
    }
    return st;
}

/* ---- from outside ---- */

void
coord_engine_start(struct coord_engine *engine, pn_ms now)
{
    engine->told_phase = FED_ENDED;
    (void)coord_turn(engine, now, &engine->start);
}

void
coord_engine_frame(struct coord_engine *engine, pn_ms now, uint32_t number, const uint8_t *bytes,
                   size_t size)
{
    struct coord_member *member = coord_member_of(engine, number);
    if (member == NULL) {
        engine->strangers++;
        return;
    }
    struct wire_frame frame = {.header = {.type = 0}};
    enum pn_status    st    = PN_EPEER_LIMIT;
    if (coord_may_speak(engine, member, size, now))
        st = engine_peer_open(&frame, &member->peer, bytes, size);
    if (st == PN_OK)
        st = coord_take(engine, now, member, &frame);
    if (engine_count(&member->peer.counters, st) == ENGINE_REJECTED &&
        engine_budget_take(&member->complaints, 1, now))
        coord_tell(engine, &(struct coord_notice){.kind   = COORD_REJECTED,
                                                  .member = number,
                                                  .type   = frame.header.type,
                                                  .status = st});
    coord_watch(engine, member);
    coord_engine_tick(engine, now);
}

void
coord_engine_up(struct coord_engine *engine, pn_ms now, uint32_t number)
{
    struct coord_member *member = coord_member_of(engine, number);
    if (member != NULL) {
        member->peer.reachable = true;
        coord_watch(engine, member);
    }
    coord_engine_tick(engine, now);
}

void
coord_engine_down(struct coord_engine *engine, pn_ms now, uint32_t number)
{
    struct coord_member *member = coord_member_of(engine, number);
    if (member == NULL || !member->peer.reachable)
        return;
    engine_peer_down(&member->peer);
    coord_parted(engine, member);
    coord_tell(engine, &(struct coord_notice){.kind = COORD_GONE, .member = number});
    (void)coord_turn(engine, now, &(struct fed_event){.kind = FED_DOWN, .member = number});
}

/* What was noted with coord_watch may be over by now: it is found out here, from all of them. */
static void
tick_members(struct coord_engine *engine, pn_ms now)
{
    for (uint32_t i = 0; i < engine->member_count; i++) {
        struct coord_member *member = &engine->members[i];
        if (engine_peer_must_ask(&member->peer, now))
            coord_greet(engine, member, now);
        coord_want(engine, member, now);
    }
    engine->members_at = UINT64_MAX;
    for (uint32_t i = 0; i < engine->member_count; i++)
        coord_watch(engine, &engine->members[i]);
}

void
coord_engine_tick(struct coord_engine *engine, pn_ms now)
{
    if (now >= fed_round_deadline(&engine->round))
        (void)coord_turn(engine, now, &(struct fed_event){.kind = FED_TICK});
    if (now >= engine->members_at)
        tick_members(engine, now);
    coord_move_chunks(engine, now);
}

pn_ms
coord_engine_deadline(const struct coord_engine *engine)
{
    pn_ms chunks =
        sooner(engine_flow_deadline(&engine->giving), engine_flow_deadline(&engine->fetching));
    return sooner(chunks, sooner(fed_round_deadline(&engine->round), engine->members_at));
}

bool
coord_engine_is_over(const struct coord_engine *engine)
{
    return engine->over && engine->works == NULL;
}

const struct fed_round *
coord_engine_round(const struct coord_engine *engine)
{
    return &engine->round;
}

const struct fed_chain *
coord_engine_chain(const struct coord_engine *engine)
{
    return &engine->chain;
}

const struct engine_counters *
coord_engine_counters(const struct coord_engine *engine, uint32_t number)
{
    const struct coord_member *member = coord_member_of(engine, number);
    return member == NULL ? NULL : &member->peer.counters;
}

uint64_t
coord_engine_strangers(const struct coord_engine *engine)
{
    return engine->strangers;
}

/* ---- making and releasing ---- */

static void
init_members(struct coord_engine *engine)
{
    const struct coord_config *config = &engine->config;
    const struct fed_roster   *roster = config->roster;
    for (uint32_t i = 0, at = 0; i < roster->member_count; i++) {
        const struct fed_roster_member *party = &roster->members[i];
        if (party->role != FED_ROLE_NODE)
            continue;
        struct coord_member *member = &engine->members[at];
        struct fed_link_ends ends   = {.epoch               = roster->epoch,
                                       .self                = roster->coordinator,
                                       .peer                = party->number,
                                       .self_is_coordinator = true,
                                       .secret              = config->secret,
                                       .key                 = &party->certificate.node,
                                       .last                = &config->scratch->last};
        memcpy(ends.run, config->run, sizeof ends.run);
        engine_peer_init(&member->peer, &ends, config->boot);
        engine_fetch_init(&member->fetch, config->disk);
        member->party              = party;
        engine->parts[at++].number = party->number;
    }
}

static enum pn_status
allocate(struct coord_engine *engine)
{
    const struct fed_roster *roster = engine->config.roster;
    for (uint32_t i = 0; i < roster->member_count; i++)
        engine->member_count += roster->members[i].role == FED_ROLE_NODE;
    size_t room              = engine->member_count == 0 ? 1 : engine->member_count;
    engine->members          = calloc(room, sizeof *engine->members);
    engine->parts            = calloc(room, sizeof *engine->parts);
    engine->effects.capacity = fed_round_effects_max(engine->member_count);
    engine->effects.items    = calloc(engine->effects.capacity, sizeof *engine->effects.items);
    engine->scales           = calloc(engine->schema->numeric_count + 1u, sizeof *engine->scales);
    bool is_there            = engine->members != NULL && engine->parts != NULL &&
                    engine->effects.items != NULL && engine->scales != NULL &&
                    engine_flow_init(&engine->giving, engine->member_count) == PN_OK &&
                    engine_flow_init(&engine->fetching, engine->member_count) == PN_OK;
    return is_there ? PN_OK : PN_ENOMEM;
}

enum pn_status
coord_engine_new(struct coord_engine **out, const struct coord_config *config, struct pn_error *why)
{
    struct coord_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the coordinator's engine");
    engine->config     = *config;
    engine->members_at = UINT64_MAX;
    engine->schema     = config->job->schema;
    engine_shelf_init(&engine->shelf, config->disk);
    pn_buffer_init(&engine->said, WIRE_BLOCK_MAX);
    pn_buffer_init(&engine->record, sizeof(struct sec_signature) + WIRE_BLOCK_MAX);
    if (allocate(engine) != PN_OK) {
        coord_engine_free(engine);
        return pn_error_set(why, PN_ENOMEM, "no memory for %u members",
                            config->roster->member_count);
    }
    init_members(engine);

    struct fed_round_limits limits;
    engine_job_limits(&limits, config->job);
    if (engine->member_count < limits.quorum) {
        coord_engine_free(engine);
        return pn_error_set(why, PN_ECONFIG,
                            "the job needs a quorum of %u nodes, the roster has %u", limits.quorum,
                            config->roster->member_count - 1);
    }
    fed_round_init(&engine->round, &limits, engine->parts, engine->member_count);

    enum pn_status st = coord_resume(engine, why);
    if (st != PN_OK) {
        coord_engine_free(engine);
        return st;
    }
    *out = engine;
    return PN_OK;
}

void
coord_engine_free(struct coord_engine *engine)
{
    if (engine == NULL)
        return;
    engine_work_release_all(&engine->works);
    for (uint32_t i = 0; engine->members != NULL && i < engine->member_count; i++) {
        if (engine->members[i].fetch.disk != NULL)
            engine_fetch_fini(&engine->members[i].fetch);
        free(engine->members[i].sums);
        free(engine->members[i].metrics);
    }
    engine_flow_fini(&engine->giving);
    engine_flow_fini(&engine->fetching);
    engine_shelf_fini(&engine->shelf);
    pn_buffer_fini(&engine->record);
    pn_buffer_fini(&engine->said);
    free(engine->members);
    free(engine->parts);
    free(engine->effects.items);
    free(engine->scales);
    free(engine->heads);
    free(engine->kept);
    free(engine->models);
    free(engine);
}
