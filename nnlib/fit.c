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
    fit.cursor.best = (double)NAN;
    *out            = workspace;
    **out           = fit;
    return PN_OK;
}

/* Fills the validation side of `out`; returns the figure that is watched, smaller is better. */
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
    double value = nn_metric_value(&out->metrics[config->watch]);
    return nn_metric_smaller_is_better(config->metrics[config->watch]) ? value : -value;
}

static void
keep_if_best(struct nn_fit_epoch *out, struct nn_fit *fit, const nn_real *theta, double figure)
{
    struct nn_fit_cursor *cursor  = &fit->cursor;
    bool                  unknown = fit->validation->rows == 0; /* then the last one is the best */
    out->is_best = unknown || cursor->best_epoch == 0 || (isnan(cursor->best) && !isnan(figure)) ||
                   figure < cursor->best - fit->config->min_delta;
    if (!out->is_best)
        return;
    cursor->best       = figure;
    cursor->best_epoch = out->epoch;
    memcpy(fit->best, theta, (size_t)fit->plan->params * sizeof *theta);
}

enum pn_status
nn_fit_epoch(struct nn_fit_epoch *out, struct nn_fit *fit, nn_real *theta)
{
    const struct nn_training *training = &fit->config->training;
    struct nn_cursor          at;
    PN_ASSERT(!nn_fit_is_done(fit));
    do {
        enum pn_status st = nn_trainer_step(fit->trainer, theta);
        if (st != PN_OK)
            return st;
        at = nn_trainer_cursor(fit->trainer);
        if (training->progress != NULL &&
            !training->progress(training->context, at.step, nn_trainer_steps(fit->trainer)))
            return PN_ESTATE;
    } while (!nn_trainer_is_between_epochs(fit->trainer));
    if (!nn_all_finite(theta, (size_t)fit->plan->params))
        return PN_EDIVERGED;
    *out = (struct nn_fit_epoch){
        .epoch = at.epoch + 1, .steps = at.step, .train_loss = nn_trainer_loss(fit->trainer)};
    keep_if_best(out, fit, theta, measure(out, fit, theta));
    return PN_OK;
}

bool
nn_fit_is_done(const struct nn_fit *fit)
{
    uint32_t patience = fit->config->patience;
    uint32_t epochs   = nn_trainer_cursor(fit->trainer).epoch +
                      (nn_trainer_is_between_epochs(fit->trainer) ? 1u : 0u);
    bool waited =
        patience > 0 && fit->cursor.best_epoch > 0 && epochs >= fit->cursor.best_epoch + patience;
    return nn_trainer_is_done(fit->trainer) ||
           (waited && nn_trainer_is_between_epochs(fit->trainer));
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
    if (cursor->best_epoch > cursor->training.epoch + 1)
        return PN_ERANGE;
    enum pn_status st = nn_trainer_resume(fit->trainer, &cursor->training);
    if (st == PN_OK)
        fit->cursor = *cursor;
    return st;
}
