/*
 * nnlib/optimiser -- steps over flat arrays; knows nothing of layers.
 *
 * A kind is one struct of functions and a table of options, as a layer kind is. To add one: write
 * it in optimiser_sgd.c or optimiser_adam.c (or a file of its own), add it to nn_optimiser_kinds.
 * g is the gradient, t the step from 1; forms and defaults are PyTorch's (features.md, 3.1).
 *
 *     sgd       b <- mu b + (1 - dampening) g, first b = g;  theta -= rate b
 *               nesterov: theta -= rate (g + mu b). Full batches make it gradient descent.
 *     adagrad   v <- v + g^2, v_0 = start;
 *               theta -= rate / (1 + (t-1) rate_decay) g / (sqrt(v) + eps)
 *               epsilon_in_root=yes (TensorFlow; rmsprop too): g / sqrt(v + eps)
 *     rmsprop   v <- a v + (1-a) g^2;  d = g / (sqrt(v) + eps), centered: sqrt(v - mean(g)^2);
 *               b <- mu b + d;  theta -= rate b
 *     adadelta  v <- rho v + (1-rho) g^2;  d = sqrt(u + eps) / sqrt(v + eps) g;
 *               u <- rho u + (1-rho) d^2;  theta -= rate d
 *               (Keras: rate=0.001 rho=0.95 epsilon=1e-7)
 *     rprop     a length for each number: times `up` while the sign stays, `down` when it turns
 *     adam      m <- b1 m + (1-b1) g;  v <- b2 v + (1-b2) g^2;  Kingma and Ba, arXiv 1412.6980
 *               theta -= rate m^ / (sqrt(v^) + eps);  epsilon_hat=yes (Keras): eps beside sqrt(v)
 *               amsgrad: the largest v so far;  Reddi et al., 2018
 *     adamw     adam with decay=0.01;  Loshchilov and Hutter, 2019
 *     adamax    u <- max(b2 u, |g| + eps);  theta -= rate / (1 - b1^t) m / u
 *     nadam     adam with Nesterov's momentum and Dozat's schedule, momentum_decay=0.004
 *     yogi      v <- v - (1-b2) sign(v - g^2) g^2, no bias correction;  Reddi et al., 2021
 *
 * What every kind understands, in the order in which it happens in a step:
 *     clip_value, clip_norm   of the gradient, see nnlib/gradient; 0 = off
 *     decay    theta *= 1 - rate decay        decoupled
 *     l2       g += l2 theta                  coupled; for sgd the same as decay
 *     l1       l1_form=proximal: after the step theta moves by rate l1 towards 0 and stops there,
 *              so that weights become exactly 0; subgradient: g += l1 sign(theta)
 *     max_norm after the step: the weights into a unit (a row) have at most this L2 norm; 0 = off
 * decay, l2, l1 and max_norm apply to tensors whose decay flag is set: weights, not biases.
 *
 * Memory     state is the caller's: nn_optimiser_state_count numbers, zeroed before step 1; it
 *            moves with theta in a checkpoint. Nothing is allocated.
 */
#ifndef NNLIB_OPTIMISER_H
#define NNLIB_OPTIMISER_H

#include "nnlib/option.h"
#include "nnlib/plan.h"

enum {
    NN_SLOTS_MAX          = 3,
    NN_OPTIMISER_NAME_MAX = 32
};
enum nn_l1_form {
    NN_L1_PROXIMAL,
    NN_L1_SUBGRADIENT
};

struct nn_optimiser_kind;
struct nn_optimiser_config {
    const struct nn_optimiser_kind *kind;
    double                          rate, clip_value, clip_norm, decay, l2, l1, max_norm;
    uint32_t                        l1_form;
    /* Of some kinds, see their tables; 0 where the kind has none. */
    uint32_t nesterov, amsgrad, centered, epsilon_hat, epsilon_in_root;
    double   momentum, dampening, beta1, beta2, alpha, rho, epsilon, start, rate_decay,
        momentum_decay, up, down, shortest, longest;
};

/* A stretch of parameters in one step. slot[i] are the kind's arrays beside theta. */
struct nn_optimiser_call {
    const struct nn_optimiser_config *config;
    uint64_t                          step;
    nn_real                          *theta, *slot[NN_SLOTS_MAX];
    const nn_real                    *grad;
    const nn_real                    *scalar; /* the kind's numbers that are not per parameter */
    size_t                            count;
};

struct nn_optimiser_kind {
    const char             *name;
    const struct nn_option *options; /* into the config; they win over the common ones */
    uint32_t (*slots)(const struct nn_optimiser_config *config);
    uint32_t scalars; /* kept in the state behind the slots */
    /* Once a step, before the stretches; NULL: nothing to do. */
    void (*begin)(nn_real *scalar, const struct nn_optimiser_config *config, uint64_t step);
    void (*step)(const struct nn_optimiser_call *call);
};

extern const struct nn_optimiser_kind nn_sgd_kind, nn_adagrad_kind, nn_rmsprop_kind,
    nn_adadelta_kind, nn_rprop_kind, nn_adam_kind, nn_adamw_kind, nn_adamax_kind, nn_nadam_kind,
    nn_yogi_kind;
extern const struct nn_optimiser_kind *const nn_optimiser_kinds[]; /* NULL at the end */
extern const struct nn_option                nn_optimiser_common[];

/* NULL when there is none of this name. */
const struct nn_optimiser_kind *nn_optimiser_find(const char *name);
/* All defaults of the kind. */
void nn_optimiser_init(struct nn_optimiser_config *config, const struct nn_optimiser_kind *kind);
/* One option from text. PN_ECONFIG with a sentence: no such option (and which kind has it), or no
 * such value. */
PN_MUST_CHECK enum pn_status nn_optimiser_set(struct nn_optimiser_config *config, const char *name,
                                              const char *value, struct pn_error *why);
/* Rules between options, when all are set. */
PN_MUST_CHECK enum pn_status nn_optimiser_check(const struct nn_optimiser_config *config,
                                                struct pn_error                  *why);
/* All of it from one line, such as "adam rate=0.001 l2=1e-4". */
PN_MUST_CHECK enum pn_status nn_optimiser_parse(struct nn_optimiser_config *config,
                                                const char *text, struct pn_error *why);
/* The line back, with the options that are not the default. */
PN_MUST_CHECK enum pn_status nn_optimiser_print(struct pn_buffer                 *out,
                                                const struct nn_optimiser_config *config);

/* True where a step is theta -= rate g and nothing else: what the backward pass may do itself. */
bool nn_optimiser_is_plain(const struct nn_optimiser_config *config);

uint64_t nn_optimiser_state_count(const struct nn_optimiser_config *config, uint64_t params);
/* `step` counts from 1. The gradient array is used as scratch. FROZEN and BUFFER stay. */
void nn_optimiser_step(nn_real *theta, nn_real *state, nn_real *grad, const struct nn_plan *plan,
                       const struct nn_optimiser_config *config, uint64_t step);

#endif
