#include "nnlib/attention.h"

#include "nnlib/channels.h"
#include "nnlib/gemm.h"

#include <string.h>

/* ---- one record ---- */

/* Rows of scores become shares of what their position sees. */
static void
share_out(nn_real *p, const struct nn_attention *a, size_t length)
{
    for (size_t t = 0; t < a->queries; t++, p += a->keys) {
        size_t seen = a->causal && t + 1 < length ? t + 1 : length;
        if (seen > 0)
            (void)nn_softmax_row(p, p, (uint32_t)seen);
        memset(p + seen, 0, (a->keys - seen) * sizeof *p);
    }
}

void
nn_attend(const struct nn_attention *a, nn_real *y, nn_real *p, const nn_real *q, const nn_real *k,
          const nn_real *v, size_t length)
{
    nn_real scale = NN_R(1.0) / nn_sqrt((nn_real)a->width);
    for (size_t h = 0; h < a->heads; h++, p += a->queries * a->keys) {
        nn_gemm(p, a->keys, (struct nn_operand){q + h * a->width, a->q_stride, false},
                (struct nn_operand){k + h * a->width, a->k_stride, true},
                (struct nn_product){a->queries, a->keys, a->width, scale, NN_R(0.0)});
        share_out(p, a, length);
        nn_gemm(y + h * a->value, a->y_stride, (struct nn_operand){p, a->keys, false},
                (struct nn_operand){v + h * a->value, a->v_stride, false},
                (struct nn_product){a->queries, a->value, a->keys, NN_R(1.0), NN_R(0.0)});
    }
}

/* From dP to the gradient of the scores, row by row: p (dp - sum p dp). */
static void
share_back(nn_real *d, const nn_real *p, const struct nn_attention *a)
{
    for (size_t t = 0; t < a->queries; t++, d += a->keys, p += a->keys) {
        nn_real mean = nn_sum_product(p, d, NN_R(0.0), a->keys);
        for (size_t s = 0; s < a->keys; s++)
            d[s] = p[s] * (d[s] - mean);
    }
}

static nn_real
beta_of(bool add)
{
    return add ? NN_R(1.0) : NN_R(0.0);
}

void
nn_attend_back(const struct nn_attention *a, const struct nn_attention_gradient *out,
               nn_real *scratch, const nn_real *dy, const nn_real *p, const nn_real *q,
               const nn_real *k, const nn_real *v)
{
    nn_real *d = scratch, scale = NN_R(1.0) / nn_sqrt((nn_real)a->width);
    for (size_t h = 0; h < a->heads; h++, p += a->queries * a->keys) {
        size_t own = h * a->width, value = h * a->value;
        nn_gemm(d, a->keys, (struct nn_operand){dy + value, a->y_stride, false},
                (struct nn_operand){v + value, a->v_stride, true},
                (struct nn_product){a->queries, a->keys, a->value, NN_R(1.0), NN_R(0.0)});
        share_back(d, p, a);
        if (out->q != NULL)
            nn_gemm(out->q + own, a->q_stride, (struct nn_operand){d, a->keys, false},
                    (struct nn_operand){k + own, a->k_stride, false},
                    (struct nn_product){a->queries, a->width, a->keys, scale, beta_of(out->add_q)});
        if (out->k != NULL)
            nn_gemm(out->k + own, a->k_stride, (struct nn_operand){d, a->keys, true},
                    (struct nn_operand){q + own, a->q_stride, false},
                    (struct nn_product){a->keys, a->width, a->queries, scale, beta_of(out->add_k)});
        if (out->v != NULL)
            nn_gemm(
                out->v + value, a->v_stride, (struct nn_operand){p, a->keys, true},
                (struct nn_operand){dy + value, a->y_stride, false},
                (struct nn_product){a->keys, a->value, a->queries, NN_R(1.0), beta_of(out->add_v)});
    }
}

enum pn_status
nn_attention_check(const struct nn_layer *layer, uint32_t heads, uint32_t keys,
                   struct pn_error *why)
{
    uint64_t queries = (uint64_t)heads * layer->shape.dim[0]; /* each below 2^24 */
    if (queries <= NN_SIZE_MAX / keys)
        return PN_OK;
    return pn_error_set(why, PN_ECONFIG,
                        "expected at most %u pairs of positions a record over all heads, %s has "
                        "more; make it shorter",
                        NN_SIZE_MAX, layer->name);
}

/* ---- the layer: attention Q K V [LENGTHS] ---- */

struct options {
    uint32_t heads, causal;
};
static const char *const      yes_no[] = {"no", "yes", NULL};
static const struct nn_option table[]  = {
     {"heads", "1", NN_OPTION_COUNT, offsetof(struct options, heads), 1, 1024, NULL},
     {"causal", "no", NN_OPTION_WORD, offsetof(struct options, causal), 0, 0, yes_no},
     {0}};

static struct options
options_of(const struct nn_layer *layer)
{
    struct options options;
    memcpy(&options, layer->options, sizeof options);
    return options;
}

static enum pn_status
check_heads(const struct nn_layer *input, uint32_t heads, struct pn_error *why)
{
    if (input->shape.dims != 2)
        return pn_error_set(why, PN_ECONFIG,
                            "attention reads positions x features, such as 16x32; %s is not of "
                            "that form",
                            input->name);
    if (input->shape.dim[1] % heads != 0)
        return pn_error_set(why, PN_ECONFIG,
                            "heads: expected a divisor of the %u features of %s, seen %u",
                            input->shape.dim[1], input->name, heads);
    return PN_OK;
}

static enum pn_status
shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    struct options         o = options_of(layer);
    const struct nn_shape *q = &inputs[0]->shape, *k = &inputs[1]->shape, *v = &inputs[2]->shape;
    enum pn_status         st = PN_OK;
    for (uint32_t i = 0; st == PN_OK && i < 3; i++)
        st = check_heads(inputs[i], o.heads, why);
    if (st != PN_OK)
        return st;
    if (q->dim[1] != k->dim[1])
        return pn_error_set(why, PN_ECONFIG,
                            "queries and keys need as many features, but %s has %u and %s has %u",
                            inputs[0]->name, q->dim[1], inputs[1]->name, k->dim[1]);
    if (k->dim[0] != v->dim[0] || (o.causal == 1 && q->dim[0] != k->dim[0]))
        return pn_error_set(
            why, PN_ECONFIG, "expected a value for each key%s: %s has %u positions, %s %u, %s %u",
            o.causal == 1 ? ", and with causal=yes as many queries" : "", inputs[0]->name,
            q->dim[0], inputs[1]->name, k->dim[0], inputs[2]->name, v->dim[0]);
    if (layer->input_count == 4 && inputs[3]->size != 1)
        return pn_error_set(why, PN_ECONFIG, "lengths are one number a record, but %s has %u",
                            inputs[3]->name, inputs[3]->size);
    layer->shape        = *q;
    layer->shape.dim[1] = v->dim[1];
    return nn_attention_check(layer, o.heads, k->dim[0], why);
}

static struct nn_attention
attention_of(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct options o     = options_of(layer);
    size_t         width = inputs[0]->shape.dim[1], value = inputs[2]->shape.dim[1];
    return (struct nn_attention){.heads    = o.heads,
                                 .queries  = inputs[0]->shape.dim[0],
                                 .keys     = inputs[1]->shape.dim[0],
                                 .width    = width / o.heads,
                                 .value    = value / o.heads,
                                 .q_stride = width,
                                 .k_stride = width,
                                 .v_stride = value,
                                 .y_stride = value,
                                 .causal   = o.causal == 1};
}

static size_t
keep_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
           enum nn_mode mode)
{
    struct nn_attention a = attention_of(layer, inputs);
    (void)mode;
    return batch * a.heads * a.queries * a.keys * sizeof(nn_real);
}

static size_t
scratch_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
              enum nn_mode mode)
{
    struct nn_attention a = attention_of(layer, inputs);
    (void)batch;
    return mode == NN_TRAIN ? a.queries * a.keys * sizeof(nn_real) : 0;
}

static void
forward(const struct nn_call *call)
{
    struct nn_attention a = attention_of(call->layer, call->input);
    size_t              q = call->input[0]->size, k = call->input[1]->size;
    size_t              v = call->input[2]->size, p = a.heads * a.queries * a.keys;
    bool                lengths = call->layer->input_count == 4;
    for (uint32_t b = 0; b < call->rows; b++)
        nn_attend(&a, call->y + b * call->layer->size, (nn_real *)call->keep + b * p,
                  call->x[0] + b * q, call->x[1] + b * k, call->x[2] + b * v,
                  nn_attention_length(lengths ? call->x[3] + b : NULL, a.keys));
}

static nn_real *
row_of(nn_real *dx, size_t at)
{
    return dx != NULL ? dx + at : NULL;
}

static void
backward(const struct nn_call *call)
{
    struct nn_attention a = attention_of(call->layer, call->input);
    size_t              q = call->input[0]->size, k = call->input[1]->size;
    size_t              v = call->input[2]->size, p = a.heads * a.queries * a.keys;
    for (uint32_t b = 0; b < call->rows; b++) {
        struct nn_attention_gradient out = {row_of(call->dx[0], b * q),
                                            row_of(call->dx[1], b * k),
                                            row_of(call->dx[2], b * v),
                                            call->add[0],
                                            call->add[1],
                                            call->add[2]};
        nn_attend_back(&a, &out, call->scratch, call->dy + b * call->layer->size,
                       (const nn_real *)call->keep + b * p, call->x[0] + b * q, call->x[1] + b * k,
                       call->x[2] + b * v);
    }
    if (call->layer->input_count == 4 && call->dx[3] != NULL && !call->add[3])
        memset(call->dx[3], 0, call->rows * sizeof(nn_real));
}

static uint64_t
flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct nn_attention a = attention_of(layer, inputs);
    return 2 * (uint64_t)a.heads * a.queries * a.keys * (a.width + a.value);
}

const struct nn_layer_kind nn_attention_kind = {.name          = "attention",
                                                .options       = table,
                                                .inputs_min    = 3,
                                                .inputs_max    = 4,
                                                .shape         = shape,
                                                .keep_bytes    = keep_bytes,
                                                .scratch_bytes = scratch_bytes,
                                                .forward       = forward,
                                                .backward      = backward,
                                                .flops         = flops};
