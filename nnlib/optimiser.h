/*
 * nnlib/optimiser -- steps over flat arrays; knows nothing of layers.
 *
 *     sgd    b <- mu b + g (first step b = g);  theta -= lr b            (PyTorch's form)
 *     adam   m, v as Kingma and Ba, arXiv 1412.6980, algorithm 1; theta -= lr m^/(sqrt(v^) + eps)
 * L2 (coupled): g <- g + l2 * theta where the tensor's decay flag is set.
 *
 * State is the caller's: nn_optimiser_state_count floats, zeroed before step 1.
 */
#ifndef NNLIB_OPTIMISER_H
#define NNLIB_OPTIMISER_H

#include "nnlib/plan.h"

enum nn_optimiser_kind {
    NN_SGD,
    NN_ADAM
};

struct nn_optimiser_config {
    enum nn_optimiser_kind kind;
    double                 rate, momentum, beta1, beta2, epsilon, l2;
};
/* rate 0.01, momentum 0, beta 0.9 0.999, epsilon 1e-8, l2 0. */
void                     nn_optimiser_defaults(struct nn_optimiser_config *config);
extern const char *const nn_optimiser_names[]; /* "sgd", "adam", by kind */
enum {
    NN_OPTIMISER_COUNT = 2
};

uint64_t nn_optimiser_state_count(const struct nn_optimiser_config *config, uint64_t params);
/* `step` counts from 1. The gradient array is used as scratch. FROZEN and BUFFER stay. */
void nn_optimiser_step(nn_real *theta, nn_real *state, nn_real *grad, const struct nn_plan *plan,
                       const struct nn_optimiser_config *config, uint64_t step);

#endif
