/*
 * PReLU (He et al. 2015): y = x where x > 0, else w x; a slope w for each channel or one for all.
 *
 *     dx = dy (x > 0 ? 1 : w)        dw = sum over x <= 0 of dy x
 */
#include "nnlib/channels.h"

#include <string.h>

struct options {
    double   start;
    uint32_t one;
};
static const char *const      words[] = {"channel", "one", NULL};
static const struct nn_option table[] = {
    {"slopes", "channel", NN_OPTION_WORD, offsetof(struct options, one), 0, 0, words},
    {"start", "0.25", NN_OPTION_NUMBER, offsetof(struct options, start), -1, 1, NULL},
    {0}};

/* The slopes are not decayed: 0 is no better a slope than another. */
static void
manifest(struct nn_manifest *out, struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct options o;
    memcpy(&o, layer->options, sizeof o);
    size_t           count = o.one == 1 ? 1 : nn_channels_of(&inputs[0]->shape).count;
    struct nn_tensor row   = {
          .role = NN_SHARED, .dims = 1, .dim = {(uint32_t)count}, .fan_in = 1, .fan_out = 1};
    nn_manifest_add(out, layer, "weight", &row, (struct nn_init){NN_INIT_CONSTANT, o.start});
}

/* A value is blocks of channels; with one slope, a record is a block of one channel. */
struct view {
    size_t blocks, channels, area;
};

static struct view
view_of(const struct nn_call *call)
{
    struct options     o;
    struct nn_channels c = nn_channels_of(&call->layer->shape);
    memcpy(&o, call->layer->options, sizeof o);
    if (o.one == 1)
        return (struct view){call->rows, 1, call->layer->size};
    return (struct view){call->rows * c.positions, c.count, c.area};
}

static size_t
scratch_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
              enum nn_mode mode)
{
    (void)inputs;
    (void)batch;
    (void)mode;
    return nn_channels_of(&layer->shape).count * sizeof(nn_real);
}

/* Choices, not branches, so that the loops become vectors. */
static inline nn_real
bend(nn_real x, nn_real slope)
{
    nn_real bent = slope * x;
    return x < NN_R(0.0) ? bent : x;
}

static inline nn_real
slope_at(nn_real x, nn_real slope)
{
    return x > NN_R(0.0) ? NN_R(1.0) : slope;
}

static void
forward(const struct nn_call *call)
{
    struct view    v = view_of(call);
    const nn_real *x = call->x[0], *w = call->w[0];
    nn_real       *y     = call->y;
    size_t         count = v.channels * v.area;
    for (size_t r = 0; r < v.blocks; r++, x += count, y += count)
        if (v.area == 1)
            for (size_t c = 0; c < v.channels; c++)
                y[c] = bend(x[c], w[c]);
        else
            for (size_t c = 0; c < v.channels; c++)
                for (size_t k = c * v.area; k < (c + 1) * v.area; k++)
                    y[k] = bend(x[k], w[c]);
}

static void
give(const struct nn_call *call, const struct view *v)
{
    const nn_real *x = call->x[0], *dy = call->dy, *w = call->w[0];
    nn_real       *dx    = call->dx[0];
    size_t         count = v->channels * v->area;
    if (!call->add[0])
        memset(dx, 0, v->blocks * count * sizeof *dx);
    for (size_t r = 0; r < v->blocks; r++, x += count, dy += count, dx += count)
        if (v->area == 1)
            for (size_t c = 0; c < v->channels; c++)
                dx[c] += dy[c] * slope_at(x[c], w[c]);
        else
            for (size_t c = 0; c < v->channels; c++)
                for (size_t k = c * v->area; k < (c + 1) * v->area; k++)
                    dx[k] += dy[k] * slope_at(x[k], w[c]);
}

static inline nn_real
below(nn_real x)
{
    return x > NN_R(0.0) ? NN_R(0.0) : x;
}

static nn_real
sum_below(const nn_real *dy, const nn_real *x, size_t count)
{
    nn_real lane[NN_LANES] = {0};
    size_t  k              = 0;
    for (; k + NN_LANES <= count; k += NN_LANES)
        for (size_t l = 0; l < NN_LANES; l++)
            lane[l] += dy[k + l] * below(x[k + l]);
    for (size_t l = 0; k < count; k++, l++)
        lane[l] += dy[k] * below(x[k]);
    return nn_sum_lanes(lane);
}

/* sum[c] = the gradient of the slopes by `blocks` blocks from the first on. */
static void
sum_slopes(nn_real *sum, const struct nn_call *call, const struct view *v, size_t first,
           size_t blocks)
{
    size_t         count = v->channels * v->area;
    const nn_real *x = call->x[0] + first * count, *dy = call->dy + first * count;
    memset(sum, 0, v->channels * sizeof *sum);
    for (size_t r = 0; r < blocks; r++, x += count, dy += count)
        if (v->area == 1)
            for (size_t c = 0; c < v->channels; c++)
                sum[c] += dy[c] * below(x[c]);
        else
            for (size_t c = 0; c < v->channels; c++)
                sum[c] += sum_below(dy + c * v->area, x + c * v->area, v->area);
}

static void
backward(const struct nn_call *call)
{
    struct view v = view_of(call);
    if (call->dx[0] != NULL)
        give(call, &v);
    if (call->dw[0] == NULL)
        return;
    sum_slopes(call->scratch, call, &v, 0, v.blocks);
    nn_blend(call->dw[0], call->scratch, v.channels, call->alpha, call->beta[0]);
}

static void
row_norms(const struct nn_call *call, double *norm2)
{
    struct view v   = view_of(call);
    size_t      per = v.blocks / call->rows;
    for (uint32_t b = 0; b < call->rows; b++) {
        sum_slopes(call->scratch, call, &v, b * per, per);
        norm2[b] += nn_squared(call->scratch, v.channels);
    }
}

const struct nn_layer_kind nn_prelu_kind = {.name          = "prelu",
                                            .options       = table,
                                            .inputs_min    = 1,
                                            .inputs_max    = 1,
                                            .manifest      = manifest,
                                            .scratch_bytes = scratch_bytes,
                                            .forward       = forward,
                                            .backward      = backward,
                                            .row_norms     = row_norms};
