/*
 * node/trainer -- one site's records, ready to train on: load, split, sum, scale, train, measure.
 *
 * Plain functions on arrays, the same for a node in a federation and for the baselines of `panal
 * lab` (alone: one site's records; pooled: all files in one source).
 *
 *     split     derive(derive(seed, NODE, member), SPLIT, 0)
 *     training  derive(derive(seed, NODE, member), ROUND, round)
 *
 * so a round of a member gives the same bits whenever and wherever it is done (same build).
 *
 * Memory     one heap object: the records. Workspace is taken at the start of a call and given
 *            back at its end; nothing is allocated per step.
 * Threads    one thread at a time; struct node_progress may be read from another.
 */
#ifndef NODE_TRAINER_H
#define NODE_TRAINER_H

#include "engine/job.h"
#include "nnlib/evaluate.h"

#include <stdatomic.h>

struct node_progress { /* written by the training thread */
    _Atomic uint64_t done, total;
    _Atomic bool     stop; /* set by others: the training ends with PN_ESTATE */
};

struct node_trainer_config {
    const struct engine_job  *job; /* borrowed until free */
    const struct data_source *source;
    uint64_t                  bytes_max;
    uint32_t                  member; /* seeds the split and the shuffles */
    uint32_t threads; /* of a training, at most the job's parts; 0: one. Changes no bit */
};

struct node_trainer;
/* Loads, checks, splits and sums. PN_EDATA with file:line:column; these sentences stay at the
 * site. */
PN_MUST_CHECK enum pn_status node_trainer_new(struct node_trainer             **out,
                                              const struct node_trainer_config *config,
                                              struct pn_error                  *why);
void                         node_trainer_free(struct node_trainer *trainer);

const struct data_parts *node_trainer_parts(const struct node_trainer *trainer);
/* Of the training part, before scaling: schema->numeric_count entries; NULL when nothing is
 * standardised. */
const struct data_sums *node_trainer_sums(const struct node_trainer *trainer);

/* Turns the records into features: once, before train and evaluate. Repeating it with the same
 * scaling is PN_OK, with another PN_ESTATE. `scaling` is NULL when nothing is standardised. */
PN_MUST_CHECK enum pn_status node_trainer_scale(struct node_trainer       *trainer,
                                                const struct data_scaling *scaling);

/* job.epochs epochs over the training part; theta in place; `progress` may be NULL. PN_EDIVERGED.
 * */
PN_MUST_CHECK enum pn_status node_trainer_train(float *theta, double *loss,
                                                struct node_trainer *trainer, uint64_t round,
                                                struct node_progress *progress);

/* The job's random changes of training records, drawn from `rng`; `apply` is NULL where it has
 * none. Once scaled; one training at a time. */
struct nn_augment node_trainer_augment(struct node_trainer *trainer, const struct pn_rng *rng);

/* The records of one part, as features once scaled; borrowed from the trainer. */
struct nn_records node_trainer_records(const struct node_trainer *trainer,
                                       enum data_part_kind        part);
/* Fills job->metric_count metrics over one part. */
PN_MUST_CHECK enum pn_status node_trainer_evaluate(struct nn_metric *metrics, const float *theta,
                                                   struct node_trainer *trainer,
                                                   enum data_part_kind  part);

#endif
