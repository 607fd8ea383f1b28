/*
 * Values put together and taken apart; "channels" are the last dimension of a (F) or (T, F), the
 * first of a (C, H, W).
 *
 *     concat A B...       the channels of A, then those of B, ...
 *     slice A SIZE        SIZE channels, from number `from` on
 *     multiply A B        y = a b, number by number (a gate)     da = dy b, db = dy a
 *     scale A             y = by a                               da = by dy
 */
#include "nnlib/channels.h"

#include <string.h>

static const struct nn_option no_options[] = {{0}};

/* The shape of `like` with another number of channels. */
static struct nn_shape
with_channels(const struct nn_shape *like, size_t channels)
{
    struct nn_shape shape                           = *like;
    shape.dim[like->dims == 3 ? 0 : like->dims - 1] = (uint32_t)channels;
    return shape;
}

/* ---- concat ---- */

static enum pn_status
concat_shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    uint64_t channels = 0;
    for (uint32_t i = 0; i < layer->input_count; i++) {
        struct nn_channels c     = nn_channels_of(&inputs[i]->shape);
        struct nn_shape    alike = with_channels(&inputs[0]->shape, c.count);
        if (memcmp(&alike, &inputs[i]->shape, sizeof alike) != 0)
            return pn_error_set(why, PN_ECONFIG,
                                "%s joins channels, but %s and %s differ in more than their number",
                                layer->name, inputs[0]->name, inputs[i]->name);
        channels += c.count;
    }
    if (channels > NN_SIZE_MAX)
        return pn_error_set(why, PN_ECONFIG, "expected at most %u channels", NN_SIZE_MAX);
    layer->shape = with_channels(&inputs[0]->shape, channels);
    return PN_OK;
}

static void
concat_forward(const struct nn_call *call)
{
    struct nn_channels c      = nn_channels_of(&call->layer->shape);
    size_t             blocks = call->rows * c.positions, whole = c.count * c.area, at = 0;
    for (uint32_t i = 0; i < call->layer->input_count; i++) {
        size_t part = call->input[i]->size / c.positions;
        for (size_t r = 0; r < blocks; r++)
            memcpy(call->y + r * whole + at, call->x[i] + r * part, part * sizeof *call->y);
        at += part;
    }
}

static void
concat_backward(const struct nn_call *call)
{
    struct nn_channels c      = nn_channels_of(&call->layer->shape);
    size_t             blocks = call->rows * c.positions, whole = c.count * c.area, at = 0;
    for (uint32_t i = 0; i < call->layer->input_count; i++) {
        size_t part = call->input[i]->size / c.positions;
        for (size_t r = 0; call->dx[i] != NULL && r < blocks; r++)
            nn_give(call->dx[i] + r * part, call->dy + r * whole + at, part, call->add[i]);
        at += part;
    }
}

const struct nn_layer_kind nn_concat_kind = {.name       = "concat",
                                             .options    = no_options,
                                             .inputs_min = 2,
                                             .inputs_max = NN_INPUTS_MAX,
                                             .shape      = concat_shape,
                                             .forward    = concat_forward,
                                             .backward   = concat_backward};

/* ---- slice ---- */

static const struct nn_option slice_options[] = {
    {"from", "0", NN_OPTION_COUNT, 0, 0, NN_SIZE_MAX, NULL}, {0}};

static uint32_t
from_of(const struct nn_layer *layer)
{
    uint32_t from;
    memcpy(&from, layer->options, sizeof from);
    return from;
}

static enum pn_status
slice_shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    struct nn_channels c    = nn_channels_of(&inputs[0]->shape);
    uint32_t           from = from_of(layer), count = layer->given.dim[0];
    if (from >= c.count || count > c.count - from)
        return pn_error_set(why, PN_ECONFIG,
                            "%s takes channels %u..%llu, but %s has only %zu (0..%zu)", layer->name,
                            from, (unsigned long long)from + count - 1, inputs[0]->name, c.count,
                            c.count - 1);
    layer->shape = with_channels(&inputs[0]->shape, count);
    return PN_OK;
}

static void
slice_forward(const struct nn_call *call)
{
    struct nn_channels c     = nn_channels_of(&call->input[0]->shape);
    size_t             whole = c.count * c.area, part = call->layer->size / c.positions;
    const nn_real     *x = call->x[0] + from_of(call->layer) * c.area;
    for (size_t r = 0; r < call->rows * c.positions; r++)
        memcpy(call->y + r * part, x + r * whole, part * sizeof *x);
}

static void
slice_backward(const struct nn_call *call)
{
    struct nn_channels c     = nn_channels_of(&call->input[0]->shape);
    size_t             whole = c.count * c.area, part = call->layer->size / c.positions;
    size_t             at = from_of(call->layer) * c.area, blocks = call->rows * c.positions;
    nn_real           *dx = call->dx[0];
    if (dx != NULL && !call->add[0])
        memset(dx, 0, blocks * whole * sizeof *dx);
    for (size_t r = 0; dx != NULL && r < blocks; r++)
        nn_give(dx + r * whole + at, call->dy + r * part, part, true);
}

const struct nn_layer_kind nn_slice_kind = {.name       = "slice",
                                            .options    = slice_options,
                                            .inputs_min = 1,
                                            .inputs_max = 1,
                                            .size_dims  = 1,
                                            .shape      = slice_shape,
                                            .forward    = slice_forward,
                                            .backward   = slice_backward};

/* ---- multiply ---- */

static enum pn_status
multiply_shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    if (memcmp(&inputs[0]->shape, &inputs[1]->shape, sizeof inputs[0]->shape) != 0)
        return pn_error_set(why, PN_ECONFIG,
                            "%s multiplies values of one shape, but %s has %u numbers and %s has "
                            "%u, or they are arranged otherwise",
                            layer->name, inputs[0]->name, inputs[0]->size, inputs[1]->name,
                            inputs[1]->size);
    layer->shape = inputs[0]->shape;
    return PN_OK;
}

static void
multiply_forward(const struct nn_call *call)
{
    size_t count = (size_t)call->rows * call->layer->size;
    for (size_t k = 0; k < count; k++)
        call->y[k] = call->x[0][k] * call->x[1][k];
}

static void
multiply_backward(const struct nn_call *call)
{
    size_t count = (size_t)call->rows * call->layer->size;
    for (uint32_t i = 0; i < 2; i++) {
        const nn_real *other = call->x[1 - i], *dy = call->dy;
        nn_real       *dx = call->dx[i];
        if (dx != NULL && call->add[i])
            for (size_t k = 0; k < count; k++)
                dx[k] += dy[k] * other[k];
        else if (dx != NULL)
            for (size_t k = 0; k < count; k++)
                dx[k] = dy[k] * other[k];
    }
}

const struct nn_layer_kind nn_multiply_kind = {.name       = "multiply",
                                               .options    = no_options,
                                               .inputs_min = 2,
                                               .inputs_max = 2,
                                               .shape      = multiply_shape,
                                               .forward    = multiply_forward,
                                               .backward   = multiply_backward};

/* ---- scale ---- */

static const struct nn_option scale_options[] = {{"by", "1", NN_OPTION_NUMBER, 0, -1e6, 1e6, NULL},
                                                 {0}};

static nn_real
by_of(const struct nn_layer *layer)
{
    double by;
    memcpy(&by, layer->options, sizeof by);
    return (nn_real)by;
}

static void
scale_forward(const struct nn_call *call)
{
    size_t  count = (size_t)call->rows * call->layer->size;
    nn_real by    = by_of(call->layer);
    for (size_t k = 0; k < count; k++)
        call->y[k] = by * call->x[0][k];
}

static void
scale_backward(const struct nn_call *call)
{
    if (call->dx[0] != NULL)
        nn_blend(call->dx[0], call->dy, (size_t)call->rows * call->layer->size, by_of(call->layer),
                 call->add[0] ? NN_R(1.0) : NN_R(0.0));
}

const struct nn_layer_kind nn_scale_kind = {.name       = "scale",
                                            .options    = scale_options,
                                            .inputs_min = 1,
                                            .inputs_max = 1,
                                            .forward    = scale_forward,
                                            .backward   = scale_backward};
