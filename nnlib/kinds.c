/* Every kind there is, and what all of them may use. */
#include "nnlib/layer.h"

#include <string.h>

const struct nn_layer_kind *const nn_layer_kinds[] = {&nn_input_kind,
                                                      &nn_dense_kind,
                                                      &nn_add_kind,
                                                      &nn_relu_kind,
                                                      &nn_leaky_relu_kind,
                                                      &nn_elu_kind,
                                                      &nn_selu_kind,
                                                      &nn_sigmoid_kind,
                                                      &nn_tanh_kind,
                                                      &nn_softplus_kind,
                                                      &nn_gelu_kind,
                                                      &nn_silu_kind,
                                                      &nn_identity_kind,
                                                      &nn_linear_kind,
                                                      &nn_softmax_kind,
                                                      &nn_conv1d_kind,
                                                      &nn_conv2d_kind,
                                                      &nn_conv1d_transpose_kind,
                                                      &nn_conv2d_transpose_kind,
                                                      &nn_maxpool1d_kind,
                                                      &nn_maxpool2d_kind,
                                                      &nn_avgpool1d_kind,
                                                      &nn_avgpool2d_kind,
                                                      &nn_adaptive_maxpool_kind,
                                                      &nn_adaptive_avgpool_kind,
                                                      &nn_global_maxpool_kind,
                                                      &nn_global_avgpool_kind,
                                                      &nn_flatten_kind,
                                                      &nn_reshape_kind,
                                                      &nn_upsample_kind,
                                                      &nn_depth_to_space_kind,
                                                      NULL};

const struct nn_loss_kind *const nn_loss_kinds[] = {&nn_bce_logits_kind, &nn_cce_logits_kind,
                                                    &nn_mse_kind, NULL};

void
nn_blend(nn_real *dw, const nn_real *g, size_t count, nn_real alpha, nn_real beta)
{
    if (beta == NN_R(0.0))
        for (size_t k = 0; k < count; k++)
            dw[k] = alpha * g[k];
    else
        for (size_t k = 0; k < count; k++)
            dw[k] = alpha * g[k] + beta * dw[k];
}

void
nn_give(nn_real *dx, const nn_real *g, size_t count, bool add)
{
    if (!add)
        memcpy(dx, g, count * sizeof *dx);
    else
        for (size_t k = 0; k < count; k++)
            dx[k] += g[k];
}
