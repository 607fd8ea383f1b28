#define _POSIX_C_SOURCE 200809L /* strdup */
#include "node/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEARTBEAT_MS = 5000,
    GREET_MS     = 2000,
    COMPLAINTS   = 16 /* sentences about frames that a log gets at once; then one a second */
};

void
node_config_defaults(struct node_config *config)
{
    *config = (struct node_config){
        .bytes_max = (uint64_t)4 << 30,
        .limits    = {.heartbeat_ms = HEARTBEAT_MS, .retry_ms = GREET_MS},
    };
}

void
node_tell(const struct node_engine *engine, const struct node_notice *notice)
{
    if (engine->config.notice == NULL)
        return;
    struct node_notice full = *notice;
    if (full.text == NULL)
        full.text = "";
    engine->config.notice(engine->config.host, &full);
}

void
node_submit(struct node_engine *engine, struct engine_work *work, const struct engine_work_how *how)
{
    engine_work_submit(work, &engine->works, engine, &engine->config.ports, how);
}

void
node_note(char **to, const char *text)
{
    char cut[WIRE_TEXT_MAX + 1];
    wire_text_cut(cut, text);
    free(*to);
    *to = strdup(cut);
}

const char *
node_text(const char *noted)
{
    return noted != NULL ? noted : pn_status_text(PN_ENOMEM);
}

/* ---- one turn ---- */

void
node_raise(struct node_engine *engine, const struct fed_member_event *event)
{
    struct node_turn *turn = engine->turn;
    PN_ASSERT(turn != NULL && turn->count < NODE_PENDING_MAX);
    turn->events[turn->count++] = *event;
}

void
node_begin_turn(struct node_engine *engine, struct node_turn *turn)
{
    turn->count  = 0; /* the events are written before they are read */
    turn->outer  = engine->turn;
    engine->turn = turn;
}

/* Training for a round that is over serves nobody: let it end. */
static void
stop_stale_training(struct node_engine *engine)
{
    const struct fed_member *machine = &engine->machine;
    if (machine->work == FED_WORK_TRAIN && machine->work_round < machine->round)
        atomic_store(&engine->progress.stop, true);
}

static enum pn_status
step(struct node_engine *engine, pn_ms now, const struct fed_member_event *event)
{
    struct fed_member_effects effects;
    enum pn_status            st = fed_member_step(&engine->machine, now, event, &effects);
    node_perform(engine, &effects, now);
    return st;
}

void
node_end_turn(struct node_engine *engine, pn_ms now)
{
    struct node_turn *turn = engine->turn;
    while (turn->count > 0) {
        const struct fed_member_event next = turn->events[0];
        turn->count--;
        memmove(turn->events, turn->events + 1, turn->count * sizeof turn->events[0]);
        /* SAFE: an event of our own that the machine does not want any more has no one to answer.
         */
        (void)!step(engine, now, &next);
    }
    engine->turn = turn->outer;
    stop_stale_training(engine);
}

enum pn_status
node_take_turn(struct node_engine *engine, pn_ms now, const struct fed_member_event *event)
{
    struct node_turn turn;
    node_begin_turn(engine, &turn);
    enum pn_status st = step(engine, now, event);
    node_end_turn(engine, now);
    return st;
}

/* ---- from outside ---- */

void
node_engine_up(struct node_engine *engine, pn_ms now)
{
    engine->peer.reachable = true;
    node_tell(engine, &(struct node_notice){.kind = NODE_UP});
    (void)node_take_turn(engine, now, &(struct fed_member_event){.kind = FED_M_UP});
}

void
node_engine_down(struct node_engine *engine, pn_ms now)
{
    engine_peer_down(&engine->peer);
    node_tell(engine, &(struct node_notice){.kind = NODE_DOWN});
    (void)node_take_turn(engine, now, &(struct fed_member_event){.kind = FED_M_DOWN});
}

void
node_engine_frame(struct node_engine *engine, pn_ms now, const uint8_t *bytes, size_t size)
{
    struct wire_frame frame = {.header = {.type = 0}};
    struct pn_error   why   = {.text = ""};
    enum pn_status    st    = engine_peer_open(&frame, &engine->peer, bytes, size);
    if (st == PN_OK)
        st = node_take(engine, now, &frame, &why);
    if (engine_count(&engine->peer.counters, st) == ENGINE_REJECTED &&
        engine_budget_take(&engine->complaints, 1, now))
        node_tell(engine, &(struct node_notice){.kind   = NODE_REJECTED,
                                                .type   = frame.header.type,
                                                .status = st,
                                                .text   = why.text});
    node_engine_tick(engine, now);
}

static void
ask_for_chunks(struct node_engine *engine, struct engine_fetch *fetch, pn_ms now)
{
    if (now >= engine_fetch_deadline(fetch))
        engine_fetch_ask(fetch, &engine->peer, &engine->config.ports, engine->config.scratch, now);
}

void
node_engine_tick(struct node_engine *engine, pn_ms now)
{
    if (now >= fed_member_deadline(&engine->machine))
        (void)node_take_turn(engine, now, &(struct fed_member_event){.kind = FED_M_TICK});
    if (engine_peer_must_ask(&engine->peer, now))
        /* SAFE: a greeting that is lost is sent again a second later. */
        (void)!engine_peer_hello(&engine->peer, &engine->config.ports, engine->config.scratch,
                                 engine->chain.height, &engine->chain.head, now);
    ask_for_chunks(engine, &engine->model, now);
    ask_for_chunks(engine, &engine->scaling, now);
}

static pn_ms
sooner(pn_ms a, pn_ms b)
{
    return a < b ? a : b;
}

pn_ms
node_engine_deadline(const struct node_engine *engine)
{
    pn_ms at = sooner(fed_member_deadline(&engine->machine), engine_peer_deadline(&engine->peer));
    if (!engine->peer.link.sent_hello) /* without a session nothing can be asked for */
        return at;
    at = sooner(at, engine_fetch_deadline(&engine->model));
    return sooner(at, engine_fetch_deadline(&engine->scaling));
}

void
node_engine_stop(struct node_engine *engine)
{
    atomic_store(&engine->progress.stop, true);
}

bool
node_engine_is_over(const struct node_engine *engine)
{
    return engine->over;
}

const struct fed_member *
node_engine_member(const struct node_engine *engine)
{
    return &engine->machine;
}

const struct fed_chain *
node_engine_chain(const struct node_engine *engine)
{
    return &engine->chain;
}

const struct engine_counters *
node_engine_counters(const struct node_engine *engine)
{
    return &engine->peer.counters;
}

/* ---- making and releasing ---- */

static enum pn_status
init_peer(struct node_engine *engine, struct pn_error *why)
{
    const struct node_config       *config = &engine->config;
    const struct fed_roster        *roster = config->roster;
    const struct fed_roster_member *hub    = fed_roster_find(roster, roster->coordinator);
    const struct fed_roster_member *self   = fed_roster_find(roster, config->self);
    if (hub == NULL || self == NULL || self->role != FED_ROLE_NODE)
        return pn_error_set(why, PN_ECONFIG, "member %u is no node of this roster", config->self);
    struct fed_link_ends ends = {.epoch               = roster->epoch,
                                 .self                = config->self,
                                 .peer                = hub->number,
                                 .peer_is_coordinator = true,
                                 .secret              = config->secret,
                                 .key                 = &hub->certificate.node,
                                 .last                = &config->scratch->last};
    /* Zeros until the first block is ours: the coordinator's greeting tells (engine/peer). */
    memcpy(ends.run, engine->chain.run, sizeof ends.run);
    engine_peer_init(&engine->peer, &ends, config->boot);
    return PN_OK;
}

enum pn_status
node_engine_new(struct node_engine **out, const struct node_config *config, struct pn_error *why)
{
    struct node_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the node's engine");
    engine->config = *config;
    engine_budget_init(&engine->complaints, COMPLAINTS, 1, 0);
    engine_shelf_init(&engine->shelf, config->disk);
    engine_fetch_init(&engine->model, NULL);
    engine_fetch_init(&engine->scaling, NULL);

    enum pn_status st = node_resume(engine, why);
    if (st == PN_OK)
        st = init_peer(engine, why);
    if (st != PN_OK) {
        node_engine_free(engine);
        return st;
    }
    *out = engine;
    return PN_OK;
}

void
node_engine_free(struct node_engine *engine)
{
    if (engine == NULL)
        return;
    engine_work_release_all(&engine->works);
    engine_fetch_fini(&engine->model);
    engine_fetch_fini(&engine->scaling);
    engine_shelf_fini(&engine->shelf);
    engine_held_drop(engine->held_model);
    engine_held_drop(engine->held_scaling);
    for (size_t i = 0; engine->metrics != NULL && i < NN_METRICS_MAX; i++)
        pn_buffer_fini(&engine->metrics->states[i]);
    free(engine->metrics);
    node_drop_next(engine);
    free(engine->early);
    free(engine->reason);
    free(engine->ending);
    free(engine->own_text);
    engine_trainer_free(engine->trainer);
    if (engine->own_job != NULL)
        engine_job_fini(engine->own_job);
    free(engine->own_job);
    free(engine);
}
