/*
 * upsample: every position becomes scale (height x width) positions of the same value (nearest).
 *     y[c, s i + k] = x[c, i],   dx[c, i] = sum_k dy[c, s i + k]      (C, H, W), or (T, F) over T
 * depth_to_space: blocks of channels become blocks of pixels, as PyTorch's PixelShuffle.
 *     y[c, r i + p, r j + q] = x[c r^2 + r p + q, i, j]
 */
#include "nnlib/layer.h"

#include <string.h>

enum {
    SCALE_MAX = 64
};

static const struct nn_option upsample_options[] = {
    {.name = "scale", .fallback = "2", .kind = NN_OPTION_PAIR, .min = 1, .max = SCALE_MAX}, {0}};
static const struct nn_option space_options[] = {
    {.name = "block", .fallback = "2", .kind = NN_OPTION_COUNT, .min = 1, .max = SCALE_MAX}, {0}};

/* A value as planes of rows of pixels of numbers that stay together. */
struct grid {
    size_t planes, height, width, numbers;
    size_t y, x; /* the scale */
};

static struct grid
grid_of(const struct nn_layer *layer, const struct nn_shape *in)
{
    uint32_t scale[2];
    memcpy(scale, layer->options, sizeof scale);
    if (in->dims == 3)
        return (struct grid){in->dim[0], in->dim[1], in->dim[2], 1, scale[0], scale[1]};
    return (struct grid){1, 1, in->dim[0], in->dim[1], 1, scale[0]};
}

static enum pn_status
upsample_shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    const struct nn_shape *in = &inputs[0]->shape;
    uint32_t               scale[2];
    memcpy(scale, layer->options, sizeof scale);
    if (in->dims < 2 || (in->dims == 2 && scale[0] != scale[1]))
        return pn_error_set(why, PN_ECONFIG,
                            "upsample reads an image CxHxW, or a sequence TxF with one scale; %s "
                            "has %u dimension%s",
                            inputs[0]->name, in->dims, in->dims == 1 ? "" : "s");
    layer->shape = *in;
    if (in->dims == 2)
        layer->shape.dim[0] *= scale[0];
    for (uint32_t k = 0; in->dims == 3 && k < 2; k++)
        layer->shape.dim[1 + k] *= scale[k];
    return PN_OK;
}

static void
upsample_forward(const struct nn_call *call)
{
    struct grid g     = grid_of(call->layer, &call->input[0]->shape);
    size_t      lines = call->rows * g.planes * g.height * g.y;
    size_t      wide  = g.width * g.x * g.numbers;
    for (size_t line = 0; line < lines; line++) {
        const nn_real *x = call->x[0] + line / g.y * g.width * g.numbers;
        nn_real       *y = call->y + line * wide;
        for (size_t i = 0; i < g.width * g.x; i++)
            for (size_t k = 0; k < g.numbers; k++)
                y[i * g.numbers + k] = x[i / g.x * g.numbers + k];
    }
}

static void
upsample_backward(const struct nn_call *call)
{
    struct grid g     = grid_of(call->layer, &call->input[0]->shape);
    size_t      lines = call->rows * g.planes * g.height * g.y;
    size_t      wide  = g.width * g.x * g.numbers;
    if (call->dx[0] == NULL)
        return;
    if (!call->add[0])
        memset(call->dx[0], 0, (size_t)call->rows * call->input[0]->size * sizeof(nn_real));
    for (size_t line = 0; line < lines; line++) {
        nn_real       *dx = call->dx[0] + line / g.y * g.width * g.numbers;
        const nn_real *dy = call->dy + line * wide;
        for (size_t i = 0; i < g.width * g.x; i++)
            for (size_t k = 0; k < g.numbers; k++)
                dx[i / g.x * g.numbers + k] += dy[i * g.numbers + k];
    }
}

const struct nn_layer_kind nn_upsample_kind = {.name       = "upsample",
                                               .options    = upsample_options,
                                               .inputs_min = 1,
                                               .inputs_max = 1,
                                               .shape      = upsample_shape,
                                               .forward    = upsample_forward,
                                               .backward   = upsample_backward};

static uint32_t
block_of(const struct nn_layer *layer)
{
    uint32_t block;
    memcpy(&block, layer->options, sizeof block);
    return block;
}

static enum pn_status
space_shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    const struct nn_shape *in    = &inputs[0]->shape;
    uint32_t               block = block_of(layer);
    if (in->dims != 3 || in->dim[0] % (block * block) != 0)
        return pn_error_set(why, PN_ECONFIG,
                            "depth_to_space reads an image CxHxW with a multiple of %u channels, "
                            "seen %u dimension%s and %u channels in %s",
                            block * block, in->dims, in->dims == 1 ? "" : "s", in->dim[0],
                            inputs[0]->name);
    layer->shape = (struct nn_shape){
        3, {in->dim[0] / (block * block), in->dim[1] * block, in->dim[2] * block}};
    return PN_OK;
}

/* Where in the input the numbers of line `line` (of all rows and channels of the output) begin for
 * column residue q; their neighbours lie together. */
static size_t
space_from(const struct nn_call *call, size_t line, size_t q)
{
    const struct nn_shape *in = &call->input[0]->shape, *out = &call->layer->shape;
    size_t r = block_of(call->layer), plane = line / out->dim[1], y = line % out->dim[1];
    return ((plane * r * r + y % r * r + q) * in->dim[1] + y / r) * in->dim[2];
}

static void
space_forward(const struct nn_call *call)
{
    size_t r = block_of(call->layer), width = call->input[0]->shape.dim[2];
    size_t lines = call->rows * (call->layer->size / (width * r));
    for (size_t line = 0; line < lines; line++)
        for (size_t q = 0; q < r; q++) {
            const nn_real *x = call->x[0] + space_from(call, line, q);
            for (size_t j = 0; j < width; j++)
                call->y[(line * width + j) * r + q] = x[j];
        }
}

static void
space_backward(const struct nn_call *call)
{
    size_t r = block_of(call->layer), width = call->input[0]->shape.dim[2];
    size_t lines = call->rows * (call->layer->size / (width * r));
    for (size_t line = 0; call->dx[0] != NULL && line < lines; line++)
        for (size_t q = 0; q < r; q++) {
            nn_real *dx = call->dx[0] + space_from(call, line, q);
            for (size_t j = 0; j < width; j++)
                dx[j] = (call->add[0] ? dx[j] : NN_R(0.0)) + call->dy[(line * width + j) * r + q];
        }
}

const struct nn_layer_kind nn_depth_to_space_kind = {.name       = "depth_to_space",
                                                     .options    = space_options,
                                                     .inputs_min = 1,
                                                     .inputs_max = 1,
                                                     .shape      = space_shape,
                                                     .forward    = space_forward,
                                                     .backward   = space_backward};
