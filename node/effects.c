#include "node/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    GREETINGS_FEW  = 3,  /* unanswered, before a person hears of it ... */
    GREETINGS_MANY = 150 /* ... and again */
};

/* ---- messages ---- */

static enum pn_status
write_answer(const struct node_engine *engine, struct pn_buffer *body)
{
    struct wire_answer answer = {.accepted = engine->accepts,
                                 .reason   = engine->accepts ? "" : node_text(engine->reason)};
    if (engine->accepts) {
        const struct data_parts *parts = engine_trainer_parts(engine->trainer);
        answer.records                 = parts->train;
        answer.validation_records      = parts->validation;
    }
    return wire_answer_encode(body, &answer);
}

static enum pn_status
write_statistics(const struct node_engine *engine, struct pn_buffer *body)
{
    struct wire_column_sums columns[WIRE_COLUMNS_MAX];
    const struct data_sums *sums       = engine_trainer_sums(engine->trainer);
    struct wire_statistics  statistics = {.records = engine_trainer_parts(engine->trainer)->train,
                                          .columns = columns};
    if (sums != NULL)
        statistics.column_count = engine->job->schema->numeric_count;
    for (size_t i = 0; i < statistics.column_count; i++)
        columns[i] = (struct wire_column_sums){
            .count = sums[i].count, .sum = sums[i].sum, .sum_of_squares = sums[i].sum_of_squares};
    return wire_statistics_encode(body, &statistics);
}

static enum pn_status
write_update(const struct node_engine *engine, struct pn_buffer *body)
{
    struct wire_update update = {.update = fed_blob_to_wire(&engine->update.update),
                                 .weight = engine->update.weight,
                                 .loss   = engine->update.loss};
    memcpy(update.signature, engine->update.signature.bytes, sizeof update.signature);
    return wire_update_encode(body, &update);
}

static enum pn_status
write_metrics(const struct node_engine *engine, struct pn_buffer *body)
{
    struct wire_metric_state states[NN_METRICS_MAX];
    struct wire_metrics      metrics = {.records      = engine->metrics->records,
                                        .metrics      = states,
                                        .metric_count = engine->job->metric_count};
    for (size_t i = 0; i < metrics.metric_count; i++) {
        const struct pn_buffer *state = &engine->metrics->states[i];
        states[i] = (struct wire_metric_state){.name  = nn_metric_names[engine->job->metrics[i]],
                                               .state = {state->bytes, state->size}};
    }
    return wire_metrics_encode(body, &metrics);
}

static enum pn_status
write_countersign(const struct node_engine *engine, struct pn_buffer *body)
{
    const struct fed_chain *chain = &engine->chain;
    struct sec_signature    signature;
    PN_ASSERT(chain->height > 0);
    struct wire_countersign message = {.height = chain->height - 1};
    fed_witness_sign(&signature, &chain->head, engine->config.secret);
    memcpy(message.hash, chain->head.bytes, sizeof message.hash);
    memcpy(message.signature, signature.bytes, sizeof message.signature);
    return wire_countersign_encode(body, &message);
}

static enum pn_status
write_heartbeat(const struct node_engine *engine, struct pn_buffer *body)
{
    static const enum wire_activity activities[] = {
        [FED_NO_WORK]       = WIRE_IDLE,
        [FED_WORK_JOIN]     = WIRE_LOADING,
        [FED_WORK_SURVEY]   = WIRE_LOADING,
        [FED_WORK_TRAIN]    = WIRE_TRAINING,
        [FED_WORK_EVALUATE] = WIRE_EVALUATING,
        [FED_WORK_KEEP]     = WIRE_IDLE,
    };
    struct wire_heartbeat heartbeat = {.activity = activities[engine->machine.work]};
    if (engine->machine.work == FED_WORK_TRAIN) {
        /* Two reads of a moving thing: order and clamp, so that done <= total. */
        heartbeat.done  = atomic_load(&engine->progress.done);
        heartbeat.total = atomic_load(&engine->progress.total);
        if (heartbeat.done > heartbeat.total)
            heartbeat.done = heartbeat.total;
    }
    return wire_heartbeat_encode(body, &heartbeat);
}

static enum pn_status
write_body(const struct node_engine *engine, struct pn_buffer *body, enum wire_type type)
{
    switch (type) {
    case WIRE_ANSWER:
        return write_answer(engine, body);
    case WIRE_STATISTICS:
        return write_statistics(engine, body);
    case WIRE_ACCEPT:
        return wire_accept_encode(
            body, &(struct wire_accept){.records = engine_trainer_parts(engine->trainer)->train});
    case WIRE_UPDATE:
        return write_update(engine, body);
    case WIRE_METRICS:
        return write_metrics(engine, body);
    case WIRE_COUNTERSIGN:
        return write_countersign(engine, body);
    case WIRE_FAULT:
        return wire_fault_encode(body,
                                 &(struct wire_fault){.reason = pn_status_text(engine->fault)});
    case WIRE_HEARTBEAT:
        return write_heartbeat(engine, body);
    default:
        PN_UNREACHABLE("a node does not send this");
    }
}

/* A greeting that nobody answers is all that a node of another run sees. */
static void
count_greeting(struct node_engine *engine)
{
    static const char text[] =
        "the coordinator does not answer our greetings: does it run another run, or another epoch "
        "of the roster, than this state directory is for? A new run needs a new one (--state)";
    engine->greetings++;
    if (engine->greetings == GREETINGS_FEW || engine->greetings % GREETINGS_MANY == 0)
        node_tell(engine,
                  &(struct node_notice){.kind = NODE_FAILED, .status = PN_EPEER_RUN, .text = text});
}

static void
perform_send(struct node_engine *engine, enum wire_type type, pn_ms now)
{
    const struct pn_ports *ports   = &engine->config.ports;
    struct engine_scratch *scratch = engine->config.scratch;
    /* SAFE: whatever cannot leave is asked for again by the coordinator, or greeted again. */
    if (type == WIRE_HELLO) {
        count_greeting(engine);
        (void)!engine_peer_hello(&engine->peer, ports, scratch, engine->chain.height,
                                 &engine->chain.head, now);
        return;
    }
    const struct engine_stamp stamp = {
        .type = type, .round = engine->machine.round, .attempt = engine->machine.attempt};
    enum pn_status st = write_body(engine, engine_scratch_begin(scratch), type);
    if (st == PN_OK)
        (void)!engine_peer_send(&engine->peer, ports, scratch, &stamp);
    else
        node_tell(engine, &(struct node_notice){.kind   = NODE_FAILED,
                                                .round  = engine->machine.round,
                                                .status = st,
                                                .text   = "an answer could not be put together"});
}

/* ---- blobs ---- */

void
node_miss(struct node_engine *engine, enum pn_status status, const char *what, pn_ms now)
{
    node_tell(engine, &(struct node_notice){.kind   = NODE_FAILED,
                                            .work   = engine->machine.wanted,
                                            .round  = engine->machine.round,
                                            .status = status,
                                            .text   = what});
    engine->fault = status;
    if (engine->machine.connected && engine->machine.wanted != FED_NO_WORK)
        perform_send(engine, WIRE_FAULT, now);
}

static void
raise_held(struct node_engine *engine, const struct sec_blob *blob)
{
    node_raise(engine, &(struct fed_member_event){.kind = FED_M_HELD, .model = *blob});
}

static struct engine_held **
place_of(struct node_engine *engine, const struct engine_fetch *fetch)
{
    return fetch == &engine->scaling ? &engine->held_scaling : &engine->held_model;
}

/* With us; or, where a host says that this is enough, with another node of its. */
static bool
is_here(const struct node_engine *engine, struct engine_held **place, const struct sec_blob *blob)
{
    if (engine_held_is(*place, blob))
        return true;
    struct engine_held *other =
        engine->config.common ? engine_held_find(&engine->config.scratch->held, blob) : NULL;
    if (other == NULL)
        return false;
    engine_held_drop(*place);
    *place = other;
    return true;
}

void
node_need(struct node_engine *engine, struct engine_fetch *fetch, const struct sec_blob *blob,
          pn_ms now)
{
    if (engine_fetch_is_of(fetch, blob))
        return;
    if (is_here(engine, place_of(engine, fetch), blob)) {
        engine_fetch_drop(fetch); /* what nobody asks for any more must not take its place */
        raise_held(engine, blob);
        return;
    }
    enum pn_status st = engine_fetch_start(fetch, NULL, blob, blob->size);
    if (st != PN_OK) {
        node_miss(engine, st, "there is no memory for a model", now);
        return;
    }
    engine_fetch_ask(fetch, &engine->peer, &engine->config.ports, engine->config.scratch, now);
}

void
node_hold(struct node_engine *engine, struct engine_fetch *fetch, pn_ms now)
{
    const struct sec_blob blob  = fetch->fetch->blob;
    uint8_t              *bytes = engine_fetch_leave(fetch);
    struct engine_held  **place = place_of(engine, fetch);
    struct node_turn      turn;
    if (fetch == &engine->model) /* SAFE: pn_bulk aligns for floats; this works in place */
        engine_floats_decode((float *)(void *)bytes, bytes, (size_t)(blob.size / 4));
    engine_held_drop(*place);
    *place = engine_held_put(&engine->config.scratch->held, &blob, bytes);
    node_begin_turn(engine, &turn);
    if (*place == NULL)
        node_miss(engine, PN_ENOMEM, "there is no memory for a model", now);
    else
        raise_held(engine, &blob);
    if (engine->keep_waits && sec_blob_equal(&blob, &engine->next->chain.model))
        node_begin_keep(engine, now);
    node_end_turn(engine, now);
}

/* ---- all of them ---- */

static void
perform_work(struct node_engine *engine, enum fed_member_work work, pn_ms now)
{
    node_tell(engine, &(struct node_notice){
                          .kind = NODE_WORK, .work = work, .round = engine->machine.round});
    switch (work) {
    case FED_NO_WORK:
        return;
    case FED_WORK_JOIN:
        node_begin_join(engine);
        return;
    case FED_WORK_SURVEY:
        node_begin_survey(engine);
        return;
    case FED_WORK_TRAIN:
        node_begin_train(engine);
        return;
    case FED_WORK_EVALUATE:
        node_begin_evaluate(engine);
        return;
    case FED_WORK_KEEP:
        node_begin_keep(engine, now);
        return;
    }
    PN_UNREACHABLE("work");
}

void
node_perform(struct node_engine *engine, const struct fed_member_effects *effects, pn_ms now)
{
    for (size_t i = 0; i < effects->count; i++) {
        const struct fed_member_effect *effect = &effects->items[i];
        switch (effect->kind) {
        case FED_M_SEND:
            perform_send(engine, effect->type, now);
            break;
        case FED_M_NEED: {
            bool is_scaling = sec_blob_equal(&effect->blob, &engine->machine.scaling);
            node_need(engine, is_scaling ? &engine->scaling : &engine->model, &effect->blob, now);
            break;
        }
        case FED_M_WORK:
            perform_work(engine, effect->work, now);
            break;
        case FED_M_END:
            engine->over = true;
            node_tell(engine, &(struct node_notice){.kind    = NODE_ENDED,
                                                    .outcome = engine->machine.outcome,
                                                    .text    = node_text(engine->ending)});
            break;
        }
    }
}
