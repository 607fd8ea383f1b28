#include "coordinator/state.h"

#include "engine/ledger.h"

#include <math.h>
#include <string.h>

/* ---- sending ---- */

static enum pn_status
read_commit(struct coord_engine *engine, uint64_t height)
{
    struct engine_record record;
    struct wire_commit   commit;
    pn_buffer_clear(&engine->said);
    enum pn_status st = engine_record_read(&record, &engine->record, engine->config.disk, height);
    if (st != PN_OK)
        return st;
    memcpy(commit.signature, record.signature.bytes, sizeof commit.signature);
    commit.block        = record.block;
    engine->said_height = height;
    if ((st = wire_commit_encode(&engine->said, &commit)) != PN_OK)
        pn_buffer_clear(&engine->said);
    return st;
}

static enum pn_status
write_commit(struct coord_engine *engine, struct pn_buffer *body, uint64_t height)
{
    enum pn_status st = PN_OK;
    if (engine->said.size == 0 || engine->said_height != height)
        st = read_commit(engine, height);
    return st == PN_OK ? pn_buffer_append(body, engine->said.bytes, engine->said.size) : st;
}

static pn_ms
left_until(pn_ms deadline, pn_ms now)
{
    return deadline > now ? deadline - now : 0;
}

static enum pn_status
write_finish(const struct coord_engine *engine, struct pn_buffer *body)
{
    const struct fed_round *round = &engine->round;
    return wire_finish_encode(
        body, &(struct wire_finish){.outcome = round->outcome,
                                    .reason  = round->reason != NULL ? round->reason : "it is over",
                                    .model   = fed_blob_to_wire(&engine->chain.model)});
}

/* What the machine wants said, out of the engine's knowledge of the run. */
static enum pn_status
write_body(struct coord_engine *engine, struct pn_buffer *body, const struct fed_effect *effect,
           pn_ms now)
{
    const struct fed_job *job  = engine->config.job->job;
    const pn_ms           left = left_until(engine->round.deadline, now);
    switch (effect->type) {
    case WIRE_OFFER:
        return wire_offer_encode(
            body, &(struct wire_offer){.job = {(const uint8_t *)job->text, job->text_size}});
    case WIRE_SURVEY:
        return PN_OK;
    case WIRE_INVITE:
        return wire_invite_encode(body, &(struct wire_invite){.answer_ms = left});
    case WIRE_TRAIN:
        return wire_train_encode(
            body, &(struct wire_train){.model       = fed_blob_to_wire(&engine->round.model),
                                       .scaling     = fed_blob_to_wire(&engine->scaling),
                                       .deadline_ms = left});
    case WIRE_EVALUATE:
        return wire_evaluate_encode(
            body, &(struct wire_evaluate){.model       = fed_blob_to_wire(&engine->round.next),
                                          .scaling     = fed_blob_to_wire(&engine->scaling),
                                          .deadline_ms = left});
    case WIRE_COMMIT:
        return write_commit(engine, body, effect->height);
    case WIRE_FINISH:
        return write_finish(engine, body);
    default:
        PN_UNREACHABLE("a coordinator does not send this");
    }
}

/* The attempt is used up before anybody hears of it: after a crash its answers are of the past. */
static enum pn_status
note_attempt(struct coord_engine *engine)
{
    const struct fed_round *round = &engine->round;
    if (engine->noted_round == round->round && engine->noted_attempt == round->attempt)
        return PN_OK;
    uint8_t bytes[12];
    pn_put_u64(bytes, round->round);
    pn_put_u32(bytes + 8, round->attempt);
    const struct store_disk *disk = engine->config.disk;
    enum pn_status           st   = disk->put(disk->host, "attempt", bytes, sizeof bytes);
    if (st == PN_OK) {
        engine->noted_round   = round->round;
        engine->noted_attempt = round->attempt;
    }
    return st;
}

static void
perform_send(struct coord_engine *engine, const struct fed_effect *effect, pn_ms now)
{
    struct coord_member *member = coord_member_of(engine, effect->member);
    PN_ASSERT(member != NULL);
    if (!member->peer.link.sent_hello)
        return; /* no session: it is asked again when there is one */
    enum pn_status st = PN_OK;
    if (effect->type == WIRE_INVITE && (st = note_attempt(engine)) != PN_OK) {
        coord_break(engine, st, "the attempt cannot be noted in the state directory");
        return;
    }
    st = write_body(engine, engine_scratch_begin(engine->config.scratch), effect, now);
    if (st != PN_OK) {
        coord_break(engine, st, "a message cannot be made: is the ledger readable?");
        return;
    }
    coord_send(engine, member, effect->type);
}

/* ---- sums and scores ---- */

static void
perform_sum(struct coord_engine *engine)
{
    uint32_t         columns                 = engine->schema->numeric_count;
    struct data_sums total[WIRE_COLUMNS_MAX] = {{.count = 0}};
    struct pn_error  why                     = {.text = ""};
    for (uint32_t i = 0; i < engine->member_count; i++) {
        const struct data_sums *sums = engine->members[i].sums;
        for (uint32_t c = 0; engine->parts[i].surveyed && c < columns; c++)
            if (!data_sums_add(&total[c], &sums[c])) {
                coord_break(engine, PN_EDATA, "the sums of all sites do not fit");
                return;
            }
    }
    enum pn_status st = data_scaling_from_sums(engine->scales, total, engine->schema, &why);
    if (st != PN_OK)
        coord_break(engine, st, why.text);
}

static enum pn_status
merge_metric(struct nn_metric *out, const struct coord_engine *engine, size_t which)
{
    const struct engine_job *job = engine->config.job;
    enum pn_status           st  = nn_metric_init(out, job->metrics[which], job->class_count);
    for (uint32_t i = 0; i < engine->member_count && st == PN_OK; i++)
        if (engine->parts[i].evaluated)
            st = nn_metric_merge(out, &engine->members[i].metrics[which]);
    return st;
}

/* In member order, so that sums of doubles have the same bits in every run. */
static void
perform_score(struct coord_engine *engine)
{
    const struct engine_job *job   = engine->config.job;
    struct fed_event         event = {.kind = FED_SCORED, .value = (double)NAN};
    engine->score_count            = 0;
    for (size_t k = 0; k < job->metric_count; k++) {
        struct nn_metric metric;
        enum pn_status   st    = merge_metric(&metric, engine, k);
        double           value = st == PN_OK ? nn_metric_value(&metric) : (double)NAN;
        if (!isfinite(value))
            continue;
        const char *name = nn_metric_names[job->metrics[k]];
        engine->scores[engine->score_count++] =
            (struct wire_metric){.name = name, .value = value, .records = metric.count};
        if (job->job->stop_metric != NULL && strcmp(job->job->stop_metric, name) == 0)
            event.value = value;
    }
    coord_raise(engine, &event);
}

/* ---- the rest ---- */

static void
perform_pull(struct coord_engine *engine, const struct fed_effect *effect, pn_ms now)
{
    struct coord_member *member = coord_member_of(engine, effect->member);
    PN_ASSERT(member != NULL);
    coord_drop_fetch(engine, member);
    member->wanted = effect->blob;
    coord_begin_pull(engine, member, now);
}

static void
perform_drop(struct coord_engine *engine, const struct fed_effect *effect, pn_ms now)
{
    struct coord_member *member = coord_member_of(engine, effect->member);
    PN_ASSERT(member != NULL);
    coord_drop_fetch(engine, member);
    coord_stop_waiting(engine, member);
    member->wanted = (struct sec_blob){.size = 0};
    coord_wake_pulls(engine, now);
}

static void
perform_end(struct coord_engine *engine, const struct fed_effect *effect)
{
    engine->over = true;
    coord_tell(engine, &(struct coord_notice){.kind    = COORD_ENDED,
                                              .outcome = effect->outcome,
                                              .text    = engine->round.reason});
}

static void
perform_one(struct coord_engine *engine, const struct fed_effect *effect, pn_ms now)
{
    switch (effect->kind) {
    case FED_SEND:
        perform_send(engine, effect, now);
        return;
    case FED_SUM:
        perform_sum(engine);
        return;
    case FED_PREPARE_MODEL:
        coord_begin_prepare(engine);
        return;
    case FED_PULL:
        perform_pull(engine, effect, now);
        return;
    case FED_DROP:
        perform_drop(engine, effect, now);
        return;
    case FED_FOLD:
        coord_begin_fold(engine);
        return;
    case FED_SCORE:
        perform_score(engine);
        return;
    case FED_WRITE:
        coord_begin_write(engine, effect);
        return;
    case FED_END:
        perform_end(engine, effect);
        return;
    }
    PN_UNREACHABLE("effect");
}

void
coord_perform(struct coord_engine *engine, pn_ms now)
{
    for (size_t i = 0; i < engine->effects.count; i++) {
        /* After a break only the end matters: nothing more is built on what failed. */
        if (engine->failed && engine->effects.items[i].kind != FED_END &&
            engine->effects.items[i].kind != FED_SEND)
            continue;
        perform_one(engine, &engine->effects.items[i], now);
    }
}
