/*
 * nnlib/conv_layer -- what the four convolutional kinds have in common: options, shapes, tensors
 * and the walk over groups and records; inside nnlib only.
 *
 *     weight (A, B / groups, kernel)   A, B: channels of the small image and of the large one;
 *                                      PyTorch's layout: (out, in / groups, ..) for a convolution,
 *                                      (in, out / groups, ..) for a transposed one
 *     bias   (channels of the value)
 *
 * Fans are PyTorch's: fan_in = B / groups * kernel, fan_out = A * kernel.
 * A sequence (T, F) has F channels and is an image of height 1, pixels' channels together.
 */
#ifndef NNLIB_CONV_LAYER_H
#define NNLIB_CONV_LAYER_H

#include "nnlib/conv.h"

struct conv_options { /* of all four; a kind's table names those that it has */
    double   scale;
    uint32_t kernel[2], stride[2], pad[2], dilation[2], output_pad[2];
    uint32_t groups, same, bias, init, role, relu;
};
_Static_assert(sizeof(struct conv_options) <= NN_OPTIONS_MAX, "options fit");

extern const char *const conv_yes_no[], *const conv_roles[], *const conv_activations[];

/* Table rows, for a kind with options of one number (NN_OPTION_COUNT) or two (.._PAIR) an axis. */
#define CONV_AT(field) offsetof(struct conv_options, field)
#define CONV_WINDOW(number)                                                                        \
    {"kernel", "3", number, CONV_AT(kernel), 1, NN_KERNEL_MAX, NULL},                              \
        {"stride", "1", number, CONV_AT(stride), 1, NN_KERNEL_MAX, NULL},                          \
        {"pad", "0", number, CONV_AT(pad), 0, NN_KERNEL_MAX, NULL},                                \
    {                                                                                              \
        "dilation", "1", number, CONV_AT(dilation), 1, NN_KERNEL_MAX, NULL                         \
    }
#define CONV_TENSORS                                                                               \
    {"groups", "1", NN_OPTION_COUNT, CONV_AT(groups), 1, NN_SIZE_MAX, NULL},                       \
        {"bias", "yes", NN_OPTION_WORD, CONV_AT(bias), 0, 0, conv_yes_no},                         \
        {"init", "he", NN_OPTION_WORD, CONV_AT(init), 0, 0, nn_init_names},                        \
        {"scale", "0.01", NN_OPTION_NUMBER, CONV_AT(scale), 0, 1e3, NULL},                         \
    {                                                                                              \
        "role", "shared", NN_OPTION_WORD, CONV_AT(role), 0, 0, conv_roles                          \
    }

struct conv_options conv_options_of(const struct nn_layer *layer);

/* The functions of the kinds, transposed or not as layer->kind says. */
PN_MUST_CHECK enum pn_status
conv_shape_1d(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why);
PN_MUST_CHECK enum pn_status
conv_shape_2d(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why);
void     conv_manifest(struct nn_manifest *out, struct nn_layer *layer,
                       const struct nn_layer *const *inputs);
size_t   conv_scratch_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs,
                            uint32_t batch, enum nn_mode mode);
uint64_t conv_flops(const struct nn_layer *layer, const struct nn_layer *const *inputs);
void     conv_forward(const struct nn_call *call);
void     conv_backward(const struct nn_call *call);
void     conv_row_norms(const struct nn_call *call, double *norm2);

#define CONV_KIND(name_, table_, shape_)                                                           \
    {                                                                                              \
        .name = name_, .options = table_, .inputs_min = 1, .inputs_max = 1, .size_dims = 1,        \
        .shape = shape_, .manifest = conv_manifest, .scratch_bytes = conv_scratch_bytes,           \
        .forward = conv_forward, .backward = conv_backward, .row_norms = conv_row_norms,           \
        .flops = conv_flops                                                                        \
    }

#endif
