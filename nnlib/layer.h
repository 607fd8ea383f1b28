/*
 * nnlib/layer -- what a layer kind and a loss kind are; inside nnlib only.
 *
 * A kind is one struct of functions and one table of options, name included. To add one: write it
 * in a file of its own, declare it below, add it to the table in kinds.c. The parser, the canonical
 * text, the workspace and the passes need no change.
 *
 *     text --options table--> layer->options --shape--> layer->shape --manifest--> tensors, inits
 *     keep_bytes: memory of one layer in one pass, kept from forward to backward
 *     forward:  y    = f(x..., w...)
 *     backward: dx_i = df/dx_i' dy, dw_t = df/dw_t' dy
 *
 * A layer has any number of inputs up to NN_INPUTS_MAX. A value may be the input of several layers:
 * the pass tells each of them whether to overwrite its gradient or to add to it.
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
    uint32_t                    units; /* the size in the text, 0 where there is none */
    struct nn_shape             shape;
    uint32_t                    size; /* product of the shape */
    uint32_t                    first_tensor, tensor_count;
    bool                        learns; /* it or a layer below it has trainable tensors */
    _Alignas(8) unsigned char options[NN_OPTIONS_MAX];
};

struct nn_plan {
    struct nn_layer           *layers; /* in topological order; the input is layer 0 */
    uint32_t                   layer_count;
    struct nn_tensor          *tensors;
    struct nn_init            *inits; /* beside tensors */
    uint32_t                   tensor_count;
    uint64_t                   params;
    const struct nn_loss_kind *loss;
    uint32_t                   output; /* the layer the loss reads */
    bool                       holds;  /* some tensors are FROZEN or BUFFER: no gradient */
    char                       loss_name[NN_LAYER_NAME_MAX + 1];
    _Alignas(8) unsigned char loss_options[NN_OPTIONS_MAX];
    char *text;
};

/* Where `manifest` puts its rows. Fails quietly when there are too many: the plan checks `count`.
 */
struct nn_manifest {
    struct nn_tensor *tensors;
    struct nn_init   *inits;
    uint32_t          count, capacity;
    uint64_t          params;
};
/* Appends tensor `layer.suffix`; offset, count and the layer number are filled in. */
void nn_manifest_add(struct nn_manifest *manifest, const struct nn_layer *layer, const char *suffix,
                     const struct nn_tensor *row, struct nn_init init);

/* One layer's part in one pass. Values are (rows, size) row-major. */
struct nn_call {
    const struct nn_layer *layer;
    uint32_t               rows;
    enum nn_mode           mode;
    void                  *keep; /* keep_bytes of this layer, 64-byte aligned */
    const nn_real         *x[NN_INPUTS_MAX];
    uint32_t               x_size[NN_INPUTS_MAX];
    const nn_real         *w[NN_TENSORS_MAX];
    nn_real               *y;    /* written by forward, read by backward */
    const nn_real         *dy;   /* backward only, like all below */
    nn_real *dx[NN_INPUTS_MAX];  /* NULL: not wanted; two may be the same, so in order */
    bool     add[NN_INPUTS_MAX]; /* dx[i] += instead of = */
    nn_real *dw[NN_TENSORS_MAX]; /* overwritten; NULL: not wanted */
};

struct nn_layer_kind {
    const char             *name;
    const struct nn_option *options;
    uint32_t                inputs_min, inputs_max;
    bool                    sized; /* takes a size after its inputs */
    /* Fills layer->shape; NULL: the shape of the first input. */
    enum pn_status (*shape)(struct nn_layer *layer, const struct nn_layer *const *inputs,
                            struct pn_error *why);
    void (*manifest)(struct nn_manifest *out, const struct nn_layer *layer,
                     const struct nn_layer *const *inputs);             /* NULL: no tensors */
    size_t (*keep_bytes)(const struct nn_layer *layer, uint32_t batch); /* NULL: none */
    void (*forward)(const struct nn_call *call);
    void (*backward)(const struct nn_call *call);
};

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
