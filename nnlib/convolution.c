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

const struct nn_layer_kind nn_conv1d_kind = CONV_KIND("conv1d", table_1d, conv_shape_1d);
const struct nn_layer_kind nn_conv2d_kind = CONV_KIND("conv2d", table_2d, conv_shape_2d);
