/*
 * Multi-head self-attention on (T, F), with the projections and names of PyTorch's
 * MultiheadAttention: `self_attention A [LENGTHS]`.
 *
 *     (q, k, v) = x Wi' + ci       in_proj_weight (3F, F), in_proj_bias (3F)
 *     z = attention(q, k, v)       nnlib/attention
 *     y = z Wo' + co               out_proj.weight (F, F), out_proj.bias (F)
 *
 * Lengths hide the keys behind a record's end from every position, as key_padding_mask does; what
 * positions behind the end give is for the loss to leave out.
 */
#include "nnlib/attention.h"
#include "nnlib/gemm.h"

#include <string.h>

struct options {
    uint32_t heads, causal, bias;
};
static const char *const      yes_no[] = {"no", "yes", NULL};
static const struct nn_option table[]  = {
     {"heads", "1", NN_OPTION_COUNT, offsetof(struct options, heads), 1, 1024, NULL},
     {"causal", "no", NN_OPTION_WORD, offsetof(struct options, causal), 0, 0, yes_no},
     {"bias", "yes", NN_OPTION_WORD, offsetof(struct options, bias), 0, 0, yes_no},
     {0}};

static struct options
options_of(const struct nn_layer *layer)
{
    struct options options;
    memcpy(&options, layer->options, sizeof options);
    return options;
}

static enum pn_status
shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    const struct nn_layer *x     = inputs[0];
    uint32_t               heads = options_of(layer).heads;
    if (x->shape.dims != 2)
        return pn_error_set(why, PN_ECONFIG,
                            "self_attention reads positions x features, such as 16x32; %s is not "
                            "of that form",
                            x->name);
    if (x->shape.dim[1] % heads != 0)
        return pn_error_set(why, PN_ECONFIG,
                            "heads: expected a divisor of the %u features of %s, seen %u",
                            x->shape.dim[1], x->name, heads);
    if (layer->input_count == 2 && inputs[1]->size != 1)
        return pn_error_set(why, PN_ECONFIG, "lengths are one number a record, but %s has %u",
                            inputs[1]->name, inputs[1]->size);
    layer->shape = x->shape;
    return nn_attention_check(layer, heads, x->shape.dim[0], why);
}

static void
add_projection(struct nn_manifest *out, struct nn_layer *layer, const char *const *names,
               uint32_t units)
{
    uint32_t         in  = layer->shape.dim[1];
    struct nn_tensor row = {.role    = NN_SHARED,
                            .dims    = 2,
                            .dim     = {units, in},
                            .fan_in  = in,
                            .fan_out = units,
                            .decay   = true};
    nn_manifest_add(out, layer, names[0], &row, (struct nn_init){NN_INIT_XAVIER, 0});
    if (options_of(layer).bias == 0)
        return;
    row.dims   = 1;
    row.dim[1] = 0;
    row.decay  = false;
    nn_manifest_add(out, layer, names[1], &row, (struct nn_init){NN_INIT_ZERO, 0});
}

static void
manifest(struct nn_manifest *out, struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    static const char *const in[]   = {"in_proj_weight", "in_proj_bias"};
    static const char *const last[] = {"out_proj.weight", "out_proj.bias"};
    (void)inputs;
    add_projection(out, layer, in, 3 * layer->shape.dim[1]);
    add_projection(out, layer, last, layer->shape.dim[1]);
}

struct view {
    size_t              steps, width, rows; /* rows: of all positions */
    bool                bias;
    uint32_t            wo; /* number of out_proj.weight among the tensors */
    struct nn_attention a;
    size_t              p; /* shares of one record */
};

static struct view
view_of(const struct nn_layer *layer, size_t records)
{
    struct options o     = options_of(layer);
    size_t         steps = layer->shape.dim[0], width = layer->shape.dim[1];
    return (struct view){.steps = steps,
                         .width = width,
                         .rows  = records * steps,
                         .bias  = o.bias == 1,
                         .wo    = o.bias == 1 ? 2 : 1,
                         .a     = {.heads    = o.heads,
                                   .queries  = steps,
                                   .keys     = steps,
                                   .width    = width / o.heads,
                                   .value    = width / o.heads,
                                   .q_stride = 3 * width,
                                   .k_stride = 3 * width,
                                   .v_stride = 3 * width,
                                   .y_stride = width,
                                   .causal   = o.causal == 1},
                         .p     = o.heads * steps * steps};
}

/* q, k, v (rows, 3F), z (rows, F), P (records, heads, T, T) */
static size_t
keep_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
           enum nn_mode mode)
{
    struct view v = view_of(layer, batch);
    (void)inputs;
    (void)mode;
    return (4 * v.rows * v.width + batch * v.p) * sizeof(nn_real);
}

/* Gradients of q, k, v and of z, then what attention needs. */
static size_t
scratch_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
              enum nn_mode mode)
{
    struct view v = view_of(layer, batch);
    (void)inputs;
    return mode == NN_TRAIN ? (4 * v.rows * v.width + v.steps * v.steps) * sizeof(nn_real) : 0;
}

/* y (rows, out) = x (rows, F) W' + c; c NULL: none. */
static void
project(nn_real *y, const struct view *v, const nn_real *x, const nn_real *w, const nn_real *c,
        size_t out)
{
    if (c != NULL)
        nn_fill_rows(y, c, v->rows, out);
    nn_gemm(
        y, out, (struct nn_operand){x, v->width, false}, (struct nn_operand){w, v->width, true},
        (struct nn_product){v->rows, out, v->width, NN_R(1.0), c != NULL ? NN_R(1.0) : NN_R(0.0)});
}

static void
forward(const struct nn_call *call)
{
    struct view v   = view_of(call->layer, call->rows);
    nn_real    *qkv = call->keep, *z = qkv + 3 * v.rows * v.width, *p = z + v.rows * v.width;
    bool        lengths = call->layer->input_count == 2;
    project(qkv, &v, call->x[0], call->w[0], v.bias ? call->w[1] : NULL, 3 * v.width);
    for (size_t b = 0; b < call->rows; b++) {
        const nn_real *q = qkv + b * v.steps * 3 * v.width;
        nn_attend(&v.a, z + b * v.steps * v.width, p + b * v.p, q, q + v.width, q + 2 * v.width,
                  nn_attention_length(lengths ? call->x[1] + b : NULL, v.steps));
    }
    project(call->y, &v, z, call->w[v.wo], v.bias ? call->w[3] : NULL, v.width);
}

/* The gradient of q, k, v, which is returned: (rows, 3F), in scratch. */
static const nn_real *
descend(const struct nn_call *call, const struct view *v)
{
    const nn_real *qkv = call->keep, *p = qkv + 4 * v->rows * v->width;
    nn_real       *d = call->scratch, *dz = d + 3 * v->rows * v->width;
    nn_gemm(dz, v->width, (struct nn_operand){call->dy, v->width, false},
            (struct nn_operand){call->w[v->wo], v->width, false},
            (struct nn_product){v->rows, v->width, v->width, NN_R(1.0), NN_R(0.0)});
    for (size_t b = 0; b < call->rows; b++) {
        size_t                       at  = b * v->steps * 3 * v->width;
        const nn_real               *q   = qkv + at;
        struct nn_attention_gradient out = {
            .q = d + at, .k = d + at + v->width, .v = d + at + 2 * v->width};
        nn_attend_back(&v->a, &out, dz + v->rows * v->width, dz + b * v->steps * v->width,
                       p + b * v->p, q, q + v->width, q + 2 * v->width);
    }
    return d;
}

/* dW (out, F) and dc of one projection, from its input and the gradient of its value. */
static void
project_back(const struct nn_call *call, const struct view *v, uint32_t t, const nn_real *x,
             const nn_real *d, size_t out)
{
    if (call->dw[t] == NULL)
        return;
    nn_gemm(call->dw[t], v->width, (struct nn_operand){d, out, true},
            (struct nn_operand){x, v->width, false},
            (struct nn_product){out, v->width, v->rows, call->alpha, call->beta[t]});
    if (v->bias)
        nn_sum_rows(call->dw[t + 1], d, v->rows, out, call->alpha, call->beta[t + 1]);
}

static void
backward(const struct nn_call *call)
{
    struct view    v = view_of(call->layer, call->rows);
    const nn_real *z = (const nn_real *)call->keep + 3 * v.rows * v.width;
    const nn_real *d = descend(call, &v);
    if (call->dx[0] != NULL)
        nn_gemm(call->dx[0], v.width, (struct nn_operand){d, 3 * v.width, false},
                (struct nn_operand){call->w[0], v.width, false},
                (struct nn_product){v.rows, v.width, 3 * v.width, NN_R(1.0),
                                    call->add[0] ? NN_R(1.0) : NN_R(0.0)});
    if (call->layer->input_count == 2 && call->dx[1] != NULL && !call->add[1])
        memset(call->dx[1], 0, call->rows * sizeof(nn_real));
    project_back(call, &v, v.wo, z, call->dy, v.width);
    project_back(call, &v, 0, call->x[0], d, 3 * v.width);
}

static void
row_norms(const struct nn_call *call, double *norm2)
{
    struct view    v    = view_of(call->layer, call->rows);
    size_t         step = v.steps * v.width;
    const nn_real *z    = (const nn_real *)call->keep + 3 * v.rows * v.width;
    const nn_real *d    = descend(call, &v);
    for (uint32_t b = 0; b < call->rows; b++)
        norm2[b] +=
            nn_row_norm(call->x[0] + b * step, d + b * 3 * step, v.steps, v.width, 3 * v.width,
                        v.bias) +
            nn_row_norm(z + b * step, call->dy + b * step, v.steps, v.width, v.width, v.bias);
}

static uint64_t
flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct view v = view_of(layer, 1);
    (void)inputs;
    return 2 * (uint64_t)v.steps * v.width * (4 * v.width + 2 * v.steps);
}

const struct nn_layer_kind nn_self_attention_kind = {.name          = "self_attention",
                                                     .options       = table,
                                                     .inputs_min    = 1,
                                                     .inputs_max    = 2,
                                                     .shape         = shape,
                                                     .manifest      = manifest,
                                                     .keep_bytes    = keep_bytes,
                                                     .scratch_bytes = scratch_bytes,
                                                     .forward       = forward,
                                                     .backward      = backward,
                                                     .row_norms     = row_norms,
                                                     .flops         = flops};
