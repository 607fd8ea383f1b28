/*
 * nnlib/layer -- what a layer kind and a loss kind are; inside nnlib only.
 *
 * A kind is one struct of functions and one table of options, name included. To add one: write it
 * in a file of its own, declare it below, add it to the table in kinds.c. The parser, the canonical
 * text, the workspace and the passes need no change.
 *
 *     text --options table--> layer->options --shape--> layer->shape --manifest--> tensors, inits
 *     keep_bytes: memory of one layer in one pass, kept from forward to backward
 *     scratch_bytes: memory that one call may use as it likes; all layers share it
 *     forward:  y    = f(x..., w...)
 *     backward: dx_i = df/dx_i' dy                        (+= where add[i])
 *               dw_t = alpha df/dw_t' dy + beta_t dw_t    (0 * anything is 0)
 *
 * A layer has any number of inputs up to NN_INPUTS_MAX. A value may be the input of several layers:
 * the pass tells each of them whether to overwrite its gradient or to add to it. alpha and beta are
 * what plain SGD written straight into the weights, tied weights and accumulation have in common:
 * dw[t] may be the memory of w[t], so backward reads all of w before it writes any dw.
 */
#ifndef NNLIB_LAYER_H
#define NNLIB_LAYER_H

#include "nnlib/init.h"
#include "nnlib/option.h"
#include "nnlib/pass.h"

#include <math.h>

enum {
    NN_LAYERS_MAX     = 256,
    NN_INPUTS_MAX     = 16,
    NN_TENSORS_MAX    = 8,  /* of one layer */
    NN_LAYER_NAME_MAX = 64, /* characters; a tensor's name adds at most 30 */
    NN_LOSSES_MAX     = 8,
    NN_OPTIONS_MAX    = 192, /* bytes of a kind's options struct, and options of a kind */
    NN_TEXT_MAX       = 65536
};
#define NN_SIZE_MAX 16777216u     /* numbers of one record's value at any layer */
#define NN_PARAMS_MAX 2147483648u /* 2^31 */

struct nn_shape { /* of one record's value; the last dimension is the fastest */
    uint32_t dims, dim[3];
};

struct nn_layer_kind;
struct nn_loss_kind;

struct nn_layer {
    char                        name[NN_LAYER_NAME_MAX + 1];
    const struct nn_layer_kind *kind;
    uint32_t                    line, column; /* in the text, for sentences */
    uint32_t                    number;       /* its place in the plan */
    uint32_t                    input_count, inputs[NN_INPUTS_MAX];
    struct nn_shape             given; /* the size in the text, `32` or `3x28x28`; dims 0: none */
    struct nn_shape             shape;
    uint32_t                    size;                                  /* product of the shape */
    uint32_t                    tensor_count, tensors[NN_TENSORS_MAX]; /* numbers in the plan */
    bool                        learns; /* it or a layer below it has trainable tensors */
    _Alignas(8) unsigned char options[NN_OPTIONS_MAX];
};

struct nn_loss {
    char                       name[NN_LAYER_NAME_MAX + 1];
    const struct nn_loss_kind *kind;
    uint32_t                   line, column;
    uint32_t                   layer;     /* whose value it reads                              */
    uint32_t                   positions; /* of a (positions, size) value: each is a row       */
    uint32_t                   size;      /* numbers of one position                           */
    uint32_t                   target;    /* floats of one record's target: all positions      */
    double                     weight;    /* its share of the model's loss                     */
    _Alignas(8) unsigned char options[NN_OPTIONS_MAX];
};

struct nn_plan {
    struct nn_layer  *layers; /* in topological order, the inputs first */
    uint32_t          layer_count, input_count;
    struct nn_tensor *tensors;
    struct nn_init   *inits; /* beside tensors */
    uint32_t          tensor_count;
    uint64_t          params;
    struct nn_loss    losses[NN_LOSSES_MAX]; /* metrics and scores are of the first */
    uint32_t          loss_count;
    uint32_t          input_size, target_size; /* of a record: all inputs, all losses */
    bool              holds;                   /* some tensors are FROZEN or BUFFER: no gradient */
    bool              ties;                    /* some tensor is used by two layers */
    char             *text;
};

/* Where `manifest` puts its rows. */
struct nn_manifest {
    struct nn_tensor *tensors;
    struct nn_init   *inits;
    uint32_t          count, capacity;
    uint64_t          params;
    bool              ties;
};
/* Appends tensor `layer.suffix` to the plan and to the layer; offset, count and the layer number
 * are filled in. */
void nn_manifest_add(struct nn_manifest *manifest, struct nn_layer *layer, const char *suffix,
                     const struct nn_tensor *row, struct nn_init init);
/* The layer uses a tensor that another one has. */
void nn_manifest_tie(struct nn_manifest *manifest, struct nn_layer *layer, uint32_t tensor);

/* One layer's part in one pass. Values are (rows, size) row-major. */
struct nn_call {
    const struct nn_layer *layer;
    const struct nn_layer *input[NN_INPUTS_MAX]; /* for their shapes */
    uint32_t               rows;
    enum nn_mode           mode;
    /* The draws of row b are those of child (PN_RNG_ROW, first_row + b) of `rng`: they do not
     * depend on how a batch is cut. Only for kinds with `draws`. */
    struct pn_rng  rng;
    uint64_t       first_row;
    bool           carry;   /* recurrent kinds: start from the state that the last forward kept */
    void          *keep;    /* keep_bytes of this layer, 64-byte aligned, zero at first */
    void          *scratch; /* scratch_bytes, 64-byte aligned, undefined */
    const nn_real *x[NN_INPUTS_MAX];
    const nn_real *w[NN_TENSORS_MAX];
    nn_real       *y;                  /* written by forward, read by backward */
    const nn_real *dy;                 /* backward only, like all below */
    nn_real       *dx[NN_INPUTS_MAX];  /* NULL: not wanted; two may be the same, so in order */
    bool           add[NN_INPUTS_MAX]; /* dx[i] += instead of = */
    nn_real       *dw[NN_TENSORS_MAX]; /* NULL: not wanted; may be w[t] */
    nn_real        beta[NN_TENSORS_MAX], alpha;
};

struct nn_layer_kind {
    const char             *name;
    const struct nn_option *options;
    uint32_t                inputs_min, inputs_max;
    uint32_t                size_dims;   /* it takes a size of 1..size_dims numbers, 0: none */
    bool                    draws;       /* it uses call->rng in training */
    bool                    mixes_rows;  /* a row's value depends on the other rows (batch norm) */
    bool                    infers_only; /* it has no useful derivative: no training */
    /* Fills layer->shape; NULL: the shape of the first input. */
    enum pn_status (*shape)(struct nn_layer *layer, const struct nn_layer *const *inputs,
                            struct pn_error *why);
    void (*manifest)(struct nn_manifest *out, struct nn_layer *layer,
                     const struct nn_layer *const *inputs); /* NULL: no tensors */
    /* NULL: none. Sizes are of checked shapes; the sum is checked by the pass. */
    size_t (*keep_bytes)(const struct nn_layer *layer, const struct nn_layer *const *inputs,
                         uint32_t batch, enum nn_mode mode);
    size_t (*scratch_bytes)(const struct nn_layer *layer, const struct nn_layer *const *inputs,
                            uint32_t batch, enum nn_mode mode);
    void (*forward)(const struct nn_call *call);
    void (*backward)(const struct nn_call *call);
    /* Of backward only dw, for units from .. to - 1 (rows of a weight), without scratch: several
     * threads may each take some, and any cut gives the same bits. NULL: dw is of one piece. */
    void (*unit_gradient)(const struct nn_call *call, uint32_t from, uint32_t to);
    /* norm2[b] += |d loss / d (this layer's trainable tensors) by row b alone|^2, from x, y and dy
     * as for backward (security.md, section 3.5). NULL: no tensors, or it mixes rows. */
    void (*row_norms)(const struct nn_call *call, double *norm2);
    /* After a training step: new values of w[t] of theta that no gradient gives (running means),
     * or a projection of those it gave (signs). NULL: none. */
    void (*settle)(const struct nn_call *call, nn_real *const *w);
    /* x from y, for kinds that are bijections; NULL: it is none. */
    void (*inverse)(const struct nn_call *call, nn_real *x);
    /* Floating-point operations of one record's forward (a multiply-add is 2); NULL: one for each
     * number of its value. */
    uint64_t (*flops)(const struct nn_layer *layer, const struct nn_layer *const *inputs);
};

/* dw = alpha g + beta dw, for kinds that have the gradient in an array of its own. */
void nn_blend(nn_real *dw, const nn_real *g, size_t count, nn_real alpha, nn_real beta);
/* dx = g, or dx += g. */
void nn_give(nn_real *dx, const nn_real *g, size_t count, bool add);

struct nn_loss_call {
    const void    *options;
    const nn_real *output, *target, *weight; /* weight may be NULL */
    uint32_t       rows, size;               /* size: of one output */
    nn_real       *gradient;                 /* (rows, size), overwritten; NULL: the value only */
};

struct nn_loss_kind {
    const char             *name;
    const struct nn_option *options;
    /* Checks the output's size and says what a target is. */
    enum pn_status (*check)(const void *options, uint32_t size, const char *layer,
                            struct pn_error *why);
    uint32_t (*target_size)(uint32_t size);
    uint32_t (*class_count)(uint32_t size);
    double (*value)(const struct nn_loss_call *call); /* over all rows, and its gradient */
    void (*scores)(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size);
    /* True if `target` is one: a class number, a label 0..1, a finite number. */
    bool (*accepts)(const void *options, nn_real target, uint32_t size);
};

extern const struct nn_layer_kind nn_input_kind, nn_dense_kind, nn_add_kind;
extern const struct nn_layer_kind nn_relu_kind, nn_leaky_relu_kind, nn_elu_kind, nn_selu_kind,
    nn_sigmoid_kind, nn_tanh_kind, nn_softplus_kind, nn_gelu_kind, nn_silu_kind, nn_identity_kind,
    nn_linear_kind, nn_softmax_kind;
extern const struct nn_layer_kind nn_relu6_kind, nn_hardtanh_kind, nn_hardsigmoid_kind,
    nn_hardswish_kind, nn_softsign_kind, nn_mish_kind, nn_celu_kind, nn_swish_kind, nn_exp_kind,
    nn_log_softmax_kind;
extern const struct nn_loss_kind nn_bce_logits_kind, nn_bce_labels_kind, nn_bce_focal_kind,
    nn_cce_logits_kind, nn_cce_focal_kind, nn_cce_shares_kind, nn_kl_logits_kind, nn_mse_kind,
    nn_half_sse_kind, nn_mae_kind, nn_huber_kind, nn_smooth_l1_kind, nn_quantile_kind,
    nn_poisson_nll_kind, nn_gaussian_nll_kind;
extern const struct nn_layer_kind nn_batch_norm_kind, nn_layer_norm_kind, nn_group_norm_kind,
    nn_dropout_kind, nn_gaussian_noise_kind, nn_concat_kind, nn_slice_kind, nn_multiply_kind,
    nn_scale_kind, nn_threshold_kind, nn_threshold_ste_kind, nn_prelu_kind, nn_monotone_kind,
    nn_tied_kind, nn_coupling_kind, nn_attention_kind, nn_self_attention_kind, nn_position_kind;
extern const struct nn_loss_kind  nn_perceptron_kind;
extern const struct nn_layer_kind nn_rnn_kind, nn_lstm_kind, nn_gru_kind, nn_embedding_kind,
    nn_reverse_kind, nn_last_kind;
extern const struct nn_layer_kind nn_conv1d_kind, nn_conv2d_kind, nn_conv1d_transpose_kind,
    nn_conv2d_transpose_kind;
extern const struct nn_layer_kind nn_maxpool1d_kind, nn_maxpool2d_kind, nn_avgpool1d_kind,
    nn_avgpool2d_kind, nn_adaptive_maxpool_kind, nn_adaptive_avgpool_kind, nn_global_maxpool_kind,
    nn_global_avgpool_kind;
extern const struct nn_layer_kind nn_flatten_kind, nn_reshape_kind, nn_upsample_kind,
    nn_depth_to_space_kind;

extern const struct nn_layer_kind *const nn_layer_kinds[]; /* NULL at the end */
extern const struct nn_loss_kind *const  nn_loss_kinds[];

/* C's functions at our precision. */
#ifdef NN_DOUBLE
#define NN_MATH(name) name
#define NN_R(number) (number)
#else
#define NN_MATH(name) name##f
#define NN_R(number) (number##f)
#endif
#define nn_exp NN_MATH(exp)
#define nn_expm1 NN_MATH(expm1)
#define nn_log NN_MATH(log)
#define nn_log1p NN_MATH(log1p)
#define nn_tanh NN_MATH(tanh)
#define nn_erf NN_MATH(erf)
#define nn_fabs NN_MATH(fabs)
#define nn_pow NN_MATH(pow)
#define nn_sqrt NN_MATH(sqrt)

/* 1 / (1 + e^-x) without overflow: the exponent is never positive. */
static inline nn_real
nn_sigmoid(nn_real x)
{
    nn_real e = nn_exp(-nn_fabs(x));
    return (x >= NN_R(0.0) ? NN_R(1.0) : e) / (NN_R(1.0) + e);
}

/* Softmax of one row, shifted by its maximum; out may be z. Returns max + log(sum e^(z - max)). */
nn_real nn_softmax_row(nn_real *out, const nn_real *z, uint32_t size);

#endif
