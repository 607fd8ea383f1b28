/*
 * A dense layer whose weights have one sign (excitatory or inhibitory inputs): with increasing
 * activations the network is monotone in its inputs (Sill 1998), as credit scoring wants it.
 *
 *     y[b,o]  = sum_i x[b,i] v[o,i] + c[o]       v = w where it has the sign, else 0
 *     dx      = dy v
 *     dw[o,i] = sum_b dy[b,o] x[b,i] where w has the sign or is 0, else 0
 *
 * Any w is allowed, so an aggregate whose rounding went a little below 0 is as monotone as the
 * rest; settle writes v into w after every training step, so what is kept, sent and exported has
 * the sign itself, and so has the mean of several such. A weight that settle put to 0 gets its
 * gradient and can grow again.
 */
#include "nnlib/channels.h"
#include "nnlib/gemm.h"

#include <string.h>

struct options {
    double   scale;
    uint32_t sign, bias, init;
};
_Static_assert(sizeof(struct options) <= NN_OPTIONS_MAX, "options fit");

static const char *const      signs[]  = {"plus", "minus", NULL};
static const char *const      yes_no[] = {"no", "yes", NULL};
static const struct nn_option table[]  = {
     {"sign", "plus", NN_OPTION_WORD, offsetof(struct options, sign), 0, 0, signs},
     {"bias", "yes", NN_OPTION_WORD, offsetof(struct options, bias), 0, 0, yes_no},
     {"init", "he", NN_OPTION_WORD, offsetof(struct options, init), 0, 0, nn_init_names},
     {"scale", "0.01", NN_OPTION_NUMBER, offsetof(struct options, scale), 0, 1e3, NULL},
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
    const struct nn_shape *in = &inputs[0]->shape;
    if (in->dims == 3)
        return pn_error_set(why, PN_ECONFIG, "monotone reads a row of numbers, but %s is %ux%ux%u",
                            inputs[0]->name, in->dim[0], in->dim[1], in->dim[2]);
    layer->shape                            = *in;
    layer->shape.dim[layer->shape.dims - 1] = layer->given.dim[0];
    return PN_OK;
}

static void
manifest(struct nn_manifest *out, struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct options   o   = options_of(layer);
    uint32_t         in  = (uint32_t)nn_channels_of(&inputs[0]->shape).count;
    struct nn_tensor row = {.role    = NN_SHARED,
                            .dims    = 2,
                            .dim     = {layer->given.dim[0], in},
                            .fan_in  = in,
                            .fan_out = layer->given.dim[0],
                            .decay   = true};
    nn_manifest_add(out, layer, "weight", &row,
                    (struct nn_init){.kind = (enum nn_init_kind)o.init, .scale = o.scale});
    if (o.bias == 0)
        return;
    row.dims   = 1;
    row.dim[1] = 0;
    row.decay  = false;
    nn_manifest_add(out, layer, "bias", &row, (struct nn_init){NN_INIT_ZERO, 0});
}

struct view {
    size_t  rows, in, out; /* rows: of all positions */
    nn_real sign;
    bool    bias;
};

static struct view
view_of(const struct nn_call *call)
{
    struct nn_channels c = nn_channels_of(&call->input[0]->shape);
    return (struct view){.rows = call->rows * c.positions,
                         .in   = c.count,
                         .out  = call->layer->given.dim[0],
                         .sign = options_of(call->layer).sign == 0 ? NN_R(1.0) : NN_R(-1.0),
                         .bias = call->layer->tensor_count == 2};
}

static void
project(nn_real *v, const nn_real *w, size_t count, nn_real sign)
{
    for (size_t k = 0; k < count; k++)
        v[k] = sign * w[k] < NN_R(0.0) ? NN_R(0.0) : w[k];
}

/* v, and the gradient by it. */
static size_t
scratch_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
              enum nn_mode mode)
{
    (void)batch;
    return (mode == NN_TRAIN ? 2 : 1) * nn_channels_of(&inputs[0]->shape).count *
           layer->given.dim[0] * sizeof(nn_real);
}

static void
forward(const struct nn_call *call)
{
    struct view view = view_of(call);
    nn_real    *v    = call->scratch;
    project(v, call->w[0], view.in * view.out, view.sign);
    if (view.bias)
        nn_fill_rows(call->y, call->w[1], view.rows, view.out);
    nn_gemm(call->y, view.out, (struct nn_operand){call->x[0], view.in, false},
            (struct nn_operand){v, view.in, true},
            (struct nn_product){view.rows, view.out, view.in, NN_R(1.0),
                                view.bias ? NN_R(1.0) : NN_R(0.0)});
}

/* The gradient of the weights by some rows, without that of weights of the wrong sign. */
static void
weight_gradient(nn_real *g, const struct nn_call *call, const struct view *view, size_t first,
                size_t rows)
{
    nn_gemm(g, view->in, (struct nn_operand){call->dy + first * view->out, view->out, true},
            (struct nn_operand){call->x[0] + first * view->in, view->in, false},
            (struct nn_product){view->out, view->in, rows, NN_R(1.0), NN_R(0.0)});
    for (size_t k = 0; k < view->in * view->out; k++)
        g[k] = view->sign * call->w[0][k] < NN_R(0.0) ? NN_R(0.0) : g[k];
}

static void
backward(const struct nn_call *call)
{
    struct view view = view_of(call);
    nn_real    *v = call->scratch, *g = v + view.in * view.out;
    project(v, call->w[0], view.in * view.out, view.sign);
    if (call->dx[0] != NULL)
        nn_gemm(call->dx[0], view.in, (struct nn_operand){call->dy, view.out, false},
                (struct nn_operand){v, view.in, false},
                (struct nn_product){view.rows, view.in, view.out, NN_R(1.0),
                                    call->add[0] ? NN_R(1.0) : NN_R(0.0)});
    if (call->dw[0] != NULL) {
        weight_gradient(g, call, &view, 0, view.rows);
        nn_blend(call->dw[0], g, view.in * view.out, call->alpha, call->beta[0]);
    }
    if (view.bias && call->dw[1] != NULL)
        nn_sum_rows(call->dw[1], call->dy, view.rows, view.out, call->alpha, call->beta[1]);
}

static void
row_norms(const struct nn_call *call, double *norm2)
{
    struct view view  = view_of(call);
    size_t      steps = view.rows / call->rows;
    nn_real    *g     = (nn_real *)call->scratch + view.in * view.out;
    for (uint32_t b = 0; b < call->rows; b++) {
        weight_gradient(g, call, &view, b * steps, steps);
        norm2[b] += nn_squared(g, view.in * view.out);
        if (!view.bias)
            continue;
        nn_sum_rows(g, call->dy + b * steps * view.out, steps, view.out, NN_R(1.0), NN_R(0.0));
        norm2[b] += nn_squared(g, view.out);
    }
}

static void
settle(const struct nn_call *call, nn_real *const *w)
{
    struct view view = view_of(call);
    project(w[0], w[0], view.in * view.out, view.sign);
}

static uint64_t
flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    return 2 * (uint64_t)layer->size * nn_channels_of(&inputs[0]->shape).count;
}

const struct nn_layer_kind nn_monotone_kind = {.name          = "monotone",
                                               .options       = table,
                                               .inputs_min    = 1,
                                               .inputs_max    = 1,
                                               .size_dims     = 1,
                                               .shape         = shape,
                                               .manifest      = manifest,
                                               .scratch_bytes = scratch_bytes,
                                               .forward       = forward,
                                               .backward      = backward,
                                               .row_norms     = row_norms,
                                               .settle        = settle,
                                               .flops         = flops};
