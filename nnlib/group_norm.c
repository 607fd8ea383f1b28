/*
 * Normalisation within a record: layer norm (Ba et al. 2016) and group norm (Wu and He 2018).
 *
 * The numbers of a record fall into sets; with m and v the mean and (biased) variance of a set
 *
 *     n = (x - m) / sqrt(v + eps)          y = n weight[c] + bias[c]
 *     dx = r (g - mean(g) - n mean(g n))   g = dy weight[c],  r = 1 / sqrt(v + eps)
 *     dweight[c] = sum dy n                dbias[c] = sum dy
 *
 *     layer_norm   a set is all F numbers of a (F) or of one position of a (T, F), or all of a
 *                  (C, H, W); a weight a number of the set, as PyTorch's LayerNorm
 *     group_norm   a set is one of `groups` groups of channels (of one position); a weight a
 *                  channel, as PyTorch's GroupNorm. groups = channels is instance norm.
 */
#include "nnlib/channels.h"

#include <string.h>

struct options {
    double   eps;
    uint32_t affine, groups;
};
_Static_assert(sizeof(struct options) <= NN_OPTIONS_MAX, "options fit");

static const char *const yes_no[] = {"no", "yes", NULL};
#define EPS                                                                                        \
    {                                                                                              \
        "eps", "1e-5", NN_OPTION_NUMBER, offsetof(struct options, eps), 1e-12, 1, NULL             \
    }
#define AFFINE                                                                                     \
    {                                                                                              \
        "affine", "yes", NN_OPTION_WORD, offsetof(struct options, affine), 0, 0, yes_no            \
    }
static const struct nn_option layer_options[] = {EPS, AFFINE, {0}};
static const struct nn_option group_options[] = {
    {"groups", "1", NN_OPTION_COUNT, offsetof(struct options, groups), 1, NN_SIZE_MAX, NULL},
    EPS,
    AFFINE,
    {0}};

static struct options
options_of(const struct nn_layer *layer)
{
    struct options options;
    memcpy(&options, layer->options, sizeof options);
    return options;
}

/* Set s of a record is the numbers from s * channels * area on; its weights begin at
 * (s % groups) * channels. */
struct sets {
    size_t count, groups, channels, area, size;
};

static struct sets
sets_of(const struct nn_layer *layer)
{
    struct nn_channels c    = nn_channels_of(&layer->shape);
    struct sets        sets = {c.positions, 1, c.count * c.area, 1, 0};
    if (layer->kind == &nn_group_norm_kind) {
        size_t groups = options_of(layer).groups;
        sets          = (struct sets){c.positions * groups, groups, c.count / groups, c.area, 0};
    }
    sets.size = sets.channels * sets.area;
    return sets;
}

static size_t
weights_of(const struct nn_layer *layer)
{
    struct sets sets = sets_of(layer);
    return options_of(layer).affine == 1 ? sets.groups * sets.channels : 0;
}

static enum pn_status
group_shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    struct nn_channels c      = nn_channels_of(&inputs[0]->shape);
    uint32_t           groups = options_of(layer).groups;
    if (c.count % groups != 0)
        return pn_error_set(why, PN_ECONFIG,
                            "groups: expected a divisor of the %zu channels of %s, seen %u",
                            c.count, inputs[0]->name, groups);
    if (c.count * c.area == groups)
        return pn_error_set(why, PN_ECONFIG,
                            "groups: expected groups of several numbers, but each of the %u groups "
                            "of %s would be one number, which normalises to 0",
                            groups, inputs[0]->name);
    layer->shape = inputs[0]->shape;
    return PN_OK;
}

static void
manifest(struct nn_manifest *out, struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    const struct nn_shape *in  = &inputs[0]->shape;
    struct nn_tensor       row = {.role = NN_SHARED, .dims = 1, .fan_in = 1, .fan_out = 1};
    size_t                 own = weights_of(layer);
    if (own == 0)
        return;
    row.dim[0] = (uint32_t)own;
    if (layer->kind == &nn_layer_norm_kind && in->dims == 3) {
        row.dims = 3;
        memcpy(row.dim, in->dim, sizeof in->dim);
    }
    nn_manifest_add(out, layer, "weight", &row, (struct nn_init){NN_INIT_CONSTANT, 1});
    nn_manifest_add(out, layer, "bias", &row, (struct nn_init){NN_INIT_ZERO, 0});
}

/* Mean and 1 / deviation of every set, from forward to backward. */
static size_t
keep_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
           enum nn_mode mode)
{
    (void)inputs;
    return mode == NN_TRAIN ? 2 * batch * sets_of(layer).count * sizeof(nn_real) : 0;
}

/* One set, and the gradients of weight and bias. */
static size_t
scratch_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
              enum nn_mode mode)
{
    (void)inputs;
    (void)batch;
    return mode == NN_TRAIN ? (sets_of(layer).size + 2 * weights_of(layer)) * sizeof(nn_real) : 0;
}

/* y = (x - mean) r weight + bias of one set; weight NULL: 1 and 0. */
static void
stretch(nn_real *y, const nn_real *x, const struct sets *sets, const nn_real *weight,
        const nn_real *bias, nn_real mean, nn_real r)
{
    if (weight == NULL)
        for (size_t k = 0; k < sets->size; k++)
            y[k] = (x[k] - mean) * r;
    else if (sets->area == 1)
        for (size_t k = 0; k < sets->size; k++)
            y[k] = (x[k] - mean) * r * weight[k] + bias[k];
    else
        for (size_t c = 0; c < sets->channels; c++, x += sets->area, y += sets->area)
            for (size_t k = 0; k < sets->area; k++)
                y[k] = (x[k] - mean) * (r * weight[c]) + bias[c];
}

static void
forward(const struct nn_call *call)
{
    struct sets sets = sets_of(call->layer);
    nn_real     eps = (nn_real)options_of(call->layer).eps, n = (nn_real)sets.size;
    bool        affine = call->layer->tensor_count > 0;
    nn_real    *keep   = call->keep;
    for (size_t s = 0; s < call->rows * sets.count; s++) {
        const nn_real *x    = call->x[0] + s * sets.size;
        size_t         at   = s % sets.groups * sets.channels;
        nn_real        mean = nn_sum(x, sets.size) / n;
        nn_real        r    = NN_R(1.0) / nn_sqrt(nn_sum_squares(x, mean, sets.size) / n + eps);
        stretch(call->y + s * sets.size, x, &sets, affine ? call->w[0] + at : NULL,
                affine ? call->w[1] + at : NULL, mean, r);
        if (keep == NULL)
            continue;
        keep[2 * s]     = mean;
        keep[2 * s + 1] = r;
    }
}

/* g = dy weight of one set. */
static void
times_weight(nn_real *g, const nn_real *dy, const struct sets *sets, const nn_real *weight)
{
    if (weight == NULL)
        memcpy(g, dy, sets->size * sizeof *g);
    else if (sets->area == 1)
        for (size_t k = 0; k < sets->size; k++)
            g[k] = dy[k] * weight[k];
    else
        for (size_t c = 0; c < sets->channels; c++)
            for (size_t k = c * sets->area; k < (c + 1) * sets->area; k++)
                g[k] = dy[k] * weight[c];
}

/* The gradient of set s's numbers. */
static void
set_gradient(const struct nn_call *call, const struct sets *sets, size_t s)
{
    const nn_real *x = call->x[0] + s * sets->size, *dy = call->dy + s * sets->size;
    const nn_real *keep = call->keep, *weight = NULL;
    nn_real       *dx = call->dx[0] + s * sets->size, *g = call->scratch;
    nn_real        mean = keep[2 * s], r = keep[2 * s + 1], n = (nn_real)sets->size;
    if (call->layer->tensor_count > 0)
        weight = call->w[0] + s % sets->groups * sets->channels;
    times_weight(g, dy, sets, weight);
    nn_real level = nn_sum(g, sets->size) / n;
    nn_real slope = nn_sum_product(g, x, mean, sets->size) * r * r / n;
    if (call->add[0])
        for (size_t k = 0; k < sets->size; k++)
            dx[k] += r * (g[k] - level - (x[k] - mean) * slope);
    else
        for (size_t k = 0; k < sets->size; k++)
            dx[k] = r * (g[k] - level - (x[k] - mean) * slope);
}

/* Adds one record's part to dweight and dbias. */
static void
add_weights(nn_real *dweight, nn_real *dbias, const struct nn_call *call, const struct sets *sets,
            size_t record)
{
    const nn_real *keep = call->keep;
    for (size_t s = record * sets->count; s < (record + 1) * sets->count; s++) {
        const nn_real *x = call->x[0] + s * sets->size, *dy = call->dy + s * sets->size;
        nn_real       *dw   = dweight + s % sets->groups * sets->channels;
        nn_real       *db   = dbias + s % sets->groups * sets->channels;
        nn_real        mean = keep[2 * s], r = keep[2 * s + 1];
        if (sets->area == 1)
            for (size_t k = 0; k < sets->size; k++) {
                dw[k] += dy[k] * ((x[k] - mean) * r);
                db[k] += dy[k];
            }
        else
            for (size_t c = 0; c < sets->channels; c++) {
                size_t at = c * sets->area;
                dw[c] += nn_sum_product(dy + at, x + at, mean, sets->area) * r;
                db[c] += nn_sum(dy + at, sets->area);
            }
    }
}

static void
backward(const struct nn_call *call)
{
    struct sets sets    = sets_of(call->layer);
    size_t      own     = weights_of(call->layer);
    nn_real    *dweight = (nn_real *)call->scratch + sets.size, *dbias = dweight + own;
    for (size_t s = 0; call->dx[0] != NULL && s < call->rows * sets.count; s++)
        set_gradient(call, &sets, s);
    if (own == 0 || call->dw[0] == NULL)
        return;
    memset(dweight, 0, 2 * own * sizeof *dweight);
    for (uint32_t b = 0; b < call->rows; b++)
        add_weights(dweight, dbias, call, &sets, b);
    nn_blend(call->dw[0], dweight, own, call->alpha, call->beta[0]);
    nn_blend(call->dw[1], dbias, own, call->alpha, call->beta[1]);
}

static void
row_norms(const struct nn_call *call, double *norm2)
{
    struct sets sets    = sets_of(call->layer);
    size_t      own     = weights_of(call->layer);
    nn_real    *dweight = (nn_real *)call->scratch + sets.size;
    for (uint32_t b = 0; own > 0 && b < call->rows; b++) {
        memset(dweight, 0, 2 * own * sizeof *dweight);
        add_weights(dweight, dweight + own, call, &sets, b);
        norm2[b] += nn_squared(dweight, 2 * own);
    }
}

/* Two passes for mean and variance, one to write. */
static uint64_t
flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    (void)inputs;
    return 8 * (uint64_t)layer->size;
}

const struct nn_layer_kind nn_layer_norm_kind = {.name          = "layer_norm",
                                                 .options       = layer_options,
                                                 .inputs_min    = 1,
                                                 .inputs_max    = 1,
                                                 .manifest      = manifest,
                                                 .keep_bytes    = keep_bytes,
                                                 .scratch_bytes = scratch_bytes,
                                                 .forward       = forward,
                                                 .backward      = backward,
                                                 .row_norms     = row_norms,
                                                 .flops         = flops};

const struct nn_layer_kind nn_group_norm_kind = {.name          = "group_norm",
                                                 .options       = group_options,
                                                 .inputs_min    = 1,
                                                 .inputs_max    = 1,
                                                 .shape         = group_shape,
                                                 .manifest      = manifest,
                                                 .keep_bytes    = keep_bytes,
                                                 .scratch_bytes = scratch_bytes,
                                                 .forward       = forward,
                                                 .backward      = backward,
                                                 .row_norms     = row_norms,
                                                 .flops         = flops};
