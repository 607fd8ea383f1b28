/*
 * flatten: the numbers of a value in a row. reshape: the same numbers as another shape. Both keep
 * the order, the last dimension fastest.
 */
#include "nnlib/layer.h"

#include <string.h>

static const struct nn_option no_options[] = {{0}};

static enum pn_status
flatten_shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    (void)why;
    layer->shape = (struct nn_shape){1, {inputs[0]->size, 0, 0}};
    return PN_OK;
}

static enum pn_status
reshape_shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    uint64_t size = 1;
    for (uint32_t d = 0; d < layer->given.dims; d++)
        size = size > NN_SIZE_MAX ? size : size * layer->given.dim[d];
    if (size != inputs[0]->size)
        return pn_error_set(why, PN_ECONFIG, "%s has %u numbers, but %s has %s%llu",
                            inputs[0]->name, inputs[0]->size, layer->name,
                            size > NN_SIZE_MAX ? "at least " : "", (unsigned long long)size);
    layer->shape = layer->given;
    return PN_OK;
}

static void
forward(const struct nn_call *call)
{
    memcpy(call->y, call->x[0], (size_t)call->rows * call->layer->size * sizeof *call->y);
}

static void
backward(const struct nn_call *call)
{
    if (call->dx[0] != NULL)
        nn_give(call->dx[0], call->dy, (size_t)call->rows * call->layer->size, call->add[0]);
}

static uint64_t
flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    (void)layer;
    (void)inputs;
    return 0;
}

const struct nn_layer_kind nn_flatten_kind = {.name       = "flatten",
                                              .options    = no_options,
                                              .inputs_min = 1,
                                              .inputs_max = 1,
                                              .shape      = flatten_shape,
                                              .forward    = forward,
                                              .backward   = backward,
                                              .flops      = flops};

const struct nn_layer_kind nn_reshape_kind = {.name       = "reshape",
                                              .options    = no_options,
                                              .inputs_min = 1,
                                              .inputs_max = 1,
                                              .size_dims  = 3,
                                              .shape      = reshape_shape,
                                              .forward    = forward,
                                              .backward   = backward,
                                              .flops      = flops};
