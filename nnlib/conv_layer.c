#include "nnlib/conv_layer.h"

#include <string.h>

const char *const conv_yes_no[]      = {"no", "yes", NULL};
const char *const conv_roles[]       = {"shared", "frozen", NULL};
const char *const conv_activations[] = {"none", "relu", NULL};

struct conv_options
conv_options_of(const struct nn_layer *layer)
{
    struct conv_options options;
    memcpy(&options, layer->options, sizeof options);
    return options;
}

/* Which of the two a layer is, its kind says. */
static bool
is_transposed(const struct nn_layer *layer)
{
    return layer->kind == &nn_conv1d_transpose_kind || layer->kind == &nn_conv2d_transpose_kind;
}

/* Channels and the two axes of a value; a sequence has one. */
static uint32_t
channels_of(const struct nn_shape *shape)
{
    return shape->dims == 3 ? shape->dim[0] : shape->dim[1];
}

static uint32_t
length_of(const struct nn_shape *shape, uint32_t axis)
{
    if (shape->dims == 3)
        return shape->dim[1 + axis];
    return axis == 0 ? 1 : shape->dim[0];
}

static struct nn_shape
shape_of(uint32_t dims, uint32_t channels, uint32_t y, uint32_t x)
{
    if (dims == 3)
        return (struct nn_shape){3, {channels, y, x}};
    return (struct nn_shape){2, {x, channels, 0}};
}

/* A sequence's options are one number each, in the place of the first of two. */
static struct nn_axis
axis_of(const struct conv_options *o, uint32_t dims, uint32_t axis)
{
    uint32_t at = dims == 3 ? axis : 0;
    if (dims == 2 && axis == 0)
        return (struct nn_axis){.kernel = 1, .stride = 1, .dilation = 1};
    return (struct nn_axis){.kernel   = o->kernel[at],
                            .stride   = o->stride[at],
                            .pad      = o->pad[at],
                            .dilation = o->dilation[at]};
}

static enum pn_status
fit(struct nn_axis axis[2], const struct conv_options *o, const struct nn_layer *input,
    bool transposed, struct pn_error *why)
{
    uint32_t       dims = input->shape.dims;
    enum pn_status st   = PN_OK;
    for (uint32_t k = 0; k < 2 && st == PN_OK; k++) {
        uint32_t extra = dims == 3 ? o->output_pad[k] : k == 1 ? o->output_pad[0] : 0;
        axis[k]        = axis_of(o, dims, k);
        if (transposed) {
            axis[k].out = length_of(&input->shape, k);
            st          = nn_axis_unfit(&axis[k], extra, input->name, why);
        } else {
            axis[k].size = length_of(&input->shape, k);
            st           = nn_axis_fit(&axis[k], o->same == 1, input->name, why);
        }
    }
    return st;
}

static enum pn_status
check_input(const struct nn_layer *layer, const struct nn_layer *input, uint32_t dims,
            struct pn_error *why)
{
    if (input->shape.dims == dims)
        return PN_OK;
    return pn_error_set(why, PN_ECONFIG,
                        dims == 3 ? "%s reads an image CxHxW, but %s has %u dimension%s; put `r = "
                                    "reshape %s 1x28x28`, with your sizes, before it"
                                  : "%s reads a sequence TxF, but %s has %u dimension%s; put `r = "
                                    "reshape %s 140x1`, with your sizes, before it",
                        layer->kind->name, input->name, input->shape.dims,
                        input->shape.dims == 1 ? "" : "s", input->name);
}

/* What a call computes with must be of a size that fits 32 bits with room to spare. */
static enum pn_status
check_sizes(const struct nn_layer *layer, const struct nn_axis axis[2], uint32_t channels,
            uint32_t groups, struct pn_error *why)
{
    uint64_t padded = channels, kernel = (uint64_t)axis[0].kernel * axis[1].kernel;
    for (uint32_t k = 0; k < 2; k++) {
        uint64_t length = (uint64_t)axis[k].size + 2 * (uint64_t)axis[k].pad;
        padded          = padded > NN_SIZE_MAX ? padded : padded * length;
    }
    if (padded > NN_SIZE_MAX)
        return pn_error_set(why, PN_ECONFIG,
                            "expected an image of at most %u numbers with its padding",
                            NN_SIZE_MAX);
    if (channels % groups != 0 || layer->given.dim[0] % groups != 0)
        return pn_error_set(why, PN_ECONFIG, "groups=%u does not divide %u channels in and %u out",
                            groups, channels, layer->given.dim[0]);
    if (kernel * channels > NN_SIZE_MAX || kernel * layer->given.dim[0] > NN_SIZE_MAX)
        return pn_error_set(why, PN_ECONFIG,
                            "expected kernels of at most %u numbers over all channels",
                            NN_SIZE_MAX);
    return PN_OK;
}

static enum pn_status
shape(struct nn_layer *layer, const struct nn_layer *input, uint32_t dims, struct pn_error *why)
{
    struct conv_options o          = conv_options_of(layer);
    bool                transposed = is_transposed(layer);
    struct nn_axis      axis[2];
    enum pn_status      st = check_input(layer, input, dims, why);
    if (st == PN_OK)
        st = fit(axis, &o, input, transposed, why);
    if (st == PN_OK)
        st = check_sizes(layer, axis, channels_of(&input->shape), o.groups, why);
    if (st == PN_OK)
        layer->shape = shape_of(dims, layer->given.dim[0], transposed ? axis[0].size : axis[0].out,
                                transposed ? axis[1].size : axis[1].out);
    return st;
}

enum pn_status
conv_shape_1d(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    return shape(layer, inputs[0], 2, why);
}

enum pn_status
conv_shape_2d(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    return shape(layer, inputs[0], 3, why);
}

/* The convolution of a layer that has its shape. */
static struct nn_conv
conv_of(const struct nn_layer *layer, const struct nn_layer *input)
{
    struct conv_options o          = conv_options_of(layer);
    bool                transposed = is_transposed(layer);
    uint32_t            from       = channels_of(&input->shape) / o.groups;
    uint32_t            to         = layer->given.dim[0] / o.groups;
    struct nn_conv      conv       = {.groups = o.groups,
                                      .in     = transposed ? to : from,
                                      .out    = transposed ? from : to,
                                      .planar = input->shape.dims == 3};
    struct pn_error     ignored    = {.text = ""};
    PN_ASSERT(fit(conv.axis, &o, input, transposed, &ignored) == PN_OK); /* SAFE: as in shape */
    return conv;
}

void
conv_manifest(struct nn_manifest *out, struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct conv_options o     = conv_options_of(layer);
    struct nn_conv      conv  = conv_of(layer, inputs[0]);
    bool                image = layer->shape.dims == 3;
    uint32_t            small = conv.groups * conv.out;
    uint32_t            ky = conv.axis[0].kernel, kx = conv.axis[1].kernel;
    struct nn_init      init   = {.kind = (enum nn_init_kind)o.init, .scale = o.scale};
    struct nn_tensor    weight = {.role    = o.role == 1 ? NN_FROZEN : NN_SHARED,
                                  .dims    = image ? 4 : 3,
                                  .dim     = {small, conv.in, image ? ky : kx, image ? kx : 0},
                                  .fan_in  = conv.in * ky * kx,
                                  .fan_out = small * ky * kx,
                                  .decay   = true};
    struct nn_tensor    bias   = {.role    = weight.role,
                                  .dims    = 1,
                                  .dim     = {layer->given.dim[0]},
                                  .fan_in  = weight.fan_in,
                                  .fan_out = weight.fan_out};
    nn_manifest_add(out, layer, "weight", &weight, init);
    if (init.kind != NN_INIT_TORCH)
        init.kind = NN_INIT_ZERO;
    if (o.bias == 1)
        nn_manifest_add(out, layer, "bias", &bias, init);
}

size_t
conv_scratch_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs,
                   uint32_t batch, enum nn_mode mode)
{
    struct nn_conv conv = conv_of(layer, inputs[0]);
    (void)batch;
    (void)mode;
    return nn_conv_scratch(&conv);
}

uint64_t
conv_flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct nn_conv conv = conv_of(layer, inputs[0]);
    return 2 * nn_conv_multiplications(&conv);
}

/* ---- passes ---- */

/* The side of a layer's value; its input is on the other. */
static enum nn_conv_side
side_of_value(const struct nn_call *call)
{
    return is_transposed(call->layer) ? NN_CONV_LARGE : NN_CONV_SMALL;
}

static enum nn_conv_side
side_of_input(const struct nn_call *call)
{
    return is_transposed(call->layer) ? NN_CONV_SMALL : NN_CONV_LARGE;
}

static struct nn_conv_work
begin(const struct nn_call *call)
{
    struct nn_conv conv = conv_of(call->layer, call->input[0]);
    return nn_conv_begin(&conv, call->scratch);
}

/* Where dy counts: NULL for everywhere. */
static const nn_real *
gate_of(const struct nn_call *call)
{
    return conv_options_of(call->layer).relu == 1 ? call->y : NULL;
}

void
conv_forward(const struct nn_call *call)
{
    struct nn_conv_work work = begin(call);
    enum nn_conv_side   from = side_of_input(call), to = side_of_value(call);
    enum nn_conv_end    end  = gate_of(call) != NULL ? NN_CONV_RELU : NN_CONV_SET;
    const nn_real      *bias = call->layer->tensor_count == 2 ? call->w[1] : NULL;
    for (uint32_t g = 0; g < work.conv.groups; g++) {
        nn_conv_pack(&work, to, call->w[0], bias, g);
        for (uint32_t b = 0; b < call->rows; b++) {
            nn_conv_take(&work, from, call->x[0], NULL, b, g);
            nn_conv_turn(&work, to);
            nn_conv_give(&work, to, call->y, b, g, end);
        }
    }
}

/* What one group of all records gives: dx, and the sums of dw and db. */
static void
descend(const struct nn_call *call, struct nn_conv_work *work, uint32_t g)
{
    enum nn_conv_side from = side_of_input(call), to = side_of_value(call);
    bool              bias = call->layer->tensor_count == 2 && call->dw[1] != NULL;
    for (uint32_t b = 0; b < call->rows; b++) {
        nn_conv_take(work, to, call->dy, gate_of(call), b, g);
        if (call->dx[0] != NULL) {
            nn_conv_turn(work, from);
            nn_conv_give(work, from, call->dx[0], b, g, call->add[0] ? NN_CONV_ADD : NN_CONV_SET);
        }
        if (call->dw[0] != NULL) {
            nn_conv_take(work, from, call->x[0], NULL, b, g);
            nn_conv_add_weights(work);
        }
        if (bias)
            nn_conv_add_bias(work, to);
    }
}

void
conv_backward(const struct nn_call *call)
{
    struct nn_conv_work work = begin(call);
    enum nn_conv_side   to   = side_of_value(call);
    for (uint32_t g = 0; g < work.conv.groups; g++) {
        if (call->dx[0] != NULL)
            nn_conv_pack(&work, side_of_input(call), call->w[0], NULL, g);
        nn_conv_clear_sums(&work);
        descend(call, &work, g);
        if (call->dw[0] != NULL)
            nn_conv_blend_weights(&work, call->dw[0], g, call->alpha, call->beta[0]);
        if (call->layer->tensor_count == 2 && call->dw[1] != NULL)
            nn_conv_blend_bias(&work, to, call->dw[1], g, call->alpha, call->beta[1]);
    }
}

void
conv_row_norms(const struct nn_call *call, double *norm2)
{
    struct nn_conv_work work = begin(call);
    enum nn_conv_side   from = side_of_input(call), to = side_of_value(call);
    bool                bias = call->layer->tensor_count == 2;
    if (conv_options_of(call->layer).role == 1) /* frozen */
        return;
    for (uint32_t g = 0; g < work.conv.groups; g++)
        for (uint32_t b = 0; b < call->rows; b++) {
            nn_conv_clear_sums(&work);
            nn_conv_take(&work, to, call->dy, gate_of(call), b, g);
            nn_conv_take(&work, from, call->x[0], NULL, b, g);
            nn_conv_add_weights(&work);
            nn_conv_add_bias(&work, to);
            norm2[b] += nn_conv_weights_norm2(&work) + (bias ? nn_conv_bias_norm2(&work, to) : 0);
        }
}
