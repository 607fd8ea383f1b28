/*
 * conv2d_transpose, conv1d_transpose: the adjoint of a convolution, as PyTorch's ConvTranspose.
 *     y[o, j stride - pad + dilation t] += w[i,o,t] x[i,j]   for all i, j, t;   y starts at c[o]
 *     length of y: (length of x - 1) stride - 2 pad + dilation (kernel - 1) + output_pad + 1
 * For the conv of which this is the adjoint, y is the large image and x the small one.
 */
#include "nnlib/conv_layer.h"

#define TABLE(number)                                                                              \
    {                                                                                              \
        CONV_WINDOW(number),                                                                       \
            {"output_pad", "0", number, CONV_AT(output_pad), 0, NN_KERNEL_MAX, NULL},              \
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
    return conv_shape(layer, inputs[0], 2, true, why);
}

static enum pn_status
shape_2d(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    return conv_shape(layer, inputs[0], 3, true, why);
}

static void
manifest(struct nn_manifest *out, struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct nn_conv conv = conv_of(layer, inputs[0], true);
    conv_manifest(out, layer, &conv);
}

static size_t
scratch_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
              enum nn_mode mode)
{
    struct nn_conv conv = conv_of(layer, inputs[0], true);
    (void)batch;
    (void)mode;
    return nn_conv_scratch(&conv);
}

static void
forward(const struct nn_call *call)
{
    conv_forward(call, true);
}

static void
backward(const struct nn_call *call)
{
    conv_backward(call, true);
}

static void
row_norms(const struct nn_call *call, double *norm2)
{
    conv_row_norms(call, true, norm2);
}

static uint64_t
flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct nn_conv conv = conv_of(layer, inputs[0], true);
    return 2 * nn_conv_multiplications(&conv);
}

#define KIND(dims_, table_, shape_)                                                                \
    const struct nn_layer_kind nn_conv##dims_##_transpose_kind = {.name =                          \
                                                                      "conv" #dims_ "_transpose",  \
                                                                  .options       = table_,         \
                                                                  .inputs_min    = 1,              \
                                                                  .inputs_max    = 1,              \
                                                                  .size_dims     = 1,              \
                                                                  .shape         = shape_,         \
                                                                  .manifest      = manifest,       \
                                                                  .scratch_bytes = scratch_bytes,  \
                                                                  .forward       = forward,        \
                                                                  .backward      = backward,       \
                                                                  .row_norms     = row_norms,      \
                                                                  .flops         = flops}
KIND(1d, table_1d, shape_1d);
KIND(2d, table_2d, shape_2d);
