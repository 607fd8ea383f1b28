#include "coordinator/state.h"

#include "engine/survey.h"
#include "fed/update.h"

#include <stdlib.h>
#include <string.h>

static struct wire_arena *
arena_of(struct coord_engine *engine)
{
    wire_arena_reset(&engine->config.scratch->arena);
    return &engine->config.scratch->arena;
}

static struct fed_event
event_of(enum fed_event_kind kind, const struct coord_member *member,
         const struct wire_frame *frame)
{
    return (struct fed_event){.kind    = kind,
                              .member  = member->party->number,
                              .round   = frame->header.round,
                              .attempt = frame->header.attempt};
}

/* ---- how much one member may say ---- */

enum {
    FRAMES_SPARE    = 64, /* on top of what a round needs */
    FRAMES_A_SECOND = 16, /* heartbeats, greetings, and answers to questions asked again */
    BYTES_A_FRAME   = 16384,
    COMPLAINTS      = 16, /* sentences about its frames that a log gets at once */
};

/* A chunk may be lost on the way and asked for again, and a node that died starts anew: three times
 * what a calm round needs. A member that was away countersigns every block it missed. */
static uint64_t
frames_of_a_round(const struct coord_engine *engine)
{
    const struct engine_job *job = engine->config.job;
    /* The model twice (to train, to evaluate) and the update; the scaling. */
    uint64_t chunks = 3u * (uint64_t)sec_blob_chunks(job->model_size) +
                      (job->scaling_size > 0 ? sec_blob_chunks(job->scaling_size) : 0);
    return FRAMES_SPARE + 3 * chunks + engine->chain.height;
}

static void
fill_budgets(const struct coord_engine *engine, struct coord_member *member, pn_ms now)
{
    uint64_t frames = frames_of_a_round(engine);
    engine_budget_init(&member->frames, frames, FRAMES_A_SECOND, now);
    engine_budget_init(&member->bytes,
                       2 * engine->config.job->model_size + frames * (uint64_t)BYTES_A_FRAME,
                       (uint64_t)FRAMES_A_SECOND * BYTES_A_FRAME, now);
    engine_budget_init(&member->complaints, COMPLAINTS, 1, now);
    member->budget_round   = engine->round.round;
    member->budget_attempt = engine->round.attempt;
}

bool
coord_may_speak(const struct coord_engine *engine, struct coord_member *member, size_t size,
                pn_ms now)
{
    if (member->frames.most == 0 || member->budget_round != engine->round.round ||
        member->budget_attempt != engine->round.attempt)
        fill_budgets(engine, member, now);
    return engine_budget_take(&member->frames, 1, now) &&
           engine_budget_take(&member->bytes, size, now);
}

/* ---- sessions ---- */

/* A member may have fewer blocks than we have, never others. */
static bool
is_our_history(const struct coord_engine *engine, const struct wire_hello *hello)
{
    if (hello->height == 0)
        return true;
    return hello->height <= engine->chain.height &&
           sec_equal(hello->head, engine->heads[hello->height - 1].bytes, sizeof hello->head);
}

static enum pn_status
take_hello(struct coord_engine *engine, pn_ms now, struct coord_member *member,
           const struct wire_frame *frame)
{
    struct wire_hello hello;
    enum pn_status    st =
        wire_hello_decode(&hello, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    member->foreign = !is_our_history(engine, &hello);
    if (member->foreign) {
        coord_tell(engine,
                   &(struct coord_notice){
                       .kind   = COORD_FOREIGN,
                       .member = member->party->number,
                       .status = PN_EPEER_VALUE,
                       .text   = hello.height > engine->chain.height
                                     ? "it holds more blocks than this ledger has: was an old "
                                       "state directory restored here?"
                                     : "its newest block is not the one of this ledger"});
        return PN_EPEER_VALUE;
    }
    if (hello.restart || !member->peer.link.sent_hello)
        coord_greet(engine, member, now);
    coord_parted(engine, member);
    if (!coord_part_of(engine, member)->connected)
        coord_tell(engine,
                   &(struct coord_notice){.kind = COORD_GREETED, .member = member->party->number});
    struct fed_event event = event_of(FED_UP, member, frame);
    event.height           = hello.height;
    return coord_turn(engine, now, &event);
}

/* ---- what nodes say of themselves ---- */

static enum pn_status
take_answer(struct coord_engine *engine, pn_ms now, struct coord_member *member,
            const struct wire_frame *frame)
{
    struct wire_answer answer;
    enum pn_status     st =
        wire_answer_decode(&answer, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    if (answer.records > ENGINE_RECORDS_MAX)
        return PN_EPEER_VALUE;

    const struct fed_round_member *part   = coord_part_of(engine, member);
    bool                           is_new = answer.accepted ? !part->joined : !part->refused;
    struct fed_event               event  = event_of(FED_ANSWERED, member, frame);
    event.accepted                        = answer.accepted;
    event.records                         = answer.records;
    struct coord_notice notice            = {.kind    = COORD_JOINED,
                                             .member  = member->party->number,
                                             .records = answer.records,
                                             .text    = answer.reason};
    if (!answer.accepted)
        notice.kind = COORD_REFUSED;
    if (is_new && part->connected)
        coord_tell(engine, &notice);
    return coord_turn(engine, now, &event);
}

static enum pn_status
keep_statistics(const struct coord_engine *engine, struct coord_member *member,
                const struct wire_statistics *statistics)
{
    if (!engine_statistics_are_possible(statistics, engine->schema->numeric_count,
                                        engine->member_count))
        return PN_EPEER_VALUE;
    if (member->sums == NULL &&
        (member->sums = calloc(engine->schema->numeric_count + 1u, sizeof *member->sums)) == NULL)
        return PN_ENOMEM;
    engine_statistics_sums(member->sums, statistics);
    return PN_OK;
}

static enum pn_status
take_statistics(struct coord_engine *engine, pn_ms now, struct coord_member *member,
                const struct wire_frame *frame)
{
    struct wire_statistics statistics;
    enum pn_status         st =
        wire_statistics_decode(&statistics, arena_of(engine), frame->body, frame->header.body_size);
    /* What counted once stays as it was: a second, different answer changes nothing. */
    if (st == PN_OK && !coord_part_of(engine, member)->surveyed)
        st = keep_statistics(engine, member, &statistics);
    if (st != PN_OK)
        return st;
    const struct fed_event event = event_of(FED_SURVEYED, member, frame);
    return coord_turn(engine, now, &event);
}

static enum pn_status
take_accept(struct coord_engine *engine, pn_ms now, struct coord_member *member,
            const struct wire_frame *frame)
{
    struct wire_accept accept;
    enum pn_status     st =
        wire_accept_decode(&accept, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    if (accept.records > ENGINE_RECORDS_MAX)
        return PN_EPEER_VALUE;
    struct fed_event event = event_of(FED_ACCEPT, member, frame);
    event.records          = accept.records;
    return coord_turn(engine, now, &event);
}

/* The commitment names the model of the round it is for, so it can be checked for this round only.
 */
static enum pn_status
take_update(struct coord_engine *engine, pn_ms now, struct coord_member *member,
            const struct wire_frame *frame)
{
    struct wire_update update;
    enum pn_status     st =
        wire_update_decode(&update, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    if (frame->header.round != engine->round.round)
        return PN_EPEER_STALE;

    struct fed_commitment commitment = {.round    = frame->header.round,
                                        .weight   = update.weight,
                                        .member   = member->party->number,
                                        .model_in = engine->round.model,
                                        .update   = fed_blob_from_wire(&update.update)};
    struct sec_signature  signature;
    memcpy(commitment.run, engine->config.run, sizeof commitment.run);
    memcpy(signature.bytes, update.signature, sizeof signature.bytes);
    if (!fed_commitment_check(&signature, &commitment, &member->party->certificate.node))
        return PN_EPEER_AUTH;

    struct fed_event event = event_of(FED_UPDATE, member, frame);
    event.blob             = commitment.update;
    event.weight           = update.weight;
    memcpy(event.signature, update.signature, sizeof event.signature);
    return coord_turn(engine, now, &event);
}

static enum pn_status
keep_metrics(const struct coord_engine *engine, struct coord_member *member,
             const struct wire_metrics *message)
{
    const struct engine_job *job = engine->config.job;
    if (member->metrics == NULL &&
        (member->metrics = calloc(job->metric_count + 1, sizeof *member->metrics)) == NULL)
        return PN_ENOMEM;
    enum pn_status st = engine_metrics_decode(member->metrics, job, message);
    if (st == PN_OK)
        member->measured = message->records;
    return st;
}

static enum pn_status
take_metrics(struct coord_engine *engine, pn_ms now, struct coord_member *member,
             const struct wire_frame *frame)
{
    struct wire_metrics metrics;
    enum pn_status      st =
        wire_metrics_decode(&metrics, arena_of(engine), frame->body, frame->header.body_size);
    if (st == PN_OK && !coord_part_of(engine, member)->evaluated)
        st = keep_metrics(engine, member, &metrics);
    if (st != PN_OK)
        return st;
    const struct fed_event event = event_of(FED_METRICS, member, frame);
    return coord_turn(engine, now, &event);
}

static enum pn_status
take_countersign(struct coord_engine *engine, pn_ms now, struct coord_member *member,
                 const struct wire_frame *frame)
{
    struct wire_countersign message;
    enum pn_status          st =
        wire_countersign_decode(&message, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    if (message.height >= engine->chain.height)
        return PN_EPEER_VALUE;
    const struct sec_hash *hash = &engine->heads[message.height];
    struct sec_signature   signature;
    memcpy(signature.bytes, message.signature, sizeof signature.bytes);
    if (memcmp(hash->bytes, message.hash, sizeof message.hash) != 0)
        return PN_EPEER_VALUE;
    if (!fed_witness_check(&signature, hash, &member->party->certificate.node))
        return PN_EPEER_AUTH;

    if (message.height + 1 > member->witnessed) {
        member->witnessed = message.height + 1;
        memcpy(member->witness, message.signature, sizeof member->witness);
    }
    struct fed_event event = event_of(FED_COUNTERSIGNED, member, frame);
    event.height           = message.height + 1;
    return coord_turn(engine, now, &event);
}

static enum pn_status
take_fault(struct coord_engine *engine, pn_ms now, struct coord_member *member,
           const struct wire_frame *frame)
{
    struct wire_fault fault;
    enum pn_status    st =
        wire_fault_decode(&fault, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    const struct fed_event    event  = event_of(FED_FAULT, member, frame);
    const struct coord_notice notice = {
        .kind = COORD_FAULTED, .member = member->party->number, .text = fault.reason};
    st = coord_turn(engine, now, &event);
    if (st == PN_OK)
        coord_tell(engine, &notice);
    return st;
}

static enum pn_status
take_heartbeat(struct coord_engine *engine, pn_ms now, struct coord_member *member,
               const struct wire_frame *frame)
{
    struct wire_heartbeat heartbeat;
    (void)now;
    (void)member;
    return wire_heartbeat_decode(&heartbeat, arena_of(engine), frame->body,
                                 frame->header.body_size);
}

/* ---- blobs ---- */

static enum pn_status
take_pull(struct coord_engine *engine, pn_ms now, struct coord_member *member,
          const struct wire_frame *frame)
{
    struct wire_pull pull;
    enum pn_status   st =
        wire_pull_decode(&pull, arena_of(engine), frame->body, frame->header.body_size);
    /* A short question with a long answer: each chunk counts as a frame of its own. */
    if (st == PN_OK && !engine_budget_take(&member->frames, pull.count - 1, now))
        st = PN_EPEER_LIMIT;
    return st == PN_OK ? coord_asked(engine, member, &pull) : st;
}

static enum pn_status
take_chunk(struct coord_engine *engine, pn_ms now, struct coord_member *member,
           const struct wire_frame *frame)
{
    struct wire_chunk chunk;
    enum pn_status    st = wire_chunk_decode(&chunk, frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    st = engine_fetch_take(&member->fetch, &chunk);
    if (st != PN_OK && !pn_status_is_peer(st)) {
        coord_break(engine, st, "a chunk of an update cannot be written to the state directory");
        (void)coord_turn(engine, now, &(struct fed_event){.kind = FED_TICK});
    }
    if (st == PN_OK) {
        /* While it is in the cache: nothing is read again when the update is whole. */
        fed_update_measure_bytes(&member->squares, chunk.data.bytes, chunk.data.size);
        coord_came(engine, member, chunk.data.size);
        coord_want(engine, member, now);
    }
    if (engine_fetch_is_whole(&member->fetch))
        coord_begin_check(engine, member, true);
    return st;
}

/* ---- all of them ---- */

typedef enum pn_status take_fn(struct coord_engine *engine, pn_ms now, struct coord_member *member,
                               const struct wire_frame *frame);

static take_fn *const takers[] = {
    [WIRE_HELLO]       = take_hello,
    [WIRE_ANSWER]      = take_answer,
    [WIRE_STATISTICS]  = take_statistics,
    [WIRE_ACCEPT]      = take_accept,
    [WIRE_UPDATE]      = take_update,
    [WIRE_METRICS]     = take_metrics,
    [WIRE_COUNTERSIGN] = take_countersign,
    [WIRE_FAULT]       = take_fault,
    [WIRE_HEARTBEAT]   = take_heartbeat,
    [WIRE_PULL]        = take_pull,
    [WIRE_CHUNK]       = take_chunk,
};

enum pn_status
coord_take(struct coord_engine *engine, pn_ms now, struct coord_member *member,
           const struct wire_frame *frame)
{
    uint16_t type = frame->header.type;
    if (type >= sizeof takers / sizeof takers[0] || takers[type] == NULL)
        return PN_EPEER_FORMAT; /* a coordinator's message; the link refuses it as well */
    if (member->foreign && type != WIRE_HELLO)
        return PN_EPEER_RUN;
    return takers[type](engine, now, member, frame);
}
