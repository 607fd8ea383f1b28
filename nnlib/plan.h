/*
 * nnlib/plan -- a model as text, compiled into an immutable plan.
 *
 * One line per layer, `name = kind inputs... size key=value...`; `#` starts a comment:
 *
 *     x    = input 12
 *     fc1  = dense x 32 init=he
 *     a1   = relu fc1
 *     out  = dense a1 1 init=xavier
 *     loss = bce_logits out
 *
 * The graph is directed and acyclic: a layer names layers above it. The input is the first line,
 * the loss the last, and every layer leads to the loss. Shapes are static; the plan knows the size
 * of everything, and its architecture hash is over the canonical text (nn_plan_text), so equal
 * networks have equal hashes however they were written.
 *
 *     kind                                      options (default first)
 *     input SIZE
 *     dense A SIZE                              bias=yes|no  role=shared|frozen  scale=0.01
 *                                               init=he and the others of nnlib/init.h
 *     add A B...                                the sum of values of one size
 *     relu sigmoid tanh softplus silu selu softmax log_softmax identity linear A
 *     relu6 hardtanh hardsigmoid hardswish softsign mish exp A
 *     leaky_relu A                              slope=0.01
 *     elu celu A                                alpha=1
 *     swish A                                   beta=1
 *     gelu A                                    form=erf|tanh
 *     bce_logits A (1 number)                   positive=1, the weight of label 1; smoothing=0
 *     bce_labels A (a number per label)         the same
 *     bce_focal A (1 number)                    gamma=2 alpha=0.25
 *     cce_logits A (a number per class)         smoothing=0 class_weights=none, or one per class
 *     cce_focal A                               gamma=2 class_weights=none; targets are classes
 *     cce_shares A                              smoothing=0; targets are a share per class
 *     kl_logits A                               temperature=1; the same targets
 *     mse half_sse mae A
 *     huber smooth_l1 A                         delta=1; beta=1
 *     quantile A                                q=0.5
 *     poisson_nll A (log rates)                 full=no|yes
 *     gaussian_nll A (means, log variances)     full=no|yes  floor=1e-6
 *     every loss                                reduce=mean|rows|sum  missing=refuse|skip
 *
 * Biases start at 0, except with init=torch.
 *
 * Parameters are one flat array that the caller owns, dense and in manifest order:
 * fc1.weight (32,12), fc1.bias (32), ... names as in PyTorch's state_dict, dense weights
 * (out, in) row-major (features.md, conventions 1).
 *
 * Memory     one heap object; nn_plan_free.   Threads  any, read-only.
 * Limits     256 layers, 2^24 numbers a value, 2^31 parameters, names of [a-z0-9_./] (at most 64,
 *            a letter or _ first), 64 KiB of text.
 * Errors     PN_ECONFIG with "model:line:column: ...".
 */
#ifndef NNLIB_PLAN_H
#define NNLIB_PLAN_H

#include "base/bytes.h"
#include "base/rng.h"
#include "nnlib/real.h"

enum nn_role {
    NN_SHARED, /* aggregated over the federation                       */
    NN_LOCAL,  /* stays at the node                                    */
    NN_FROZEN, /* neither trained nor sent                             */
    NN_BUFFER  /* no gradient; its aggregation rule is explicit        */
};

struct nn_tensor { /* one manifest row */
    char         name[96];
    enum nn_role role;
    uint32_t     dims, dim[4];
    uint64_t     offset, count; /* elements of the flat array */
    uint32_t     fan_in, fan_out;
    uint32_t     layer;
    bool         decay; /* L2 applies: weights yes, biases no */
};

struct nn_plan;

PN_MUST_CHECK enum pn_status nn_plan_new(struct nn_plan **out, const char *text, size_t size,
                                         struct pn_error *why);
void nn_plan_free(struct nn_plan *plan);

const struct nn_tensor *nn_plan_manifest(const struct nn_plan *plan, size_t *count);
uint64_t    nn_plan_param_count(const struct nn_plan *plan);
uint32_t    nn_plan_input_size(const struct nn_plan *plan);  /* features of one record    */
uint32_t    nn_plan_output_size(const struct nn_plan *plan); /* of the layer the loss reads */
/* Floats of one record's target: 1 for a class index or a binary label, else output_size. */
uint32_t    nn_plan_target_size(const struct nn_plan *plan);
/* The number of classes: 2 for bce_logits, output_size for cce_logits, 0 = regression. */
uint32_t    nn_plan_class_count(const struct nn_plan *plan);
const char *nn_plan_loss(const struct nn_plan *plan); /* "bce_logits", "cce_logits", "mse" */
/* The canonical text; the architecture hash is a hash of these bytes (crypto/ computes it). */
const char *nn_plan_text(const struct nn_plan *plan);

/* Fills theta from each tensor's initialiser; tensor i draws from child (PN_RNG_INIT, i) of
 * `rng`. */
void nn_plan_init(nn_real *theta, const struct nn_plan *plan, const struct pn_rng *rng);

#endif
