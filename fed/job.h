/*
 * fed/job -- what is trained and how; pinned by the hash of its text.
 *
 *     # job.yaml                    # a default stands for what may be left out
 *     version: 1
 *     name: fraud                    # 1 to 31 of a-z 0-9 . _ -, not first a dot
 *     seed: 7                        # default 0
 *     profile: open                  # default; the only profile of this version
 *     model: |                       # nnlib's text spec, see nnlib/plan.h; compiled as a check
 *       x    = input 12
 *       ...
 *     data: ...                      # the schema, see data/schema.h; checked by who reads data
 *     training:                      # default: everything below
 *       optimiser: sgd               # sgd | adam | adamw | adamax | nadam | adagrad | rmsprop |
 *                                    # adadelta | rprop | yogi
 *       rate: 0.01                   # this and every other option of the optimiser, with its own
 *       momentum: 0                  # default: nnlib/optimiser.h. An option of another one is
 *       l2: 0                        # refused.
 *       schedule: constant           # of the rate: nnlib/schedule.h
 *       clock: rounds                # what the schedule counts: rounds | steps
 *       batch: 32
 *       parts: 1                     # of a batch, for as many threads (nnlib/team); they decide
 *                                    # the bits, the threads do not
 *                                    # the pace, one of:
 *       epochs: 1                    #   passes over the site's records in a round
 *       steps: 64                    #   batches in a round, so that sites of every size take as
 *                                    #   long; with `interval` those of the first rounds
 *       time: 30s                    #   so long, then to the end of the batch: machines of every
 *                                    #   speed take as long. Below rounds.train
 *       interval:                    # with steps: more while the model improves, fewer when it
 *         metric: log_loss           # does not (fed/pace). Of NN_METRIC_LIST, measured anyway
 *         min: 16                    # the bounds; steps is between them
 *         max: 1024
 *         min_delta: 0               # default: what counts as better
 *       plateau: factor=0.5          # nn_plateau; default: none       with `panal train` alone:
 *       average: 0.999               # decay of a running mean of the  a federation's nodes
 *                                    # weights; default: none          refuse them
 *       clip: 10                     # L2 norm of the update; clip_norm is that of a gradient
 *     rounds:
 *       count: 20                    # required
 *       cohort: 5                    # required: the most to invite; at most 1024
 *       quorum: 3                    # required, at most the cohort
 *       gather: 60s                  # each 1ms to 168h, as invite 10s, train 10m, collect 2m,
 *       attempts: 5                  # evaluate 1m
 *       evaluate_every: 1            # rounds; the last one is always evaluated
 *       follow: all                  # all | cohort: who is sent each block, see below
 *     metrics: [auroc, f1, mcc]      # what members measure, at most 16 of nnlib/metric.h; default:
 *                                    # see nn_metrics_for. That of `stopping` is measured anyway.
 *     stopping: { metric: auprc, patience: 5, min_delta: 0.001 }   # default: none; 5; 0
 *     limits: { update_norm: 100, weight: 1000000 }                # the defaults
 *
 * Between fields: quorum <= cohort; cohort * weight < 2^31 (fed/update); clip * 1.001 <=
 * update_norm (quantising may lengthen an update a little); the metric fits the model's output. A
 * schedule whose clock is steps needs a known number of them: no time, no interval. An interval
 * needs every block at every node: follow: all.
 *
 * follow: all sends every block to every node. For hundreds of nodes of which a round invites a
 * few, that is most of the work: follow: cohort sends a block to the nodes whose round it is, and
 * the newest one to those that are invited next. A node's copy of the ledger then has gaps, which
 * it never fills; the first and the last block everybody gets. What a node loses: it has not seen
 * itself what happened in the rounds between (docs/threats.md).
 *
 * With `time` how many batches a round has depends on machines and their load: such a run cannot be
 * repeated to the bit, only its aggregates can be recomputed. An update's weight stays the number
 * of records, however few batches it was made of. Where no round's time runs (panal train, what
 * panal lab compares with), a round is an epoch; and there an interval stays at its first steps.
 *
 * Memory     one heap object, immutable; it keeps the text and its tree.
 */
#ifndef FED_JOB_H
#define FED_JOB_H

#include "crypto/hash.h"
#include "nnlib/metric.h"
#include "nnlib/train.h"
#include "text/yaml.h"

enum { FED_JOB_TEXT_MAX = 61440 };

enum fed_clock { FED_CLOCK_ROUNDS, FED_CLOCK_STEPS };
enum fed_follow { FED_FOLLOW_ALL, FED_FOLLOW_COHORT };

struct fed_interval {
    enum nn_metric_kind metric;
    uint32_t            min, max; /* max 0: the job has none */
    double              min_delta;
};

struct fed_job {
    struct sec_hash         hash; /* of the text, domain "job" */
    const char             *text;
    size_t                  text_size;
    const char             *name, *model; /* model: nnlib spec text */
    struct text_yaml       *yaml;
    const struct text_node *data; /* the schema section, for data_schema_decode */
    uint64_t                seed;
    uint32_t                classes; /* of the model: nn_plan_class_count */

    struct nn_optimiser_config optimiser;
    struct nn_schedule         schedule;
    struct nn_plateau          plateau; /* factor 0: none */
    double                     average; /* 0: none */
    uint32_t                   clock;   /* enum fed_clock */
    uint32_t                   batch, parts, epochs, steps; /* steps 0: epochs */
    pn_ms                      time_ms; /* of a round's training; 0: it is counted */
    struct fed_interval        interval;
    double                     clip; /* a node scales its update to at most this norm */

    uint32_t rounds, cohort, quorum, attempts, evaluate_every;
    uint32_t follow; /* enum fed_follow */
    pn_ms    gather_ms, invite_ms, train_ms, collect_ms, evaluate_ms;

    enum nn_metric_kind metrics[NN_METRICS_MAX]; /* each fits the model */
    uint32_t            metric_count;

    const char *stop_metric; /* NULL: no early stopping; one of `metrics` */
    uint32_t    patience;
    double      min_delta;

    double   update_norm_max; /* above it the coordinator refuses an update */
    uint64_t weight_max;      /* records above it count as this many        */
};

/* Checks every field and every rule between fields; sentences carry file:line:column. */
PN_MUST_CHECK enum pn_status fed_job_parse(struct fed_job **out, const char *name,
                                           const char *text, size_t size, struct pn_error *why);
void fed_job_free(struct fed_job *job);

/* Passes over a site's records in one round of so many steps, 0: of job.steps; of steps the last
 * one may be a part. Of a round by time: 1. */
uint32_t fed_job_epochs(const struct fed_job *job, uint32_t steps, uint64_t records);

/* The training of a round, from 1, on so many records; `steps` as above. Where a schedule counts
 * steps, as if every round had as many. Time, team, changes of records and progress are the
 * caller's. */
void fed_job_training(struct nn_training *out, const struct fed_job *job, uint64_t round,
                      uint32_t steps, uint32_t records);

/* The run's number: from federation, job and a label chosen by the coordinator ("1"). */
void fed_job_run(uint8_t out[static 16], const char *federation, const struct fed_job *job,
                 const char *label);

#endif
