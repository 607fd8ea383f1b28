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
 * The graph is directed and acyclic: a layer names layers above it. Inputs come first (a record is
 * their values one after another), losses last (the model's is their sum, each times its weight=1;
 * metrics and scores are of the first), and every layer leads to a loss. Shapes are static; the
 * plan knows the size of everything, and its architecture hash is over the canonical text
 * (nn_plan_text), so equal networks have equal hashes however they were written.
 *
 *     kind                                      options (default first)
 *     input SIZE                                SIZE is 12, 28x28 (T x F) or 3x28x28 (C x H x W)
 *     dense A SIZE                              bias=yes|no  role=shared|frozen  scale=0.01
 *                                               init=he|he_uniform|xavier|xavier_normal|lecun|
 *                                                    torch|random|zero
 *     conv2d A CHANNELS                         kernel=3 stride=1 pad=0 dilation=1 (each `3`, or
 *                                               height x width `5x3`) same=no|yes groups=1
 *                                               activation=none|relu, and those of dense
 *     conv2d_transpose A CHANNELS               kernel stride pad dilation output_pad=0 groups,
 *                                               and those of dense
 *     conv1d conv1d_transpose A CHANNELS        the same, one number each
 *     maxpool2d A, maxpool1d A                  kernel=2 stride=(kernel) pad=0 same=no|yes
 *     avgpool2d A, avgpool1d A                  the same, count_pad=no|yes
 *     adaptive_maxpool adaptive_avgpool A SIZE  to HxW (`7x7`, or `7` for both), or T
 *     global_maxpool global_avgpool A           one number a channel
 *     upsample A                                scale=2 (nearest)
 *     depth_to_space A                          block=2
 *     flatten A, reshape A SIZE                 the same numbers as another shape
 *     add A B...                                the sum of values of one size
 *     relu sigmoid tanh softplus silu selu softmax identity linear A
 *     leaky_relu A                              slope=0.01
 *     elu A                                     alpha=1
 *     gelu A                                    form=erf|tanh
 *     bce_logits A (1 number)                   positive=1, the weight of label 1
 *     cce_logits A (a number per class), mse A
 *
 * The 2d kinds read images C x H x W, the 1d kinds sequences T x F: they slide over T, F are the
 * channels. Pooling and resampling to a size take either.
 *
 * he, xavier_normal and lecun draw from normals of variance 2/in, 2/(in+out) and 1/in; he_uniform,
 * xavier and torch are uniform within sqrt(6/in), sqrt(6/(in+out)) and sqrt(1/in); random is
 * N(0, scale^2). Biases start at 0, except with init=torch.
 *
 * Parameters are one flat array that the caller owns, dense and in manifest order:
 * fc1.weight (32,12), fc1.bias (32), ... names as in PyTorch's state_dict, dense weights
 * (out, in) row-major, convolutions (out, in / groups, kernel), transposed ones (in, out / groups,
 * kernel) (features.md, conventions 1 and 2).
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
void                         nn_plan_free(struct nn_plan *plan);

const struct nn_tensor *nn_plan_manifest(const struct nn_plan *plan, size_t *count);
uint64_t                nn_plan_param_count(const struct nn_plan *plan);
uint32_t nn_plan_input_size(const struct nn_plan *plan);  /* of one record: all inputs   */
uint32_t nn_plan_output_size(const struct nn_plan *plan); /* of the layer the first loss reads */
/* Floats of one record's target, loss after loss: one for a class index or a binary label, else one
 * for each number of the output. */
uint32_t nn_plan_target_size(const struct nn_plan *plan);
/* The number of classes: 2 for bce_logits, output_size for cce_logits, 0 = regression. */
uint32_t nn_plan_class_count(const struct nn_plan *plan);
/* Rows that one record's output counts for: T of an output (T, size), else 1. */
uint32_t    nn_plan_positions(const struct nn_plan *plan);
const char *nn_plan_loss(const struct nn_plan *plan); /* "bce_logits", "cce_logits", "mse" */
/* PN_ECONFIG with a sentence when some layer can only infer. */
PN_MUST_CHECK enum pn_status nn_plan_may_train(const struct nn_plan *plan, struct pn_error *why);
/* True when a record's value depends on the others of its batch, as with batch norm: such a batch
 * cannot be cut into parts, and records have no gradients of their own. */
bool nn_plan_mixes_rows(const struct nn_plan *plan);
/* Floating-point operations of one record's forward; training costs about three times as much. */
uint64_t nn_plan_flops(const struct nn_plan *plan);
/* The canonical text; the architecture hash is a hash of these bytes (crypto/ computes it). */
const char *nn_plan_text(const struct nn_plan *plan);

/* Fills theta from each tensor's initialiser; tensor i draws from child (PN_RNG_INIT, i) of
 * `rng`. */
void nn_plan_init(nn_real *theta, const struct nn_plan *plan, const struct pn_rng *rng);

#endif
