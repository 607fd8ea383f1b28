#include "swarm/state.h"

#include "engine/admit.h"
#include "engine/own.h"
#include "engine/update.h"

#include <stdlib.h>
#include <string.h>

enum {
    JOIN_BYTES = 10 * 1048576 /* a guess: the file is not open yet */
};

/* ---- joining: our records, if our policy allows ---- */

struct join {
    struct engine_work     base;
    struct swarm_config    config;
    struct engine_trainer *trainer;
};

static void
release_join(struct engine_work *work)
{
    struct join *join = (struct join *)work;
    engine_trainer_free(join->trainer);
    free(join);
}

static void
run_join(struct pn_work *work)
{
    struct join                  *join   = (struct join *)work;
    const struct swarm_config    *config = &join->config;
    const struct fed_job         *job    = config->job->job;
    const struct engine_admission site   = {.policy    = config->policy,
                                            .source    = config->source,
                                            .bytes_max = config->bytes_max,
                                            .member    = config->self,
                                            .threads   = config->threads};
    enum pn_status st = engine_admit(&join->trainer, config->job, &site, &join->base.why);
    if (st == PN_OK && (st = config->disk->save(config->disk->host, "job.yaml", job->text,
                                                job->text_size)) != PN_OK)
        (void)pn_error_set(&join->base.why, st, "the job cannot be kept in the state directory: %s",
                           pn_status_text(st));
    join->base.status = st;
}

/* Nothing of ours that is asked for will come: we do not wait for it, and nobody else does. */
static void
lose_ours(struct swarm_engine *engine, pn_ms now)
{
    struct fed_swarm_event event = {.kind    = FED_S_LOST,
                                    .member  = engine->self,
                                    .height  = engine->machine.height,
                                    .absence = WIRE_ABSENT_FAULT};
    for (event.part = FED_UPDATE_PART; event.part <= FED_REPORT_PART; event.part++)
        if (fed_swarm_owes(&engine->machine, event.part))
            swarm_raise(engine, now, &event);
    if (!fed_swarm_is_behind(&engine->machine))
        swarm_announce(engine, engine->self);
}

/* What everybody may hear of a refusal: the rule, and never a sentence that may quote our data. */
static void
refuse(struct swarm_engine *engine, const struct join *join)
{
    enum pn_status st = join->base.status;
    swarm_tell(engine, &(struct swarm_notice){
                           .kind = SWARM_REFUSED, .status = st, .text = join->base.why.text});
    wire_text_cut(engine->fault,
                  st == PN_EPOLICY ? join->base.why.text
                                   : "the records cannot be used here; the member's log says why");
    engine->refuses = true;
}

static void
done_join(struct pn_work *work, pn_ms now)
{
    struct join         *join   = (struct join *)engine_work_take(work);
    struct swarm_engine *engine = join->base.engine;
    enum pn_status       st     = join->base.status;
    if (st == PN_OK) {
        engine->trainer                = join->trainer;
        join->trainer                  = NULL;
        const struct data_parts *parts = engine_trainer_parts(engine->trainer);
        swarm_tell(engine, &(struct swarm_notice){.kind       = SWARM_ABLE,
                                                  .records    = parts->train,
                                                  .validation = parts->validation,
                                                  .test       = parts->test});
    } else {
        refuse(engine, join);
    }
    swarm_raise(engine, now, &(struct fed_swarm_event){.kind = FED_S_ABLE});
    release_join(&join->base);
    swarm_engine_tick(engine, now);
}

void
swarm_begin_join(struct swarm_engine *engine)
{
    struct join *join = calloc(1, sizeof *join);
    if (join == NULL) {
        swarm_break(engine, PN_ENOMEM, "no memory to read the records");
        return;
    }
    join->config       = engine->config;
    join->base.is_long = true;
    swarm_submit(engine, &join->base,
                 &(struct engine_work_how){JOIN_BYTES, run_join, done_join, release_join});
}

/* ---- what we committed to ---- */

static uint8_t *
put_blob(uint8_t *at, const struct sec_blob *blob)
{
    pn_put_u64(at, blob->size);
    memcpy(at + 8, blob->root.bytes, 32);
    return at + 40;
}

static const uint8_t *
get_blob(struct sec_blob *blob, const uint8_t *at)
{
    blob->size = pn_get_u64(at);
    memcpy(blob->root.bytes, at + 8, 32);
    return at + 40;
}

void
swarm_ours_encode(uint8_t out[static SWARM_OURS_SIZE], const struct swarm_ours *ours)
{
    memset(out, 0, SWARM_OURS_SIZE);
    pn_put_u64(out, ours->height);
    out[8] = ours->has[0];
    out[9] = ours->has[1];
    pn_put_u64(out + 16, ours->weight);
    pn_put_f64(out + 24, ours->loss);
    pn_put_f64(out + 32, ours->norm);
    uint8_t *at = put_blob(out + 40, &ours->model);
    at          = put_blob(at, &ours->blob[0]);
    at          = put_blob(at, &ours->blob[1]);
    memcpy(at, ours->signature, sizeof ours->signature);
}

void
swarm_ours_decode(struct swarm_ours *out, const uint8_t bytes[static SWARM_OURS_SIZE])
{
    *out              = (struct swarm_ours){.height = pn_get_u64(bytes),
                                            .has    = {bytes[8] != 0, bytes[9] != 0},
                                            .weight = pn_get_u64(bytes + 16),
                                            .loss   = pn_get_f64(bytes + 24),
                                            .norm   = pn_get_f64(bytes + 32)};
    const uint8_t *at = get_blob(&out->model, bytes + 40);
    at                = get_blob(&out->blob[0], at);
    at                = get_blob(&out->blob[1], at);
    memcpy(out->signature, at, sizeof out->signature);
}

void
swarm_offer_ours(struct swarm_engine *engine)
{
    const struct swarm_ours *ours  = &engine->ours;
    struct fed_swarm_event   event = {.member = engine->self, .height = ours->height};
    for (event.part = FED_UPDATE_PART; event.part <= FED_REPORT_PART; event.part++) {
        struct fed_contribution contribution = {.blob = ours->blob[event.part]};
        if (!ours->has[event.part])
            continue;
        if (event.part == FED_UPDATE_PART) {
            contribution.weight = ours->weight;
            event.norm          = ours->norm;
        }
        memcpy(contribution.signature, ours->signature[event.part], 64);
        event.kind         = FED_S_ANNOUNCED;
        event.contribution = &contribution;
        swarm_raise(engine, engine->now, &event);
        event.kind         = FED_S_HERE;
        event.contribution = NULL;
        swarm_raise(engine, engine->now, &event);
    }
}

/* ---- making it ---- */

struct contribute {
    struct engine_work            base;
    const struct engine_job      *job;
    const struct store_disk      *disk;
    const struct sec_sign_secret *secret;
    struct engine_trainer        *trainer;
    struct engine_training        training;
    uint8_t                       run[16];
    uint32_t                      member;
    struct sec_blob               scaling;
    bool                          makes[2]; /* by fed_part_kind */
    struct swarm_ours             ours;   /* what we committed to before, then with what is made */
    struct engine_held           *model;  /* that we start from; NULL: it is on the disk only */
    uint8_t                      *update; /* as it was made, durable; NULL: none was */
    struct sec_hash              *leaves[2];
    struct nn_metric              validation[NN_METRICS_MAX], test[NN_METRICS_MAX];
    uint64_t                      steps, saturated;
};

static void
release_contribute(struct engine_work *work)
{
    struct contribute *contribute = (struct contribute *)work;
    free(contribute->leaves[0]);
    free(contribute->leaves[1]);
    free(contribute->update);
    engine_held_drop(contribute->model);
    free(contribute);
}

/* Saves it, and says that it is ours. */
static enum pn_status
keep_part(struct contribute *contribute, enum fed_part_kind part, const uint8_t *bytes,
          uint64_t size)
{
    struct swarm_ours *ours = &contribute->ours;
    char               name[ENGINE_NAME_SIZE];
    enum pn_status st = engine_blob_of(&ours->blob[part], &contribute->leaves[part], bytes, size);
    if (st != PN_OK)
        return st;
    engine_blob_name(name, swarm_folders[part == FED_UPDATE_PART ? SWARM_UPDATES : SWARM_REPORTS],
                     &ours->blob[part].root);
    return contribute->disk->save(contribute->disk->host, name, bytes, size);
}

static void
sign_parts(struct contribute *contribute)
{
    struct swarm_ours    *ours = &contribute->ours;
    struct sec_signature  signature;
    struct fed_commitment commitment = {.round    = ours->height,
                                        .weight   = ours->weight,
                                        .member   = contribute->member,
                                        .model_in = ours->model,
                                        .update   = ours->blob[FED_UPDATE_PART]};
    struct fed_report     report     = {.height = ours->height, .member = contribute->member};

    report.blob = ours->blob[FED_REPORT_PART];
    memcpy(commitment.run, contribute->run, sizeof commitment.run);
    memcpy(report.run, contribute->run, sizeof report.run);
    if (contribute->makes[FED_UPDATE_PART]) {
        fed_commitment_sign(&signature, &commitment, contribute->secret);
        memcpy(ours->signature[FED_UPDATE_PART], signature.bytes, 64);
        ours->has[FED_UPDATE_PART] = true;
    }
    if (contribute->makes[FED_REPORT_PART]) {
        fed_report_sign(&signature, &report, contribute->secret);
        memcpy(ours->signature[FED_REPORT_PART], signature.bytes, 64);
        ours->has[FED_REPORT_PART] = true;
    }
}

static enum pn_status
keep_statistics(struct contribute *contribute)
{
    uint32_t                 count   = contribute->job->schema->numeric_count;
    const struct data_sums  *sums    = engine_trainer_sums(contribute->trainer);
    struct wire_column_sums *columns = calloc(count + 1u, sizeof *columns);
    struct wire_statistics   message = {.records = engine_trainer_parts(contribute->trainer)->train,
                                        .columns = columns};
    struct pn_buffer         bytes;
    if (columns == NULL)
        return PN_ENOMEM;
    message.column_count = sums == NULL ? 0 : count;
    for (uint32_t i = 0; i < message.column_count; i++)
        columns[i] = (struct wire_column_sums){
            .count = sums[i].count, .sum = sums[i].sum, .sum_of_squares = sums[i].sum_of_squares};
    pn_buffer_init(&bytes, WIRE_CONTROL_MAX);
    enum pn_status st = wire_statistics_encode(&bytes, &message);
    if (st == PN_OK)
        st = keep_part(contribute, FED_REPORT_PART, bytes.bytes, bytes.size);
    pn_buffer_fini(&bytes);
    free(columns);
    return st;
}

static enum pn_status
keep_metrics(struct contribute *contribute)
{
    const struct engine_job *job = contribute->job;
    struct pn_buffer         states[NN_METRICS_MAX], bytes;
    struct wire_metric_state list[NN_METRICS_MAX];
    struct wire_metrics      message = {.records      = contribute->validation[0].count,
                                        .metrics      = list,
                                        .metric_count = job->metric_count};
    enum pn_status           st      = PN_OK;
    for (size_t i = 0; i < job->metric_count; i++) {
        pn_buffer_init(&states[i], WIRE_STATE_MAX);
        if (st == PN_OK)
            st = nn_metric_encode(&states[i], &contribute->validation[i]);
        list[i] = (struct wire_metric_state){nn_metric_names[job->metrics[i]],
                                             {states[i].bytes, states[i].size}};
    }
    pn_buffer_init(&bytes, WIRE_CONTROL_MAX);
    if (st == PN_OK)
        st = wire_metrics_encode(&bytes, &message);
    if (st == PN_OK)
        st = keep_part(contribute, FED_REPORT_PART, bytes.bytes, bytes.size);
    pn_buffer_fini(&bytes);
    for (size_t i = 0; i < job->metric_count; i++)
        pn_buffer_fini(&states[i]);
    return st;
}

static enum pn_status
load_blob(uint8_t **out, const struct store_disk *disk, enum swarm_folder folder,
          const struct sec_blob *blob)
{
    uint8_t *bytes = pn_bulk(blob->size);
    if (bytes == NULL)
        return PN_ENOMEM;
    enum pn_status st = engine_blob_read(bytes, NULL, disk, swarm_folders[folder], blob);
    if (st == PN_OK) {
        *out = bytes;
        return PN_OK;
    }
    free(bytes);
    char name[ENGINE_NAME_SIZE];
    engine_blob_name(name, swarm_folders[folder], &blob->root);
    if (st == PN_ECORRUPT)
        (void)disk->remove(disk->host, name); /* SAFE: if it stays, it is found damaged again */
    return st;
}

static enum pn_status
scale(struct contribute *contribute)
{
    uint8_t       *bytes = NULL;
    enum pn_status st    = PN_OK;
    if (contribute->job->scaling_size > 0)
        st = load_blob(&bytes, contribute->disk, SWARM_SCALING, &contribute->scaling);
    if (st == PN_OK)
        st = engine_trainer_scale_from(contribute->trainer, bytes);
    free(bytes);
    return st;
}

/* Durable before it is announced. */
static enum pn_status
save_update(struct contribute *contribute, const struct engine_update *made, const uint8_t *bytes)
{
    char name[ENGINE_NAME_SIZE];
    contribute->ours.norm                  = made->norm;
    contribute->ours.blob[FED_UPDATE_PART] = made->blob;
    contribute->leaves[FED_UPDATE_PART]    = made->leaves;
    contribute->saturated                  = made->saturated;
    engine_blob_name(name, swarm_folders[SWARM_UPDATES], &made->blob.root);
    return contribute->disk->save(contribute->disk->host, name, bytes, made->blob.size);
}

static enum pn_status
train(struct contribute *contribute, const float *start)
{
    const struct engine_job *job   = contribute->job;
    const struct engine_own  own   = {contribute->disk, job->plan};
    uint8_t                 *bytes = pn_bulk(job->model_size);
    struct engine_update     made;
    struct engine_trained    trained = {.steps = 0};
    if (bytes == NULL)
        return PN_ENOMEM;
    float *local = (float *)(void *)bytes; /* SAFE: pn_bulk aligns for floats */
    memcpy(local, start, (size_t)job->model_size);
    enum pn_status st     = engine_own_train(local, &trained, contribute->trainer, &own,
                                             &contribute->training, &contribute->base.why);
    contribute->ours.loss = trained.loss;
    contribute->steps     = trained.steps;
    if (st == PN_OK)
        st = engine_update_make(&made, bytes, start, job->model_size, job->job->clip);
    if (st == PN_OK)
        st = save_update(contribute, &made, bytes);
    if (st == PN_OK)
        contribute->update = bytes;
    else
        free(bytes);
    return st;
}

static enum pn_status
measure(struct contribute *contribute, const float *theta)
{
    const struct engine_own own  = {contribute->disk, contribute->job->plan};
    float                  *copy = NULL;
    enum pn_status          st =
        engine_own_view(&theta, &copy, &own, contribute->ours.height, &contribute->base.why);
    if (st == PN_OK)
        st = engine_trainer_evaluate(contribute->validation, theta, contribute->trainer,
                                     DATA_VALIDATION);
    if (st == PN_OK)
        st = engine_trainer_evaluate(contribute->test, theta, contribute->trainer, DATA_TEST);
    free(copy);
    return st == PN_OK ? keep_metrics(contribute) : st;
}

/* Where it was made it is in memory, and was proved there. `*room` is the caller's, to free. */
static enum pn_status
start_model(const float **theta, uint8_t **room, const struct contribute *contribute)
{
    const struct engine_held *held = contribute->model;
    const struct sec_blob    *blob = &contribute->ours.model;
    if (held != NULL) {
        *theta = (const float *)(const void *)held->bytes; /* SAFE: it begins where floats may */
        return PN_OK;
    }
    enum pn_status st = load_blob(room, contribute->disk, SWARM_MODELS, blob);
    if (st != PN_OK)
        return st;
    float *floats = (float *)(void *)*room; /* SAFE: pn_bulk aligns; decode works in place */
    engine_floats_decode(floats, *room, (size_t)(blob->size / 4));
    *theta = floats;
    return PN_OK;
}

static enum pn_status
make_parts(struct contribute *contribute)
{
    const float *theta;
    uint8_t     *room = NULL;
    if (contribute->ours.height == 0)
        return keep_statistics(contribute);
    enum pn_status st = scale(contribute);
    if (st == PN_OK)
        st = start_model(&theta, &room, contribute);
    if (st != PN_OK)
        return st;
    if (contribute->makes[FED_REPORT_PART])
        st = measure(contribute, theta);
    if (st == PN_OK && contribute->makes[FED_UPDATE_PART])
        st = train(contribute, theta);
    free(room);
    return st;
}

/* Blobs, then the fact that they are ours, and only then a word to anybody. */
static void
run_contribute(struct pn_work *work)
{
    struct contribute *contribute = (struct contribute *)work;
    uint8_t            fact[SWARM_OURS_SIZE];
    enum pn_status     st = make_parts(contribute);
    if (st == PN_OK) {
        sign_parts(contribute);
        swarm_ours_encode(fact, &contribute->ours);
        st = contribute->disk->put(contribute->disk->host, "ours", fact, sizeof fact);
    }
    contribute->base.status = st;
}

static void
tell_metrics(struct swarm_engine *engine, const struct nn_metric *metrics, enum data_part_kind part)
{
    const struct engine_job *job = engine->config.job;
    struct swarm_metric      values[NN_METRICS_MAX];
    for (size_t i = 0; i < job->metric_count; i++)
        values[i] = (struct swarm_metric){.name  = nn_metric_names[job->metrics[i]],
                                          .value = nn_metric_value(&metrics[i])};
    if (metrics[0].count > 0)
        swarm_tell(engine, &(struct swarm_notice){.kind         = SWARM_MEASURED,
                                                  .round        = engine->machine.round,
                                                  .part         = part,
                                                  .records      = metrics[0].count,
                                                  .metrics      = values,
                                                  .metric_count = job->metric_count});
}

static void
tell_contribution(struct swarm_engine *engine, const struct contribute *contribute)
{
    const struct swarm_ours *ours = &contribute->ours;
    if (ours->height > 0 && contribute->makes[FED_REPORT_PART]) {
        tell_metrics(engine, contribute->validation, DATA_VALIDATION);
        tell_metrics(engine, contribute->test, DATA_TEST);
    }
    if (contribute->makes[FED_UPDATE_PART])
        swarm_tell(engine, &(struct swarm_notice){.kind      = SWARM_TRAINED,
                                                  .round     = ours->height,
                                                  .loss      = ours->loss,
                                                  .norm      = ours->norm,
                                                  .weight    = ours->weight,
                                                  .steps     = contribute->steps,
                                                  .saturated = contribute->saturated});
}

static void
fail(struct swarm_engine *engine, pn_ms now, const struct contribute *contribute)
{
    const char *reason = pn_status_text(contribute->base.status);
    swarm_tell(engine, &(struct swarm_notice){.kind   = SWARM_FAILED,
                                              .status = contribute->base.status,
                                              .text   = contribute->base.why.text[0] != '\0'
                                                            ? contribute->base.why.text
                                                            : reason});
    wire_text_cut(engine->fault, reason);
    lose_ours(engine, now);
}

/* The update is given from memory as long as its height lasts. */
static void
shelve(struct swarm_engine *engine, struct contribute *contribute)
{
    for (size_t i = 0; i < 2; i++) {
        enum swarm_folder folder = i == FED_UPDATE_PART ? SWARM_UPDATES : SWARM_REPORTS;
        if (!contribute->makes[i])
            continue;
        engine_shelf_put(&engine->shelves[folder], swarm_folders[folder], &contribute->ours.blob[i],
                         contribute->leaves[i]);
        contribute->leaves[i] = NULL;
    }
    if (contribute->update == NULL)
        return;
    engine_shelf_hold(&engine->shelves[SWARM_UPDATES],
                      engine_held_put(&engine->config.scratch->held,
                                      &contribute->ours.blob[FED_UPDATE_PART], contribute->update));
    contribute->update = NULL;
}

static void
done_contribute(struct pn_work *work, pn_ms now)
{
    struct contribute   *contribute = (struct contribute *)engine_work_take(work);
    struct swarm_engine *engine     = contribute->base.engine;
    enum pn_status       st         = contribute->base.status;
    bool                 current    = contribute->ours.height == engine->machine.height;
    engine->working                 = false;
    engine->now                     = now;
    if (st == PN_OK && current) {
        engine->ours = contribute->ours;
        shelve(engine, contribute);
        tell_contribution(engine, contribute);
        swarm_offer_ours(engine);
    } else if (current && (st == PN_ECORRUPT || st == PN_ENOENT)) {
        engine->needs_contribution = true; /* the file is gone or damaged: fetch it, try again */
    } else if (current && st != PN_ESTATE) {
        fail(engine, now, contribute);
    }
    release_contribute(&contribute->base);
    swarm_engine_tick(engine, now);
}

bool
swarm_have(struct swarm_engine *engine, enum swarm_folder folder, const struct sec_blob *blob,
           pn_ms now)
{
    if (blob->size == 0 || engine_blob_is_there(engine->config.disk, swarm_folders[folder], blob))
        return true;
    swarm_pull_blob(engine, folder, blob, now);
    return false;
}

/* We committed to a part of this height before: in an earlier life, or for an earlier draw. */
static bool
has_ours(const struct swarm_engine *engine)
{
    return engine->ours.height == engine->machine.height &&
           (engine->ours.has[0] || engine->ours.has[1]) &&
           sec_blob_equal(&engine->ours.model, &engine->chain.model);
}

static bool
must_make(const struct swarm_engine *engine, enum fed_part_kind part)
{
    return fed_swarm_owes(&engine->machine, part) && !(has_ours(engine) && engine->ours.has[part]);
}

void
swarm_contribute(struct swarm_engine *engine, pn_ms now)
{
    const struct fed_chain *chain = &engine->chain;
    engine->now                   = now;
    if (engine->machine.finished || engine->committing || !swarm_takes_part(engine))
        return;
    if (engine->refuses) {
        engine->needs_contribution = false;
        lose_ours(engine, now);
        return;
    }
    bool       made     = has_ours(engine);
    const bool makes[2] = {must_make(engine, FED_UPDATE_PART), must_make(engine, FED_REPORT_PART)};
    if (made && !makes[0] && !makes[1]) {
        engine->needs_contribution = false; /* made before a restart */
        swarm_offer_ours(engine);
        return;
    }
    bool ready = swarm_have(engine, SWARM_SCALING, &chain->scaling, now);
    ready      = swarm_have(engine, SWARM_MODELS, &chain->model, now) && ready;
    if (!ready)
        return;
    struct engine_training training = {.round    = engine->machine.height,
                                       .ports    = &engine->config.ports,
                                       .progress = &engine->progress};
    enum pn_status         st =
        engine_pace_steps(&training.steps, &engine->pace, engine->config.job->job,
                          engine->config.disk, engine->machine.height, training.round);
    struct contribute *contribute = st == PN_OK ? calloc(1, sizeof *contribute) : NULL;
    if (contribute == NULL) {
        swarm_break(engine, st == PN_OK ? PN_ENOMEM : st, "there is no way to train");
        return;
    }
    engine->needs_contribution = false;
    engine->working            = true;
    contribute->base.is_long   = true;
    contribute->job            = engine->config.job;
    contribute->disk           = engine->config.disk;
    contribute->secret         = engine->config.secret;
    contribute->trainer        = engine->trainer;
    contribute->training       = training;
    contribute->member         = engine->config.self;
    contribute->scaling        = chain->scaling;
    if (made)
        contribute->ours = engine->ours;
    contribute->ours.height = engine->machine.height;
    contribute->ours.model  = chain->model;
    contribute->model       = engine_shelf_find(&engine->shelves[SWARM_MODELS], &chain->model);
    if (makes[FED_UPDATE_PART])
        contribute->ours.weight = engine_trainer_weight(engine->trainer);
    memcpy(contribute->makes, makes, sizeof makes);
    memcpy(contribute->run, engine->run, sizeof contribute->run);
    atomic_store(&engine->progress.stop, false);
    if (contribute->makes[FED_UPDATE_PART])
        contribute->base.lasts = engine->config.job->job->time_ms;
    swarm_submit(engine, &contribute->base,
                 &(struct engine_work_how){engine_trainer_bytes(engine->trainer, &training),
                                           run_contribute, done_contribute, release_contribute});
}
