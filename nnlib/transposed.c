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

const struct nn_layer_kind nn_conv1d_transpose_kind =
    CONV_KIND("conv1d_transpose", table_1d, conv_shape_1d);
const struct nn_layer_kind nn_conv2d_transpose_kind =
    CONV_KIND("conv2d_transpose", table_2d, conv_shape_2d);
