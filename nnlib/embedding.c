/*
 * y[b,t,:] = w[x[b,t],:]         w (entries, numbers), x whole numbers 0..entries-1
 * dw[v,:]  = sum of dy[b,t,:] where x[b,t] = v
 * The same as one-hot records times w. A number that names no entry makes NaN, so that it is seen.
 */
#include "nnlib/sequence.h"

#include <string.h>

struct options {
    double   scale;
    uint32_t init, role;
};
_Static_assert(sizeof(struct options) <= NN_OPTIONS_MAX, "options fit");

static const char *const      roles[] = {"shared", "local", "frozen", NULL};
static const struct nn_option table[] = {
    {"init", "random", NN_OPTION_WORD, offsetof(struct options, init), 0, 0, nn_init_names},
    {"scale", "1", NN_OPTION_NUMBER, offsetof(struct options, scale), 0, 1e3, NULL},
    {"role", "shared", NN_OPTION_WORD, offsetof(struct options, role), 0, 0, roles},
    {0}};

static enum pn_status
shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    const struct nn_shape *in = &inputs[0]->shape;
    if (layer->given.dims != 2)
        return pn_error_set(why, PN_ECONFIG,
                            "expected the size of the table, entries x numbers of each, such as "
                            "`%s = embedding %s 65x64`",
                            layer->name, inputs[0]->name);
    if (in->dims == 3 || (in->dims == 2 && in->dim[1] != 1))
        return pn_error_set(why, PN_ECONFIG,
                            "embedding reads one entry's number at each step, such as `input 40`, "
                            "but %s has %u numbers at each",
                            inputs[0]->name, inputs[0]->size / in->dim[0]);
    layer->shape = (struct nn_shape){.dims = 2, .dim = {in->dim[0], layer->given.dim[1]}};
    return PN_OK;
}

static void
manifest(struct nn_manifest *out, struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    static const enum nn_role kinds[] = {NN_SHARED, NN_LOCAL, NN_FROZEN};
    struct options            o;
    (void)inputs;
    memcpy(&o, layer->options, sizeof o);
    struct nn_tensor row = {.role    = kinds[o.role],
                            .dims    = 2,
                            .dim     = {layer->given.dim[0], layer->given.dim[1]},
                            .fan_in  = layer->given.dim[0],
                            .fan_out = layer->given.dim[1],
                            .decay   = true};
    nn_manifest_add(out, layer, "weight", &row,
                    (struct nn_init){(enum nn_init_kind)o.init, o.scale});
}

static bool
entry_of(uint32_t *out, const struct nn_call *call, size_t place)
{
    return nn_whole(out, call->x[0][place], call->layer->given.dim[0] - 1);
}

static void
forward(const struct nn_call *call)
{
    size_t size = call->layer->given.dim[1], places = call->rows * (size_t)call->input[0]->size;
    for (size_t p = 0; p < places; p++) {
        nn_real *y = call->y + p * size;
        uint32_t v;
        if (entry_of(&v, call, p))
            memcpy(y, call->w[0] + v * size, size * sizeof *y);
        else
            for (size_t k = 0; k < size; k++)
                y[k] = (nn_real)NAN;
    }
}

/* dw = alpha sum + beta dw: first all of beta dw, then every place adds its part. */
static void
backward(const struct nn_call *call)
{
    size_t   size = call->layer->given.dim[1], places = call->rows * (size_t)call->input[0]->size;
    size_t   count = call->layer->given.dim[0] * size;
    nn_real *dw    = call->dw[0];
    if (call->dx[0] != NULL && !call->add[0])
        memset(call->dx[0], 0, places * sizeof *call->dx[0]);
    if (dw == NULL)
        return;
    if (call->beta[0] == NN_R(0.0))
        memset(dw, 0, count * sizeof *dw);
    else if (call->beta[0] != NN_R(1.0))
        for (size_t k = 0; k < count; k++)
            dw[k] *= call->beta[0];
    for (size_t p = 0; p < places; p++) {
        const nn_real *dy = call->dy + p * size;
        uint32_t       v;
        if (entry_of(&v, call, p))
            for (size_t k = 0; k < size; k++)
                dw[v * size + k] += call->alpha * dy[k];
    }
}

/* Sum over entries of |sum of dy where the entry stands|^2, as a sum over pairs of places. */
static void
row_norms(const struct nn_call *call, double *norm2)
{
    size_t         size = call->layer->given.dim[1], steps = call->input[0]->size;
    struct options o;
    memcpy(&o, call->layer->options, sizeof o);
    for (size_t b = 0; o.role != 2 && b < call->rows; b++)
        for (size_t s = 0; s < steps; s++)
            for (size_t t = 0; t <= s; t++) {
                const nn_real *x = call->dy + (b * steps + s) * size;
                const nn_real *y = call->dy + (b * steps + t) * size;
                uint32_t       v, w;
                double         both = 0;
                if (!entry_of(&v, call, b * steps + s) || !entry_of(&w, call, b * steps + t) ||
                    v != w)
                    continue;
                for (size_t k = 0; k < size; k++)
                    both += (double)x[k] * (double)y[k];
                norm2[b] += s == t ? both : 2 * both;
            }
}

const struct nn_layer_kind nn_embedding_kind = {.name       = "embedding",
                                                .options    = table,
                                                .inputs_min = 1,
                                                .inputs_max = 1,
                                                .size_dims  = 2,
                                                .shape      = shape,
                                                .manifest   = manifest,
                                                .forward    = forward,
                                                .backward   = backward,
                                                .row_norms  = row_norms};
