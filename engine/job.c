#include "engine/job.h"

#include "store/files.h"

#include "crypto/merkle.h"

#include <string.h>

/* The network must read what the schema gives, and predict what it asks for. */
static enum pn_status
check_shapes(const struct engine_job *job, const char *name, struct pn_error *why)
{
    const struct data_schema *schema = job->schema;
    const struct nn_plan     *plan   = job->plan;
    if (nn_plan_input_size(plan) != schema->feature_count)
        return pn_error_set(why, PN_ECONFIG,
                            "%s: the data section gives %u features a record, the network reads %u",
                            name, schema->feature_count, nn_plan_input_size(plan));
    uint32_t dims, dim[3];
    nn_plan_input_shape(plan, &dims, dim);
    if (!data_schema_fits(schema, dims, dim)) {
        char shape[40];
        data_schema_shape_text(shape, schema);
        return pn_error_set(why, PN_ECONFIG,
                            "%s: a record is %s; write the network's input so: `x = input %s`",
                            name, shape, shape);
    }
    if (schema->target_is_record && nn_plan_class_count(plan) != 0)
        return pn_error_set(why, PN_ECONFIG,
                            "%s: with `target: record` the network gives numbers back, as with the "
                            "loss mse; its loss %s distinguishes %u classes",
                            name, nn_plan_loss(plan), nn_plan_class_count(plan));
    if (nn_plan_class_count(plan) != schema->class_count)
        return pn_error_set(why, PN_ECONFIG,
                            "%s: the target has %u classes (0 is a number), the network's loss %s "
                            "distinguishes %u",
                            name, schema->class_count, nn_plan_loss(plan),
                            nn_plan_class_count(plan));
    if (nn_plan_target_size(plan) != data_schema_target_size(schema))
        return pn_error_set(why, PN_ECONFIG,
                            "%s: the target has %u numbers a record, the network expects %u", name,
                            data_schema_target_size(schema), nn_plan_target_size(plan));
    struct pn_error cut = {.text = ""};
    if (job->job->parts > 1 && nn_team_may_cut(plan, &cut) != PN_OK)
        return pn_error_set(why, PN_ECONFIG, "%s: training.parts: %s", name, cut.text);
    if (sec_blob_chunks(job->model_size) == 0)
        return pn_error_set(why, PN_ECONFIG, "%s: the network has too many parameters", name);
    return PN_OK;
}

enum pn_status
engine_job_init(struct engine_job *out, const char *name, const char *text, size_t size,
                struct pn_error *why)
{
    struct engine_job job = {.job = NULL};
    enum pn_status    st  = fed_job_parse(&job.job, name, text, size, why);
    if (st == PN_OK)
        st = data_schema_decode(&job.schema, job.job->yaml, job.job->data, why);
    if (st == PN_OK)
        st = nn_plan_new(&job.plan, job.job->model, strlen(job.job->model), why);
    if (st == PN_OK) {
        job.class_count = nn_plan_class_count(job.plan);
        job.model_size  = nn_plan_param_count(job.plan) * 4;
        job.scaling_size =
            job.schema->needs_scaling ? 16u * (uint64_t)job.schema->numeric_count : 0;
        job.metric_count = job.job->metric_count;
        memcpy(job.metrics, job.job->metrics, sizeof job.metrics);
        st = check_shapes(&job, name, why);
    }
    if (st != PN_OK) {
        engine_job_fini(&job);
        return st;
    }
    *out = job;
    return PN_OK;
}

enum pn_status
engine_job_load(struct engine_job *out, const char *path, struct pn_error *why)
{
    struct pn_buffer text;
    pn_buffer_init(&text, FED_JOB_TEXT_MAX + 1);
    enum pn_status st = store_file_load(&text, path, why);
    if (st == PN_OK)
        st = engine_job_init(out, path, (const char *)text.bytes, text.size, why);
    pn_buffer_fini(&text);
    return st;
}

void
engine_job_fini(struct engine_job *job)
{
    nn_plan_free(job->plan);
    data_schema_free(job->schema);
    fed_job_free(job->job);
    *job = (struct engine_job){.job = NULL};
}

enum pn_status
engine_job_team(struct nn_team **out, const struct engine_job *job, uint32_t threads, uint32_t rows,
                struct pn_error *why)
{
    uint32_t            parts = job->job->parts, batch = job->job->batch;
    struct nn_team_size size = {.batch   = batch < rows ? batch : rows,
                                .shards  = parts,
                                .workers = threads < parts ? threads : parts};
    *out                     = NULL;
    if (parts == 1)
        return PN_OK;
    return nn_team_new(out, job->plan, size, why);
}

void
engine_job_first_model(float *theta, const struct engine_job *job)
{
    struct pn_rng rng;
    pn_rng_init(&rng, job->job->seed);
    nn_plan_init(theta, job->plan, &rng);
}

void
engine_job_limits(struct fed_round_limits *out, const struct engine_job *job)
{
    fed_round_limits_from_job(out, job->job);
    out->survey      = job->schema->needs_scaling;
    out->update_size = job->model_size;
    if (job->job->stop_metric != NULL) {
        size_t at            = engine_job_metric(job, job->job->stop_metric);
        out->stop_on_smaller = nn_metric_smaller_is_better(job->metrics[at]);
    }
}

size_t
engine_job_metric(const struct engine_job *job, const char *name)
{
    for (size_t i = 0; i < job->metric_count; i++)
        if (strcmp(nn_metric_names[job->metrics[i]], name) == 0)
            return i;
    return job->metric_count;
}
