/*
 * nnlib/fit -- training with a look at validation records after every epoch: early stopping, and
 * the best model kept.
 *
 *     nn_fit_bytes -> nn_fit_init -> nn_fit_epoch ... -> nn_fit_is_done -> nn_fit_best
 *
 * An epoch is better when its figure is by more than `min_delta` better than the best before; after
 * `patience` epochs that were not, the training is over (nn_stopping; Prechelt 1998, "Early
 * stopping, but when?"). The same figure may lower the rate (nn_plateau). With a running mean
 * (training.average) it is that model which is looked at and kept.
 *
 * Memory     nn_fit_bytes of workspace, the caller's, 64-byte aligned; holds a copy of the best
 * theta.
 */
#ifndef NNLIB_FIT_H
#define NNLIB_FIT_H

#include "nnlib/evaluate.h"

enum {
    NN_WATCH_LOSS = -1
}; /* the validation loss, not a metric */

struct nn_fit_config {
    struct nn_training  training;
    int                 watch;    /* NN_WATCH_LOSS, or an index of `metrics`       */
    uint32_t            patience; /* epochs without progress; 0: never stop early  */
    double              min_delta;
    struct nn_plateau   plateau; /* settings only; factor 0: none */
    uint32_t            evaluate_batch;
    enum nn_metric_kind metrics[NN_METRICS_MAX];
    size_t              metric_count;
};

struct nn_fit_epoch {                             /* what an epoch came to */
    uint32_t         epoch;                       /* from 1 */
    uint64_t         steps;                       /* in all */
    double           train_loss, validation_loss; /* NAN without validation records */
    struct nn_metric metrics[NN_METRICS_MAX];     /* on the validation records      */
    bool             is_best;
};

/* To stop and go on, beside theta, the best theta and the optimiser's state. */
struct nn_fit_cursor {
    struct nn_cursor   training;
    struct nn_stopping stopping; /* their states; the settings are the config's */
    struct nn_plateau  plateau;
    uint32_t           epochs;     /* looked at */
    uint32_t           best_epoch; /* 0: none yet */
};

struct nn_fit;

PN_MUST_CHECK enum pn_status nn_fit_bytes(size_t *out, const struct nn_plan *plan,
                                          const struct nn_fit_config *config, uint32_t rows);
/* Everything is borrowed. `validation` may have no rows: then the best model is the last one.
 * PN_EDATA as nn_trainer_init, for both. */
PN_MUST_CHECK enum pn_status nn_fit_init(struct nn_fit **out, void *workspace,
                                         const struct nn_plan *plan, const struct nn_records *train,
                                         const struct nn_records    *validation,
                                         const struct nn_fit_config *config,
                                         const struct pn_rng        *rng);
bool                         nn_fit_is_done(const struct nn_fit *fit);
/* To the end of the epoch. PN_EDIVERGED: nn_fit_culprit says where; the best model is still there.
 * PN_ESTATE: the training's `progress` stopped it, between two batches: go on or save. */
PN_MUST_CHECK enum pn_status nn_fit_epoch(struct nn_fit_epoch *out, struct nn_fit *fit,
                                          nn_real *theta);
const char                  *nn_fit_culprit(const struct nn_fit *fit);
const nn_real *nn_fit_best(const struct nn_fit *fit, uint32_t *epoch); /* NULL: none yet */

struct nn_fit_cursor nn_fit_cursor(const struct nn_fit *fit);
/* The optimiser's state and the best theta, to be saved and put back. */
nn_real                     *nn_fit_state(const struct nn_fit *fit, uint64_t *count);
nn_real                     *nn_fit_best_memory(const struct nn_fit *fit);
PN_MUST_CHECK enum pn_status nn_fit_resume(struct nn_fit *fit, const struct nn_fit_cursor *cursor);

#endif
