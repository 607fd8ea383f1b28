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
                                                      &nn_relu6_kind,
                                                      &nn_hardtanh_kind,
                                                      &nn_hardsigmoid_kind,
                                                      &nn_hardswish_kind,
                                                      &nn_softsign_kind,
                                                      &nn_mish_kind,
                                                      &nn_celu_kind,
                                                      &nn_swish_kind,
                                                      &nn_exp_kind,
                                                      &nn_log_softmax_kind,
                                                      &nn_batch_norm_kind,
                                                      &nn_layer_norm_kind,
                                                      &nn_group_norm_kind,
                                                      &nn_dropout_kind,
                                                      &nn_gaussian_noise_kind,
                                                      &nn_concat_kind,
                                                      &nn_slice_kind,
                                                      &nn_multiply_kind,
                                                      &nn_scale_kind,
                                                      &nn_threshold_kind,
                                                      &nn_threshold_ste_kind,
                                                      &nn_prelu_kind,
                                                      &nn_monotone_kind,
                                                      &nn_tied_kind,
                                                      &nn_coupling_kind,
                                                      &nn_attention_kind,
                                                      &nn_self_attention_kind,
                                                      &nn_position_kind,
                                                      &nn_rnn_kind,
                                                      &nn_lstm_kind,
                                                      &nn_gru_kind,
                                                      &nn_embedding_kind,
                                                      &nn_reverse_kind,
                                                      &nn_last_kind,
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

const struct nn_loss_kind *const nn_loss_kinds[] = {&nn_bce_logits_kind,
                                                    &nn_bce_labels_kind,
                                                    &nn_bce_focal_kind,
                                                    &nn_cce_logits_kind,
                                                    &nn_cce_focal_kind,
                                                    &nn_cce_shares_kind,
                                                    &nn_kl_logits_kind,
                                                    &nn_mse_kind,
                                                    &nn_half_sse_kind,
                                                    &nn_mae_kind,
                                                    &nn_huber_kind,
                                                    &nn_smooth_l1_kind,
                                                    &nn_quantile_kind,
                                                    &nn_poisson_nll_kind,
                                                    &nn_gaussian_nll_kind,
                                                    &nn_perceptron_kind,
                                                    NULL};

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
