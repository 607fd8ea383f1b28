#include "nnlib/evaluate.h"

#include "nnlib/layer.h"

/* Numbers of scores that one batch needs. */
static size_t
score_count(const struct nn_plan *plan, uint32_t batch)
{
    return (size_t)batch * nn_plan_output_size(plan);
}

enum pn_status
nn_evaluate_bytes(size_t *out, const struct nn_plan *plan, uint32_t batch)
{
    size_t         pass, scores;
    enum pn_status st = nn_pass_bytes(&pass, plan, batch, NN_EVALUATE);
    if (st != PN_OK)
        return st;
    if (!pn_size_mul(&scores, score_count(plan, batch), sizeof(nn_real)) ||
        !pn_size_add(out, pass, scores))
        return PN_ERANGE;
    return PN_OK;
}

static uint32_t
rows_at(const struct nn_records *records, uint32_t from, uint32_t batch)
{
    return records->rows - from < batch ? records->rows - from : batch;
}

void
nn_evaluate(struct nn_metric *metrics, size_t metric_count, const struct nn_plan *plan,
            const nn_real *theta, const struct nn_records *records, uint32_t batch, void *workspace)
{
    const struct nn_loss *loss = &plan->losses[0];
    size_t                pass_bytes;
    size_t                in = plan->input_size, width = loss->target;
    PN_ASSERT(nn_pass_bytes(&pass_bytes, plan, batch, NN_EVALUATE) == PN_OK);
    struct nn_pass *pass   = nn_pass_init(workspace, plan, batch, NN_EVALUATE);
    nn_real        *scores = (nn_real *)(void *)((unsigned char *)workspace + pass_bytes);
    for (uint32_t from = 0, rows; from < records->rows; from += rows) {
        rows = rows_at(records, from, batch);
        nn_scores(scores, plan, nn_forward(pass, theta, records->x + from * in, rows), rows);
        /* The targets of the first loss stand first in a record's. Regression on several numbers
         * counts each of them (rmse over all), classes at several positions count each. */
        if (plan->loss_count == 1) {
            for (size_t m = 0; m < metric_count; m++)
                nn_metric_add(&metrics[m], scores, records->target + from * width,
                              rows * loss->target);
        } else {
            size_t score_width = score_count(plan, 1);
            if (nn_plan_class_count(plan) == 2)
                score_width = loss->positions;
            for (uint32_t b = 0; b < rows; b++)
                for (size_t m = 0; m < metric_count; m++)
                    nn_metric_add(&metrics[m], scores + b * score_width,
                                  records->target + (size_t)(from + b) * plan->target_size,
                                  loss->target);
        }
        if (records->rows - from <= rows)
            break; /* from + rows might not fit a uint32_t */
    }
}

double
nn_mean_loss(const struct nn_plan *plan, const nn_real *theta, const struct nn_records *records,
             uint32_t batch, void *workspace)
{
    struct nn_pass *pass = nn_pass_init(workspace, plan, batch, NN_EVALUATE);
    double          sum = 0, weights = 0;
    for (uint32_t from = 0, rows; from < records->rows; from += rows) {
        rows                   = rows_at(records, from, batch);
        struct nn_batch part   = {.x      = records->x + (size_t)from * plan->input_size,
                                  .target = records->target + (size_t)from * plan->target_size,
                                  .weight = records->weight != NULL ? records->weight + from : NULL,
                                  .rows   = rows};
        double          weight = part.weight == NULL ? rows : 0;
        for (uint32_t b = 0; part.weight != NULL && b < rows; b++)
            weight += (double)part.weight[b];
        sum += weight * nn_loss(pass, theta, &part);
        weights += weight;
        if (records->rows - from <= rows)
            break;
    }
    return weights > 0 ? sum / weights : (double)NAN;
}

void
nn_losses(double *out, const struct nn_plan *plan, const nn_real *theta,
          const struct nn_records *records, void *workspace)
{
    struct nn_pass *pass = nn_pass_init(workspace, plan, 1, NN_EVALUATE);
    for (size_t r = 0; r < records->rows; r++)
        out[r] = nn_loss(pass, theta,
                         &(struct nn_batch){.x      = records->x + r * plan->input_size,
                                            .target = records->target + r * plan->target_size,
                                            .rows   = 1});
}

void
nn_predict(nn_real *scores, const struct nn_plan *plan, const nn_real *theta, const nn_real *x,
           uint32_t rows, uint32_t batch, void *workspace)
{
    const struct nn_loss *loss = &plan->losses[0];
    struct nn_pass       *pass = nn_pass_init(workspace, plan, batch, NN_EVALUATE);
    size_t width = nn_plan_class_count(plan) == 2 ? loss->positions : score_count(plan, 1);
    for (uint32_t from = 0; from < rows;) {
        uint32_t part = rows - from < batch ? rows - from : batch;
        nn_scores(scores + from * width, plan,
                  nn_forward(pass, theta, x + (size_t)from * plan->input_size, part), part);
        if (rows - from <= part)
            break;
        from += part;
    }
}
