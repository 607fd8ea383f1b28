/*
 * Positional encoding: y[t] = x[t] + e[t] on (T, F), which attention alone cannot tell.
 *
 *     form=sinusoidal   e[t,2i] = sin(t / 10000^(2i/F)), e[t,2i+1] = cos(same)  (Vaswani et al.)
 *     form=learned      e = weight (T, F), N(0, 0.02^2) at first;  dweight[t] = sum_b dy[b,t]
 */
#include "nnlib/channels.h"
#include "nnlib/gemm.h"

#include <string.h>

enum {
    SINUSOIDAL,
    LEARNED
};
static const char *const      forms[] = {"sinusoidal", "learned", NULL};
static const struct nn_option table[] = {{"form", "sinusoidal", NN_OPTION_WORD, 0, 0, 0, forms},
                                         {0}};

static uint32_t
form_of(const struct nn_layer *layer)
{
    uint32_t form;
    memcpy(&form, layer->options, sizeof form);
    return form;
}

static enum pn_status
shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    if (inputs[0]->shape.dims != 2)
        return pn_error_set(why, PN_ECONFIG,
                            "position reads positions x features, such as 16x32; %s is not of that "
                            "form",
                            inputs[0]->name);
    layer->shape = inputs[0]->shape;
    return PN_OK;
}

static void
manifest(struct nn_manifest *out, struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    const struct nn_shape *in  = &inputs[0]->shape;
    struct nn_tensor       row = {.role    = NN_SHARED,
                                  .dims    = 2,
                                  .dim     = {in->dim[0], in->dim[1]},
                                  .fan_in  = in->dim[0],
                                  .fan_out = in->dim[1]};
    if (form_of(layer) == LEARNED)
        nn_manifest_add(out, layer, "weight", &row, (struct nn_init){NN_INIT_RANDOM, 0.02});
}

/* The sinusoids, made by the first forward, and behind them a 1 when they are there. */
static size_t
keep_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
           enum nn_mode mode)
{
    (void)inputs;
    (void)batch;
    (void)mode;
    return form_of(layer) == SINUSOIDAL ? ((size_t)layer->size + 1) * sizeof(nn_real) : 0;
}

static const nn_real *
sinusoids(const struct nn_call *call)
{
    nn_real *e = call->keep, *made = e + call->layer->size;
    uint32_t steps = call->layer->shape.dim[0], width = call->layer->shape.dim[1];
    for (uint32_t f = 0; *made == NN_R(0.0) && f < width; f++) {
        double rate = pow(10000, -(double)(f / 2 * 2) / width);
        for (uint32_t t = 0; t < steps; t++)
            e[(size_t)t * width + f] = (nn_real)(f % 2 == 0 ? sin(t * rate) : cos(t * rate));
    }
    *made = NN_R(1.0);
    return e;
}

static void
forward(const struct nn_call *call)
{
    size_t         size = call->layer->size;
    const nn_real *e    = form_of(call->layer) == LEARNED ? call->w[0] : sinusoids(call);
    for (size_t b = 0; b < call->rows; b++)
        for (size_t k = 0; k < size; k++)
            call->y[b * size + k] = call->x[0][b * size + k] + e[k];
}

static void
backward(const struct nn_call *call)
{
    size_t size = call->layer->size;
    if (call->dx[0] != NULL)
        nn_give(call->dx[0], call->dy, call->rows * size, call->add[0]);
    if (form_of(call->layer) == LEARNED && call->dw[0] != NULL)
        nn_sum_rows(call->dw[0], call->dy, call->rows, size, call->alpha, call->beta[0]);
}

static void
row_norms(const struct nn_call *call, double *norm2)
{
    size_t size = call->layer->size;
    for (uint32_t b = 0; form_of(call->layer) == LEARNED && b < call->rows; b++)
        norm2[b] += nn_squared(call->dy + b * size, size);
}

const struct nn_layer_kind nn_position_kind = {.name       = "position",
                                               .options    = table,
                                               .inputs_min = 1,
                                               .inputs_max = 1,
                                               .shape      = shape,
                                               .manifest   = manifest,
                                               .keep_bytes = keep_bytes,
                                               .forward    = forward,
                                               .backward   = backward,
                                               .row_norms  = row_norms};
