#include "nnlib/pass.h"

#include "nnlib/layer.h"

#include <cblas.h>
#include <string.h>

/* A workspace, in this order, each part 64-byte aligned:
 *     struct nn_pass | parts of layer 0 .. n-1 | values, keeps and, in training, deltas  */
struct part {
    nn_real *value; /* (batch, size); of the input: the caller's records */
    nn_real *delta; /* gradient by the value, NN_TRAIN only; of the input: the caller's dx */
    void    *keep;
    bool     wanted;  /* some layer below learns, or the caller wants dx   */
    bool     touched; /* delta holds a part of the sum already             */
};

struct nn_pass {
    const struct nn_plan *plan;
    struct part          *parts;
    const nn_real        *x; /* of the last forward */
    uint32_t              batch, rows;
    enum nn_mode          mode;
};

enum pn_status
nn_start_up(void)
{
    openblas_set_num_threads(1);
    /* An OpenMP build ignores the call above when a parallel region begins (OpenBLAS #5806). */
    if (openblas_get_parallel() == OPENBLAS_OPENMP || openblas_get_num_threads() != 1)
        return PN_ESTATE;
    return PN_OK;
}

/* Appends `bytes`, rounded up to 64; false on overflow. */
static bool
reserve(size_t *total, size_t bytes)
{
    return pn_size_add(&bytes, bytes, 63) && pn_size_add(total, *total, bytes & ~(size_t)63);
}

static size_t
keep_bytes(const struct nn_layer *layer, uint32_t batch)
{
    return layer->kind->keep_bytes != NULL ? layer->kind->keep_bytes(layer, batch) : 0;
}

enum pn_status
nn_pass_bytes(size_t *out, const struct nn_plan *plan, uint32_t batch, enum nn_mode mode)
{
    size_t total = 0;
    if (batch == 0)
        return PN_ERANGE;
    if (!reserve(&total, sizeof(struct nn_pass)) ||
        !reserve(&total, plan->layer_count * sizeof(struct part)))
        return PN_ERANGE;
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        const struct nn_layer *layer = &plan->layers[i];
        size_t                 value;
        if (!pn_size_mul(&value, batch, layer->size * sizeof(nn_real)))
            return PN_ERANGE;
        if ((i > 0 && !reserve(&total, value)) || !reserve(&total, keep_bytes(layer, batch)) ||
            (i > 0 && mode == NN_TRAIN && !reserve(&total, value)))
            return PN_ERANGE;
    }
    *out = total;
    return PN_OK;
}

static void *
take(unsigned char **at, size_t bytes)
{
    void *here = *at;
    *at += (bytes + 63) & ~(size_t)63;
    return here;
}

struct nn_pass *
nn_pass_init(void *workspace, const struct nn_plan *plan, uint32_t batch, enum nn_mode mode)
{
    PN_ASSERT((uintptr_t)workspace % 64 == 0);
    unsigned char  *at   = workspace;
    struct nn_pass *pass = take(&at, sizeof *pass);
    *pass                = (struct nn_pass){.plan = plan, .batch = batch, .mode = mode};
    pass->parts          = take(&at, plan->layer_count * sizeof *pass->parts);
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        const struct nn_layer *layer = &plan->layers[i];
        size_t                 value = (size_t)batch * layer->size * sizeof(nn_real);
        struct part           *part  = &pass->parts[i];
        *part                        = (struct part){0};
        if (i > 0)
            part->value = take(&at, value);
        part->keep = take(&at, keep_bytes(layer, batch));
        if (i > 0 && mode == NN_TRAIN)
            part->delta = take(&at, value);
    }
    return pass;
}

static const nn_real *
value_of(const struct nn_pass *pass, uint32_t layer)
{
    return layer == 0 ? pass->x : pass->parts[layer].value;
}

/* The part of a call that forward and backward share. */
static void
begin_call(struct nn_call *call, const struct nn_pass *pass, const nn_real *theta, uint32_t i)
{
    const struct nn_plan  *plan  = pass->plan;
    const struct nn_layer *layer = &plan->layers[i];
    call->layer                  = layer;
    call->rows                   = pass->rows;
    call->mode                   = pass->mode;
    call->keep                   = pass->parts[i].keep;
    call->y                      = pass->parts[i].value;
    for (uint32_t k = 0; k < layer->input_count; k++) {
        call->x[k]      = value_of(pass, layer->inputs[k]);
        call->x_size[k] = plan->layers[layer->inputs[k]].size;
    }
    for (uint32_t t = 0; t < layer->tensor_count; t++)
        call->w[t] = theta + plan->tensors[layer->first_tensor + t].offset;
}

const nn_real *
nn_forward(struct nn_pass *pass, const nn_real *theta, const nn_real *x, uint32_t rows)
{
    PN_ASSERT(rows >= 1 && rows <= pass->batch);
    struct nn_call call;
    pass->x    = x;
    pass->rows = rows;
    for (uint32_t i = 1; i < pass->plan->layer_count; i++) {
        begin_call(&call, pass, theta, i);
        call.layer->kind->forward(&call);
    }
    return value_of(pass, pass->plan->output);
}

static double
loss_of(struct nn_pass *pass, nn_real *gradient, const nn_real *theta, const struct nn_batch *batch)
{
    const struct nn_plan *plan = pass->plan;
    struct nn_loss_call   call = {.options  = plan->loss_options,
                                  .output   = nn_forward(pass, theta, batch->x, batch->rows),
                                  .target   = batch->target,
                                  .weight   = batch->weight,
                                  .rows     = batch->rows,
                                  .size     = plan->layers[plan->output].size,
                                  .gradient = gradient};
    return plan->loss->value(&call);
}

double
nn_loss(struct nn_pass *pass, const nn_real *theta, const struct nn_batch *batch)
{
    return loss_of(pass, NULL, theta, batch);
}

/* The gradient of layer i's inputs and tensors from the gradient of its value. */
static void
step_back(struct nn_pass *pass, nn_real *grad, const nn_real *theta, uint32_t i)
{
    struct nn_call         call;
    const struct nn_plan  *plan  = pass->plan;
    const struct nn_layer *layer = &plan->layers[i];
    begin_call(&call, pass, theta, i);
    call.dy = pass->parts[i].delta;
    for (uint32_t k = 0; k < layer->input_count; k++) {
        struct part *below = &pass->parts[layer->inputs[k]];
        call.dx[k]         = below->wanted ? below->delta : NULL;
        call.add[k]        = below->touched;
        below->touched     = true;
    }
    for (uint32_t t = 0; t < layer->tensor_count; t++) {
        const struct nn_tensor *row = &plan->tensors[layer->first_tensor + t];
        bool                    on  = row->role == NN_SHARED || row->role == NN_LOCAL;
        call.dw[t]                  = on ? grad + row->offset : NULL;
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

/* Backward through all layers; the output's delta is there already. */
static void
descend(struct nn_pass *pass, nn_real *grad, nn_real *dx, const nn_real *theta)
{
    const struct nn_plan *plan = pass->plan;
    if (plan->holds)
        clear_held(grad, plan);
    pass->parts[0].delta = dx;
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        pass->parts[i].wanted  = dx != NULL || plan->layers[i].learns;
        pass->parts[i].touched = false;
    }
    for (uint32_t i = plan->layer_count - 1; i > 0; i--)
        if (pass->parts[i].wanted)
            step_back(pass, grad, theta, i);
}

double
nn_gradient(struct nn_pass *pass, nn_real *grad, nn_real *dx, const nn_real *theta,
            const struct nn_batch *batch)
{
    PN_ASSERT(pass->mode == NN_TRAIN);
    double loss = loss_of(pass, pass->parts[pass->plan->output].delta, theta, batch);
    descend(pass, grad, dx, theta);
    return loss;
}

void
nn_backward(struct nn_pass *pass, nn_real *grad, nn_real *dx, const nn_real *theta,
            const nn_real *dout)
{
    PN_ASSERT(pass->mode == NN_TRAIN && pass->rows > 0);
    const struct nn_layer *output = &pass->plan->layers[pass->plan->output];
    memcpy(pass->parts[pass->plan->output].delta, dout,
           (size_t)pass->rows * output->size * sizeof *dout);
    descend(pass, grad, dx, theta);
}

const nn_real *
nn_tap(const struct nn_pass *pass, const char *layer, uint32_t *size)
{
    if (pass->rows == 0)
        return NULL;
    for (uint32_t i = 0; i < pass->plan->layer_count; i++)
        if (strcmp(pass->plan->layers[i].name, layer) == 0) {
            *size = pass->plan->layers[i].size;
            return value_of(pass, i);
        }
    return NULL;
}

void
nn_scores(nn_real *out, const struct nn_plan *plan, const nn_real *output, uint32_t rows)
{
    plan->loss->scores(out, output, rows, plan->layers[plan->output].size);
}
