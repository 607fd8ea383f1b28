#include "nnlib/layer.h"

const struct nn_layer_kind *const nn_layer_kinds[] = {
    &nn_input_kind,      &nn_dense_kind,    &nn_add_kind,     &nn_relu_kind,
    &nn_leaky_relu_kind, &nn_elu_kind,      &nn_selu_kind,    &nn_sigmoid_kind,
    &nn_tanh_kind,       &nn_softplus_kind, &nn_gelu_kind,    &nn_silu_kind,
    &nn_identity_kind,   &nn_linear_kind,   &nn_softmax_kind, NULL};

const struct nn_loss_kind *const nn_loss_kinds[] = {&nn_bce_logits_kind, &nn_cce_logits_kind,
                                                    &nn_mse_kind, NULL};
