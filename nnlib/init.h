/*
 * nnlib/init -- how parameters start; in = fan_in, out = fan_out of the tensor.
 *
 *     he, he_uniform            N(0, 2/in), U(+-sqrt(6/in))              He et al., 2015
 *     xavier, xavier_normal     U(+-sqrt(6/(in+out))), N(0, 2/(in+out))  Glorot and Bengio, 2010
 *     lecun, lecun_uniform      N(0, 1/in), U(+-sqrt(3/in))              LeCun et al., 1998
 *     he_trunc, xavier_trunc, lecun_trunc    the normals cut at two deviations and widened to the
 *                               same variance, as Keras does
 *     torch                     U(+-1/sqrt(in)), as PyTorch's Linear; the bias too
 *     orthogonal                Q of a normal matrix: rows or, where there are more rows than
 *                               columns, columns are orthonormal       Saxe et al., 2014
 *     random, uniform, constant N(0, scale^2), U(+-scale), scale
 *     zero                      0
 *
 * zero and constant leave the units of a hidden layer equal for ever: nn_init_symmetric finds that.
 *
 * Memory     none but the parameters.   Deterministic in the generator.
 */
#ifndef NNLIB_INIT_H
#define NNLIB_INIT_H

#include "nnlib/plan.h"

enum nn_init_kind {
    NN_INIT_HE,
    NN_INIT_HE_UNIFORM,
    NN_INIT_HE_TRUNC,
    NN_INIT_XAVIER,
    NN_INIT_XAVIER_NORMAL,
    NN_INIT_XAVIER_TRUNC,
    NN_INIT_LECUN,
    NN_INIT_LECUN_UNIFORM,
    NN_INIT_LECUN_TRUNC,
    NN_INIT_TORCH,
    NN_INIT_ORTHOGONAL,
    NN_INIT_RANDOM,
    NN_INIT_UNIFORM,
    NN_INIT_CONSTANT,
    NN_INIT_ZERO,
    NN_INIT_FORGET /* 0, and scale in the second quarter: the bias of an LSTM; has no name */
};
extern const char *const nn_init_names[]; /* by kind, NULL at the end */

struct nn_init {
    enum nn_init_kind kind;
    double            scale; /* random, uniform, constant and forget only */
};

/* Fills the tensor's `count` numbers at w. */
void nn_init_fill(nn_real *w, const struct nn_tensor *tensor, const struct nn_init *init,
                  struct pn_rng *rng);

/* The biases of the layer that the loss reads, so that the first guess is the shares of the
 * classes: log(p / (1-p)) of class 1 for one logit, log p_k for several. `counts` are records of
 * each class. With weights near 0 the first loss is then the entropy of the labels.
 * PN_ECONFIG where that layer has no bias or the loss no classes, PN_EDATA where a class never
 * occurs; theta is then unchanged. */
PN_MUST_CHECK enum pn_status nn_init_prior(nn_real *theta, const struct nn_plan *plan,
                                           const double *counts, uint32_t classes,
                                           struct pn_error *why);

/* The name of the first tensor of a hidden layer whose units start equal, or NULL. */
const char *nn_init_symmetric(const struct nn_plan *plan);

#endif
