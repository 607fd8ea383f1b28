/* Lengths of sequences, and the layers that only pick steps: reverse and last. */
#include "nnlib/sequence.h"

#include <string.h>

static const struct nn_option no_options[] = {{0}};

bool
nn_sequence_length(uint32_t *out, const struct nn_call *call, uint32_t b)
{
    uint32_t steps = call->input[0]->shape.dim[0];
    *out           = steps;
    return call->layer->input_count < 2 || nn_whole(out, call->x[1][b], steps);
}

enum pn_status
nn_sequence_check(const struct nn_layer *layer, const struct nn_layer *const *inputs,
                  struct pn_error *why)
{
    if (inputs[0]->shape.dims != 2)
        return pn_error_set(why, PN_ECONFIG,
                            "%s reads a sequence, steps x numbers, such as `input 40x12`, but a "
                            "value of %s has %u dimension%s",
                            layer->kind->name, inputs[0]->name, inputs[0]->shape.dims,
                            inputs[0]->shape.dims == 1 ? "" : "s");
    if (layer->input_count > 1 && inputs[1]->size != 1)
        return pn_error_set(why, PN_ECONFIG,
                            "the second input of %s is the length of the record, one number, but "
                            "%s has %u",
                            layer->kind->name, inputs[1]->name, inputs[1]->size);
    return PN_OK;
}

void
nn_sequence_no_gradient(const struct nn_call *call)
{
    for (uint32_t i = 1; i < call->layer->input_count; i++)
        if (call->dx[i] != NULL && !call->add[i])
            memset(call->dx[i], 0, call->rows * sizeof *call->dx[i]);
}

static void
fill_nan(nn_real *v, size_t count)
{
    for (size_t k = 0; k < count; k++)
        v[k] = (nn_real)NAN;
}

/* ---- reverse: y[b,s,:] = x[b,length-1-s,:] for s < length, 0 beyond ---- */

static enum pn_status
reverse_shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    layer->shape = inputs[0]->shape;
    return nn_sequence_check(layer, inputs, why);
}

static void
reverse_forward(const struct nn_call *call)
{
    size_t steps = call->layer->shape.dim[0], size = call->layer->shape.dim[1];
    for (uint32_t b = 0; b < call->rows; b++) {
        const nn_real *x = call->x[0] + b * steps * size;
        nn_real       *y = call->y + b * steps * size;
        uint32_t       length;
        if (!nn_sequence_length(&length, call, b))
            fill_nan(y, steps * size);
        else
            for (size_t s = 0; s < steps; s++)
                if (s < length)
                    memcpy(y + s * size, x + (length - 1 - s) * size, size * sizeof *y);
                else
                    memset(y + s * size, 0, size * sizeof *y);
    }
}

static void
reverse_backward(const struct nn_call *call)
{
    size_t steps = call->layer->shape.dim[0], size = call->layer->shape.dim[1];
    nn_sequence_no_gradient(call);
    for (uint32_t b = 0; call->dx[0] != NULL && b < call->rows; b++) {
        const nn_real *dy = call->dy + b * steps * size;
        nn_real       *dx = call->dx[0] + b * steps * size;
        uint32_t       length;
        if (!nn_sequence_length(&length, call, b))
            fill_nan(dx, steps * size);
        else
            for (size_t s = 0; s < steps; s++)
                if (s < length)
                    nn_give(dx + s * size, dy + (length - 1 - s) * size, size, call->add[0]);
                else if (!call->add[0])
                    memset(dx + s * size, 0, size * sizeof *dx);
    }
}

/* It moves numbers. */
static uint64_t
no_flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    (void)layer;
    (void)inputs;
    return 0;
}

const struct nn_layer_kind nn_reverse_kind = {.name       = "reverse",
                                              .options    = no_options,
                                              .inputs_min = 1,
                                              .inputs_max = 2,
                                              .shape      = reverse_shape,
                                              .forward    = reverse_forward,
                                              .backward   = reverse_backward,
                                              .flops      = no_flops};

/* ---- last: y[b,:] = x[b,length-1,:], 0 for length 0 ---- */

static enum pn_status
last_shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    layer->shape = (struct nn_shape){.dims = 1, .dim = {inputs[0]->shape.dim[1]}};
    return nn_sequence_check(layer, inputs, why);
}

static void
last_forward(const struct nn_call *call)
{
    size_t steps = call->input[0]->shape.dim[0], size = call->layer->size;
    for (uint32_t b = 0; b < call->rows; b++) {
        nn_real *y = call->y + b * size;
        uint32_t length;
        if (!nn_sequence_length(&length, call, b))
            fill_nan(y, size);
        else if (length == 0)
            memset(y, 0, size * sizeof *y);
        else
            memcpy(y, call->x[0] + (b * steps + length - 1) * size, size * sizeof *y);
    }
}

static void
last_backward(const struct nn_call *call)
{
    size_t steps = call->input[0]->shape.dim[0], size = call->layer->size;
    nn_sequence_no_gradient(call);
    for (uint32_t b = 0; call->dx[0] != NULL && b < call->rows; b++) {
        nn_real *dx = call->dx[0] + b * steps * size;
        uint32_t length;
        bool     good = nn_sequence_length(&length, call, b);
        if (!call->add[0])
            memset(dx, 0, steps * size * sizeof *dx);
        if (!good)
            fill_nan(dx, steps * size);
        else if (length > 0)
            nn_give(dx + (length - 1) * size, call->dy + b * size, size, true);
    }
}

const struct nn_layer_kind nn_last_kind = {.name       = "last",
                                           .options    = no_options,
                                           .inputs_min = 1,
                                           .inputs_max = 2,
                                           .shape      = last_shape,
                                           .forward    = last_forward,
                                           .backward   = last_backward,
                                           .flops      = no_flops};
