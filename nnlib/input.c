/* The input, and the sum of several values (a residual connection). */
#include "nnlib/layer.h"

#include <string.h>

static const struct nn_option no_options[] = {{0}};

static enum pn_status
input_shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    (void)inputs;
    (void)why;
    layer->shape = layer->given;
    return PN_OK;
}

/* The pass hands out the caller's records as the value of the input: nothing to compute. */
static void
input_nothing(const struct nn_call *call)
{
    (void)call;
}

const struct nn_layer_kind nn_input_kind = {.name      = "input",
                                            .options   = no_options,
                                            .size_dims = 3,
                                            .shape     = input_shape,
                                            .forward   = input_nothing,
                                            .backward  = input_nothing};

static enum pn_status
add_shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    for (uint32_t i = 1; i < layer->input_count; i++)
        if (memcmp(&inputs[i]->shape, &inputs[0]->shape, sizeof inputs[0]->shape) != 0)
            return pn_error_set(
                why, PN_ECONFIG, "%s adds values of one size, but %s has %u numbers and %s has %u",
                layer->name, inputs[0]->name, inputs[0]->size, inputs[i]->name, inputs[i]->size);
    layer->shape = inputs[0]->shape;
    return PN_OK;
}

static void
add_forward(const struct nn_call *call)
{
    size_t   count = (size_t)call->rows * call->layer->size;
    nn_real *y     = call->y;
    for (size_t k = 0; k < count; k++)
        y[k] = call->x[0][k] + call->x[1][k];
    for (uint32_t i = 2; i < call->layer->input_count; i++)
        for (size_t k = 0; k < count; k++)
            y[k] += call->x[i][k];
}

static void
add_backward(const struct nn_call *call)
{
    size_t count = (size_t)call->rows * call->layer->size;
    for (uint32_t i = 0; i < call->layer->input_count; i++) {
        nn_real *dx = call->dx[i];
        if (dx != NULL && call->add[i])
            for (size_t k = 0; k < count; k++)
                dx[k] += call->dy[k];
        else if (dx != NULL)
            memcpy(dx, call->dy, count * sizeof *dx);
    }
}

const struct nn_layer_kind nn_add_kind = {.name       = "add",
                                          .options    = no_options,
                                          .inputs_min = 2,
                                          .inputs_max = NN_INPUTS_MAX,
                                          .shape      = add_shape,
                                          .forward    = add_forward,
                                          .backward   = add_backward};
