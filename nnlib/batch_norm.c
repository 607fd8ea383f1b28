/*
 * Batch norm (Ioffe and Szegedy 2015): every channel is normalised over the batch, its positions
 * and its area, n numbers in all.
 *
 *     training    m, v = mean and biased variance of the batch
 *     evaluation  m, v = running_mean, running_var
 *     y = (x - m) / sqrt(v + eps) weight + bias
 *     dx = weight r (dy - mean(dy) - xn mean(dy xn))      r = 1 / sqrt(v + eps), xn = (x - m) r
 *     dweight = sum dy xn        dbias = sum dy
 *     settle:  running = (1 - new_frac) running + new_frac (m, v n / (n - 1))
 *
 * The running variance is unbiased, as PyTorch's (features.md, convention 14); a channel of one
 * number tells nothing of the variance, so settle then leaves both as they are. Roles: stats=local
 * keeps the statistics at the site, and with affine=local weight and bias too (FedBN, Li et al.
 * 2021); stats=buffer lets them be aggregated.
 */
#include "nnlib/channels.h"

#include <string.h>

struct options {
    double   eps, new_frac;
    uint32_t stats, affine;
};
_Static_assert(sizeof(struct options) <= NN_OPTIONS_MAX, "options fit");

enum {
    AFFINE_NO,
    AFFINE_YES,
    AFFINE_LOCAL
};
static const char *const      stats_names[]  = {"local", "buffer", NULL};
static const char *const      affine_names[] = {"no", "yes", "local", NULL};
static const struct nn_option table[]        = {
           {"stats", "local", NN_OPTION_WORD, offsetof(struct options, stats), 0, 0, stats_names},
           {"affine", "yes", NN_OPTION_WORD, offsetof(struct options, affine), 0, 0, affine_names},
           {"new_frac", "0.1", NN_OPTION_NUMBER, offsetof(struct options, new_frac), 0, 1, NULL},
           {"eps", "1e-5", NN_OPTION_NUMBER, offsetof(struct options, eps), 1e-12, 1, NULL},
           {0}};

static struct options
options_of(const struct nn_layer *layer)
{
    struct options options;
    memcpy(&options, layer->options, sizeof options);
    return options;
}

static void
manifest(struct nn_manifest *out, struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    struct options   o   = options_of(layer);
    struct nn_tensor row = {.role    = o.affine == AFFINE_LOCAL ? NN_LOCAL : NN_SHARED,
                            .dims    = 1,
                            .dim     = {(uint32_t)nn_channels_of(&inputs[0]->shape).count},
                            .fan_in  = 1,
                            .fan_out = 1};
    if (o.affine != AFFINE_NO) {
        nn_manifest_add(out, layer, "weight", &row, (struct nn_init){NN_INIT_CONSTANT, 1});
        nn_manifest_add(out, layer, "bias", &row, (struct nn_init){NN_INIT_ZERO, 0});
    }
    row.role = o.stats == 0 ? NN_LOCAL : NN_BUFFER;
    nn_manifest_add(out, layer, "running_mean", &row, (struct nn_init){NN_INIT_ZERO, 0});
    nn_manifest_add(out, layer, "running_var", &row, (struct nn_init){NN_INIT_CONSTANT, 1});
}

/* The layer's tensors, and the numbers of a batch as (blocks, channels, area). */
struct view {
    size_t         blocks, channels, area;
    bool           affine;
    const nn_real *weight, *bias; /* NULL without */
    uint32_t       mean, var;     /* numbers of the running tensors */
};

static struct view
view_of(const struct nn_call *call)
{
    struct nn_channels c    = nn_channels_of(&call->layer->shape);
    struct view        view = {.blocks   = call->rows * c.positions,
                               .channels = c.count,
                               .area     = c.area,
                               .affine   = call->layer->tensor_count == 4};
    view.mean               = view.affine ? 2 : 0;
    view.var                = view.mean + 1;
    view.weight             = view.affine ? call->w[0] : NULL;
    view.bias               = view.affine ? call->w[1] : NULL;
    return view;
}

/* Mean, 1 / deviation and unbiased variance of each channel. */
static size_t
keep_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
           enum nn_mode mode)
{
    (void)inputs;
    (void)batch;
    return mode == NN_TRAIN ? 3 * nn_channels_of(&layer->shape).count * sizeof(nn_real) : 0;
}

/* Two sums of each channel in double, then up to four numbers of each. */
static size_t
scratch_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
              enum nn_mode mode)
{
    (void)inputs;
    (void)batch;
    (void)mode;
    return nn_channels_of(&layer->shape).count * (2 * sizeof(double) + 4 * sizeof(nn_real));
}

/* sum[c] = sum over blocks and area of x, or of (x - mean[c])^2 */
static void
sum_channels(double *sum, const struct view *view, const nn_real *x, const nn_real *mean)
{
    size_t channels = view->channels;
    memset(sum, 0, channels * sizeof *sum);
    for (size_t r = 0; r < view->blocks; r++, x += channels * view->area)
        if (view->area > 1)
            for (size_t c = 0; c < channels; c++)
                sum[c] += (double)(mean == NULL
                                       ? nn_sum(x + c * view->area, view->area)
                                       : nn_sum_squares(x + c * view->area, mean[c], view->area));
        else if (mean == NULL)
            for (size_t c = 0; c < channels; c++)
                sum[c] += (double)x[c];
        else
            for (size_t c = 0; c < channels; c++)
                sum[c] += (double)((x[c] - mean[c]) * (x[c] - mean[c]));
}

/* Statistics of the batch into `keep`. */
static void
measure(const struct nn_call *call, const struct view *view)
{
    size_t   channels = view->channels;
    double  *sum = call->scratch, eps = options_of(call->layer).eps;
    double   n    = (double)(view->blocks * view->area);
    nn_real *mean = call->keep, *r = mean + channels, *unbiased = r + channels;
    sum_channels(sum, view, call->x[0], NULL);
    for (size_t c = 0; c < channels; c++)
        mean[c] = (nn_real)(sum[c] / n);
    sum_channels(sum, view, call->x[0], mean);
    for (size_t c = 0; c < channels; c++) {
        r[c]        = (nn_real)(1 / sqrt(sum[c] / n + eps));
        unbiased[c] = n > 1 ? (nn_real)(sum[c] / (n - 1)) : NN_R(0.0);
    }
}

/* y = (x - mean) scale + shift */
static void
stretch(nn_real *y, const nn_real *x, const struct view *view, const nn_real *mean,
        const nn_real *scale, const nn_real *shift)
{
    size_t channels = view->channels, area = view->area;
    for (size_t r = 0; r < view->blocks; r++, x += channels * area, y += channels * area)
        if (area == 1)
            for (size_t c = 0; c < channels; c++)
                y[c] = (x[c] - mean[c]) * scale[c] + shift[c];
        else
            for (size_t c = 0; c < channels; c++)
                for (size_t k = c * area; k < (c + 1) * area; k++)
                    y[k] = (x[k] - mean[c]) * scale[c] + shift[c];
}

static void
forward(const struct nn_call *call)
{
    struct view    view  = view_of(call);
    size_t         n     = view.channels;
    nn_real        eps   = (nn_real)options_of(call->layer).eps;
    nn_real       *scale = (nn_real *)((double *)call->scratch + 2 * n), *shift = scale + n;
    const nn_real *mean = call->w[view.mean], *var = call->w[view.var], *r = NULL;
    if (call->mode == NN_TRAIN) {
        measure(call, &view);
        mean = call->keep;
        r    = mean + n;
    }
    for (size_t c = 0; c < n; c++) {
        nn_real own = r != NULL ? r[c] : NN_R(1.0) / nn_sqrt(var[c] + eps);
        scale[c]    = view.affine ? own * view.weight[c] : own;
        shift[c]    = view.affine ? view.bias[c] : NN_R(0.0);
    }
    stretch(call->y, call->x[0], &view, mean, scale, shift);
}

/* level[c] = sum dy, slope[c] = sum dy (x - mean) */
static void
sum_gradients(double *level, double *slope, const struct nn_call *call, const struct view *view)
{
    size_t         channels = view->channels, area = view->area;
    const nn_real *x = call->x[0], *dy = call->dy, *mean = call->keep;
    memset(level, 0, channels * sizeof *level);
    memset(slope, 0, channels * sizeof *slope);
    for (size_t r = 0; r < view->blocks; r++, x += channels * area, dy += channels * area)
        if (area == 1)
            for (size_t c = 0; c < channels; c++) {
                level[c] += (double)dy[c];
                slope[c] += (double)(dy[c] * (x[c] - mean[c]));
            }
        else
            for (size_t c = 0; c < channels; c++) {
                level[c] += (double)nn_sum(dy + c * area, area);
                slope[c] += (double)nn_sum_product(dy + c * area, x + c * area, mean[c], area);
            }
}

/* dx = scale (dy - level - (x - mean) slope), or += */
static void
give(const struct nn_call *call, const struct view *view, const nn_real *scale,
     const nn_real *level, const nn_real *slope)
{
    size_t         channels = view->channels, area = view->area;
    const nn_real *x = call->x[0], *dy = call->dy, *mean = call->keep;
    nn_real       *dx    = call->dx[0];
    size_t         count = channels * area;
    if (!call->add[0])
        memset(dx, 0, view->blocks * count * sizeof *dx);
    for (size_t r = 0; r < view->blocks; r++, x += count, dy += count, dx += count)
        if (area == 1)
            for (size_t c = 0; c < channels; c++)
                dx[c] += scale[c] * (dy[c] - level[c] - (x[c] - mean[c]) * slope[c]);
        else
            for (size_t c = 0; c < channels; c++)
                for (size_t k = c * area; k < (c + 1) * area; k++)
                    dx[k] += scale[c] * (dy[k] - level[c] - (x[k] - mean[c]) * slope[c]);
}

/* The running tensors have no gradient: with stats=local they count as trained, with gradient 0. */
static void
blend_nothing(nn_real *dw, size_t count, nn_real beta)
{
    for (size_t c = 0; dw != NULL && c < count; c++)
        dw[c] = beta == NN_R(0.0) ? NN_R(0.0) : beta * dw[c];
}

static void
backward(const struct nn_call *call)
{
    struct view    view  = view_of(call);
    size_t         n     = view.channels;
    double        *level = call->scratch, *slope = level + n;
    double         count = (double)(view.blocks * view.area);
    const nn_real *r     = (const nn_real *)call->keep + n;
    nn_real       *scale = (nn_real *)(slope + n), *mean_level = scale + n;
    nn_real       *mean_slope = mean_level + n, *dweight = mean_slope + n;
    sum_gradients(level, slope, call, &view);
    for (size_t c = 0; c < n; c++) {
        scale[c]      = view.affine ? r[c] * view.weight[c] : r[c];
        mean_level[c] = (nn_real)(level[c] / count);
        mean_slope[c] = (nn_real)(slope[c] / count) * r[c] * r[c];
        dweight[c]    = (nn_real)slope[c] * r[c];
    }
    if (call->dx[0] != NULL)
        give(call, &view, scale, mean_level, mean_slope);
    if (view.affine && call->dw[0] != NULL) {
        for (size_t c = 0; c < n; c++)
            scale[c] = (nn_real)level[c];
        nn_blend(call->dw[0], dweight, n, call->alpha, call->beta[0]);
        nn_blend(call->dw[1], scale, n, call->alpha, call->beta[1]);
    }
    blend_nothing(call->dw[view.mean], n, call->beta[view.mean]);
    blend_nothing(call->dw[view.var], n, call->beta[view.var]);
}

static void
settle(const struct nn_call *call, nn_real *const *w)
{
    struct view    view = view_of(call);
    nn_real        part = (nn_real)options_of(call->layer).new_frac;
    const nn_real *mean = call->keep, *var = mean + 2 * view.channels;
    if (call->mode != NN_TRAIN || view.blocks * view.area < 2)
        return;
    for (size_t c = 0; c < view.channels; c++) {
        w[view.mean][c] = (NN_R(1.0) - part) * w[view.mean][c] + part * mean[c];
        w[view.var][c]  = (NN_R(1.0) - part) * w[view.var][c] + part * var[c];
    }
}

static uint64_t
flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    (void)inputs;
    return 3 * (uint64_t)layer->size;
}

const struct nn_layer_kind nn_batch_norm_kind = {.name          = "batch_norm",
                                                 .options       = table,
                                                 .inputs_min    = 1,
                                                 .inputs_max    = 1,
                                                 .mixes_rows    = true,
                                                 .manifest      = manifest,
                                                 .keep_bytes    = keep_bytes,
                                                 .scratch_bytes = scratch_bytes,
                                                 .forward       = forward,
                                                 .backward      = backward,
                                                 .settle        = settle,
                                                 .flops         = flops};
