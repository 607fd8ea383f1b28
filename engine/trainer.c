#include "engine/trainer.h"

#include "data/augment.h"
#include "engine/work.h"

#include <stdlib.h>
#include <string.h>

enum {
    EVALUATE_BATCH = 256,
    NS_A_MS        = 1000000
};

struct engine_trainer {
    struct engine_trainer_config config;
    struct data_table           *table;
    struct data_parts            parts;
    struct data_sums            *sums;
    uint8_t                     *scaling; /* encoded, of the scaling that was applied */
    bool                         scaled;
    struct data_augment          augment; /* its scratch is NULL where the job has no changes */
};

static struct pn_rng
rng_of_member(const struct engine_trainer *trainer)
{
    struct pn_rng root, member;
    pn_rng_init(&root, trainer->config.job->job->seed);
    pn_rng_derive(&member, &root, PN_RNG_NODE, trainer->config.member);
    return member;
}

/* ---- loading ---- */

static enum pn_status
split(struct engine_trainer *trainer, struct pn_error *why)
{
    struct pn_rng member = rng_of_member(trainer), rng;
    pn_rng_derive(&rng, &member, PN_RNG_SPLIT, 0);
    enum pn_status st = data_table_split(&trainer->parts, trainer->table, &rng, why);
    if (st != PN_OK)
        return st;
    if (trainer->parts.train == 0)
        return pn_error_set(why, PN_EDATA,
                            "no record is left for training: this site has %u records",
                            trainer->table->rows);
    return PN_OK;
}

/* Of the training part only: what the other parts hold must not reach the model. */
static enum pn_status
sum(struct engine_trainer *trainer, struct pn_error *why)
{
    const struct data_schema *schema = trainer->config.job->schema;
    if (!schema->needs_scaling)
        return PN_OK;
    trainer->sums    = calloc(schema->numeric_count + 1u, sizeof *trainer->sums);
    trainer->scaling = calloc(1, (size_t)trainer->config.job->scaling_size + 1);
    if (trainer->sums == NULL || trainer->scaling == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the sums of the columns");
    return data_table_sums(trainer->sums, trainer->table, 0, trainer->parts.train, why);
}

static enum pn_status
prepare_augment(struct engine_trainer *trainer, struct pn_error *why)
{
    const struct data_schema *schema = trainer->config.job->schema;
    if (schema->augment.count == 0)
        return PN_OK;
    trainer->augment.schema  = schema;
    trainer->augment.scratch = malloc(schema->feature_count * sizeof(float));
    return trainer->augment.scratch != NULL
               ? PN_OK
               : pn_error_set(why, PN_ENOMEM, "no memory to change records");
}

enum pn_status
engine_trainer_new(struct engine_trainer **out, const struct engine_trainer_config *config,
                   struct pn_error *why)
{
    struct engine_trainer *trainer = calloc(1, sizeof *trainer);
    if (trainer == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the records");
    trainer->config   = *config;
    enum pn_status st = data_table_load(&trainer->table, config->job->schema, config->source,
                                        config->bytes_max, why);
    if (st == PN_OK)
        st = split(trainer, why);
    if (st == PN_OK)
        st = sum(trainer, why);
    if (st == PN_OK)
        st = prepare_augment(trainer, why);
    if (st != PN_OK) {
        engine_trainer_free(trainer);
        return st;
    }
    *out = trainer;
    return PN_OK;
}

void
engine_trainer_free(struct engine_trainer *trainer)
{
    if (trainer == NULL)
        return;
    data_table_free(trainer->table);
    free(trainer->sums);
    free(trainer->scaling);
    free(trainer->augment.scratch);
    free(trainer);
}

const struct data_parts *
engine_trainer_parts(const struct engine_trainer *trainer)
{
    return &trainer->parts;
}

uint64_t
engine_trainer_weight(const struct engine_trainer *trainer)
{
    uint64_t most = trainer->config.job->job->weight_max;
    return trainer->parts.train < most ? trainer->parts.train : most;
}

const struct data_sums *
engine_trainer_sums(const struct engine_trainer *trainer)
{
    return trainer->sums;
}

enum pn_status
engine_trainer_scale(struct engine_trainer *trainer, const struct data_scaling *scaling)
{
    const struct engine_job *job = trainer->config.job;
    if (!job->schema->needs_scaling)
        scaling = NULL;
    else if (scaling == NULL)
        return PN_ESTATE;

    uint8_t *encoded = calloc(1, (size_t)job->scaling_size + 1);
    if (encoded == NULL)
        return PN_ENOMEM;
    if (scaling != NULL)
        data_scaling_encode(encoded, scaling, job->schema->numeric_count);
    bool same = trainer->scaled && (scaling == NULL || memcmp(encoded, trainer->scaling,
                                                              (size_t)job->scaling_size) == 0);
    if (trainer->scaled) {
        free(encoded);
        return same ? PN_OK : PN_ESTATE;
    }
    data_table_scale(trainer->table, scaling);
    free(trainer->scaling);
    trainer->scaling = encoded;
    trainer->scaled  = true;
    return PN_OK;
}

enum pn_status
engine_trainer_scale_from(struct engine_trainer *trainer, const uint8_t *bytes)
{
    const struct engine_job *job   = trainer->config.job;
    uint32_t                 count = job->schema->numeric_count;
    if (job->scaling_size == 0)
        return engine_trainer_scale(trainer, NULL);
    struct data_scaling *scaling = calloc(count + 1u, sizeof *scaling);
    if (scaling == NULL)
        return PN_ENOMEM;
    enum pn_status st = data_scaling_decode(scaling, count, bytes, (size_t)job->scaling_size);
    if (st == PN_OK)
        st = engine_trainer_scale(trainer, scaling);
    free(scaling);
    return st;
}

/* ---- training and measuring ---- */

struct nn_records
engine_trainer_records(const struct engine_trainer *trainer, enum data_part_kind part)
{
    struct data_part rows = data_table_part(trainer->table, &trainer->parts, part);
    return (struct nn_records){
        .x = rows.x, .target = rows.target, .weight = rows.weight, .rows = rows.rows};
}

struct nn_augment
engine_trainer_augment(struct engine_trainer *trainer, const struct pn_rng *rng)
{
    struct data_augment *augment = &trainer->augment;
    PN_ASSERT(trainer->scaled);
    if (augment->scratch == NULL)
        return (struct nn_augment){.apply = NULL};
    augment->records = data_table_part(trainer->table, &trainer->parts, DATA_TRAIN);
    augment->rng     = *rng;
    return (struct nn_augment){.apply = data_augment_apply, .context = augment};
}

static uint64_t
steps_of_epoch(const struct engine_trainer *trainer)
{
    uint64_t rows = trainer->parts.train, batch = trainer->config.job->job->batch;
    return (rows + batch - 1) / batch;
}

/* Forward and backward touch every parameter about six times for every record; a batch of them
 * shares what is in the cache. */
static uint64_t
bytes_of_steps(const struct engine_trainer *trainer, uint64_t steps)
{
    const struct engine_job *job  = trainer->config.job;
    uint64_t                 rows = trainer->parts.train, epoch = steps_of_epoch(trainer);
    uint64_t                 rest = steps % epoch * job->job->batch;
    return 6 * job->model_size * (steps / epoch * rows + rest) / 16;
}

uint64_t
engine_trainer_bytes(const struct engine_trainer *trainer, const struct engine_training *training)
{
    const struct fed_job *job = trainer->config.job->job;
    if (job->time_ms > 0)
        return bytes_of_steps(trainer, 1); /* in which the time runs out */
    uint64_t steps = training->steps > 0 ? training->steps : job->steps;
    return bytes_of_steps(trainer, steps > 0 ? steps : job->epochs * steps_of_epoch(trainer));
}

/* A training as its host sees it. */
struct watch {
    const struct engine_trainer  *trainer;
    const struct engine_training *training;
    uint64_t                      time, began, gone; /* nanoseconds; time 0: it is counted */
    uint64_t                      steps;
};

static uint64_t
clock_after(const struct watch *watch, uint64_t steps)
{
    const struct pn_ports *ports = watch->training->ports;
    return ports->clock(ports->host, engine_work_ns(bytes_of_steps(watch->trainer, steps)));
}

static bool
time_is_up(void *context, uint64_t done)
{
    struct watch *watch = context;
    watch->gone         = clock_after(watch, done) - watch->began;
    return watch->gone >= watch->time;
}

static bool
note_step(void *context, uint64_t done, uint64_t total)
{
    struct watch           *watch    = context;
    struct engine_progress *progress = watch->training->progress;
    watch->steps                     = done;
    if (progress == NULL)
        return true;
    if (watch->time > 0) {
        total = watch->time / NS_A_MS;
        done  = watch->gone < watch->time ? watch->gone / NS_A_MS : total;
    }
    atomic_store(&progress->total, total);
    atomic_store(&progress->done, done);
    return !atomic_load(&progress->stop);
}

static void
begin_watch(struct watch *watch, struct nn_training *how, const struct engine_trainer *trainer,
            const struct engine_training *training)
{
    pn_ms time    = trainer->config.job->job->time_ms;
    *watch        = (struct watch){.trainer = trainer, .training = training};
    how->progress = note_step;
    how->context  = watch;
    if (time == 0 || training->ports == NULL || training->ports->clock == NULL)
        return;
    how->epochs     = UINT32_MAX;
    how->pace.every = UINT32_MAX; /* the rate of this round, to its end */
    how->enough     = time_is_up;
    watch->time     = time * NS_A_MS;
    watch->began    = clock_after(watch, 0);
}

/* With the team, if there is one, in `training`. */
static enum pn_status
train(float *theta, double *loss, struct engine_trainer *trainer, struct nn_training *training,
      uint64_t round)
{
    const struct engine_job *job     = trainer->config.job;
    struct nn_records        records = engine_trainer_records(trainer, DATA_TRAIN);
    size_t                   size;
    enum pn_status           st = nn_trainer_bytes(&size, job->plan, training, records.rows);
    if (st != PN_OK)
        return st;
    void *workspace = pn_bulk(size);
    if (workspace == NULL)
        return PN_ENOMEM;
    struct pn_rng member = rng_of_member(trainer), rng;
    pn_rng_derive(&rng, &member, PN_RNG_ROUND, round);
    training->augment = engine_trainer_augment(trainer, &rng);
    st                = nn_train(theta, loss, job->plan, &records, training, &rng, workspace);
    free(workspace);
    return st;
}

enum pn_status
engine_trainer_train(float *theta, struct engine_trained *out, struct engine_trainer *trainer,
                     const struct engine_training *training)
{
    const struct engine_job *job     = trainer->config.job;
    uint32_t                 threads = trainer->config.threads, rows = trainer->parts.train;
    struct nn_training       how;
    struct watch             watch;
    PN_ASSERT(trainer->scaled);
    fed_job_training(&how, job->job, training->round, training->steps, rows);
    enum pn_status st = engine_job_team(&how.team, job, threads > 0 ? threads : 1, rows, NULL);
    begin_watch(&watch, &how, trainer, training);
    if (st == PN_OK)
        st = train(theta, &out->loss, trainer, &how, training->round);
    out->steps = watch.steps;
    nn_team_free(how.team);
    return st;
}

enum pn_status
engine_trainer_evaluate(struct nn_metric *metrics, const float *theta,
                        struct engine_trainer *trainer, enum data_part_kind part)
{
    PN_ASSERT(trainer->scaled);
    const struct engine_job *job     = trainer->config.job;
    struct nn_records        records = engine_trainer_records(trainer, part);
    for (size_t i = 0; i < job->metric_count; i++) {
        enum pn_status st = nn_metric_init(&metrics[i], job->metrics[i], job->class_count);
        if (st != PN_OK)
            return st;
    }
    if (records.rows == 0)
        return PN_OK;
    size_t         size;
    enum pn_status st = nn_evaluate_bytes(&size, job->plan, EVALUATE_BATCH);
    if (st != PN_OK)
        return st;
    void *workspace = pn_bulk(size);
    if (workspace == NULL)
        return PN_ENOMEM;
    nn_evaluate(metrics, job->metric_count, job->plan, theta, &records, EVALUATE_BATCH, workspace);
    free(workspace);
    return PN_OK;
}
