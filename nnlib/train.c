#include "nnlib/train.h"

#include "nnlib/layer.h"

#include <string.h>

enum {
    ALIGN = 64
};

/* Everything a training needs, in the caller's workspace. */
struct trainer {
    struct nn_pass *pass;
    nn_real        *grad, *state, *x, *target, *weight;
    uint32_t       *order;
    uint32_t        batch;
};

/* Places of the parts; with `base` NULL only their sum. False on overflow. */
static bool
place(void **out, unsigned char *base, size_t *total, uint64_t count, size_t element)
{
    size_t bytes;
    if (count > SIZE_MAX || !pn_size_mul(&bytes, (size_t)count, element) ||
        !pn_size_add(&bytes, bytes, ALIGN - 1))
        return false;
    if (base != NULL)
        *out = base + *total;
    return pn_size_add(total, *total, bytes & ~(size_t)(ALIGN - 1));
}

static enum pn_status
lay_out(struct trainer *t, unsigned char *base, size_t *total, const struct nn_plan *plan,
        const struct nn_training *training, uint32_t rows)
{
    size_t         pass_bytes;
    uint64_t       params = plan->params;
    uint32_t       batch  = training->batch < rows ? training->batch : rows;
    void          *at[7]  = {0};
    enum pn_status st     = nn_pass_bytes(&pass_bytes, plan, batch, NN_TRAIN);
    if (st != PN_OK)
        return st;
    *total = 0;
    if (!place(&at[0], base, total, pass_bytes, 1) ||
        !place(&at[1], base, total, params, sizeof(nn_real)) ||
        !place(&at[2], base, total, nn_optimiser_state_count(&training->optimiser, params),
               sizeof(nn_real)) ||
        !place(&at[3], base, total, (uint64_t)batch * nn_plan_input_size(plan), sizeof(nn_real)) ||
        !place(&at[4], base, total, (uint64_t)batch * nn_plan_target_size(plan), sizeof(nn_real)) ||
        !place(&at[5], base, total, batch, sizeof(nn_real)) ||
        !place(&at[6], base, total, rows, sizeof(uint32_t)))
        return PN_ERANGE;
    *t = (struct trainer){.pass   = at[0],
                          .grad   = at[1],
                          .state  = at[2],
                          .x      = at[3],
                          .target = at[4],
                          .weight = at[5],
                          .order  = at[6],
                          .batch  = batch};
    return PN_OK;
}

enum pn_status
nn_trainer_bytes(size_t *out, const struct nn_plan *plan, const struct nn_training *training,
                 uint32_t rows)
{
    struct trainer unused;
    if (rows == 0)
        return PN_EDATA;
    if (training->batch == 0 || training->epochs == 0)
        return PN_ERANGE;
    return lay_out(&unused, NULL, out, plan, training, rows);
}

/* Copies the records of a batch together; returns their number. */
static uint32_t
gather(struct nn_batch *batch, const struct trainer *t, const struct nn_plan *plan,
       const struct nn_records *records, uint32_t from)
{
    size_t   in = nn_plan_input_size(plan), out = nn_plan_target_size(plan);
    uint32_t rows = records->rows - from < t->batch ? records->rows - from : t->batch;
    for (uint32_t b = 0; b < rows; b++) {
        size_t r = t->order[from + b];
        memcpy(t->x + b * in, records->x + r * in, in * sizeof *t->x);
        memcpy(t->target + b * out, records->target + r * out, out * sizeof *t->target);
        if (records->weight != NULL)
            t->weight[b] = records->weight[r];
    }
    *batch = (struct nn_batch){.x      = t->x,
                               .target = t->target,
                               .weight = records->weight != NULL ? t->weight : NULL,
                               .rows   = rows};
    return rows;
}

static double
weight_of(const struct nn_batch *batch)
{
    double sum = 0;
    if (batch->weight == NULL)
        return batch->rows;
    for (uint32_t b = 0; b < batch->rows; b++)
        sum += (double)batch->weight[b];
    return sum;
}

static bool
all_finite(const nn_real *values, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (!isfinite(values[k]))
            return false;
    return true;
}

/* Targets come from files of the site: a class number out of range must not get into a loss. */
static bool
targets_fit(const struct nn_plan *plan, const struct nn_records *records)
{
    size_t   count = (size_t)records->rows * nn_plan_target_size(plan);
    uint32_t size  = nn_plan_output_size(plan);
    for (size_t i = 0; i < count; i++)
        if (!plan->loss->accepts(plan->loss_options, records->target[i], size))
            return false;
    for (uint32_t r = 0; records->weight != NULL && r < records->rows; r++)
        if (!isfinite(records->weight[r]) || records->weight[r] < NN_R(0.0))
            return false;
    return true;
}

struct progress {
    uint64_t step, total;
    double   loss; /* mean of the epoch */
};

static enum pn_status
run_epoch(nn_real *theta, struct progress *progress, const struct trainer *t,
          const struct nn_plan *plan, const struct nn_records *records,
          const struct nn_training *training)
{
    double sum = 0, weights = 0;
    for (uint32_t from = 0, rows; from < records->rows; from += rows) {
        struct nn_batch batch;
        rows          = gather(&batch, t, plan, records, from);
        double loss   = nn_gradient(t->pass, t->grad, NULL, theta, &batch);
        double weight = weight_of(&batch);
        if (!isfinite(loss))
            return PN_EDIVERGED;
        nn_optimiser_step(theta, t->state, t->grad, plan, &training->optimiser, ++progress->step);
        sum += loss * weight;
        weights += weight;
        if (training->progress != NULL &&
            !training->progress(training->context, progress->step, progress->total))
            return PN_ESTATE;
        if (records->rows - from <= rows)
            break; /* from + rows might not fit a uint32_t */
    }
    progress->loss = weights > 0 ? sum / weights : 0;
    return PN_OK;
}

enum pn_status
nn_train(nn_real *theta, double *loss, const struct nn_plan *plan, const struct nn_records *records,
         const struct nn_training *training, const struct pn_rng *rng, void *workspace)
{
    struct trainer t;
    size_t         bytes;
    enum pn_status st = nn_trainer_bytes(&bytes, plan, training, records->rows);
    if (st != PN_OK ||
        (st = lay_out(&t, workspace, &bytes, plan, training, records->rows)) != PN_OK)
        return st;
    if (!targets_fit(plan, records))
        return PN_EDATA;
    uint64_t        state    = nn_optimiser_state_count(&training->optimiser, plan->params);
    uint64_t        chunks   = ((uint64_t)records->rows + t.batch - 1) / t.batch;
    struct progress progress = {.total = chunks * training->epochs};
    t.pass                   = nn_pass_init(t.pass, plan, t.batch, NN_TRAIN);
    memset(t.state, 0, (size_t)state * sizeof *t.state);
    for (uint32_t epoch = 0; epoch < training->epochs; epoch++) {
        struct pn_rng child;
        pn_rng_derive(&child, rng, PN_RNG_SHUFFLE, epoch);
        for (uint32_t r = 0; r < records->rows; r++)
            t.order[r] = r;
        pn_rng_shuffle(&child, t.order, records->rows);
        if ((st = run_epoch(theta, &progress, &t, plan, records, training)) != PN_OK)
            return st;
    }
    if (!all_finite(theta, (size_t)plan->params))
        return PN_EDIVERGED;
    *loss = progress.loss;
    return PN_OK;
}

enum pn_status
nn_evaluate_bytes(size_t *out, const struct nn_plan *plan, uint32_t batch)
{
    size_t         pass, scores;
    enum pn_status st = nn_pass_bytes(&pass, plan, batch, NN_EVALUATE);
    if (st != PN_OK)
        return st;
    if (!pn_size_mul(&scores, (size_t)batch * sizeof(nn_real), nn_plan_output_size(plan)) ||
        !pn_size_add(out, pass, scores))
        return PN_ERANGE;
    return PN_OK;
}

void
nn_evaluate(struct nn_metric *metrics, size_t metric_count, const struct nn_plan *plan,
            const nn_real *theta, const struct nn_records *records, uint32_t batch, void *workspace)
{
    size_t pass_bytes;
    size_t in = nn_plan_input_size(plan), width = nn_plan_target_size(plan);
    PN_ASSERT(nn_pass_bytes(&pass_bytes, plan, batch, NN_EVALUATE) == PN_OK);
    struct nn_pass *pass   = nn_pass_init(workspace, plan, batch, NN_EVALUATE);
    nn_real        *scores = (nn_real *)(void *)((unsigned char *)workspace + pass_bytes);
    for (uint32_t from = 0, rows; from < records->rows; from += rows) {
        rows = records->rows - from < batch ? records->rows - from : batch;
        nn_scores(scores, plan, nn_forward(pass, theta, records->x + from * in, rows), rows);
        /* Regression on several numbers counts each of them (rmse over all). */
        uint32_t values = nn_plan_class_count(plan) == 0 ? rows * (uint32_t)width : rows;
        for (size_t m = 0; m < metric_count; m++)
            nn_metric_add(&metrics[m], scores, records->target + from * width, values);
        if (records->rows - from <= rows)
            break;
    }
}
