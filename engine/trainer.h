/*
 * engine/trainer -- one site's records, ready to train on: load, split, sum, scale, train, measure.
 *
 * Plain functions on arrays, the same for a node in a federation and for the baselines of `panal
 * lab` (alone: one site's records; pooled: all files in one source).
 *
 *     split     derive(derive(seed, NODE, member), SPLIT, 0)
 *     training  derive(derive(seed, NODE, member), ROUND, round)
 *
 * so a round of a member gives the same bits whenever and wherever it is done (same build), unless
 * the job gives it a time: then the host's clock says after which batch it ends.
 *
 * Memory     one heap object: the records. Workspace is taken at the start of a call and given
 *            back at its end; nothing is allocated per step.
 * Threads    one thread at a time; struct engine_progress may be read from another.
 */
#ifndef ENGINE_TRAINER_H
#define ENGINE_TRAINER_H

#include "base/ports.h"
#include "engine/job.h"
#include "nnlib/evaluate.h"

#include <stdatomic.h>

struct engine_progress { /* written by the training thread */
    _Atomic uint64_t done, total;
    _Atomic bool     stop; /* set by others: the training ends with PN_ESTATE */
};

struct engine_training { /* of one round */
    uint64_t                round;
    uint32_t                steps; /* where the job adapts them (fed/pace); 0: what the job says */
    const struct pn_ports  *ports; /* whose clock counts the job's time; NULL: an epoch instead */
    struct engine_progress *progress; /* may be NULL */
};

struct engine_trained {
    double   loss;
    uint64_t steps;
};

struct engine_trainer_config {
    const struct engine_job  *job; /* borrowed until free */
    const struct data_source *source;
    uint64_t                  bytes_max;
    uint32_t                  member; /* seeds the split and the shuffles */
    uint32_t threads; /* of a training, at most the job's parts; 0: one. Changes no bit */
};

struct engine_trainer;
/* Loads, checks, splits and sums. PN_EDATA with file:line:column; these sentences stay at the
 * site. */
PN_MUST_CHECK enum pn_status engine_trainer_new(struct engine_trainer             **out,
                                                const struct engine_trainer_config *config,
                                                struct pn_error                    *why);
void                         engine_trainer_free(struct engine_trainer *trainer);

const struct data_parts *engine_trainer_parts(const struct engine_trainer *trainer);
/* What an update of it counts: its training records, and no more than the job lets one count. */
uint64_t engine_trainer_weight(const struct engine_trainer *trainer);
/* Of the training part, before scaling: schema->numeric_count entries; NULL when nothing is
 * standardised. */
const struct data_sums *engine_trainer_sums(const struct engine_trainer *trainer);

/* Turns the records into features: once, before train and evaluate. Repeating it with the same
 * scaling is PN_OK, with another PN_ESTATE. `scaling` is NULL when nothing is standardised. */
PN_MUST_CHECK enum pn_status engine_trainer_scale(struct engine_trainer     *trainer,
                                                  const struct data_scaling *scaling);
/* The same from a scaling blob as it lies: job->scaling_size bytes; NULL when the job has none. */
PN_MUST_CHECK enum pn_status engine_trainer_scale_from(struct engine_trainer *trainer,
                                                       const uint8_t         *bytes);

/* Over the training part, so many epochs, steps or so long, and one step at least; theta in place.
 * PN_EDIVERGED; PN_ESTATE when it was stopped. */
PN_MUST_CHECK enum pn_status engine_trainer_train(float *theta, struct engine_trained *out,
                                                  struct engine_trainer        *trainer,
                                                  const struct engine_training *training);
/* What that touches, beside the job's time where there is one: for engine_work_how. */
uint64_t engine_trainer_bytes(const struct engine_trainer  *trainer,
                              const struct engine_training *training);

/* The job's random changes of training records, drawn from `rng`; `apply` is NULL where it has
 * none. Once scaled; one training at a time. */
struct nn_augment engine_trainer_augment(struct engine_trainer *trainer, const struct pn_rng *rng);

/* The records of one part, as features once scaled; borrowed from the trainer. */
struct nn_records engine_trainer_records(const struct engine_trainer *trainer,
                                         enum data_part_kind          part);
/* Fills job->metric_count metrics over one part. */
PN_MUST_CHECK enum pn_status engine_trainer_evaluate(struct nn_metric *metrics, const float *theta,
                                                     struct engine_trainer *trainer,
                                                     enum data_part_kind    part);

#endif
