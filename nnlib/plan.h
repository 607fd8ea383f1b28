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
 *                                               init=he and the others of nnlib/init.h
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
 *     relu sigmoid tanh softplus silu selu softmax log_softmax identity linear A
 *     relu6 hardtanh hardsigmoid hardswish softsign mish exp A
 *     leaky_relu A                              slope=0.01
 *     elu celu A                                alpha=1
 *     swish A                                   beta=1
 *     gelu A                                    form=erf|tanh
 *     prelu A                                   slopes=channel|one  start=0.25
 *     batch_norm A                              stats=local|buffer  affine=yes|no|local
 *                                               new_frac=0.1  eps=1e-5
 *     layer_norm A                              affine=yes|no  eps=1e-5
 *     group_norm A                              groups=1  affine=yes|no  eps=1e-5
 *     dropout A                                 p=0.5  by=number|channel
 *     gaussian_noise A                          sigma=0.1
 *     concat A B...                             channels one after another
 *     slice A SIZE                              SIZE channels, from=0 on
 *     multiply A B                              number by number
 *     scale A                                   by=1
 *     threshold A (evaluation only)             at=0: 1 from there on, else 0
 *     threshold_ste A                           at=0, with a straight-through gradient
 *     monotone A SIZE                           dense with weights of one sign: sign=plus|minus
 *                                               bias init scale as dense
 *     tied A ENCODER                            the transposed weights of a dense layer above
 *                                               bias=yes|no
 *     coupling A SIZE                           a bijection, SIZE hidden units; half=second|first
 *     attention Q K V [LENGTHS]                 heads=1  causal=no|yes
 *     self_attention A [LENGTHS]                heads=1  causal=no|yes  bias=yes|no
 *     position A                                form=sinusoidal|learned
 *     rnn A [LENGTH] SIZE                       activation=tanh|relu, and as below
 *     lstm A [LENGTH] SIZE                      forget=1, the forget gate's bias, and as below
 *     gru A [LENGTH] SIZE                       direction=forward|backward|both
 *                                               output=sequence|last  bias=yes|no
 *                                               init=xavier (of weight_ih)  recurrent=xavier
 *                                               (weight_hh)  scale=0.01  role=shared|frozen
 *     embedding A ENTRIESxSIZE                  init=random scale=1  role=shared|local|frozen
 *     reverse A [LENGTH], last A [LENGTH]       the steps turned round; the last step
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
 *     perceptron A (1 number, or one per class) Rosenblatt's rule
 *     every loss                                reduce=mean|rows|sum  missing=refuse|skip
 *
 * Channels are the F of a value (F) or (T, F) and the C of a (C, H, W). LENGTHS is an input of one
 * number: how many positions of the record there are. What each kind computes is said at the top of
 * its file.
 *
 * Recurrent layers and their like read a sequence (T, F). LENGTH is an input of one number, how
 * many of a record's steps count: beyond them values are 0 and the state stays; `last` is the
 * state, or the step, at the end of what counts, direction=both gives the two states side by side.
 * An embedding reads whole numbers 0..ENTRIES-1; what is none, or no length, gives NaN.
 *
 * Biases start at 0, except with init=torch and those of forget gates.
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
uint32_t nn_plan_input_size(const struct nn_plan *plan); /* of one record: all inputs   */
/* The sizes of the input, 1 to 3; with several inputs one size, their sum. */
void     nn_plan_input_shape(const struct nn_plan *plan, uint32_t *dims, uint32_t dim[static 3]);
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
/* True when the loss of a batch is the mean of its records' losses by their weights, so that parts
 * of a batch add up to it: every loss has reduce=mean, missing=refuse and no class weights. */
bool nn_plan_adds_up(const struct nn_plan *plan);
/* Floating-point operations of one record's forward; training costs about three times as much. */
uint64_t nn_plan_flops(const struct nn_plan *plan);
/* The canonical text; the architecture hash is a hash of these bytes (crypto/ computes it). */
const char *nn_plan_text(const struct nn_plan *plan);

/* Fills theta from each tensor's initialiser; tensor i draws from child (PN_RNG_INIT, i) of
 * `rng`. */
void nn_plan_init(nn_real *theta, const struct nn_plan *plan, const struct pn_rng *rng);

#endif
