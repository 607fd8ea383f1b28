/* A part of a plan forward and backward, and a look at any value. */
#include "nnlib/pass_inside.h"

#include <string.h>

/* ---- parts of a plan ---- */

static enum pn_status
find_layer(uint32_t *out, const struct nn_plan *plan, const char *name, struct pn_error *why)
{
    for (uint32_t i = 0; i < plan->layer_count; i++)
        if (strcmp(plan->layers[i].name, name) == 0) {
            *out = i;
            return PN_OK;
        }
    return pn_error_set(why, PN_ENOENT, "the model has no layer named '%.64s'", name);
}

enum pn_status
nn_range_find(struct nn_range *out, const struct nn_plan *plan, const char *from, const char *to,
              struct pn_error *why)
{
    struct nn_range range = {.from = plan->input_count - 1, .to = plan->losses[0].layer};
    enum pn_status  st    = from != NULL ? find_layer(&range.from, plan, from, why) : PN_OK;
    if (st == PN_OK && to != NULL)
        st = find_layer(&range.to, plan, to, why);
    if (st != PN_OK)
        return st;
    if (from == NULL && plan->input_count > 1)
        return pn_error_set(why, PN_ECONFIG,
                            "a part that begins at several inputs has no one value to start from; "
                            "name the layer it begins behind");
    if (range.to <= range.from)
        return pn_error_set(why, PN_ECONFIG, "expected '%s' above '%s' in the model's text",
                            plan->layers[range.from].name, plan->layers[range.to].name);
    for (uint32_t i = range.from + 1; i <= range.to; i++)
        for (uint32_t k = 0; k < plan->layers[i].input_count; k++)
            if (plan->layers[i].inputs[k] < range.from)
                return pn_error_set(why, PN_ECONFIG,
                                    "the model cannot be cut at '%s': '%s' also uses '%s'",
                                    plan->layers[range.from].name, plan->layers[i].name,
                                    plan->layers[plan->layers[i].inputs[k]].name);
    *out = range;
    return PN_OK;
}

const nn_real *
nn_forward_range(struct nn_pass *pass, const nn_real *theta, struct nn_range range,
                 const nn_real *x, uint32_t rows)
{
    PN_ASSERT(rows >= 1 && rows <= pass->batch);
    struct part *from = &pass->parts[range.from];
    pass->rows        = rows;
    if (pass_is_borrowed(pass->plan, range.from))
        from->value = (nn_real *)(uintptr_t)x; /* SAFE: nothing writes to the value of an input */
    else
        memcpy(from->value, x, (size_t)rows * pass->plan->layers[range.from].size * sizeof *x);
    pass_run_forward(pass, theta, range.from + 1, range.to);
    return pass->parts[range.to].value;
}

void
nn_backward_range(struct nn_pass *pass, nn_real *grad, nn_real *dx, const nn_real *theta,
                  struct nn_range range, const nn_real *dout)
{
    const struct nn_plan *plan = pass->plan;
    struct sink           sink = sink_of(grad, NN_R(1.0), NN_R(0.0));
    struct part          *from = &pass->parts[range.from], *to = &pass->parts[range.to];
    size_t                row_count = pass->rows;
    PN_ASSERT(pass->mode == NN_TRAIN && pass->rows > 0);
    pass_begin_backward(pass, range.from, dx != NULL);
    memcpy(to->delta, dout, row_count * plan->layers[range.to].size * sizeof *dout);
    to->touched  = true;
    from->wanted = dx != NULL;
    if (pass_is_borrowed(plan, range.from))
        from->delta = dx;
    pass_run_backward(pass, &sink, theta, range.from, range.to);
    if (dx != NULL && !pass_is_borrowed(plan, range.from))
        memcpy(dx, from->delta, row_count * plan->layers[range.from].size * sizeof *dx);
}

enum pn_status
nn_invert_range(struct nn_pass *pass, nn_real *x, const nn_real *theta, struct nn_range range,
                const nn_real *y, uint32_t rows)
{
    const struct nn_layer *layers = pass->plan->layers;
    PN_ASSERT(rows >= 1 && rows <= pass->batch);
    for (uint32_t i = range.to; i != range.from; i = layers[i].inputs[0])
        if (layers[i].kind->inverse == NULL || layers[i].input_count != 1)
            return PN_ESTATE;
    pass->rows = rows;
    memcpy(pass->parts[range.to].value, y, (size_t)rows * layers[range.to].size * sizeof *y);
    for (uint32_t i = range.to; i != range.from; i = layers[i].inputs[0]) {
        struct nn_call call;
        uint32_t       below = layers[i].inputs[0];
        pass_begin_call(&call, pass, theta, i);
        layers[i].kind->inverse(&call, below == range.from ? x : pass->parts[below].value);
    }
    return PN_OK;
}

/* ---- looking inside ---- */

const nn_real *
nn_tap(const struct nn_pass *pass, const char *layer, uint32_t *size)
{
    struct pn_error unused;
    uint32_t        i = 0;
    if (pass->rows == 0 || find_layer(&i, pass->plan, layer, &unused) != PN_OK)
        return NULL;
    *size = pass->plan->layers[i].size;
    return pass->parts[i].value;
}

const nn_real *
nn_tap_gradient(const struct nn_pass *pass, const char *layer, uint32_t *size)
{
    struct pn_error unused;
    uint32_t        i = 0;
    if (pass->mode != NN_TRAIN || find_layer(&i, pass->plan, layer, &unused) != PN_OK ||
        !pass->parts[i].touched)
        return NULL;
    *size = pass->plan->layers[i].size;
    return pass->parts[i].delta;
}

const char *
nn_first_not_finite(const struct nn_pass *pass)
{
    for (uint32_t i = 0; pass->rows > 0 && i < pass->plan->layer_count; i++) {
        const struct nn_layer *layer = &pass->plan->layers[i];
        size_t                 count = (size_t)pass->rows * layer->size;
        for (size_t k = 0; k < count; k++)
            if (!isfinite(pass->parts[i].value[k]))
                return layer->name;
    }
    return NULL;
}
