/*
 * A decoder with the weights of its encoder: `tied A ENCODER`, where ENCODER is a dense layer above
 * with weight W (out, in).
 *
 *     y[b,i]  = sum_o x[b,o] W[o,i] + c[i]
 *     dx[b,o] = sum_i dy[b,i] W[o,i]
 *     dW[o,i] = sum_b x[b,o] dy[b,i], and the encoder adds its own
 *
 * The encoder is named for its weights: its value is not read and gets no gradient from here.
 */
#include "nnlib/channels.h"
#include "nnlib/gemm.h"

#include <string.h>

static const char *const      yes_no[] = {"no", "yes", NULL};
static const struct nn_option table[]  = {{"bias", "yes", NN_OPTION_WORD, 0, 0, 0, yes_no}, {0}};

/* The numbers that the encoder reads. SAFE: the layers of a plan are one array, by number. */
static size_t
encoder_width(const struct nn_layer *encoder)
{
    const struct nn_layer *layers = encoder - encoder->number;
    return nn_channels_of(&layers[encoder->inputs[0]].shape).count;
}

static enum pn_status
shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    const struct nn_layer *code = inputs[0], *encoder = inputs[1];
    if (encoder->kind != &nn_dense_kind)
        return pn_error_set(why, PN_ECONFIG,
                            "%s takes the weights of a dense layer, but %s is a %s", layer->name,
                            encoder->name, encoder->kind->name);
    if (code->shape.dims == 3 || nn_channels_of(&code->shape).count != encoder->given.dim[0])
        return pn_error_set(why, PN_ECONFIG, "%s reads what %s gives, %u numbers, but %s has %u",
                            layer->name, encoder->name, encoder->given.dim[0], code->name,
                            code->size);
    layer->shape                            = code->shape;
    layer->shape.dim[layer->shape.dims - 1] = (uint32_t)encoder_width(encoder);
    return PN_OK;
}

static void
manifest(struct nn_manifest *out, struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    uint32_t bias;
    memcpy(&bias, layer->options, sizeof bias);
    nn_manifest_tie(out, layer, inputs[1]->tensors[0]);
    if (bias == 0)
        return;
    struct nn_tensor row = {.role    = NN_SHARED,
                            .dims    = 1,
                            .dim     = {(uint32_t)encoder_width(inputs[1])},
                            .fan_in  = inputs[1]->given.dim[0],
                            .fan_out = (uint32_t)encoder_width(inputs[1])};
    nn_manifest_add(out, layer, "bias", &row, (struct nn_init){NN_INIT_ZERO, 0});
}

struct view {
    size_t rows, code, width; /* (rows, code) to (rows, width) */
    bool   bias;
};

static struct view
view_of(const struct nn_call *call)
{
    struct nn_channels c = nn_channels_of(&call->layer->shape);
    return (struct view){.rows  = call->rows * c.positions,
                         .code  = nn_channels_of(&call->input[0]->shape).count,
                         .width = c.count,
                         .bias  = call->layer->tensor_count == 2};
}

static void
forward(const struct nn_call *call)
{
    struct view view = view_of(call);
    if (view.bias)
        nn_fill_rows(call->y, call->w[1], view.rows, view.width);
    nn_gemm(call->y, view.width, (struct nn_operand){call->x[0], view.code, false},
            (struct nn_operand){call->w[0], view.width, false},
            (struct nn_product){view.rows, view.width, view.code, NN_R(1.0),
                                view.bias ? NN_R(1.0) : NN_R(0.0)});
}

static void
backward(const struct nn_call *call)
{
    struct view view = view_of(call);
    if (call->dx[0] != NULL)
        nn_gemm(call->dx[0], view.code, (struct nn_operand){call->dy, view.width, false},
                (struct nn_operand){call->w[0], view.width, true},
                (struct nn_product){view.rows, view.code, view.width, NN_R(1.0),
                                    call->add[0] ? NN_R(1.0) : NN_R(0.0)});
    if (call->dx[1] != NULL && !call->add[1])
        memset(call->dx[1], 0, (size_t)call->rows * call->input[1]->size * sizeof(nn_real));
    if (call->dw[0] != NULL)
        nn_gemm(call->dw[0], view.width, (struct nn_operand){call->x[0], view.code, true},
                (struct nn_operand){call->dy, view.width, false},
                (struct nn_product){view.code, view.width, view.rows, call->alpha, call->beta[0]});
    if (view.bias && call->dw[1] != NULL)
        nn_sum_rows(call->dw[1], call->dy, view.rows, view.width, call->alpha, call->beta[1]);
}

static uint64_t
flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    return 2 * (uint64_t)layer->size * nn_channels_of(&inputs[0]->shape).count;
}

const struct nn_layer_kind nn_tied_kind = {.name       = "tied",
                                           .options    = table,
                                           .inputs_min = 2,
                                           .inputs_max = 2,
                                           .shape      = shape,
                                           .manifest   = manifest,
                                           .forward    = forward,
                                           .backward   = backward,
                                           .flops      = flops};
