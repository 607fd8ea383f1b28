#include "node/state.h"

#include "engine/own.h"
#include "engine/update.h"

#include <stdlib.h>
#include <string.h>

/* ---- shared by all work ---- */

/* What an order needs; the works of one order share it. NULL: what was held when the order came is
 * no longer. */
struct source {
    const struct engine_job *job;
    struct engine_trainer   *trainer;
    struct engine_held      *model, *scaling;
};

static struct source
source_of(const struct node_engine *engine)
{
    const struct fed_member *machine = &engine->machine;
    struct source            source  = {.job = engine->job, .trainer = engine->trainer};
    if (engine_held_is(engine->held_model, &machine->work_model))
        source.model = engine_held_take(engine->held_model);
    if (engine_held_is(engine->held_scaling, &machine->scaling))
        source.scaling = engine_held_take(engine->held_scaling);
    return source;
}

static void
release_source(struct source *source)
{
    engine_held_drop(source->model);
    engine_held_drop(source->scaling);
}

/* The model, with the records scaled as it wants them. */
static enum pn_status
prepare(const float **theta, const struct source *source)
{
    const struct engine_job *job = source->job;
    if (source->model == NULL || (job->scaling_size > 0 && source->scaling == NULL))
        return PN_ENOENT;
    /* SAFE: a held model begins where floats may. */
    *theta = (const float *)(const void *)source->model->bytes;
    return engine_trainer_scale_from(source->trainer,
                                     source->scaling == NULL ? NULL : source->scaling->bytes);
}

/* What everybody may hear of a failure: never the sentence itself, which may quote the site's data.
 */
static void
fail(struct node_engine *engine, enum fed_member_work which, const struct engine_work *work)
{
    engine->fault = work->status;
    node_tell(engine, &(struct node_notice){.kind   = NODE_FAILED,
                                            .work   = which,
                                            .round  = engine->machine.work_round,
                                            .status = work->status,
                                            .text   = work->why.text[0] != '\0'
                                                          ? work->why.text
                                                          : pn_status_text(work->status)});
    /* Another model took its place: the next order has to fetch it. */
    if (work->status == PN_ENOENT)
        engine->machine.has_model = engine->machine.has_scaling = false;
}

void
node_finish_work(struct node_engine *engine, pn_ms now, enum fed_member_work which,
                 enum pn_status status, const struct sec_blob *update)
{
    struct fed_member_event event = {.kind = FED_M_DONE, .work = which, .status = status};
    if (update != NULL)
        event.model = *update;
    (void)node_take_turn(engine, now, &event);
}

/* ---- training ---- */

struct train {
    struct engine_work            base;
    struct source                 source;
    const struct store_disk      *disk;
    const struct sec_sign_secret *secret;
    struct engine_training        training;
    struct fed_commitment         commitment;
    struct sec_blob               before; /* the update that is ours until this one is */
    struct node_update            update;
    uint64_t                      steps; /* that it took */
    struct engine_update          made;
    uint8_t                      *bytes; /* of the model in training, then of the update */
};

static void
release_train(struct engine_work *work)
{
    struct train *train = (struct train *)work;
    release_source(&train->source);
    free(train->made.leaves);
    free(train->bytes);
    free(train);
}

void
node_update_encode(uint8_t out[static NODE_UPDATE_FACT_SIZE], const struct node_update *update)
{
    pn_put_u64(out, update->round);
    pn_put_u64(out + 8, update->model.size);
    memcpy(out + 16, update->model.root.bytes, 32);
    pn_put_u64(out + 48, update->update.size);
    memcpy(out + 56, update->update.root.bytes, 32);
    pn_put_u64(out + 88, update->weight);
    pn_put_f64(out + 96, update->loss);
    memcpy(out + 104, update->signature.bytes, 64);
}

void
node_update_decode(struct node_update *out, const uint8_t bytes[static NODE_UPDATE_FACT_SIZE])
{
    out->round      = pn_get_u64(bytes);
    out->model.size = pn_get_u64(bytes + 8);
    memcpy(out->model.root.bytes, bytes + 16, 32);
    out->update.size = pn_get_u64(bytes + 48);
    memcpy(out->update.root.bytes, bytes + 56, 32);
    out->weight = pn_get_u64(bytes + 88);
    out->loss   = pn_get_f64(bytes + 96);
    memcpy(out->signature.bytes, bytes + 104, 64);
}

/* theta -> update, where theta was. */
static enum pn_status
make_update(struct train *train)
{
    const struct engine_job *job = train->source.job;
    const float             *start;
    enum pn_status           st = prepare(&start, &train->source);
    if (st == PN_OK && (train->bytes = pn_bulk(job->model_size)) == NULL)
        st = PN_ENOMEM;
    if (st != PN_OK)
        return st;
    /* SAFE: pn_bulk aligns for floats. */
    float                  *local   = (float *)(void *)train->bytes;
    const struct engine_own own     = {train->disk, job->plan};
    struct engine_trained   trained = {.steps = 0};
    memcpy(local, start, (size_t)job->model_size);
    st = engine_own_train(local, &trained, train->source.trainer, &own, &train->training,
                          &train->base.why);
    train->update.loss = trained.loss;
    train->steps       = trained.steps;
    return st != PN_OK ? st
                       : engine_update_make(&train->made, train->bytes, start, job->model_size,
                                            job->job->clip);
}

/* Update, then the fact that it is ours, and only then a word to anybody. */
static enum pn_status
make_durable(struct train *train)
{
    const struct store_disk *disk   = train->disk;
    struct node_update      *update = &train->update;
    char                     name[ENGINE_NAME_SIZE];
    uint8_t                  fact[NODE_UPDATE_FACT_SIZE];
    update->update = train->made.blob;
    engine_blob_name(name, "updates", &update->update.root);
    enum pn_status st = disk->save(disk->host, name, train->bytes, update->update.size);
    if (st != PN_OK)
        return st;
    train->commitment.update = update->update;
    fed_commitment_sign(&update->signature, &train->commitment, train->secret);
    node_update_encode(fact, update);
    st = disk->put(disk->host, "update", fact, sizeof fact);
    if (sec_blob_equal(&train->before, &update->update))
        return st;
    /* The older one goes; or the new one, of which nobody would know. */
    if (st == PN_OK)
        engine_blob_name(name, "updates", &train->before.root);
    if (st != PN_OK || train->before.size > 0)
        (void)disk->remove(disk->host, name); /* SAFE: what stays is found at the next start */
    return st;
}

static void
run_train(struct pn_work *work)
{
    struct train  *train = (struct train *)work;
    enum pn_status st    = make_update(train);
    if (st == PN_OK)
        st = make_durable(train);
    train->base.status = st;
}

/* It is given from memory as long as its round lasts, and from the disk where there is none. */
static void
shelve(struct node_engine *engine, struct train *train)
{
    const struct sec_blob *blob = &train->update.update;
    struct engine_held *held = engine_held_put(&engine->config.scratch->held, blob, train->bytes);
    engine_shelf_put(&engine->shelf, "updates", blob, train->made.leaves);
    engine_shelf_hold(&engine->shelf, held);
    train->bytes       = NULL;
    train->made.leaves = NULL;
}

static void
done_train(struct pn_work *work, pn_ms now)
{
    struct train       *train  = (struct train *)engine_work_take(work);
    struct node_engine *engine = train->base.engine;
    enum pn_status      st     = train->base.status;
    struct sec_blob     blob   = train->update.update;
    if (st == PN_OK) {
        engine->update = train->update;
        shelve(engine, train);
        node_tell(engine, &(struct node_notice){.kind      = NODE_TRAINED,
                                                .round     = train->update.round,
                                                .loss      = train->update.loss,
                                                .norm      = train->made.norm,
                                                .weight    = train->update.weight,
                                                .steps     = train->steps,
                                                .saturated = train->made.saturated});
    } else if (st != PN_ESTATE || !atomic_load(&engine->progress.stop)) {
        fail(engine, FED_WORK_TRAIN, &train->base);
    }
    release_train(&train->base);
    node_finish_work(engine, now, FED_WORK_TRAIN, st, &blob);
}

static void
start_progress(struct engine_progress *progress)
{
    atomic_store(&progress->stop, false);
    atomic_store(&progress->done, 0);
    atomic_store(&progress->total, 0);
}

/* What a round's training is, but for the model. */
static enum pn_status
plan_training(struct engine_training *out, struct node_engine *engine)
{
    *out = (struct engine_training){.round    = engine->machine.work_round,
                                    .ports    = &engine->config.ports,
                                    .progress = &engine->progress};
    return engine_pace_steps(&out->steps, &engine->pace, engine->job->job, engine->config.disk,
                             engine->chain.height, out->round);
}

void
node_begin_train(struct node_engine *engine)
{
    const struct fed_member *machine = &engine->machine;
    struct engine_training   training;
    enum pn_status           st    = plan_training(&training, engine);
    struct train            *train = st == PN_OK ? calloc(1, sizeof *train) : NULL;
    if (train == NULL) {
        st            = st == PN_OK ? PN_ENOMEM : st;
        engine->fault = st;
        node_raise(engine, &(struct fed_member_event){
                               .kind = FED_M_DONE, .work = FED_WORK_TRAIN, .status = st});
        return;
    }
    train->source        = source_of(engine);
    train->disk          = engine->config.disk;
    train->secret        = engine->config.secret;
    train->training      = training;
    train->base.lasts    = engine->job->job->time_ms;
    train->before        = engine->update.update;
    train->update.round  = machine->work_round;
    train->update.model  = machine->work_model;
    train->update.weight = engine_trainer_weight(engine->trainer);
    train->commitment    = (struct fed_commitment){.round    = machine->work_round,
                                                   .weight   = train->update.weight,
                                                   .member   = engine->config.self,
                                                   .model_in = machine->work_model};
    memcpy(train->commitment.run, engine->peer.link.ends.run, sizeof train->commitment.run);
    start_progress(&engine->progress);
    /* The model is read, and the update made of it, in eight passes. */
    uint64_t touched =
        engine_trainer_bytes(engine->trainer, &training) + 8 * engine->job->model_size;
    node_submit(engine, &train->base,
                &(struct engine_work_how){touched, run_train, done_train, release_train});
}

/* ---- evaluating ---- */

struct evaluate {
    struct engine_work       base;
    struct source            source;
    const struct store_disk *disk;
    float                   *theta; /* with the site's own tensors over it; NULL: it has none */
    struct nn_metric         validation[NN_METRICS_MAX], test[NN_METRICS_MAX];
};

static void
release_evaluate(struct engine_work *work)
{
    struct evaluate *evaluate = (struct evaluate *)work;
    release_source(&evaluate->source);
    free(evaluate->theta);
    free(evaluate);
}

static void
run_evaluate(struct pn_work *work)
{
    struct evaluate       *evaluate = (struct evaluate *)work;
    struct engine_trainer *trainer  = evaluate->source.trainer;
    struct engine_own      own      = {evaluate->disk, evaluate->source.job->plan};
    const float           *theta;
    enum pn_status         st = prepare(&theta, &evaluate->source);
    if (st == PN_OK)
        st =
            engine_own_view(&theta, &evaluate->theta, &own, ENGINE_OWN_NEWEST, &evaluate->base.why);
    if (st == PN_OK)
        st = engine_trainer_evaluate(evaluate->validation, theta, trainer, DATA_VALIDATION);
    if (st == PN_OK)
        st = engine_trainer_evaluate(evaluate->test, theta, trainer, DATA_TEST);
    evaluate->base.status = st;
}

/* Of the test part only this site hears. */
static void
tell_metrics(struct node_engine *engine, const struct nn_metric *metrics, enum data_part_kind part)
{
    struct node_metric values[NN_METRICS_MAX];
    size_t             count = engine->job->metric_count;
    for (size_t i = 0; i < count; i++)
        values[i] = (struct node_metric){.name  = nn_metric_names[metrics[i].kind],
                                         .value = nn_metric_value(&metrics[i])};
    if (metrics[0].count > 0)
        node_tell(engine, &(struct node_notice){.kind         = NODE_MEASURED,
                                                .round        = engine->machine.work_round,
                                                .part         = part,
                                                .records      = metrics[0].count,
                                                .metrics      = values,
                                                .metric_count = count});
}

static struct node_metrics *
metrics_of(struct node_engine *engine)
{
    if (engine->metrics != NULL || (engine->metrics = malloc(sizeof *engine->metrics)) == NULL)
        return engine->metrics;
    for (size_t i = 0; i < NN_METRICS_MAX; i++)
        pn_buffer_init(&engine->metrics->states[i], WIRE_STATE_MAX);
    return engine->metrics;
}

static enum pn_status
keep_metrics(struct node_engine *engine, const struct evaluate *evaluate)
{
    enum pn_status       st      = PN_OK;
    struct node_metrics *metrics = metrics_of(engine);
    if (metrics == NULL)
        return PN_ENOMEM;
    for (size_t i = 0; i < engine->job->metric_count && st == PN_OK; i++) {
        pn_buffer_clear(&metrics->states[i]);
        st = nn_metric_encode(&metrics->states[i], &evaluate->validation[i]);
    }
    metrics->records = evaluate->validation[0].count;
    return st;
}

static void
done_evaluate(struct pn_work *work, pn_ms now)
{
    struct evaluate    *evaluate = (struct evaluate *)engine_work_take(work);
    struct node_engine *engine   = evaluate->base.engine;
    if (evaluate->base.status == PN_OK)
        evaluate->base.status = keep_metrics(engine, evaluate);
    enum pn_status st = evaluate->base.status;
    if (st == PN_OK) {
        tell_metrics(engine, evaluate->validation, DATA_VALIDATION);
        tell_metrics(engine, evaluate->test, DATA_TEST);
    } else {
        fail(engine, FED_WORK_EVALUATE, &evaluate->base);
    }
    release_evaluate(&evaluate->base);
    node_finish_work(engine, now, FED_WORK_EVALUATE, st, NULL);
}

void
node_begin_evaluate(struct node_engine *engine)
{
    struct evaluate *evaluate = calloc(1, sizeof *evaluate);
    if (evaluate == NULL) {
        engine->fault = PN_ENOMEM;
        node_raise(engine, &(struct fed_member_event){
                               .kind = FED_M_DONE, .work = FED_WORK_EVALUATE, .status = PN_ENOMEM});
        return;
    }
    const struct data_parts *parts = engine_trainer_parts(engine->trainer);
    evaluate->source               = source_of(engine);
    evaluate->disk                 = engine->config.disk;
    uint64_t touched =
        2 * engine->job->model_size * ((uint64_t)parts->validation + parts->test) / 16;
    node_submit(engine, &evaluate->base,
                &(struct engine_work_how){touched, run_evaluate, done_evaluate, release_evaluate});
}
