/*
 * engine/job -- a job with everything that follows from its text: schema, plan, metrics, sizes.
 *
 * fed/job knows the text, data/ the schema, nnlib/ the network; here they are checked against each
 * other. Coordinator, node, tool and simulator all read a job through this.
 *
 * Memory     init, then fini; immutable in between.   Threads  any, read-only.
 * Errors     PN_ECONFIG with "file:line:column: ...".
 */
#ifndef ENGINE_JOB_H
#define ENGINE_JOB_H

#include "data/table.h"
#include "fed/job.h"
#include "fed/round.h"
#include "nnlib/metric.h"

struct engine_job {
    struct fed_job     *job;
    struct data_schema *schema;
    struct nn_plan     *plan;
    enum nn_metric_kind metrics[NN_METRICS_MAX]; /* of the job, in its order */
    size_t              metric_count;
    uint32_t            class_count;
    uint64_t            model_size;   /* bytes of a model, and of an update: 4 a parameter */
    uint64_t            scaling_size; /* 16 a numeric column; 0 when nothing is standardised */
};

PN_MUST_CHECK enum pn_status engine_job_init(struct engine_job *out, const char *name,
                                             const char *text, size_t size, struct pn_error *why);
/* The same from a file. */
PN_MUST_CHECK enum pn_status engine_job_load(struct engine_job *out, const char *path,
                                             struct pn_error *why);
void                         engine_job_fini(struct engine_job *job);

/* The team for job.parts parts of a batch, by at most `threads` threads and for a training on
 * `rows` records; NULL where the job has one part. The caller frees it. */
PN_MUST_CHECK enum pn_status engine_job_team(struct nn_team **out, const struct engine_job *job,
                                             uint32_t threads, uint32_t rows, struct pn_error *why);

/* The first model of the run: model_size / 4 floats. */
void engine_job_first_model(float *theta, const struct engine_job *job);

/* All limits of the round machine, with what only the schema and the plan know. */
void engine_job_limits(struct fed_round_limits *out, const struct engine_job *job);

/* The metric with this name among the job's, or metric_count. */
size_t engine_job_metric(const struct engine_job *job, const char *name);

#endif
