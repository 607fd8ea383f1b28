#include "nnlib/fit.h"

#include "nnlib/block.h"
#include "nnlib/layer.h"

#include <string.h>

struct nn_fit {
    const struct nn_plan       *plan;
    const struct nn_records    *validation;
    const struct nn_fit_config *config;
    struct nn_trainer          *trainer;
    void                       *evaluation; /* workspace */
    nn_real                    *best;
    struct nn_fit_cursor        cursor; /* its training part is the trainer's own */
};

/* With base NULL only the size, in *total. */
static enum pn_status
lay_out(struct nn_fit *out, unsigned char *base, size_t *total, const struct nn_plan *plan,
        const struct nn_fit_config *config, uint32_t rows)
{
    size_t         training, evaluation, params;
    void          *self, *trainer, *best;
    enum pn_status st = nn_trainer_bytes(&training, plan, &config->training, rows);
    if (st == PN_OK)
        st = nn_evaluate_bytes(&evaluation, plan, config->evaluate_batch);
    if (st != PN_OK)
        return st;
    *total = 0;
    if (!pn_size_mul(&params, (size_t)plan->params, sizeof(nn_real)) ||
        !nn_block_take(&self, base, total, sizeof *out, 1) ||
        !nn_block_take(&trainer, base, total, training, 1) ||
        !nn_block_take(&out->evaluation, base, total, evaluation, 1) ||
        !nn_block_take(&best, base, total, params, 1))
        return PN_ERANGE;
    out->trainer = trainer;
    out->best    = best;
    return PN_OK;
}

enum pn_status
nn_fit_bytes(size_t *out, const struct nn_plan *plan, const struct nn_fit_config *config,
             uint32_t rows)
{
    struct nn_fit unused;
    return lay_out(&unused, NULL, out, plan, config, rows);
}

static bool
smaller_is_better(const struct nn_fit_config *config)
{
    return config->watch == NN_WATCH_LOSS ||
           nn_metric_smaller_is_better(config->metrics[config->watch]);
}

/* What the config says, beside the states in the cursor. */
static void
take_settings(struct nn_fit *fit)
{
    const struct nn_fit_config *config  = fit->config;
    struct nn_stopping         *stop    = &fit->cursor.stopping;
    struct nn_plateau          *plateau = &fit->cursor.plateau;
    stop->patience                      = config->patience;
    stop->min_delta                     = config->min_delta;
    stop->smaller_is_better             = smaller_is_better(config);
    plateau->factor                     = config->plateau.factor;
    plateau->threshold                  = config->plateau.threshold;
    plateau->floor                      = config->plateau.floor;
    plateau->patience                   = config->plateau.patience;
    plateau->cooldown                   = config->plateau.cooldown;
    plateau->larger_is_better           = !stop->smaller_is_better;
}

enum pn_status
nn_fit_init(struct nn_fit **out, void *workspace, const struct nn_plan *plan,
            const struct nn_records *train, const struct nn_records *validation,
            const struct nn_fit_config *config, const struct pn_rng *rng)
{
    size_t        bytes;
    struct nn_fit fit = {.plan = plan, .validation = validation, .config = config};
    PN_ASSERT(config->metric_count <= NN_METRICS_MAX && config->watch < (int)config->metric_count &&
              config->watch >= NN_WATCH_LOSS);
    enum pn_status st = lay_out(&fit, workspace, &bytes, plan, config, train->rows);
    if (st == PN_OK)
        st = nn_trainer_init(&fit.trainer, fit.trainer, plan, train, &config->training, rng);
    if (st != PN_OK)
        return st;
    if (!nn_targets_fit(plan, validation))
        return PN_EDATA;
    for (size_t m = 0; m < config->metric_count; m++) {
        struct nn_metric unused;
        if ((st = nn_metric_init(&unused, config->metrics[m], nn_plan_class_count(plan))) != PN_OK)
            return st;
    }
    take_settings(&fit);
    *out  = workspace;
    **out = fit;
    return PN_OK;
}

/* Fills the validation side of `out`; returns the figure that is watched. */
static double
measure(struct nn_fit_epoch *out, const struct nn_fit *fit, const nn_real *theta)
{
    const struct nn_fit_config *config = fit->config;
    out->validation_loss =
        nn_mean_loss(fit->plan, theta, fit->validation, config->evaluate_batch, fit->evaluation);
    for (size_t m = 0; m < config->metric_count; m++)
        PN_ASSERT(nn_metric_init(&out->metrics[m], config->metrics[m],
                                 nn_plan_class_count(fit->plan)) == PN_OK);
    nn_evaluate(out->metrics, config->metric_count, fit->plan, theta, fit->validation,
                config->evaluate_batch, fit->evaluation);
    if (config->watch == NN_WATCH_LOSS)
        return out->validation_loss;
    return nn_metric_value(&out->metrics[config->watch]);
}

/* Without validation records the last epoch is the best. */
static void
keep_if_best(struct nn_fit_epoch *out, struct nn_fit *fit, const nn_real *model, double figure)
{
    struct nn_fit_cursor *cursor = &fit->cursor;
    cursor->epochs               = out->epoch;
    out->is_best                 = fit->validation->rows == 0 || cursor->best_epoch == 0;
    if (fit->validation->rows > 0 &&
        nn_stopping_step(&cursor->stopping, figure) == NN_STOPPING_IMPROVED)
        out->is_best = true;
    if (fit->validation->rows > 0 && cursor->plateau.factor > 0)
        nn_trainer_slow(fit->trainer, nn_plateau_step(&cursor->plateau, figure));
    if (!out->is_best)
        return;
    cursor->best_epoch = out->epoch;
    memcpy(fit->best, model, (size_t)fit->plan->params * sizeof *model);
}

/* An epoch has ended, and nobody has looked at it. */
static bool
epoch_waits(const struct nn_fit *fit)
{
    return nn_trainer_is_between_epochs(fit->trainer) &&
           fit->cursor.epochs <= nn_trainer_cursor(fit->trainer).epoch;
}

enum pn_status
nn_fit_epoch(struct nn_fit_epoch *out, struct nn_fit *fit, nn_real *theta)
{
    const struct nn_training *training = &fit->config->training;
    PN_ASSERT(!nn_fit_is_done(fit));
    while (!epoch_waits(fit)) {
        enum pn_status st = nn_trainer_step(fit->trainer, theta);
        if (st != PN_OK)
            return st;
        uint64_t done = nn_trainer_cursor(fit->trainer).step;
        if (training->progress != NULL &&
            !training->progress(training->context, done, nn_trainer_steps(fit->trainer)))
            return PN_ESTATE;
    }
    struct nn_cursor at = nn_trainer_cursor(fit->trainer);
    if (!nn_all_finite(theta, (size_t)fit->plan->params))
        return PN_EDIVERGED;
    const nn_real *average = nn_trainer_average(fit->trainer);
    const nn_real *model   = average != NULL ? average : theta;
    *out                   = (struct nn_fit_epoch){.epoch = at.epoch + 1, .steps = at.step};
    out->train_loss        = nn_trainer_loss(fit->trainer);
    keep_if_best(out, fit, model, measure(out, fit, model));
    return PN_OK;
}

bool
nn_fit_is_done(const struct nn_fit *fit)
{
    bool over = nn_trainer_is_done(fit->trainer) || nn_stopping_is_over(&fit->cursor.stopping);
    return over && nn_trainer_is_between_epochs(fit->trainer) && !epoch_waits(fit);
}

const char *
nn_fit_culprit(const struct nn_fit *fit)
{
    return nn_trainer_culprit(fit->trainer);
}

const nn_real *
nn_fit_best(const struct nn_fit *fit, uint32_t *epoch)
{
    *epoch = fit->cursor.best_epoch;
    return *epoch > 0 ? fit->best : NULL;
}

struct nn_fit_cursor
nn_fit_cursor(const struct nn_fit *fit)
{
    struct nn_fit_cursor cursor = fit->cursor;
    cursor.training             = nn_trainer_cursor(fit->trainer);
    return cursor;
}

nn_real *
nn_fit_state(const struct nn_fit *fit, uint64_t *count)
{
    return nn_trainer_state(fit->trainer, count);
}

nn_real *
nn_fit_best_memory(const struct nn_fit *fit)
{
    return fit->best;
}

enum pn_status
nn_fit_resume(struct nn_fit *fit, const struct nn_fit_cursor *cursor)
{
    const struct nn_stopping *stopping = &cursor->stopping;
    if (cursor->best_epoch > cursor->training.epoch + 1 ||
        cursor->epochs > cursor->training.epoch + 1 ||
        stopping->steps > cursor->training.epoch + 1u || stopping->best_step > stopping->steps ||
        isnan(stopping->best) || isnan(cursor->plateau.best) ||
        !(cursor->plateau.share >= 0 && cursor->plateau.share <= 1))
        return PN_ERANGE;
    enum pn_status st = nn_trainer_resume(fit->trainer, &cursor->training);
    if (st != PN_OK)
        return st;
    fit->cursor = *cursor;
    take_settings(fit);
    if (cursor->plateau.share > 0)
        nn_trainer_slow(fit->trainer, cursor->plateau.share);
    return PN_OK;
}
