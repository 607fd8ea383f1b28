/* Losses and the way down: gradients, plain SGD, gradients of single records. */
#include "nnlib/pass_inside.h"

#include <string.h>

/* ---- losses ---- */

/* The targets of one loss, packed: `at` floats into each record's. */
static const nn_real *
pick_targets(const struct nn_pass *pass, const struct nn_batch *batch, const struct nn_loss *loss,
             size_t at)
{
    if (pass->targets == NULL)
        return batch->target;
    for (uint32_t b = 0; b < batch->rows; b++)
        memcpy(pass->targets + (size_t)b * loss->target,
               batch->target + (size_t)b * pass->plan->target_size + at,
               loss->target * sizeof *pass->targets);
    return pass->targets;
}

/* Every position of a record weighs what the record does. */
static const nn_real *
spread_weights(const struct nn_pass *pass, const struct nn_batch *batch, uint32_t positions)
{
    if (batch->weight == NULL || positions == 1)
        return batch->weight;
    for (uint32_t b = 0; b < batch->rows; b++)
        for (uint32_t p = 0; p < positions; p++)
            pass->weights[(size_t)b * positions + p] = batch->weight[b];
    return pass->weights;
}

/* The model's loss from the values; its gradient into the deltas of the outputs if asked. */
static double
add_losses(struct nn_pass *pass, const struct nn_batch *batch, bool with_gradient)
{
    double sum = 0;
    size_t at  = 0;
    for (uint32_t i = 0; i < pass->plan->loss_count; at += pass->plan->losses[i++].target) {
        const struct nn_loss *loss = &pass->plan->losses[i];
        struct part          *part = &pass->parts[loss->layer];
        struct nn_loss_call   call = {.options  = loss->options,
                                      .output   = part->value,
                                      .target   = pick_targets(pass, batch, loss, at),
                                      .weight   = spread_weights(pass, batch, loss->positions),
                                      .rows     = batch->rows * loss->positions,
                                      .size     = loss->size,
                                      .gradient = with_gradient ? part->delta : NULL};
        sum += loss->weight * loss->kind->value(&call);
        if (with_gradient && loss->weight != 1) {
            size_t count = (size_t)call.rows * loss->size;
            for (size_t k = 0; k < count; k++)
                part->delta[k] *= (nn_real)loss->weight;
        }
    }
    return sum;
}

double
nn_loss(struct nn_pass *pass, const nn_real *theta, const struct nn_batch *batch)
{
    (void)nn_forward(pass, theta, batch->x, batch->rows);
    return add_losses(pass, batch, false);
}

/* ---- backward ---- */

/* True when a layer above i, up to `last`, uses the tensor too: backward was there already. */
static bool
was_written(const struct nn_plan *plan, uint32_t tensor, uint32_t i, uint32_t last)
{
    for (uint32_t above = i + 1; plan->ties && above <= last; above++)
        for (uint32_t t = 0; t < plan->layers[above].tensor_count; t++)
            if (plan->layers[above].tensors[t] == tensor)
                return true;
    return false;
}

static bool
learns(const struct nn_tensor *tensor)
{
    return tensor->role == NN_SHARED || tensor->role == NN_LOCAL;
}

/* Where the tensors' gradients go; a tied tensor gets a part from each layer that uses it. */
static void
aim(struct nn_call *call, const struct nn_plan *plan, const struct sink *sink, uint32_t last)
{
    const struct nn_layer *layer = call->layer;
    call->alpha                  = sink->alpha;
    for (uint32_t t = 0; t < layer->tensor_count; t++) {
        const struct nn_tensor *row = &plan->tensors[layer->tensors[t]];
        call->dw[t]   = learns(row) && sink->into != NULL ? sink->into + row->offset : NULL;
        call->beta[t] = row->decay ? sink->beta_decay : sink->beta;
        if (was_written(plan, layer->tensors[t], layer->number, last))
            call->beta[t] = NN_R(1.0);
    }
}

/* The gradient of layer i's inputs and tensors from the gradient of its value. */
static void
step_back(struct nn_pass *pass, const struct sink *sink, const nn_real *theta, uint32_t i,
          uint32_t last)
{
    struct nn_call         call;
    const struct nn_layer *layer = &pass->plan->layers[i];
    pass_begin_call(&call, pass, theta, i);
    call.dy = pass->parts[i].delta;
    aim(&call, pass->plan, sink, last);
    for (uint32_t t = 0; sink->spares && pass_units(pass->plan, i) > 0 && t < layer->tensor_count;
         t++)
        call.dw[t] = NULL;
    if (sink->norm2 != NULL && layer->kind->row_norms != NULL)
        layer->kind->row_norms(&call, sink->norm2);
    for (uint32_t k = 0; k < layer->input_count; k++) {
        struct part *below = &pass->parts[layer->inputs[k]];
        call.dx[k]         = below->wanted ? below->delta : NULL;
        call.add[k]        = below->touched;
        below->touched     = true;
    }
    layer->kind->backward(&call);
}

/* FROZEN and BUFFER have gradient 0, so that norms over the flat array are right. */
static void
clear_held(nn_real *grad, const struct nn_plan *plan)
{
    for (uint32_t t = 0; t < plan->tensor_count; t++) {
        const struct nn_tensor *row = &plan->tensors[t];
        if (row->role == NN_FROZEN || row->role == NN_BUFFER)
            memset(grad + row->offset, 0, (size_t)row->count * sizeof *grad);
    }
}

void
pass_begin_backward(struct nn_pass *pass, uint32_t first, bool from_first)
{
    const struct nn_plan *plan = pass->plan;
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        pass->parts[i].wanted  = i > first && (from_first || plan->layers[i].learns);
        pass->parts[i].touched = false;
    }
}

void
pass_run_backward(struct nn_pass *pass, const struct sink *sink, const nn_real *theta,
                  uint32_t first, uint32_t last)
{
    for (uint32_t i = last; i > first; i--)
        if (pass->parts[i].wanted)
            step_back(pass, sink, theta, i, last);
}

/* From the deltas of all outputs to the inputs; dx NULL: not wanted. */
static void
descend(struct nn_pass *pass, const struct sink *sink, const nn_real *theta, nn_real *dx)
{
    const struct nn_plan *plan       = pass->plan;
    uint32_t              last_input = plan->input_count - 1;
    pass_begin_backward(pass, last_input, dx != NULL);
    for (uint32_t i = 0; i < plan->input_count; i++)
        pass->parts[i].wanted = dx != NULL;
    for (uint32_t i = 0; i < plan->loss_count; i++)
        pass->parts[plan->losses[i].layer].touched = true;
    if (plan->input_count == 1)
        pass->parts[0].delta = dx;
    pass_run_backward(pass, sink, theta, last_input, plan->layer_count - 1);
    size_t at = 0;
    for (uint32_t i = 0; dx != NULL && plan->input_count > 1 && i <= last_input;
         at += plan->layers[i++].size)
        for (uint32_t b = 0; b < pass->rows; b++)
            memcpy(dx + (size_t)b * plan->input_size + at,
                   pass->parts[i].delta + (size_t)b * plan->layers[i].size,
                   plan->layers[i].size * sizeof *dx);
}

double
pass_descend(struct nn_pass *pass, const struct sink *sink, nn_real *dx, const nn_real *theta,
             const struct nn_batch *batch)
{
    PN_ASSERT(pass->mode == NN_TRAIN);
    (void)nn_forward(pass, theta, batch->x, batch->rows);
    double loss = add_losses(pass, batch, true);
    if (pass->plan->holds)
        clear_held(sink->into, pass->plan);
    descend(pass, sink, theta, dx);
    return loss;
}

double
nn_gradient(struct nn_pass *pass, nn_real *grad, nn_real *dx, const nn_real *theta,
            const struct nn_batch *batch)
{
    struct sink sink = sink_of(grad, NN_R(1.0), NN_R(0.0));
    return pass_descend(pass, &sink, dx, theta, batch);
}

double
nn_gradient_blend(struct nn_pass *pass, nn_real *grad, struct nn_blend blend, const nn_real *theta,
                  const struct nn_batch *batch)
{
    struct sink sink = sink_of(grad, blend.alpha, blend.beta);
    return pass_descend(pass, &sink, NULL, theta, batch);
}

uint32_t
pass_units(const struct nn_plan *plan, uint32_t layer)
{
    const struct nn_layer *of = &plan->layers[layer];
    bool                   on = of->kind->unit_gradient != NULL && !plan->ties;
    for (uint32_t t = 0; on && t < of->tensor_count; t++)
        on = learns(&plan->tensors[of->tensors[t]]);
    return on ? of->given.dim[0] : 0;
}

void
pass_unit_gradient(const struct nn_pass *pass, const struct sink *sink, const nn_real *theta,
                   uint32_t layer, uint32_t from, uint32_t to)
{
    struct nn_call call;
    pass_begin_call(&call, pass, theta, layer);
    call.dy = pass->parts[layer].delta;
    aim(&call, pass->plan, sink, pass->plan->layer_count - 1);
    call.layer->kind->unit_gradient(&call, from, to);
}

void
nn_backward(struct nn_pass *pass, nn_real *grad, nn_real *dx, const nn_real *theta,
            const nn_real *dout)
{
    const struct nn_plan *plan = pass->plan;
    struct sink           sink = sink_of(grad, NN_R(1.0), NN_R(0.0));
    PN_ASSERT(pass->mode == NN_TRAIN && pass->rows > 0);
    for (uint32_t i = 0; i < plan->loss_count; i++) {
        const struct nn_layer *output = &plan->layers[plan->losses[i].layer];
        nn_real               *delta  = pass->parts[plan->losses[i].layer].delta;
        size_t                 bytes  = (size_t)pass->rows * output->size * sizeof *dout;
        if (i == 0)
            memcpy(delta, dout, bytes);
        else
            memset(delta, 0, bytes);
    }
    if (plan->holds)
        clear_held(grad, plan);
    descend(pass, &sink, theta, dx);
}

bool
nn_plan_may_sgd(const struct nn_plan *plan)
{
    return !plan->ties;
}

double
nn_sgd(struct nn_pass *pass, nn_real *theta, const struct nn_batch *batch, double rate, double l2)
{
    struct sink sink = {.into       = theta,
                        .alpha      = (nn_real)-rate,
                        .beta       = NN_R(1.0),
                        .beta_decay = (nn_real)(1 - rate * l2)};
    PN_ASSERT(pass->mode == NN_TRAIN && nn_plan_may_sgd(pass->plan));
    (void)nn_forward(pass, theta, batch->x, batch->rows);
    double loss = add_losses(pass, batch, true);
    if (isfinite(loss))
        descend(pass, &sink, theta, NULL);
    return loss;
}

void
nn_settle(struct nn_pass *pass, nn_real *theta)
{
    const struct nn_plan *plan = pass->plan;
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        struct nn_call call;
        nn_real       *w[NN_TENSORS_MAX];
        if (plan->layers[i].kind->settle == NULL)
            continue;
        pass_begin_call(&call, pass, theta, i);
        for (uint32_t t = 0; t < call.layer->tensor_count; t++)
            w[t] = theta + plan->tensors[call.layer->tensors[t]].offset;
        call.layer->kind->settle(&call, w);
    }
}

/* ---- gradients of single records ---- */

static bool
has_row_norms(const struct nn_plan *plan)
{
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        const struct nn_layer *layer = &plan->layers[i];
        if (layer->kind->mixes_rows || (layer->tensor_count > 0 && layer->kind->row_norms == NULL))
            return false;
    }
    return !plan->ties;
}

enum pn_status
nn_row_norms(struct nn_pass *pass, double *norm2, double *loss, const nn_real *theta,
             const struct nn_batch *batch)
{
    struct sink sink = {.norm2 = norm2, .alpha = NN_R(1.0)};
    double      n    = batch->rows;
    PN_ASSERT(pass->mode == NN_TRAIN);
    if (!has_row_norms(pass->plan))
        return PN_ESTATE;
    for (uint32_t b = 0; b < batch->rows; b++)
        norm2[b] = 0;
    (void)nn_forward(pass, theta, batch->x, batch->rows);
    *loss = add_losses(pass, batch, true);
    descend(pass, &sink, theta, NULL);
    for (uint32_t b = 0; b < batch->rows; b++)
        norm2[b] *= n * n;
    return PN_OK;
}

/* Every layer's delta is linear in its rows, so the deltas of the last pass, row by row times
 * `scale`, give the tensors' gradients without another way down. */
void
nn_row_gradient(struct nn_pass *pass, nn_real *grad, const nn_real *theta, const nn_real *scale)
{
    const struct nn_plan *plan = pass->plan;
    struct sink           sink = sink_of(grad, NN_R(1.0), NN_R(0.0));
    if (plan->holds)
        clear_held(grad, plan);
    for (uint32_t i = plan->layer_count - 1; i >= plan->input_count; i--) {
        struct nn_call call;
        if (plan->layers[i].tensor_count == 0)
            continue;
        pass_begin_call(&call, pass, theta, i);
        for (uint32_t b = 0; b < pass->rows; b++)
            for (size_t k = 0; k < call.layer->size; k++)
                pass->parts[i].delta[(size_t)b * call.layer->size + k] *= scale[b];
        call.dy = pass->parts[i].delta;
        for (uint32_t k = 0; k < call.layer->input_count; k++)
            call.dx[k] = NULL;
        aim(&call, plan, &sink, plan->layer_count - 1);
        call.layer->kind->backward(&call);
    }
}
