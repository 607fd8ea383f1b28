/*
 * conv2d: y[o,j] = c[o] + sum_{i,t} w[o,i,t] x[i, j stride - pad + dilation t]   for every record,
 * i over the channels of o's group; x (C, H, W). conv1d: the same over (T, F), F the channels.
 * With activation=relu, y = max(0, .), and dy counts only where y > 0.
 */
#include "nnlib/conv_layer.h"

#define TABLE(number)                                                                              \
    {                                                                                              \
        CONV_WINDOW(number), {"same", "no", NN_OPTION_WORD, CONV_AT(same), 0, 0, conv_yes_no},     \
            {"activation", "none", NN_OPTION_WORD, CONV_AT(relu), 0, 0, conv_activations},         \
            CONV_TENSORS,                                                                          \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
static const struct nn_option table_1d[] = TABLE(NN_OPTION_COUNT);
static const struct nn_option table_2d[] = TABLE(NN_OPTION_PAIR);

static enum pn_status
shape_1d(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    return conv_shape(layer, inputs[0], 2, false, why);
}

static enum pn_status
shape_2d(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    return conv_shape(layer, inputs[0], 3, false, why);
}

static void
manifest(struct nn_manifest *out, struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct nn_conv conv = conv_of(layer, inputs[0], false);
    conv_manifest(out, layer, &conv);
}

static size_t
scratch_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
              enum nn_mode mode)
{
    struct nn_conv conv = conv_of(layer, inputs[0], false);
    (void)batch;
    (void)mode;
    return nn_conv_scratch(&conv);
}

static void
forward(const struct nn_call *call)
{
    conv_forward(call, false);
}

static void
backward(const struct nn_call *call)
{
    conv_backward(call, false);
}

static void
row_norms(const struct nn_call *call, double *norm2)
{
    conv_row_norms(call, false, norm2);
}

static uint64_t
flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct nn_conv conv = conv_of(layer, inputs[0], false);
    return 2 * nn_conv_multiplications(&conv);
}

#define KIND(dims_, table_, shape_)                                                                \
    const struct nn_layer_kind nn_conv##dims_##_kind = {.name          = "conv" #dims_,            \
                                                        .options       = table_,                   \
                                                        .inputs_min    = 1,                        \
                                                        .inputs_max    = 1,                        \
                                                        .size_dims     = 1,                        \
                                                        .shape         = shape_,                   \
                                                        .manifest      = manifest,                 \
                                                        .scratch_bytes = scratch_bytes,            \
                                                        .forward       = forward,                  \
                                                        .backward      = backward,                 \
                                                        .row_norms     = row_norms,                \
                                                        .flops         = flops}
KIND(1d, table_1d, shape_1d);
KIND(2d, table_2d, shape_2d);
