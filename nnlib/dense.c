/*
 * y[b,o]   = sum_i x[b,i] w[o,i] + c[o]
 * dx[b,i]  = sum_o dy[b,o] w[o,i]
 * dw[o,i]  = sum_b dy[b,o] x[b,i]
 * dc[o]    = sum_b dy[b,o]
 * A value (T, F) is T rows: the same weights act at every position, as PyTorch's Linear does.
 */
#include "nnlib/gemm.h"
#include "nnlib/layer.h"

#include <string.h>

struct options {
    double   scale;
    uint32_t bias, init, role;
};
_Static_assert(sizeof(struct options) <= NN_OPTIONS_MAX, "options fit");

static const char *const      yes_no[] = {"no", "yes", NULL};
static const char *const      roles[]  = {"shared", "frozen", NULL};
static const struct nn_option table[]  = {
     {"bias", "yes", NN_OPTION_WORD, offsetof(struct options, bias), 0, 0, yes_no},
     {"init", "he", NN_OPTION_WORD, offsetof(struct options, init), 0, 0, nn_init_names},
     {"scale", "0.01", NN_OPTION_NUMBER, offsetof(struct options, scale), 0, 1e3, NULL},
     {"role", "shared", NN_OPTION_WORD, offsetof(struct options, role), 0, 0, roles},
     {0}};

static struct options
options_of(const struct nn_layer *layer)
{
    struct options options;
    memcpy(&options, layer->options, sizeof options);
    return options;
}

/* Of the last dimension of its input; positions: the rows of one record. */
static uint32_t
width_of(const struct nn_layer *input)
{
    return input->shape.dim[input->shape.dims - 1];
}

static uint32_t
positions_of(const struct nn_layer *input)
{
    return input->shape.dims == 2 ? input->shape.dim[0] : 1;
}

static enum pn_status
shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    const struct nn_shape *in = &inputs[0]->shape;
    if (in->dims == 3)
        return pn_error_set(
            why, PN_ECONFIG,
            "dense reads a row of numbers, but %s is %ux%ux%u; put `f = flatten %s` "
            "before it",
            inputs[0]->name, in->dim[0], in->dim[1], in->dim[2], inputs[0]->name);
    layer->shape                            = *in;
    layer->shape.dim[layer->shape.dims - 1] = layer->given.dim[0];
    return PN_OK;
}

static void
manifest(struct nn_manifest *out, struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct options   o  = options_of(layer);
    uint32_t         in = width_of(inputs[0]), units = layer->given.dim[0];
    struct nn_init   init = {.kind = (enum nn_init_kind)o.init, .scale = o.scale};
    struct nn_tensor row  = {.role    = o.role == 1 ? NN_FROZEN : NN_SHARED,
                             .dims    = 2,
                             .dim     = {units, in},
                             .fan_in  = in,
                             .fan_out = units,
                             .decay   = true};
    nn_manifest_add(out, layer, "weight", &row, init);
    if (o.bias == 0)
        return;
    if (init.kind != NN_INIT_TORCH)
        init.kind = NN_INIT_ZERO;
    row.dims   = 1;
    row.dim[1] = 0;
    row.decay  = false;
    nn_manifest_add(out, layer, "bias", &row, init);
}

static void
forward(const struct nn_call *call)
{
    size_t            in = width_of(call->input[0]), out = call->layer->given.dim[0];
    size_t            rows = (size_t)call->rows * positions_of(call->input[0]);
    struct nn_operand x = {call->x[0], in, false}, w = {call->w[0], in, true};
    if (call->layer->tensor_count == 2)
        nn_gemm_onto(call->y, call->w[1], x, w,
                     (struct nn_product){rows, out, in, NN_R(1.0), NN_R(1.0)});
    else
        nn_gemm(call->y, out, x, w, (struct nn_product){rows, out, in, NN_R(1.0), NN_R(0.0)});
}

/* The bias goes with unit 0. */
static void
unit_gradient(const struct nn_call *call, uint32_t from, uint32_t to)
{
    size_t in = width_of(call->input[0]), out = call->layer->given.dim[0];
    size_t rows = (size_t)call->rows * positions_of(call->input[0]);
    if (call->dw[0] != NULL)
        nn_gemm(call->dw[0] + from * in, in, (struct nn_operand){call->dy + from, out, true},
                (struct nn_operand){call->x[0], in, false},
                (struct nn_product){to - from, in, rows, call->alpha, call->beta[0]});
    if (from == 0 && call->layer->tensor_count == 2 && call->dw[1] != NULL)
        nn_sum_rows(call->dw[1], call->dy, rows, out, call->alpha, call->beta[1]);
}

static void
backward(const struct nn_call *call)
{
    size_t in = width_of(call->input[0]), out = call->layer->given.dim[0];
    size_t rows = (size_t)call->rows * positions_of(call->input[0]);
    if (call->dx[0] != NULL)
        nn_gemm(
            call->dx[0], in, (struct nn_operand){call->dy, out, false},
            (struct nn_operand){call->w[0], in, false},
            (struct nn_product){rows, in, out, NN_R(1.0), call->add[0] ? NN_R(1.0) : NN_R(0.0)});
    unit_gradient(call, 0, (uint32_t)out);
}

static void
row_norms(const struct nn_call *call, double *norm2)
{
    size_t in = width_of(call->input[0]), out = call->layer->given.dim[0];
    size_t steps = positions_of(call->input[0]);
    bool   bias  = call->layer->tensor_count == 2;
    if (options_of(call->layer).role == 1) /* frozen */
        return;
    for (uint32_t b = 0; b < call->rows; b++)
        norm2[b] += nn_row_norm(call->x[0] + b * steps * in, call->dy + b * steps * out, steps, in,
                                out, bias);
}

static uint64_t
flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    return 2 * (uint64_t)layer->size * width_of(inputs[0]);
}

const struct nn_layer_kind nn_dense_kind = {.name          = "dense",
                                            .options       = table,
                                            .inputs_min    = 1,
                                            .inputs_max    = 1,
                                            .size_dims     = 1,
                                            .shape         = shape,
                                            .manifest      = manifest,
                                            .forward       = forward,
                                            .backward      = backward,
                                            .unit_gradient = unit_gradient,
                                            .row_norms     = row_norms,
                                            .flops         = flops};
