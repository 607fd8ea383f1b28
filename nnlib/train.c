#include "nnlib/train.h"

#include "nnlib/average.h"
#include "nnlib/block.h"
#include "nnlib/layer.h"

#include <string.h>

struct nn_trainer {
    const struct nn_plan     *plan;
    const struct nn_records  *records;
    const struct nn_training *training;
    struct pn_rng             rng;
    struct nn_cursor          cursor;
    uint32_t                  batch, micro;
    struct nn_pass           *pass;            /* NULL: the team's */
    nn_real                  *grad;            /* NULL: plain SGD, written straight into theta */
    nn_real                  *state, *average; /* one behind the other; average may be NULL */
    double                    share;           /* of the rate */
    nn_real                  *x, *target, *weight;
    uint32_t                 *order;
};

/* ---- memory ---- */

static bool
is_plain_sgd(const struct nn_plan *plan, const struct nn_training *training, uint32_t micro,
             uint32_t batch)
{
    return nn_optimiser_is_plain(&training->optimiser) && micro == batch &&
           (training->team != NULL || nn_plan_may_sgd(plan));
}

/* Of the optimiser's state and the running mean. */
static uint64_t
state_count(const struct nn_plan *plan, const struct nn_training *training)
{
    return nn_optimiser_state_count(&training->optimiser, plan->params) +
           (training->average > 0 ? plan->params : 0);
}

/* With base NULL only the size, in *total. */
static enum pn_status
lay_out(struct nn_trainer *out, unsigned char *base, size_t *total, const struct nn_plan *plan,
        const struct nn_training *training, uint32_t rows)
{
    uint32_t       batch = training->batch < rows ? training->batch : rows;
    uint32_t       micro = training->micro > 0 && training->micro < batch ? training->micro : batch;
    bool           plain = is_plain_sgd(plan, training, micro, batch);
    size_t         pass  = 0;
    void          *at[8] = {0};
    enum pn_status st    = PN_OK;
    if (training->team == NULL)
        st = nn_pass_bytes(&pass, plan, micro, NN_TRAIN);
    if (st != PN_OK)
        return st;
    *total = 0;
    if (!nn_block_take(&at[0], base, total, sizeof *out, 1) ||
        !nn_block_take(&at[1], base, total, pass, 1) ||
        !nn_block_take(&at[2], base, total, plain ? 0 : plan->params, sizeof(nn_real)) ||
        !nn_block_take(&at[3], base, total, state_count(plan, training), sizeof(nn_real)) ||
        !nn_block_take(&at[4], base, total, (uint64_t)batch * plan->input_size, sizeof(nn_real)) ||
        !nn_block_take(&at[5], base, total, (uint64_t)batch * plan->target_size, sizeof(nn_real)) ||
        !nn_block_take(&at[6], base, total, batch, sizeof(nn_real)) ||
        !nn_block_take(&at[7], base, total, rows, sizeof(uint32_t)))
        return PN_ERANGE;
    *out = (struct nn_trainer){.plan   = plan,
                               .batch  = batch,
                               .micro  = micro,
                               .pass   = at[1],
                               .grad   = at[2],
                               .state  = at[3],
                               .x      = at[4],
                               .target = at[5],
                               .weight = at[6],
                               .order  = at[7],
                               .share  = 1};
    if (training->average > 0 && out->state != NULL)
        out->average = out->state + nn_optimiser_state_count(&training->optimiser, plan->params);
    return PN_OK;
}

enum pn_status
nn_trainer_bytes(size_t *out, const struct nn_plan *plan, const struct nn_training *training,
                 uint32_t rows)
{
    struct nn_trainer unused;
    if (rows == 0)
        return PN_EDATA;
    if (training->batch == 0 || training->epochs == 0 ||
        (training->micro > 0 && training->team != NULL))
        return PN_ERANGE;
    if (training->micro > 0 && (nn_plan_mixes_rows(plan) || !nn_plan_adds_up(plan)))
        return PN_ESTATE;
    return lay_out(&unused, NULL, out, plan, training, rows);
}

bool
nn_targets_fit(const struct nn_plan *plan, const struct nn_records *records)
{
    const nn_real *target = records->target;
    for (uint32_t r = 0; r < records->rows; r++)
        for (uint32_t i = 0; i < plan->loss_count; i++) {
            const struct nn_loss *loss = &plan->losses[i];
            for (uint32_t k = 0; k < loss->target; k++)
                if (!loss->kind->accepts(loss->options, *target++, loss->size))
                    return false;
        }
    for (uint32_t r = 0; records->weight != NULL && r < records->rows; r++)
        if (!isfinite(records->weight[r]) || records->weight[r] < NN_R(0.0))
            return false;
    return true;
}

/* The order of the cursor's epoch. */
static void
shuffle(struct nn_trainer *t)
{
    struct pn_rng child;
    pn_rng_derive(&child, &t->rng, PN_RNG_SHUFFLE, t->cursor.epoch);
    for (uint32_t r = 0; r < t->records->rows; r++)
        t->order[r] = r;
    pn_rng_shuffle(&child, t->order, t->records->rows);
}

enum pn_status
nn_trainer_init(struct nn_trainer **out, void *workspace, const struct nn_plan *plan,
                const struct nn_records *records, const struct nn_training *training,
                const struct pn_rng *rng)
{
    struct nn_trainer t;
    size_t            bytes;
    enum pn_status    st = nn_trainer_bytes(&bytes, plan, training, records->rows);
    if (st == PN_OK)
        st = lay_out(&t, workspace, &bytes, plan, training, records->rows);
    if (st != PN_OK)
        return st;
    if (!nn_targets_fit(plan, records))
        return PN_EDATA;
    t.records  = records;
    t.training = training;
    t.rng      = *rng;
    if (t.pass != NULL)
        t.pass = nn_pass_init(t.pass, plan, t.micro, NN_TRAIN);
    uint64_t count;
    if (nn_trainer_state(&t, &count) != NULL)
        memset(t.state, 0, (size_t)count * sizeof *t.state);
    shuffle(&t);
    *out  = workspace;
    **out = t;
    return PN_OK;
}

/* ---- one step ---- */

/* Copies the records of the next batch together. */
static struct nn_batch
gather(const struct nn_trainer *t)
{
    const struct nn_records *records = t->records;
    const uint32_t          *order   = t->order + t->cursor.at;
    size_t                   in = t->plan->input_size, out = t->plan->target_size;
    uint32_t                 left = records->rows - t->cursor.at;
    uint32_t                 rows = left < t->batch ? left : t->batch;
    for (uint32_t b = 0; b < rows; b++) {
        size_t r = order[b];
        memcpy(t->x + b * in, records->x + r * in, in * sizeof *t->x);
        memcpy(t->target + b * out, records->target + r * out, out * sizeof *t->target);
        if (records->weight != NULL)
            t->weight[b] = records->weight[r];
    }
    if (t->training->augment.apply != NULL)
        t->training->augment.apply(t->training->augment.context, t->x, t->target, order, rows,
                                   t->cursor.epoch);
    return (struct nn_batch){.x      = t->x,
                             .target = t->target,
                             .weight = records->weight != NULL ? t->weight : NULL,
                             .rows   = rows};
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

/* Rows `from` .. of a batch. */
static struct nn_batch
piece_of(const struct nn_trainer *t, const struct nn_batch *batch, uint32_t from)
{
    uint32_t rows = batch->rows - from < t->micro ? batch->rows - from : t->micro;
    return (struct nn_batch){.x      = batch->x + (size_t)from * t->plan->input_size,
                             .target = batch->target + (size_t)from * t->plan->target_size,
                             .weight = batch->weight != NULL ? batch->weight + from : NULL,
                             .rows   = rows};
}

/* The gradient of the batch, piece by piece; returns its loss. */
static double
gradient(struct nn_trainer *t, const nn_real *theta, const struct nn_batch *batch,
         const struct pn_rng *draws)
{
    double whole = weight_of(batch), loss = 0;
    for (uint32_t from = 0; from < batch->rows; from += t->micro) {
        struct nn_batch piece = piece_of(t, batch, from);
        double          share = whole > 0 ? weight_of(&piece) / whole : 0;
        struct nn_blend blend = {(nn_real)share, from == 0 ? NN_R(0.0) : NN_R(1.0)};
        nn_pass_draw(t->pass, draws, from);
        loss += share * nn_gradient_blend(t->pass, t->grad, blend, theta, &piece);
        if (!isfinite(loss))
            break;
    }
    return loss;
}

static uint64_t
steps_per_epoch(const struct nn_trainer *t)
{
    return ((uint64_t)t->records->rows + t->batch - 1) / t->batch;
}

/* Of the step that comes. */
static double
rate_now(const struct nn_trainer *t)
{
    const struct nn_training *training = t->training;
    const struct nn_pace     *pace     = &training->pace;
    double                    rate     = training->optimiser.rate * t->share;
    if (pace->schedule.kind == NULL)
        return rate;
    bool     by_steps = pace->every == 0;
    uint64_t now      = by_steps ? t->cursor.step : t->cursor.epoch / pace->every;
    uint64_t own      = by_steps ? steps_per_epoch(t) * training->epochs
                                 : ((uint64_t)training->epochs + pace->every - 1) / pace->every;
    return nn_schedule_rate(&pace->schedule, rate, pace->before + now,
                            pace->total > 0 ? pace->total : own);
}

/* Plain SGD at once, else the gradient; returns the loss. */
static double
descend(struct nn_trainer *t, nn_real *theta, const struct nn_batch *batch, double rate)
{
    struct nn_team *team = t->training->team;
    double          l2   = t->training->optimiser.l2;
    struct pn_rng   draws;
    pn_rng_derive(&draws, &t->rng, PN_RNG_STEP, t->cursor.step);
    if (team == NULL && t->grad != NULL)
        return gradient(t, theta, batch, &draws);
    if (team == NULL) {
        nn_pass_draw(t->pass, &draws, 0);
        return nn_sgd(t->pass, theta, batch, rate, l2);
    }
    nn_team_draw(team, &draws, 0);
    return t->grad != NULL ? nn_team_gradient(team, t->grad, theta, batch)
                           : nn_team_sgd(team, theta, batch, rate, l2);
}

static void
begin_epoch(struct nn_trainer *t)
{
    t->cursor.epoch++;
    t->cursor.at   = 0;
    t->cursor.loss = t->cursor.weight = 0;
    shuffle(t);
}

enum pn_status
nn_trainer_step(struct nn_trainer *t, nn_real *theta)
{
    struct nn_optimiser_config optimiser = t->training->optimiser;
    PN_ASSERT(!nn_trainer_is_done(t));
    if (t->cursor.at == t->records->rows)
        begin_epoch(t);
    struct nn_batch batch = gather(t);
    optimiser.rate        = rate_now(t);
    double loss           = descend(t, theta, &batch, optimiser.rate);
    if (!isfinite(loss))
        return PN_EDIVERGED;
    if (t->grad != NULL)
        nn_optimiser_step(theta, t->state, t->grad, t->plan, &optimiser, t->cursor.step + 1);
    if (t->pass != NULL)
        nn_settle(t->pass, theta);
    else
        nn_team_settle(t->training->team, theta);
    if (t->average != NULL)
        nn_average_exponential(t->average, theta, (size_t)t->plan->params, t->training->average,
                               t->cursor.step);
    double weight = weight_of(&batch);
    t->cursor.step++;
    t->cursor.at += batch.rows;
    t->cursor.loss += loss * weight;
    t->cursor.weight += weight;
    return PN_OK;
}

const nn_real *
nn_trainer_average(const struct nn_trainer *t)
{
    return t->cursor.step > 0 ? t->average : NULL;
}

void
nn_trainer_slow(struct nn_trainer *t, double share)
{
    t->share = share;
}

/* ---- where it stands ---- */

bool
nn_trainer_is_done(const struct nn_trainer *t)
{
    return t->cursor.step >= nn_trainer_steps(t);
}

bool
nn_trainer_is_between_epochs(const struct nn_trainer *t)
{
    return t->cursor.at == t->records->rows;
}

uint64_t
nn_trainer_steps(const struct nn_trainer *t)
{
    uint64_t all = steps_per_epoch(t) * t->training->epochs, most = t->training->steps;
    return most > 0 && most < all ? most : all;
}

double
nn_trainer_loss(const struct nn_trainer *t)
{
    return t->cursor.weight > 0 ? t->cursor.loss / t->cursor.weight : 0;
}

const char *
nn_trainer_culprit(const struct nn_trainer *t)
{
    return t->pass != NULL ? nn_first_not_finite(t->pass)
                           : nn_team_first_not_finite(t->training->team);
}

struct nn_cursor
nn_trainer_cursor(const struct nn_trainer *t)
{
    return t->cursor;
}

nn_real *
nn_trainer_state(const struct nn_trainer *t, uint64_t *count)
{
    *count = state_count(t->plan, t->training);
    return t->state;
}

/* A cursor stands between two batches of an epoch that the training has. */
enum pn_status
nn_trainer_resume(struct nn_trainer *t, const struct nn_cursor *cursor)
{
    uint32_t rows = t->records->rows;
    uint64_t done = cursor->at / t->batch + (cursor->at % t->batch > 0 ? 1 : 0);
    if (cursor->epoch >= t->training->epochs || cursor->at > rows ||
        (cursor->at < rows && cursor->at % t->batch != 0) ||
        cursor->step != cursor->epoch * steps_per_epoch(t) + done || !isfinite(cursor->loss) ||
        !isfinite(cursor->weight))
        return PN_ERANGE;
    t->cursor = *cursor;
    shuffle(t);
    return PN_OK;
}

/* ---- all of it ---- */

enum pn_status
nn_train(nn_real *theta, double *loss, const struct nn_plan *plan, const struct nn_records *records,
         const struct nn_training *training, const struct pn_rng *rng, void *workspace)
{
    struct nn_trainer *t;
    enum pn_status     st   = nn_trainer_init(&t, workspace, plan, records, training, rng);
    bool               over = false;
    while (st == PN_OK && !over && !nn_trainer_is_done(t)) {
        st   = nn_trainer_step(t, theta);
        over = st == PN_OK && training->enough != NULL &&
               training->enough(training->context, t->cursor.step);
        if (st == PN_OK && training->progress != NULL &&
            !training->progress(training->context, t->cursor.step, nn_trainer_steps(t)))
            st = PN_ESTATE;
    }
    if (st != PN_OK)
        return st;
    if (nn_trainer_average(t) != NULL)
        memcpy(theta, t->average, (size_t)plan->params * sizeof *theta);
    if (!nn_all_finite(theta, (size_t)plan->params))
        return PN_EDIVERGED;
    *loss = nn_trainer_loss(t);
    return PN_OK;
}
