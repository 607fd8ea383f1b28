/*
 * Losses of numbers, each number of the output for itself; r = o - t:
 *
 * mse          r^2                                       Gaussian of one variance; mean over all
 * half_sse     r^2 / 2, summed over a record's numbers   the cost of LeCun et al., 1998: n / 2 mse
 * mae          |r|                                       Laplace; slope 0 at 0
 * huber        r^2 / 2 within +-d, d (|r| - d/2) beyond  Huber, 1964; d = `delta`
 * smooth_l1    r^2 / 2b within +-b, |r| - b/2 beyond     Girshick, 2015: huber / b; b = `beta`
 * quantile     q max(-r, 0) + (1 - q) max(r, 0)          Koenker and Bassett, 1978; slope 0 at 0
 * poisson_nll  e^o - t o                                 o is the log of a rate, t a count >= 0;
 *              + t log t - t + log(2 pi t) / 2 where t > 1, with full=yes (Stirling)
 *              e^o goes on as its tangent from o = 70 on, so that an extreme output stays finite.
 * gaussian_nll (s + r^2 e^-s) / 2 [+ log(2 pi) / 2]      s = log variance. The output's first half
 *              are means, its second half their log variances; s counts as at least log(floor).
 */
#include "nnlib/loss.h"

#include <string.h>

struct options {
    struct nn_loss_common common;
    double                number; /* delta, beta, q or floor */
    uint32_t              full;
};
_Static_assert(sizeof(struct options) <= NN_OPTIONS_MAX, "options fit");

static const char *const no_yes[] = {"no", "yes", NULL};

#define NUMBER(label, start, least, most)                                                          \
    {                                                                                              \
        .name = label, .fallback = start, .kind = NN_OPTION_NUMBER,                                \
        .offset = offsetof(struct options, number), .min = least, .max = most                      \
    }
#define FULL                                                                                       \
    {                                                                                              \
        .name = "full", .fallback = "no", .kind = NN_OPTION_WORD,                                  \
        .offset = offsetof(struct options, full), .words = no_yes                                  \
    }
static const struct nn_option huber_options[] = {
    NN_LOSS_COMMON_OPTIONS, NUMBER("delta", "1", 1e-6, 1e6), {0}};
static const struct nn_option smooth_options[] = {
    NN_LOSS_COMMON_OPTIONS, NUMBER("beta", "1", 1e-6, 1e6), {0}};
static const struct nn_option quantile_options[] = {
    NN_LOSS_COMMON_OPTIONS, NUMBER("q", "0.5", 0, 1), {0}};
static const struct nn_option poisson_options[]  = {NN_LOSS_COMMON_OPTIONS, FULL, {0}};
static const struct nn_option gaussian_options[] = {
    NN_LOSS_COMMON_OPTIONS, NUMBER("floor", "1e-6", 1e-30, 1), FULL, {0}};

/* The part of the options that a loss looks at, at our precision. */
struct knob {
    nn_real number;
    bool    full;
};

/* Options that a kind's table does not name are 0. */
static struct knob
knob_of(const struct nn_loss_call *call)
{
    struct options options;
    memcpy(&options, call->options, sizeof options);
    return (struct knob){.number = (nn_real)options.number, .full = options.full != 0};
}

/* The walk over all numbers; `times` is 1, or the record's size for a sum over it. */
#define WALK(name, times)                                                                          \
    static double name##_value(const struct nn_loss_call *call)                                    \
    {                                                                                              \
        const struct knob knob = knob_of(call);                                                    \
        uint32_t          n    = call->size;                                                       \
        double            part = (times)*nn_loss_share(call, n, n), sum = 0;                       \
        for (uint32_t b = 0; b < call->rows; b++) {                                                \
            double w = part * nn_loss_weight(call, b), row = 0;                                    \
            for (size_t k = (size_t)b * n; k < ((size_t)b + 1) * n; k++) {                         \
                nn_real t = call->target[k], slope = NN_R(0.0);                                    \
                if (!nn_loss_skips(call, t))                                                       \
                    row += (double)name##_one(&slope, call->output[k], t, knob);                   \
                if (call->gradient != NULL)                                                        \
                    call->gradient[k] = (nn_real)w * slope;                                        \
            }                                                                                      \
            sum += w * row;                                                                        \
        }                                                                                          \
        return sum;                                                                                \
    }

#define KIND(label, table, check_scores, check_target)                                             \
    const struct nn_loss_kind nn_##label##_kind = {.name        = #label,                          \
                                                   .options     = table,                           \
                                                   .check       = nn_loss_any_size,                \
                                                   .target_size = nn_loss_same,                    \
                                                   .class_count = nn_loss_none,                    \
                                                   .value       = label##_value,                   \
                                                   .scores      = check_scores,                    \
                                                   .accepts     = check_target}

static inline nn_real
mse_one(nn_real *slope, nn_real o, nn_real t, struct knob knob)
{
    (void)knob;
    nn_real r = o - t;
    *slope    = r + r;
    return r * r;
}
WALK(mse, 1)
KIND(mse, nn_loss_common_table, nn_loss_plain_scores, nn_loss_takes_numbers);

static inline nn_real
half_sse_one(nn_real *slope, nn_real o, nn_real t, struct knob knob)
{
    (void)knob;
    nn_real r = o - t;
    *slope    = r;
    return NN_R(0.5) * r * r;
}
WALK(half_sse, n)
KIND(half_sse, nn_loss_common_table, nn_loss_plain_scores, nn_loss_takes_numbers);

static inline nn_real
sign(nn_real r)
{
    return r > NN_R(0.0) ? NN_R(1.0) : r < NN_R(0.0) ? -NN_R(1.0) : NN_R(0.0);
}

static inline nn_real
mae_one(nn_real *slope, nn_real o, nn_real t, struct knob knob)
{
    (void)knob;
    *slope = sign(o - t);
    return nn_fabs(o - t);
}
WALK(mae, 1)
KIND(mae, nn_loss_common_table, nn_loss_plain_scores, nn_loss_takes_numbers);

static inline nn_real
huber_one(nn_real *slope, nn_real o, nn_real t, struct knob knob)
{
    nn_real r = o - t, d = knob.number, far = nn_fabs(r);
    *slope = far <= d ? r : d * sign(r);
    return far <= d ? NN_R(0.5) * r * r : d * (far - NN_R(0.5) * d);
}
WALK(huber, 1)
KIND(huber, huber_options, nn_loss_plain_scores, nn_loss_takes_numbers);

static inline nn_real
smooth_l1_one(nn_real *slope, nn_real o, nn_real t, struct knob knob)
{
    nn_real r = o - t, b = knob.number, far = nn_fabs(r);
    *slope = far < b ? r / b : sign(r);
    return far < b ? NN_R(0.5) * r * r / b : far - NN_R(0.5) * b;
}
WALK(smooth_l1, 1)
KIND(smooth_l1, smooth_options, nn_loss_plain_scores, nn_loss_takes_numbers);

static inline nn_real
quantile_one(nn_real *slope, nn_real o, nn_real t, struct knob knob)
{
    nn_real r = o - t, q = knob.number;
    *slope = r > NN_R(0.0) ? NN_R(1.0) - q : r < NN_R(0.0) ? -q : NN_R(0.0);
    return r * *slope;
}
WALK(quantile, 1)
KIND(quantile, quantile_options, nn_loss_plain_scores, nn_loss_takes_numbers);

static const nn_real rate_limit      = NN_R(70.0); /* e^70 = 2.5e30, far below float's 3.4e38 */
static const nn_real two_pi          = NN_R(6.28318530717958647693);
static const nn_real half_log_two_pi = NN_R(0.91893853320467274178);

/* e^x, from the limit on its tangent there. */
static inline nn_real
rate_of(nn_real x)
{
    return x <= rate_limit ? nn_exp(x) : nn_exp(rate_limit) * (NN_R(1.0) + x - rate_limit);
}

static inline nn_real
poisson_nll_one(nn_real *slope, nn_real o, nn_real t, struct knob knob)
{
    nn_real loss = rate_of(o) - t * o;
    *slope       = nn_exp(o < rate_limit ? o : rate_limit) - t;
    if (knob.full && t > NN_R(1.0))
        loss += t * nn_log(t) - t + NN_R(0.5) * nn_log(two_pi * t);
    return loss;
}

WALK(poisson_nll, 1)

static void
poisson_scores(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size)
{
    for (size_t k = 0; k < (size_t)rows * size; k++)
        out[k] = rate_of(output[k]);
}

static bool
takes_counts(const void *options, nn_real target, uint32_t size)
{
    (void)size;
    return (target >= NN_R(0.0) && isfinite(target)) || nn_loss_takes_missing(options, target);
}

KIND(poisson_nll, poisson_options, poisson_scores, takes_counts);

/* ---- a mean and a log variance for each target ---- */

static enum pn_status
pairs(const void *options, uint32_t size, const char *layer, struct pn_error *why)
{
    (void)options;
    if (size % 2 == 0)
        return PN_OK;
    return pn_error_set(why, PN_ECONFIG,
                        "gaussian_nll reads a mean and a log variance for each target, but %s has "
                        "%u numbers; make it twice the number of targets",
                        layer, size);
}

static uint32_t
half(uint32_t size)
{
    return size / 2;
}

static inline nn_real
gaussian_one(nn_real slope[2], const nn_real *o, uint32_t n, nn_real t, nn_real floor_log)
{
    nn_real r = o[0] - t, s = o[n] < floor_log ? floor_log : o[n], precision = nn_exp(-s);
    nn_real square = r * r * precision;
    slope[0]       = r * precision;
    slope[1]       = NN_R(0.5) * (NN_R(1.0) - square);
    return NN_R(0.5) * (s + square);
}

static double
gaussian_value(const struct nn_loss_call *call)
{
    const struct knob knob      = knob_of(call);
    uint32_t          n         = call->size / 2;
    nn_real           floor_log = nn_log(knob.number);
    nn_real           constant  = knob.full ? half_log_two_pi : NN_R(0.0);
    double            part = nn_loss_share(call, n, n), sum = 0;
    for (uint32_t b = 0; b < call->rows; b++) {
        double w = part * nn_loss_weight(call, b);
        for (uint32_t j = 0; j < n; j++) {
            size_t  at       = (size_t)b * 2 * n + j;
            nn_real t        = call->target[(size_t)b * n + j];
            nn_real slope[2] = {NN_R(0.0), NN_R(0.0)};
            if (!nn_loss_skips(call, t))
                sum += w *
                       (double)(constant + gaussian_one(slope, call->output + at, n, t, floor_log));
            if (call->gradient == NULL)
                continue;
            call->gradient[at]     = (nn_real)w * slope[0];
            call->gradient[at + n] = (nn_real)w * slope[1];
        }
    }
    return sum;
}

/* The means. */
static void
gaussian_scores(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size)
{
    for (uint32_t b = 0; b < rows; b++)
        memcpy(out + (size_t)b * (size / 2), output + (size_t)b * size, size / 2 * sizeof *out);
}

const struct nn_loss_kind nn_gaussian_nll_kind = {.name        = "gaussian_nll",
                                                  .options     = gaussian_options,
                                                  .check       = pairs,
                                                  .target_size = half,
                                                  .class_count = nn_loss_none,
                                                  .value       = gaussian_value,
                                                  .scores      = gaussian_scores,
                                                  .accepts     = nn_loss_takes_numbers};
