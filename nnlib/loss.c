/* Losses: the mean over rows, weighted where the batch has weights; sums in double. */
#include "nnlib/layer.h"
#include "nnlib/vmath.h"

#include <string.h>

static double
weight_of(const struct nn_loss_call *call, uint32_t row)
{
    return call->weight != NULL ? (double)call->weight[row] : 1.0;
}

/* What a row's loss is multiplied with: 1 / (sum of weights); 0 when all weights are 0, so that
 * such a batch has loss 0 and gradient 0. */
static double
share(const struct nn_loss_call *call)
{
    double total = 0;
    for (uint32_t b = 0; b < call->rows; b++)
        total += weight_of(call, b);
    return total == 0 ? 0 : 1 / total;
}

static uint32_t
one(uint32_t size)
{
    (void)size;
    return 1;
}

static uint32_t
same(uint32_t size)
{
    return size;
}

static uint32_t
two(uint32_t size)
{
    (void)size;
    return 2;
}

static uint32_t
none(uint32_t size)
{
    (void)size;
    return 0;
}

/* ---- binary cross-entropy of logits ----
 *
 *     l(z,t)  = p t softplus(-z) + (1 - t) softplus(z)        p = `positive`
 *     dl/dz   = (1 - t) s(z) - p t s(-z)                      s = sigmoid
 */

struct bce_options {
    double positive;
};
static const struct nn_option bce_options[] = {{.name     = "positive",
                                                .fallback = "1",
                                                .kind     = NN_OPTION_NUMBER,
                                                .offset   = offsetof(struct bce_options, positive),
                                                .min      = 1e-6,
                                                .max      = 1e6},
                                               {0}};

static enum pn_status
bce_check(uint32_t size, const char *layer, struct pn_error *why)
{
    if (size == 1)
        return PN_OK;
    return pn_error_set(why, PN_ECONFIG,
                        "bce_logits reads one number a record, but %s has %u; "
                        "make it 1, or use cce_logits for %u classes",
                        layer, size, size);
}

static bool
is_share(nn_real target, uint32_t size)
{
    (void)size;
    return target >= NN_R(0.0) && target <= NN_R(1.0);
}

static double
bce_value(const struct nn_loss_call *call)
{
    double  positive, part = share(call), sum = 0;
    nn_real p;
    memcpy(&positive, call->options, sizeof positive);
    p = (nn_real)positive;
    for (uint32_t b = 0; b < call->rows; b++) {
        nn_real z = call->output[b], t = call->target[b];
        nn_real e = nn_exp(-nn_fabs(z)), on = p * t, off = NN_R(1.0) - t;
        double  w    = part * weight_of(call, b);
        nn_real loss = (z < NN_R(0.0) ? -z * on : z * off) + (on + off) * nn_log1p(e);
        sum += w * (double)loss;
        if (call->gradient == NULL)
            continue;
        nn_real near = NN_R(1.0) / (NN_R(1.0) + e), far = e * near; /* s(|z|), s(-|z|) */
        nn_real slope     = z < NN_R(0.0) ? off * far - on * near : off * near - on * far;
        call->gradient[b] = (nn_real)w * slope;
    }
    return sum;
}

static void
bce_scores(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size)
{
    (void)size;
    for (uint32_t b = 0; b < rows; b++)
        out[b] = nn_sigmoid(output[b]);
}

const struct nn_loss_kind nn_bce_logits_kind = {.name        = "bce_logits",
                                                .options     = bce_options,
                                                .check       = bce_check,
                                                .target_size = one,
                                                .class_count = two,
                                                .value       = bce_value,
                                                .scores      = bce_scores,
                                                .accepts     = is_share};

/* ---- categorical cross-entropy of logits: log(sum_j e^z[j]) - z[t]; gradient softmax - onehot
 * ---- */

static const struct nn_option no_options[] = {{0}};

static enum pn_status
cce_check(uint32_t size, const char *layer, struct pn_error *why)
{
    if (size >= 2)
        return PN_OK;
    return pn_error_set(why, PN_ECONFIG,
                        "cce_logits reads one number a class, but %s has only %u; "
                        "give it the number of classes, or use bce_logits",
                        layer, size);
}

static bool
is_class(nn_real target, uint32_t size)
{
    /* SAFE: the range is checked before the conversion. */
    return target >= NN_R(0.0) && target < (nn_real)size && (nn_real)(uint32_t)target == target;
}

static nn_real
log_sum_exp(const nn_real *z, uint32_t size)
{
    enum {
        STRETCH = 64
    };
    nn_real max = z[0], sum = NN_R(0.0), e[STRETCH];
    for (uint32_t j = 1; j < size; j++)
        max = z[j] > max ? z[j] : max;
    for (uint32_t at = 0; at < size; at += STRETCH) {
        uint32_t here = size - at < STRETCH ? size - at : STRETCH;
        for (uint32_t j = 0; j < here; j++)
            e[j] = z[at + j] - max;
        nn_vmath_exp(e, e, here);
        for (uint32_t j = 0; j < here; j++)
            sum += e[j];
    }
    return max + nn_log(sum);
}

static double
cce_value(const struct nn_loss_call *call)
{
    uint32_t n    = call->size;
    double   part = share(call), sum = 0;
    for (uint32_t b = 0; b < call->rows; b++) {
        const nn_real *z   = call->output + (size_t)b * n;
        nn_real       *g   = call->gradient != NULL ? call->gradient + (size_t)b * n : NULL;
        double         w   = part * weight_of(call, b);
        bool           ok  = is_class(call->target[b], n);
        uint32_t       t   = ok ? (uint32_t)call->target[b] : 0;
        nn_real        lse = g != NULL ? nn_softmax_row(g, z, n) : log_sum_exp(z, n);
        sum += ok ? w * (double)(lse - z[t]) : (double)NAN;
        if (g == NULL)
            continue;
        g[t] = ok ? g[t] - NN_R(1.0) : (nn_real)NAN;
        for (uint32_t j = 0; j < n; j++)
            g[j] *= (nn_real)w;
    }
    return sum;
}

/* Two classes: the share of class 1, as for bce_logits; more: all shares. */
static void
cce_scores(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size)
{
    for (uint32_t b = 0; b < rows; b++) {
        const nn_real *z = output + (size_t)b * size;
        if (size == 2)
            out[b] = nn_sigmoid(z[1] - z[0]);
        else
            (void)nn_softmax_row(out + (size_t)b * size, z, size);
    }
}

const struct nn_loss_kind nn_cce_logits_kind = {.name        = "cce_logits",
                                                .options     = no_options,
                                                .check       = cce_check,
                                                .target_size = one,
                                                .class_count = same,
                                                .value       = cce_value,
                                                .scores      = cce_scores,
                                                .accepts     = is_class};

/* ---- mean squared error: sum_j (o[j] - t[j])^2 / size ---- */

static enum pn_status
mse_check(uint32_t size, const char *layer, struct pn_error *why)
{
    (void)size;
    (void)layer;
    (void)why;
    return PN_OK;
}

static bool
is_number(nn_real target, uint32_t size)
{
    (void)size;
    return isfinite(target);
}

/* sum_j (o[j] - t[j])^2, in four sums side by side. */
static double
square_distance(const nn_real *o, const nn_real *t, uint32_t count)
{
    double   sum[4] = {0};
    uint32_t whole  = count & ~3u;
    for (uint32_t j = 0; j < whole; j += 4)
        for (uint32_t k = 0; k < 4; k++) {
            double d = (double)(o[j + k] - t[j + k]);
            sum[k] += d * d;
        }
    for (uint32_t j = whole; j < count; j++)
        sum[0] += (double)(o[j] - t[j]) * (double)(o[j] - t[j]);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double
mse_value(const struct nn_loss_call *call)
{
    uint32_t n    = call->size;
    double   part = share(call) / n, sum = 0;
    for (uint32_t b = 0; b < call->rows; b++) {
        const nn_real *o = call->output + (size_t)b * n, *t = call->target + (size_t)b * n;
        double         w = part * weight_of(call, b);
        sum += w * square_distance(o, t, n);
        if (call->gradient == NULL)
            continue;
        nn_real *g = call->gradient + (size_t)b * n;
        for (uint32_t j = 0; j < n; j++)
            g[j] = (nn_real)(2 * w) * (o[j] - t[j]);
    }
    return sum;
}

static void
mse_scores(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size)
{
    memcpy(out, output, (size_t)rows * size * sizeof *out);
}

const struct nn_loss_kind nn_mse_kind = {.name        = "mse",
                                         .options     = no_options,
                                         .check       = mse_check,
                                         .target_size = same,
                                         .class_count = none,
                                         .value       = mse_value,
                                         .scores      = mse_scores,
                                         .accepts     = is_number};
