#include "nnlib/pool.h"

#include <string.h>

const char *const nn_pool_no_yes[] = {"no", "yes", NULL};

static enum pn_status
check_input(const struct nn_layer *layer, const struct nn_layer *input, enum nn_pool_form form,
            struct pn_error *why)
{
    uint32_t dims = input->shape.dims;
    if (form == NN_POOL_IMAGE ? dims == 3 : form == NN_POOL_SEQUENCE ? dims == 2 : dims >= 2)
        return PN_OK;
    return pn_error_set(why, PN_ECONFIG,
                        "%s reads %s, but %s has %u dimension%s; put a reshape before it",
                        layer->kind->name,
                        form == NN_POOL_IMAGE      ? "an image CxHxW"
                        : form == NN_POOL_SEQUENCE ? "a sequence TxF"
                                                   : "an image CxHxW or a sequence TxF",
                        input->name, dims, dims == 1 ? "" : "s");
}

/* An axis with its size and window; out is not known yet. */
static struct nn_axis
axis_of(const struct nn_layer *layer, const struct nn_layer *input, enum nn_pool_form form,
        uint32_t axis)
{
    struct nn_pool_options o;
    bool                   image = input->shape.dims == 3;
    uint32_t               at    = image ? axis : 0;
    struct nn_axis         a = {.size   = image ? input->shape.dim[1 + axis] : input->shape.dim[0],
                                .kernel = 1,
                                .stride = 1,
                                .dilation = 1};
    memcpy(&o, layer->options, sizeof o);
    if (!image && axis == 0) {
        a.size = 1;
        return a;
    }
    if (form == NN_POOL_IMAGE || form == NN_POOL_SEQUENCE) {
        a.kernel = o.kernel[at];
        a.stride = o.stride[at] == 0 ? o.kernel[at] : o.stride[at];
        a.pad    = o.pad[at];
    }
    return a;
}

static enum pn_status
fit_window(struct nn_axis *a, const struct nn_layer *layer, const struct nn_layer *input,
           struct pn_error *why)
{
    struct nn_pool_options o;
    memcpy(&o, layer->options, sizeof o);
    if (a->pad >= a->kernel && a->pad > 0)
        return pn_error_set(why, PN_ECONFIG,
                            "pad=%u: expected less than the kernel %u, or windows hold nothing but "
                            "padding",
                            a->pad, a->kernel);
    return nn_axis_fit(a, o.same == 1, input->name, why);
}

static enum pn_status
fit(struct nn_axis axis[2], const struct nn_layer *layer, const struct nn_layer *input,
    enum nn_pool_form form, struct pn_error *why)
{
    const struct nn_shape *given = &layer->given;
    enum pn_status         st    = PN_OK;
    for (uint32_t k = 0; k < 2 && st == PN_OK; k++) {
        axis[k] = axis_of(layer, input, form, k);
        if (form == NN_POOL_IMAGE || (form == NN_POOL_SEQUENCE && k == 1))
            st = fit_window(&axis[k], layer, input, why);
        else if (form == NN_POOL_ADAPTIVE && (input->shape.dims == 3 || k == 1))
            axis[k].out = given->dim[given->dims == 2 ? k : 0];
        else
            axis[k].out = 1;
    }
    return st;
}

enum pn_status
nn_pool_shape(struct nn_layer *layer, const struct nn_layer *input, enum nn_pool_form form,
              struct pn_error *why)
{
    struct nn_axis axis[2];
    enum pn_status st = check_input(layer, input, form, why);
    if (st == PN_OK && form == NN_POOL_ADAPTIVE && layer->given.dims == 2 && input->shape.dims == 2)
        return pn_error_set(why, PN_ECONFIG, "%s is a sequence: expected one size, seen %ux%u",
                            input->name, layer->given.dim[0], layer->given.dim[1]);
    if (st == PN_OK)
        st = fit(axis, layer, input, form, why);
    if (st != PN_OK)
        return st;
    if (form == NN_POOL_GLOBAL)
        layer->shape =
            (struct nn_shape){1, {input->shape.dim[input->shape.dims == 3 ? 0 : 1], 0, 0}};
    else if (input->shape.dims == 3)
        layer->shape = (struct nn_shape){3, {input->shape.dim[0], axis[0].out, axis[1].out}};
    else
        layer->shape = (struct nn_shape){2, {axis[1].out, input->shape.dim[1], 0}};
    return PN_OK;
}

struct nn_pool
nn_pool_of(const struct nn_layer *layer, const struct nn_layer *input, enum nn_pool_form form)
{
    struct nn_pool  pool    = {.form = form};
    struct pn_error ignored = {.text = ""};
    bool            image   = input->shape.dims == 3;
    PN_ASSERT(fit(pool.axis, layer, input, form, &ignored) == PN_OK); /* SAFE: as in shape */
    pool.channels    = input->shape.dim[image ? 0 : 1];
    pool.pixel       = image ? 1 : pool.channels;
    pool.channel_in  = image ? (size_t)pool.axis[0].size * pool.axis[1].size : 1;
    pool.channel_out = image ? (size_t)pool.axis[0].out * pool.axis[1].out : 1;
    return pool;
}

struct nn_span
nn_pool_span(const struct nn_pool *pool, uint32_t axis, uint32_t j)
{
    const struct nn_axis *a = &pool->axis[axis];
    if (pool->form == NN_POOL_ADAPTIVE || pool->form == NN_POOL_GLOBAL) {
        uint64_t end = ((uint64_t)j + 1) * a->size + a->out - 1;
        return (struct nn_span){(uint32_t)((uint64_t)j * a->size / a->out),
                                (uint32_t)(end / a->out)};
    }
    uint32_t from = j * a->stride, to = from + a->kernel - a->pad;
    return (struct nn_span){from > a->pad ? from - a->pad : 0, to < a->size ? to : a->size};
}
