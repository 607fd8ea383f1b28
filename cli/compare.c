#include "cli/compare.h"

#include "engine/own.h"
#include "nnlib/train.h"
#include "node/settings.h"
#include "store/files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum pn_status
open_site(struct engine_trainer **out, const struct cli_compare_wish *wish, size_t site,
          struct pn_error *why)
{
    return engine_trainer_new(out,
                              &(struct engine_trainer_config){
                                  .job       = wish->job,
                                  .source    = &wish->sites->items[site].source,
                                  .bytes_max = NODE_DATA_BYTES_MAX,
                                  .member    = (uint32_t)site + 2,
                              },
                              why);
}

static void
read_values(double *out, const struct cli_comparison *comparison, const struct engine_job *job,
            const struct nn_metric *metrics)
{
    for (size_t i = 0; i < comparison->metric_count; i++)
        for (size_t m = 0; m < job->metric_count; m++)
            if (job->metrics[m] == comparison->metrics[i])
                out[i] = nn_metric_value(&metrics[m]);
}

/* `total` (NN_METRIC_COUNT, zeros at first; may be NULL) grows by what is measured. */
static enum pn_status
measure(double *out, struct nn_metric *total, const struct cli_comparison *comparison,
        const struct cli_compare_wish *wish, struct engine_trainer *trainer, const float *theta)
{
    struct nn_metric *metrics = calloc(NN_METRICS_MAX, sizeof *metrics);
    if (metrics == NULL)
        return PN_ENOMEM;
    enum pn_status st = engine_trainer_evaluate(metrics, theta, trainer, DATA_TEST);
    if (st == PN_OK)
        read_values(out, comparison, wish->job, metrics);
    for (size_t m = 0; st == PN_OK && total != NULL && m < wish->job->metric_count; m++)
        if (total[m].count == 0)
            total[m] = metrics[m];
        else
            st = nn_metric_merge(&total[m], &metrics[m]);
    free(metrics);
    return st;
}

/* The scaling a site would use alone; where that is impossible (a column is constant there), the
 * run's. */
static enum pn_status
scale_alone(struct engine_trainer *trainer, const struct cli_compare_wish *wish)
{
    if (wish->scaling == NULL)
        return engine_trainer_scale(trainer, NULL);
    struct pn_error      ignored;
    struct data_scaling *own = calloc(wish->job->schema->numeric_count, sizeof *own);
    if (own == NULL)
        return PN_ENOMEM;
    enum pn_status st =
        data_scaling_from_sums(own, engine_trainer_sums(trainer), wish->job->schema, &ignored);
    st = engine_trainer_scale(trainer, st == PN_OK ? own : wish->scaling);
    free(own);
    return st;
}

static enum pn_status
train_alone(struct cli_comparison *comparison, const struct cli_compare_wish *wish, size_t site,
            float *theta, struct pn_error *why)
{
    struct engine_trainer *trainer = NULL;
    struct engine_trained  trained;
    enum pn_status         st = open_site(&trainer, wish, site, why);
    if (st == PN_OK)
        st = scale_alone(trainer, wish);
    engine_job_first_model(theta, wish->job);
    for (uint64_t round = 1; st == PN_OK && round <= wish->rounds; round++)
        st = engine_trainer_train(theta, &trained, trainer,
                                  &(struct engine_training){.round = round});
    if (st == PN_OK)
        st = measure(comparison->sites[site].scores.alone, NULL, comparison, wish, trainer, theta);
    if (st == PN_EDIVERGED) /* a site alone may well diverge: that is a result, not a failure */
        st = PN_OK;
    engine_trainer_free(trainer);
    return st;
}

/* All sites' training records in one block; `records` borrows from it. */
static enum pn_status
pool(struct nn_records *records, float **block, struct engine_trainer *const *trainers,
     const struct cli_compare_wish *wish)
{
    size_t inputs  = nn_plan_input_size(wish->job->plan),
           targets = nn_plan_target_size(wish->job->plan);
    size_t rows = 0, row = 0;
    bool   weighted = false;
    for (size_t i = 0; i < wish->sites->count; i++) {
        struct nn_records part = engine_trainer_records(trainers[i], DATA_TRAIN);
        rows += part.rows;
        weighted = weighted || part.weight != NULL;
    }
    float *all = malloc(rows * (inputs + targets + 1) * sizeof *all + 1);
    if (all == NULL)
        return PN_ENOMEM;
    float *x = all, *target = x + rows * inputs, *weight = target + rows * targets;
    for (size_t i = 0; i < wish->sites->count; i++) {
        struct nn_records part = engine_trainer_records(trainers[i], DATA_TRAIN);
        memcpy(x + row * inputs, part.x, part.rows * inputs * sizeof *x);
        memcpy(target + row * targets, part.target, part.rows * targets * sizeof *target);
        for (size_t r = 0; r < part.rows; r++)
            weight[row + r] = part.weight != NULL ? part.weight[r] : 1.0f;
        row += part.rows;
    }
    *records = (struct nn_records){
        .x = x, .target = target, .weight = weighted ? weight : NULL, .rows = (uint32_t)rows};
    *block = all;
    return PN_OK;
}

static enum pn_status
train_rounds(float *theta, const struct nn_records *records, struct nn_team *team,
             const struct cli_compare_wish *wish)
{
    const struct fed_job *job = wish->job->job;
    struct nn_training    training;
    struct pn_rng         seed, rng;
    size_t                bytes;
    double                loss;
    fed_job_training(&training, job, 1, 0, records->rows);
    training.team     = team;
    enum pn_status st = nn_trainer_bytes(&bytes, wish->job->plan, &training, records->rows);
    if (st != PN_OK)
        return st;
    void *workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (workspace == NULL)
        return PN_ENOMEM;
    pn_rng_init(&seed, job->seed);
    for (uint64_t round = 1; st == PN_OK && round <= wish->rounds; round++) {
        pn_rng_derive(&rng, &seed, PN_RNG_ROUND, round);
        fed_job_training(&training, job, round, 0, records->rows);
        training.team = team;
        st = nn_train(theta, &loss, wish->job->plan, records, &training, &rng, workspace);
    }
    free(workspace);
    return st;
}

static enum pn_status
train_pooled(float *theta, struct engine_trainer *const *trainers,
             const struct cli_compare_wish *wish)
{
    struct nn_records records;
    struct nn_team   *team  = NULL;
    float            *block = NULL;
    enum pn_status    st    = pool(&records, &block, trainers, wish);
    if (st == PN_OK)
        st = engine_job_team(&team, wish->job, 1, records.rows, NULL);
    engine_job_first_model(theta, wish->job);
    if (st == PN_OK)
        st = train_rounds(theta, &records, team, wish);
    nn_team_free(team);
    free(block);
    return st;
}

static void
choose_metrics(struct cli_comparison *comparison, const struct engine_job *job)
{
    static const enum nn_metric_kind wanted[] = {NN_AUROC, NN_AUPRC, NN_ACCURACY, NN_LOG_LOSS,
                                                 NN_RMSE};
    for (size_t w = 0; w < sizeof wanted / sizeof wanted[0]; w++)
        for (size_t m = 0; m < job->metric_count; m++)
            if (job->metrics[m] == wanted[w] && comparison->metric_count < CLI_COMPARED_MAX)
                comparison->metrics[comparison->metric_count++] = wanted[w];
}

static void
count(struct cli_compared *site, const struct cli_compare_wish *wish,
      struct engine_trainer *trainer)
{
    for (int part = DATA_TRAIN; part <= DATA_TEST; part++) {
        struct nn_records records = engine_trainer_records(trainer, (enum data_part_kind)part);
        site->records += records.rows;
        if (part == DATA_TEST)
            site->test_records = records.rows;
        for (uint32_t r = 0; wish->job->class_count == 2 && r < records.rows; r++)
            site->positives += records.target[r] > 0.5f;
    }
}

/* The final model as the site has it. */
static enum pn_status
take_model(float *theta, const struct cli_compare_wish *wish, size_t site, struct pn_error *why)
{
    char                path[4096];
    struct store_files *files = NULL;
    struct store_disk   disk;
    (void)snprintf(path, sizeof path, "%s/%s/state", wish->folder, wish->sites->items[site].name);
    enum pn_status st = store_files_open(&files, &disk, path, STORE_READ, why);
    if (st != PN_OK)
        return st;
    memcpy(theta, wish->model, (size_t)wish->job->model_size);
    st = engine_own_put_over(theta, &(struct engine_own){&disk, wish->job->plan}, ENGINE_OWN_NEWEST,
                             why);
    store_files_close(files);
    return st;
}

static enum pn_status
compare_shared(struct cli_comparison *comparison, const struct cli_compare_wish *wish,
               struct engine_trainer **trainers, float *theta, struct nn_metric *federated,
               struct nn_metric *pooled, struct pn_error *why)
{
    enum pn_status st = PN_OK;
    for (size_t i = 0; st == PN_OK && i < wish->sites->count; i++) {
        st = open_site(&trainers[i], wish, i, why);
        if (st == PN_OK)
            st = engine_trainer_scale(trainers[i], wish->scaling);
        if (st == PN_OK)
            st = take_model(theta, wish, i, why);
        if (st == PN_OK)
            st = measure(comparison->sites[i].scores.federated, federated, comparison, wish,
                         trainers[i], theta);
        if (st == PN_OK)
            count(&comparison->sites[i], wish, trainers[i]);
    }
    if (st != PN_OK)
        return st;
    read_values(comparison->overall.federated, comparison, wish->job, federated);
    if ((st = train_pooled(theta, trainers, wish)) == PN_EDIVERGED)
        return PN_OK;
    for (size_t i = 0; st == PN_OK && i < wish->sites->count; i++)
        st = measure(comparison->sites[i].scores.pooled, pooled, comparison, wish, trainers[i],
                     theta);
    if (st == PN_OK)
        read_values(comparison->overall.pooled, comparison, wish->job, pooled);
    return st;
}

static void
clear_scores(struct cli_scores *scores)
{
    for (size_t m = 0; m < CLI_COMPARED_MAX; m++)
        scores->alone[m] = scores->federated[m] = scores->pooled[m] = NAN;
}

enum pn_status
cli_compare(struct cli_comparison *out, const struct cli_compare_wish *wish, struct pn_error *why)
{
    struct cli_comparison comparison = {.site_count = wish->sites->count};
    comparison.sites                 = calloc(wish->sites->count, sizeof *comparison.sites);
    struct engine_trainer **trainers = calloc(wish->sites->count, sizeof *trainers);
    struct nn_metric       *totals   = calloc(2 * NN_METRIC_COUNT, sizeof *totals);
    float                  *theta    = malloc((size_t)wish->job->model_size + 1);
    enum pn_status          st       = PN_OK;
    if (comparison.sites == NULL || trainers == NULL || theta == NULL || totals == NULL)
        st = pn_error_set(why, PN_ENOMEM, "no memory for the comparison");
    clear_scores(&comparison.overall);
    for (size_t i = 0; st == PN_OK && i < wish->sites->count; i++)
        clear_scores(&comparison.sites[i].scores);
    choose_metrics(&comparison, wish->job);
    if (st == PN_OK)
        st = compare_shared(&comparison, wish, trainers, theta, totals, totals + NN_METRIC_COUNT,
                            why);
    for (size_t i = 0; trainers != NULL && i < wish->sites->count; i++)
        engine_trainer_free(trainers[i]);
    for (size_t i = 0; st == PN_OK && i < wish->sites->count; i++)
        st = train_alone(&comparison, wish, i, theta, why);
    free(totals);
    free(trainers);
    free(theta);
    if (st != PN_OK) {
        cli_comparison_fini(&comparison);
        return why->text[0] != '\0'
                   ? st
                   : pn_error_set(why, st, "the comparison failed: %s", pn_status_text(st));
    }
    *out = comparison;
    return PN_OK;
}

void
cli_comparison_fini(struct cli_comparison *comparison)
{
    free(comparison->sites);
    comparison->sites = NULL;
}
