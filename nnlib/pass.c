#include "nnlib/pass_inside.h"

#include "nnlib/block.h"

#include <cblas.h>
#include <string.h>

enum pn_status
nn_start_up(void)
{
    openblas_set_num_threads(1);
    /* An OpenMP build ignores the call above when a parallel region begins (OpenBLAS #5806). */
    if (openblas_get_parallel() == OPENBLAS_OPENMP || openblas_get_num_threads() != 1)
        return PN_ESTATE;
    return PN_OK;
}

/* ---- the workspace ---- */

static void
find_inputs(const struct nn_layer **out, const struct nn_plan *plan, const struct nn_layer *layer)
{
    for (uint32_t k = 0; k < layer->input_count; k++)
        out[k] = &plan->layers[layer->inputs[k]];
}

static size_t
scratch_bytes(const struct nn_plan *plan, uint32_t batch, enum nn_mode mode)
{
    size_t most = 0;
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        const struct nn_layer *layer = &plan->layers[i], *inputs[NN_INPUTS_MAX] = {0};
        find_inputs(inputs, plan, layer);
        size_t bytes = layer->kind->scratch_bytes != NULL
                           ? layer->kind->scratch_bytes(layer, inputs, batch, mode)
                           : 0;
        most         = bytes > most ? bytes : most;
    }
    return most;
}

static uint32_t
most_positions(const struct nn_plan *plan)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < plan->loss_count; i++)
        most = plan->losses[i].positions > most ? plan->losses[i].positions : most;
    return most;
}

bool
pass_is_borrowed(const struct nn_plan *plan, uint32_t layer)
{
    return layer == 0 && plan->input_count == 1;
}

static bool
lay_out_layer(struct part *part, unsigned char *base, size_t *total, const struct nn_plan *plan,
              uint32_t i, uint32_t batch, enum nn_mode mode)
{
    const struct nn_layer *layer = &plan->layers[i], *inputs[NN_INPUTS_MAX] = {0};
    void                  *value = NULL, *delta = NULL, *keep = NULL;
    size_t                 bytes, kept = 0;
    find_inputs(inputs, plan, layer);
    if (layer->kind->keep_bytes != NULL)
        kept = layer->kind->keep_bytes(layer, inputs, batch, mode);
    if (!pn_size_mul(&bytes, batch, layer->size * sizeof(nn_real)) ||
        (!pass_is_borrowed(plan, i) && !nn_block_take(&value, base, total, bytes, 1)) ||
        !nn_block_take(&keep, base, total, kept, 1) ||
        (!pass_is_borrowed(plan, i) && mode == NN_TRAIN &&
         !nn_block_take(&delta, base, total, bytes, 1)))
        return false;
    if (keep != NULL)
        memset(keep, 0, kept);
    if (base != NULL)
        *part = (struct part){.value = value, .delta = delta, .keep = keep};
    return true;
}

/* With base NULL only the size, in *total. False when it does not fit a size_t. */
static bool
lay_out(unsigned char *base, size_t *total, const struct nn_plan *plan, uint32_t batch,
        enum nn_mode mode)
{
    void  *pass, *parts, *scratch, *targets = NULL, *weights = NULL;
    size_t target, weight;
    *total = 0;
    if (!pn_size_mul(&target, batch, plan->target_size * sizeof(nn_real)) ||
        !pn_size_mul(&weight, batch, most_positions(plan) * sizeof(nn_real)) ||
        !nn_block_take(&pass, base, total, sizeof(struct nn_pass), 1) ||
        !nn_block_take(&parts, base, total, plan->layer_count * sizeof(struct part), 1) ||
        !nn_block_take(&scratch, base, total, scratch_bytes(plan, batch, mode), 1) ||
        (plan->loss_count > 1 && !nn_block_take(&targets, base, total, target, 1)) ||
        (most_positions(plan) > 1 && !nn_block_take(&weights, base, total, weight, 1)))
        return false;
    if (base != NULL)
        *(struct nn_pass *)pass = (struct nn_pass){.plan    = plan,
                                                   .parts   = parts,
                                                   .scratch = scratch,
                                                   .targets = targets,
                                                   .weights = weights,
                                                   .batch   = batch,
                                                   .mode    = mode};
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        struct part *part = base != NULL ? (struct part *)parts + i : NULL;
        if (!lay_out_layer(part, base, total, plan, i, batch, mode))
            return false;
    }
    return true;
}

enum pn_status
nn_pass_bytes(size_t *out, const struct nn_plan *plan, uint32_t batch, enum nn_mode mode)
{
    size_t total;
    for (uint32_t i = 0; mode == NN_TRAIN && i < plan->layer_count; i++)
        if (plan->layers[i].kind->infers_only)
            return PN_ESTATE;
    if (batch == 0 || !lay_out(NULL, &total, plan, batch, mode))
        return PN_ERANGE;
    *out = total;
    return PN_OK;
}

struct nn_pass *
nn_pass_init(void *workspace, const struct nn_plan *plan, uint32_t batch, enum nn_mode mode)
{
    size_t          total;
    struct nn_pass *pass = workspace;
    PN_ASSERT((uintptr_t)workspace % 64 == 0);
    PN_ASSERT(lay_out(workspace, &total, plan, batch, mode));
    pn_rng_init(&pass->rng, 0);
    return pass;
}

void
nn_pass_draw(struct nn_pass *pass, const struct pn_rng *rng, uint64_t first_row)
{
    pass->rng       = *rng;
    pass->first_row = first_row;
}

void
nn_pass_carry(struct nn_pass *pass, bool on)
{
    pass->carry = on;
}

/* ---- forward ---- */

void
pass_begin_call(struct nn_call *call, const struct nn_pass *pass, const nn_real *theta, uint32_t i)
{
    const struct nn_plan  *plan  = pass->plan;
    const struct nn_layer *layer = &plan->layers[i];
    call->layer                  = layer;
    call->rows                   = pass->rows;
    call->mode                   = pass->mode;
    call->first_row              = pass->first_row;
    call->carry                  = pass->carry;
    call->keep                   = pass->parts[i].keep;
    call->scratch                = pass->scratch;
    call->y                      = pass->parts[i].value;
    if (layer->kind->draws)
        pn_rng_derive(&call->rng, &pass->rng, PN_RNG_LAYER, i);
    find_inputs(call->input, plan, layer);
    for (uint32_t k = 0; k < layer->input_count; k++)
        call->x[k] = pass->parts[layer->inputs[k]].value;
    for (uint32_t t = 0; t < layer->tensor_count; t++)
        call->w[t] = theta + plan->tensors[layer->tensors[t]].offset;
}

void
pass_run_forward(struct nn_pass *pass, const nn_real *theta, uint32_t first, uint32_t last)
{
    struct nn_call call;
    for (uint32_t i = first; i <= last; i++) {
        pass_begin_call(&call, pass, theta, i);
        call.layer->kind->forward(&call);
    }
}

/* The records become the values of the inputs. */
static void
take_records(struct nn_pass *pass, const nn_real *x, uint32_t rows)
{
    const struct nn_plan *plan = pass->plan;
    PN_ASSERT(rows >= 1 && rows <= pass->batch);
    pass->rows = rows;
    if (plan->input_count == 1) {
        /* SAFE: nothing writes to the value of an input. */
        pass->parts[0].value = (nn_real *)(uintptr_t)x;
        return;
    }
    size_t at = 0;
    for (uint32_t i = 0; i < plan->input_count; at += plan->layers[i++].size)
        for (uint32_t b = 0; b < rows; b++)
            memcpy(pass->parts[i].value + (size_t)b * plan->layers[i].size,
                   x + (size_t)b * plan->input_size + at, plan->layers[i].size * sizeof *x);
}

const nn_real *
nn_forward(struct nn_pass *pass, const nn_real *theta, const nn_real *x, uint32_t rows)
{
    take_records(pass, x, rows);
    pass_run_forward(pass, theta, pass->plan->input_count, pass->plan->layer_count - 1);
    return pass->parts[pass->plan->losses[0].layer].value;
}

void
nn_scores(nn_real *out, const struct nn_plan *plan, const nn_real *output, uint32_t rows)
{
    const struct nn_loss *loss = &plan->losses[0];
    loss->kind->scores(out, output, rows * loss->positions, loss->size);
}
