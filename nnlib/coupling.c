/*
 * An affine coupling layer (Dinh et al. 2017, RealNVP): a bijection with an inverse as cheap as
 * itself. One half a of the numbers stays; the other, b, is scaled and shifted by a small network
 * of a, SIZE hidden units wide:
 *
 *     h = tanh(W0 a + c0)        (s, t) = W2 h + c2
 *     y_a = a                    y_b = b exp(tanh s) + t
 *     b = (y_b - t) exp(-tanh s)
 *
 * tanh keeps the scale within 1/e .. e, so that the inverse loses no precision. half=second (the
 * default) changes the second half, half=first the first; two layers, one of each, change all.
 * W2 and c2 start at 0: a new layer is the identity.
 */
#include "nnlib/channels.h"
#include "nnlib/gemm.h"

#include <string.h>

static const char *const      halves[] = {"second", "first", NULL};
static const struct nn_option table[]  = {{"half", "second", NN_OPTION_WORD, 0, 0, 0, halves}, {0}};

struct view { /* of a record: `still` numbers from a on, `moved` numbers from b on */
    size_t rows, size, still, moved, a, b, hidden;
};

static struct view
view_of(const struct nn_layer *layer, size_t rows)
{
    uint32_t half;
    size_t   front = layer->size / 2;
    memcpy(&half, layer->options, sizeof half);
    struct view view = {.rows = rows, .size = layer->size, .hidden = layer->given.dim[0]};
    view.moved       = half == 1 ? front : view.size - front;
    view.still       = view.size - view.moved;
    view.a           = half == 1 ? front : 0;
    view.b           = half == 1 ? 0 : front;
    return view;
}

static enum pn_status
shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    if (inputs[0]->shape.dims != 1 || inputs[0]->size < 2)
        return pn_error_set(why, PN_ECONFIG,
                            "coupling reads a row of two numbers or more, %s is none",
                            inputs[0]->name);
    layer->shape = inputs[0]->shape;
    return PN_OK;
}

static void
add_dense(struct nn_manifest *out, struct nn_layer *layer, const char *const *names, size_t units,
          size_t in, enum nn_init_kind init)
{
    struct nn_tensor row = {.role    = NN_SHARED,
                            .dims    = 2,
                            .dim     = {(uint32_t)units, (uint32_t)in},
                            .fan_in  = (uint32_t)in,
                            .fan_out = (uint32_t)units,
                            .decay   = true};
    nn_manifest_add(out, layer, names[0], &row, (struct nn_init){init, 0});
    row.dims   = 1;
    row.dim[1] = 0;
    row.decay  = false;
    nn_manifest_add(out, layer, names[1], &row, (struct nn_init){NN_INIT_ZERO, 0});
}

static void
manifest(struct nn_manifest *out, struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    (void)inputs;
    static const char *const first[] = {"0.weight", "0.bias"}, *const last[] = {"2.weight",
                                                                                "2.bias"};
    struct view view = view_of(layer, 1);
    add_dense(out, layer, first, view.hidden, view.still, NN_INIT_XAVIER);
    add_dense(out, layer, last, 2 * view.moved, view.hidden, NN_INIT_ZERO);
}

/* h (rows, hidden), then (tanh s, t) (rows, 2 moved). */
static size_t
net_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
          enum nn_mode mode)
{
    struct view view = view_of(layer, 1);
    (void)inputs;
    (void)mode;
    return (size_t)batch * (view.hidden + 2 * view.moved) * sizeof(nn_real);
}

/* The small network, from a record's still half at `from`, which x and y have in common. */
static void
run_net(const struct nn_call *call, const struct view *v, const nn_real *from)
{
    nn_real *h = call->keep, *st = h + v->rows * v->hidden;
    nn_fill_rows(h, call->w[1], v->rows, v->hidden);
    nn_gemm(h, v->hidden, (struct nn_operand){from + v->a, v->size, false},
            (struct nn_operand){call->w[0], v->still, true},
            (struct nn_product){v->rows, v->hidden, v->still, NN_R(1.0), NN_R(1.0)});
    for (size_t k = 0; k < v->rows * v->hidden; k++)
        h[k] = nn_tanh(h[k]);
    nn_fill_rows(st, call->w[3], v->rows, 2 * v->moved);
    nn_gemm(st, 2 * v->moved, (struct nn_operand){h, v->hidden, false},
            (struct nn_operand){call->w[2], v->hidden, true},
            (struct nn_product){v->rows, 2 * v->moved, v->hidden, NN_R(1.0), NN_R(1.0)});
    for (size_t r = 0; r < v->rows; r++)
        for (size_t k = 0; k < v->moved; k++)
            st[r * 2 * v->moved + k] = nn_tanh(st[r * 2 * v->moved + k]);
}

static void
forward(const struct nn_call *call)
{
    struct view    v  = view_of(call->layer, call->rows);
    const nn_real *st = (const nn_real *)call->keep + v.rows * v.hidden, *x = call->x[0];
    nn_real       *y = call->y;
    run_net(call, &v, x);
    for (size_t r = 0; r < v.rows; r++, x += v.size, y += v.size, st += 2 * v.moved) {
        memcpy(y + v.a, x + v.a, v.still * sizeof *y);
        for (size_t k = 0; k < v.moved; k++)
            y[v.b + k] = x[v.b + k] * nn_exp(st[k]) + st[v.moved + k];
    }
}

static void
inverse(const struct nn_call *call, nn_real *x)
{
    struct view    v  = view_of(call->layer, call->rows);
    const nn_real *st = (const nn_real *)call->keep + v.rows * v.hidden, *y = call->y;
    run_net(call, &v, y);
    for (size_t r = 0; r < v.rows; r++, x += v.size, y += v.size, st += 2 * v.moved) {
        memcpy(x + v.a, y + v.a, v.still * sizeof *x);
        for (size_t k = 0; k < v.moved; k++)
            x[v.b + k] = (y[v.b + k] - st[v.moved + k]) * nn_exp(-st[k]);
    }
}

/* The gradients behind the network's layers: dh (rows, hidden), then dst (rows, 2 moved). */
static void
descend_net(const struct nn_call *call, const struct view *v)
{
    const nn_real *h = call->keep, *st = h + v->rows * v->hidden;
    nn_real       *dh = call->scratch, *dst = dh + v->rows * v->hidden;
    for (size_t r = 0; r < v->rows; r++) {
        const nn_real *x = call->x[0] + r * v->size + v->b, *dy = call->dy + r * v->size + v->b;
        size_t         at = r * 2 * v->moved;
        for (size_t k = 0; k < v->moved; k++) {
            nn_real s              = st[at + k];
            dst[at + k]            = dy[k] * x[k] * nn_exp(s) * (NN_R(1.0) - s * s);
            dst[at + v->moved + k] = dy[k];
        }
    }
    nn_gemm(dh, v->hidden, (struct nn_operand){dst, 2 * v->moved, false},
            (struct nn_operand){call->w[2], v->hidden, false},
            (struct nn_product){v->rows, v->hidden, 2 * v->moved, NN_R(1.0), NN_R(0.0)});
    for (size_t k = 0; k < v->rows * v->hidden; k++)
        dh[k] *= NN_R(1.0) - h[k] * h[k];
}

static void
give(const struct nn_call *call, const struct view *v)
{
    const nn_real *st = (const nn_real *)call->keep + v->rows * v->hidden, *dh = call->scratch;
    for (size_t r = 0; r < v->rows; r++, st += 2 * v->moved) {
        const nn_real *dy = call->dy + r * v->size;
        nn_real       *dx = call->dx[0] + r * v->size;
        nn_give(dx + v->a, dy + v->a, v->still, call->add[0]);
        for (size_t k = 0; k < v->moved; k++) {
            nn_real d    = dy[v->b + k] * nn_exp(st[k]);
            dx[v->b + k] = call->add[0] ? dx[v->b + k] + d : d;
        }
    }
    nn_gemm(call->dx[0] + v->a, v->size, (struct nn_operand){dh, v->hidden, false},
            (struct nn_operand){call->w[0], v->still, false},
            (struct nn_product){v->rows, v->still, v->hidden, NN_R(1.0), NN_R(1.0)});
}

static void
backward(const struct nn_call *call)
{
    struct view    v = view_of(call->layer, call->rows);
    const nn_real *h = call->keep, *dh = call->scratch, *dst = dh + v.rows * v.hidden;
    descend_net(call, &v);
    if (call->dx[0] != NULL)
        give(call, &v);
    if (call->dw[0] == NULL)
        return;
    nn_gemm(call->dw[0], v.still, (struct nn_operand){dh, v.hidden, true},
            (struct nn_operand){call->x[0] + v.a, v.size, false},
            (struct nn_product){v.hidden, v.still, v.rows, call->alpha, call->beta[0]});
    nn_sum_rows(call->dw[1], dh, v.rows, v.hidden, call->alpha, call->beta[1]);
    nn_gemm(call->dw[2], v.hidden, (struct nn_operand){dst, 2 * v.moved, true},
            (struct nn_operand){h, v.hidden, false},
            (struct nn_product){2 * v.moved, v.hidden, v.rows, call->alpha, call->beta[2]});
    nn_sum_rows(call->dw[3], dst, v.rows, 2 * v.moved, call->alpha, call->beta[3]);
}

static void
row_norms(const struct nn_call *call, double *norm2)
{
    struct view    v = view_of(call->layer, call->rows);
    const nn_real *h = call->keep, *dh = call->scratch, *dst = dh + v.rows * v.hidden;
    descend_net(call, &v);
    for (uint32_t b = 0; b < call->rows; b++)
        norm2[b] +=
            nn_row_norm(call->x[0] + b * v.size + v.a, dh + b * v.hidden, 1, v.still, v.hidden,
                        true) +
            nn_row_norm(h + b * v.hidden, dst + b * 2 * v.moved, 1, v.hidden, 2 * v.moved, true);
}

static uint64_t
flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct view v = view_of(layer, 1);
    (void)inputs;
    return 2 * (uint64_t)v.hidden * (v.still + 2 * v.moved) + 2 * v.moved;
}

const struct nn_layer_kind nn_coupling_kind = {.name          = "coupling",
                                               .options       = table,
                                               .inputs_min    = 1,
                                               .inputs_max    = 1,
                                               .size_dims     = 1,
                                               .shape         = shape,
                                               .manifest      = manifest,
                                               .keep_bytes    = net_bytes,
                                               .scratch_bytes = net_bytes,
                                               .forward       = forward,
                                               .backward      = backward,
                                               .row_norms     = row_norms,
                                               .inverse       = inverse,
                                               .flops         = flops};
